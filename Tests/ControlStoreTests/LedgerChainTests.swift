// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Crypto
import Foundation
import GRDB
import Testing

@Suite struct LedgerChainTests {
    /// The chain and the canonical form, said a second time: with Foundation's JSON and the definition of the hash.
    @Test func chainFollowsFromItsDefinition() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        let rows = try scratch.byHand { db in
            try Row.fetchAll(db, sql: "SELECT seq, kind, payload, hash FROM ledger_entry ORDER BY seq").map {
                (seq: $0["seq"] as Int64, kind: $0["kind"] as String, payload: $0["payload"] as String, hash: $0["hash"] as Data)
            }
        }
        var hash = Data(SHA256.hash(data: Data("weir-ledger-1\ndefault".utf8)))
        for row in rows {
            let value = try JSONSerialization.jsonObject(with: Data(row.payload.utf8))
            let canonical = try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
            #expect(canonical == Data(row.payload.utf8))
            let members = try #require(value as? [String: Any])
            #expect((members["seq"] as? Int).map(Int64.init) == row.seq && members["kind"] as? String == row.kind)
            hash = Data(SHA256.hash(data: hash + Data(row.payload.utf8)))
            #expect(hash == row.hash)
        }
        #expect(rows.count == Sample.mixed.count)
        #expect(try store.head(of: "default") == LedgerHead(entries: 8, hash: try #require(LedgerDigest(bytes: Array(hash)))))
    }

    /// The payload of a row, byte for byte: a change here breaks every ledger there is.
    @Test func payloadIsFrozen() throws {
        let scratch = try Scratch()
        _ = try Sample.store(scratch)
        let payloads = try scratch.byHand { try String.fetchAll($0, sql: "SELECT payload FROM ledger_entry ORDER BY seq") }
        let item = SHA256.hash(data: Data("item 2".utf8)).map { String(format: "%02x", $0) }.joined()
        #expect(
            payloads[4]
                == #"{"item":"\#(item)","kind":"tombstone","reason":"the caller asked \"so\"; \\ Ünï","seq":5}"#)
        let groups = [2, 100_002].map {
            SHA256.hash(data: Data("group \($0)".utf8)).prefix(16).map { String(format: "%02x", $0) }.joined()
        }
        let nothing = SHA256.hash(data: Data()).map { String(format: "%02x", $0) }.joined()
        let exchanges = [2, 3].map { "\"\(Sample.exchange($0))\"" }.joined(separator: ",")
        #expect(
            payloads[1]
                == #"{"dataset":"support","exchanges":[\#(exchanges)],"groups":[\#(groups.sorted().map { "\"\($0)\"" }.joined(separator: ","))],"#
                + #""item":"\#(item)","kind":"eval","separation":{"bytes":0,"sha256":"\#(nothing)"},"seq":2,"version":"1"}"#)
    }

    @Test func verifiesWhatWasAppended() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let empty = try store.head(of: "default")
        #expect(empty == LedgerHead.empty("default") && empty != LedgerHead.empty("other"))
        let first = try store.append(Sample.mixed, to: "default", expecting: empty, recordedUs: 1)
        #expect(first.before == empty && first.after.entries == 8)
        let second = try store.append([Sample.eval(7)], to: "default", expecting: first.after, recordedUs: 2)
        try store.append([Sample.eval(1)], to: "other", expecting: store.head(of: "other"), recordedUs: 3)
        let found = try store.verify(ledger: "default", anchors: [empty, first.after, second.after])
        #expect(found == LedgerVerification(entries: 9, head: second.after, fault: nil))
        #expect(try store.ledgers().map(\.name) == ["default", "other"])
        #expect(LedgerHead(text: first.after.description) == first.after)
        #expect(throws: ControlStoreError.self) { try store.verify(ledger: "nowhere") }
    }

    @Test func timesAreNoPartOfTheHash() throws {
        let (one, other) = (try Scratch(), try Scratch())
        let heads = try [(one, Int64(1)), (other, 99)].map { scratch, time in
            try ControlStore.open(path: scratch.control, mode: .readWrite)
                .append(Sample.mixed, to: "default", expecting: LedgerHead.empty("default"), recordedUs: time).after
        }
        #expect(heads[0] == heads[1])
    }

    @Test func givesBackRowsOfEval() throws {
        let scratch = try Scratch()
        let store = try Sample.store(scratch)
        var items: [LedgerEvalItem] = []
        try store.forEachEval(in: "default") { items.append($0) }
        #expect(items.map(\.seq) == [1, 2, 6] && items.map(\.isRemoved) == [false, true, false])
        for (item, number) in zip(items, 1...3) {
            guard case .eval(var row) = Sample.eval(number, version: number == 3 ? "2" : "1", separation: number == 2 ? 0 : 40)
            else {
                continue
            }
            row.groups.sort()
            #expect(item.row == row)
        }
        let taints = try store.taints(in: "default")
        #expect(taints.map(\.seq) == [7] && taints.first?.taint.training == 3)
        #expect(taints.first?.taint.groups == [Sample.key(500), Sample.key(501)].sorted())
        let versions = try store.versions(in: "default")
        #expect(versions.map(\.dataset) == ["support", "outside", "support"] && versions.map(\.version) == ["1", "2026", "2"])
        #expect(versions.map(\.evalRows) == [2, 0, 1] && versions.map(\.trainRows) == [100, 10, 0])
        #expect(versions.map(\.firstSeq) == [1, 4, 6] && versions.map(\.lastSeq) == [3, 8, 6])
        let counts = try store.entryCounts(in: "default")
        #expect(
            counts.map { $0.kind } == [.eval, .train, .imported, .tombstone, .taint]
                && counts.map { $0.count } == [3, 1, 2, 1, 1])
    }

    @Test func streamsMoreThanOnePage() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let rows = (0..<700).map { Sample.eval($0, separation: $0 == 300 ? 3 << 20 : 16) }
        try store.append(rows, to: "default", expecting: LedgerHead.empty("default"), recordedUs: 1)
        var items: [LedgerDigest] = []
        var longest = 0
        try store.forEachEval(in: "default") { item in
            items.append(item.row.item)
            longest = max(longest, item.row.separation.count)
            // The body may use the store; what it appends is not among the rows.
            if items.count == 5 {
                try store.append([Sample.eval(9_999)], to: "default", expecting: store.head(of: "default"), recordedUs: 2)
            }
        }
        #expect(items == (0..<700).map(Sample.item) && longest == 3 << 20)
        #expect(try store.verify(ledger: "default").fault == nil)
    }

    @Test func aRowThatComesBackAfterItsTombstoneIsThere() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let entries: [LedgerEntry] = [
            Sample.eval(1), .tombstone(LedgerTombstone(item: Sample.item(1), reason: "")), Sample.eval(1, version: "2"),
        ]
        try store.append(entries, to: "default", expecting: LedgerHead.empty("default"), recordedUs: 1)
        var removed: [Bool] = []
        try store.forEachEval(in: "default", withSeparation: false) { removed.append($0.isRemoved) }
        #expect(removed == [true, false])
    }

    private static var refused: [LedgerEntry] {
        let longName = String(repeating: "n", count: ControlStoreLimits.nameBytes + 1)
        func eval(_ change: (inout LedgerEval) -> Void) -> LedgerEntry {
            var row = LedgerEval(item: Sample.item(1), groups: [Sample.key(1)], exchanges: [], dataset: "d", version: "1")
            change(&row)
            return .eval(row)
        }
        return [
            eval { $0.groups = [] }, eval { $0.dataset = "" }, eval { $0.dataset = "a b" }, eval { $0.version = longName },
            eval { $0.version = "ü" },
            eval { $0.groups = (0...ControlStoreLimits.groupKeys).map(Sample.key) },
            eval { $0.exchanges = (0...ControlStoreLimits.exchanges).map(Sample.exchange) },
            eval { $0.separation = [UInt8](repeating: 0, count: ControlStoreLimits.separationBytes + 1) },
            .tombstone(LedgerTombstone(item: Sample.item(1), reason: "two\nlines")),
            .tombstone(LedgerTombstone(item: Sample.item(1), reason: String(repeating: "r", count: 513))),
            .taint(LedgerTaint(item: Sample.item(1), training: 1, groups: [Sample.key(1)])),
            .taint(LedgerTaint(item: Sample.item(1), training: 77, groups: [Sample.key(1)])),
            .taint(LedgerTaint(item: Sample.item(1), training: 0, groups: [Sample.key(1)])),
            .imported(
                LedgerImport(
                    side: .unknown, dataset: "d", version: "1", source: Sample.item(1), rows: 1, groups: .empty, items: .empty)),
            .imported(
                LedgerImport(
                    side: .train, dataset: "d", version: "1", source: Sample.item(1), rows: -1, groups: .empty, items: .empty)),
        ]
    }

    /// Entry 1 is a row of eval, so that a taint that names it names no training.
    @Test func refusesWhatBreaksALimitAndStoresNothing() throws {
        let scratch = try Scratch()
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        let head = try store.append([Sample.eval(5)], to: "default", expecting: LedgerHead.empty("default"), recordedUs: 1).after
        for entry in LedgerChainTests.refused {
            let error = #expect(throws: ControlStoreError.self) {
                try store.append([Sample.eval(6), entry], to: "default", expecting: head, recordedUs: 1)
            }
            #expect(error?.code == .badValue)
        }
        #expect(throws: ControlStoreError.self) { try store.head(of: "no name") }
        #expect(try store.verify(ledger: "default") == LedgerVerification(entries: 1, head: head, fault: nil))
    }
}
