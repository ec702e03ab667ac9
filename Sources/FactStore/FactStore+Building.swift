// SPDX-License-Identifier: Apache-2.0
import GRDB

/// What one call of `FactStore.build` built.
package struct BuildReport: Equatable, Sendable {
    /// Chunks packed.
    package var chunks = 0
    /// Hours rolled up.
    package var hours = 0
    /// Days rolled up.
    package var days = 0
    /// Weeks rolled up.
    package var weeks = 0
    /// Whether nothing is left to build.
    package var isComplete = false

    /// Nothing built.
    package init() {}

    /// Adds what a later call built.
    package mutating func add(_ other: BuildReport) {
        chunks += other.chunks
        hours += other.hours
        days += other.days
        weeks += other.weeks
        isComplete = other.isComplete
    }
}

extension FactStore {
    /// Packs facts into chunks and rolls hours, days and weeks up, as far as they lie before a horizon.
    ///
    /// Every answer is the same with and without it, only slower without. A few at a time are built in one transaction each; a death
    /// between leaves what was built.
    /// - Parameters:
    ///   - horizonUs: since the Unix epoch; what began later may still get company.
    ///   - declared: metadata keys that rollups are to be told apart by, at most `FactStoreLimits.declaredKeys`; where they are others than
    ///     before, all are built anew. Nil leaves them as they are.
    ///   - shouldStop: asked between transactions.
    /// - Returns: what was built.
    /// - Throws: `FactStoreError`.
    package func build(
        horizonUs: Int64, declared: [String]? = nil, shouldStop: () -> Bool = { false }
    ) throws -> BuildReport {
        if let declared, try reading({ db in try DeclaredSets.keys(in: db) }) != declared {
            try writing { db in try DeclaredSets.declare(declared, in: db) }
        }
        let horizon = horizonUs &- SchemaTwo.epochUs
        var report = BuildReport()
        let limit = FactStoreLimits.builtATransaction
        func rollUp(_ unit: RollupUnit) -> (Database) throws -> Int {
            { try RollupBuilding($0).build(unit, before: horizon, limit: limit) }
        }
        let steps: [(count: WritableKeyPath<BuildReport, Int>, run: (Database) throws -> Int)] = [
            (\.chunks, { try ChunkBuilding($0).build(before: horizon, limit: limit) }),
            (\.hours, rollUp(.hour)), (\.days, rollUp(.day)), (\.weeks, rollUp(.week)),
        ]
        for step in steps {
            while true {
                if shouldStop() { return report }
                let built = try writing(step.run)
                report[keyPath: step.count] += built
                if built < limit { break }
            }
        }
        report.isComplete = true
        return report
    }
}

/// Packs rows into chunks, within somebody's transaction.
struct ChunkBuilding {
    let db: Database
    private let numbers: RowNumbers

    init(_ db: Database) {
        self.db = db
        numbers = RowNumbers(db)
    }

    /// Packs what lies between chunks and behind the last one.
    ///
    /// Behind the last one a chunk is packed when it is full, or when its first exchange is an hour old; fewer than
    /// `FactStoreLimits.leastChunkFacts` stay rows.
    /// - Parameters:
    ///   - horizon: starts from here on stay rows.
    ///   - limit: at most so many chunks.
    /// - Returns: chunks packed.
    /// - Throws: `DatabaseError`.
    func build(before horizon: Int64, limit: Int) throws -> Int {
        var built = 0
        for gap in try gaps(before: horizon) {
            var first = gap.lowerBound
            while built < limit, try isWorthPacking(first..<gap.upperBound, horizon: horizon) {
                let rows = try rows(from: first, before: gap.upperBound)
                if rows.count >= FactStoreLimits.leastChunkFacts {
                    try store(rows)
                    built += 1
                }
                guard let next = rows.next else { break }
                first = next
            }
            if built >= limit { break }
        }
        return built
    }

