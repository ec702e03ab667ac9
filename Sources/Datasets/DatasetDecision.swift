// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Separation

/// Decides sides, eval rows, what the gate keeps out, and training rows, in this order.
struct DatasetDecision {
    private let recipe: DatasetRecipe
    private let survey: Survey
    private let second: LeafSurvey
    private let ledger: DatasetLedger
    private let split: Split
    private var plan: DatasetPlan
    /// The group of each candidate.
    private let members: [ExchangeID]
    /// The group of each leaf.
    private let groups: [ExchangeID]
    private let sides: SidePlan
    /// Leaves by the ids of their records.
    private let places: [ExchangeID: Int]

    /// What is to be decided: groups are those of near duplicates too, `dropped` is what became no row so far.
    init(
        recipe: DatasetRecipe, survey: Survey, second: LeafSurvey, grouping: Grouping, dropped: [DropReason: Int64],
        ledger: DatasetLedger
    ) throws {
        var grouping = grouping
        let candidates = survey.candidates
        let members = candidates.indices.map { candidates[Int(grouping.group(of: UInt32($0)))].id }
        let groups = second.leaves.map { members[Int($0.candidate)] }
        let split = Split(recipe: recipe)
        self.recipe = recipe
        self.survey = survey
        self.second = second
        self.ledger = ledger
        self.split = split
        self.groups = groups
        self.members = members
        sides = try SidePlan(
            members: members, ids: candidates.map(\.id), leaves: second.leaves, groups: groups, ledger: ledger, split: split)
        places = Dictionary(second.leaves.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        plan = DatasetPlan(survey: survey, grouping: grouping, dropped: dropped, conversations: second.leaves.count)
    }

    /// The whole plan.
    ///
    /// - Parameter progress: told how many rows the gate has been asked about.
    /// - Returns: the rows, and what became of the rest.
    /// - Throws: `DatasetError` `.narrowSelection` where the gate leaves no training row, or what ledger and spill throw.
    mutating func decide(progress: (Int64) -> Void) throws -> DatasetPlan {
        let signs = signs()
        let scores = Hardness.scores(signs, tasks: second.leaves.map(\.task))
        let evalRows = try chooseEval(scores)
        var gate = SeparationGate(isStrict: recipe.isStrict)
        let labels = try fill(&gate, evalRows)
        try chooseTrain(gate, labels, progress)
        try findTaints()
        let kept = plan.rows.values.joined()
        plan.hasTools = kept.contains { survey.candidates[Int($0.candidate)].hasTools }
        return plan
    }

    /// The signs of each leaf, those of its record and those of the records beside it.
    private func signs() -> [HardnessSigns] {
        var asked: [UInt32: Int64] = [:]
        var answers: [UInt32: Set<UInt32>] = [:]
        for candidate in survey.candidates {
            asked[candidate.prompt, default: 0] += 1
            if candidate.isKept { answers[candidate.prompt, default: []].insert(candidate.end) }
        }
        var sizes: [ExchangeID: Int64] = [:]
        for group in groups { sizes[group, default: 0] += 1 }
        return second.leaves.enumerated().map { row, leaf in
            var signs = leaf.signs
            let prompt = survey.candidates[Int(leaf.candidate)].prompt
            signs[.disagreement] = Int64(max(0, (answers[prompt]?.count ?? 1) - 1))
            signs[.regenerations] = max(0, (asked[prompt] ?? 1) - 1)
            signs[.rarity] = 1_000 / max(1, sizes[groups[row]] ?? 1)
            return signs
        }
    }

    private func offer(_ row: Int, hardness: Int64 = 0) -> RowOffer {
        let leaf = second.leaves[row]
        return RowOffer(
            candidate: leaf.candidate, id: leaf.id, group: groups[row], order: split.order(ofRecord: leaf.id),
            stratum: leaf.stratum, hardness: hardness)
    }

    private func planned(_ offer: RowOffer, _ side: DatasetSide, reason: String = "") -> PlannedRow? {
        guard let place = places[offer.id] else { return nil }
        let leaf = second.leaves[place]
        return PlannedRow(offer: offer, side: side, traits: leaf.traits, promptTokens: leaf.promptTokens, reason: reason)
    }

    private mutating func drop(_ reason: DropReason, _ count: Int64 = 1) {
        if count > 0 { plan.dropped[reason, default: 0] += count }
    }

    // MARK: Eval

    private mutating func chooseEval(_ scores: [HardnessScore]) throws -> [PlannedRow] {
        let pinnedIDs = try ledger.pinned(dataset: recipe.name)
        var pinned: [RowOffer] = []
        for id in pinnedIDs {
            guard let place = places[id] else { continue }
            pinned.append(offer(place, hardness: scores[place].millionths))
        }
        if pinned.count < pinnedIDs.count {
            plan.warnings.append(
                "\(pinnedIDs.count - pinned.count) eval rows of earlier versions are missing: their exchanges are gone or not selected."
            )
        }
        let isPinned = Set(pinned.map(\.id))
        var offers: [RowOffer] = []
        for (row, leaf) in second.leaves.enumerated() where sides.sides[groups[row]] == .eval && !isPinned.contains(leaf.id) {
            if sides.known[groups[row]]?.hasEval == true {
                drop(.groupOfEval)
            } else if leaf.isFitForEval {
                offers.append(offer(row, hardness: scores[row].millionths))
            } else {
                drop(leaf.isTooLongForEval ? .tooLongForEval : .tooShortForEval)
            }
        }
        let chosen = EvalChoice(maximum: recipe.eval.maximum, anchorPPM: recipe.eval.anchorPPM).choose(offers, pinned: pinned)
        for (reason, count) in chosen.dropped { drop(reason, count) }
        // Rows of earlier versions stay where they were; new ones stand behind them.
        let fresh = chosen.rows.filter { !isPinned.contains($0.id) }
        plan.fresh = Set(fresh.map(\.id))
        let rows = (pinned + fresh).compactMap { offer in
            planned(offer, .eval, reason: reason(offer, chosen.anchors, isPinned, scores))
        }
        plan.rows[.eval] = rows
        return rows
    }

    private func reason(
        _ offer: RowOffer, _ anchors: Set<ExchangeID>, _ pinned: Set<ExchangeID>, _ scores: [HardnessScore]
    ) -> String {
        if pinned.contains(offer.id) { return "kept from an earlier version" }
        if anchors.contains(offer.id) { return "an anchor, taken whatever its hardness" }
        guard let place = places[offer.id] else { return "" }
        let parts = scores[place].parts.prefix(3).map { "\($0.sign.rawValue) \($0.millionths / 1_000)" }
        return "hardness \(scores[place].millionths / 1_000) of 1000: \(parts.joined(separator: ", "))"
    }

    // MARK: The gate

    /// Puts every row that is or ever was in eval into the gate; gives their names in the gate's order.
    private func fill(_ gate: inout SeparationGate, _ rows: [PlannedRow]) throws -> [String] {
        var labels: [String] = []
        var waiting: [SeparationTraits] = []
        func hand() throws {
            try gate.add(waiting)
            waiting.removeAll(keepingCapacity: true)
        }
        for row in rows {
            waiting.append(try second.spill.read(row.traits))
            labels.append(row.id.description)
            if waiting.count >= DatasetLimits.nearRows { try hand() }
        }
        let here = Set(rows.map(\.id))
        try ledger.forEachEval { item, traits in
            if let id = item.row.exchanges.first, here.contains(id) { return }
            waiting.append(traits)
            labels.append(item.row.exchanges.first?.description ?? item.row.item.description)
            if waiting.count >= DatasetLimits.nearRows { try hand() }
        }
        try hand()
        return labels
    }

    private mutating func chooseTrain(_ gate: SeparationGate, _ labels: [String], _ progress: (Int64) -> Void) throws {
        var probe = GateProbe()
        var offers: [RowOffer] = []
        var slices: [String: (all: Int64, excluded: Int64)] = [:]
        let rows = second.leaves.indices.filter { sides.sides[groups[$0]] == .train }.map { offer($0) }
        for (asked, offer) in rows.sorted(by: { ($0.order, $0.id) < ($1.order, $1.id) }).enumerated() {
            if asked % DatasetLimits.recordsPerReport == 0 { progress(Int64(asked)) }
            guard let place = places[offer.id] else { continue }
            slices[offer.stratum, default: (0, 0)].all += 1
            let traits = try second.spill.read(second.leaves[place].traits)
            guard let found = gate.violation(of: traits, using: &probe) else {
                offers.append(offer)
                continue
            }
            slices[offer.stratum, default: (0, 0)].excluded += 1
            plan.excluded.append(
                GateExclusion(
                    id: offer.id, rule: found.rule.rawValue, evalRow: labels[found.evalRow], shared: found.shared,
                    trainSize: found.trainSize, evalSize: found.evalSize))
        }
        drop(.nearEval, Int64(plan.excluded.count))
        guard offers.count > 0 || rows.isEmpty else {
            throw DatasetError(
                .narrowSelection,
                "Every one of \(rows.count) training rows is too near to an eval row: select more traffic, or less of it for eval."
            )
        }
        warn(of: slices)
        let choice = TrainChoice(quota: recipe.train.quota, maximum: recipe.train.maximum, perGroup: recipe.train.perGroup)
        let (chosen, dropped) = choice.choose(offers)
        for (reason, count) in dropped { drop(reason, count) }
        plan.rows[.train] = chosen.compactMap { planned($0, .train) }
        plan.figures.strata = strata(offers, chosen)
    }

    private mutating func warn(of slices: [String: (all: Int64, excluded: Int64)]) {
        for (name, slice) in slices.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
        where slice.excluded * 4 > slice.all {
            plan.warnings.append(
                "Of \(slice.all) training rows of \(name), \(slice.excluded) are too near to an eval row: the slice is narrow.")
        }
    }

    private func strata(_ offers: [RowOffer], _ chosen: [RowOffer]) -> [FigureBar] {
        var counts: [String: (kept: Int64, all: Int64)] = [:]
        for offer in offers { counts[offer.stratum, default: (0, 0)].all += 1 }
        for offer in chosen { counts[offer.stratum, default: (0, 0)].kept += 1 }
        let sorted = counts.sorted { a, b in
            guard a.value.all == b.value.all else { return a.value.all > b.value.all }
            return a.key.utf8.lexicographicallyPrecedes(b.key.utf8)
        }
        return sorted.prefix(DatasetLimits.previewGroups).map { FigureBar($0.key, $0.value.kept, other: $0.value.all) }
    }

    // MARK: Taints

    /// Groups that are of eval and were trained on: eval wins, but what was trained on cannot be undone.
    private mutating func findTaints() throws {
        let both = Set(sides.known.filter { $0.value.hasEval && $0.value.hasTrain }.keys)
        guard !both.isEmpty else { return }
        var keys: [LedgerKey] = []
        var groupOfKey: [LedgerKey: ExchangeID] = [:]
        for (place, candidate) in survey.candidates.enumerated() {
            let group = members[place]
            guard both.contains(group) else { continue }
            let key = DatasetLedger.key(of: candidate.id)
            keys.append(key)
            groupOfKey[key] = group
        }
        let trainings = try ledger.trainings(of: keys)
        var newest: [ExchangeID: (key: LedgerKey, entry: Int64)] = [:]
        for (key, entry) in trainings {
            guard let group = groupOfKey[key] else { continue }
            if let known = newest[group], (known.entry, known.key) >= (entry, key) { continue }
            newest[group] = (key, entry)
        }
        let known = try ledger.taintedItems()
        try ledger.forEachEval { item, _ in
            guard let group = item.row.groups.lazy.compactMap({ groupOfKey[$0] }).first, let training = newest[group],
                !known.contains(item.row.item)
            else { return }
            plan.taints.append(LedgerTaint(item: item.row.item, training: training.entry, groups: [training.key]))
        }
        if !plan.taints.isEmpty {
            plan.warnings.append(
                "\(plan.taints.count) eval rows belong to groups that earlier builds trained on; `weir dataset ledger show` names them."
            )
        }
    }
}
