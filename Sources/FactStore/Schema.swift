// SPDX-License-Identifier: Apache-2.0
import GRDB
import SQLiteAccess

/// The tables of the index, as an ordered list of small named migrations.
///
/// A migration that was released is never edited.
enum Schema {
    /// Kept in `PRAGMA user_version`: the number of migrations.
    ///
    /// A database with a greater number is from a newer version.
    static let version: Int64 = 5
    /// Kept in `PRAGMA application_id`: "Weir".
    static let applicationID: Int64 = 0x5765_6972

    /// The index at a path.
    static func file(_ path: String) -> SQLiteFile {
        SQLiteFile(
            path: path, label: "weir.index", applicationID: applicationID, version: version, migrator: migrator,
            busySeconds: FactStoreLimits.busySeconds)
    }

    /// The migrations in order.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("0001 facts") { db in
            try db.execute(sql: SchemaOne.all)
            try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = 1")
        }
        migrator.registerMigration("0002 narrow rows, columns, rollups") { db in
            try MigrationTwo.run(db)
            try db.execute(sql: "PRAGMA user_version = 2")
        }
        migrator.registerMigration("0003 declared metadata in rollups") { db in
            try db.execute(sql: SchemaThree.all)
            try db.execute(sql: "PRAGMA user_version = 3")
        }
        migrator.registerMigration("0004 weeks rolled up") { db in
            try db.execute(sql: SchemaFour.all)
            try db.execute(sql: "PRAGMA user_version = 4")
        }
        migrator.registerMigration("0005 chunks by dimension") { db in
            try db.execute(sql: SchemaFive.all)
            try db.execute(sql: "PRAGMA user_version = 5")
        }
        return migrator
    }
}
