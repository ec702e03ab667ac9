// SPDX-License-Identifier: Apache-2.0

/// What a search found; the same for the same rows in any order, on any number of threads.
package struct NearDuplicateReport: Equatable, Sendable {
    /// Shingles that are boilerplate, each once for each template.
    package var boilerplateShingles = 0
    /// Rows whose set had to be joined with another: sets that there are fewer of than before.
    package var joinedSets = 0
}

/// Finds rows that are near duplicates of one another and joins their groups.
///
/// A row is one of another where the Jaccard index of their shingles is at least 0.7, in the prompt view or in the first view, both
/// without boilerplate: else every two rows that begin with one template would be candidates, or even joined. Candidates come from signatures (`MinHash`) and are then counted exactly: nothing is joined in error; of pairs of
/// 0.7 two in ten thousand are missed, of those above fewer. The groups follow from the set of rows alone.
///
/// World: thread; owned by one, which shares the work among others. It goes `add`, `add`, ..., `join`, once each row.
package final class NearDuplicateSearch {
    /// One row.
    package struct Row: Sendable {
        /// What it says.
        package var views: GroupingViews
        /// What the rows of one prompt template have in common, as a hash of the system's turns.
        package var template: UInt64

        /// A row from its parts.
        package init(views: GroupingViews, template: UInt64) {
            self.views = views
            self.template = template
        }
    }

    private let threads: Int
    private let writer: ShingleWriter
    private let counts: BoilerplateCount
    private var templates: [UInt64] = []

    /// A search without rows.
    ///
    /// - Parameters:
    ///   - spill: where shingles go that are not to be in memory.
    ///   - threads: at most so many work.
    ///   - textBytes: how much text there will be, more or less; only speed and memory depend on it, a byte for 60 or so of text.
    package init(spill: ShingleSpill, threads: Int, expecting textBytes: Int = 1 << 31) {
        self.threads = max(1, threads)
        writer = ShingleWriter(spill: spill)
        counts = BoilerplateCount(expecting: textBytes)
    }

    /// How many rows there are.
    package var count: Int { templates.count }

    /// Takes rows in; a few thousand at once are better than one at a time.
    ///
    /// - Parameter rows: numbered on from `count`.
    /// - Throws: `SeparationError` with `spillFailed` or `tooMuch`; the search is then of no use any more.
    package func add(_ rows: [Row]) throws(SeparationError) {
        guard rows.count < SeparationLimits.rows - count else {
            throw SeparationError(.tooMuch, "near duplicates are looked for among \(SeparationLimits.rows) rows at most")
        }
        // Spread over all bits, whatever it was.
        let marked = rows.map { (views: $0.views, template: SeparationHash.finish($0.template)) }
        counts.add(marked, threads: threads)
        for row in marked {
            try writer.append(row.views)
            templates.append(row.template)
        }
    }

    /// Joins what is near.
    ///
    /// - Parameter sets: of as many rows as were added, in the same order; its sets are the groups in which boilerplate is counted.
    /// - Returns: what was found.
    /// - Throws: `SeparationError` with `spillFailed`.
    package func join(_ sets: inout LeastKeySets) throws(SeparationError) -> NearDuplicateReport {
        precondition(sets.count == count, "a set for every row")
        let store = try writer.finish()
        let groups = sets.roots().map { UInt32($0) }
        let boilerplate = try counts.boilerplate(store, groups: groups, templates: templates, threads: threads)
        var report = NearDuplicateReport(boilerplateShingles: boilerplate.count)
        let before = NearDuplicateSearch.setCount(&sets)
        var signatures = try sign(store, boilerplate)
        for view in SeparationView.allCases {
            guard let signed = signatures.removeValue(forKey: view) else { continue }
            let verifier = PairVerifier(store: store, boilerplate: boilerplate, view: view, threads: threads)
            var candidates = CandidateSearch(signatures: signed, verifier: verifier, threads: threads)
            try candidates.join(&sets)
        }
        report.joinedSets = before - NearDuplicateSearch.setCount(&sets)
        try writer.removeFile()
        return report
    }

    private static func setCount(_ sets: inout LeastKeySets) -> Int {
        sets.roots().enumerated().reduce(0) { $0 + ($1.offset == $1.element ? 1 : 0) }
    }

    /// Signs all rows in both views.
    private func sign(
        _ store: ShingleStore, _ boilerplate: Boilerplate
    ) throws(SeparationError) -> [SeparationView: ViewSignatures] {
        var prompt = ViewSignatures()
        var first = ViewSignatures()
        prompt.reserve(count)
        first.reserve(count)
        // In turns, so that no part of the signatures is there twice for long.
        for turn in WorkShare.parts(of: count, each: 1 << 15) {
            let parts = WorkShare.parts(of: turn.count, each: 1 << 9)
            let signed = WorkShare.map(parts.count, threads: threads) { part in
                let rows = turn.lowerBound + parts[part].lowerBound..<turn.lowerBound + parts[part].upperBound
                return NearDuplicateSearch.sign(rows, store, boilerplate)
            }
            for part in signed {
                let (ofPrompt, ofFirst) = try part.get()
                prompt.append(ofPrompt)
                first.append(ofFirst)
            }
        }
        return [.prompt: prompt, .first: first]
    }

    private static func sign(
        _ rows: Range<Int>, _ store: ShingleStore, _ boilerplate: Boilerplate
    ) -> Result<(ViewSignatures, ViewSignatures), SeparationError> {
        let reader = ShingleReader(store, without: boilerplate)
        var prompt = ViewSignatures()
        var first = ViewSignatures()
        do throws(SeparationError) {
            for row in rows {
                let set = try reader.shingles(of: row, .prompt)
                if store.places[row].isFirstPrompt {
                    _ = prompt.append(set)
                    first.append(prompt, from: prompt.sizes.count - 1)
                } else {
                    // What is said first is a part of the whole, as a rule, and need not be signed twice.
                    let opening = try reader.shingles(of: row, .first)
                    let least = first.append(opening)
                    _ = prompt.append(set, knowing: (opening, least))
                }
            }
        } catch { return .failure(error) }
        return .success((prompt, first))
    }
}
