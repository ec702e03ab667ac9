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

    /// What each `shape` number stands for: a fact of it with all that repeats and nothing else.
    ///
    /// - Throws: `FactStoreError`.
    package func shapes() throws -> [Int64: ExchangeFact] { try FactRows.allShapes(db).mapValues(\.template) }

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
        let page = FactStoreLimits.pageColumns
        let all = columns.filter { $0 != .start } + [.start]
        let values = UnsafeMutableBufferPointer<Int64>.allocate(capacity: all.count * page)
        defer { unsafe values.deallocate() }
        // Inlined, it ends the optimiser of Swift 6.3.1.
        @inline(never) func give(_ wanted: [ChunkColumn], _ count: Int, _ isInside: Bool) throws {
            let places = Dictionary(uniqueKeysWithValues: wanted.enumerated().map { ($1, $0) })
            try body(unsafe ColumnPage(count: count, isInside: isInside, values: values, places: places))
        }
        func giveRows(_ range: Range<Int64>) throws {
            guard !range.isEmpty else { return }
            try unsafe scanRows(all, range, values) { try give(all, $0, true) }
        }
        var packed = PackedChunk()
        var from = range.lowerBound
        for chunk in try chunks(range) {
            try giveRows(from..<max(from, chunk.first))
            let isInside = range.contains(chunk.first) && range.contains(chunk.last)
            let wanted = isInside && !columns.contains(.start) ? all.dropLast() : all
            try read(chunk, wanted, into: &packed)
            for first in stride(from: 0, to: chunk.count, by: page) {
                let count = min(page, chunk.count - first)
                for i in wanted.indices {
                    let target = unsafe UnsafeMutableBufferPointer(rebasing: values[i * page..<i * page + count])
                    guard unsafe packed.unpack(i, from: first, into: target) else { throw ColumnReader.damaged }
                }
                try give(wanted, count, isInside)
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

    private static var damaged: DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a chunk of columns is none")
    }

    private func read(_ chunk: Chunk, _ wanted: [ChunkColumn], into packed: inout PackedChunk) throws {
        packed.empty()
        let statement = try db.cachedStatement(
            sql: "SELECT packed, low, high, width FROM chunk_column WHERE chunk_id = ? AND name = ?")
        for column in wanted {
            let cursor = try Row.fetchCursor(statement, arguments: [chunk.id, column.rawValue])
            guard let row = try cursor.next(), let low = row.integer(at: 1), let high = row.integer(at: 2),
                let width = row.integer(at: 3)
            else { throw ColumnReader.damaged }
            try row.withUnsafeData(atIndex: 0) { data in
                guard let data else { throw ColumnReader.damaged }
                packed.add(data, low: low, high: high, width: Int(clamping: width))
            }
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
private struct PackedChunk {
    private var bytes: [UInt8] = []
    private var columns: [(first: Int, low: Int64, high: Int64, width: Int)] = []

    mutating func empty() {
        bytes.removeAll(keepingCapacity: true)
        columns.removeAll(keepingCapacity: true)
    }

    mutating func add(_ data: Data, low: Int64, high: Int64, width: Int) {
        columns.append((first: bytes.count, low: low, high: high, width: width))
        unsafe data.withUnsafeBytes { raw in unsafe bytes.append(contentsOf: raw) }
    }

    /// Unpacks as many numbers as the target takes; false where they are not there.
    func unpack(_ index: Int, from first: Int, into target: UnsafeMutableBufferPointer<Int64>) -> Bool {
        let column = columns[index]
        let end = index + 1 < columns.count ? columns[index + 1].first : bytes.count
        guard column.width >= 0, column.width <= 8, column.first + first * column.width <= end else { return false }
        return unsafe bytes.withUnsafeBytes { raw in
            unsafe PackedColumn.unpack(
                UnsafeRawBufferPointer(rebasing: raw[column.first + first * column.width..<end]), low: column.low,
                high: column.high, width: column.width, into: target)
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
