// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactStore
import Histograms

/// Answers `tail-latency` from columns: the rows that its SQL gives, without looking at more than the columns it needs.
///
/// One scan counts each group's times by the buckets of `HistogramScale`, which tells in which bucket each percentile lies; a second
/// one, where the values were too many to be kept, takes those of these buckets alone: the answer is exact, and memory grows with
/// groups, not with exchanges.
struct LatencyFold {
    private static let metrics: [ChunkColumn] = [.duration, .ttft]
    /// The percentiles that the question takes where none are given.
    private static let usual: [Int64] = [500, 750, 900, 990]

    private var groups: ColumnGroups
    private let perMille: [Int64]
    /// By group, metric and bucket.
    private var counts: [UInt32] = []
    /// By group.
    private var exchanges: [Int64] = []
    /// Of the values of a page.
    private var buckets: [Int32] = []
    /// The values themselves by group and metric as long as they are few, so that one scan is enough; nil once they are many.
    private var kept: [[Int64]]? = []
    private var keptCount = 0
    private let keptMost: Int

    private static var cellsAGroup: Int { metrics.count * HistogramScale.bucketCount }

    /// The answer; nil where the question has too many groups to be answered so.
    ///
    /// - Parameters:
    ///   - columns: the names of the question's columns.
    ///   - filter: which exchanges.
    ///   - options: how it is put.
    ///   - store: the index.
    ///   - keptMost: so many values are kept, that a second scan need not look for them; 8 bytes each.
    /// - Returns: the rows, in the order of the SQL.
    /// - Throws: `FactStoreError`.
    static func answer(
        _ columns: [String], _ filter: FactFilter, _ options: AnswerOptions, _ store: FactStore, keptMost: Int = 1 << 20
    ) throws -> QueryResult? {
        let perMille = perMille(options)
        let rows = try store.readColumns { reader -> [[SQLValue]]? in
            guard var groups = try ColumnGroups(by: options.by ?? "model", filter: filter, reader: reader),
                try groups.prepare(reader)
            else { return nil }
            var fold = LatencyFold(groups: groups, perMille: perMille, keptMost: keptMost)
            guard try fold.count(reader) else { return nil }
            return try fold.rows(reader)
        }
        return rows.map { QueryResult(columns: columns, rows: $0) }
    }

    /// The four percentiles, in per-mille.
    static func perMille(_ options: AnswerOptions) -> [Int64] {
        let given = options.percentiles ?? AnswerOptions.usualPercentiles
        return usual.enumerated().map { $0 < given.count ? given[$0].perMille : $1 }
    }

    private init(groups: ColumnGroups, perMille: [Int64], keptMost: Int) {
        self.groups = groups
        self.keptMost = keptMost
        self.perMille = perMille
    }

    /// The first scan; false where there are too many groups.
    private mutating func count(_ reader: ColumnReader) throws -> Bool {
        var isPossible = true
        try reader.scan(groups.columns, measures: LatencyFold.metrics, range: groups.range, group: groups.group) { page in
            isPossible = isPossible && groups.assign(page)
            return isPossible ? groups.assigned : []
        } _: { page in
            grow()
            exchanges.withUnsafeMutableBufferPointer { exchanges in
                groups.assigned.withUnsafeBufferPointer { assigned in
                    for group in assigned where group >= 0 { exchanges[Int(group)] += 1 }
                }
            }
            for (m, metric) in LatencyFold.metrics.enumerated() {
                count(page.column(metric), m)
                keep(page.column(metric), m)
            }
        }
        grow()
        return isPossible
    }

    /// Makes room for the groups that are new; there may be some without an exchange.
    private mutating func grow() {
        let missing = groups.names.count - exchanges.count
        exchanges += [Int64](repeating: 0, count: missing)
        counts += [UInt32](repeating: 0, count: missing * LatencyFold.cellsAGroup)
        kept?.append(contentsOf: [[Int64]](repeating: [], count: missing * LatencyFold.metrics.count))
    }

    private mutating func count(_ values: UnsafeBufferPointer<Int64>, _ metric: Int) {
        let (groupCells, first) = (LatencyFold.cellsAGroup, metric * HistogramScale.bucketCount)
        readBuckets(values)
        counts.withUnsafeMutableBufferPointer { counts in
            groups.assigned.withUnsafeBufferPointer { assigned in
                buckets.withUnsafeBufferPointer { buckets in
                    for i in 0..<values.count where buckets[i] >= 0 {
                        counts[Int(assigned[i]) &* groupCells &+ first &+ Int(buckets[i])] &+= 1
                    }
                }
            }
        }
    }

    /// Keeps the page's values, where they are few.
    private mutating func keep(_ values: UnsafeBufferPointer<Int64>, _ metric: Int) {
        guard var kept = kept.take() else { return }
        for i in 0..<values.count where buckets[i] >= 0 {
            kept[Int(groups.assigned[i]) * LatencyFold.metrics.count + metric].append(values[i])
            keptCount += 1
        }
        if keptCount <= keptMost { self.kept = kept }
    }

