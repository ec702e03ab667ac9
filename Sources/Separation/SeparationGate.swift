// SPDX-License-Identifier: Apache-2.0

/// Why a row may not be in training.
package struct GateViolation: Equatable, Sendable {
    /// The part of the guarantee that would be broken.
    package enum Rule: String, Sendable, CaseIterable {
        /// The prompts are equal (G1).
        case equalPrompt = "equal_prompt"
        /// The conversations share a node (G2).
        case sharedNode = "shared_node"
        /// The rows share a group key (G2).
        case sharedGroupKey = "shared_group_key"
        /// The prompt views share half of the smaller one (G3).
        case promptOverlap = "prompt_overlap"
        /// The first views share half of the smaller one (G3).
        case firstOverlap = "first_overlap"
        /// The prompt views share a rare run of 13 tokens (G4).
        case longRun = "long_run"
        /// Half of the eval row lies in runs of eight tokens of this row (G4).
        case coveredByRuns = "covered_by_runs"
    }

    /// The first rule that is broken, in the order above.
    package let rule: Rule
    /// The number of an eval row with which it is, counted from 0 in the order in which they came.
    package let evalRow: Int
    /// What they share: shingles; tokens for the two strict rules; 1 for keys and nodes.
    package let shared: Int
    /// All there is of that in the training row.
    package let trainSize: Int
    /// All there is of that in the eval row.
    package let evalSize: Int
}

/// The exact gate: all rows that were ever in an eval set, asked about every row that would go to training.
///
/// A value. Eval rows are taken in at any time; many threads may ask at once, each with a probe of its own. Whether there is a violation,
/// and of which rule, follows from the set of eval rows and the row alone; which of several eval rows is named depends on the order
/// in which they came.
package struct SeparationGate: Sendable {
    /// Whether the strict rule (G4) is asked for.
    package let isStrict: Bool
    /// How many eval rows there are.
    package private(set) var count = 0
    private var prompts = DigestTable()
    private var nodes = DigestTable()
    private var groupKeys = DigestTable()
    private var promptSets: OverlapIndex
    private var firstSets: OverlapIndex
    private var runs = RunIndex()

    /// A gate without eval rows, which lets everything pass.
    ///
    /// - Parameters:
    ///   - isStrict: whether the strict rule (G4) is asked for.
    ///   - shingles: how many shingles the eval rows will have in a view, more or less; only speed depends on it.
    package init(isStrict: Bool, expecting shingles: Int = 0) {
        self.isStrict = isStrict
        promptSets = OverlapIndex(expecting: shingles)
        firstSets = OverlapIndex(expecting: shingles)
    }

    /// Takes eval rows in, of any length; a few at once are better than one at a time, and none are ever taken out.
    ///
    /// - Parameter rows: numbered on from `count`.
    /// - Throws: `SeparationError` with `tooMuch`, and nothing is taken in.
    package mutating func add(_ rows: [SeparationTraits]) throws(SeparationError) {
        let tokens = rows.reduce(promptSets.valueCount + firstSets.valueCount) { $0 + $1.tokens.count + $1.firstTokens.count }
        guard rows.count < SeparationLimits.rows - count, tokens < SeparationLimits.gateTokens else {
            let most = "\(SeparationLimits.rows) eval rows and \(SeparationLimits.gateTokens) of their shingles at most"
            throw SeparationError(.tooMuch, "a gate holds \(most)")
        }
        for (position, row) in rows.enumerated() {
            prompts.insert(row.promptKey, row: count + position)
            for node in row.nodes { nodes.insert(node, row: count + position) }
            for key in row.groupKeys { groupKeys.insert(key, row: count + position) }
            if isStrict { runs.add(row.tokens, of: row.chain) }
        }
        promptSets.add(rows.map(\.promptShingles))
        firstSets.add(rows.map(\.firstShingles))
        count += rows.count
    }

    /// Why a row may not be in training, or nil where it may.
    ///
    /// - Parameters:
    ///   - row: a candidate for training.
    ///   - probe: of this thread.
    /// - Returns: the first rule that is broken, with an eval row and what they share.
    package func violation(of row: SeparationTraits, using probe: inout GateProbe) -> GateViolation? {
        if let found = sharedDigest(row) { return found }
        for view in SeparationView.allCases {
            if let found = overlap(row, view, &probe) { return found }
        }
        return isStrict ? sharedRuns(row, &probe) : nil
    }

    private func sharedDigest(_ row: SeparationTraits) -> GateViolation? {
        if let found = prompts.row(of: row.promptKey) { return GateViolation(.equalPrompt, found, 1, 1, 1) }
        for node in row.nodes {
            if let found = nodes.row(of: node) { return GateViolation(.sharedNode, found, 1, 1, 1) }
        }
        for key in row.groupKeys {
            if let found = groupKeys.row(of: key) { return GateViolation(.sharedGroupKey, found, 1, 1, 1) }
        }
        return nil
    }

    private func overlap(_ row: SeparationTraits, _ view: SeparationView, _ probe: inout GateProbe) -> GateViolation? {
        let set = row.shingles(view)
        if view == .prompt {
            guard let found = promptSets.overlap(with: set, using: &probe.overlaps) else { return nil }
            return GateViolation(.promptOverlap, found.row, found.shared, set.count, promptSets.size(of: found.row))
        }
        guard let found = firstSets.overlap(with: set, using: &probe.overlaps) else { return nil }
        return GateViolation(.firstOverlap, found.row, found.shared, set.count, firstSets.size(of: found.row))
    }

    private func sharedRuns(_ row: SeparationTraits, _ probe: inout GateProbe) -> GateViolation? {
        if let found = runs.longRun(in: row.tokens) {
            return GateViolation(
                .longRun, found, SeparationLimits.longRunTokens, row.tokens.count, runs.tokenCount(of: found))
        }
        guard let (found, covered) = runs.coveredRow(by: row.tokens, using: &probe.overlaps) else { return nil }
        return GateViolation(.coveredByRuns, found, covered, row.tokens.count, runs.tokenCount(of: found))
    }
}

extension GateViolation {
    fileprivate init(_ rule: Rule, _ evalRow: Int, _ shared: Int, _ trainSize: Int, _ evalSize: Int) {
        self.rule = rule
        self.evalRow = evalRow
        self.shared = shared
        self.trainSize = trainSize
        self.evalSize = evalSize
    }
}

/// What one thread needs to ask gates.
package struct GateProbe: Sendable {
    fileprivate var overlaps = OverlapProbe()

    /// A probe that has asked nothing yet.
    package init() {}
}
