// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
package import FactStore
import Foundation

/// Facts drawn from a seed, with nulls, ties and repeated dimensions.
package struct SampleFacts {
    private var state: UInt64

    /// Facts of a seed.
    package init(seed: UInt64) { state = seed }

    /// A number below a bound.
    package mutating func next(_ bound: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % bound
    }

    /// One of some choices.
    package mutating func pick<T>(_ choices: [T]) -> T { choices[Int(next(UInt64(choices.count)))] }

    private mutating func count(null: UInt64 = 4, below: UInt64 = 10_000) -> Int64? { next(null) == 0 ? nil : Int64(next(below)) }

    /// The fact of a number, which makes its id unique.
    package mutating func fact(_ i: Int) -> ExchangeFact {
        let startedAtUs = 1_790_000_000_000_000 + Int64(next(5)) * 43_200_000_000 + Int64(next(50))
        var head = ExchangeHead(
            id: ExchangeID(milliseconds: UInt64(startedAtUs / 1_000), random: (next(4_096), UInt64(i))), node: "n1",
            startedAtUs: startedAtUs, method: "POST", path: "/v1/chat/completions")
        head.attribution.environment = pick([nil, "production", "staging"])
        head.attribution.task = pick(["default", "extract", "sum \"up\" ü"])
        if next(2) == 0 { head.attribution.metadata = [("chat", pick(["a", "b\"c"])), ("user", "\(next(4))")] }
        head.provider = pick(["openai", "anthropic", ""])
        head.api = pick([nil, .openaiChat, .anthropicMessages])
        head.keyID = pick([nil, "k1", "k2"])
        head.status = pick([nil, 200, 200, 200, 429, 500])
        head.outcome = pick(Outcome.allCases)
        head.errorSource = pick([nil, .gateway, .provider])
        head.errorCode = pick([nil, "upstream_timeout"])
        head.upstreamURL = pick([nil, "https://api.example/v1"])
        head.endedUs = next(10) == 0 ? nil : Int64(next(3) == 0 ? next(5) : next(3_000_000))
        head.requestReceivedUs = count()
        head.responseStream = next(2) == 0
        var fact = ExchangeFact(
            head: head,
            location: PayloadLocation(segment: pick(["a.hot", "b.hot"]), frame: Int64(i) * 100, offset: Int64(next(1_000))))
        fact.requestBodyBytes = Int64(next(100_000))
        fact.responseBodyBytes = Int64(next(100_000))
        read(into: &fact)
        return fact
    }

    private mutating func read(into fact: inout ExchangeFact) {
        fact.reading.modelRequested = pick([nil, "m1", "m2", "m3"])
        fact.reading.modelResponded = pick([nil, "m1", "m2-2026", "m3"])
        fact.reading.streamRequested = fact.head.responseStream
        fact.reading.ttftUs = fact.head.responseStream ? count(below: 20) : nil
        fact.reading.tokensPerSecond = pick([nil, 12.5, 0.1])
        for field in TokenUsage.fields { fact.reading.usage[keyPath: field.path] = count() }
        fact.reading.usageSource = pick([.absent, .partial, .reported])
        fact.reading.providerError = pick([nil, nil, "rate_limit"])
        fact.reading.finishReason = pick([nil, "stop"])
        fact.reading.toolCalls = count(below: 3)
        for field in CostBreakdown.fields { fact.cost[keyPath: field.path] = count() }
        fact.priceVersion = pick([nil, "2026-11"])
        fact.overheadUs = count()
        fact.reading.firstVisibleUs = count(below: 50)
        fact.reading.serviceTier = pick([nil, "default", "priority"])
        if next(3) == 0 { fact.reading.finishReason = pick(["length", "MAX_TOKENS", "tool_calls"]) }
        if next(4) == 0 { fact.requestBody.kept = .headTail }
        if next(4) == 0 { fact.responseBody.kept = .none }
    }

    /// Facts of a seed, numbered from 0.
    package static func facts(seed: UInt64, count: Int) -> [ExchangeFact] {
        var samples = SampleFacts(seed: seed)
        return (0..<count).map { samples.fact($0) }
    }
}

/// A directory that goes when its owner goes.
package final class ScratchDirectory: Sendable {
    /// The directory.
    package let path: String

    /// Makes it.
    package init() throws {
        path = NSTemporaryDirectory() + "weir-facts-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// Where the index would lie.
    package var index: String { path + "/index.sqlite" }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension ExchangeFact {
    /// Whether a filter lets the fact pass, said a second time and without SQL.
    package func passes(_ filter: FactFilter) -> Bool {
        let held = Dictionary(uniqueKeysWithValues: head.attribution.metadata.map { ($0.name, $0.value) })
        return (filter.sinceUs.map { head.startedAtUs >= $0 } ?? true) && (filter.untilUs.map { head.startedAtUs < $0 } ?? true)
            && (filter.model.map { reading.modelRequested == $0 || reading.modelResponded == $0 } ?? true)
            && (filter.provider.map { head.provider == $0 } ?? true) && (filter.task.map { head.attribution.task == $0 } ?? true)
            && (filter.environment.map { head.attribution.environment == $0 } ?? true)
            && (filter.status.map { head.status == $0 } ?? true) && (filter.outcome.map { head.outcome == $0 } ?? true)
            && (filter.api.map { head.api?.rawValue == $0 } ?? true) && (filter.key.map { head.keyID == $0 } ?? true)
            && filter.metadata.allSatisfy { held[$0.name] == $0.value }
    }

    /// Filters that each use one key, and some that use several.
    package static var filters: [FactFilter] {
        func filter(_ change: (inout FactFilter) -> Void) -> FactFilter {
            var filter = FactFilter()
            change(&filter)
            return filter
        }
        return [
            FactFilter(), filter { $0.sinceUs = 1_790_043_200_000_000 }, filter { $0.untilUs = 1_790_086_400_000_020 },
            filter { $0.model = "m1" }, filter { $0.provider = "anthropic" }, filter { $0.provider = "" },
            filter { $0.task = "sum \"up\" ü" },
            filter { $0.environment = "staging" }, filter { $0.status = 429 }, filter { $0.outcome = .clientClosed },
            filter { $0.api = "openai-chat" }, filter { $0.key = "k2" }, filter { $0.metadata = [("chat", "b\"c")] },
            filter { $0.metadata = [("chat", "a"), ("user", "2")] }, filter { $0.model = "nobody" },
            filter {
                $0.model = "m3"
                $0.status = 200
                $0.sinceUs = 1_790_043_200_000_000
            },
        ]
    }
}
