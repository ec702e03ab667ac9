// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import GRDB
import Synchronization

extension FactStore {
    /// Stores what a batch gave, and how far the segment has been read, in one transaction.
    ///
    /// Committing the same batch again changes nothing: an id that is there stays as it is, but for one that has lost its payload and
    /// finds it here; the checkpoint never moves back.
    /// - Parameters:
    ///   - facts: the facts of the batch; left as they are, but nobody else may have them meanwhile, or they are copied.
    ///   - checkpoint: the place behind the batch.
    ///   - losses: what the batch held that gave no fact.
    /// - Returns: how many facts were new.
    /// - Throws: `FactStoreError`; then nothing was stored.
    @discardableResult
    package func commit(facts: inout [ExchangeFact], checkpoint: Checkpoint, losses: [Loss] = []) throws -> CommitResult {
        let known = shapeIDs.withLock { ids in
            defer { ids = [:] }
            return ids
        }
        let (result, ids) = try writing { db in
            var result = CommitResult()
            let tables = FactTables(db, shapeIDs: known)
            var added: [Int64] = []
            for i in facts.indices {
                let row = FactRow(&facts[i])
                if try tables.insert(row, segment: facts[i].location.segment) {
                    added.append(row.key.start)
                } else {
                    result.duplicates += 1
                    try tables.adopt(row, place: facts[i].location)
                }
            }
            try tables.finish()
            for loss in losses { try tables.insert(loss) }
            try tables.advance(checkpoint)
            result.inserted = added.count
            result.late = try Coverage(db).forget(starts: added)
            return (result, tables.shapeIDs)
        }
        // Only what is committed may be remembered.
        shapeIDs.withLock { $0 = ids }
        return result
    }

    /// The same for facts that others have too, or for none.
    @discardableResult
    package func commit(facts: [ExchangeFact], checkpoint: Checkpoint, losses: [Loss] = []) throws -> CommitResult {
        var facts = facts
        return try commit(facts: &facts, checkpoint: checkpoint, losses: losses)
    }
}

/// Writes rows and the dictionaries they point into, within somebody's transaction.
///
/// Remembers what it has looked up as long as the transaction lasts, and counts uses at its end: whoever inserts calls `finish`, and does
/// not delete with the same one.
final class FactTables {
    let db: Database
    private(set) var shapeIDs: [[SQLValue]: Int64]
    private var statements: [String: BoundStatement] = [:]
    private var insertingFact: BoundStatement?
    private var insertingMore: BoundStatement?
    private var lookingNear: BoundStatement?
    private var segmentIDs: [String: Int64] = [:]
    /// Entries of `route`, and how many facts more point at them.
    private var routes: [[SQLValue]: (id: Int64, uses: Int64)] = [:]
    /// The same for `metadata_set`.
    private var metadata: [SQLValue: (id: Int64, uses: Int64)] = [:]
    /// Whether there may be ids that do not follow from the start of their exchange.
    private var hasOddIDs: Bool?

    /// - Parameters:
    ///   - db: where the transaction is.
    ///   - shapeIDs: shapes that are known to be there.
    init(_ db: Database, shapeIDs: [[SQLValue]: Int64] = [:]) {
        self.db = db
        self.shapeIDs = shapeIDs
    }

    /// Adds what was counted to the dictionaries.
    func finish() throws {
        for (id, uses) in routes.values {
            try run("UPDATE route SET uses = uses + ? WHERE route_id = ?", [.integer(uses), .integer(id)])
        }
        for (id, uses) in metadata.values {
            try run("UPDATE metadata_set SET uses = uses + ? WHERE metadata_id = ?", [.integer(uses), .integer(id)])
        }
        routes = [:]
        metadata = [:]
        if shapeIDs.count >= FactStoreLimits.knownShapes { shapeIDs = [:] }
    }

    private static let insertFact = insert(
        into: "fact",
        ["start", "tail", "shape_id", "route_id", "metadata_id", "segment_id"] + FactColumns.own.map(\.name)
            + ["content_span_us"])
    private static let insertMore = insert(into: "fact_more", ["start", "tail"] + FactRow.moreColumns.map(\.name))
    private static let insertDimension = insert(into: "dimension", ["tuple"] + FactColumns.dimension.map(\.name))
    private static let insertShape = insert(
        into: "shape", ["tuple", "dimension_id"] + FactColumns.shape.map(\.name) + ["derived"] + FactColumns.rateNames)
    private static let insertRoute = insert(into: "route", ["tuple"] + FactColumns.route.map(\.name))

