// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import Foundation
import GRDB

/// Columns of some exchanges, all of equal length; valid while the body runs that was given them.
@safe package struct ColumnPage: ~Copyable {
    /// How many exchanges.
    package let count: Int
    /// Whether all of them began in the range asked for; where not, `start` is there to tell.
    package let isInside: Bool
    private let buffers: PageBuffers

    /// What stands for NULL.
    package static var null: Int64 { PackedColumn.null }

    fileprivate init(count: Int, isInside: Bool, buffers: PageBuffers) {
        self.count = count
        self.isInside = isInside
        self.buffers = buffers
    }

    /// The group of each exchange, which is that of its dimension; none is below 0.
    package var groups: UnsafeBufferPointer<Int32> { unsafe UnsafeBufferPointer(rebasing: buffers.groups[..<count]) }

    /// The numbers of a column that was asked for; NULL is `null`.
    ///
    /// Empty for a column that was not asked for.
    package func column(_ column: ChunkColumn) -> UnsafeBufferPointer<Int64> {
        guard let place = buffers.places[column] else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeBufferPointer(buffers.column(place, count))
    }
}

/// What pages are made in.
@safe private final class PageBuffers {
    let places: [ChunkColumn: Int]
    let groups = UnsafeMutableBufferPointer<Int32>.allocate(capacity: FactStoreLimits.pageColumns)
    private let values: UnsafeMutableBufferPointer<Int64>

    init(_ columns: [ChunkColumn]) {
        places = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
        unsafe values = .allocate(capacity: columns.count * FactStoreLimits.pageColumns)
    }

    deinit {
        unsafe groups.deallocate()
        unsafe values.deallocate()
    }

    func column(_ place: Int, _ count: Int) -> UnsafeMutableBufferPointer<Int64> {
        let first = place * FactStoreLimits.pageColumns
        return unsafe UnsafeMutableBufferPointer(rebasing: values[first..<first + count])
    }
}

