// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import GRDB

/// Where a fact's payload lies after its segment was written anew.
package struct MovedPayload: Sendable, Equatable {
    /// The exchange.
    package var id: ExchangeID
    /// Byte offset of the frame's batch header in the new file.
    package var frame: Int64
    /// Byte offset of the record in the decompressed frame.
    package var offset: Int64

    /// A new place.
    package init(id: ExchangeID, frame: Int64, offset: Int64) {
        self.id = id
        self.frame = frame
        self.offset = offset
    }
}

extension FactStore {
    /// Follows a segment that was written anew: its facts point into the new file, and erased ones are gone, all in one transaction
    /// that is on the disk when this returns, for the old file is removed next.
    ///
    /// Facts whose payload lies in another segment stay as they are. Doing it again changes nothing.
    /// - Parameters:
    ///   - old: name of the file that is replaced.
    ///   - new: name of the file that replaces it.
    ///   - end: bytes of the new file: all of it counts as read.
    ///   - places: where the payloads lie in it.
    ///   - erased: exchanges whose facts are to go, wherever their payloads lie.
    /// - Throws: `FactStoreError`; then nothing was changed.
    package func replaceSegment(_ old: String, by new: String, end: Int64, places: [MovedPayload], erased: [ExchangeID] = [])
        throws
    {
        try writingDurably { db in
            try FactStore.delete(erased, in: db)
            guard let oldID = try FactStore.knownSegment(old, in: db) else { return }
            let update = try db.cachedStatement(
                sql: "UPDATE fact SET segment_id = ?, frame = ?, \"offset\" = ? WHERE id = ? AND segment_id = ?")
            let newID = try FactStore.knownSegment(new, in: db)
            for place in places {
                try update.execute(arguments: [
                    newID ?? oldID, place.frame, place.offset, FactColumns.blob(of: place.id).databaseValue, oldID,
                ])
            }
            guard let newID else {
                try db.execute(
                    sql: "UPDATE checkpoint SET segment = ?, \"offset\" = ? WHERE segment_id = ?", arguments: [new, end, oldID])
                return
            }
            // The new file was read as one of its own before this one was done with.
            try db.execute(sql: "UPDATE fact SET segment_id = ? WHERE segment_id = ?", arguments: [newID, oldID])
            try db.execute(sql: "UPDATE OR REPLACE loss SET segment_id = ? WHERE segment_id = ?", arguments: [newID, oldID])
            try db.execute(sql: "DELETE FROM checkpoint WHERE segment_id = ?", arguments: [oldID])
            try db.execute(
                sql: "UPDATE checkpoint SET \"offset\" = max(\"offset\", ?) WHERE segment_id = ?", arguments: [end, newID])
        }
    }

    /// The facts of some exchanges, in their order; those that are not there are left out.
    ///
    /// - Parameter ids: the exchanges.
    /// - Returns: their facts.
    /// - Throws: `FactStoreError`.
    package func facts(of ids: [ExchangeID]) throws -> [ExchangeFact] {
        try reading { db in try FactWalk.facts(ids, in: db) }
    }

    private static func knownSegment(_ name: String, in db: Database) throws -> Int64? {
        try Int64.fetchOne(
            try db.cachedStatement(sql: "SELECT segment_id FROM checkpoint WHERE segment = ?"), arguments: [name])
    }

    private static func delete(_ ids: [ExchangeID], in db: Database) throws {
        for id in ids {
            let blob = FactColumns.blob(of: id).databaseValue
            try db.cachedStatement(sql: "DELETE FROM metadata WHERE fact_id = (SELECT fact_id FROM fact WHERE id = ?)")
                .execute(arguments: [blob])
            try db.cachedStatement(sql: "DELETE FROM fact WHERE id = ?").execute(arguments: [blob])
        }
    }

    /// One transaction that is on the disk on return, and that leaves nothing readable of what it deletes.
    private func writingDurably(_ body: (Database) throws -> Void) throws {
        do {
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
                let result = Result {
                    try db.inTransaction {
                        try body(db)
                        return .commit
                    }
                }
                try db.execute(sql: "PRAGMA secure_delete = OFF; PRAGMA synchronous = NORMAL")
                try result.get()
            }
        } catch {
            throw FactStoreError(error, path: path)
        }
    }
}
