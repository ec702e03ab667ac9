// SPDX-License-Identifier: Apache-2.0

/// What a comparison is about.
package struct ReconcileOptions: Sendable {
    /// The first and the last day, days since 1970-01-01.
    package var days: ClosedRange<Int64>
    /// A difference of so many millionths of theirs is none.
    package var tolerancePpm: Int64 = 10_000
    /// Only these API keys of the export, under the provider's names; empty: all.
    package var keys: Set<String> = []
    /// Only these projects or workspaces of the export; empty: all.
    package var projects: Set<String> = []
    /// The present day: it is not over.
    package var today: Int64 = .max

    /// A comparison of some days.
    package init(days: ClosedRange<Int64>) { self.days = days }
}

/// Compares what the index holds with what a provider reports.
///
/// A pure function: lines in, rows out. Two exports that hold the same figure of a day once by model and once for all models are
/// refused: no total would be true.
package struct Reconciliation {
    private let options: ReconcileOptions
    private let side: TheirSide
    private let matching: ModelMatching
    private var rows: [RowKey: ReconcileRow] = [:]

    private struct RowKey: Hashable {
        let day: Int64
        let subject: ReconcileSubject
        let kind: ReconcileRow.Kind
    }

    /// Compares.
    ///
    /// - Parameters:
    ///   - ours: sums of the index; days outside the period are passed over.
    ///   - exports: what the provider reports, in any order.
    ///   - options: which days, keys and projects, and how exactly.
    /// - Returns: the rows.
    /// - Throws: `AnswersError.badComparison`.
    package static func compare(
        ours: [OurLine], exports: [ProviderExport], options: ReconcileOptions
    ) throws(AnswersError) -> ReconcileResult {
        let side = try TheirSide(exports, options)
        // What failed names the model as it was asked for, often without a date: it must not join the snapshots of the others.
        let within = ours.filter { options.days.contains($0.day) && !$0.isEmpty }
        var comparison = Reconciliation(options: options, side: side, ours: within)
        for line in within { try comparison.take(line) }
        for line in side.lines { try comparison.take(line) }
        return try comparison.result()
    }

    private init(options: ReconcileOptions, side: TheirSide, ours: [OurLine]) {
        self.options = options
        self.side = side
        let theirs = side.lines.compactMap { line in if case .model(let name) = line.subject { name } else { nil } }
        matching = ModelMatching(ours: Set(ours.compactMap(\.model)), theirs: Set(theirs))
    }

    // MARK: Taking

    /// Puts our figures where the export has the same ones: by model, in the row of the day, or among the tools.
    private mutating func take(_ line: OurLine) throws(AnswersError) {
        let subject = line.model.map { ReconcileSubject.model(matching.label(of: $0)) } ?? .noModel
        var byModel = ReconcileCounts()
        var byDay = ReconcileCounts()
        for metric in line.counts.known where side.metrics.contains(metric) {
            if side.isByModel(metric, day: line.day) {
                byModel[metric] = line.counts[metric]
            } else {
                byDay[metric] = line.counts[metric]
            }
        }
        if side.hasTools, let cost = byModel[.cost], let tools = line.toolsNanousd, tools != 0 {
            byModel[.cost] = cost &- tools
            var counts = ReconcileCounts()
            counts[.cost] = tools
            try update(line.day, .tools) { row throws(AnswersError) in try row.ours.add(counts) }
        }
        let unpriced = side.metrics.contains(.cost) ? line.unpriced : 0
        try update(line.day, subject) { row throws(AnswersError) in
            try row.ours.add(byModel)
            row.absent += line.absent
            row.partial += line.partial
            row.unpriced += unpriced
        }
        guard !byDay.known.isEmpty else { return }
        try update(line.day, .everyModel) { row throws(AnswersError) in try row.ours.add(byDay) }
    }

    private mutating func take(_ line: ExportLine) throws(AnswersError) {
        let subject: ReconcileSubject =
            switch line.subject {
            case .model(let name): .model(matching.label(of: name))
            case .everyModel: .everyModel
            case .tools: .tools
            }
        let kind: ReconcileRow.Kind = line.isBatch ? .batch : .day
        try update(line.day, subject, kind) { row throws(AnswersError) in try row.theirs.add(line.counts) }
    }

    private mutating func update(
        _ day: Int64, _ subject: ReconcileSubject, _ kind: ReconcileRow.Kind = .day,
        _ change: (inout ReconcileRow) throws(AnswersError) -> Void
    ) throws(AnswersError) {
        let key = RowKey(day: day, subject: subject, kind: kind)
        var row = rows[key] ?? ReconcileRow(kind: kind, day: day, subject: subject)
        try change(&row)
        rows[key] = row
    }

    // MARK: Judging

    private func result() throws(AnswersError) -> ReconcileResult {
        var days = rows.values.filter { $0.kind == .day && !$0.isEmpty }.sorted(by: Reconciliation.isBefore)
        let batch = rows.values.filter { $0.kind == .batch }.sorted(by: Reconciliation.isBefore)
        let notes = side.notes + Reconciliation.leaveOutTokens(&days)
        var total = ReconcileRow(kind: .total, day: nil, subject: nil)
        for row in days {
            try total.ours.add(row.ours)
            try total.theirs.add(row.theirs)
            total.absent += row.absent
            total.partial += row.partial
            total.unpriced += row.unpriced
        }
        for i in days.indices {
            if case .model(let label) = days[i].subject { days[i].names = matching.names[label] ?? [] }
            days[i].isWithin = days[i].disagreements(tolerancePpm: options.tolerancePpm).isEmpty
        }
        total.isWithin = total.disagreements(tolerancePpm: options.tolerancePpm).isEmpty
        let hints = ReconcileHints(rows: days, batch: batch, options: options, side: side)
        for i in days.indices where !days[i].isWithin { days[i].hints = hints.hints(of: days[i]) }
        if !total.isWithin {
            let found = Set(days.flatMap(\.hints))
            total.hints = ReconcileHint.allCases.filter { found.contains($0) }
        }
        return ReconcileResult(
            rows: days, total: total, batch: batch, metrics: ReconcileMetric.allCases.filter { side.metrics.contains($0) },
            notes: notes)
    }

    /// Leaves our tokens out of the rows whose report counts requests alone, and says of which models.
    private static func leaveOutTokens(_ rows: inout [ReconcileRow]) -> [String] {
        var names: Set<String> = []
        for i in rows.indices {
            guard case .model(let name) = rows[i].subject, rows[i].leaveOutTokens() else { continue }
            names.insert(TerminalCell.shown(name))
        }
        guard !names.isEmpty else { return [] }
        return ["of \(names.sorted().joined(separator: ", ")) the reports count requests alone: our tokens are not compared"]
    }

    private static func isBefore(_ a: ReconcileRow, _ b: ReconcileRow) -> Bool {
        guard a.day == b.day else { return (a.day ?? .max) < (b.day ?? .max) }
        guard let one = a.subject, let other = b.subject else { return false }
        return one < other
    }
}
