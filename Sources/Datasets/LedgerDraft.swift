// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Separation

/// What a build tells the ledger; what a gate has to keep of eval rows waits on disk.
struct LedgerDraft {
    /// A row that enters eval, without what a gate needs of it.
    private struct Entry {
        let row: LedgerEval
        let traits: TraitSpill.Place
    }

    private let plan: DatasetPlan
    private let recipe: DatasetRecipe
    private let ledger: DatasetLedger
    private let traits: TraitSpill
    private var evals: [Entry] = []
    private var trainKeys: [LedgerKey] = []
    private var trainItems: [LedgerKey] = []
    /// Eval rows of earlier versions whose bytes are others now.
    private var changedCount = 0

    init(plan: DatasetPlan, recipe: DatasetRecipe, ledger: DatasetLedger, traits: TraitSpill) {
        self.plan = plan
        self.recipe = recipe
        self.ledger = ledger
        self.traits = traits
    }

    /// Takes a row as it was written.
    mutating func add(_ row: PlannedRow, bytes: ArraySlice<UInt8>, records: RowRecords) {
        let item = LedgerDigest(hashing: Array(bytes))
        guard row.side == .eval else {
            trainKeys.append(DatasetLedger.key(of: row.promptKey))
            trainItems.append(item.key)
            return
        }
        guard plan.fresh.contains(row.id) else {
            if let known = plan.pinned[row.id], known != item { changedCount += 1 }
            return
        }
        evals.append(Entry(row: entry(row, item, records), traits: row.traits))
    }

    /// Its own keys come first: they must not be among those that are too many.
    private func entry(_ row: PlannedRow, _ item: LedgerDigest, _ records: RowRecords) -> LedgerEval {
        let others = records.ids.filter { $0 != row.id }
        let repetitions = plan.grouping.recordsWithTheAnswer(of: row.candidate).filter { $0 != row.id }
        let keys =
            [DatasetLedger.key(of: row.id), DatasetLedger.key(of: row.promptKey)]
            + (others + repetitions).prefix(DatasetLimits.ledgerKeys - 2).map(DatasetLedger.key(of:))
        return LedgerEval(
            item: item, groups: keys, exchanges: [row.id] + others.prefix(DatasetLimits.ledgerKeys), dataset: recipe.name,
            version: "")
    }

    /// What whoever uses the data set should know of rows that are not as they were.
    var warnings: [String] {
        guard changedCount > 0 else { return [] }
        return [
            "\(changedCount) eval rows of earlier versions are written otherwise than they were: another version of Weir, or of the recipe (as where redaction changes), makes other bytes of the same exchange; figures measured with them do not compare."
        ]
    }

    /// Tells the ledger, unless it knows it all.
    ///
    /// - Returns: the head behind it.
    /// - Throws: `ControlStoreError`, `headMoved` where the ledger has grown since it was asked; nothing is stored then.
    func append(recordedUs: Int64) throws -> LedgerHead {
        let keys =
            trainKeys + plan.grouping.records(inAnyOf: (plan.rows[.train] ?? []).map(\.candidate)).map(DatasetLedger.key(of:))
        let isTrainNew = try ledger.past(of: keys).contains(where: \.isEmpty)
        guard !evals.isEmpty || isTrainNew || !plan.taints.isEmpty else { return try ledger.unmovedHead() }
        let version = try ledger.nextVersion(of: recipe.name)
        return try ledger.append(recordedUs: recordedUs) { appender in
            for entry in evals {
                var row = entry.row
                row.version = version
                row.separation = try traits.bytes(at: entry.traits)
                try appender.add(.eval(row))
            }
            if isTrainNew {
                let build = LedgerTrain(
                    dataset: recipe.name, version: version, groups: LedgerKeyList(keys), items: LedgerKeyList(trainItems))
                try appender.add(.train(build))
            }
            for taint in plan.taints { try appender.add(.taint(taint)) }
        }
    }
}
