// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
package import FactStore
package import NamedQueries

/// Named questions and their answers.
///
/// Thread world: every call blocks.
package enum Answers {
    /// The question that gives facts themselves; it has no file in `queries/`.
    package static let exchangesName = "exchanges"

    /// Every question with what it answers, by name.
    package static var list: [(name: String, summary: String)] {
        let own = (
            name: exchangesName,
            summary: "The exchanges themselves: one JSON object a line with `--json`, else the newest as a table."
        )
        return (NamedQueries.all.map { ($0.name, $0.summary) } + [own]).sorted { $0.0 < $1.0 }
    }

    /// Puts one question.
    ///
    /// - Parameters:
    ///   - query: the question.
    ///   - filter: which exchanges it is about.
    ///   - store: the index.
    /// - Returns: the answer.
    /// - Throws: `FactStoreError`.
    package static func run(_ query: NamedQuery, filter: FactFilter, store: FactStore) throws -> AnswerTable {
        let given = filter.parameters
        var parameters: [String: SQLValue] = [:]
        for name in query.parameters { parameters[name] = given[name] ?? .null }
        return AnswerTable(try store.runQuery(query.sql, parameters: parameters))
    }

    /// Whether there is a question of this name.
    ///
    /// - Parameter name: as a person typed it.
    /// - Throws: `AnswersError.unknownQuery`, which lists the names.
    package static func check(_ name: String) throws(AnswersError) {
        if list.contains(where: { $0.name == name }) { return }
        let names = list.map(\.name).joined(separator: ", ")
        throw AnswersError(code: .unknownQuery, message: "there is no question `\(name)`; there are \(names)")
    }

    /// Puts a question by name and writes the answer.
    ///
    /// - Parameters:
    ///   - name: the question.
    ///   - filter: which exchanges it is about.
    ///   - isJSON: JSON lines rather than a table with its picture.
    ///   - limit: at most so many exchanges; for `exchanges` only. Nil: all as JSON, the newest twenty as a table.
    ///   - store: the index.
    ///   - write: takes UTF-8 text, a piece at a time.
    /// - Throws: `AnswersError`, `FactStoreError`, or what `write` throws.
    package static func write(
        _ name: String, filter: FactFilter, isJSON: Bool, limit: Int? = nil, store: FactStore, to write: ([UInt8]) throws -> Void
    ) throws {
        try check(name)
        guard let query = NamedQueries.find(name) else {
            if isJSON { return try writeExchanges(filter: filter, limit: limit, store: store, to: write) }
            let table = try newestExchanges(filter: filter, limit: limit ?? AnswersLimits.listedExchanges, store: store)
            return try write(Array(table.terminalText().utf8))
        }
        let table = try run(query, filter: filter, store: store)
        if isJSON { return try write(table.jsonLines()) }
        try write(Array(table.terminalText().utf8))
        if name == "tail-latency", !table.rows.isEmpty { try write(Array(("\n" + LatencyPicture.draw(table)).utf8)) }
    }
}
