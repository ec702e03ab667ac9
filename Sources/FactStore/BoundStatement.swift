// SPDX-License-Identifier: Apache-2.0
import GRDB
import GRDBSQLite

/// A prepared statement whose values are bound at once, for what runs for every fact.
///
/// GRDB's own arguments make an object of each value. Good as long as the transaction that it was made in; thread world.
@safe struct BoundStatement {
    private let statement: Statement
    private let db: Database
    private let handle: OpaquePointer

    /// - Throws: `DatabaseError` where the statement is wrong.
    init(_ sql: String, in db: Database) throws {
        self.db = db
        statement = try db.cachedStatement(sql: sql)
        unsafe handle = statement.sqliteStatement
    }

    /// Runs a statement that gives no rows.
    ///
    /// - Parameter values: one for each mark, in parts.
    /// - Throws: `DatabaseError`.
    func run(_ values: [SQLValue]...) throws { try step(values) { _ in false } }

    /// The integer that stands first in the first row.
    ///
    /// - Parameter values: one for each mark.
    /// - Returns: the integer, or nil where there is no row.
    /// - Throws: `DatabaseError`.
    func integer(_ values: [SQLValue]) throws -> Int64? {
        var found: Int64?
        try step([values]) {
            found = unsafe sqlite3_column_int64($0.handle, 0)
            return false
        }
        return found
    }

    /// The first row.
    ///
    /// - Parameter values: one for each mark.
    /// - Returns: its columns, or nil where there is no row.
    /// - Throws: `DatabaseError`.
    func row(_ values: [SQLValue]) throws -> [SQLValue]? {
        var found: [SQLValue]?
        try step([values]) { statement in
            found = unsafe (0..<sqlite3_column_count(statement.handle)).map(statement.column)
            return false
        }
        return found
    }

    /// Gives the rows one after another.
    ///
    /// - Parameters:
    ///   - values: one for each mark.
    ///   - take: takes the statement where it stands at a row; false ends the walk. It must not run the same statement.
    /// - Throws: `DatabaseError`, or what `take` throws.
    func forEachRow(_ values: [SQLValue], _ take: (BoundStatement) throws -> Bool) throws { try step([values], take) }

    /// A number of the row; NULL is `PackedColumn.null`.
    ///
    /// - Parameters:
    ///   - place: of the column, from 0.
    ///   - isOdd: becomes true where the column holds no integer, or the one that cannot be told from NULL.
    /// - Returns: the number.
    func number(at place: Int, isOdd: inout Bool) -> Int64 {
        switch unsafe sqlite3_column_type(handle, Int32(truncatingIfNeeded: place)) {
        case SQLITE_INTEGER:
            let number = unsafe sqlite3_column_int64(handle, Int32(truncatingIfNeeded: place))
            if number == PackedColumn.null { isOdd = true }
            return number
        case SQLITE_NULL: return PackedColumn.null
        default:
            isOdd = true
            return PackedColumn.null
        }
    }

    /// The bytes of a column of the row, counted from 0; none where it holds none.
    func blob(at place: Int) -> [UInt8] { column(Int32(truncatingIfNeeded: place)).blob ?? [] }

    private func column(_ place: Int32) -> SQLValue {
        switch unsafe sqlite3_column_type(handle, place) {
        case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(handle, place))
        case SQLITE_FLOAT: return .real(unsafe sqlite3_column_double(handle, place))
        case SQLITE_TEXT:
            guard let text = unsafe sqlite3_column_text(handle, place) else { return .null }
            return .text(unsafe String(cString: text))
        case SQLITE_BLOB:
            let blob = unsafe UnsafeRawBufferPointer(
                start: sqlite3_column_blob(handle, place), count: Int(sqlite3_column_bytes(handle, place)))
            return .blob(unsafe Array(blob))
        default: return .null
        }
    }

    /// Runs the statement, its rows taken while they last, and leaves it ready for the next run.
    private func step(_ parts: [[SQLValue]], _ take: (BoundStatement) throws -> Bool) throws {
        defer { unsafe sqlite3_reset(handle) }
        var place: Int32 = 0
        for part in parts {
            for value in part {
                place += 1
                let code = bind(value, at: place)
                guard code == SQLITE_OK else { throw error(code) }
            }
        }
        while true {
            switch unsafe sqlite3_step(handle) {
            case SQLITE_ROW: guard try take(self) else { return }
            case SQLITE_DONE: return
            case let code: throw error(code)
            }
        }
    }

    private func bind(_ value: SQLValue, at place: Int32) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(handle, place)
        case .integer(let number): return unsafe sqlite3_bind_int64(handle, place, number)
        case .real(let number): return unsafe sqlite3_bind_double(handle, place, number)
        case .text(var text):
            return text.withUTF8 { bytes in
                // What stands behind a NUL no reader of SQLite's texts sees.
                let count = unsafe bytes.firstIndex(of: 0) ?? bytes.count
                guard count > 0 else { return unsafe sqlite3_bind_text64(handle, place, "", 0, nil, UInt8(SQLITE_UTF8)) }
                return unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                    unsafe sqlite3_bind_text64(
                        handle, place, text.baseAddress, UInt64(count), BoundStatement.copied, UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let blob):
            guard !blob.isEmpty else { return unsafe sqlite3_bind_zeroblob(handle, place, 0) }
            return unsafe blob.withUnsafeBytes { bytes in
                unsafe sqlite3_bind_blob64(handle, place, bytes.baseAddress, UInt64(bytes.count), BoundStatement.copied)
            }
        }
    }

    /// SQLITE_TRANSIENT: SQLite copies what it is given.
    private static var copied: sqlite3_destructor_type { unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    private func error(_ code: Int32) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage, sql: statement.sql)
    }
}
