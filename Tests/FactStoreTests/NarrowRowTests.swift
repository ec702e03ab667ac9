// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactSamples
import Foundation
import Testing

@testable import FactStore

@Suite struct NarrowRowTests {
    /// The same letter in one code point and in two is the same to `String`, and not to SQLite.
    @Test func textsThatOnlyLookTheSameStayApart() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        #expect(composed == decomposed && SQLValue(composed) != SQLValue(decomposed))
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = SampleFacts.facts(seed: 41, count: 4)
        for i in facts.indices {
            let text = i % 2 == 0 ? composed : decomposed
            facts[i].head.attribution.task = text
            facts[i].head.attribution.metadata = [("user", text)]
            facts[i].head.path = "/" + text
        }
        for (i, fact) in facts.enumerated() {
            // Two commits, so that what the store remembers is met as well as what a batch does.
            try store.commit(
                facts: i == 0 ? Array(facts.prefix(2)) : [fact], checkpoint: Checkpoint(segment: "a.hot", offset: Int64(i)))
        }
        let rows = try store.runQuery("SELECT id, hex(task), hex(metadata ->> 'user'), hex(path) FROM facts").rows
        func hex(_ text: String) -> SQLValue {
            .text(text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined().uppercased())
        }
        #expect(rows.count == 4)
        for fact in facts {
            let text = fact.head.attribution.task
            let row = try #require(rows.first { $0[0] == .text("\(fact.head.id)") })
            #expect(Array(row.dropFirst()) == [hex(text), hex(text), hex("/" + text)])
        }
    }

    @Test func realisticFactsNeedNothingButTheirRow() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = RealisticFacts.facts(seed: 11, count: 3_000)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        var found: [ExchangeFact] = []
        try store.forEachFact { found.append($0) }
        #expect(found == facts.sorted { ($0.head.startedAtUs, $0.head.id) < ($1.head.startedAtUs, $1.head.id) })
        let more = try store.runQuery("SELECT count(*) FROM fact_more").rows[0][0].integer ?? 0
        #expect(more <= 3, "rates and spans are found for nearly all: \(more)")
        let view = try store.runQuery(
            "SELECT sum(cost_total_nanousd), sum(usage_input_uncached), total(tokens_per_second) FROM facts")
        let expected: [SQLValue] = [
            .integer(facts.reduce(0) { $0 + ($1.cost.totalNanousd ?? 0) }),
            .integer(facts.reduce(0) { $0 + ($1.reading.usage.inputUncached ?? 0) }),
        ]
        #expect(Array(view.rows[0].prefix(2)) == expected)
        let rate = facts.reduce(0) { $0 + ($1.reading.tokensPerSecond ?? 0) }
        #expect(abs((view.rows[0][2].number ?? 0) - rate) < rate * 1e-9)
    }

    @Test func everyRateGivesItsCostBack() {
        var samples = SampleFacts(seed: 3)
        var kept = 0
        for _ in 0..<20_000 {
            let tokens = Int64(samples.next(200_000))
            let rate = Int64(samples.next(800_000)) * 25
            guard let cost = TokenRate.cost(of: tokens, at: rate) else { continue }
            guard let found = TokenRate.rate(of: cost, for: tokens) else { continue }
            kept += 1
            #expect(TokenRate.cost(of: tokens, at: found) == cost)
        }
        #expect(kept > 19_000)
        #expect(TokenRate.cost(of: 1, at: 500) == 0 && TokenRate.cost(of: 3, at: 500) == 2 && TokenRate.cost(of: 5, at: 500) == 2)
        #expect(TokenRate.cost(of: Int64.max, at: 2) == nil)
        #expect(TokenRate.rate(of: 5, for: 0) == nil && TokenRate.rate(of: Int64.max, for: 7) == nil)
        #expect(TokenRate.rate(of: -1, for: 7) == nil && TokenRate.rate(of: 0, for: 0) == 0)
    }

    @Test func keysGiveTheirIDsBack() {
        let us: Int64 = 1_795_000_000_123_456
        let own = ExchangeID(milliseconds: UInt64(us / 1_000), random: (7, 8))
        let foreign = ExchangeID(high: 0x0123_4567_89AB_CDEF, low: 0x0011_2233_4455_6677)
        for (id, started, count) in [
            (own, us, 10), (foreign, us, 16), (own, us + 1_000, 16), (own, -5, 16), (foreign, Int64.min, 16),
            (own, Int64.max, 16),
        ] {
            let key = FactKey(id, startedAtUs: started)
            #expect(key.tail.count == count)
            #expect(key.id == id && key.startedAtUs == started)
        }
    }

    @Test func anIDIsStoredOnceWhateverItsStart() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let first = RealisticFacts.facts(seed: 1, count: 1)[0]
        var others = [first, first, first]
        others[1].head.startedAtUs += 1
        others[2].head.startedAtUs += 5_000_000
        for fact in others { try store.commit(facts: [fact], checkpoint: Checkpoint(segment: "a.hot", offset: 1)) }
        #expect(try store.count() == 1)
        var odd = RealisticFacts.facts(seed: 2, count: 1)[0]
        odd.head.startedAtUs -= 5_000_000
        var straight = odd
        straight.head.startedAtUs += 5_000_000
        for fact in [odd, straight] { try store.commit(facts: [fact], checkpoint: Checkpoint(segment: "a.hot", offset: 1)) }
        #expect(try store.count() == 2)
        #expect(try store.fact(odd.head.id) == odd)
        try store.erase([odd.head.id])
        #expect(try store.fact(odd.head.id) == nil && store.count() == 1)
    }

    @Test func whatOnlyAnErasedFactNeededGoesWithIt() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 5, count: 4)
        for i in facts.indices { facts[i].head.attribution.metadata = [("user", i == 3 ? "planted-person" : "other")] }
        facts[3].head.path = "/v1/responses/planted-path"
        facts[3].head.traceID = "planted-trace"
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        #expect(try store.ids(metadata: [("user", "planted-person")]) == [facts[3].head.id])
        try store.erase([facts[3].head.id])
        #expect(try store.count() == 3)
        #expect(try store.ids(metadata: [("user", "other")]).count == 3)
        try store.settle()
        let file = try Data(contentsOf: URL(fileURLWithPath: scratch.index))
        for planted in ["planted-person", "planted-path", "planted-trace"] {
            #expect(file.range(of: Data(planted.utf8)) == nil, "\(planted) is still in the file")
        }
    }

    @Test func anIndexOfVersion1BecomesThisOne() throws {
        let scratch = try ScratchDirectory()
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("fixtures/index")
        try FileManager.default.copyItem(atPath: root.appendingPathComponent("v1.sqlite").path, toPath: scratch.index)
        #expect(throws: FactStoreError.self) { try FactStore.open(path: scratch.index, mode: .readOnly) }
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var lines: [String] = []
        try store.forEachFact { fact in
            var json = JSONWriter()
            fact.write(to: &json)
            lines.append(String(decoding: json.bytes, as: UTF8.self))
        }
        let expected = try String(contentsOf: root.appendingPathComponent("v1.ndjson"), encoding: .utf8)
        #expect(lines.count == 60)
        #expect(lines.sorted() == expected.split(separator: "\n").map(String.init).sorted())
        #expect(
            try store.runQuery("SELECT count(*) FROM sqlite_master WHERE name IN ('fact_1', 'dimension_1', 'metadata_1')").rows
                == [[.integer(0)]])
        #expect(try store.checkpoints().allSatisfy { $0.offset > 0 })
    }
}

