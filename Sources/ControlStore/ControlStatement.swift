// SPDX-License-Identifier: Apache-2.0
import GRDB
import GRDBSQLite

/// One value to be bound.
enum ControlValue {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// A text, or NULL.
    init(_ text: String?) { self = text.map(ControlValue.text) ?? .null }

    /// A number, or NULL.
    init(_ number: Double?) { self = number.map(ControlValue.real) ?? .null }
}

/// A prepared statement whose values are bound, and whose columns are read, without an object for each.
///
/// Total on what is read: a value of another kind than asked for gives what SQLite converts it to. Good as long as the transaction
/// that it was made in; thread world.
@safe struct ControlStatement {
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
    func run(_ values: ControlValue...) throws { try step(values) { _ in false } }

    /// The first column of the first row as an integer, or nil where there is no row.
    func integer(_ values: ControlValue...) throws -> Int64? {
        var found: Int64?
        try step(values) {
            found = $0.integer(0)
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
    func forEachRow(_ values: ControlValue..., take: (ControlStatement) throws -> Bool) throws { try step(values, take) }

    // MARK: Columns of the row

    /// Whether a column is NULL.
    func isNull(_ place: Int32) -> Bool { unsafe sqlite3_column_type(handle, place) == SQLITE_NULL }

    /// A column as an integer.
    func integer(_ place: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, place) }

    /// A column as a number.
    func real(_ place: Int32) -> Double { unsafe sqlite3_column_double(handle, place) }

    /// The bytes of a text or blob.
    func bytes(_ place: Int32) -> [UInt8] { unsafe withBytes(place) { unsafe Array($0) } }

    /// The text of a column; bytes that are no UTF-8 are replaced.
    func text(_ place: Int32) -> String { unsafe withBytes(place) { unsafe String(decoding: $0, as: UTF8.self) } }

    /// Gives the bytes of a text or blob, valid within the call.
    @unsafe func withBytes<T>(_ place: Int32, _ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        let start = unsafe sqlite3_column_blob(handle, place)
        let count = Int(unsafe sqlite3_column_bytes(handle, place))
        return try unsafe body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    // MARK: Running

    /// Runs the statement, its rows taken while they last, and leaves it ready for the next run.
    private func step(_ values: [ControlValue], _ take: (ControlStatement) throws -> Bool) throws {
        defer {
            unsafe sqlite3_reset(handle)
            // What was bound is not kept behind the transaction.
            unsafe sqlite3_clear_bindings(handle)
        }
        for (place, value) in values.enumerated() {
            let code = bind(value, at: Int32(truncatingIfNeeded: place + 1))
            guard code == SQLITE_OK else { throw error(code) }
        }
        while true {
            switch unsafe sqlite3_step(handle) {
            case SQLITE_ROW: guard try take(self) else { return }
            case SQLITE_DONE: return
            case let code: throw error(code)
            }
        }
    }

    private func bind(_ value: ControlValue, at place: Int32) -> Int32 {
        switch value {
        case .null: return unsafe sqlite3_bind_null(handle, place)
        case .integer(let number): return unsafe sqlite3_bind_int64(handle, place, number)
        case .real(let number): return unsafe sqlite3_bind_double(handle, place, number)
        case .text(var text):
            return text.withUTF8 { bytes in
                guard bytes.count > 0 else { return unsafe sqlite3_bind_text64(handle, place, "", 0, nil, UInt8(SQLITE_UTF8)) }
                return unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                    unsafe sqlite3_bind_text64(
                        handle, place, text.baseAddress, UInt64(text.count), ControlStatement.copied, UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let blob):
            guard !blob.isEmpty else { return unsafe sqlite3_bind_zeroblob(handle, place, 0) }
            return unsafe blob.withUnsafeBytes { bytes in
                unsafe sqlite3_bind_blob64(handle, place, bytes.baseAddress, UInt64(bytes.count), ControlStatement.copied)
            }
        }
    }

    /// SQLITE_TRANSIENT: SQLite copies what it is given.
    private static var copied: sqlite3_destructor_type { unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    /// Neither the statement nor what was bound goes into an error.
    private func error(_ code: Int32) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
    }
}
