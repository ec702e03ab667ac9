// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactSamples
import FactStore
import NamedQueries
import Testing

@testable import Answers

/// Sums from rollups and columns are the rows of the question's SQL, whatever is rolled up.
@Suite struct SumFoldTests {
    private static let questions: [(name: String, answer: NativeAnswer.Answer)] = [
        ("spend", SumAnswers.spend), ("tokens", SumAnswers.tokens), ("error-rate", SumAnswers.errorRate),
    ]

    private func expectEqual(
        _ store: FactStore, _ filter: FactFilter, _ options: AnswerOptions, _ note: String,
        of questions: [(name: String, answer: NativeAnswer.Answer)] = questions
    ) throws {
        for question in questions {
            let query = try #require(NamedQueries.find(question.name))
            let given = options.parameters(with: filter)
            let parameters = Dictionary(uniqueKeysWithValues: query.parameters.map { ($0, given[$0] ?? .null) })
            let defined = try store.runQuery(query.sql, parameters: parameters)
            let folded = try #require(try question.answer(query.header.columns.map(\.name), filter, options, store))
            #expect(folded == defined, "\(question.name), \(note)")
        }
    }

    private func expectEqualEverywhere(_ store: FactStore, _ facts: [ExchangeFact], seed: UInt64, spanUs: UInt64 = 90_000_000_000)
        throws
    {
        var samples = SampleFacts(seed: seed)
        let starts = facts.map(\.head.startedAtUs).sorted()
        try expectEqual(store, FactFilter(), AnswerOptions(), "as it is")
        for by in ["provider", "day", "hour", "meta.team", "status"] {
            // The definition takes its time: each way of asking is put to one question.
            func one() -> [(name: String, answer: NativeAnswer.Answer)] { [samples.pick(SumFoldTests.questions)] }
            var options = AnswerOptions()
            try options.setBy(by)
            var filter = FactFilter()
            filter.sinceUs = starts[Int(samples.next(UInt64(starts.count)))]
            filter.untilUs = (filter.sinceUs ?? 0) + Int64(samples.next(spanUs))
            try expectEqual(store, filter, options, "\(by) over a range", of: one())
            if samples.next(2) == 0 { filter.metadata = [("team", "t3")] }
            filter.untilUs = nil
            filter.model = samples.pick([nil, "gpt-4o-mini", "claude-sonnet-2026-11-01", "m2"])
            filter.outcome = samples.pick([nil, .completed, .clientClosed])
            filter.environment = samples.pick([nil, "production"])
            try expectEqual(store, filter, options, "\(by) with filters \(filter)", of: one())
        }
    }

    @Test func sumsEqualTheirDefinition() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 41, count: 4_500, stepUs: 40_000_000)
        for i in stride(from: 0, to: 4_500, by: 11) { facts[i].cost = CostBreakdown() }
        for i in stride(from: 0, to: 4_500, by: 13) { facts[i].reading.usageSource = .partial }
        for i in stride(from: 0, to: 4_500, by: 17) {
            (facts[i].reading.usageSource, facts[i].reading.usage) = (.absent, TokenUsage())
        }
        for i in stride(from: 0, to: 4_500, by: 19) { (facts[i].head.status, facts[i].head.outcome) = (429, .completed) }
        for i in stride(from: 0, to: 4_500, by: 23) { (facts[i].head.status, facts[i].head.outcome) = (nil, .clientClosed) }
        for i in stride(from: 0, to: 4_500, by: 29) { facts[i].cost.reportedNanousd = Int64(i) }
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        _ = try store.build(horizonUs: facts[4_300].head.startedAtUs)
        try expectEqualEverywhere(store, facts, seed: 2)
        #expect(try store.build(horizonUs: Int64.max, declared: ["team"]).isComplete)
        try store.commit(
            facts: RealisticFacts.facts(seed: 42, count: 50, firstUs: facts[2_000].head.startedAtUs),
            checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 2))
        try expectEqualEverywhere(store, facts, seed: 4)
    }

    @Test func weeksAddUpLikeTheirRows() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = RealisticFacts.weeks(seed: 45)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        #expect(try store.build(horizonUs: facts[870].head.startedAtUs, declared: ["team"]).weeks >= 4)
        try expectEqualEverywhere(store, facts, seed: 6, spanUs: 3_000_000_000_000)
        try store.erase([facts[400].head.id, facts[401].head.id])
        try expectEqualEverywhere(store, facts, seed: 7, spanUs: 3_000_000_000_000)
        #expect(try store.build(horizonUs: Int64.max).weeks >= 2)
    }

    @Test func anythingAddsUpLikeItsDefinition() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        let facts = SampleFacts.facts(seed: 43, count: 800)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        _ = try store.build(horizonUs: Int64.max)
        try expectEqualEverywhere(store, facts, seed: 5)
    }

    @Test func sumsThatDoNotFitAreLeftToSQL() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        var facts = RealisticFacts.facts(seed: 44, count: 3)
        for i in facts.indices { facts[i].cost.reportedNanousd = Int64.max }
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        #expect(try SumFold.tallies(by: "day", FactFilter(), store) == nil)
        let query = try #require(NamedQueries.find("spend"))
        var options = AnswerOptions()
        try options.setBy("day")
        #expect(throws: FactStoreError.self) {
            try Answers.run(query, filter: FactFilter(), options: options, store: store)
        }
    }
}
