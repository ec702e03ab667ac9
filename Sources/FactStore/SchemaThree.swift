// SPDX-License-Identifier: Apache-2.0

/// What version 3 changes: rollups are told apart by declared metadata too, and their histograms are shorter.
///
/// Rollups follow from the rows, so none is moved: they are dropped, and built anew by the next `FactStore.build`.
enum SchemaThree {
    /// From version 2.
    static let all =
        """
        CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE declared (declared_id INTEGER PRIMARY KEY, object TEXT NOT NULL UNIQUE);

        """
        + ["hour", "day"].map { "DROP TABLE rollup_\($0);\nDELETE FROM rolled_\($0);\n" + cells(of: $0) }.joined()

    /// The table of a unit's cells.
    static func cells(of unit: String) -> String {
        """
        CREATE TABLE rollup_\(unit) (
            \(unit) INTEGER NOT NULL, dimension_id INTEGER NOT NULL, declared_id INTEGER NOT NULL,
            exchanges INTEGER NOT NULL, streams INTEGER NOT NULL,
            unpriced INTEGER NOT NULL, usage_partial INTEGER NOT NULL, usage_absent INTEGER NOT NULL,
            request_body_bytes INTEGER NOT NULL, response_body_bytes INTEGER NOT NULL,
            \((FactColumns.usageNames + FactColumns.costNames).map { "\($0) INTEGER" }.joined(separator: ", ")),
            duration BLOB, ttft BLOB, PRIMARY KEY (\(unit), dimension_id, declared_id)
        ) WITHOUT ROWID;

        """
    }
}
