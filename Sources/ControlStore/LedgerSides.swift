// SPDX-License-Identifier: Apache-2.0
import GRDB

/// An entry of a ledger that holds a key that was asked for.
package struct LedgerTouch: Equatable, Sendable {
    /// The key's place among those asked for.
    package let place: Int
    /// The entry's sequence number.
    package let seq: Int64
    /// The side that the entry puts the key on.
    package let side: LedgerSide
}

/// Which keys are asked for.
package enum LedgerKeyKind: Sendable {
    /// Keys of groups.
    case groups
    /// Rows, by the first halves of their ids.
    case items

    fileprivate var list: LedgerList { self == .groups ? .groups : .items }
}

extension ControlStore {
    /// On which side each of many keys is: eval where it ever was, else train where it ever was exported, else unknown.
    ///
    /// There is no index that could differ from the ledger: the keys are sorted once, and all lists are read past them.
    /// - Parameters:
    ///   - keys: in any order, repeats allowed.
    ///   - kind: what the keys are of.
    ///   - ledger: its name; where there is none, nothing is known.
    /// - Returns: the sides, in the order of the keys.
    /// - Throws: `ControlStoreError`.
    /// - Complexity: O(n log n) of the keys, and O(keys in the ledger).
    package func sides(of keys: [LedgerKey], kind: LedgerKeyKind = .groups, in ledger: String) throws -> [LedgerSide] {
        var sides = [LedgerSide](repeating: .unknown, count: keys.count)
        try forEachTouch(of: keys, kind: kind, in: ledger) { sides[$0.place] = sides[$0.place].joined($0.side) }
        return sides
    }

    /// Gives every entry that holds one of many keys, in the order of the ledger; for taints, which name the training.
    ///
    /// - Parameters:
    ///   - keys: in any order, repeats allowed.
    ///   - kind: what the keys are of.
    ///   - ledger: its name; where there is none, nothing is known.
    ///   - body: takes one key of one entry; it must not use the store.
    /// - Throws: `ControlStoreError`, or what `body` throws.
    package func forEachTouch(
        of keys: [LedgerKey], kind: LedgerKeyKind = .groups, in ledger: String, _ body: (LedgerTouch) throws -> Void
    ) throws {
        let wanted = SortedKeys(keys)
        try reading { db in
            guard let row = try LedgerRow.find(ledger, in: db) else { return }
            let parts = try ControlStatement(
                "SELECT bytes FROM ledger_part WHERE ledger_id = ? AND seq = ? AND list = ? ORDER BY part", in: db)
            let entries = """
                SELECT \(LedgerLine.columns) FROM ledger_entry WHERE ledger_id = ? AND kind IN ('eval', 'train', 'import') ORDER BY seq
                """
            try ControlStatement(entries, in: db).forEachRow(.integer(row.id)) { statement in
                let payload = try LedgerLine(statement).read(row)
                let (side, own) = payload.entry.keys(kind)
                for key in own {
                    try wanted.match(key) { try body(LedgerTouch(place: $0, seq: payload.seq, side: side)) }
                }
                guard own.isEmpty else { return true }
                var count: Int64 = 0
                try parts.forEachRow(.integer(row.id), .integer(payload.seq), .text(kind.list.rawValue)) { part in
                    try unsafe part.withBytes(0) { raw in
                        count += Int64(raw.count)
                        try unsafe wanted.match(raw) { try body(LedgerTouch(place: $0, seq: payload.seq, side: side)) }
                    }
                    return true
                }
                try payload.check(kind.list, bytes: count, row)
                return true
            }
        }
    }
}

extension LedgerEntry {
    /// The side that an entry puts keys on, and those that stand in the payload itself.
    fileprivate func keys(_ kind: LedgerKeyKind) -> (LedgerSide, [LedgerKey]) {
        switch self {
        case .eval(let row): (.eval, kind == .groups ? row.groups : [row.item.key])
        case .train: (.train, [])
        case .imported(let file): (file.side, [])
        case .tombstone, .taint: (.unknown, [])
        }
    }
}

/// Keys in order that remember where they came from.
private struct SortedKeys {
    private struct Wanted {
        let key: LedgerKey
        let place: Int
    }

    private let wanted: [Wanted]

    init(_ keys: [LedgerKey]) {
        var wanted = keys.enumerated().map { Wanted(key: $1, place: $0) }
        wanted.sort { $0.key != $1.key ? $0.key < $1.key : $0.place < $1.place }
        self.wanted = wanted
    }

    /// Gives the places that hold a key.
    func match(_ key: LedgerKey, _ hit: (Int) throws -> Void) rethrows {
        var at = firstIndex(notBelow: key, from: 0)
        while at < wanted.count, wanted[at].key == key {
            try hit(wanted[at].place)
            at += 1
        }
    }

    /// Gives the places that hold one of the keys of a part, which are in order; bytes behind the last whole key do not count.
    func match(_ raw: UnsafeRawBufferPointer, _ hit: (Int) throws -> Void) rethrows {
        let count = raw.count / LedgerKey.byteCount
        guard count > 0 else { return }
        var at = firstIndex(notBelow: unsafe LedgerKey(at: 0, of: raw), from: 0)
        var low = 0
        // Each of the two is moved over what the other shows to be of no use, by doubling steps: few keys are found in many soon.
        while at < wanted.count, low < count {
            let key = wanted[at].key
            low = unsafe SortedKeys.firstIndex(notBelow: key, from: low, of: raw, count: count)
            guard low < count else { return }
            let found = unsafe LedgerKey(at: low * LedgerKey.byteCount, of: raw)
            guard found == key else {
                at = firstIndex(notBelow: found, from: at)
                continue
            }
            while at < wanted.count, wanted[at].key == found {
                try hit(wanted[at].place)
                at += 1
            }
            low += 1
        }
    }

    private func firstIndex(notBelow key: LedgerKey, from start: Int) -> Int {
        SortedKeys.gallop(from: start, count: wanted.count) { wanted[$0].key < key }
    }

    private static func firstIndex(notBelow key: LedgerKey, from start: Int, of raw: UnsafeRawBufferPointer, count: Int) -> Int {
        gallop(from: start, count: count) { unsafe LedgerKey(at: $0 * LedgerKey.byteCount, of: raw) < key }
    }

    /// The first place, from a start on, that is not below; what is below comes before what is not.
    @inline(__always)
    private static func gallop(from start: Int, count: Int, isBelow: (Int) -> Bool) -> Int {
        var low = start
        var step = 1
        while low + step <= count, isBelow(low + step - 1) {
            low += step
            step *= 2
        }
        var high = min(low + step, count)
        while low < high {
            let middle = low + (high - low) / 2
            if isBelow(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
