// SPDX-License-Identifier: Apache-2.0
package import GRDB

/// What an error of SQLite means for who runs Weir.
package enum SQLiteTrouble: Sendable {
    /// No database, or damaged pages.
    case damaged
    /// Another connection holds it for longer than the wait.
    case busy
    /// The disk is full.
    case full
    /// The file or its directory cannot be opened or written.
    case cannotOpen
    /// The statement is wrong.
    case badStatement
    /// Anything else.
    case other

    /// Tells what an error means.
    package init(_ error: DatabaseError) {
        self =
            switch error.resultCode {
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged
            case .SQLITE_BUSY, .SQLITE_LOCKED: .busy
            case .SQLITE_FULL: .full
            case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: .cannotOpen
            case .SQLITE_ERROR, .SQLITE_MISUSE: .badStatement
            default: .other
            }
    }

    /// What SQLite said, or the number of what it said nothing about; neither statement nor values.
    package static func said(_ error: DatabaseError) -> String {
        error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    }
}
