// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import FactStore

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

    /// A column by its name.
    package init(_ name: String) {
        self.name = name
        unit = AnswerUnit(column: name)
    }

    /// The name for a person: words, without a unit that the cells show themselves.
    package var title: String {
        var words = name.split(separator: "_")
        switch unit {
        case .durationUs, .bytes, .nanousd, .instantUs: words.removeLast()
        case .plain, .code: break
        }
        return words.joined(separator: " ")
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
