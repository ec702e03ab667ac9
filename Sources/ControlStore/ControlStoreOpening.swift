// SPDX-License-Identifier: Apache-2.0
import GRDB

/// Looks at a file before anything is written to it, and connects.
enum ControlStoreOpening {
    /// What lies at the path.
    enum State {
        case missing, empty, older, current
    }

    static func connect(path: String, isReadOnly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "weir.control"
        configuration.readonly = isReadOnly
        configuration.busyMode = .timeout(ControlStoreLimits.busySeconds)
        configuration.journalMode = .wal
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            // This is truth: a commit is on the disk before it is said to be done. What is erased is overwritten.
            if !isReadOnly {
                try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON") }
            }
            return queue
        } catch { throw ControlStoreError(error, path: path) }
    }

    /// Tells what lies at the path, reading only.
    ///
    /// - Throws: `ControlStoreError` for a newer version, another program's database, a damaged file or one that cannot be read.
    static func inspect(path: String) throws -> State {
        let queue: DatabaseQueue
        do { queue = try connect(path: path, isReadOnly: true) } catch let error as ControlStoreError
            where error.code == .cannotOpen
        {
            return .missing
        }
        do {
            let found = try queue.read { db in try state(of: db, path: path) }
            try queue.close()
            return found
        } catch { throw ControlStoreError(error, path: path) }
    }

    private static func state(of db: Database, path: String) throws -> State {
        // The list of migrations is made in a transaction of its own: a death right behind it leaves it alone.
        let objects = try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'grdb_migrations'") ?? 0
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let version = try version(of: db)
        if objects == 0, application == 0, version == 0 { return .empty }
        guard application == ControlSchema.applicationID else {
            throw ControlStoreError(
                code: .notControl,
                message: "\(path) is a database of another program and was not touched; choose another data directory",
                path: path)
        }
        guard version <= ControlSchema.version, try !ControlSchema.migrator.hasBeenSuperseded(db) else {
            throw newer(version, path: path)
        }
        return version == ControlSchema.version ? .current : .older
    }

    private static func version(of db: Database) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA user_version")) ?? 0
    }

    /// Ends a transaction on a database that a newer program has made its own.
    static func refuseNewer(_ db: Database, path: String) throws {
        let version = try version(of: db)
        guard version <= ControlSchema.version else { throw newer(version, path: path) }
    }

    private static func newer(_ version: Int64, path: String) -> ControlStoreError {
        let message =
            "the control database at \(path) has schema version \(version), this program knows up to \(ControlSchema.version); "
            + "it was not touched. Use the newer Weir"
        return ControlStoreError(code: .newerVersion, message: message, path: path)
    }
}
