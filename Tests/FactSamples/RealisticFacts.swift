// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Facts as providers make them: totals are sums of their parts, costs follow from prices, streams have spans.
package struct RealisticFacts {
    /// Pico-dollars a token: input, cached, cache write, output.
    private static let prices: [String: [Int64]] = [
        "gpt-4o-mini": [150_000, 75_000, 0, 600_000], "claude-sonnet": [3_000_000, 300_000, 3_750_000, 15_000_000],
        "gemini-flash": [37_500, 9_375, 0, 150_000],
    ]
    private var samples: SampleFacts
    private let firstUs: Int64
    private let stepUs: UInt64
    private var startedAtUs: Int64

    /// Facts of a seed.
    ///
    /// - Parameters:
    ///   - seed: draws them.
    ///   - firstUs: when the first began, since the Unix epoch.
    ///   - stepUs: from one to the next, less than so much.
    package init(seed: UInt64, firstUs: Int64 = 1_795_000_000_000_000, stepUs: UInt64 = 40_000) {
        samples = SampleFacts(seed: seed)
        self.firstUs = firstUs
        self.stepUs = stepUs
        startedAtUs = firstUs
    }

    /// The next fact.
    package mutating func next() -> ExchangeFact {
        startedAtUs += Int64(samples.next(stepUs))
        var head = ExchangeHead(
            id: ExchangeID(
                milliseconds: UInt64(startedAtUs / 1_000),
                random: (samples.next(4_096), samples.next(1 << 31) << 20 + samples.next(1 << 31))),
            node: "n1", startedAtUs: startedAtUs, method: "POST", path: "/v1/chat/completions")
        let model = samples.pick(["gpt-4o-mini", "claude-sonnet", "gemini-flash"])
        head.attribution.environment = samples.pick(["production", "staging"])
        head.attribution.task = "task-\(samples.next(9))"
        head.attribution.metadata = [("team", "t\(samples.next(12))")]
        head.provider = samples.pick(["openai", "anthropic"])
        head.api = .openaiChat
        head.keyID = samples.pick(["k1", "k2", "k3", "k4"])
        head.status = samples.next(50) == 0 ? 429 : 200
        head.outcome = .completed
        head.upstreamURL = "https://api.example.com/v1/chat/completions"
        head.responseStream = samples.next(2) == 0
        let received = Int64(samples.next(3_000))
        let first = received + 200 + Int64(samples.next(900_000))
        let ended = first + Int64(samples.next(8_000_000))
        head.requestReceivedUs = received
        head.upstreamSentUs = received + Int64(samples.next(200))
        head.firstByteUs = first
        head.lastByteUs = ended - Int64(samples.next(90))
        head.endedUs = ended
        var fact = ExchangeFact(
            head: head,
            location: PayloadLocation(
                segment: "n1-1-1.hot", frame: Int64(samples.next(1 << 26)), offset: Int64(samples.next(1 << 20))))
        fact.requestBodyBytes = Int64(samples.next(60_000))
        fact.responseBodyBytes = Int64(samples.next(9_000))
        fact.overheadUs = (head.upstreamSentUs ?? 0) - received
        fact.reading.modelRequested = model
        fact.reading.modelResponded = model + "-2026-11-01"
        fact.reading.streamRequested = head.responseStream
        if head.status == 200 {
            answer(&fact, model, first: first, ended: ended)
        } else {
            fact.reading.providerError = "rate_limit"
        }
        return fact
    }

    private mutating func answer(_ fact: inout ExchangeFact, _ model: String, first: Int64, ended: Int64) {
        let input = Int64(20 + samples.next(9_000))
        let cached = samples.next(3) == 0 ? input / 2 : 0
        let write = model == "claude-sonnet" && samples.next(4) == 0 ? input / 4 : 0
        let output = Int64(1 + samples.next(900))
        let reasoning = model == "gpt-4o-mini" && samples.next(4) == 0 ? output / 2 : 0
        var usage = TokenUsage()
        usage.inputTotal = input
        usage.inputCached = cached
        usage.cacheWriteTotal = model == "claude-sonnet" ? write : nil
        usage.cacheWrite5m = usage.cacheWriteTotal
        usage.cacheWrite1h = usage.cacheWriteTotal.map { _ in 0 }
        usage.inputUncached = input - cached - write
        usage.outputTotal = output
        usage.outputReasoning = reasoning
        usage.outputVisible = output - reasoning
        fact.reading.usage = usage
        fact.reading.usageSource = .reported
        fact.reading.finishReason = samples.pick(["stop", "stop", "length", "tool_calls"])
        fact.reading.toolCalls = fact.reading.finishReason == "tool_calls" ? 1 : 0
        if fact.head.responseStream {
            let ttft = first + Int64(samples.next(5_000))
            fact.reading.ttftUs = ttft
            fact.reading.firstVisibleUs = ttft
            let span = max(1, ended - ttft)
            fact.reading.tokensPerSecond = Double(output - 1) * 1_000_000 / Double(span)
        }
        let price = RealisticFacts.prices[model] ?? []
        fact.cost.inputNanousd = RealisticFacts.rounded((input - cached - write) * price[0])
        fact.cost.inputCachedNanousd = RealisticFacts.rounded(cached * price[1])
        fact.cost.cacheWriteNanousd = RealisticFacts.rounded(write * price[2])
        fact.cost.outputNanousd = RealisticFacts.rounded((output - reasoning) * price[3])
        fact.cost.reasoningNanousd = RealisticFacts.rounded(reasoning * price[3])
        fact.cost.totalNanousd = [
            fact.cost.inputNanousd, fact.cost.inputCachedNanousd, fact.cost.cacheWriteNanousd, fact.cost.outputNanousd,
            fact.cost.reasoningNanousd,
        ].reduce(0) { $0 + ($1 ?? 0) }
        fact.priceVersion = "2026-11-01"
    }

    /// Half to even, as an independent calculation: by decimal digits of the remainder.
    private static func rounded(_ pico: Int64) -> Int64 {
        let half = pico % 1_000 * 2
        let down = pico / 1_000
        if half == 1_000 { return down + down % 2 }
        return half > 1_000 ? down + 1 : down
    }

    /// So many facts.
    package static func facts(
        seed: UInt64, count: Int, firstUs: Int64 = 1_795_000_000_000_000, stepUs: UInt64 = 40_000
    ) -> [ExchangeFact] {
        var facts = RealisticFacts(seed: seed, firstUs: firstUs, stepUs: stepUs)
        return (0..<count).map { _ in facts.next() }
    }

    /// Six times 150 facts, a week from the first of each to the first of the next: some two days of traffic, then none.
    ///
    /// - Parameter seed: draws the first week; the numbers after it draw the others.
    /// - Returns: the facts in order of their starts.
    package static func weeks(seed: UInt64) -> [ExchangeFact] {
        (0..<6).flatMap { week in
            facts(
                seed: seed + UInt64(week), count: 150, firstUs: 1_795_000_000_000_000 + Int64(week) * 604_800_000_000,
                stepUs: 2_147_483_648)
        }
    }
}
