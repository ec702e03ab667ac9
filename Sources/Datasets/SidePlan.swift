// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Separation

/// Which side each group is on, and why.
///
/// In this order: a group that has a row of any eval set of the ledger is of eval; one that was trained on is of training; one that is
/// too large, or has no row that could be measured with, is of training; of the others a keyed hash of the smallest record id decides.
struct SidePlan {
    private(set) var sides: [ExchangeID: DatasetSide] = [:]
    /// What the ledger knows of each group, where it knows any of it.
    private(set) var past: [ExchangeID: LedgerPast] = [:]
    /// Leaves that were trained on, or hold the answer of a record that was.
    private(set) var trainedLeaves: [Int] = []

    /// - Parameters:
    ///   - members: the group of each candidate, in the candidates' order.
    ///   - grouping: of the candidates.
    ///   - leaves: what may become a row.
    ///   - groups: the group of each leaf.
    ///   - pinned: leaves that are eval rows in any case.
    ///   - ledger: what is known from before.
    ///   - split: the keyed hash.
    /// - Throws: what the ledger throws.
    init(
        members: [ExchangeID], grouping: Grouping, leaves: [LeafFacts], groups: [ExchangeID], pinned: Set<ExchangeID>,
        ledger: DatasetLedger, split: Split
    ) throws {
        let prompts = try ledger.past(of: leaves.map { DatasetLedger.key(of: $0.promptKey) })
        try askLedger(ledger, members, grouping, leaves, prompts)
        for (leaf, (past, group)) in zip(leaves, zip(prompts, groups)) {
            if !past.isEmpty { self.past[group, default: []].formUnion(past) }
            if pinned.contains(leaf.id) { self.past[group, default: []].insert(.eval) }
        }
        decide(leaves, groups, split)
    }

    private mutating func askLedger(
        _ ledger: DatasetLedger, _ members: [ExchangeID], _ grouping: Grouping, _ leaves: [LeafFacts], _ prompts: [LedgerPast]
    ) throws {
        let records = try ledger.past(of: grouping.candidates.map { DatasetLedger.key(of: $0.id) })
        for (past, group) in zip(records, members) where !past.isEmpty { self.past[group, default: []].formUnion(past) }
        guard records.contains(where: { $0.contains(.train) }) || prompts.contains(where: { $0.contains(.train) }) else { return }
        let held = grouping.rows(leaves.map(\.candidate), holding: records.map { $0.contains(.train) })
        trainedLeaves = leaves.indices.filter { held[$0] || prompts[$0].contains(.train) }
    }

    private mutating func decide(_ leaves: [LeafFacts], _ groups: [ExchangeID], _ split: Split) {
        var sizes: [ExchangeID: Int] = [:]
        var eligible: Set<ExchangeID> = []
        for (leaf, group) in zip(leaves, groups) {
            sizes[group, default: 0] += 1
            if leaf.isFitForEval { eligible.insert(group) }
        }
        let largest = max(DatasetLimits.evalGroupRows, leaves.count / DatasetLimits.evalGroupShare)
        for (group, size) in sizes {
            let past = past[group] ?? []
            if past.contains(.eval) {
                sides[group] = .eval
            } else if past.contains(.train) || size > min(largest, DatasetLimits.evalGroupRowsAtMost)
                || !eligible.contains(group)
            {
                sides[group] = .train
            } else {
                sides[group] = split.side(ofGroup: group)
            }
        }
    }
}
