// SPDX-License-Identifier: Apache-2.0
import GRDB
import SQLiteAccess
import Synchronization

/// What an opened index may be used for.
package enum FactStoreMode: Sendable {
    /// Questions only; the file must be there and is never changed.
    case readOnly
    /// Commits too; the file is made and migrated where needed.
    case readWrite
}

/// The index in SQLite.
///
/// Thread world: every call blocks; any thread may call, calls are served one after another.
///
/// - An id is stored once; what was stored first stays.
/// - Facts, metadata, losses and the checkpoint of a batch are committed together or not at all.
/// - A checkpoint never moves back.
/// - Any number of processes may read while one writes (WAL); writers take turns by `index.lock`, which is `Indexing`'s business.
package final class FactStore: Sendable {
    /// The database file.
    package var path: String { file.path }
    private let file: SQLiteFile
    let queue: DatabaseQueue
    /// Ids of shapes that are in the database, which nobody takes out.
    let shapeIDs = Mutex<[[SQLValue]: Int64]>([:])

    private init(file: SQLiteFile, queue: DatabaseQueue) {
        self.file = file
        self.queue = queue
    }

    /// Opens the index.
    ///
    /// A database of a newer version, or of another program, is refused before anything is written.
    /// - Parameters:
    ///   - path: the database file; its directory must exist.
    ///   - mode: what it is to be used for.
    /// - Returns: the opened index.
    /// - Throws: `FactStoreError`.
    package static func open(path: String, mode: FactStoreMode) throws -> FactStore {
        let file = Schema.file(path)
        do {
            switch mode {
            case .readOnly: return FactStore(file: file, queue: try file.openForReading())
            case .readWrite: return FactStore(file: file, queue: try file.openForWriting())
            }
        } catch { throw FactStoreError(error, path: path) }
    }

    /// Closes the database; later calls throw.
    ///
    /// Closing happens by itself when the last reference goes.
    ///
    /// - Throws: `FactStoreError`.
    package func close() throws {
        do { try queue.close() } catch { throw FactStoreError(error, path: path) }
    }

    /// Moves everything out of the write-ahead log into the database file, and closes; later calls throw.
    ///
    /// - Throws: `FactStoreError`, `busy` where somebody reads what is in the log.
    package func settle() throws {
        do {
            try queue.writeWithoutTransaction { db in
                guard try SQLiteLog.clear(db) else {
                    throw DatabaseError(resultCode: .SQLITE_BUSY, message: "its log is being read")
                }
            }
        } catch {
            throw FactStoreError(error, path: path)
        }
        try close()
    }

    /// Runs reads in one snapshot, with errors as this room's.
    func reading<T>(sql: String? = nil, _ body: (Database) throws -> T) throws -> T {
        do { return try queue.read(body) } catch { throw FactStoreError(error, path: path, sql: sql) }
    }

    /// Runs writes in one transaction, with errors as this room's.
    ///
    /// Another process may have brought the index up to date since it was opened: what this program would write is not what it then is.
    func writing<T>(_ body: (Database) throws -> T) throws -> T {
        do {
            return try queue.write { db in
                try file.refuseNewer(db)
                return try body(db)
            }
        } catch { throw FactStoreError(error, path: path) }
    }

    /// How far each segment has been read, by segment name.
    ///
    /// - Throws: `FactStoreError`.
    package func checkpoints() throws -> [Checkpoint] {
        try reading { db in
            try Row.fetchAll(db, sql: "SELECT segment, \"offset\" FROM checkpoint ORDER BY segment").map(\.values).map {
                Checkpoint(segment: $0[0].text ?? "", offset: $0[1].integer ?? 0)
            }
        }
    }

    /// How much could not be read, over all segments.
    ///
    /// - Throws: `FactStoreError`.
    package func lossCount() throws -> LossCount {
        try reading { db in
            var count = LossCount()
            for row in try Row.fetchAll(db, sql: "SELECT kind, count(*), sum(byte_count) FROM loss GROUP BY kind").map(\.values) {
                if row[0].text == Loss.Kind.damage.rawValue {
                    count.damagedRanges = row[1].integer ?? 0
                    count.damagedBytes = row[2].integer ?? 0
                } else {
                    count.undecodableLines = row[1].integer ?? 0
                }
            }
            return count
        }
    }

    /// What could not be read, by segment and place.
    ///
    /// - Parameter limit: at most so many.
    /// - Returns: the losses.
    /// - Throws: `FactStoreError`.
    package func losses(limit: Int) throws -> [Loss] {
        try reading { db in
            let sql = """
                SELECT segment, kind, frame, loss."offset", byte_count, reason FROM loss JOIN checkpoint USING (segment_id)
                ORDER BY segment, frame, loss."offset", kind LIMIT ?
                """
            return try Row.fetchAll(db, sql: sql, arguments: [Int64(clamping: max(0, limit))]).map(\.values).map { row in
                Loss(
                    segment: row[0].text ?? "", kind: row[1].text.flatMap(Loss.Kind.init(rawValue:)) ?? .damage,
                    frame: row[2].integer ?? 0, offset: row[3].integer ?? 0, byteCount: row[4].integer ?? 0,
                    reason: row[5].text ?? "")
            }
        }
    }

    /// Answers one statement; nothing can be written by it.
    ///
    /// - Parameters:
    ///   - sql: one SELECT over the `facts` view.
    ///   - parameters: values by name, without the colon; every parameter of the statement must be among them.
    /// - Returns: columns and rows.
    /// - Throws: `FactStoreError`; `tooManyRows` above `FactStoreLimits.queryRows`.
    package func runQuery(_ sql: String, parameters: [String: SQLValue] = [:]) throws -> QueryResult {
        try reading(sql: sql) { db in
            let statement = try db.makeStatement(sql: sql)
            let arguments = StatementArguments(parameters.mapValues(\.databaseValue))
            try statement.validateArguments(arguments)
            var rows: [[SQLValue]] = []
            let cursor = try Row.fetchCursor(statement, arguments: arguments)
            while let row = try cursor.next() {
                guard rows.count < FactStoreLimits.queryRows else {
                    throw FactStoreError(
                        code: .tooManyRows, message: "more than \(FactStoreLimits.queryRows) rows; ask with a filter", path: path,
                        sql: sql)
                }
                rows.append(row.values)
            }
            return QueryResult(columns: statement.columnNames, rows: rows)
        }
    }
}
