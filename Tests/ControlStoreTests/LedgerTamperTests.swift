// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Foundation
import GRDB
import Testing

/// What somebody does to the file who goes around the store.
@Suite struct LedgerTamperTests {
    struct Harm: Sendable, CustomTestStringConvertible {
        let sql: String
        let kind: LedgerFault.Kind
        let seq: Int64?

        init(_ sql: String, _ kind: LedgerFault.Kind, _ seq: Int64?) {
            self.sql = sql
            self.kind = kind
            self.seq = seq
        }

        var testDescription: String { sql }
    }

    static let harms: [Harm] = [
        Harm("UPDATE ledger_entry SET payload = replace(payload, 'support', 'supporT') WHERE seq = 2", .hash, 2),
        Harm("UPDATE ledger_entry SET payload = '' WHERE seq = 1", .hash, 1),
        Harm("UPDATE ledger_entry SET payload = 7 WHERE seq = 8", .hash, 8),
        Harm("UPDATE ledger_entry SET hash = zeroblob(32) WHERE seq = 4", .hash, 4),
        Harm("UPDATE ledger_entry SET hash = x'00' WHERE seq = 4", .hash, 4),
        Harm("UPDATE ledger_entry SET hash = (SELECT hash FROM ledger_entry WHERE seq = 1) WHERE seq = 2", .hash, 2),
        Harm("UPDATE ledger_entry SET kind = 'train' WHERE seq = 1", .kind, 1),
        Harm("UPDATE ledger_entry SET kind = 'eval' WHERE seq = 5", .kind, 5),
        Harm("UPDATE ledger_entry SET seq = 99 WHERE seq = 5", .order, 5),
        Harm("UPDATE ledger_entry SET seq = 0 WHERE seq = 5", .order, 1),
        Harm("DELETE FROM ledger_part WHERE seq = 3; DELETE FROM ledger_entry WHERE seq = 3", .order, 3),
        Harm("DELETE FROM ledger_entry WHERE seq = 5", .order, 5),
        Harm("DELETE FROM ledger_part WHERE seq = 8; DELETE FROM ledger_entry WHERE seq = 8", .head, nil),
        Harm("DELETE FROM ledger_part; DELETE FROM ledger_entry", .head, nil),
        Harm("DELETE FROM ledger_entry WHERE seq = 8", .stray, nil),
        Harm("UPDATE ledger_entry SET ledger_id = 2 WHERE seq = 8", .stray, nil),
        Harm("DELETE FROM ledger", .stray, nil),
        Harm("UPDATE ledger SET ledger_id = 7", .stray, nil),
        Harm("UPDATE ledger SET head = zeroblob(32)", .head, nil),
        Harm("UPDATE ledger SET entries = 7", .head, nil),
        Harm("UPDATE ledger_part SET bytes = zeroblob(length(bytes)) WHERE seq = 1", .attachment, 1),
        Harm("UPDATE ledger_part SET bytes = substr(bytes, 2) WHERE seq = 1", .attachment, 1),
        Harm("UPDATE ledger_part SET bytes = x'' WHERE seq = 1", .attachment, 1),
        Harm(
            "UPDATE ledger_part SET bytes = substr(bytes, 1, length(bytes) - 16) WHERE seq = 3 AND list = 'groups' AND part = 0",
            .attachment, 3),
        Harm(
            "UPDATE ledger_part SET bytes = substr(bytes, 17) || substr(bytes, 1, 16) WHERE seq = 3 AND list = 'items'",
            .attachment, 3),
        Harm("UPDATE ledger_part SET list = 'items' WHERE seq = 1", .attachment, 1),
        Harm("UPDATE ledger_part SET list = 'more' WHERE seq = 1", .attachment, 1),
        Harm("UPDATE ledger_part SET part = 2 WHERE seq = 3 AND part = 1", .attachment, 3),
        Harm("DELETE FROM ledger_part WHERE seq = 3 AND part = 1", .attachment, 3),
        Harm("DELETE FROM ledger_part WHERE seq = 3 AND list = 'items'", .attachment, 3),
        Harm("INSERT INTO ledger_part VALUES (1, 3, 'groups', 2, zeroblob(16))", .attachment, 3),
        Harm("INSERT INTO ledger_part VALUES (1, 2, 'separation', 0, x'01')", .attachment, 2),
        Harm("INSERT INTO ledger_part VALUES (1, 5, 'separation', 0, x'01')", .attachment, 5),
        Harm("INSERT INTO ledger_part VALUES (1, 50, 'separation', 0, x'01')", .stray, nil),
        Harm("INSERT INTO ledger_entry SELECT 1, 9, kind, 1, payload, hash FROM ledger_entry WHERE seq = 8", .hash, 9),
    ]

