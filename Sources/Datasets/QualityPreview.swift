// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// What readers and quality filters would make of some of the exchanges that a recipe takes.
package struct QualityPreview: Sendable {
    /// Exchanges whose payloads were read.
    package private(set) var read: Int64 = 0
    /// Those that may become rows.
    package private(set) var usable: Int64 = 0
    /// Those that continue a response which the provider keeps: only a build looks for it.
    package private(set) var waiting: Int64 = 0
    /// How many were dropped under which reason; the most first; `read` = `usable` + `waiting` + all of these.
    package private(set) var dropped: [(reason: DropReason, count: Int64)] = []
    /// How many of the usable ones a filter flags, in the order of the filters.
    package private(set) var flagged: [(rule: DropReason, count: Int64)] = []
    /// How many each filter alone would drop, in the order of the filters.
    package private(set) var violated: [(rule: DropReason, count: Int64)] = []

    /// A recipe that takes as many of its exchanges as a preview reads: those that come first by keyed hash.
    package static func sample(of recipe: DatasetRecipe) -> DatasetRecipe {
        var recipe = recipe
        recipe.selection.limit = min(recipe.selection.limit ?? Int64.max, DatasetLimits.previewRecords)
        return recipe
    }

    /// Reads the payloads of a source; nothing is written.
    ///
    /// - Parameters:
    ///   - recipe: its filters.
    ///   - source: of the sample.
    ///   - progress: told the number of exchanges read, every 100.
    /// - Throws: what the source throws.
    package init(_ recipe: DatasetRecipe, source: some DatasetSource, progress: (Int64) -> Void = { _ in }) throws {
        var bare = recipe
        bare.redact.kinds = []
        let history = ResponseHistory(in: "", files: nil)
        let intake = RowIntake(recipe: bare, key: RedactionKey(salt: recipe.ledger), history: history)
        var counts: [DropReason: Int64] = [:]
        var funnel = QualityFunnel()
        var (read, usable, waiting): (Int64, Int64, Int64) = (0, 0, 0)
        try source.forEachRecord(where: { _ in true }) { input in
            read += 1
            if read % 100 == 0 { progress(read) }
            guard case .record(let record, _) = input else {
                let isLocked = if case .locked = input { true } else { false }
                counts[isLocked ? .keyMissing : .payloadUnreadable, default: 0] += 1
                return
            }
            switch try intake.read(record) {
            case .waiting: waiting += 1
            case .dropped(let reason): counts[reason, default: 0] += 1
            case .row(let row):
                if row.answer != nil { usable += 1 }
                if let reason = row.drop { counts[reason, default: 0] += 1 }
                if row.isJudged { funnel.count(row.verdict) }
            }
        }
        (self.read, self.usable, self.waiting) = (read, usable, waiting)
        dropped = counts.sorted { a, b in
            guard a.value == b.value else { return a.value > b.value }
            return a.key.rawValue.utf8.lexicographicallyPrecedes(b.key.rawValue.utf8)
        }.map { ($0.key, $0.value) }
        flagged = QualityFilters.order.compactMap { rule in funnel.flagged[rule].map { (rule, $0) } }
        violated = QualityFilters.order.compactMap { rule in funnel.violated[rule].map { (rule, $0) } }
    }
}