/// Reads columns, and what their dictionary numbers mean, in one snapshot of the index.
package struct ColumnReader {
    let db: Database

    fileprivate init(_ db: Database) { self.db = db }

    /// What a fold has to know of each `shape` number: its dimension's number, and where the usage is from.
    ///
    /// - Throws: `FactStoreError`.
    package func shapes() throws -> [(id: Int64, dimension: Int64, usageSource: UsageSource)] {
        var found: [(id: Int64, dimension: Int64, usageSource: UsageSource)] = []
        let cursor = try Row.fetchCursor(
            try db.cachedStatement(sql: "SELECT shape_id, dimension_id, usage_source FROM shape"))
        while let row = try cursor.next()?.values {
            guard let id = row[0].integer, let dimension = row[1].integer else { throw ColumnReader.damaged }
            found.append((id, dimension, row[2].text.flatMap(UsageSource.init(rawValue:)) ?? .absent))
        }
        return found
    }

    /// The values of one metadata key by `metadata` number.
    ///
    /// - Parameter key: the name.
    /// - Returns: values by number.
    /// - Throws: `FactStoreError`.
    package func metadataValues(_ key: String) throws -> [Int64: String] {
        let statement = try db.cachedStatement(sql: "SELECT metadata_id, value FROM metadata WHERE key = ?")
        var values: [Int64: String] = [:]
        let cursor = try Row.fetchCursor(statement, arguments: [key])
        while let row = try cursor.next()?.values {
            if let id = row[0].integer, let value = row[1].text { values[id] = value }
        }
        return values
    }

    /// The `metadata` numbers that have all of some pairs; nil where no pair is asked for.
    ///
    /// - Parameter pairs: names and values.
    /// - Returns: numbers.
    /// - Throws: `FactStoreError`.
    package func metadataSets(_ pairs: [(name: String, value: String)]) throws -> Set<Int64>? {
        var found: Set<Int64>?
        let statement = try db.cachedStatement(sql: "SELECT metadata_id FROM metadata WHERE key = ? AND value = ?")
        for pair in pairs {
            let some = Set(try Int64.fetchAll(statement, arguments: [pair.name, pair.value]))
            found = found?.intersection(some) ?? some
        }
        return found
    }

    /// Gives columns of exchanges that began in a range, by chunks, and by rows where there is no chunk.
    ///
    /// Of what is not selected, by its dimension first and then by `columns`, nothing more is read.
    ///
    /// - Parameters:
    ///   - columns: by which exchanges are selected.
    ///   - measures: what is wanted of those that are.
    ///   - range: of `start`. Exchanges outside may be given too, with their start (`ColumnPage.isInside`): chunks are given whole.
    ///   - group: the group of a dimension's exchanges, by its number; below 0 where they are not wanted.
    ///   - select: takes a page of `columns`; gives a number for each of its exchanges, below 0 for one that is not wanted, or none
    ///     at all.
    ///   - body: takes the page with `measures` too, which hold nothing of what was not selected; not called where nothing was.
    /// - Throws: `FactStoreError`, or what the bodies throw.
    package func scan(
        _ columns: [ChunkColumn], measures: [ChunkColumn], range: Range<Int64>, group: (Int64) -> Int32,
        select: (borrowing ColumnPage) throws -> [Int32], _ body: (borrowing ColumnPage) throws -> Void
    ) throws {
        let keys = columns.filter { $0 != .start } + [.start]
        let all = keys + measures.filter { !keys.contains($0) }
        let buffers = PageBuffers(all)
        // Inlined, it ends the optimiser of Swift 6.3.1.
        @inline(never) func give(_ count: Int, _ isInside: Bool, _ complete: ([Int32]) throws -> Bool) throws {
            let selected = try select(ColumnPage(count: count, isInside: isInside, buffers: buffers))
            guard try complete(selected) else { return }
            try body(ColumnPage(count: count, isInside: isInside, buffers: buffers))
        }
        func giveRows(_ range: Range<Int64>) throws {
            guard !range.isEmpty else { return }
            try scanRows(all, range, group, buffers) { try give($0, true) { $0.contains { $0 >= 0 } } }
        }
        let rows = try ChunkRows(db, columns: all)
        defer { rows.close() }
        let runs = try BoundStatement("SELECT runs FROM chunk WHERE chunk_id = ?", in: db)
        var from = range.lowerBound
        for chunk in try chunks(range) {
            try giveRows(from..<max(from, chunk.first))
            from = chunk.last + 1
            let isInside = range.contains(chunk.first) && range.contains(chunk.last)
            let needed = isInside && !columns.contains(.start) ? keys.count - 1 : keys.count
            guard let blob = try runs.row([.integer(chunk.id)])?.first?.blob, let runs = ChunkRuns(blob: blob, rows: chunk.count)
            else { throw ColumnReader.damaged }
            var groups = GroupedRuns(runs, group)
            rows.move(to: chunk.id, of: chunk.count, groups.ranges)
            for first in stride(from: 0, to: rows.count, by: FactStoreLimits.pageColumns) {
                let count = min(FactStoreLimits.pageColumns, rows.count - first)
                unsafe groups.fill(UnsafeMutableBufferPointer(rebasing: buffers.groups[..<count]))
                for place in 0..<needed { try unsafe rows.unpack(place, from: first, into: buffers.column(place, count)) }
                try give(count, isInside) { selected in
                    let wanted = selected.count { $0 >= 0 }
                    guard wanted > 0 else { return false }
                    for place in keys.count..<all.count {
                        let target = unsafe buffers.column(place, count)
                        if wanted * 8 < count {
                            try unsafe rows.unpack(place, from: first, where: selected, into: target)
                        } else {
                            try unsafe rows.unpack(place, from: first, into: target)
                        }
                    }
                    return true
                }
            }
        }
        try giveRows(from..<max(from, range.upperBound))
    }

    private struct Chunk {
        let id: Int64
        let first: Int64
        let last: Int64
        let count: Int
    }

    private func chunks(_ range: Range<Int64>) throws -> [Chunk] {
        let sql = """
            SELECT chunk_id, first_start, last_start, facts FROM chunk WHERE last_start >= ? AND first_start < ?
            ORDER BY first_start
            """
        return try Row.fetchAll(db, sql: sql, arguments: [range.lowerBound, range.upperBound]).map { row in
            guard let id = row.integer(at: 0), let first = row.integer(at: 1), let last = row.integer(at: 2),
                let count = row.integer(at: 3), count > 0, count <= FactStoreLimits.chunkFacts, first <= last, last < Int64.max
            else { throw ColumnReader.damaged }
            return Chunk(id: id, first: first, last: last, count: Int(count))
        }
    }

    static var damaged: DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a chunk of columns is none")
    }

    private func scanRows(
        _ wanted: [ChunkColumn], _ range: Range<Int64>, _ group: (Int64) -> Int32, _ buffers: PageBuffers,
        _ give: (Int) throws -> Void
    ) throws {
        let page = FactStoreLimits.pageColumns
        let places = wanted.map { RowNumbers.places[$0.rawValue] ?? 0 }
        let columns = unsafe wanted.indices.map { unsafe buffers.column($0, page) }
        var count = 0
        // Neighbours are often of one dimension.
        var latest: (dimension: Int64, group: Int32)?
        try RowNumbers(db).forEach(range) { row in
            if latest?.dimension != row.shape.dimension { latest = (row.shape.dimension, group(row.shape.dimension)) }
            guard let group = latest?.group, group >= 0 else { return true }
            unsafe buffers.groups[count] = group
            for i in places.indices { unsafe columns[i][count] = row.values[places[i]] }
            count += 1
            if count == page {
                try give(count)
                count = 0
            }
            return true
        }
        if count > 0 { try give(count) }
    }
}

