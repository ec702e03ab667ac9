// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
package import FactStore

/// What a selection takes and what it leaves, before anything is built.
package struct SelectionPreview: Sendable {
    /// Exchanges in the window.
    package private(set) var seen: Int64 = 0
    /// Exchanges that pass every filter; a limit comes after this.
    package private(set) var admitted: Int64 = 0
    /// How many each filter was the first to leave out; only filters that left out any.
    package private(set) var dropped: [(filter: SelectionFilter, count: Int64)] = []
    /// Admitted exchanges by task and model, the most first; at most `DatasetLimits.previewGroups`.
    package private(set) var groups: [(task: String, model: String, count: Int64)] = []
    /// A few admitted exchanges: those that come first by the recipe's keyed hash.
    package private(set) var examples: [ExchangeFact] = []

    /// Asks the index.
    ///
    /// - Parameters:
    ///   - recipe: its selection and salt.
    ///   - facts: the index.
    ///   - progress: told the number of exchanges seen, every 1,000.
    /// - Throws: `FactStoreError`.
    package init(_ recipe: DatasetRecipe, facts: FactStore, progress: (Int64) -> Void = { _ in }) throws {
        let split = Split(recipe: recipe)
        var counts: [SelectionFilter: Int64] = [:]
        var tally: [[String]: Int64] = [:]
        var first: [(order: Digest128, fact: ExchangeFact)] = []
        var seen: Int64 = 0
        var admitted: Int64 = 0
        try facts.forEachFact(recipe.selection.windowFilter) { fact in
            seen += 1
            if seen % Int64(DatasetLimits.recordsPerReport) == 0 { progress(seen) }
            if let filter = recipe.selection.refusal(of: fact) {
                counts[filter, default: 0] += 1
                return
            }
            admitted += 1
            let model = fact.reading.modelResponded ?? fact.reading.modelRequested ?? ""
            tally[[fact.head.attribution.task, model], default: 0] += 1
            let order = split.order(ofRecord: fact.head.id)
            guard first.count < DatasetLimits.previewExamples || order < first[first.count - 1].order else { return }
            first.append((order, fact))
            first.sort { $0.order < $1.order }
            first.removeLast(max(0, first.count - DatasetLimits.previewExamples))
        }
        self.seen = seen
        self.admitted = admitted
        dropped = SelectionFilter.allCases.compactMap { filter in counts[filter].map { (filter, $0) } }
        groups = SelectionPreview.largest(tally)
        examples = first.map(\.fact)
    }

    private static func largest(_ tally: [[String]: Int64]) -> [(task: String, model: String, count: Int64)] {
        let sorted = tally.sorted { a, b in
            guard a.value == b.value else { return a.value > b.value }
            return a.key.joined(separator: "\0").utf8.lexicographicallyPrecedes(b.key.joined(separator: "\0").utf8)
        }
        return sorted.prefix(DatasetLimits.previewGroups).map { ($0.key[0], $0.key[1], $0.value) }
    }
}
