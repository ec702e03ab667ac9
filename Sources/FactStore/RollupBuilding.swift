// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import GRDB
import Histograms

/// Rolls hours, days and weeks up, within somebody's transaction.
struct RollupBuilding {
    private let db: Database
    private let numbers: RowNumbers
    private let declared: DeclaredSets

    init(_ db: Database) throws {
        self.db = db
        numbers = RowNumbers(db)
        declared = try DeclaredSets(db)
    }

    /// The columns of the view that are summed as they are.
    static let summed = ["request_body_bytes", "response_body_bytes"] + FactColumns.usageNames + FactColumns.costNames
    /// The columns of a rollup that add up.
    static let sums = ["exchanges", "streams", "unpriced", "usage_partial", "usage_absent"] + summed

    private static let sumNames = sums.joined(separator: ", ")

    /// Rolls up the periods that are marked, and those behind the last one.
    ///
    /// A unit's turn comes when nothing is left to build of the one below.
    /// - Parameters:
    ///   - unit: whose periods.
    ///   - horizon: periods that end later are left.
    ///   - limit: at most so many.
    /// - Returns: periods rolled up.
    /// - Throws: `DatabaseError`.
    func build(_ unit: RollupUnit, before horizon: Int64, limit: Int) throws -> Int {
        let begins = try due(unit, before: horizon, limit: limit)
        for begin in begins { try build(unit, begin) }
        return begins.count
    }

    /// What is to be rolled up: what is marked, and what has facts behind the last that is known.
    private func due(_ unit: RollupUnit, before horizon: Int64, limit: Int) throws -> [Int64] {
        let us = unit.lengthUs
        let marked = "SELECT \(unit) FROM rolled_\(unit) WHERE exchanges IS NULL AND \(unit) <= ? ORDER BY \(unit) LIMIT ?"
        var found = try Int64.fetchAll(
            try db.cachedStatement(sql: marked), arguments: [horizon &- us, Int64(limit)])
        let last = try Int64.fetchOne(try db.cachedStatement(sql: "SELECT max(\(unit)) FROM rolled_\(unit)"))
        let (behind, isOver) = (last ?? 0).addingReportingOverflow(us)
        guard !isOver else { throw ColumnReader.damaged }
        var from = last == nil ? Int64.min : behind
        let next = try db.cachedStatement(sql: "SELECT min(start) FROM fact WHERE start >= ?")
        while found.count < limit, let start = try Int64.fetchOne(next, arguments: [from]) {
            let begin = unit.begin(of: start)
            guard begin <= horizon &- us else { break }
            found.append(begin)
            from = begin + us
        }
        return found
    }

    /// Builds one period; where it cannot be rolled up it is marked so, and stays what it is made from until one of that changes.
    private func build(_ unit: RollupUnit, _ begin: Int64) throws {
        do {
            // Whatever comes of it: what is not rolled up has no cells.
            try db.cachedStatement(sql: "DELETE FROM rollup_\(unit) WHERE \(unit) = ?").execute(arguments: [begin])
            try db.inSavepoint {
                let exchanges = try unit.below.map { try addUp($0, into: unit, begin) } ?? addUpRows(begin)
                try mark(unit, begin, exchanges: exchanges)
                return .commit
            }
        } catch is RollupImpossible {
            // What was made for it went with the savepoint.
            declared.forget()
            try mark(unit, begin, exchanges: RollupBuilding.impossible)
        } catch let error as DatabaseError where error.message == "integer overflow" {
            declared.forget()
            try mark(unit, begin, exchanges: RollupBuilding.impossible)
        }
    }

    /// The `exchanges` of a period that cannot be rolled up.
    static let impossible: Int64 = -1

    private func mark(_ unit: RollupUnit, _ begin: Int64, exchanges: Int64) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO rolled_\(unit) VALUES (?, ?)").execute(arguments: [begin, exchanges])
    }

    /// Adds the rows of an hour up; gives how many exchanges it has.
    private func addUpRows(_ hour: Int64) throws -> Int64 {
        var cells = RollupCells()
        try numbers.forEach(hour..<hour + RollupUnit.hour.lengthUs) { row in
            try cells.add(row, declared: declared.id(ofMetadata: row.metadata))
            return true
        }
        let insert = try BoundStatement(RollupBuilding.insertHour, in: db)
        for cell in cells.sorted {
            try insert.run([.integer(hour), .integer(cell.key.dimension), .integer(cell.key.declared)], cell.values)
        }
        return cells.exchanges
    }

    private static let insertHour: String = {
        let names = ["hour", "dimension_id", "declared_id"] + sums + ["duration", "ttft"]
        return
            "INSERT INTO rollup_hour (\(names.joined(separator: ", "))) VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))"
    }()

    /// Adds the periods of the unit below up, all of which must be rolled up; gives how many exchanges they have.
    private func addUp(_ part: RollupUnit, into unit: RollupUnit, _ begin: Int64) throws -> Int64 {
        let range = begin..<begin + unit.lengthUs
        let least = try Int64.fetchOne(
            try db.cachedStatement(
                sql: "SELECT min(coalesce(exchanges, -1)) FROM rolled_\(part) WHERE \(part) >= ? AND \(part) < ?"),
            arguments: [range.lowerBound, range.upperBound])
        guard let least, least >= 0 else { throw RollupImpossible() }
        let sums = RollupBuilding.sums.map { "sum(\($0))" }.joined(separator: ", ")
        let sql = """
            INSERT INTO rollup_\(unit) (\(unit), dimension_id, declared_id, \(RollupBuilding.sumNames))
            SELECT ?, dimension_id, declared_id, \(sums) FROM rollup_\(part) WHERE \(part) >= ? AND \(part) < ?
            GROUP BY dimension_id, declared_id
            """
        try db.cachedStatement(sql: sql).execute(arguments: [begin, range.lowerBound, range.upperBound])
        try mergeTimes(of: part, range, into: unit)
        let sum = "SELECT sum(exchanges) FROM rollup_\(unit) WHERE \(unit) = ?"
        return try Int64.fetchOne(try db.cachedStatement(sql: sum), arguments: [begin]) ?? 0
    }

    /// Merges the histograms of a period's parts, one cell after the other: together they would take what memory it has cells.
    private func mergeTimes(of part: RollupUnit, _ range: Range<Int64>, into unit: RollupUnit) throws {
        let update = try BoundStatement(
            "UPDATE rollup_\(unit) SET duration = ?, ttft = ? WHERE \(unit) = ? AND dimension_id = ? AND declared_id = ?", in: db)
        var held: (key: RollupKey, duration: Histogram, ttft: Histogram)?
        func store() throws {
            guard let held else { return }
            try update.run([
                SQLValue(held.duration.storedBlob), SQLValue(held.ttft.storedBlob), .integer(range.lowerBound),
                .integer(held.key.dimension), .integer(held.key.declared),
            ])
        }
        let sql = """
            SELECT \(RollupCell.columns(part, .times)) FROM rollup_\(part) WHERE \(part) >= ? AND \(part) < ?
            ORDER BY dimension_id, declared_id
            """
        let cursor = try Row.fetchCursor(
            try db.cachedStatement(sql: sql), arguments: [range.lowerBound, range.upperBound])
        while let row = try cursor.next() {
            let cell = RollupCell(row)
            if held?.key != cell.key {
                try store()
                held = (cell.key, Histogram(), Histogram())
            }
            guard var now = held.take() else { continue }
            try cell.addDurations(to: &now.duration)
            try cell.addTTFTs(to: &now.ttft)
            held = now
        }
        try store()
    }
}

