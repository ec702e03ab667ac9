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

extension PayloadLocation {
    /// The `frame` of a fact whose record is gone from a segment that is there: no batch begins before the file does.
    package static let noFrame: Int64 = -1
}

extension FactStore {
    /// Follows a segment that was written anew: its facts point into the new file, and erased ones are gone, all in one transaction
    /// that is on the disk when this returns, for the old file is removed next.
    ///
    /// Facts whose payload lies in another segment stay as they are, but for those that have no payload: they find it here. Doing it
    /// again changes nothing.
    /// - Parameters:
    ///   - old: name of the file that is replaced.
    ///   - new: name of the file that replaces it.
    ///   - end: bytes of the new file, all of which counts as read; nil where it is to be read as if it were new.
    ///   - places: where the payloads lie in it.
    ///   - erased: exchanges whose facts are to go, wherever their payloads lie.
    ///   - lost: exchanges of the old file that have no payload in the new one; their facts stay, with `PayloadLocation.noFrame`.
    /// - Throws: `FactStoreError`; then nothing was changed.
    package func replaceSegment(
        _ old: String, by new: String, end: Int64?, places: [MovedPayload], erased: [ExchangeID] = [], lost: [ExchangeID] = []
    ) throws {
        try writingDurably { db in
            try FactStore.delete(erased, in: db)
            guard let oldID = try FactStore.knownSegment(old, in: db) else { return }
            let newID = try FactStore.knownSegment(new, in: db)
            try FactStore.move(places, from: oldID, to: newID ?? oldID, in: db)
            try FactStore.lose(lost, at: oldID, in: db)
            guard let newID else {
                let rename = "UPDATE checkpoint SET segment = ?, \"offset\" = ? WHERE segment_id = ?"
                return try db.execute(sql: rename, arguments: [new, end ?? 0, oldID])
            }
            // The new file was read as one of its own before this one was done with.
            try db.execute(sql: "UPDATE fact SET segment_id = ? WHERE segment_id = ?", arguments: [newID, oldID])
            try db.execute(sql: "UPDATE OR REPLACE loss SET segment_id = ? WHERE segment_id = ?", arguments: [newID, oldID])
            try db.execute(sql: "DELETE FROM checkpoint WHERE segment_id = ?", arguments: [oldID])
            try db.execute(
                sql: "UPDATE checkpoint SET \"offset\" = max(\"offset\", ?) WHERE segment_id = ?", arguments: [end ?? 0, newID])
        }
    }

    private static func move(_ places: [MovedPayload], from old: Int64, to new: Int64, in db: Database) throws {
        let update = try db.cachedStatement(
            sql: """
                UPDATE fact SET segment_id = ?, frame = ?, "offset" = ?
                WHERE start = ? AND tail = ? AND (segment_id = ? OR frame < 0)
                """)
        let tables = FactTables(db)
        for place in places {
            guard let key = try tables.key(of: place.id) else { continue }
            try update.execute(arguments: [
                new, place.frame, place.offset, key.start, SQLValue.blob(key.tail).databaseValue, old,
            ])
        }
    }

    private static func lose(_ ids: [ExchangeID], at segment: Int64, in db: Database) throws {
        let update = try db.cachedStatement(
            sql: "UPDATE fact SET frame = ?, \"offset\" = 0 WHERE start = ? AND tail = ? AND segment_id = ?")
        let tables = FactTables(db)
        for id in ids {
            guard let key = try tables.key(of: id) else { continue }
            try update.execute(arguments: [
                PayloadLocation.noFrame, key.start, SQLValue.blob(key.tail).databaseValue, segment,
            ])
        }
    }

    /// Takes back what was read of a segment beyond its end: the power went before those bytes were on the disk.
    ///
    /// The facts stay, without a payload until one is found elsewhere.
    /// - Parameters:
    ///   - segment: its file's name.
    ///   - size: its bytes.
    /// - Throws: `FactStoreError`.
    package func takeBack(_ segment: String, to size: Int64) throws {
        try writing { db in
            guard let id = try FactStore.knownSegment(segment, in: db) else { return }
            try db.execute(
                sql: "UPDATE fact SET frame = ?, \"offset\" = 0 WHERE segment_id = ? AND frame >= ?",
                arguments: [PayloadLocation.noFrame, id, size])
            try db.execute(
                sql: "UPDATE checkpoint SET \"offset\" = min(\"offset\", ?) WHERE segment_id = ?", arguments: [size, id])
        }
    }

    /// The exchanges whose payloads lie, or lay, in a segment.
    ///
    /// - Parameter segment: its file's name.
    /// - Returns: their ids, in no order.
    /// - Throws: `FactStoreError`.
    /// - Complexity: O(facts in the index): for repairs, not for every day.
    package func ids(at segment: String) throws -> [ExchangeID] {
        try reading { db in
            guard let id = try FactStore.knownSegment(segment, in: db) else { return [] }
            return try FactStore.keys(db, where: "segment_id = ?", [id]).map(\.id)
        }
    }

