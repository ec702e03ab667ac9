// SPDX-License-Identifier: Apache-2.0
import GRDB
import SQLiteAccess

/// What an opened control database may be used for.
package enum ControlStoreMode: Sendable {
    /// Questions only; the file must be there and is never changed.
    case readOnly
    /// Changes too; the file is made and migrated where needed.
    case readWrite
}

/// The control database in SQLite: what Weir knows beside the segments, and cannot make anew from them.
///
/// Thread world: every call blocks; any thread may call, calls are served one after another.
///
/// - What a call has stored is on the disk when it returns (`synchronous=FULL`), or nothing of it is.
/// - Any number of processes may use it; writers take turns, and wait for each other up to `ControlStoreLimits.busySeconds`.
/// - Entries of a ledger and feedback are only ever added; triggers refuse anything else, and `verify` finds who went around them.
package final class ControlStore: Sendable {
    /// The database file's name in a data directory.
    package static let fileName = "control.sqlite"
    /// The database file.
    package var path: String { file.path }
    private let file: SQLiteFile
    let queue: DatabaseQueue

    private init(file: SQLiteFile, queue: DatabaseQueue) {
        self.file = file
        self.queue = queue
    }

    /// Opens the control database.
    ///
    /// A database of a newer version, or of another program, is refused before anything is written.
    /// - Parameters:
    ///   - path: the database file; its directory must exist.
    ///   - mode: what it is to be used for.
    /// - Returns: the opened store.
    /// - Throws: `ControlStoreError`.
    package static func open(path: String, mode: ControlStoreMode) throws -> ControlStore {
        let file = ControlSchema.file(path)
        do {
            switch mode {
            case .readOnly: return ControlStore(file: file, queue: try file.openForReading())
            case .readWrite:
                let queue = try file.openForWriting()
                // This is truth: a commit is on the disk before it is said to be done. What is erased is overwritten.
                try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON") }
                return ControlStore(file: file, queue: queue)
            }
        } catch { throw ControlStoreError(error, path: path) }
    }

    /// Closes the database; later calls throw.
    ///
    /// Closing happens by itself when the last reference goes.
    ///
    /// - Throws: `ControlStoreError`.
    package func close() throws {
        do { try queue.close() } catch { throw ControlStoreError(error, path: path) }
    }

    /// Moves the write-ahead log into the database file and cuts it to nothing, so that what was overwritten is in no file any more.
    ///
    /// - Returns: false where somebody reads there for longer than `ControlStoreLimits.clearingMilliseconds`: then the log still holds it.
    /// - Throws: `ControlStoreError`.
    package func clearLog() throws -> Bool {
        do {
            return try queue.writeWithoutTransaction {
                try SQLiteLog.clear($0, waitMilliseconds: ControlStoreLimits.clearingMilliseconds)
            }
        } catch { throw ControlStoreError(error, path: path) }
    }

    /// Runs reads in one snapshot, with errors as this room's.
    func reading<T>(_ body: (Database) throws -> T) throws -> T {
        do { return try queue.read(body) } catch { throw ControlStoreError.own(error, path: path) }
    }

    /// Runs writes in one transaction, with errors as this room's.
    ///
    /// Another process may have brought the database up to date since it was opened: what this program would write is not what it then is.
    func writing<T>(_ body: (Database) throws -> T) throws -> T {
        do {
            return try queue.write { db in
                try file.refuseNewer(db)
                return try body(db)
            }
        } catch { throw ControlStoreError.own(error, path: path) }
    }
}
