// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import Foundation
import GRDB
package import Histograms

/// What the exchanges of one dimension did in one hour, day or week.
package struct RollupCell {
    /// The dictionary number of the dimension.
    package let dimension: Int64
    /// The dictionary number of what was declared of its metadata; 0 where it had nothing of it.
    package let declared: Int64
    /// When the period begins, as `start` counts.
    package let begin: Int64
    /// How many exchanges.
    package let exchanges: Int64
    private let row: Row

    /// What of a cell is read.
    package enum Part {
        /// The histograms.
        case times
        /// The sums.
        case sums
    }

    /// The columns whose sums a cell gives.
    package static let summed: [ChunkColumn] = [
        .requestBytes, .responseBytes, .inputTotal, .inputCached, .cacheWrite, .outputTotal, .outputReasoning, .cost,
        .reportedCost,
    ]

    private static let keyCount = 4
    private static let counts = ["usage_partial", "usage_absent", "unpriced"]

    /// The columns of the row that a cell is made of.
    static func columns(_ unit: RollupUnit, _ part: Part) -> String {
        let own = part == .times ? ["duration", "ttft"] : counts + summed.map(\.rawValue)
        return (["dimension_id", "declared_id", unit.rawValue, "exchanges"] + own).joined(separator: ", ")
    }

    /// - Parameter row: of `columns`; read as long as it lasts.
    init(_ row: Row) {
        dimension = row.integer(at: 0) ?? 0
        declared = row.integer(at: 1) ?? 0
        begin = row.integer(at: 2) ?? 0
        exchanges = row.integer(at: 3) ?? 0
        self.row = row
    }

    /// Whether its counts are some that can be added up: no file holds 2^40 exchanges, nor 2^20 cells with so many.
    fileprivate func isCountable(_ part: Part) -> Bool {
        let own = part == .times ? [] : [usagePartial, usageAbsent, unpriced]
        return (own + [exchanges]).allSatisfy { (0...1 << 40).contains($0) }
    }

    var key: RollupKey { RollupKey(dimension: dimension, declared: declared) }

    /// How many reported a part of their usage; of a cell that was read for its sums.
    package var usagePartial: Int64 { row.integer(at: RollupCell.keyCount) ?? 0 }
    /// How many reported no usage.
    package var usageAbsent: Int64 { row.integer(at: RollupCell.keyCount + 1) ?? 0 }
    /// How many have usage and no cost.
    package var unpriced: Int64 { row.integer(at: RollupCell.keyCount + 2) ?? 0 }
    /// The sums of `summed`; nil where no exchange has the column.
    package var sums: [Int64?] {
        RollupCell.summed.indices.map { row.integer(at: RollupCell.keyCount + RollupCell.counts.count + $0) }
    }

    /// Adds the durations of its exchanges to a histogram.
    ///
    /// - Throws: `DatabaseError` where the file is damaged.
    package func addDurations(to histogram: inout Histogram) throws { try add(4, to: &histogram) }

    /// Adds the times to first token of its exchanges to a histogram.
    ///
    /// - Throws: `DatabaseError` where the file is damaged.
    package func addTTFTs(to histogram: inout Histogram) throws { try add(5, to: &histogram) }

    private func add(_ column: Int, to histogram: inout Histogram) throws {
        do {
            try row.withUnsafeData(atIndex: column) { data in
                if let data { try unsafe data.withUnsafeBytes { raw in try unsafe histogram.add(blob: raw) } }
            }
        } catch let error as HistogramError {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a rollup holds no histogram: \(error.message)")
        }
    }
}

extension ColumnReader {
    /// What each dimension's number stands for: a fact of it with its dimensions and nothing else.
    ///
    /// - Throws: `FactStoreError`.
    package func dimensions() throws -> [Int64: ExchangeFact] {
        let names = FactColumns.dimension.map(\.name).joined(separator: ", ")
        var found: [Int64: ExchangeFact] = [:]
        let cursor = try Row.fetchCursor(db, sql: "SELECT \(names), dimension_id FROM dimension")
        while let row = try cursor.next()?.values {
            guard let id = row.last?.integer else { continue }
            found[id] = FactShape.fact(dimension: row.dropLast())
        }
        return found
    }

    /// The metadata keys that rollups are told apart by.
    ///
    /// - Throws: `FactStoreError`.
    package func declaredKeys() throws -> [String] { try DeclaredSets.keys(in: db) }

