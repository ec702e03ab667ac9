// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ExchangeModel
import FactStore
import Foundation
import Platform

/// Fills an index with synthetic exchanges: 200 dimension tuples, lengths drawn from a trace, arrivals spread over days.
struct FactsWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "facts", abstract: "Fill an index with synthetic exchanges, pack and roll it up; prints times and counts.")

    @Option(help: "The data directory to make; its index.sqlite must not be there.") var data: String
    @Option(help: "Exchanges.") var count = 1_000_000
    @Option(help: "Days they are spread over.") var days = 90
    @Option(help: "A CSV file of TIMESTAMP,ContextTokens,GeneratedTokens to draw lengths from.") var lengths: String?
    @Option(help: "Seed.") var seed: UInt64 = 1

    func run() throws {
        guard count > 0, days > 0 else { throw ValidationError("--count and --days take numbers above 0") }
        let index = data + "/index.sqlite"
        guard !FileManager.default.fileExists(atPath: index) else { throw ValidationError("\(index) is there already") }
        try FileManager.default.createDirectory(atPath: data + "/segments", withIntermediateDirectories: true)
        let store = try FactStore.open(path: index, mode: .readWrite)
        var traffic = SyntheticTraffic(
            seed: seed, lengths: try lengths.map(SyntheticTraffic.lengths) ?? [], count: count, days: days)
        let clock = SystemClock()
        let startedUs = clock.monotonicUs
        var left = count
        while left > 0 {
            let batch = (0..<min(left, 1_000)).map { _ in traffic.next() }
            try store.commit(facts: batch, checkpoint: Checkpoint(segment: "bench.hot", offset: Int64(count - left)))
            left -= batch.count
        }
        let storedUs = clock.monotonicUs
        let report = try store.build(horizonUs: Int64.max)
        let builtUs = clock.monotonicUs
        try store.settle()
        let line =
            "{\"facts\":\(count),\"store_us\":\(storedUs - startedUs),\"build_us\":\(builtUs - storedUs),\"chunks\":\(report.chunks),"
            + "\"hours\":\(report.hours),\"days\":\(report.days),\"weeks\":\(report.weeks)}\n"
        try FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
    }
}

/// Exchanges as a team's gateway sees them.
private struct SyntheticTraffic {
    private static let models: [(provider: String, name: String, input: Int64, cached: Int64, output: Int64)] = [
        ("openai", "gpt-4o-mini", 150_000, 75_000, 600_000), ("openai", "gpt-4o", 2_500_000, 1_250_000, 10_000_000),
        ("anthropic", "claude-sonnet", 3_000_000, 300_000, 15_000_000), ("google", "gemini-flash", 37_500, 9_375, 150_000),
        ("groq", "llama-70b", 590_000, 590_000, 790_000),
    ]
    private var random: SplitMix
    private let lengths: [(input: Int64, output: Int64)]
    private let stepUs: Int64
    private var startedAtUs: Int64 = 1_788_000_000_000_000

    init(seed: UInt64, lengths: [(input: Int64, output: Int64)], count: Int, days: Int) {
        random = SplitMix(state: seed)
        self.lengths = lengths
        stepUs = Int64(days) * 86_400_000_000 / Int64(count)
    }

