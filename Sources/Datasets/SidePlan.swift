// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Separation

/// Which side each group is on, and why.
///
/// In this order: a group that has a row of any eval set of the ledger is of eval; one that was trained on is of training; one that is
/// too large, or has no row that could be measured with, is of training; of the others a keyed hash of the smallest record id decides.
struct SidePlan {
    /// What a ledger knows of a group.
    struct Known {
        var hasEval = false
        var hasTrain = false
    }

    private(set) var sides: [ExchangeID: DatasetSide] = [:]
    private(set) var known: [ExchangeID: Known] = [:]

    /// - Parameters:
    ///   - members: the group of each candidate, in the candidates' order.
    ///   - ids: the ids of the candidates.
    ///   - leaves: what may become a row.
    ///   - groups: the group of each leaf.
    ///   - ledger: what is known from before.
    ///   - split: the keyed hash.
    /// - Throws: what the ledger throws.
    init(
        members: [ExchangeID], ids: [ExchangeID], leaves: [LeafFacts], groups: [ExchangeID], ledger: DatasetLedger, split: Split
    ) throws {
        let keys = ids.map(DatasetLedger.key(of:)) + leaves.map { DatasetLedger.key(of: $0.promptKey) }
        for (side, group) in zip(try ledger.sides(of: keys), members + groups) where side != .unknown {
            if side == .eval {
                known[group, default: Known()].hasEval = true
            } else {
                known[group, default: Known()].hasTrain = true
            }
        }
        var sizes: [ExchangeID: Int] = [:]
        var eligible: Set<ExchangeID> = []
        for (leaf, group) in zip(leaves, groups) {
            sizes[group, default: 0] += 1
            if leaf.isFitForEval { eligible.insert(group) }
        }
        let largest = max(DatasetLimits.evalGroupRows, leaves.count / DatasetLimits.evalGroupShare)
        for (group, size) in sizes {
            let known = known[group] ?? Known()
            if known.hasEval {
                sides[group] = .eval
            } else if known.hasTrain || size > min(largest, DatasetLimits.evalGroupRowsAtMost) || !eligible.contains(group) {
                sides[group] = .train
            } else {
                sides[group] = split.side(ofGroup: group)
            }
        }
    }
}