/// Those runs of a chunk whose dimension is wanted, with its group.
private struct GroupedRuns {
    /// Their rows in the chunk, neighbours together.
    private(set) var ranges: [Range<Int>] = []
    private var left: [(group: Int32, count: Int)] = []
    /// How far `left` is used up.
    private var next = 0

    init(_ runs: ChunkRuns, _ group: (Int64) -> Int32) {
        var first = 0
        for run in runs.runs where run.count > 0 {
            let rows = first..<first + run.count
            first = rows.upperBound
            let group = group(run.dimension)
            guard group >= 0 else { continue }
            left.append((group, run.count))
            if let last = ranges.last, last.upperBound == rows.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<rows.upperBound
            } else {
                ranges.append(rows)
            }
        }
    }

    /// The groups of the rows that follow.
    mutating func fill(_ target: UnsafeMutableBufferPointer<Int32>) {
        var place = 0
        while place < target.count, next < left.count {
            let count = min(left[next].count, target.count - place)
            unsafe UnsafeMutableBufferPointer(rebasing: target[place..<place + count]).update(repeating: left[next].group)
            place += count
            left[next].count -= count
            if left[next].count == 0 { next += 1 }
        }
    }
}

extension FactStore {
    /// Reads columns in one snapshot of the index; the store must not be used meanwhile.
    ///
    /// - Parameter body: reads; what it throws is thrown on.
    /// - Returns: what the body returns.
    /// - Throws: `FactStoreError`, or what the body throws.
    package func readColumns<T>(_ body: (ColumnReader) throws -> T) throws -> T {
        try reading { db in try body(ColumnReader(db)) }
    }

    /// `start` of an exchange that began then, microseconds since the Unix epoch.
    package static func columnStart(_ startedAtUs: Int64) -> Int64 { FactKey.start(at: startedAtUs) }

    /// When an exchange began, microseconds since the Unix epoch.
    package static func startedAtUs(_ columnStart: Int64) -> Int64 { columnStart &+ SchemaTwo.epochUs }
}