    private static func insert(into table: String, _ names: [String]) -> String {
        let marks = names.map { _ in "?" }.joined(separator: ", ")
        return "INSERT INTO \(table) (\(names.map { "\"\($0)\"" }.joined(separator: ", "))) VALUES (\(marks))"
    }

    /// Runs a statement; gives the number of the row that was inserted last.
    @discardableResult
    private func run(_ sql: String, _ values: [SQLValue]) throws -> Int64 {
        try statement(sql).run(values)
        return db.lastInsertedRowID
    }

    private func integer(_ sql: String, _ values: [SQLValue]) throws -> Int64? { try statement(sql).integer(values) }

    private func statement(_ sql: String) throws -> BoundStatement {
        if let made = statements[sql] { return made }
        let made = try BoundStatement(sql, in: db)
        statements[sql] = made
        return made
    }

    /// A statement that runs for every fact: held, since to look it up by its long text would cost more than to bind it.
    private func held(_ place: inout BoundStatement?, _ sql: String) throws -> BoundStatement {
        if let place { return place }
        let made = try BoundStatement(sql, in: db)
        place = made
        return made
    }

    /// Stores a row; false where its exchange is there.
    func insert(_ row: FactRow, segment: String) throws -> Bool {
        guard try key(of: row.id) == nil else { return false }
        let shape = try shapeID(of: row)
        let route = try routeID(of: row)
        let metadata = try row.metadata.map { object in try metadataID(of: .text(object)) }
        let own: [SQLValue] = [
            .integer(row.key.start), .blob(row.key.tail), .integer(shape), .integer(route), SQLValue(metadata),
            .integer(try segmentID(of: segment)),
        ]
        try held(&insertingFact, FactTables.insertFact).run(own, row.own)
        try insertMore(row)
        if row.key.tail.count != FactKey.shortCount { hasOddIDs = true }
        return true
    }

    private func insertMore(_ row: FactRow) throws {
        guard !row.more.isEmpty else { return }
        try held(&insertingMore, FactTables.insertMore).run([.integer(row.key.start), .blob(row.key.tail)], row.more)
    }

    /// Gives a row that is there another shape, and what its values need in `fact_more`: its costs are others now.
    func replaceShape(of row: FactRow) throws {
        let key: [SQLValue] = [.integer(row.key.start), .blob(row.key.tail)]
        try run("UPDATE fact SET shape_id = ? WHERE start = ? AND tail = ?", [.integer(try shapeID(of: row))] + key)
        try run("DELETE FROM fact_more WHERE start = ? AND tail = ?", key)
        try insertMore(row)
    }

    /// The key of an exchange that is there, or nil.
    func key(of id: ExchangeID) throws -> FactKey? {
        let bytes = FactKey.bytes(of: id)
        let starts = FactKey.starts(of: id)
        let short = Array(bytes.suffix(FactKey.shortCount))
        let near = try held(&lookingNear, "SELECT start FROM fact WHERE start BETWEEN ? AND ? AND tail = ? LIMIT 1")
        if let start = try near.integer([.integer(starts.lowerBound), .integer(starts.upperBound), .blob(short)]) {
            return FactKey(start: .integer(start), tail: .blob(short))
        }
        guard try mayHaveOddIDs() else { return nil }
        let odd = "SELECT start FROM fact WHERE tail = ? AND length(tail) = 16 LIMIT 1"
        return try integer(odd, [.blob(bytes)]).flatMap { FactKey(start: .integer($0), tail: .blob(bytes)) }
    }

    private func mayHaveOddIDs() throws -> Bool {
        if let hasOddIDs { return hasOddIDs }
        let found = try integer("SELECT 1 FROM fact WHERE length(tail) = 16 LIMIT 1", []) != nil
        hasOddIDs = found
        return found
    }

    /// Gives a fact that has no payload the place where another copy of its record lies.
    func adopt(_ row: FactRow, place: PayloadLocation) throws {
        guard place.frame >= 0, let key = try key(of: row.id) else { return }
        try run(
            "UPDATE fact SET segment_id = ?, frame = ?, \"offset\" = ? WHERE start = ? AND tail = ? AND frame < 0",
            [
                .integer(try segmentID(of: place.segment)), .integer(place.frame), .integer(place.offset), .integer(key.start),
                .blob(key.tail),
            ])
    }

    /// Deletes an exchange, and what only it needed; its start, or nil where it is not there.
    func delete(_ id: ExchangeID) throws -> Int64? {
        guard let key = try key(of: id) else { return nil }
        try delete(key)
        return key.start
    }

    /// Deletes a row, and what only it needed.
    func delete(_ key: FactKey) throws {
        let values: [SQLValue] = [.integer(key.start), .blob(key.tail)]
        let statement = try db.cachedStatement(sql: "SELECT route_id, metadata_id FROM fact WHERE start = ? AND tail = ?")
        let row = try Row.fetchOne(statement, arguments: StatementArguments(values.map(\.databaseValue)))?.values
        try run("DELETE FROM fact WHERE start = ? AND tail = ?", values)
        try run("DELETE FROM fact_more WHERE start = ? AND tail = ?", values)
        guard let row else { return }
        try run("UPDATE route SET uses = uses - 1 WHERE route_id = ?", [row[0]])
        try run("DELETE FROM route WHERE route_id = ? AND uses <= 0", [row[0]])
        guard row[1] != .null else { return }
        try run("UPDATE metadata_set SET uses = uses - 1 WHERE metadata_id = ?", [row[1]])
        try run("DELETE FROM metadata_set WHERE metadata_id = ? AND uses <= 0", [row[1]])
        guard db.changesCount > 0 else { return }
        try run("DELETE FROM metadata WHERE metadata_id = ?", [row[1]])
    }

    func insert(_ loss: Loss) throws {
        let reason = String(decoding: loss.reason.utf8.prefix(FactStoreLimits.reasonBytes), as: UTF8.self)
        try run(
            "INSERT OR IGNORE INTO loss (segment_id, frame, \"offset\", kind, byte_count, reason) VALUES (?, ?, ?, ?, ?, ?)",
            [
                .integer(try segmentID(of: loss.segment)), .integer(loss.frame), .integer(loss.offset), .text(loss.kind.rawValue),
                .integer(loss.byteCount), .text(reason),
            ])
    }

    func advance(_ checkpoint: Checkpoint) throws {
        try run(
            """
            INSERT INTO checkpoint (segment, "offset") VALUES (?, ?)
            ON CONFLICT (segment) DO UPDATE SET "offset" = max("offset", excluded."offset")
            """, [.text(checkpoint.segment), .integer(checkpoint.offset)])
    }

    /// The number of a dictionary's entry, which is made where there is none.
    private func entry(_ sql: String, _ values: [SQLValue], make: () throws -> Int64) throws -> Int64 {
        try integer(sql, values) ?? make()
    }

    /// The dictionary id of a row's shape, made where it is new.
    func shapeID(of row: FactRow) throws -> Int64 {
        if let known = shapeIDs[row.shared] { return known }
        let dimension = try dimensionID(of: row)
        let tuple = SQLValue.text(FactColumns.tuple([.integer(dimension)] + row.shape))
        let id = try entry("SELECT shape_id FROM shape WHERE tuple = ?", [tuple]) {
            try run(FactTables.insertShape, [tuple, .integer(dimension)] + row.shape)
        }
        shapeIDs[row.shared] = id
        return id
    }

    private func dimensionID(of row: FactRow) throws -> Int64 {
        let tuple = SQLValue.text(FactColumns.tuple(row.dimension))
        return try entry("SELECT dimension_id FROM dimension WHERE tuple = ?", [tuple]) {
            try run(FactTables.insertDimension, [tuple] + row.dimension)
        }
    }

    private func routeID(of row: FactRow) throws -> Int64 {
        if let known = routes[row.route] {
            routes[row.route] = (known.id, known.uses + 1)
            return known.id
        }
        let tuple = SQLValue.text(FactColumns.tuple(row.route))
        let id = try entry("SELECT route_id FROM route WHERE tuple = ?", [tuple]) {
            try run(FactTables.insertRoute, [tuple] + row.route)
        }
        routes[row.route] = (id, 1)
        return id
    }

    private func metadataID(of object: SQLValue) throws -> Int64 {
        if let known = metadata[object] {
            metadata[object] = (known.id, known.uses + 1)
            return known.id
        }
        let id = try entry("SELECT metadata_id FROM metadata_set WHERE object = ?", [object]) {
            let id = try run("INSERT INTO metadata_set (object) VALUES (?)", [object])
            try run(
                "INSERT OR IGNORE INTO metadata (key, value, metadata_id) SELECT key, value, ? FROM json_each(?)",
                [.integer(id), object])
            return id
        }
        metadata[object] = (id, 1)
        return id
    }

    /// The dictionary id of a segment's name, made where it is new.
    func segmentID(of segment: String) throws -> Int64 {
        if let known = segmentIDs[segment] { return known }
        let id = try entry("SELECT segment_id FROM checkpoint WHERE segment = ?", [.text(segment)]) {
            try run("INSERT INTO checkpoint (segment, \"offset\") VALUES (?, 0)", [.text(segment)])
        }
        segmentIDs[segment] = id
        return id
    }
}