    @Test(arguments: harms) func namesTheFirstBrokenEntry(_ harm: Harm) throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        #expect(try store.verify(ledger: "default").fault == nil)
        try scratch.unguarded(harm.sql)
        let fault = try store.verify(ledger: "default").fault
        #expect(fault?.kind == harm.kind && fault?.seq == harm.seq, "\(String(describing: fault))")
    }

    /// Whoever builds by a ledger is told of the same, and of the verb that tells more.
    @Test(arguments: harms) func nothingIsBuiltByABrokenLedger(_ harm: Harm) throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        #expect(try store.verifiedHead(of: "default") == store.head(of: "default"))
        #expect(try store.verifiedHead(of: "another") == LedgerHead.empty("another"))
        try scratch.unguarded(harm.sql)
        let error = #expect(throws: ControlStoreError.self) { try store.verifiedHead(of: "default") }
        #expect(error?.code == .ledgerBroken && error?.exitCode == 1)
        #expect(error?.message.contains("weir dataset ledger verify --ledger default") == true)
    }

    /// Under another name nothing is known of what was in eval: a ledger that is new looks the same.
    @Test func nothingIsBuiltBesideARenamedLedger() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        try scratch.unguarded("UPDATE ledger SET name = 'other'")
        let error = #expect(throws: ControlStoreError.self) { try store.verifiedHead(of: "default") }
        #expect(error?.code == .ledgerBroken && error?.message.contains("`other`") == true)
    }

    /// A list that lost its end knows less than it did: that must not pass for "unknown".
    @Test(arguments: [
        ("DELETE FROM ledger_part WHERE seq = 3 AND list = 'groups' AND part = 1", LedgerKeyKind.groups),
        ("DELETE FROM ledger_part WHERE seq = 3 AND list = 'items'", .items),
        ("UPDATE ledger_part SET bytes = substr(bytes, 1, length(bytes) - 16) WHERE seq = 4 AND list = 'groups'", .groups),
        ("UPDATE ledger_part SET bytes = substr(bytes, 1, length(bytes) - 3) WHERE seq = 8 AND list = 'items'", .items),
    ]) func lookupsNoticeAShortenedList(_ sql: String, _ kind: LedgerKeyKind) throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        let asked = [Sample.key(499_999)]
        #expect(try store.sides(of: asked, kind: kind, in: "default") == [.unknown])
        try scratch.unguarded(sql)
        let error = #expect(throws: ControlStoreError.self) { try store.sides(of: asked, kind: kind, in: "default") }
        #expect(error?.code == .ledgerBroken && error?.message.contains("entry ") == true)
    }

    @Test func theGateNoticesShortenedTraits() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        try scratch.unguarded("UPDATE ledger_part SET bytes = substr(bytes, 2) WHERE seq = 1")
        let error = #expect(throws: ControlStoreError.self) { try store.forEachEval(in: "default") { _ in } }
        #expect(error?.code == .ledgerBroken && error?.message.contains("39 bytes of separation, not 40") == true)
        try store.forEachEval(in: "default", withSeparation: false) { _ in }
    }

    @Test func aRenamedLedgerIsFound() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        try scratch.unguarded("UPDATE ledger SET name = 'other'")
        #expect(throws: ControlStoreError.self) { try store.verify(ledger: "default") }
        #expect(try store.verify(ledger: "other").fault?.kind == .hash)
    }

    /// Only the time may be changed unseen: it is not hashed.
    @Test func timesMayBeChanged() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        try scratch.unguarded("UPDATE ledger_entry SET recorded_us = 5")
        #expect(try store.verify(ledger: "default").fault == nil)
    }

    /// A tail that was cut off, and the head with it, is an older ledger: only a head from elsewhere tells.
    @Test func aCutTailIsFoundByAnAnchor() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        let anchor = try store.head(of: "default")
        try scratch.unguarded(
            """
            DELETE FROM ledger_part WHERE seq > 6; DELETE FROM ledger_entry WHERE seq > 6;
            UPDATE ledger SET entries = 6, head = (SELECT hash FROM ledger_entry WHERE seq = 6)
            """)
        #expect(try store.verify(ledger: "default").fault == nil)
        #expect(try store.verify(ledger: "default", anchors: [anchor]).fault?.kind == .anchor)
    }

    /// One bit in any byte of any payload, hash or part, at random places.
    @Test func findsAnyFlippedBit() throws {
        for seed in 0..<40 {
            let scratch = try Scratch()
            let store = try Sample.store(scratch)
            try flipABit(scratch, seed: seed)
            #expect(try store.verify(ledger: "default").fault != nil, "seed \(seed)")
        }
    }

    private func flipABit(_ scratch: Scratch, seed: Int) throws {
        let (table, column) = [("ledger_entry", "payload"), ("ledger_entry", "hash"), ("ledger_part", "bytes")][seed % 3]
        try scratch.unguarded("SELECT 1")
        try scratch.byHand { db in
            let rows = try Row.fetchAll(db, sql: "SELECT *, CAST(\(column) AS BLOB) AS raw FROM \(table) ORDER BY seq")
            let row = rows[seed * 7 % rows.count]
            var bytes: Data = row["raw"]
            let place = seed * 7_919 % bytes.count
            bytes[place] ^= 1 << UInt8(seed % 8)
            let list: String =
                table == "ledger_part" ? "AND list = '\(row["list"] as String)' AND part = \(row["part"] as Int64)" : ""
            let value = column == "payload" ? "CAST(? AS TEXT)" : "?"
            try db.execute(
                sql: "UPDATE \(table) SET \(column) = \(value) WHERE seq = \(row["seq"] as Int64) \(list)", arguments: [bytes])
        }
    }

    @Test func triggersRefuseMistakes() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        let mistakes = [
            "UPDATE ledger_entry SET recorded_us = 1", "DELETE FROM ledger_entry WHERE seq = 8",
            "UPDATE ledger_part SET part = 9",
            "DELETE FROM ledger_part", "DELETE FROM ledger", "UPDATE ledger SET name = 'x', entries = 99",
            "UPDATE ledger SET entries = 7", "INSERT OR REPLACE INTO ledger VALUES (1, 'default', 0, x'')",
            "INSERT INTO ledger_entry SELECT 1, 10, kind, 1, payload, hash FROM ledger_entry WHERE seq = 8",
            "INSERT OR REPLACE INTO ledger_entry SELECT 1, 8, kind, 1, '', hash FROM ledger_entry WHERE seq = 8",
            "INSERT OR REPLACE INTO ledger_part VALUES (1, 1, 'separation', 0, x'')",
        ]
        for sql in mistakes {
            #expect(throws: DatabaseError.self, "\(sql)") { try scratch.byHand { try $0.execute(sql: sql) } }
        }
        #expect(try store.verify(ledger: "default").fault == nil)
    }

    /// What cannot be read is told, not passed over: a lookup must not call unknown what the ledger cannot say.
    @Test func lookupsRefuseWhatTheyCannotRead() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        try scratch.unguarded("UPDATE ledger_entry SET payload = '{}' WHERE seq = 1")
        let error = #expect(throws: ControlStoreError.self) { try store.sides(of: [Sample.key(1)], in: "default") }
        #expect(error?.code == .ledgerBroken && error?.message.contains("entry 1") == true)
        #expect(throws: ControlStoreError.self) { try store.forEachEval(in: "default") { _ in } }
        try scratch.unguarded("UPDATE ledger SET entries = 3")
        let moved = #expect(throws: ControlStoreError.self) {
            try store.append([Sample.eval(8)], to: "default", expecting: store.head(of: "default"), recordedUs: 1)
        }
        #expect(moved?.code == .ledgerBroken)
    }
}