    /// The buckets of the page's values.
    private mutating func readBuckets(_ values: UnsafeBufferPointer<Int64>) {
        if buckets.count < values.count { buckets = [Int32](repeating: -1, count: values.count) }
        groups.assigned.withUnsafeBufferPointer { assigned in
            buckets.withUnsafeMutableBufferPointer {
                HistogramScale.indices(of: values, null: ColumnPage.null, where: assigned, into: $0)
            }
        }
    }

    /// Where one percentile of one group lies.
    private struct Place {
        var cell: Int
        /// The rank within the bucket, from 1.
        var rank: Int
    }

    private func place(_ group: Int, _ metric: Int, _ perMille: Int64) -> Place? {
        let first = group * LatencyFold.cellsAGroup + metric * HistogramScale.bucketCount
        let cells = first..<first + HistogramScale.bucketCount
        let total = counts[cells].reduce(0) { $0 + Int($1) }
        guard total > 0 else { return nil }
        var rank = max(1, (Int(perMille) * total + 999) / 1_000)
        for cell in cells {
            if rank <= Int(counts[cell]) { return Place(cell: cell, rank: rank) }
            rank -= Int(counts[cell])
        }
        return nil
    }

    /// The second look at the values, and the rows.
    private mutating func rows(_ reader: ColumnReader) throws -> [[SQLValue]] {
        let places = groups.names.indices.map { group in
            LatencyFold.metrics.indices.map { metric in perMille.map { place(group, metric, $0) } }
        }
        var slots = [Int32](repeating: -1, count: counts.count)
        var values: [ValueCounts] = []
        for place in places.joined().joined().compactMap(\.self) where slots[place.cell] < 0 {
            slots[place.cell] = Int32(values.count)
            values.append(ValueCounts(bucket: place.cell % HistogramScale.bucketCount, others: values.count))
        }
        if let kept {
            for (column, place) in zip(kept, stride(from: 0, to: slots.count, by: HistogramScale.bucketCount)) {
                for value in column {
                    let slot = slots[place + HistogramScale.index(of: value)]
                    if slot >= 0 { values[Int(slot)].add(value) }
                }
            }
        } else {
            try reader.scan(groups.columns, measures: LatencyFold.metrics, range: groups.range, group: groups.group) { page in
                groups.assign(page) ? groups.assigned : []
            } _: { page in
                for (m, metric) in LatencyFold.metrics.enumerated() { collect(page.column(metric), m, slots, &values) }
            }
        }
        func value(_ place: Place?) -> SQLValue {
            guard let place else { return .null }
            var rank = place.rank
            for (value, count) in values[Int(slots[place.cell])].sorted {
                if rank <= count { return .integer(value) }
                rank -= count
            }
            return .null
        }
        return groups.names.indices.filter { exchanges[$0] > 0 }.map { group in
            let ttft = group * LatencyFold.cellsAGroup + HistogramScale.bucketCount
            let streams = counts[ttft..<ttft + HistogramScale.bucketCount].reduce(0) { $0 + Int64($1) }
            return [SQLValue(groups.names[group]), .integer(exchanges[group])] + places[group][0].map(value) + [.integer(streams)]
                + places[group][1].map(value)
        }.sorted(by: ColumnGroups.precedes)
    }

    private mutating func collect(
        _ column: UnsafeBufferPointer<Int64>, _ metric: Int, _ slots: [Int32], _ values: inout [ValueCounts]
    ) {
        let (groupCells, first) = (LatencyFold.cellsAGroup, metric * HistogramScale.bucketCount)
        readBuckets(column)
        slots.withUnsafeBufferPointer { slots in
            groups.assigned.withUnsafeBufferPointer { assigned in
                buckets.withUnsafeBufferPointer { buckets in
                    for i in 0..<column.count where buckets[i] >= 0 {
                        let slot = slots[Int(assigned[i]) &* groupCells &+ first &+ Int(buckets[i])]
                        if slot >= 0 { values[Int(slot)].add(column[i]) }
                    }
                }
            }
        }
    }
}

/// How often each value of one bucket was met.
private struct ValueCounts {
    /// Most values of a bucket that has a counter for each, and most buckets that have: 64 MB together.
    private static let mostValues = 1 << 14
    private static let mostBuckets = 1_024

    private let low: Int64
    /// By value less `low`; empty where the bucket is wide.
    private var dense: [UInt32]
    private var sparse: [Int64: Int] = [:]

    init(bucket: Int, others: Int) {
        let bounds = HistogramScale.bounds(of: bucket) ?? 0...0
        low = bounds.lowerBound
        let isDense = others < ValueCounts.mostBuckets && bounds.count <= ValueCounts.mostValues
        dense = isDense ? [UInt32](repeating: 0, count: bounds.count) : []
    }

    @inline(__always)
    mutating func add(_ value: Int64) {
        let place = value &- low
        // The first and the last bucket also hold what lies beyond the scale.
        if place >= 0, place < dense.count {
            dense[Int(place)] &+= 1
        } else {
            sparse[value, default: 0] += 1
        }
    }

    /// Values with how often they were met, the lowest first.
    var sorted: [(value: Int64, count: Int)] {
        let counted = dense.enumerated().filter { $0.element > 0 }.map { (value: low + Int64($0.offset), count: Int($0.element)) }
        return (counted + sparse.map { (value: $0.key, count: $0.value) }).sorted { $0.value < $1.value }
    }
}
