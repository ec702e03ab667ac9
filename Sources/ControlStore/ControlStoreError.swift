// SPDX-License-Identifier: Apache-2.0
import GRDB

/// Why the control database could not be opened, changed or asked.
///
/// Messages hold names, numbers and paths, never what somebody gave as feedback.
package struct ControlStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of fault.
    package enum Code: String, Sendable {
        /// The database was written by a newer version of Weir; it was not touched.
        case newerVersion = "control_newer_version"
        /// The file is no SQLite database, or its pages are damaged.
        case damaged = "control_damaged"
        /// The file is a database of another program; it was not touched.
        case notControl = "control_not_ours"
        /// There is no control database yet, or nothing of that name in it.
        case notFound = "control_not_found"
        /// The file or its directory cannot be opened or written.
        case cannotOpen = "control_cannot_open"
        /// Another process holds the database for longer than the wait.
        case busy = "control_busy"
        /// The disk is full.
        case diskFull = "control_disk_full"
        /// What was to be stored breaks a rule or a limit.
        case badValue = "control_bad_value"
        /// Somebody else appended to the ledger meanwhile.
        case headMoved = "ledger_head_moved"
        /// The ledger is not as it was written.
        case ledgerBroken = "ledger_broken"
        /// The ledger that is to be filled has entries already.
        case ledgerTaken = "ledger_taken"
        /// What was to be imported is no export of a ledger, or was changed.
        case badExport = "ledger_bad_export"
        /// Anything else that SQLite reports.
        case failed = "control_failed"
    }

    /// The kind of fault.
    package let code: Code
    /// What happened and what to do.
    package let message: String
    /// The database file; empty where the fault is of a value alone.
    package let path: String

    /// A fault.
    package init(code: Code, message: String, path: String = "") {
        self.code = code
        self.message = message
        self.path = path
    }

    /// What happened and what to do.
    package var description: String { "\(code.rawValue): \(message)" }

    /// The exit code of a verb that ends with this fault: 1 found wrong, 2 bad usage, 3 could not finish.
    package var exitCode: Int32 {
        switch code {
        case .damaged, .ledgerBroken, .badExport: 1
        case .busy, .diskFull, .failed, .headMoved: 3
        case .newerVersion, .notControl, .notFound, .cannotOpen, .badValue, .ledgerTaken: 2
        }
    }

    static func badValue(_ message: String) -> ControlStoreError { ControlStoreError(code: .badValue, message: message) }
}

extension ControlStoreError {
    /// An error of SQLite as one of this room's; what a caller's closure threw stays what it is.
    static func own(_ error: any Error, path: String) -> any Error {
        error is DatabaseError ? ControlStoreError(error, path: path) : error
    }

    /// Any error as one of this room's; one that is already keeps its code.
    ///
    /// Neither statements nor their values are told.
    init(_ error: any Error, path: String) {
        if let own = error as? ControlStoreError {
            self = own
            return
        }
        guard let database = error as? DatabaseError else {
            self.init(code: .failed, message: "\(error)", path: path)
            return
        }
        let said = database.message ?? "SQLite error \(database.extendedResultCode.rawValue)"
        let (code, message) = ControlStoreError.verdict(database.resultCode, said: said, path: path)
        self.init(code: code, message: message, path: path)
    }

    private static func verdict(_ result: ResultCode, said: String, path: String) -> (Code, String) {
        switch result {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            let remedy =
                "it holds what nothing else does: take it out of a backup, or begin another and import the ledger's last export"
            return (.damaged, "the control database at \(path) is damaged (\(said)); \(remedy)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return (.busy, "another process holds the control database at \(path) (\(said)); try again")
        case .SQLITE_FULL:
            return (.diskFull, "the disk of \(path) is full (\(said)); free space and try again")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            return (
                .cannotOpen,
                "the control database at \(path) cannot be opened (\(said)); check that its directory exists and may be written"
            )
        default:
            return (.failed, "SQLite failed on \(path): \(said)")
        }
    }
}
