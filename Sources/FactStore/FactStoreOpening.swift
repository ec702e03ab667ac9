// SPDX-License-Identifier: Apache-2.0
import GRDB

/// Looks at a file before anything is written to it, and connects.
enum FactStoreOpening {
    /// What lies at the path.
    enum State {
        case missing, empty, older, current
    }

    static func connect(path: String, isReadOnly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "weir.index"
        configuration.readonly = isReadOnly
        configuration.busyMode = .timeout(FactStoreLimits.busySeconds)
        configuration.journalMode = .wal
        do { return try DatabaseQueue(path: path, configuration: configuration) } catch {
            throw FactStoreError(error, path: path)
        }
    }

    /// Tells what lies at the path, reading only.
    ///
    /// - Throws: `FactStoreError` for a newer version, another program's database, a damaged file or one that cannot be read.
    static func inspect(path: String) throws -> State {
        let queue: DatabaseQueue
        do { queue = try connect(path: path, isReadOnly: true) } catch let error as FactStoreError where error.code == .cannotOpen
        {
            return .missing
        }
        do {
            let found = try queue.read { db in try state(of: db, path: path) }
            try queue.close()
            return found
        } catch { throw FactStoreError(error, path: path) }
    }

    private static func state(of db: Database, path: String) throws -> State {
        // The list of migrations is made in a transaction of its own: a death right behind it leaves it alone.
        let objects = try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'grdb_migrations'") ?? 0
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let version = try version(of: db)
        if objects == 0, application == 0, version == 0 { return .empty }
        guard application == Schema.applicationID else {
            throw FactStoreError(
                code: .notAnIndex,
                message: "\(path) is a database of another program and was not touched; choose another data directory",
                path: path)
        }
        guard version <= Schema.version, try !Schema.migrator.hasBeenSuperseded(db) else { throw newer(version, path: path) }
        return version == Schema.version ? .current : .older
    }

    private static func version(of db: Database) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA user_version")) ?? 0
    }

    /// Ends a transaction on an index that a newer program has made its own.
    static func refuseNewer(_ db: Database, path: String) throws {
        let version = try version(of: db)
        guard version <= Schema.version else { throw newer(version, path: path) }
    }

    private static func newer(_ version: Int64, path: String) -> FactStoreError {
        let message =
            "the index at \(path) has schema version \(version), this program knows up to \(Schema.version); it was not touched. "
            + "Use the newer Weir, or move the file away and run `weir index` to rebuild it from the segments"
        return FactStoreError(code: .newerVersion, message: message, path: path)
    }
}

extension FactStoreError {
    /// Any error as one of this room's; one that is already keeps its code.
    init(_ error: any Error, path: String, sql: String? = nil) {
        if let own = error as? FactStoreError {
            self = own
            return
        }
        guard let database = error as? DatabaseError else {
            self.init(code: .failed, message: "\(error)", path: path, sql: sql)
            return
        }
        let said = database.message ?? "SQLite error \(database.extendedResultCode.rawValue)"
        let (code, message) = FactStoreError.verdict(database.resultCode, said: said, path: path, isQuestion: sql != nil)
        self.init(code: code, message: message, path: path, sql: sql)
    }

    private static func verdict(_ result: ResultCode, said: String, path: String, isQuestion: Bool) -> (Code, String) {
        switch result {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            let remedy =
                "it is derived: `weir index --rebuild` makes it anew from the segments"
            return (.damaged, "the index at \(path) is damaged (\(said)); \(remedy)")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return (.busy, "another process holds the index at \(path) (\(said)); try again")
        case .SQLITE_FULL:
            return (.diskFull, "the disk of \(path) is full (\(said)); free space and run `weir index` again")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            return (
                .cannotOpen, "the index at \(path) cannot be opened (\(said)); check that its directory exists and may be written"
            )
        case .SQLITE_ERROR where isQuestion, .SQLITE_MISUSE where isQuestion:
            return (.badQuery, "the question is not valid SQL here: \(said)")
        default:
            return (.failed, "SQLite failed on \(path): \(said)")
        }
    }
}
