// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactStore
import Histograms

/// Answers `tail-latency` from hours, days and weeks that are rolled up, and from columns where there is none.
///
/// Percentiles are at most 0.4 % away from the exact ones, all else is exact.
struct RollupFold {
    private struct Group {
        var exchanges: Int64 = 0
        var duration = Histogram()
        var ttft = Histogram()
    }

    private var groups: ColumnGroups
    private var found: [Group] = []

    /// The answer; nil where rollups do not tell it: metadata asked for that is not declared, or too many groups.
    ///
    /// - Parameters:
    ///   - columns: the names of the question's columns.
    ///   - filter: which exchanges.
    ///   - options: how it is put.
    ///   - store: the index.
    /// - Returns: the rows, in the order of the SQL.
    /// - Throws: `FactStoreError`, `HistogramError` where the index is damaged.
    static func answer(
        _ columns: [String], _ filter: FactFilter, _ options: AnswerOptions, _ store: FactStore
    ) throws -> QueryResult? {
        let by = options.by ?? "model"
        let asked = Set(filter.metadata.map(\.name) + (by.hasPrefix("meta.") ? [String(by.dropFirst(5))] : []))
        let rows = try store.readColumns { reader -> [[SQLValue]]? in
            guard try asked.isSubset(of: reader.declaredKeys()) else { return nil }
            guard let groups = try ColumnGroups(by: by, filter: filter, reader: reader) else { return nil }
            var fold = RollupFold(groups: groups)
            guard try fold.read(filter, reader) else { return nil }
            return fold.rows(LatencyFold.perMille(options))
        }
        return rows.map { QueryResult(columns: columns, rows: $0) }
    }

    private init(groups: ColumnGroups) { self.groups = groups }

    private mutating func read(_ filter: FactFilter, _ reader: ColumnReader) throws -> Bool {
        let dimensions = try reader.dimensions().filter { filter.passesDimensions(of: $0.value) }
        let declared = try reader.declaredSets()
        var isPossible = true
        try reader.rollups(groups.range, .times, coarsest: groups.coarsest) { cell in
            let metadata = declared[cell.declared] ?? []
            guard isPossible, let fact = dimensions[cell.dimension], filter.passesMetadata(metadata) else { return }
            guard let group = groups.group(of: fact, metadata: metadata, begin: cell.begin) else {
                isPossible = false
                return
            }
            grow()
            found[Int(group)].exchanges += cell.exchanges
            try cell.addDurations(to: &found[Int(group)].duration)
            try cell.addTTFTs(to: &found[Int(group)].ttft)
        } gap: { range in
            guard isPossible, try groups.prepare(reader) else {
                isPossible = false
                return
            }
            try reader.scan(groups.columns, measures: [.duration, .ttft], range: range, group: groups.group) { page in
                isPossible = isPossible && groups.assign(page, in: range)
                return isPossible ? groups.assigned : []
            } _: { page in
                grow()
                try add(page.column(.duration), page.column(.ttft))
            }
        }
        return isPossible
    }

    private mutating func grow() {
        while found.count < groups.names.count { found.append(Group()) }
    }

    private mutating func add(_ durations: UnsafeBufferPointer<Int64>, _ ttfts: UnsafeBufferPointer<Int64>) throws {
        let null = ColumnPage.null
        for i in 0..<durations.count where groups.assigned[i] >= 0 {
            let group = Int(groups.assigned[i])
            found[group].exchanges += 1
            if durations[i] != null { try found[group].duration.record(durations[i]) }
            if ttfts[i] != null { try found[group].ttft.record(ttfts[i]) }
        }
    }

    private func rows(_ perMille: [Int64]) -> [[SQLValue]] {
        zip(groups.names, found).filter { $0.1.exchanges > 0 }.map { name, group in
            func values(_ histogram: Histogram) -> [SQLValue] {
                perMille.map { SQLValue(histogram.percentile(permille: Int($0))) }
            }
            return [SQLValue(name), .integer(group.exchanges)] + values(group.duration)
                + [.integer(Int64(clamping: group.ttft.count))] + values(group.ttft)
        }.sorted(by: ColumnGroups.precedes)
    }
}