    /// Whether a range holds enough rows for a chunk; where it ends at the horizon and is young, a full one.
    private func isWorthPacking(_ range: Range<Int64>, horizon: Int64) throws -> Bool {
        let sql = "SELECT start FROM fact WHERE start >= ? AND start < ? ORDER BY start LIMIT 1 OFFSET ?"
        func start(at place: Int) throws -> Int64? {
            try Int64.fetchOne(
                try db.cachedStatement(sql: sql), arguments: [range.lowerBound, range.upperBound, Int64(place)])
        }
        guard let oldest = try start(at: 0) else { return false }
        let isYoung = range.upperBound == horizon && oldest > horizon &- RollupUnit.hour.lengthUs
        return try start(at: (isYoung ? FactStoreLimits.chunkFacts : FactStoreLimits.leastChunkFacts) - 1) != nil
    }

    /// The ranges without a chunk, in order; the last ends at the horizon.
    private func gaps(before horizon: Int64) throws -> [Range<Int64>] {
        var gaps: [Range<Int64>] = []
        var from = Int64.min
        let chunks = try Row.fetchCursor(
            try db.cachedStatement(sql: "SELECT first_start, last_start FROM chunk ORDER BY first_start"))
        while let row = try chunks.next()?.values {
            guard let first = row[0].integer, let last = row[1].integer, from < horizon else { break }
            if from < first { gaps.append(from..<min(first, horizon)) }
            guard last < Int64.max else { throw ColumnReader.damaged }
            from = last + 1
        }
        if from < horizon { gaps.append(from..<horizon) }
        return gaps
    }

    /// Rows that may become a chunk: all of one start are among them, or none.
    private struct Rows {
        var columns = ChunkColumn.allCases.map { _ in [Int64]() }
        /// The number of each row's dimension.
        var dimensions: [Int64] = []
        /// From where to go on; nil where the range ends behind them.
        var next: Int64?

        var count: Int { columns[0].count }

        mutating func cut(to count: Int) {
            for i in columns.indices { columns[i].removeSubrange(count...) }
            dimensions.removeSubrange(count...)
        }
    }

    private static let places = ChunkColumn.allCases.map { RowNumbers.places[$0.rawValue] ?? 0 }

    private func rows(from first: Int64, before end: Int64) throws -> Rows {
        var rows = Rows()
        try numbers.forEach(first..<end) { row in
            let isPackable = !row.isOdd && ChunkBuilding.places.allSatisfy { PackedColumn.isPackable(row.values[$0]) }
            guard isPackable, rows.count < FactStoreLimits.chunkFacts else {
                // All of one moment go together; what cannot be packed, and more than a chunk of one moment, stay rows.
                rows.cut(to: rows.columns[0].firstIndex(of: row.start) ?? rows.count)
                rows.next = !isPackable || rows.count == 0 ? row.start &+ 1 : row.start
                return false
            }
            for (i, place) in ChunkBuilding.places.enumerated() { rows.columns[i].append(row.values[place]) }
            rows.dimensions.append(row.shape.dimension)
            return true
        }
        return rows
    }

    /// Stores rows as a chunk: by dimension, those of one as they began.
    private func store(_ rows: Rows) throws {
        let starts = rows.columns[0]
        guard let first = starts.first, let last = starts.last else { return }
        let order = rows.dimensions.indices.sorted { (rows.dimensions[$0], $0) < (rows.dimensions[$1], $1) }
        let runs = ChunkRuns(order.map { rows.dimensions[$0] })
        try db.cachedStatement(sql: "INSERT INTO chunk (first_start, last_start, facts, runs) VALUES (?, ?, ?, ?)")
            .execute(arguments: [first, last, Int64(rows.count), SQLValue.blob(runs.blob).databaseValue])
        let chunk = db.lastInsertedRowID
        let insert = try db.cachedStatement(
            sql: "INSERT INTO chunk_column (chunk_id, name, low, high, width, packed) VALUES (?, ?, ?, ?, ?, ?)")
        for (column, values) in zip(ChunkColumn.allCases, rows.columns) {
            let packed = PackedColumn(order.map { values[$0] })
            try insert.execute(arguments: [
                chunk, column.rawValue, packed.low, packed.high, Int64(packed.width), SQLValue.blob(packed.bytes).databaseValue,
            ])
        }
    }
}

extension Row {
    /// The integer of a column, where it is one.
    func integer(at index: Int) -> Int64? {
        if case .int64(let value) = (self[index] as DatabaseValue).storage { value } else { nil }
    }
}
