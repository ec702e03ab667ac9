// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ControlStore
import Crypto
import ExchangeModel
import Separation

/// What a build asks of the ledger, and tells it; without a store nothing is known and nothing is kept.
package struct DatasetLedger {
    private let store: ControlStore?
    private let name: String
    /// The head that all answers are of.
    let head: LedgerHead

    /// The ledger of a lineage as it is now.
    ///
    /// - Throws: `ControlStoreError`.
    package init(_ store: ControlStore, name: String) throws {
        self.store = store
        self.name = name
        head = try store.head(of: name)
    }

    /// No ledger: for data sets that stand alone.
    package init(withoutStore name: String) {
        store = nil
        self.name = name
        head = LedgerHead.empty(name)
    }

    /// The key by which a ledger knows an exchange.
    static func key(of id: ExchangeID) -> LedgerKey { LedgerKey(hashing: [UInt8(ascii: "x")] + id.textBytes) }

    /// The key by which it knows a prompt, whatever exchange it stood in.
    static func key(of prompt: SeparationDigest) -> LedgerKey { LedgerKey(hashing: [UInt8(ascii: "p")] + prompt.bytes) }

    /// The sides of many keys, in their order.
    func sides(of keys: [LedgerKey]) throws -> [LedgerSide] {
        guard let store else { return Array(repeating: .unknown, count: keys.count) }
        return try store.sides(of: keys, in: name)
    }

    /// The rows that earlier versions of a data set have in eval, in the order in which they entered, without those that were taken out.
    func pinned(dataset: String) throws -> [ExchangeID] {
        guard let store else { return [] }
        var ids: [ExchangeID] = []
        try store.forEachEval(in: name, withSeparation: false) { item in
            guard !item.isRemoved, item.row.dataset.utf8.elementsEqual(dataset.utf8), let id = item.row.exchanges.first else {
                return
            }
            ids.append(id)
        }
        return ids
    }

    /// The version that a build of a data set makes, where it adds anything: one behind those recorded.
    func nextVersion(of dataset: String) throws -> String {
        guard let store else { return "1" }
        let versions = try store.versions(in: name).filter { $0.dataset.utf8.elementsEqual(dataset.utf8) }
        return "\(versions.count + 1)"
    }

    /// Gives every row that is or ever was in an eval set, with its traits.
    func forEachEval(_ body: (LedgerEvalItem, SeparationTraits) throws -> Void) throws {
        guard let store else { return }
        try store.forEachEval(in: name) { item in
            try body(item, try SeparationTraits(encoded: item.row.separation))
        }
    }

    /// The newest entry of training that holds each key; for taints.
    func trainings(of keys: [LedgerKey]) throws -> [LedgerKey: Int64] {
        guard let store else { return [:] }
        var found: [LedgerKey: Int64] = [:]
        try store.forEachTouch(of: keys, in: name) { touch in
            if touch.side == .train { found[keys[touch.place]] = touch.seq }
        }
        return found
    }

    /// Items of eval that are known to be tainted.
    func taintedItems() throws -> Set<LedgerDigest> {
        guard let store else { return [] }
        return Set(try store.taints(in: name).map(\.taint.item))
    }

    /// Appends a build's entries, unless the ledger has grown since it was asked.
    ///
    /// - Returns: the head behind them.
    func append(_ entries: [LedgerEntry], recordedUs: Int64) throws -> LedgerHead {
        guard let store, !entries.isEmpty else { return head }
        return try store.append(entries, to: name, expecting: head, recordedUs: recordedUs).after
    }
}
