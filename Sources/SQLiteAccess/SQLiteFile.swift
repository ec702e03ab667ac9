// SPDX-License-Identifier: Apache-2.0
package import GRDB
import Platform

/// Why a database was not opened, where SQLite itself has nothing to say about it; the stores tell it in their own words.
package enum SQLiteFault: Error, Sendable {
    /// There is no database at the path, or one that nothing was ever written to.
    case missing
    /// Its schema has this version, which must be brought up to date first.
    case older(Int64)
    /// Its schema has this version, which this program does not know; it was not touched.
    case newer(Int64)
    /// It is a database of another program; it was not touched.
    case foreign
    /// The system refuses the file; what it says and what to do.
    case refused(String)
    /// Another process is making it, and takes longer than the wait.
    case beingMade
}

/// One of Weir's databases: where it lies, how it is told from others, and how it is brought up to date.
///
/// Thread world: every call blocks.
///
/// - Nothing is written before it is known what lies there.
/// - The file and what SQLite puts beside it have mode 0600.
/// - Of several that open a database for the first time one makes it, and the others wait.
package struct SQLiteFile: Sendable {
    /// The database file; its directory must exist.
    package let path: String
    /// What the connection is called.
    private let label: String
    /// Kept in `PRAGMA application_id`.
    private let applicationID: Int64
    /// Kept in `PRAGMA user_version`: the number of migrations.
    private let version: Int64
    /// The migrations in order.
    private let migrator: DatabaseMigrator
    /// Seconds to wait for another connection's transaction.
    private let busySeconds: Double

    /// Names a database; nothing is touched.
    ///
    /// - Parameters:
    ///   - path: the database file.
    ///   - label: what the connection is called.
    ///   - applicationID: kept in `PRAGMA application_id`.
    ///   - version: kept in `PRAGMA user_version`: the number of migrations.
    ///   - migrator: the migrations in order.
    ///   - busySeconds: how long to wait for another connection's transaction.
    package init(
        path: String, label: String, applicationID: Int64, version: Int64, migrator: DatabaseMigrator, busySeconds: Double
    ) {
        self.path = path
        self.label = label
        self.applicationID = applicationID
        self.version = version
        self.migrator = migrator
        self.busySeconds = busySeconds
    }

    /// Opens it for questions; it must be there, and of this program's version.
    ///
    /// - Returns: the connection.
    /// - Throws: `SQLiteFault`, or `DatabaseError` where SQLite cannot open or read it.
    package func openForReading() throws -> DatabaseQueue {
        switch try state() {
        case .missing, .empty: throw SQLiteFault.missing
        case .older(let version): throw SQLiteFault.older(version)
        case .current: return try connect(isReadOnly: true)
        }
    }

    /// Opens it for changes; it is made, or brought up to date, where needed.
    ///
    /// - Returns: the connection.
    /// - Throws: `SQLiteFault`, or `DatabaseError` where SQLite cannot open or migrate it.
    package func openForWriting() throws -> DatabaseQueue {
        if try isCurrent() {
            try shut()
            return try connect(isReadOnly: false)
        }
        let lock = FileLock(path: path + ".opening")
        let waitUs = Int64(busySeconds * 1_000_000)
        let isHeld = try refusing { () throws(PlatformError) in try lock.acquire(timeoutUs: waitUs) }
        guard isHeld else { throw SQLiteFault.beingMade }
        defer {
            // Who holds the lock may remove its file; one that stays does no harm.
            try? PosixFileSystem().unlink(lock.path)
            lock.release()
        }
        return try bringUpToDate()
    }

    /// Ends a transaction on a database that a newer program has made its own.
    ///
    /// - Parameter db: within a transaction.
    /// - Throws: `SQLiteFault` `newer`.
    package func refuseNewer(_ db: Database) throws {
        let found = try SQLiteFile.version(of: db)
        guard found <= version else { throw SQLiteFault.newer(found) }
    }

    // MARK: What lies there

    private enum State {
        case missing, empty, current
        case older(Int64)
    }

    private func isCurrent() throws -> Bool {
        do {
            guard case .current = try state() else { return false }
            return true
        } catch is DatabaseError {
            // What SQLite says while another makes the file is no last word: it is asked again under the lock.
            return false
        }
    }

    /// Tells what lies at the path, reading only.
    private func state() throws -> State {
        let status = try refusing { () throws(PlatformError) in try PosixFileSystem().status(of: path) }
        guard let status else { return .missing }
        guard !status.isDirectory else { throw SQLiteFault.refused("it is a directory") }
        let queue = try connect(isReadOnly: true)
        let found = try queue.read { try state(of: $0) }
        try queue.close()
        return found
    }

    private func state(of db: Database) throws -> State {
        // The list of migrations is made in a transaction of its own: a death right behind it leaves it alone.
        let objects = try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'grdb_migrations'") ?? 0
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let found = try SQLiteFile.version(of: db)
        if objects == 0, application == 0, found == 0 { return .empty }
        guard application == applicationID else { throw SQLiteFault.foreign }
        guard found <= version, try !migrator.hasBeenSuperseded(db) else { throw SQLiteFault.newer(found) }
        return found == version ? .current : .older(found)
    }

    private static func version(of db: Database) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA user_version")) ?? 0
    }

    // MARK: Connecting

    private func bringUpToDate() throws -> DatabaseQueue {
        if case .missing = try state() { try refusing { () throws(PlatformError) in try PrivateFile.make(path) } }
        try shut()
        let queue = try connect(isReadOnly: false)
        try migrator.migrate(queue)
        return queue
    }

    /// SQLite gives what it makes beside a database the mode of that one.
    private func shut() throws {
        for end in ["", "-wal", "-shm"] { try refusing { () throws(PlatformError) in try PrivateFile.shut(path + end) } }
    }

    private func refusing<T>(_ body: () throws(PlatformError) -> T) throws(SQLiteFault) -> T {
        do { return try body() } catch { throw .refused(error.message) }
    }

    private func connect(isReadOnly: Bool) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = label
        configuration.readonly = isReadOnly
        configuration.busyMode = .timeout(busySeconds)
        configuration.journalMode = .wal
        return try DatabaseQueue(path: path, configuration: configuration)
    }
}