    static func lengths(_ path: String) throws -> [(input: Int64, output: Int64)] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let rows = text.split(whereSeparator: \.isNewline).dropFirst().compactMap { line -> (input: Int64, output: Int64)? in
            let fields = line.split(separator: ",")
            guard fields.count == 3, let input = Int64(fields[1]), let output = Int64(fields[2]) else { return nil }
            return (input, output)
        }
        guard !rows.isEmpty else { throw ValidationError("\(path) has no rows of TIMESTAMP,ContextTokens,GeneratedTokens") }
        return rows
    }

    /// Log-normal: `median` times e to the power of a normal number times `sigma`.
    private mutating func spread(_ median: Double, _ sigma: Double) -> Int64 {
        let normal = (-2 * Foundation.log(random.unit())).squareRoot() * Foundation.cos(2 * .pi * random.unit())
        return Int64(min(median * Foundation.exp(normal * sigma), 1e9))
    }

    mutating func next() -> ExchangeFact {
        startedAtUs += Int64(Double(stepUs) * -Foundation.log(random.unit()))
        let tuple = random.below(200)
        let model = SyntheticTraffic.models[tuple % 5]
        var head = ExchangeHead(
            id: ExchangeID(milliseconds: UInt64(startedAtUs / 1_000), random: (random.next(), random.next())), node: "bench",
            startedAtUs: startedAtUs, method: "POST", path: "/v1/chat/completions")
        head.attribution.environment = tuple / 5 % 2 == 0 ? "production" : "staging"
        head.attribution.task = "task-\(tuple / 10)"
        head.attribution.metadata = [("team", "team-\(random.below(40))")]
        head.provider = model.provider
        head.api = .openaiChat
        head.keyID = "key-\(tuple % 3)"
        head.upstreamURL = "https://api.example.com/v1/chat/completions"
        head.status = 200
        head.outcome = .completed
        head.responseStream = tuple % 2 == 0
        let place = PayloadLocation(
            segment: "bench.hot", frame: Int64(random.below(1 << 26)), offset: Int64(random.below(1 << 20)))
        var fact = ExchangeFact(head: head, location: place)
        let length = lengths.isEmpty ? (spread(900, 1.2), 1 + spread(150, 1)) : lengths[random.below(lengths.count)]
        time(&fact, output: length.1)
        count(&fact, model.name, input: length.0, output: length.1)
        price(&fact, model.input, model.cached, model.output)
        return fact
    }

    private mutating func time(_ fact: inout ExchangeFact, output: Int64) {
        let received = 80 + spread(300, 0.8)
        let sent = received + 40 + spread(60, 0.5)
        let first = sent + spread(420_000, 0.6)
        let span = (output - 1) * spread(14_000, 0.3)
        let last = first + span + spread(900, 0.5)
        fact.head.requestReceivedUs = received
        fact.head.upstreamSentUs = sent
        fact.overheadUs = sent - received
        fact.head.firstByteUs = first
        fact.head.lastByteUs = last
        fact.head.endedUs = last + spread(40, 0.5)
        guard fact.head.responseStream else { return }
        fact.reading.streamRequested = true
        fact.reading.ttftUs = first + spread(700, 0.7)
        fact.reading.firstVisibleUs = fact.reading.ttftUs
        if span > 0 { fact.reading.tokensPerSecond = Double(output - 1) * 1_000_000 / Double(span) }
    }

    private mutating func count(_ fact: inout ExchangeFact, _ model: String, input: Int64, output: Int64) {
        let cached = random.below(3) == 0 ? input / 2 : 0
        let reasoning = random.below(5) == 0 ? output / 3 : 0
        fact.reading.modelRequested = model
        fact.reading.modelResponded = model + "-2026-08-01"
        fact.reading.usage.inputTotal = input
        fact.reading.usage.inputCached = cached
        fact.reading.usage.inputUncached = input - cached
        fact.reading.usage.outputTotal = output
        fact.reading.usage.outputReasoning = reasoning
        fact.reading.usage.outputVisible = output - reasoning
        fact.reading.usageSource = .reported
        fact.reading.finishReason = random.below(12) == 0 ? "length" : "stop"
        fact.reading.toolCalls = 0
        fact.requestBodyBytes = input * 4 + 300
        fact.responseBodyBytes = output * (fact.head.responseStream ? 180 : 5) + 400
    }

    private func price(_ fact: inout ExchangeFact, _ input: Int64, _ cached: Int64, _ output: Int64) {
        func cost(_ tokens: Int64?, _ rate: Int64) -> Int64 { ((tokens ?? 0) * rate + 500) / 1_000 }
        fact.cost.inputNanousd = cost(fact.reading.usage.inputUncached, input)
        fact.cost.inputCachedNanousd = cost(fact.reading.usage.inputCached, cached)
        fact.cost.cacheWriteNanousd = 0
        fact.cost.outputNanousd = cost(fact.reading.usage.outputVisible, output)
        fact.cost.reasoningNanousd = cost(fact.reading.usage.outputReasoning, output)
        fact.cost.toolsNanousd = 0
        fact.cost.totalNanousd =
            (fact.cost.inputNanousd ?? 0) + (fact.cost.inputCachedNanousd ?? 0) + (fact.cost.outputNanousd ?? 0)
            + (fact.cost.reasoningNanousd ?? 0)
        fact.priceVersion = "2026-08-01"
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() >> 33) % bound }

    /// Above 0, at most 1.
    mutating func unit() -> Double { (Double(next() >> 11) + 1) / 9_007_199_254_740_992 }
}
