// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB

/// One value as SQLite stores it.
///
/// Texts are equal where their bytes are, as in SQLite; to `String` also those are equal that only look the same.
package enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// The integer, where this is one.
    package var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The number as a double, where this is a number.
    package var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        case .null, .text, .blob: nil
        }
    }

    /// The text, where this is one.
    package var text: String? {
        if case .text(let value) = self { value } else { nil }
    }

    /// The bytes, where these are some.
    package var blob: [UInt8]? {
        if case .blob(let value) = self { value } else { nil }
    }

    /// An integer, or NULL.
    package init(_ value: Int64?) { self = value.map(SQLValue.integer) ?? .null }

    /// A text, or NULL.
    package init(_ value: String?) { self = value.map(SQLValue.text) ?? .null }

    /// A number, or NULL.
    package init(_ value: Double?) { self = value.map(SQLValue.real) ?? .null }

    /// Bytes, or NULL.
    package init(_ value: [UInt8]?) { self = value.map(SQLValue.blob) ?? .null }

    /// Whether SQLite would call them equal; an integer and a real never are here.
    package static func == (a: SQLValue, b: SQLValue) -> Bool {
        // One inside the other: a pair of them would hold the parts of both.
        switch a {
        case .null: if case .null = b { return true }
        case .integer(let a): if case .integer(let b) = b { return a == b }
        case .real(let a): if case .real(let b) = b { return a == b }
        case .text(let a): if case .text(let b) = b { return hasSameBytes(a, b) }
        case .blob(let a): if case .blob(let b) = b { return a == b }
        }
        return false
    }

    private static func hasSameBytes(_ a: String, _ b: String) -> Bool {
        let isSame = unsafe a.utf8.withContiguousStorageIfAvailable { a in
            unsafe b.utf8.withContiguousStorageIfAvailable { b in
                guard a.count == b.count else { return false }
                guard let one = a.baseAddress, let other = b.baseAddress else { return true }
                return unsafe memcmp(one, other, a.count) == 0
            }
        }
        return isSame.flatMap(\.self) ?? a.utf8.elementsEqual(b.utf8)
    }

    /// Feeds what `==` compares.
    package func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .integer(let value): hasher.combine(value)
        case .real(let value): hasher.combine(value)
        case .text(var value):
            value.withUTF8 { bytes in unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
            hasher.combine(UInt8.max)
        case .blob(let value): hasher.combine(value)
        }
    }

    init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let number): self = .integer(number)
        case .double(let number): self = .real(number)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .blob(Array(data))
        }
    }

    var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let value): value.databaseValue
        case .real(let value): value.databaseValue
        case .text(let value): value.databaseValue
        case .blob(let value): Data(value).databaseValue
        }
    }
}

extension Row {
    /// The values in column order; unlike GRDB's subscripts this never traps on a value of another type.
    var values: [SQLValue] { databaseValues.map(SQLValue.init) }
}

/// The rows of an answer, each with one value per column.
package struct QueryResult: Equatable, Sendable {
    /// Names in the order of the statement.
    package let columns: [String]
    /// Rows in the order of the statement.
    package let rows: [[SQLValue]]

    /// Rows under names.
    package init(columns: [String], rows: [[SQLValue]]) {
        self.columns = columns
        self.rows = rows
    }
}
