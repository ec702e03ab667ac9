// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import GRDB

/// The metadata keys that rollups are told apart by, and the dictionary of what they were set to; within somebody's transaction.
final class DeclaredSets {
    /// The keys, in the order in which they were declared.
    let keys: [String]
    private let db: Database
    private var known: [Int64: Int64] = [:]

    /// The number of what sets none of the keys; it stands in no dictionary.
    static let none: Int64 = 0

    init(_ db: Database) throws {
        self.db = db
        keys = try DeclaredSets.keys(in: db)
    }

    /// The keys that the rollups of an index are told apart by.
    static func keys(in db: Database) throws -> [String] {
        let text = try String.fetchOne(
            try db.cachedStatement(sql: "SELECT value FROM setting WHERE name = 'metadata_dimensions'"))
        return text.flatMap { JSONDocument.read(Array($0.utf8)) }?.root.elements.compactMap(\.string) ?? []
    }

    /// Declares other keys: every rollup is forgotten, for none of them tells these apart.
    static func declare(_ keys: [String], in db: Database) throws {
        var json = JSONWriter(capacity: 64)
        json.beginArray()
        for key in keys { json.value(key) }
        json.endArray()
        try db.execute(
            sql: "INSERT OR REPLACE INTO setting VALUES ('metadata_dimensions', ?)",
            arguments: [String(decoding: json.bytes, as: UTF8.self)])
        for unit in RollupUnit.allCases { try db.execute(sql: "DELETE FROM rollup_\(unit); DELETE FROM rolled_\(unit)") }
        try db.execute(sql: "DELETE FROM declared")
    }

    /// Deletes from the dictionary what no rollup points at any more: it may be about a person.
    static func sweep(_ db: Database) throws {
        guard try Int64.fetchOne(db, sql: "SELECT 1 FROM declared LIMIT 1") != nil else { return }
        let used = RollupUnit.allCases.map { "SELECT declared_id FROM rollup_\($0)" }.joined(separator: " UNION ")
        try db.execute(sql: "DELETE FROM declared WHERE declared_id NOT IN (\(used))")
    }

    /// Forgets the numbers that were looked up: what made them may have been rolled back.
    func forget() { known = [:] }

    /// The number of what a set of metadata has of the keys, made where it is new.
    func id(ofMetadata id: Int64?) throws -> Int64 {
        guard let id, !keys.isEmpty else { return DeclaredSets.none }
        if let known = known[id] { return known }
        let made = try entry(of: id)
        if known.count >= FactStoreLimits.knownSets { known = [:] }
        known[id] = made
        return made
    }

    private func entry(of id: Int64) throws -> Int64 {
        let all = try BoundStatement("SELECT object FROM metadata_set WHERE metadata_id = ?", in: db).row([.integer(id)])?.first?
            .text
        let pairs = FactRows.metadata(all)
        let some = keys.flatMap { key in pairs.filter { $0.name.utf8.elementsEqual(key.utf8) } }
        guard let object = FactRow.object(of: some) else { return DeclaredSets.none }
        let find = try BoundStatement("SELECT declared_id FROM declared WHERE object = ?", in: db)
        if let found = try find.integer([.text(object)]) { return found }
        try BoundStatement("INSERT INTO declared (object) VALUES (?)", in: db).run([.text(object)])
        return db.lastInsertedRowID
    }
}