    /// What each number of declared metadata stands for.
    ///
    /// - Returns: names and values by number; what has nothing of the keys is not among them.
    /// - Throws: `FactStoreError`.
    package func declaredSets() throws -> [Int64: [(name: String, value: String)]] {
        var found: [Int64: [(name: String, value: String)]] = [:]
        let cursor = try Row.fetchCursor(db, sql: "SELECT declared_id, object FROM declared")
        while let row = try cursor.next()?.values {
            if let id = row[0].integer { found[id] = FactRows.metadata(row[1].text) }
        }
        return found
    }

    /// Gives a range as periods that are rolled up, the longest where they are whole, and as what is not.
    ///
    /// - Parameters:
    ///   - range: of `start`; each exchange in it is in one cell or one gap.
    ///   - part: what of the cells is read.
    ///   - coarsest: the unit whose periods are the longest that are given.
    ///   - cell: takes a cell, valid while it runs.
    ///   - gap: takes the range of exchanges that have to be looked at themselves.
    /// - Throws: `FactStoreError`, or what the bodies throw.
    package func rollups(
        _ range: Range<Int64>, _ part: RollupCell.Part, coarsest: RollupUnit, cell: (RollupCell) throws -> Void,
        gap: (Range<Int64>) throws -> Void
    ) throws {
        guard let first = try Int64.fetchOne(db, sql: "SELECT min(start) FROM fact"),
            let last = try Int64.fetchOne(db, sql: "SELECT max(start) FROM fact")
        else { return }
        let (end, isOver) = last.addingReportingOverflow(1)
        guard !isOver else { return try gap(range) }
        let asked = max(range.lowerBound, first)..<max(range.lowerBound, first, min(range.upperBound, end))
        // A period counts as whole where all of its exchanges are asked for.
        let whole =
            (range.lowerBound <= first ? Int64.min : asked.lowerBound)..<(range.upperBound >= end ? Int64.max : asked.upperBound)
        var given: [RollupUnit: Set<Int64>] = [:]
        for unit in RollupUnit.allCases.reversed() where unit <= coarsest {
            let runs = try periods(unit, inside: whole).split { begin in given.contains { $1.contains($0.begin(of: begin)) } }
            for run in runs { try give(unit, run, part, cell) }
            given[unit] = Set(runs.joined())
        }
        var from = asked.lowerBound
        let covered = given.flatMap { unit, begins in begins.map { $0..<$0 + unit.lengthUs } }
            .sorted { $0.lowerBound < $1.lowerBound }
        for period in covered {
            if from < period.lowerBound { try gap(from..<period.lowerBound) }
            from = max(from, period.upperBound)
        }
        if from < asked.upperBound { try gap(from..<asked.upperBound) }
    }

    /// The begins of periods that are rolled up and lie inside a range, in order.
    private func periods(_ unit: RollupUnit, inside range: Range<Int64>) throws -> [Int64] {
        let sql = "SELECT \(unit) FROM rolled_\(unit) WHERE exchanges >= 0 AND \(unit) >= ? AND \(unit) <= ? ORDER BY \(unit)"
        let most = range.upperBound == Int64.max ? range.upperBound : range.upperBound &- unit.lengthUs
        guard most >= range.lowerBound else { return [] }
        return try Int64.fetchAll(db, sql: sql, arguments: [range.lowerBound, most]).map { begin in
            guard begin == unit.begin(of: begin), begin <= Int64.max - unit.lengthUs else { throw ColumnReader.damaged }
            return begin
        }
    }

    /// Gives the cells of periods between which no other is rolled up: what is not rolled up has no cells.
    private func give(
        _ unit: RollupUnit, _ run: ArraySlice<Int64>, _ part: RollupCell.Part, _ cell: (RollupCell) throws -> Void
    ) throws {
        let sql = "SELECT \(RollupCell.columns(unit, part)) FROM rollup_\(unit) WHERE \(unit) BETWEEN ? AND ?"
        let cursor = try Row.fetchCursor(try db.cachedStatement(sql: sql), arguments: [run.first, run.last])
        while let row = try cursor.next() {
            let read = RollupCell(row)
            guard read.isCountable(part) else { throw ColumnReader.damaged }
            try cell(read)
        }
    }
}