@Suite struct RepricingTests {
    @Test func costsFollowThePricesAndRollupsFollowTheCosts() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 41, count: 5_000, stepUs: 2_000_000)
        facts[10].priceVersion = nil
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        let horizonUs = try #require(facts.last).head.startedAtUs + 9_000_000_000
        _ = try store.build(horizonUs: horizonUs)
        func doubled(_ fact: ExchangeFact) -> FactPrice? {
            guard fact.priceVersion != nil, let input = fact.cost.inputNanousd else { return nil }
            var cost = fact.cost
            cost.inputNanousd = input * 2
            cost.totalNanousd = (cost.totalNanousd ?? 0) + input
            return FactPrice(cost: cost, version: "later")
        }
        let sinceUs = facts[2_000].head.startedAtUs
        let report = try store.reprice(sinceUs: sinceUs, untilUs: nil, price: doubled)
        let expected = facts.map { fact -> ExchangeFact in
            guard fact.head.startedAtUs >= sinceUs, let price = doubled(fact) else { return fact }
            var new = fact
            new.cost = price.cost
            new.priceVersion = price.version
            return new
        }
        var found: [ExchangeFact] = []
        try store.forEachFact { found.append($0) }
        #expect(found == expected)
        #expect(report.isComplete && report.facts == facts.count { $0.head.startedAtUs >= sinceUs })
        #expect(report.changed == zip(facts, expected).count { $0 != $1 })
        #expect(
            report.beforeNanousd == facts.filter { $0.head.startedAtUs >= sinceUs }.reduce(0) { $0 + ($1.cost.totalNanousd ?? 0) }
        )
        let total = expected.reduce(0) { $0 + ($1.cost.totalNanousd ?? 0) }
        _ = try store.build(horizonUs: horizonUs)
        #expect(try store.runQuery("SELECT sum(cost_total_nanousd) FROM rollup_hour").rows == [[.integer(total)]])
        #expect(try store.runQuery("SELECT sum(cost_total_nanousd) FROM facts").rows == [[.integer(total)]])
        #expect(try store.reprice(sinceUs: nil, untilUs: nil) { _ in nil }.changed == 0)
    }
}
