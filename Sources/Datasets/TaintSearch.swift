// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Separation

/// Finds eval rows of groups that were trained on: eval wins, but what was trained on cannot be undone.
struct TaintSearch {
    /// Groups with rows of eval that were trained on.
    private let groups: Set<ExchangeID>
    /// Groups by the keys of their records and prompts; a prompt may be in several.
    private var holders: [LedgerKey: [ExchangeID]] = [:]

    init(_ groups: Set<ExchangeID>) { self.groups = groups }

    /// Takes a key of a group; what does not concern the search is passed over.
    mutating func add(_ key: @autoclosure () -> LedgerKey, of group: ExchangeID) {
        guard groups.contains(group) else { return }
        let key = key()
        if holders[key]?.contains(group) != true { holders[key, default: []].append(group) }
    }

    /// The taints that a ledger does not know yet, in the order of its eval rows.
    func taints(in ledger: DatasetLedger) throws -> [LedgerTaint] {
        guard !groups.isEmpty else { return [] }
        var newest: [ExchangeID: (entry: Int64, key: LedgerKey)] = [:]
        for (key, entry) in try ledger.trainings(of: Array(holders.keys)) {
            for group in holders[key] ?? [] where newest[group].map({ ($0.entry, $0.key) < (entry, key) }) ?? true {
                newest[group] = (entry, key)
            }
        }
        let known = try ledger.taintedItems()
        var taints: [LedgerTaint] = []
        try ledger.forEachEvalItem { item in
            let row = item.row
            let keys = row.groups + row.exchanges.prefix(1).map(DatasetLedger.key(of:))
            let touches = keys.flatMap { holders[$0] ?? [] }.compactMap { newest[$0] }
            let touched = touches.max { ($0.entry, $0.key) < ($1.entry, $1.key) }
            guard let touched, !known.contains(row.item) else { return }
            taints.append(LedgerTaint(item: row.item, training: touched.entry, groups: [touched.key]))
        }
        return taints
    }
}
