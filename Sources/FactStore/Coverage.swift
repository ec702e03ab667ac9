// SPDX-License-Identifier: Apache-2.0
import GRDB

/// Which times are packed into chunks and rolled up.
///
/// A chunk that is there equals the rows in it, and so does an hour, day or week whose `exchanges` are 0 or more: whoever adds,
/// changes or deletes rows forgets, in the same transaction, what covers their starts. What is forgotten is built again by
/// `FactStore.build`.
struct Coverage {
    let db: Database

    init(_ db: Database) { self.db = db }

    /// Forgets what covers some starts.
    ///
    /// - Parameter starts: `fact.start` of rows that were added, changed or deleted.
    /// - Returns: how many of them are not after the newest time that is, or was, covered.
    /// - Throws: `DatabaseError`.
    @discardableResult
    func forget(starts: [Int64]) throws -> Int {
        guard let newest = try newestCovered() else { return 0 }
        let covered = starts.filter { $0 <= newest }
        for unit in RollupUnit.allCases {
            for begin in Set(covered.map(unit.begin)) { try forget(unit, begin) }
        }
        var forgotten: ClosedRange<Int64>?
        for start in covered.sorted() where forgotten?.contains(start) != true {
            guard let chunk = try chunk(over: start) else { continue }
            try forgetChunk(chunk.id)
            forgotten = chunk.range
        }
        return covered.count
    }

    private func newestCovered() throws -> Int64? {
        let chunk = try Int64.fetchOne(try db.cachedStatement(sql: "SELECT max(last_start) FROM chunk"))
        let ends = try RollupUnit.allCases.map { unit in
            try Int64.fetchOne(try db.cachedStatement(sql: "SELECT max(\(unit)) FROM rolled_\(unit)")).map { $0 &+ unit.lengthUs }
        }
        return (ends + [chunk]).compactMap(\.self).max()
    }

    private func chunk(over start: Int64) throws -> (id: Int64, range: ClosedRange<Int64>)? {
        let sql = "SELECT chunk_id, first_start, last_start FROM chunk WHERE first_start <= ? ORDER BY first_start DESC LIMIT 1"
        guard let row = try Row.fetchOne(try db.cachedStatement(sql: sql), arguments: [start])?.values,
            let id = row[0].integer, let first = row[1].integer, let last = row[2].integer, first <= start, start <= last
        else { return nil }
        return (id, first...last)
    }

    private func forgetChunk(_ id: Int64) throws {
        try db.cachedStatement(sql: "DELETE FROM chunk_column WHERE chunk_id = ?").execute(arguments: [id])
        try db.cachedStatement(sql: "DELETE FROM chunk WHERE chunk_id = ?").execute(arguments: [id])
    }

    /// Marks a period as not equal to its rows any more.
    private func forget(_ unit: RollupUnit, _ begin: Int64) throws {
        try db.cachedStatement(sql: "DELETE FROM rollup_\(unit) WHERE \(unit) = ?").execute(arguments: [begin])
        // Behind the last known one nothing has to be marked: what is due next is looked for there.
        let mark = "INSERT OR REPLACE INTO rolled_\(unit) SELECT ?, NULL WHERE ? <= (SELECT max(\(unit)) FROM rolled_\(unit))"
        try db.cachedStatement(sql: mark).execute(arguments: [begin, begin])
    }
}
