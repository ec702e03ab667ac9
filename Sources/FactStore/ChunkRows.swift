// SPDX-License-Identifier: Apache-2.0
import GRDB
import GRDBSQLite

/// Some rows of one chunk: of each column that is asked for, their numbers, packed as they lie in the database, and nothing else.
///
/// Reads parts of blobs in place, where SQLite would copy each of them whole. Used again for the next chunk. Good as long as the
/// transaction that it was made in; thread world.
@safe final class ChunkRows {
    private struct Column {
        /// At least the rows' numbers and the zeros behind them.
        var bytes: [UInt8] = []
        var low: Int64 = 0
        var high: Int64 = 0
        var width = 0
        var isRead = false
    }

    /// Apart by less than this, two parts of a blob are read as one: a call costs as much as copying so many bytes.
    private static let gapBytes = 2_048

    private let db: Database
    private let names: [ChunkColumn]
    private let find: BoundStatement
    private var columns: [Column]
    private var chunk: Int64 = 0
    /// How many rows the chunk has.
    private var facts = 0
    private var ranges: [Range<Int>] = []
    /// How many rows there are.
    private(set) var count = 0
    private var blob: OpaquePointer?
    private var span: [UInt8] = []

    /// - Parameters:
    ///   - db: where the transaction is.
    ///   - columns: those that may be asked for, by their places.
    /// - Throws: `DatabaseError`.
    init(_ db: Database, columns: [ChunkColumn]) throws {
        self.db = db
        names = columns
        find = try BoundStatement("SELECT rowid, low, high, width FROM chunk_column WHERE chunk_id = ? AND name = ?", in: db)
        self.columns = [Column](repeating: Column(), count: columns.count)
    }

    /// Ends the reading of blobs; before the transaction ends.
    func close() {
        unsafe sqlite3_blob_close(blob)
        unsafe blob = nil
    }

    deinit { close() }

    /// Goes to a chunk.
    ///
    /// - Parameters:
    ///   - chunk: its number.
    ///   - facts: how many rows it has.
    ///   - ranges: which of its rows: in order, apart from each other, none empty.
    func move(to chunk: Int64, of facts: Int, _ ranges: [Range<Int>]) {
        (self.chunk, self.facts) = (chunk, facts)
        self.ranges = ranges
        count = ranges.reduce(0) { $0 + $1.count }
        for place in columns.indices { columns[place].isRead = false }
    }

    /// Unpacks as many numbers as the target takes.
    ///
    /// - Parameters:
    ///   - place: of the column.
    ///   - first: the row of the first number, counted among the rows that were asked for.
    ///   - target: filled to its end.
    /// - Throws: `DatabaseError`, also where the chunk is none.
    func unpack(_ place: Int, from first: Int, into target: UnsafeMutableBufferPointer<Int64>) throws {
        try read(place)
        let column = columns[place]
        let isWhole = unsafe column.bytes.withUnsafeBytes { raw in
            unsafe PackedColumn.unpack(
                UnsafeRawBufferPointer(rebasing: raw[(first * column.width)...]), low: column.low, high: column.high,
                width: column.width, into: target)
        }
        guard isWhole else { throw ColumnReader.damaged }
    }

    /// The same for those numbers of a page that are selected; the rest of the target stays as it is.
    func unpack(
        _ place: Int, from first: Int, where selected: [Int32], into target: UnsafeMutableBufferPointer<Int64>
    ) throws {
        try read(place)
        let column = columns[place]
        for (i, wanted) in selected.enumerated() where wanted >= 0 && i < target.count {
            guard
                let value = PackedColumn.value(
                    first + i, of: column.bytes, low: column.low, high: column.high, width: column.width)
            else { throw ColumnReader.damaged }
            unsafe target[i] = value
        }
    }

    private func read(_ place: Int) throws {
        guard !columns[place].isRead else { return }
        guard let row = try find.row([.integer(chunk), .text(names[place].rawValue)]), let rowID = row[0].integer,
            let low = row[1].integer, let high = row[2].integer, let width = row[3].integer.flatMap(Int.init(exactly:)),
            (0...8).contains(width)
        else { throw ColumnReader.damaged }
        (columns[place].low, columns[place].high, columns[place].width) = (low, high, width)
        let room = count * width + PackedColumn.slack
        if columns[place].bytes.count < room { columns[place].bytes = [UInt8](repeating: 0, count: room) }
        if width > 0 {
            try open(rowID)
            // A part that lies before a cut would tell nothing.
            guard unsafe sqlite3_blob_bytes(blob) == Int32(truncatingIfNeeded: facts * width + PackedColumn.slack) else {
                throw ColumnReader.damaged
            }
            try unsafe columns[place].bytes.withUnsafeMutableBytes { target in
                try unsafe read(width, into: target)
                for place in count * width..<room { unsafe target[place] = 0 }
            }
        }
        columns[place].isRead = true
    }

    private func open(_ rowID: Int64) throws {
        if unsafe blob != nil {
            try unsafe check(sqlite3_blob_reopen(blob, rowID))
        } else {
            try unsafe check(sqlite3_blob_open(db.sqliteConnection, "main", "chunk_column", "packed", rowID, 0, &blob))
        }
    }

    /// Copies the rows of the open blob one behind the other.
    private func read(_ width: Int, into target: UnsafeMutableRawBufferPointer) throws {
        guard let first = ranges.first?.lowerBound, let last = ranges.last?.upperBound, let base = target.baseAddress else {
            return
        }
        let whole = (last - first) * width
        var place = 0
        if ranges.count == 1 || count * width + ranges.count * ChunkRows.gapBytes < whole {
            for range in ranges {
                try unsafe copy(range, width, to: base + place)
                place += range.count * width
            }
            return
        }
        if span.count < whole { span = [UInt8](repeating: 0, count: whole) }
        try unsafe span.withUnsafeMutableBytes { span in
            guard let start = span.baseAddress else { return }
            try unsafe copy(first..<last, width, to: start)
            for range in ranges {
                unsafe (base + place).copyMemory(from: start + (range.lowerBound - first) * width, byteCount: range.count * width)
                place += range.count * width
            }
        }
    }

    private func copy(_ range: Range<Int>, _ width: Int, to target: UnsafeMutableRawPointer) throws {
        let (size, offset) = (Int32(truncatingIfNeeded: range.count * width), Int32(truncatingIfNeeded: range.lowerBound * width))
        try unsafe check(sqlite3_blob_read(blob, target, size, offset))
    }

    /// Turns SQLite's answer about a blob into an error.
    private func check(_ code: Int32) throws {
        guard code != SQLITE_OK else { return }
        // It says so of what is no blob, or a shorter one.
        guard code != SQLITE_ERROR else { throw ColumnReader.damaged }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
    }
}
