// SPDX-License-Identifier: Apache-2.0
import GRDB
import SQLiteAccess

/// The tables of the control database, as an ordered list of small named migrations.
///
/// A migration that was released is never edited.
enum ControlSchema {
    /// Kept in `PRAGMA application_id`: "WeiC".
    static let applicationID: Int64 = 0x5765_6943

    /// One step from a version to the next.
    private struct Step: Sendable {
        let name: String
        let run: @Sendable (Database) throws -> Void
    }

    /// The steps in order; the number of a step is the version it leads to.
    private static var steps: [Step] {
        [
            Step(name: "0001 ledgers", run: LedgerTables.make),
            Step(name: "0002 feedback", run: FeedbackTables.make),
            Step(name: "0003 size of feedback", run: FeedbackTables.makeSize),
        ]
    }

    /// Kept in `PRAGMA user_version`: the number of migrations.
    ///
    /// A database with a greater number is from a newer version.
    static var version: Int64 { Int64(steps.count) }

    /// The control database at a path.
    static func file(_ path: String) -> SQLiteFile {
        SQLiteFile(
            path: path, label: "weir.control", applicationID: applicationID, version: version, migrator: migrator,
            busySeconds: ControlStoreLimits.busySeconds)
    }

    /// The migrations in order.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for (place, step) in steps.enumerated() {
            migrator.registerMigration(step.name) { db in
                try step.run(db)
                try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(place + 1)")
            }
        }
        return migrator
    }
}
