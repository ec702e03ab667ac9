// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import FactStore
import NamedQueries

/// What the values of a column are, told by the end of its name.
package enum AnswerUnit: Equatable, Sendable {
    /// A text, or a number without a unit.
    case plain
    /// A number that is a name, such as a status: no separators.
    case code
    /// A length of time in microseconds.
    case durationUs
    /// Microseconds since the Unix epoch.
    case instantUs
    case bytes
    case nanousd
    /// Millionths of a whole.
    case share
    /// 0 or 1.
    case flag

    /// The unit of a column of this name.
    package init(column name: String) {
        if name == "status" {
            self = .code
        } else if name.hasSuffix("started_at_us") {
            self = .instantUs
        } else if name.hasSuffix("_us") {
            self = .durationUs
        } else if name.hasSuffix("_bytes") {
            self = .bytes
        } else if name.hasSuffix("_nanousd") {
            self = .nanousd
        } else if name.hasSuffix("_ppm") {
            self = .share
        } else if name.hasPrefix("is_") {
            self = .flag
        } else {
            self = .plain
        }
    }
}

/// One column of an answer.
package struct AnswerColumn: Equatable, Sendable {
    /// As the question names it; the key in JSON.
    package let name: String
    /// What its values are.
    package let unit: AnswerUnit
    /// As the statement calls it; a question's picture names columns so.
    let statementName: String

    /// The name for a person: words, without a unit that the cells show themselves.
    package let title: String

    /// A column by its name.
    package init(_ name: String) {
        self.init(name: name, statementName: name)
    }

    /// A column whose statement names it otherwise.
    ///
    /// - Parameters:
    ///   - name: the key in JSON.
    ///   - statementName: by which the unit is told.
    ///   - words: what stands in the title for a word of the statement's name, by that word.
    init(name: String, statementName: String, words: [String: String] = [:]) {
        self.name = name
        self.statementName = statementName
        unit = AnswerUnit(column: statementName)
        var parts = statementName.split(separator: "_").map { words[String($0)] ?? String($0) }
        switch unit {
        case .durationUs, .bytes, .nanousd, .instantUs, .share: parts.removeLast()
        case .flag: parts.removeFirst()
        case .plain, .code: break
        }
        title = statementName == "by_value" ? name : parts.joined(separator: " ")
    }
}

/// An answer: columns with units, and rows as the question ordered them.
package struct AnswerTable: Equatable, Sendable {
    /// In the order of the question.
    package let columns: [AnswerColumn]
    /// Each with one value per column.
    package let rows: [[SQLValue]]

    /// The answer as the index gave it.
    package init(_ result: QueryResult) {
        columns = result.columns.map { AnswerColumn($0) }
        rows = result.rows
    }

    /// The answer to a question: `by_value` is named for what was asked, `p1` to `p4` for their percentiles; those beyond the
    /// asked ones are left out.
    ///
    /// - Parameters:
    ///   - result: as the index gave it.
    ///   - query: the question.
    ///   - options: how it was put.
    init(_ result: QueryResult, query: NamedQuery, options: AnswerOptions) {
        let naming = AnswerNaming(query: query, options: options, taken: result.columns)
        let named = result.columns.enumerated().compactMap { i, name in naming.column(name).map { (i, $0) } }
        columns = named.map(\.1)
        rows = named.count == result.columns.count ? result.rows : result.rows.map { row in named.map { row[$0.0] } }
    }

    /// An answer under given columns.
    init(columns: [AnswerColumn], rows: [[SQLValue]]) {
        self.columns = columns
        self.rows = rows
    }

    /// The first rows.
    func prefix(_ count: Int) -> AnswerTable { AnswerTable(columns: columns, rows: Array(rows.prefix(max(0, count)))) }

    /// One JSON object a line: integers as integers, unknown as null.
    ///
    /// - Returns: the bytes; empty where there are no rows.
    package func jsonLines() -> [UInt8] {
        var json = JSONWriter(capacity: rows.count * 256 + 16)
        for row in rows {
            json.beginObject()
            for (column, value) in zip(columns, row) {
                json.key(column.name)
                json.value(sql: value)
            }
            json.endObject()
            json.newline()
        }
        return json.bytes
    }

    /// The place of a column by the statement's name.
    ///
    /// Where a picture's percentile was not asked for, the last one of the same kind stands in.
    func place(ofStatement name: String) -> Int? {
        if let place = columns.firstIndex(where: { $0.statementName == name }) { return place }
        let words = name.split(separator: "_")
        guard let rank = words.firstIndex(where: { ["p1", "p2", "p3", "p4"].contains($0) }) else { return nil }
        return columns.lastIndex { $0.statementName.split(separator: "_").starts(with: words[..<rank] + ["p1"]) }
    }

    /// The values of one column, or nil where there is no such column.
    func values(of name: String) -> [SQLValue]? {
        guard let index = columns.firstIndex(where: { $0.name == name }) else { return nil }
        return rows.map { index < $0.count ? $0[index] : .null }
    }
}

extension JSONWriter {
    fileprivate mutating func value(sql value: SQLValue) {
        switch value {
        case .null: null()
        case .integer(let number): self.value(number)
        case .real(let number): self.value(number)
        case .text(let text): self.value(text)
        case .blob(let bytes): self.value(Hex.encode(bytes))
        }
    }
}
