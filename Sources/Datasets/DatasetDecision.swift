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
    private let feedback: RowFeedback
    private let split: Split
    /// Rows that earlier versions have in eval.
    private let pinned: [PinnedRow]
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
        recipe: DatasetRecipe, survey: Survey, second: LeafSurvey, feedback: FeedbackSurvey, grouping: Grouping,
        dropped: [DropReason: Int64], ledger: DatasetLedger, published: PublishedRows
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
        self.feedback = RowFeedback(rules: recipe.feedback, survey: survey, feedback: feedback)
        self.split = split
        pinned = published.pinned
        self.groups = groups
        self.members = members
        sides = try SidePlan(
            members: members, grouping: grouping, leaves: second.leaves, groups: groups,
            pinned: Set(published.pinned.map(\.id)), ledger: ledger, split: split)
        places = Dictionary(second.leaves.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        plan = DatasetPlan(
            survey: survey, feedback: feedback, grouping: grouping, dropped: dropped, conversations: second.leaves.count)
        if feedback.unusable > 0 {
            plan.warnings.append("\(feedback.unusable) corrections are no answers that a row can hold, and are not used.")
        }
        plan.pinned = Dictionary(published.pinned.map { ($0.id, $0.item) }, uniquingKeysWith: { first, _ in first })
        plan.carried = published.rows
    }

    /// The whole plan.
    ///
    /// - Parameter progress: told how many rows the gate has been asked about, then how many were compared with eval rows.
    /// - Returns: the rows, and what became of the rest.
    /// - Throws: `DatasetError` `.narrowSelection` where the gate leaves no training row, or what ledger and spill throw.
    mutating func decide(progress: (DatasetProgress) -> Void) throws -> DatasetPlan {
        let signs = signs()
        let scores = Hardness.scores(signs, tasks: second.leaves.map(\.task))
        let evalRows = try chooseEval(scores)
        let (gate, labels) = try gate(of: evalRows)
        try chooseTrain(gate, labels) { progress(DatasetProgress(phase: .gate, records: $0, total: nil)) }
        try findTaints()
        warnOfKeys()
        useFeedback()
        plan.figures.neighbours = try NeighbourFigure.bars(of: plan, second.spill) { done, total in
            progress(DatasetProgress(phase: .neighbours, records: done, total: total))
        }
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
            let candidate = survey.candidates[Int(leaf.candidate)]
            let prompt = candidate.prompt
            signs[.feedback] = feedback.badCount(candidate)
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
        guard let place = places[offer.id] else { return plan.carried[offer.id]?.planned(offer) }
        let leaf = second.leaves[place]
        return PlannedRow(
            offer: offer, side: side, traits: leaf.traits, promptKey: leaf.promptKey, promptTokens: leaf.promptTokens,
            reason: reason)
    }

    private mutating func drop(_ reason: DropReason, _ count: Int64 = 1) {
        if count > 0 { plan.dropped[reason, default: 0] += count }
    }

    // MARK: Eval

    private mutating func chooseEval(_ scores: [HardnessScore]) throws -> [PlannedRow] {
        let pinned = pinnedOffers(scores)
        let isPinned = Set(pinned.map(\.id))
        let offers = try freshOffers(besides: isPinned).map { offer($0, hardness: scores[$0].millionths) }
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

    /// The rows of earlier versions: from their exchanges, else as the data set that is being replaced has them.
    private mutating func pinnedOffers(_ scores: [HardnessScore]) -> [RowOffer] {
        var offers: [RowOffer] = []
        for row in pinned {
            if let place = places[row.id] {
                offers.append(offer(place, hardness: scores[place].millionths))
            } else if let line = plan.carried[row.id] {
                offers.append(line.offer(order: split.order(ofRecord: row.id)))
            }
        }
        let missing = pinned.count - offers.count
        if !plan.carried.isEmpty {
            plan.warnings.append(
                "\(plan.carried.count) eval rows of earlier versions are taken over from the data set that is replaced: their exchanges are gone, or give no row any more."
            )
        }
        if missing > 0 {
            plan.warnings.append(
                "\(missing) eval rows of earlier versions are missing: their exchanges are gone or give no row any more, and no data set with their lines is replaced."
            )
        }
        return offers
    }

    /// Leaves that may newly be measured with; the rest of the eval side is counted as dropped.
    private mutating func freshOffers(besides pinned: Set<ExchangeID>) throws -> [Int] {
        var offers: [Int] = []
        for (row, leaf) in second.leaves.enumerated() where sides.sides[groups[row]] == .eval && !pinned.contains(leaf.id) {
            if sides.past[groups[row]]?.contains(.eval) == true {
                drop(.groupOfEval)
            } else if leaf.isFitForEval {
                offers.append(row)
            } else {
                drop(leaf.isTooLongForEval ? .tooLongForEval : .tooShortForEval)
            }
        }
        let search = NearRowSearch(leaves: second.leaves, spill: second.spill)
        let near = try search.rows(offers, nearAnyOf: sides.trainedLeaves)
        drop(.nearTrained, Int64(near.count))
        return offers.filter { !near.contains($0) }
    }

    private func reason(
        _ offer: RowOffer, _ anchors: Set<ExchangeID>, _ pinned: Set<ExchangeID>, _ scores: [HardnessScore]
    ) -> String {
        if pinned.contains(offer.id) { return DatasetPlan.pinnedReason }
        if anchors.contains(offer.id) { return "an anchor, taken whatever its hardness" }
        guard let place = places[offer.id] else { return "" }
        let parts = scores[place].shown.map { "\($0.sign.rawValue) \($0.millionths / 1_000)" }
        return "hardness \(scores[place].millionths / 1_000) of 1000: \(parts.joined(separator: ", "))"
    }

    // MARK: The gate

    /// The gate with every row that is or ever was in eval, and their names in its order.
    ///
    /// A row that would be made otherwise now is there twice: as it was published, and as it is.
    private func gate(of rows: [PlannedRow]) throws -> (SeparationGate, labels: [String]) {
        var filler = GateFiller(isStrict: recipe.isStrict)
        var labels: [String] = []
        for row in rows {
            try filler.add(try second.spill.read(row.traits))
            labels.append(row.id.description)
        }
        let here = Dictionary(rows.map { ($0.id, $0.traits) }, uniquingKeysWith: { first, _ in first })
        try ledger.forEachEval { item, traits in
            let id = item.row.exchanges.first
            if let id, let place = here[id], try second.spill.read(place) == traits { return }
            try filler.add(traits)
            labels.append(id?.description ?? item.row.item.description)
        }
        try filler.finish()
        return (filler.gate, labels)
    }

    private mutating func chooseTrain(_ gate: SeparationGate, _ labels: [String], _ progress: (Int64) -> Void) throws {
        var offers: [RowOffer] = []
        var slices = SliceCounts()
        let trained = second.leaves.indices.filter { sides.sides[groups[$0]] == .train }
        let good = trained.filter { !feedback.isLow(survey.candidates[Int(second.leaves[$0].candidate)]) }
        drop(.lowFeedback, Int64(trained.count - good.count))
        let rows = good.map { offer($0) }
        let sorted = rows.sorted { ($0.order, $0.id) < ($1.order, $1.id) }
        let asked = sorted.compactMap { offer in places[offer.id].map { (offer: offer, traits: second.leaves[$0].traits) } }
        for part in GateShare.parts(of: asked.map(\.traits)) {
            progress(Int64(part.lowerBound))
            let answers = try GateShare.violations(of: asked[part].map(\.traits), in: second.spill, gate)
            for (offer, found) in zip(asked[part].map(\.offer), answers) {
                slices.add(offer.stratum, isExcluded: found != nil)
                guard let found else {
                    offers.append(offer)
                    continue
                }
                plan.excluded.append(
                    GateExclusion(
                        id: offer.id, rule: found.rule.rawValue, evalRow: labels[found.evalRow], shared: found.shared,
                        trainSize: found.trainSize, evalSize: found.evalSize))
            }
        }
        drop(.nearEval, Int64(plan.excluded.count))
        guard offers.count > 0 || rows.isEmpty else {
            throw DatasetError(
                .narrowSelection,
                "Every one of \(rows.count) training rows is too near to an eval row: select more traffic, or less of it for eval."
            )
        }
        plan.warnings += try slices.warnings()
        let choice = TrainChoice(quota: recipe.train.quota, maximum: recipe.train.maximum, perGroup: recipe.train.perGroup)
        let (chosen, dropped) = choice.choose(offers)
        for (reason, count) in dropped { drop(reason, count) }
        plan.rows[.train] = chosen.compactMap { planned($0, .train) }
        plan.figures.strata = strata(offers, chosen)
    }

    private func strata(_ offers: [RowOffer], _ chosen: [RowOffer]) -> [FigureBar] {
        var counts: [SpelledText: (kept: Int64, all: Int64)] = [:]
        for offer in offers { counts[SpelledText(offer.stratum), default: (0, 0)].all += 1 }
        for offer in chosen { counts[SpelledText(offer.stratum), default: (0, 0)].kept += 1 }
        let sorted = counts.sorted { ($1.value.all, $0.key) < ($0.value.all, $1.key) }
        return sorted.prefix(DatasetLimits.previewGroups).map { FigureBar($0.key.text, $0.value.kept, other: $0.value.all) }
    }

    // MARK: Feedback

    /// What replaces the answers of rows, and what is held against them; a row that was taken over stays as it is.
    private mutating func useFeedback() {
        for row in plan.rows.values.joined() where !row.isCarried {
            plan.corrections[row.id] = feedback.correction(of: row, frozen: plan.pinned[row.id])
        }
        plan.pairs = PreferenceSearch(
            recipe: recipe, candidates: survey.candidates, feedback: feedback, isContinued: plan.grouping.passedPoints()
        ).pairs(of: plan.rows[.train] ?? [])
    }

    // MARK: Warnings

    /// Groups that are of eval and were trained on: eval wins, but what was trained on cannot be undone.
    private mutating func findTaints() throws {
        var search = TaintSearch(Set(sides.past.filter { $0.value == [.eval, .train] }.keys))
        for (place, candidate) in survey.candidates.enumerated() {
            search.add(DatasetLedger.key(of: candidate.id), of: members[place])
        }
        for (leaf, group) in zip(second.leaves, groups) { search.add(DatasetLedger.key(of: leaf.promptKey), of: group) }
        plan.taints = try search.taints(in: ledger)
        if !plan.taints.isEmpty {
            plan.warnings.append(
                "\(plan.taints.count) eval rows belong to groups that earlier builds trained on; `weir dataset ledger show` names them."
            )
        }
    }

    private mutating func warnOfKeys() {
        guard let locked = plan.dropped[.keyMissing] else { return }
        plan.warnings.append("\(locked) exchanges are encrypted with keys that are not in the key file, and are left out.")
    }
}
