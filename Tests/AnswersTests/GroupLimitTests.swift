// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactSamples
import FactStore
import NamedQueries
import Testing

@testable import Answers

/// Folds answer for 2,000 groups at most; beyond, the question is left to its SQL.
@Suite struct GroupLimitTests {
    private typealias Question = (name: String, answer: NativeAnswer.Answer)

    private static let sums: [Question] = [
        ("spend", SumAnswers.spend), ("tokens", SumAnswers.tokens), ("error-rate", SumAnswers.errorRate),
    ]
    private static let times: [Question] = [
        ("tail-latency", { try LatencyFold.answer($0, $1, $2, $3) }), ("tail-latency", RollupFold.answer),
    ]

    /// The rows by task are those of the SQL, whoever gives them.
    private func expectRows(_ questions: [Question], _ store: FactStore, tasks: Int, areFolded: Bool, _ note: String) throws {
        for question in questions {
            var options = AnswerOptions()
            try options.setBy("task")
            options.isApproximate = NativeAnswer.approximable.contains(question.name)
            let query = try #require(NamedQueries.find(question.name))
            let given = options.parameters(with: FactFilter())
            let parameters = Dictionary(uniqueKeysWithValues: query.parameters.map { ($0, given[$0] ?? .null) })
            let defined = try store.runQuery(query.sql, parameters: parameters)
            #expect(defined.rows.count == tasks, "\(question.name), \(note)")
            let folded = try question.answer(query.header.columns.map(\.name), FactFilter(), options, store)
            let wanted: QueryResult? = areFolded ? defined : nil
            #expect(folded == wanted, "\(question.name), \(note)")
            let answered = try Answers.run(query, filter: FactFilter(), options: options, store: store)
            #expect(answered.rows == defined.rows, "\(question.name), \(note)")
        }
    }

    @Test func moreThanTwoThousandTasksAreLeftToSQL() throws {
        let scratch = try ScratchDirectory()
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        // All of one day, so that `tokens` has a row a task too.
        var facts = RealisticFacts.facts(seed: 51, count: 2_500)
        for i in facts.indices { facts[i].head.attribution.task = "task-\(i % 2_001)" }
        let last = facts.remove(at: 2_000)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 1))
        try expectRows(Self.sums, store, tasks: 2_000, areFolded: true, "2,000 by rows")
        #expect(try store.build(horizonUs: Int64.max).isComplete)
        try expectRows(Self.sums, store, tasks: 2_000, areFolded: true, "2,000 by rollups")

        try store.commit(facts: [last], checkpoint: Checkpoint(segment: "n1-1-1.hot", offset: 2))
        try expectRows(Self.sums + Self.times, store, tasks: 2_001, areFolded: false, "2,001 by rows")
        #expect(try store.build(horizonUs: Int64.max).isComplete)
        try expectRows(Self.sums + Self.times, store, tasks: 2_001, areFolded: false, "2,001 by rollups")
    }
}
