// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import GRDB

/// From the wide rows of version 1 to the narrow ones of version 2.
enum MigrationTwo {
    /// Makes the new tables, moves every fact, and drops the old ones.
    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                DROP VIEW facts;
                ALTER TABLE fact RENAME TO fact_1;
                ALTER TABLE dimension RENAME TO dimension_1;
                ALTER TABLE metadata RENAME TO metadata_1;
                """)
        try db.execute(sql: SchemaTwo.all)
        let tables = FactTables(db)
        let cursor = try Row.fetchCursor(db, sql: select)
        var count = 0
        while let row = try cursor.next() {
            count += 1
            // What is remembered does not grow with the index.
            if count.isMultiple(of: FactStoreLimits.pageFacts) { try tables.finish() }
            var fact = try fact(of: row.values)
            _ = try tables.insert(FactRow(&fact), segment: fact.location.segment)
        }
        try tables.finish()
        try db.execute(sql: "DROP TABLE fact_1; DROP TABLE dimension_1; DROP TABLE metadata_1")
    }

    /// Every column that version 1 had, in the order of `columns`.
    private static let columns: [FactColumn] =
        FactColumns.dimension + FactColumns.shape + FactColumns.route + FactColumns.own + FactRow.moreColumns

    private static let select: String = {
        let names = columns.map { column in
            let table = oldDimensions.contains(column.name) ? "dimension_1" : "fact_1"
            return "\(table).\"\(column.name)\""
        }
        return """
            SELECT
                fact_1.id, fact_1.started_at_us, checkpoint.segment,
                (SELECT json_group_object(key, value) FROM (
                    SELECT key, value FROM metadata_1 WHERE metadata_1.fact_id = fact_1.fact_id ORDER BY key)),
                \(names.joined(separator: ", "))
            FROM fact_1
            CROSS JOIN dimension_1 ON dimension_1.dimension_id = fact_1.dimension_id
            CROSS JOIN checkpoint ON checkpoint.segment_id = fact_1.segment_id
            """
    }()

    private static let oldDimensions: Set<String> = [
        "node", "environment", "task", "key_id", "provider", "deployment", "api", "method", "model_requested", "model_responded",
    ]

    private static func fact(of values: [SQLValue]) throws -> ExchangeFact {
        guard case .blob(let bytes) = values[0], bytes.count == 16, let startedAtUs = values[1].integer else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a fact of version 1 has no valid id")
        }
        let id = FactKey.id(bytes)
        var head = ExchangeHead(id: id, node: "", startedAtUs: startedAtUs, method: "", path: "")
        head.attribution.metadata = FactRows.metadata(values[3].text)
        var fact = ExchangeFact(head: head, location: PayloadLocation(segment: values[2].text ?? "", frame: 0, offset: 0))
        for (column, value) in zip(columns, values.dropFirst(4)) { column.write(&fact, value) }
        return fact
    }
}
