// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The SQLite that this program runs with.
package enum SQLiteLibrary {
    /// Its version, as in `3.40.1`, or nil where it does not even open a database in memory.
    package static var version: String? {
        try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }
    }
}