    /// The exchanges that carry one of some pieces of metadata.
    ///
    /// - Parameter metadata: keys and values.
    /// - Returns: their ids, in no order.
    /// - Throws: `FactStoreError`.
    /// - Complexity: O(metadata in the index), once for every `FactStoreLimits.pairsAStatement` pieces.
    package func ids(metadata: [(name: String, value: String)]) throws -> [ExchangeID] {
        var found: Set<ExchangeID> = []
        for start in stride(from: 0, to: metadata.count, by: FactStoreLimits.pairsAStatement) {
            let some = metadata[start..<min(start + FactStoreLimits.pairsAStatement, metadata.count)]
            let marks = some.map { _ in "(?, ?)" }.joined(separator: ", ")
            let chosen = "metadata_id IN (SELECT metadata_id FROM metadata WHERE (key, value) IN (VALUES \(marks)))"
            let arguments = StatementArguments(some.flatMap { [$0.name, $0.value] })
            found.formUnion(try reading { db in try FactStore.keys(db, where: chosen, arguments).map(\.id) })
        }
        return Array(found)
    }

    private static func keys(_ db: Database, where chosen: String, _ arguments: StatementArguments) throws -> [FactKey] {
        var keys: [FactKey] = []
        let rows = try Row.fetchCursor(db, sql: "SELECT start, tail FROM fact WHERE \(chosen)", arguments: arguments)
        while let row = try rows.next()?.values {
            if let key = FactKey(start: row[0], tail: row[1]) { keys.append(key) }
        }
        return keys
    }

    /// Deletes facts, with nothing readable left of them; on the disk when this returns.
    ///
    /// - Parameter ids: their exchanges; unknown ones are passed over.
    /// - Throws: `FactStoreError`; then nothing was changed.
    package func erase(_ ids: [ExchangeID]) throws {
        try writingDurably { db in try FactStore.delete(ids, in: db) }
    }

    /// Deletes what the index has of a segment whose facts expire; on the disk when this returns.
    ///
    /// - Parameters:
    ///   - segment: the name of its records.
    ///   - startedAtUs: from when to when its exchanges began.
    /// - Returns: facts deleted.
    /// - Throws: `FactStoreError`; then nothing was changed.
    package func forget(_ segment: String, startedAtUs: ClosedRange<Int64>) throws -> Int {
        try writingDurably { db in
            guard let id = try FactStore.knownSegment(segment, in: db) else { return 0 }
            let keys = try FactStore.keys(at: id, startedAtUs: startedAtUs, db)
            let tables = FactTables(db)
            for key in keys { try tables.delete(key) }
            try Coverage(db).forget(starts: keys.map(\.start))
            try DeclaredSets.sweep(db)
            let count = keys.count
            try db.execute(sql: "DELETE FROM loss WHERE segment_id = ?", arguments: [id])
            // Its checkpoint stays: should the files be there a while longer, nothing is read again.
            return count
        }
    }

    /// The exchanges whose payloads lie, or lay, in a segment, and that began in a range: those that `forget` deletes.
    ///
    /// - Parameters:
    ///   - segment: its file's name.
    ///   - startedAtUs: from when to when, microseconds since the Unix epoch.
    /// - Returns: their ids, in no order.
    /// - Throws: `FactStoreError`.
    package func ids(at segment: String, startedAtUs: ClosedRange<Int64>) throws -> [ExchangeID] {
        try reading { db in
            guard let id = try FactStore.knownSegment(segment, in: db) else { return [] }
            return try FactStore.keys(at: id, startedAtUs: startedAtUs, db).map(\.id)
        }
    }

    private static func keys(at segment: Int64, startedAtUs: ClosedRange<Int64>, _ db: Database) throws -> [FactKey] {
        let epoch = SchemaTwo.epochUs
        return try keys(
            db, where: "start BETWEEN ? AND ? AND segment_id = ?",
            [startedAtUs.lowerBound &- epoch, startedAtUs.upperBound &- epoch, segment])
    }

    private static func knownSegment(_ name: String, in db: Database) throws -> Int64? {
        try Int64.fetchOne(
            try db.cachedStatement(sql: "SELECT segment_id FROM checkpoint WHERE segment = ?"), arguments: [name])
    }

    private static func delete(_ ids: [ExchangeID], in db: Database) throws {
        let tables = FactTables(db)
        var starts: [Int64] = []
        for id in ids {
            if let start = try tables.delete(id) { starts.append(start) }
        }
        try Coverage(db).forget(starts: starts)
        try DeclaredSets.sweep(db)
    }

    /// One transaction that is on the disk on return, and that leaves nothing readable of what it deletes.
    private func writingDurably<T>(_ body: (Database) throws -> T) throws -> T {
        do {
            return try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
                let result = Result {
                    var value: T?
                    try db.inTransaction {
                        value = try body(db)
                        return .commit
                    }
                    guard let value else { throw DatabaseError(resultCode: .SQLITE_ABORT, message: "nothing was committed") }
                    return value
                }
                try db.execute(sql: "PRAGMA secure_delete = OFF; PRAGMA synchronous = NORMAL")
                return try result.get()
            }
        } catch {
            throw FactStoreError(error, path: path)
        }
    }
}
