// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import GRDB

extension FactStore {
    /// Stores what a batch gave, and how far the segment has been read, in one transaction.
    ///
    /// Committing the same batch again changes nothing: an id that is there stays as it is, but for one that has lost its payload and
    /// finds it here; the checkpoint never moves back.
    /// - Parameters:
    ///   - facts: the facts of the batch.
    ///   - checkpoint: the place behind the batch.
    ///   - losses: what the batch held that gave no fact.
    /// - Returns: how many facts were new.
    /// - Throws: `FactStoreError`; then nothing was stored.
    @discardableResult
    package func commit(facts: [ExchangeFact], checkpoint: Checkpoint, losses: [Loss] = []) throws -> CommitResult {
        try writing { db in
            var result = CommitResult()
            for fact in facts {
                if try insert(fact, into: db) { result.inserted += 1 } else { result.duplicates += 1 }
            }
            for loss in losses { try insert(loss, into: db) }
            try db.cachedStatement(
                sql: """
                    INSERT INTO checkpoint (segment, "offset") VALUES (?, ?)
                    ON CONFLICT (segment) DO UPDATE SET "offset" = max("offset", excluded."offset")
                    """
            ).execute(arguments: [checkpoint.segment, checkpoint.offset])
            return result
        }
    }

    private static let insertFact: String = {
        let names = ["id", "dimension_id", "segment_id"] + FactColumns.own.map { "\"\($0.name)\"" }
        let marks = names.map { _ in "?" }.joined(separator: ", ")
        return "INSERT INTO fact (\(names.joined(separator: ", "))) VALUES (\(marks)) ON CONFLICT (id) DO NOTHING"
    }()

    private static let insertDimension: String = {
        let names = ["tuple"] + FactColumns.dimension.map(\.name)
        let marks = names.map { _ in "?" }.joined(separator: ", ")
        return "INSERT INTO dimension (\(names.joined(separator: ", "))) VALUES (\(marks))"
    }()

    /// Stores a fact; false where its id was there.
    private func insert(_ fact: ExchangeFact, into db: Database) throws -> Bool {
        let own: [SQLValue] = [
            FactColumns.blob(of: fact.head.id), .integer(try dimensionID(of: fact, in: db)),
            .integer(try segmentID(of: fact.location.segment, in: db)),
        ]
        let values = (own + FactColumns.own.map { $0.read(fact) }).map(\.databaseValue)
        try db.cachedStatement(sql: FactStore.insertFact).execute(arguments: StatementArguments(values))
        guard db.changesCount == 1 else {
            try adopt(fact, into: db)
            return false
        }
        let factID = db.lastInsertedRowID
        for pair in fact.head.attribution.metadata {
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO metadata (fact_id, key, value) VALUES (?, ?, ?)")
                .execute(arguments: [factID, pair.name, pair.value])
        }
        return true
    }

    /// Gives a fact that has no payload the place where another copy of its record lies.
    private func adopt(_ fact: ExchangeFact, into db: Database) throws {
        guard fact.location.frame >= 0 else { return }
        try db.cachedStatement(
            sql: "UPDATE fact SET segment_id = ?, frame = ?, \"offset\" = ? WHERE id = ? AND frame < 0"
        ).execute(arguments: [
            try segmentID(of: fact.location.segment, in: db), fact.location.frame, fact.location.offset,
            FactColumns.blob(of: fact.head.id).databaseValue,
        ])
    }

    private func insert(_ loss: Loss, into db: Database) throws {
        let segmentID = try segmentID(of: loss.segment, in: db)
        let reason = String(decoding: loss.reason.utf8.prefix(FactStoreLimits.reasonBytes), as: UTF8.self)
        try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO loss (segment_id, frame, "offset", kind, byte_count, reason) VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [segmentID, loss.frame, loss.offset, loss.kind.rawValue, loss.byteCount, reason])
    }

    /// The dictionary id of a fact's dimensions, made where they are new.
    private func dimensionID(of fact: ExchangeFact, in db: Database) throws -> Int64 {
        let tuple = FactColumns.tuple(of: fact)
        let known = try db.cachedStatement(sql: "SELECT dimension_id FROM dimension WHERE tuple = ?")
        if let id = try Int64.fetchOne(known, arguments: [tuple]) { return id }
        let values = [tuple.databaseValue] + FactColumns.dimension.map { $0.read(fact).databaseValue }
        try db.cachedStatement(sql: FactStore.insertDimension).execute(arguments: StatementArguments(values))
        return db.lastInsertedRowID
    }

    /// The dictionary id of a segment's name, made where it is new.
    private func segmentID(of segment: String, in db: Database) throws -> Int64 {
        let known = try db.cachedStatement(sql: "SELECT segment_id FROM checkpoint WHERE segment = ?")
        if let id = try Int64.fetchOne(known, arguments: [segment]) { return id }
        try db.cachedStatement(sql: "INSERT INTO checkpoint (segment, \"offset\") VALUES (?, 0)").execute(arguments: [segment])
        return db.lastInsertedRowID
    }
}
