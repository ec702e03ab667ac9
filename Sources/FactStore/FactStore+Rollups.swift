// SPDX-License-Identifier: Apache-2.0
import GRDB

extension FactStore {
    /// Gives every cell of the rollups, hours first and weeks last, by time and by the text of the dimensions, in one snapshot.
    ///
    /// The store must not be used meanwhile.
    /// - Parameter body: takes the names and the values of a cell, the same names each time: `unit`, `started_at_us`, the dimensions,
    ///   the declared metadata, the sums, and the histograms as hex digits.
    /// - Throws: `FactStoreError`; what the body throws ends it.
    package func forEachRollup(_ body: ([String], [SQLValue]) throws -> Void) throws {
        let dimensions = FactColumns.dimension.map(\.name)
        let sums = RollupBuilding.sums
        let names = ["unit", "started_at_us"] + dimensions + ["metadata"] + sums + ["duration", "ttft"]
        try reading { db in
            for unit in RollupUnit.allCases {
                let sql = """
                    SELECT '\(unit)', \(unit) + \(SchemaTwo.epochUs), \(dimensions.joined(separator: ", ")),
                        coalesce(object, '{}') AS metadata, \(sums.joined(separator: ", ")), hex(duration), hex(ttft)
                    FROM rollup_\(unit) JOIN dimension USING (dimension_id) LEFT JOIN declared USING (declared_id)
                    ORDER BY \(unit), \(dimensions.joined(separator: ", ")), metadata
                    """
                let cursor = try Row.fetchCursor(db, sql: sql)
                while let row = try cursor.next() { try body(names, row.values) }
            }
        }
    }
}
