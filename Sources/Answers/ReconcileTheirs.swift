// SPDX-License-Identifier: Apache-2.0

/// The provider's side of a comparison: the lines of all exports that are within it, and at which grain they hold what.
struct TheirSide {
    /// The lines within the period and the filters.
    private(set) var lines: [ExportLine] = []
    /// The metrics that some export holds.
    private(set) var metrics: Set<ReconcileMetric> = []
    /// Whether some export bills tools apart from models.
    private(set) var hasTools = false
    /// The days that the exports report on.
    private(set) var days: Set<Int64> = []
    /// Whether the lines are of several keys or projects, and none was chosen.
    private(set) var hasSeveralKeys = false
    /// What was left out, in a person's words.
    private(set) var notes: [String] = []
    private var grains: [Cell: Grain] = [:]
    private var usual: [ReconcileMetric: Grain] = [:]

    private enum Grain { case model, day }

    private struct Cell: Hashable {
        let day: Int64
        let metric: ReconcileMetric
    }

    init(_ exports: [ProviderExport], _ options: ReconcileOptions) throws(AnswersError) {
        var outside = 0
        var isDivided = false
        for export in exports {
            days.formUnion(export.days)
            for (what, count) in export.leftOut.sorted(by: { $0.key < $1.key }) {
                notes.append("\(count) times \(TerminalCell.shown(what)): not compared")
            }
            guard let kept = chosen(export, options) else { continue }
            isDivided = true
            let inside = kept.filter { options.days.contains($0.day) }
            // A report without a line says that nothing of what it is about was used.
            if !inside.contains(where: { !$0.isBatch && !$0.counts.known.isEmpty }) {
                metrics.formUnion(export.leastMetrics)
            }
            outside += kept.count - inside.count
            lines += inside
        }
        guard isDivided || exports.isEmpty else {
            throw AnswersError(
                code: .badComparison,
                message: "no report is divided by the keys or projects that were asked for: nothing can be compared")
        }
        guard lines.count <= ReconcileLimits.lines else {
            throw AnswersError(code: .badComparison, message: "more than \(ReconcileLimits.lines) lines; compare fewer days")
        }
        let unknown = exports.count { !$0.isKindKnown }
        if unknown > 0 {
            notes.append("\(unknown) of \(exports.count) reports hold no result: taken for usage and costs, with none used")
        }
        if outside > 0 { notes.append("\(outside) lines of the export lie outside these days") }
        try sort()
    }

    /// The lines of the keys and projects that were asked for; nil where the export is not divided by them.
    private mutating func chosen(_ export: ProviderExport, _ options: ReconcileOptions) -> [ExportLine]? {
        let filters: [(wanted: Set<String>, path: KeyPath<ExportLine, String?>, word: String)] = [
            (options.keys, \.keyID, "API key"), (options.projects, \.projectID, "project"),
        ]
        var kept = export.lines
        for filter in filters where !filter.wanted.isEmpty {
            guard export.lines.isEmpty || export.lines.contains(where: { $0[keyPath: filter.path] != nil }) else {
                notes.append("\(export.format.rawValue) is not divided by \(filter.word): left out")
                return nil
            }
            kept = kept.filter { line in line[keyPath: filter.path].map { filter.wanted.contains($0) } ?? false }
        }
        return kept
    }

    private mutating func sort() throws(AnswersError) {
        for line in lines where !line.isBatch {
            let grain: Grain = line.subject == .everyModel ? .day : .model
            if line.subject == .tools { hasTools = true }
            for metric in line.counts.known {
                metrics.insert(metric)
                let cell = Cell(day: line.day, metric: metric)
                guard grains[cell] ?? grain == grain else {
                    throw AnswersError(
                        code: .badComparison,
                        message: """
                            the exports hold \(metric.key) of \(ExportDay.text(line.day)) once by model and once for all models, which would \
                            count it twice; give one of the two
                            """)
                }
                grains[cell] = grain
                if usual[metric] != .model { usual[metric] = grain }
            }
        }
        hasSeveralKeys = Set(lines.compactMap(\.keyID)).count > 1 || Set(lines.compactMap(\.projectID)).count > 1
    }

    /// Whether the exports hold a metric of a day by model; for a day of which they hold nothing, as they mostly do.
    func isByModel(_ metric: ReconcileMetric, day: Int64) -> Bool {
        (grains[Cell(day: day, metric: metric)] ?? usual[metric] ?? .model) == .model
    }
}
