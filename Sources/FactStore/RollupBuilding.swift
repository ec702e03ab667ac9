// SPDX-License-Identifier: Apache-2.0
import GRDB
import Histograms

/// Rolls hours and days up, within somebody's transaction.
struct RollupBuilding {
    let db: Database

    init(_ db: Database) { self.db = db }

    /// The columns of a rollup that are sums, with what is summed over the rows.
    static let sums: [(name: String, sql: String)] =
        [
            ("exchanges", "count(*)"), ("streams", "sum(response_stream)"), ("unpriced", "sum(cost_total_nanousd IS NULL)"),
            ("usage_absent", "sum(usage_source = 'absent')"), ("request_body_bytes", "sum(request_body_bytes)"),
            ("response_body_bytes", "sum(response_body_bytes)"),
        ] + (FactColumns.usageNames + FactColumns.costNames).map { ($0, "sum(\($0))") }

    private static let sumNames = sums.map(\.name).joined(separator: ", ")

    /// Rolls up the hours that are marked, and those behind the last one.
    ///
    /// - Parameters:
    ///   - horizon: hours that end later are left.
    ///   - limit: at most so many.
    /// - Returns: hours rolled up.
    /// - Throws: `DatabaseError`.
    func buildHours(before horizon: Int64, limit: Int) throws -> Int {
        let hours = try due("hour", every: Coverage.hourUs, before: horizon, limit: limit)
        for hour in hours { try build("hour", hour) { try buildHour(hour) } }
        return hours.count
    }

    /// Rolls up the days all of whose hours are rolled up.
    func buildDays(before horizon: Int64, limit: Int) throws -> Int {
        let days = try due("day", every: Coverage.dayUs, before: horizon, limit: limit)
        for day in days { try build("day", day) { try buildDay(day) } }
        return days.count
    }

    /// What is to be rolled up: what is marked, and what has facts behind the last that is known.
    private func due(_ unit: String, every us: Int64, before horizon: Int64, limit: Int) throws -> [Int64] {
        let marked = "SELECT \(unit) FROM rolled_\(unit) WHERE exchanges IS NULL AND \(unit) <= ? ORDER BY \(unit) LIMIT ?"
        var found = try Int64.fetchAll(
            try db.cachedStatement(sql: marked), arguments: [horizon &- us, Int64(limit)])
        let last = try Int64.fetchOne(try db.cachedStatement(sql: "SELECT max(\(unit)) FROM rolled_\(unit)"))
        var from = last.map { $0 + us } ?? Int64.min
        let next = try db.cachedStatement(sql: "SELECT min(start) FROM fact WHERE start >= ?")
        while found.count < limit, let start = try Int64.fetchOne(next, arguments: [from]) {
            let begin = Coverage.begin(of: start, every: us)
            guard begin <= horizon &- us else { break }
            found.append(begin)
            from = begin + us
        }
        return found
    }

    /// Builds one period; where its sums do not fit 64 bits it is marked so, and stays rows until one of them changes.
    private func build(_ unit: String, _ begin: Int64, _ body: () throws -> Void) throws {
        do {
            try db.inSavepoint {
                try body()
                return .commit
            }
        } catch let error as DatabaseError where error.message == "integer overflow" {
            try mark(unit, begin, exchanges: RollupBuilding.impossible)
        }
    }

    /// The `exchanges` of a period whose sums do not fit.
    static let impossible: Int64 = -1

    private func mark(_ unit: String, _ begin: Int64, exchanges: Int64) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO rolled_\(unit) VALUES (?, ?)").execute(arguments: [begin, exchanges])
    }

    private func buildHour(_ hour: Int64) throws {
        let end = hour + Coverage.hourUs
        try db.cachedStatement(sql: "DELETE FROM rollup_hour WHERE hour = ?").execute(arguments: [hour])
        let sql = """
            INSERT INTO rollup_hour (hour, dimension_id, \(RollupBuilding.sumNames))
            SELECT ?, dimension_id, \(RollupBuilding.sums.map(\.sql).joined(separator: ", "))
            FROM fact_entry WHERE start >= ? AND start < ? GROUP BY dimension_id
            """
        try db.cachedStatement(sql: sql).execute(arguments: [hour, hour, end])
        var cells: [Int64: Cell] = [:]
        let times = """
            SELECT shape.dimension_id, fact.ended_us, fact.ttft_us FROM fact CROSS JOIN shape USING (shape_id)
            WHERE fact.start >= ? AND fact.start < ?
            """
        let cursor = try Row.fetchCursor(try db.cachedStatement(sql: times), arguments: [hour, end])
        while let row = try cursor.next() {
            let dimension = row.integer(at: 0) ?? 0
            if let duration = row.integer(at: 1) { try cells[dimension, default: Cell()].duration.record(duration) }
            if let ttft = row.integer(at: 2) { try cells[dimension, default: Cell()].ttft.record(ttft) }
        }
        try store(cells, unit: "hour", begin: hour)
    }

    private func buildDay(_ day: Int64) throws {
        let end = day + Coverage.dayUs
        let least = try Int64.fetchOne(
            try db.cachedStatement(sql: "SELECT min(coalesce(exchanges, -1)) FROM rolled_hour WHERE hour >= ? AND hour < ?"),
            arguments: [day, end])
        guard let least, least >= 0 else { return try mark("day", day, exchanges: RollupBuilding.impossible) }
        try db.cachedStatement(sql: "DELETE FROM rollup_day WHERE day = ?").execute(arguments: [day])
        let sums = RollupBuilding.sums.map { "sum(\($0.name))" }.joined(separator: ", ")
        let sql = """
            INSERT INTO rollup_day (day, dimension_id, \(RollupBuilding.sumNames))
            SELECT ?, dimension_id, \(sums) FROM rollup_hour WHERE hour >= ? AND hour < ? GROUP BY dimension_id
            """
        try db.cachedStatement(sql: sql).execute(arguments: [day, day, end])
        var cells: [Int64: Cell] = [:]
        let cursor = try Row.fetchCursor(
            try db.cachedStatement(
                sql: "SELECT dimension_id, hour, exchanges, duration, ttft FROM rollup_hour WHERE hour >= ? AND hour < ?"),
            arguments: [day, end])
        while let row = try cursor.next() {
            let hour = RollupCell(row)
            try hour.addDurations(to: &cells[hour.dimension, default: Cell()].duration)
            try hour.addTTFTs(to: &cells[hour.dimension, default: Cell()].ttft)
        }
        try store(cells, unit: "day", begin: day)
    }

    /// The times of one dimension in one period.
    private struct Cell {
        var duration = Histogram()
        var ttft = Histogram()
    }

    private func store(_ cells: [Int64: Cell], unit: String, begin: Int64) throws {
        let update = try db.cachedStatement(
            sql: "UPDATE rollup_\(unit) SET duration = ?, ttft = ? WHERE \(unit) = ? AND dimension_id = ?")
        for (dimension, cell) in cells {
            try update.execute(arguments: [
                blob(cell.duration).databaseValue, blob(cell.ttft).databaseValue, begin, dimension,
            ])
        }
        let sum = try Int64.fetchOne(
            try db.cachedStatement(sql: "SELECT sum(exchanges) FROM rollup_\(unit) WHERE \(unit) = ?"), arguments: [begin])
        try mark(unit, begin, exchanges: sum ?? 0)
    }

    private func blob(_ histogram: Histogram) -> SQLValue { histogram.count == 0 ? .null : .blob(histogram.blob) }
}
