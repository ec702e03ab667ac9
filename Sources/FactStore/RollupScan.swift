// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import Foundation
import GRDB
package import Histograms

/// What the exchanges of one dimension did in one hour or day.
package struct RollupCell {
    /// The dictionary number of the dimension.
    package let dimension: Int64
    /// When the period begins, as `start` counts.
    package let begin: Int64
    /// How many exchanges.
    package let exchanges: Int64
    private let row: Row

    /// - Parameter row: of dimension, period, exchanges, durations and times to first token; read as long as it lasts.
    init(_ row: Row) {
        dimension = row.integer(at: 0) ?? 0
        begin = row.integer(at: 1) ?? 0
        exchanges = row.integer(at: 2) ?? 0
        self.row = row
    }

    /// Adds the durations of its exchanges to a histogram.
    ///
    /// - Throws: `DatabaseError` where the file is damaged.
    package func addDurations(to histogram: inout Histogram) throws { try add(3, to: &histogram) }

    /// Adds the times to first token of its exchanges to a histogram.
    ///
    /// - Throws: `DatabaseError` where the file is damaged.
    package func addTTFTs(to histogram: inout Histogram) throws { try add(4, to: &histogram) }

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

    /// Gives a range as days and hours that are rolled up, and as what is not.
    ///
    /// - Parameters:
    ///   - range: of `start`; each exchange in it is in one cell or one gap.
    ///   - usesDays: whether days are given whole where they are; else hours alone.
    ///   - cell: takes a cell, valid while it runs.
    ///   - gap: takes the range of exchanges that have to be looked at themselves.
    /// - Throws: `FactStoreError`, or what the bodies throw.
    package func rollups(
        _ range: Range<Int64>, usesDays: Bool, cell: (RollupCell) throws -> Void, gap: (Range<Int64>) throws -> Void
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
        let days = usesDays ? try periods("day", Coverage.dayUs, inside: whole) : []
        let dayBegins = Set(days)
        let hours = try periods("hour", Coverage.hourUs, inside: whole)
            .filter { !dayBegins.contains(Coverage.begin(of: $0, every: Coverage.dayUs)) }
        try give("day", dayBegins, cell)
        try give("hour", Set(hours), cell)
        var from = asked.lowerBound
        let covered = (days.map { $0..<$0 + Coverage.dayUs } + hours.map { $0..<$0 + Coverage.hourUs })
            .sorted { $0.lowerBound < $1.lowerBound }
        for period in covered {
            if from < period.lowerBound { try gap(from..<period.lowerBound) }
            from = max(from, period.upperBound)
        }
        if from < asked.upperBound { try gap(from..<asked.upperBound) }
    }

    /// The begins of periods that are rolled up and lie inside a range, in order.
    private func periods(_ unit: String, _ us: Int64, inside range: Range<Int64>) throws -> [Int64] {
        let sql = "SELECT \(unit) FROM rolled_\(unit) WHERE exchanges >= 0 AND \(unit) >= ? AND \(unit) <= ? ORDER BY \(unit)"
        let most = range.upperBound == Int64.max ? range.upperBound : range.upperBound &- us
        guard most >= range.lowerBound else { return [] }
        return try Int64.fetchAll(db, sql: sql, arguments: [range.lowerBound, most])
    }

    private func give(_ unit: String, _ begins: Set<Int64>, _ cell: (RollupCell) throws -> Void) throws {
        guard let first = begins.min(), let last = begins.max() else { return }
        let cursor = try Row.fetchCursor(
            db, sql: "SELECT dimension_id, \(unit), exchanges, duration, ttft FROM rollup_\(unit) WHERE \(unit) BETWEEN ? AND ?",
            arguments: [first, last])
        while let row = try cursor.next() {
            guard let begin = row.integer(at: 1), begins.contains(begin) else { continue }
            try cell(RollupCell(row))
        }
    }
}
