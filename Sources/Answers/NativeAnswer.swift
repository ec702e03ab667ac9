// SPDX-License-Identifier: Apache-2.0
import FactStore
import NamedQueries

/// Questions that are answered without their SQL, by a fold over rollups and columns; the SQL stays the definition, and the rows are equal.
enum NativeAnswer {
    /// Gives a question's rows under the names of its columns; nil where this time SQL has to be asked.
    typealias Answer = @Sendable ([String], FactFilter, AnswerOptions, FactStore) throws -> QueryResult?

    private static let answers: [String: Answer] = [
        "tail-latency": { try LatencyFold.answer($0, $1, $2, $3) }, "spend": SumAnswers.spend, "tokens": SumAnswers.tokens,
        "error-rate": SumAnswers.errorRate,
    ]
    /// The same from rollups, which is not exact.
    private static let approximations: [String: Answer] = ["tail-latency": RollupFold.answer]

    /// Questions that may be answered from rollups.
    static var approximable: [String] { approximations.keys.sorted() }

    /// The fold of a question, where it has one; none for a question of somebody's own.
    static func find(_ query: NamedQuery, isApproximate: Bool) -> Answer? {
        guard let answer = answers[query.name], NamedQueries.find(query.name) == query else { return nil }
        guard isApproximate, let approximation = approximations[query.name] else { return answer }
        return { try approximation($0, $1, $2, $3) ?? answer($0, $1, $2, $3) }
    }
}
