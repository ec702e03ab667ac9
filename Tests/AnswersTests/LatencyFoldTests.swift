// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactSamples
import FactStore
import Histograms
import NamedQueries
import Testing

@testable import Answers

/// The fold over columns gives the rows of the question's SQL, whatever is packed.
@Suite struct LatencyFoldTests {
    private func expectEqual(_ store: FactStore, _ filter: FactFilter, _ options: AnswerOptions, _ note: String) throws {
        let query = try #require(NamedQueries.find("tail-latency"))
        let given = options.parameters(with: filter)
        let parameters = Dictionary(uniqueKeysWithValues: query.parameters.map { ($0, given[$0] ?? .null) })
        let defined = try store.runQuery(query.sql, parameters: parameters)
        let folded = try LatencyFold.answer(query.header.columns.map(\.name), filter, options, store)
        #expect(folded == defined, "\(note)")
        let scannedTwice = try LatencyFold.answer(query.header.columns.map(\.name), filter, options, store, keptMost: 0)
        #expect(scannedTwice == defined, "\(note), by two scans")
        try expectNear(defined, store, filter, options, note)
    }

    /// From rollups: counts are exact, percentiles at most 0.4 % off, or half a bucket where they are small.
    private func expectNear(
        _ exact: QueryResult, _ store: FactStore, _ filter: FactFilter, _ options: AnswerOptions, _ note: String
    ) throws {
        guard let near = try RollupFold.answer(exact.columns, filter, options, store) else {
            let by = options.by ?? "model"
            let asked = filter.metadata.map(\.name) + (by.hasPrefix("meta.") ? [String(by.dropFirst(5))] : [])
            let declared = try store.readColumns { try $0.declaredKeys() }
            #expect(!asked.allSatisfy(declared.contains), "\(note)")
            return
        }
        try #require(near.rows.count == exact.rows.count, "\(note)")
        for (found, wanted) in zip(near.rows, exact.rows) {
            for (a, b) in zip(found, wanted) where a != b {
                let (a, b) = (try #require(a.integer), try #require(b.integer))
                // Beyond the scale all times are its ends.
                let isOnScale = b >= 0 && b <= HistogramScale.largestValue
                #expect(!isOnScale || abs(a - b) * 250 <= b, "\(note): \(a) for \(b)")
            }
            #expect(found[0] == wanted[0] && found[1] == wanted[1] && found[6] == wanted[6], "\(note)")
        }
    }

    private func expectEqualEverywhere(_ store: FactStore, _ facts: [ExchangeFact], seed: UInt64, spanUs: UInt64 = 6_000_000_000)
        throws
    {
        var samples = SampleFacts(seed: seed)
        let starts = facts.map(\.head.startedAtUs).sorted()
        let ways = ["model", "meta.team", "environment", "hour", "key", "meta.user", "status", "meta.nothing", "day"]
        // The definition takes its time: every second way in turns.
        for (i, by) in ways.enumerated() where i % 2 == Int(seed % 2) {
            var options = AnswerOptions()
            try options.setBy(by)
            try options.setPercentiles(samples.pick(["50,75,90,99", "0.1,99.9", "100", "33.3,66.6,95"]))
            try expectEqual(store, FactFilter(), options, by)
            var nothing = FactFilter()
            nothing.untilUs = 5
            try expectEqual(store, nothing, options, "\(by) of no exchange")
            var filter = FactFilter()
            filter.sinceUs = starts[Int(samples.next(UInt64(starts.count)))]
            filter.untilUs = (filter.sinceUs ?? 0) + Int64(samples.next(spanUs))
            try expectEqual(store, filter, options, "\(by) over a range")
            if samples.next(2) == 0 { filter.metadata = [("team", "t3")] }
            filter.untilUs = nil
            filter.model = samples.pick([nil, "gpt-4o-mini", "claude-sonnet-2026-11-01", "m2"])
            filter.status = samples.pick([nil, 200, 429])
            filter.environment = samples.pick([nil, "production"])
            filter.task = samples.pick([nil, "task-3", "extract"])
            try expectEqual(store, filter, options, "\(by) with filters \(filter)")
        }
    }

    @Test func foldsEqualTheirDefinition() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 31, count: 5_000, stepUs: 3_000_000)
        // Ties, nothing known, times beyond the scale.
        for i in stride(from: 0, to: 5_000, by: 7) { facts[i].head.endedUs = 1_000_000 }
        for i in stride(from: 0, to: 5_000, by: 90) { facts[i].head.endedUs = nil }
        for i in stride(from: 0, to: 5_000, by: 400) { facts[i].head.endedUs = 6_000_000_000 + Int64(i % 3) }
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        try expectEqualEverywhere(store, facts, seed: 1)
        let report = try store.build(horizonUs: facts[4_600].head.startedAtUs)
        #expect(report.chunks > 0)
        try expectEqualEverywhere(store, facts, seed: 2)
        #expect(try store.build(horizonUs: Int64.max).isComplete)
        try expectEqualEverywhere(store, facts, seed: 3)
        let declared = try store.build(horizonUs: Int64.max, declared: ["team", "nothing"])
        #expect(declared.isComplete && declared.hours > 1 && declared.chunks == 0)
        try expectEqualEverywhere(store, facts, seed: 6)
        try store.commit(
            facts: RealisticFacts.facts(seed: 32, count: 50, firstUs: facts[2_000].head.startedAtUs),
            checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 2))
        try expectEqualEverywhere(store, facts, seed: 4)
    }

    @Test func weeksFoldLikeTheirRows() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = RealisticFacts.weeks(seed: 50)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try store.build(horizonUs: facts[870].head.startedAtUs, declared: ["team"]).weeks >= 4)
        try expectEqualEverywhere(store, facts, seed: 7, spanUs: 3_000_000_000_000)
        try store.commit(
            facts: RealisticFacts.facts(seed: 36, count: 5, firstUs: facts[400].head.startedAtUs),
            checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 2))
        try expectEqualEverywhere(store, facts, seed: 8, spanUs: 3_000_000_000_000)
        #expect(try store.build(horizonUs: Int64.max).weeks >= 2)
    }

    @Test func anythingFoldsLikeItsDefinition() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = SampleFacts.facts(seed: 33, count: 800)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        _ = try store.build(horizonUs: Int64.max)
        try expectEqualEverywhere(store, facts, seed: 5)
    }

    @Test func tooManyGroupsAreLeftToSQL() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 34, count: 2_100)
        for i in facts.indices { facts[i].head.attribution.metadata = [("user", "u\(i)")] }
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        var options = AnswerOptions()
        try options.setBy("meta.user")
        let query = try #require(NamedQueries.find("tail-latency"))
        #expect(try LatencyFold.answer(query.header.columns.map(\.name), FactFilter(), options, store) == nil)
        #expect(try Answers.run(query, filter: FactFilter(), options: options, store: store).rows.count == 2_100)
    }
}
