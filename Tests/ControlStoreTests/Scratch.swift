// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Foundation
import GRDB
import TestSupport

/// A directory that goes with the test.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "weir-control-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    var control: String { path + "/" + ControlStore.fileName }

    /// The database by hand, as somebody does who goes around the store.
    func byHand<T>(_ body: (Database) throws -> T) throws -> T {
        let queue = try DatabaseQueue(path: control)
        let result = try queue.writeWithoutTransaction(body)
        try queue.close()
        return result
    }

    /// The same without the triggers that guard against mistakes.
    func unguarded(_ sql: String) throws {
        try byHand { db in
            for name in try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'trigger'") {
                try db.execute(sql: "DROP TRIGGER \(name)")
            }
            try db.execute(sql: sql)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Entries that differ in everything.
enum Sample {
    static func key(_ number: Int) -> LedgerKey { LedgerKey(hashing: Array("group \(number)".utf8)) }

    static func item(_ number: Int) -> LedgerDigest { LedgerDigest(hashing: Array("item \(number)".utf8)) }

    static func exchange(_ number: Int) -> ExchangeID {
        var random = SplitMix64(seed: UInt64(number))
        return ExchangeID(milliseconds: 1_790_000_000_000 + UInt64(number), random: (random.next(), random.next()))
    }

    static func eval(_ number: Int, version: String = "1", separation: Int = 40) -> LedgerEntry {
        .eval(
            LedgerEval(
                item: item(number), groups: [key(number), key(number + 100_000)],
                exchanges: [exchange(number), exchange(number + 1)],
                dataset: "support", version: version,
                separation: (0..<separation).map { UInt8(truncatingIfNeeded: $0 * 7 + number) }))
    }

    static func train(_ groups: Range<Int>, items: Range<Int>, version: String = "1") -> LedgerEntry {
        .train(
            LedgerTrain(
                dataset: "support", version: version, groups: LedgerKeyList(groups.map(key)),
                items: LedgerKeyList(items.map { item($0).key })))
    }

    static func imported(_ side: LedgerSide, groups: Range<Int>) -> LedgerEntry {
        .imported(
            LedgerImport(
                side: side, dataset: "outside", version: "2026", source: item(9), rows: Int64(groups.count),
                groups: LedgerKeyList(groups.map(key)), items: LedgerKeyList(groups.map { item($0).key })))
    }

    /// Hashed once for all tests.
    private static let manyGroups = LedgerKeyList((500..<70_500).map(key))

    /// One of each kind; entry 3 is a training, and longer than one part.
    static var mixed: [LedgerEntry] {
        [
            eval(1), eval(2, separation: 0),
            .train(
                LedgerTrain(
                    dataset: "support", version: "1", groups: manyGroups, items: LedgerKeyList((500..<600).map { item($0).key }))),
            imported(.train, groups: 80_000..<80_010),
            .tombstone(LedgerTombstone(item: item(2), reason: "the caller asked \"so\"; \\ Ünï")), eval(3, version: "2"),
            .taint(LedgerTaint(item: item(3), training: 3, groups: [key(500), key(501)])),
            imported(.eval, groups: 90_000..<90_002),
        ]
    }

    /// A store whose ledger `default` holds `mixed`.
    static func store(_ scratch: Scratch) throws -> ControlStore {
        let store = try ControlStore.open(path: scratch.control, mode: .readWrite)
        try store.append(mixed, to: "default", expecting: store.head(of: "default"), recordedUs: 1_790_000_000_000_000)
        return store
    }
}
