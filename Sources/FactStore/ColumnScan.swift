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
    private let values: UnsafeMutableBufferPointer<Int64>
    private let places: [ChunkColumn: Int]

    /// What stands for NULL.
    package static var null: Int64 { PackedColumn.null }

    fileprivate init(
        count: Int, isInside: Bool, values: UnsafeMutableBufferPointer<Int64>, places: [ChunkColumn: Int]
    ) {
        self.count = count
        self.isInside = isInside
        unsafe self.values = values
        self.places = places
    }

    /// The numbers of a column that was asked for; NULL is `null`.
    ///
    /// Empty for a column that was not asked for.
    package func column(_ column: ChunkColumn) -> UnsafeBufferPointer<Int64> {
        guard let place = places[column] else { return unsafe UnsafeBufferPointer(start: nil, count: 0) }
        let first = place * FactStoreLimits.pageColumns
        return unsafe UnsafeBufferPointer(rebasing: UnsafeBufferPointer(values)[first..<first + count])
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

    /// Gives columns of all exchanges that began in a range, by chunks, and by rows where there is no chunk.
    ///
    /// - Parameters:
    ///   - columns: which ones.
    ///   - range: of `start`. Exchanges outside may be given too, with their start (`ColumnPage.isInside`): chunks are given whole.
    ///   - body: takes a page; what it throws ends the scan and is thrown on.
    /// - Throws: `FactStoreError`, or what the body throws.
    package func scan(
        _ columns: [ChunkColumn], range: Range<Int64>, _ body: (borrowing ColumnPage) throws -> Void
    ) throws {
        let none: [Int32] = []
        try scan(columns, measures: [], range: range) { page in
            try body(page)
            return none
        } _: { _ in
        }
    }

    /// The same for whom most exchanges do not matter: of those that are not selected nothing more is read.
    ///
    /// - Parameters:
    ///   - columns: by which exchanges are selected.
    ///   - measures: what is wanted of those that are.
    ///   - range: of `start`, as above.
    ///   - select: takes a page of `columns`; gives a number for each of its exchanges, below 0 for one that is not wanted, or none
    ///     at all.
    ///   - body: takes the page with `measures` too, which hold nothing of what was not selected; not called where nothing was.
    /// - Throws: `FactStoreError`, or what the bodies throw.
    package func scan(
        _ columns: [ChunkColumn], measures: [ChunkColumn], range: Range<Int64>,
        select: (borrowing ColumnPage) throws -> [Int32], _ body: (borrowing ColumnPage) throws -> Void
    ) throws {
        let page = FactStoreLimits.pageColumns
        let keys = columns.filter { $0 != .start } + [.start]
        let rest = measures.filter { !keys.contains($0) }
        let all = keys + rest
        let places = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1, $0) })
        let values = UnsafeMutableBufferPointer<Int64>.allocate(capacity: all.count * page)
        defer { unsafe values.deallocate() }
        // Inlined, it ends the optimiser of Swift 6.3.1.
        @inline(never) func give(_ count: Int, _ isInside: Bool, _ complete: ([Int32]) throws -> Bool) throws {
            let selected = try select(unsafe ColumnPage(count: count, isInside: isInside, values: values, places: places))
            guard try complete(selected) else { return }
            try body(unsafe ColumnPage(count: count, isInside: isInside, values: values, places: places))
        }
        func giveRows(_ range: Range<Int64>) throws {
            guard !range.isEmpty else { return }
            try unsafe scanRows(all, range, values) { try give($0, true) { $0.contains { $0 >= 0 } } }
        }
        let packed = PackedChunk(keys.count, rest.count)
        var from = range.lowerBound
        for chunk in try chunks(range) {
            try giveRows(from..<max(from, chunk.first))
            let isInside = range.contains(chunk.first) && range.contains(chunk.last)
            let needed = isInside && !columns.contains(.start) ? keys.count - 1 : keys.count
            packed.empty()
            for column in keys.prefix(needed) { try read(chunk, column, into: packed) }
            if needed < keys.count { packed.skip() }
            for first in stride(from: 0, to: chunk.count, by: page) {
                let count = min(page, chunk.count - first)
                func target(_ place: Int) -> UnsafeMutableBufferPointer<Int64> {
                    unsafe UnsafeMutableBufferPointer(rebasing: values[place * page..<place * page + count])
                }
                for place in 0..<needed { try unsafe packed.unpack(place, from: first, into: target(place)) }
                try give(count, isInside) { selected in
                    let wanted = selected.count { $0 >= 0 }
                    guard wanted > 0 else { return false }
                    for (i, column) in rest.enumerated() {
                        if !packed.holds(keys.count + i) { try read(chunk, column, into: packed) }
                        let place = keys.count + i
                        if wanted * 8 < count {
                            try unsafe packed.unpack(place, from: first, where: selected, into: target(place))
                        } else {
                            try unsafe packed.unpack(place, from: first, into: target(place))
                        }
                    }
                    return true
                }
            }
            from = chunk.last + 1
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
                let count = row.integer(at: 3), count > 0, count <= FactStoreLimits.chunkFacts
            else { throw ColumnReader.damaged }
            return Chunk(id: id, first: first, last: last, count: Int(count))
        }
    }

    fileprivate static var damaged: DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a chunk of columns is none")
    }

    private func read(_ chunk: Chunk, _ column: ChunkColumn, into packed: PackedChunk) throws {
        let statement = try db.cachedStatement(
            sql: "SELECT packed, low, high, width FROM chunk_column WHERE chunk_id = ? AND name = ?")
        let cursor = try Row.fetchCursor(statement, arguments: [chunk.id, column.rawValue])
        guard let row = try cursor.next(), let low = row.integer(at: 1), let high = row.integer(at: 2),
            let width = row.integer(at: 3)
        else { throw ColumnReader.damaged }
        try row.withUnsafeData(atIndex: 0) { data in
            guard let data else { throw ColumnReader.damaged }
            packed.add(data, low: low, high: high, width: Int(clamping: width))
        }
    }

    private func scanRows(
        _ wanted: [ChunkColumn], _ range: Range<Int64>, _ values: UnsafeMutableBufferPointer<Int64>, _ give: (Int) throws -> Void
    ) throws {
        let page = FactStoreLimits.pageColumns
        let places = wanted.map { RowNumbers.places[$0.rawValue] ?? 0 }
        var count = 0
        try RowNumbers(db).forEach(range) { row in
            for (i, place) in places.enumerated() { unsafe values[i * page + count] = row.values[place] }
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

/// The packed columns of one chunk, copied out of the database so that they can be unpacked a page at a time; used again for the next one.
private final class PackedChunk {
    private struct Column {
        var bytes: [UInt8] = []
        var low: Int64 = 0
        var high: Int64 = 0
        var width = 0
    }

    private var columns: [Column]
    /// How many of them are those of this chunk.
    private var held = 0

    init(_ keys: Int, _ measures: Int) { columns = [Column](repeating: Column(), count: keys + measures) }

    func empty() { held = 0 }

    /// Leaves a place for a column that is not needed.
    func skip() { held += 1 }

    func holds(_ place: Int) -> Bool { place < held }

    /// Adds the next column.
    func add(_ data: Data, low: Int64, high: Int64, width: Int) {
        columns[held].bytes.removeAll(keepingCapacity: true)
        unsafe data.withUnsafeBytes { raw in unsafe columns[held].bytes.append(contentsOf: raw) }
        (columns[held].low, columns[held].high, columns[held].width) = (low, high, width)
        held += 1
    }

    /// Unpacks as many numbers as the target takes.
    func unpack(_ place: Int, from first: Int, into target: UnsafeMutableBufferPointer<Int64>) throws {
        let isWhole = unsafe columns[place].bytes.withUnsafeBytes { raw in
            guard columns[place].width >= 0, columns[place].width <= 8, first * columns[place].width <= raw.count else {
                return false
            }
            return unsafe PackedColumn.unpack(
                UnsafeRawBufferPointer(rebasing: raw[(first * columns[place].width)...]), low: columns[place].low,
                high: columns[place].high, width: columns[place].width, into: target)
        }
        guard isWhole else { throw ColumnReader.damaged }
    }

    /// Unpacks those numbers of a page that are selected, and leaves the rest of the target as it is.
    func unpack(
        _ place: Int, from first: Int, where selected: [Int32], into target: UnsafeMutableBufferPointer<Int64>
    ) throws {
        let column = columns[place]
        for (i, wanted) in selected.enumerated() where wanted >= 0 && i < target.count {
            guard
                let value = PackedColumn.value(
                    first + i, of: column.bytes, low: column.low, high: column.high, width: column.width)
            else { throw ColumnReader.damaged }
            unsafe target[i] = value
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
