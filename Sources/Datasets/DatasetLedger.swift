// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ControlStore
import Crypto
package import ExchangeModel
import Separation

/// What a ledger knows of a key: both may be so.
struct LedgerPast: OptionSet {
    let rawValue: UInt8
    /// It was in an eval set.
    static let eval = LedgerPast(rawValue: 1)
    /// It was exported to training.
    static let train = LedgerPast(rawValue: 2)
}

/// A row that earlier versions of a data set have in eval.
struct PinnedRow {
    /// The exchange that it was made of.
    let id: ExchangeID
    /// The hash of its line as it was published.
    let item: LedgerDigest
}

/// What a build asks of the ledger, and tells it; without a store nothing is known and nothing is kept.
package struct DatasetLedger {
    private let store: ControlStore?
    private let name: String
    /// The head that all answers are of.
    let head: LedgerHead

    /// The ledger of a lineage as it is now, verified from its beginning: what was changed or cut in it must not decide what may be
    /// trained on.
    ///
    /// - Throws: `ControlStoreError`, `ledgerBroken` where it is not as it was written.
    /// - Complexity: O(bytes of the ledger).
    package init(_ store: ControlStore, name: String) throws {
        self.store = store
        self.name = name
        head = try store.verifiedHead(of: name)
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

    /// What the ledger knows of many keys, in their order.
    func past(of keys: [LedgerKey]) throws -> [LedgerPast] {
        var past = Array(repeating: LedgerPast(), count: keys.count)
        try store?.forEachTouch(of: keys, in: name) { touch in
            if touch.side == .eval { past[touch.place].insert(.eval) }
            if touch.side == .train { past[touch.place].insert(.train) }
        }
        return past
    }

    /// The rows that earlier versions of a data set have in eval, in the order in which they entered, without those that were taken out.
    func pinned(dataset: String) throws -> [PinnedRow] {
        guard let store else { return [] }
        var rows: [PinnedRow] = []
        var seen: Set<ExchangeID> = []
        try store.forEachEval(in: name, withSeparation: false) { item in
            guard !item.isRemoved, item.row.dataset.utf8.elementsEqual(dataset.utf8), let id = item.row.exchanges.first,
                seen.insert(id).inserted
            else { return }
            rows.append(PinnedRow(id: id, item: item.row.item))
        }
        return rows
    }

    /// The exchanges of those rows: a source has to deliver them, whatever else it leaves out.
    ///
    /// - Parameter dataset: the data set's name.
    /// - Returns: their ids.
    /// - Throws: `ControlStoreError`.
    package func pinnedExchanges(of dataset: String) throws -> Set<ExchangeID> { Set(try pinned(dataset: dataset).map(\.id)) }

    /// Refuses a ledger that has lost what it held when a data set was built: it was deleted, or put back from an older copy.
    ///
    /// Without its eval rows it would let them into training.
    /// - Parameters:
    ///   - past: the head in the data set's manifest.
    ///   - place: where the data set lies.
    /// - Throws: `DatasetError` `.ledgerLost`, or `ControlStoreError`.
    /// - Complexity: O(bytes of the ledger), unless its head is that one still.
    func require(_ past: LedgerHead, ofSetAt place: String) throws {
        guard let store, past.entries > 0, past != head else { return }
        if past.entries <= head.entries {
            guard let fault = try store.verify(ledger: name, anchors: [past]).fault else { return }
            guard fault.kind == .anchor else {
                throw ControlStoreError(code: .ledgerBroken, message: "the ledger `\(name)`: \(fault)")
            }
        }
        throw DatasetError(
            .ledgerLost, subject: place,
            "The data set at '\(place)' was built by the ledger `\(name)` when its head was \(past); now it is \(head), and that head is not in it. Put control.sqlite back, or import an export of the ledger (`weir dataset ledger import`); or move '\(place)' away and begin anew, in which case what it measures with may be trained on."
        )
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

    /// Gives every row that is or ever was in an eval set, without its traits.
    func forEachEvalItem(_ body: (LedgerEvalItem) throws -> Void) throws {
        try store?.forEachEval(in: name, withSeparation: false, body)
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

    /// Which of many rows, known by the hash of their bytes, the ledger has on a side already.
    func knows(_ items: [LedgerDigest], on side: LedgerSide) throws -> [Bool] {
        var known = Array(repeating: false, count: items.count)
        try store?.forEachTouch(of: items.map(\.key), kind: .items, in: name) { touch in
            if touch.side == side { known[touch.place] = true }
        }
        return known
    }

    /// Items of eval that are known to be tainted.
    func taintedItems() throws -> Set<LedgerDigest> {
        guard let store else { return [] }
        return Set(try store.taints(in: name).map(\.taint.item))
    }

    /// Appends what need not all be in memory, unless the ledger has grown since it was asked.
    ///
    /// - Returns: the head behind it.
    func append(recordedUs: Int64, _ body: (LedgerAppender) throws -> Void) throws -> LedgerHead {
        guard let store else { return head }
        return try store.append(to: name, expecting: head, recordedUs: recordedUs, body).after
    }

    /// Refuses a ledger that has grown since it was asked: what a build that appends nothing has decided may be wrong too.
    ///
    /// - Returns: the head.
    /// - Throws: `ControlStoreError` `headMoved`.
    func unmovedHead() throws -> LedgerHead {
        guard let store else { return head }
        let now = try store.head(of: name)
        guard now == head else {
            throw ControlStoreError(
                code: .headMoved,
                message: "the ledger `\(name)` has grown meanwhile: its head is \(now), not \(head). Build again")
        }
        return head
    }
}
