// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Separation

/// What a build tells the ledger.
struct LedgerDraft {
    private let plan: DatasetPlan
    private let recipe: DatasetRecipe
    private let ledger: DatasetLedger
    private let traits: TraitSpill
    private var evals: [LedgerEval] = []
    private var trainKeys: [LedgerKey] = []
    private var trainItems: [LedgerKey] = []

    init(plan: DatasetPlan, recipe: DatasetRecipe, ledger: DatasetLedger, traits: TraitSpill) {
        self.plan = plan
        self.recipe = recipe
        self.ledger = ledger
        self.traits = traits
    }

    /// Takes a row as it was written.
    mutating func add(_ row: PlannedRow, bytes: ArraySlice<UInt8>, records: [ExchangeID]) throws {
        let own = try traits.read(row.traits)
        let item = LedgerDigest(hashing: Array(bytes))
        let keys = records.map(DatasetLedger.key(of:)) + [DatasetLedger.key(of: own.promptKey)]
        guard row.side == .eval else {
            trainKeys += keys
            trainItems.append(item.key)
            return
        }
        guard plan.fresh.contains(row.id) else { return }
        evals.append(
            LedgerEval(
                item: item, groups: Array(keys.prefix(DatasetLimits.ledgerKeys)),
                exchanges: [row.id] + records.filter { $0 != row.id }.prefix(DatasetLimits.ledgerKeys), dataset: recipe.name,
                version: "", separation: own.encoded))
    }

    /// The entries, none where the ledger knows it all.
    func entries() throws -> [LedgerEntry] {
        let version = try ledger.nextVersion(of: recipe.name)
        var entries: [LedgerEntry] = evals.map { row in
            var row = row
            row.version = version
            return .eval(row)
        }
        let sides = try ledger.sides(of: trainKeys)
        if zip(trainKeys, sides).contains(where: { $1 == .unknown }) {
            let build = LedgerTrain(
                dataset: recipe.name, version: version, groups: LedgerKeyList(trainKeys), items: LedgerKeyList(trainItems))
            entries.append(.train(build))
        }
        return entries + plan.taints.map { .taint($0) }
    }
}