/// A period's numbers do not fit, or it has too many cells.
struct RollupImpossible: Error {}

/// What the cells of a period are told apart by: dictionary numbers.
struct RollupKey: Hashable {
    let dimension: Int64
    let declared: Int64
}

/// The cells of one hour, while they are summed up.
private struct RollupCells {
    private struct Cell {
        let key: RollupKey
        var exchanges: Int64 = 0
        var streams: Int64 = 0
        /// With usage and without a cost.
        var unpriced: Int64 = 0
        var usagePartial: Int64 = 0
        var usageAbsent: Int64 = 0
        /// Of `RollupBuilding.summed`; NULL is `PackedColumn.null`.
        var sums = [Int64](repeating: PackedColumn.null, count: RollupBuilding.summed.count)
        var duration = HistogramDraft()
        var ttft = HistogramDraft()
    }

    private var places: [RollupKey: Int] = [:]
    private var cells: [Cell] = []
    private(set) var exchanges: Int64 = 0

    private static let sumPlaces = RollupBuilding.summed.map { RowNumbers.places[$0] ?? 0 }
    private static let durationPlace = RowNumbers.places[ChunkColumn.duration.rawValue] ?? 0
    private static let ttftPlace = RowNumbers.places[ChunkColumn.ttft.rawValue] ?? 0
    private static let costPlace = RowNumbers.places[ChunkColumn.cost.rawValue] ?? 0

    mutating func add(_ row: borrowing RowNumbers.Numbers, declared: Int64) throws {
        guard !row.isOdd else { throw RollupImpossible() }
        let place = try place(of: RollupKey(dimension: row.shape.dimension, declared: declared))
        exchanges += 1
        cells[place].exchanges += 1
        cells[place].streams += row.shape.isStream ? 1 : 0
        cells[place].usagePartial += row.shape.usage == .partial ? 1 : 0
        if row.shape.usage == .absent {
            cells[place].usageAbsent += 1
        } else if row.values[RollupCells.costPlace] == PackedColumn.null {
            cells[place].unpriced += 1
        }
        for (i, from) in RollupCells.sumPlaces.enumerated() where row.values[from] != PackedColumn.null {
            let before = cells[place].sums[i]
            let (sum, isOver) = (before == PackedColumn.null ? 0 : before).addingReportingOverflow(row.values[from])
            guard !isOver, sum != PackedColumn.null else { throw RollupImpossible() }
            cells[place].sums[i] = sum
        }
        let (duration, ttft) = (row.values[RollupCells.durationPlace], row.values[RollupCells.ttftPlace])
        if duration != PackedColumn.null { try cells[place].duration.record(duration) }
        if ttft != PackedColumn.null { try cells[place].ttft.record(ttft) }
    }

    private mutating func place(of key: RollupKey) throws -> Int {
        if let known = places[key] { return known }
        guard cells.count < FactStoreLimits.cellsAnHour else { throw RollupImpossible() }
        places[key] = cells.count
        cells.append(Cell(key: key))
        return cells.count - 1
    }

    /// The cells by their numbers, each with the values of `RollupBuilding.sums` and its histograms.
    var sorted: [(key: RollupKey, values: [SQLValue])] {
        cells.sorted { ($0.key.dimension, $0.key.declared) < ($1.key.dimension, $1.key.declared) }.map { cell in
            let counts: [SQLValue] = [cell.exchanges, cell.streams, cell.unpriced, cell.usagePartial, cell.usageAbsent].map {
                .integer($0)
            }
            let sums: [SQLValue] = cell.sums.map { $0 == PackedColumn.null ? .null : .integer($0) }
            return (cell.key, counts + sums + [SQLValue(cell.duration.blob), SQLValue(cell.ttft.blob)])
        }
    }
}
