// SPDX-License-Identifier: Apache-2.0
package import GRDB

/// The write-ahead log of a database.
package enum SQLiteLog {
    /// Moves all of it into the database file, and cuts it to nothing.
    ///
    /// - Parameters:
    ///   - db: outside of a transaction.
    ///   - waitMilliseconds: how long to wait for those who read there; nil waits as the connection does for everything.
    /// - Returns: false where somebody still reads what is in it: then it stays, with all that it holds.
    /// - Throws: `DatabaseError`.
    package static func clear(_ db: Database, waitMilliseconds: Int? = nil) throws -> Bool {
        let usual = try Int64.fetchOne(db, sql: "PRAGMA busy_timeout") ?? 0
        if let waitMilliseconds { try db.execute(sql: "PRAGMA busy_timeout = \(waitMilliseconds)") }
        let busy = Result { try Int64.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        if waitMilliseconds != nil { try db.execute(sql: "PRAGMA busy_timeout = \(usual)") }
        do { return try busy.get() == 0 } catch let error as DatabaseError where SQLiteTrouble(error) == .busy { return false }
    }
}
