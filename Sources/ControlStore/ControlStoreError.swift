// SPDX-License-Identifier: Apache-2.0

/// Why the control database could not be opened, changed or asked.
///
/// Messages hold names, numbers and paths, never what somebody gave as feedback.
package struct ControlStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of fault.
    package enum Code: String, Sendable {
        /// The database was written by a newer version of Weir; it was not touched.
        case newerVersion = "control_newer_version"
        /// The database was written by an older version of Weir and must be brought up to date first.
        case olderVersion = "control_older_version"
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
        /// As much feedback is stored as may be.
        case feedbackFull = "control_feedback_full"
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
        case .busy, .diskFull, .feedbackFull, .failed, .headMoved: 3
        case .newerVersion, .olderVersion, .notControl, .notFound, .cannotOpen, .badValue, .ledgerTaken: 2
        }
    }

    static func badValue(_ message: String) -> ControlStoreError { ControlStoreError(code: .badValue, message: message) }
}
