// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
package import FactStore
package import NamedQueries

/// How an answer is written.
package enum AnswerForm: Equatable, Sendable {
    /// One JSON object a line.
    case jsonLines
    /// Comma-separated, as RFC 4180 has it.
    case csv
    /// For a person, with or without bars.
    case table(hasPicture: Bool)
}

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
    ///   - options: how it is put.
    ///   - store: the index.
    /// - Returns: the answer.
    /// - Throws: `AnswersError` where the question has no use for an option or asks for a parameter that nothing sets;
    ///   `FactStoreError`.
    package static func run(
        _ query: NamedQuery, filter: FactFilter, options: AnswerOptions = AnswerOptions(), store: FactStore
    ) throws -> AnswerTable {
        try options.check(against: query)
        let given = options.parameters(with: filter)
        var parameters: [String: SQLValue] = [:]
        for name in query.parameters {
            guard let value = given[name] else {
                let names = given.keys.sorted().map { ":" + $0 }.joined(separator: ", ")
                throw AnswersError(
                    code: .parameterUnknown,
                    message: "`\(query.name)` has the parameter :\(name), which nothing sets; there are \(names)")
            }
            parameters[name] = value
        }
        let result =
            try NativeAnswer.find(query, isApproximate: options.isApproximate)?(
                query.header.columns.map(\.name), filter, options, store) ?? store.runQuery(query.sql, parameters: parameters)
        let table = AnswerTable(result, query: query, options: options)
        guard let limit = options.limit, !query.parameters.contains("top") else { return table }
        return table.prefix(limit)
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
    ///   - options: how it is put; a limit counts rows, for `exchanges` it counts exchanges (nil: all, but the newest twenty as a
    ///     table).
    ///   - form: how the answer is written.
    ///   - store: the index.
    ///   - write: takes UTF-8 text, a piece at a time.
    /// - Throws: `AnswersError`, `FactStoreError`, or what `write` throws.
    package static func write(
        _ name: String, filter: FactFilter, options: AnswerOptions = AnswerOptions(), form: AnswerForm, store: FactStore,
        to write: ([UInt8]) throws -> Void
    ) throws {
        try check(name)
        if let query = NamedQueries.find(name) {
            return try self.write(query, filter: filter, options: options, form: form, store: store, to: write)
        }
        if options.by != nil || options.percentiles != nil {
            throw AnswersError(code: .optionUnknown, message: "`\(name)` takes neither --by nor --percentiles")
        }
        switch form {
        case .jsonLines: try writeExchanges(filter: filter, limit: options.limit, store: store, to: write)
        case .csv:
            try write(newestExchanges(filter: filter, limit: options.limit ?? FactStoreLimits.queryRows, store: store).csv())
        case .table:
            let limit = options.limit ?? AnswersLimits.listedExchanges
            try write(Array(newestExchanges(filter: filter, limit: limit, store: store).terminalText().utf8))
        }
    }

    /// Puts a question and writes the answer.
    ///
    /// - Parameters:
    ///   - query: the question; a shipped one or somebody's own.
    ///   - filter: which exchanges it is about.
    ///   - options: how it is put.
    ///   - form: how the answer is written.
    ///   - store: the index.
    ///   - write: takes UTF-8 text, a piece at a time.
    /// - Throws: `AnswersError`, `FactStoreError`, or what `write` throws.
    package static func write(
        _ query: NamedQuery, filter: FactFilter, options: AnswerOptions = AnswerOptions(), form: AnswerForm, store: FactStore,
        to write: ([UInt8]) throws -> Void
    ) throws {
        let table = try run(query, filter: filter, options: options, store: store)
        switch form {
        case .jsonLines: try write(table.jsonLines())
        case .csv: try write(table.csv())
        case .table(let hasPicture):
            try write(Array(text(table, picture: hasPicture ? query.header.picture : nil, options: options).utf8))
        }
    }

    private static func text(_ table: AnswerTable, picture: QueryPicture?, options: AnswerOptions) -> String {
        guard let picture, !table.rows.isEmpty else { return table.terminalText() }
        let drawn =
            switch picture {
            case .bars: ""
            case .latency: LatencyPicture.draw(table, percentiles: options.percentiles ?? AnswerOptions.usualPercentiles)
            case .lines(let axis, let value, let series): BarPicture.lines(table, axis: axis, value: value, series: series)
            }
        guard case .bars(let column) = picture else { return table.terminalText() + (drawn.isEmpty ? "" : "\n" + drawn) }
        return table.terminalText(bars: BarPicture.bars(table, column: column))
    }
}
