// SPDX-License-Identifier: Apache-2.0

/// Why the index could not be opened, written or asked.
package struct FactStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of fault.
    package enum Code: String, Sendable {
        /// The database was written by a newer version of Weir; it was not touched.
        case newerVersion = "index_newer_version"
        /// The database was written by an older version of Weir and must be brought up to date first.
        case olderVersion = "index_older_version"
        /// The file is no SQLite database, or its pages are damaged.
        case damaged = "index_damaged"
        /// The file is a database of another program; it was not touched.
        case notAnIndex = "index_not_ours"
        /// There is no index yet.
        case notFound = "index_not_found"
        /// The file or its directory cannot be opened or written.
        case cannotOpen = "index_cannot_open"
        /// Another process holds the database for longer than the wait.
        case busy = "index_busy"
        /// The disk is full.
        case diskFull = "index_disk_full"
        /// The statement is not valid SQL over this database.
        case badQuery = "index_bad_query"
        /// The answer has more rows than a question may give.
        case tooManyRows = "index_too_many_rows"
        /// Anything else that SQLite reports.
        case failed = "index_failed"
    }

    /// The kind of fault.
    package let code: Code
    /// What happened and what to do.
    package let message: String
    /// The database file.
    package let path: String
    /// The statement concerned, where there is one.
    package let sql: String?

    /// A fault.
    package init(code: Code, message: String, path: String, sql: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.sql = sql
    }

    /// What happened and what to do.
    package var description: String { "\(code.rawValue): \(message)" }

    /// The exit code of a verb that ends with this fault: 1 found wrong, 2 bad usage, 3 could not finish.
    package var exitCode: Int32 {
        switch code {
        case .damaged: 1
        case .busy, .diskFull, .failed: 3
        case .newerVersion, .olderVersion, .notAnIndex, .notFound, .cannotOpen, .badQuery, .tooManyRows: 2
        }
    }
}
