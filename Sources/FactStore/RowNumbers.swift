// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import GRDB

/// The numbers of rows, those that follow from others included, as the view `facts` shows them.
///
/// For whoever packs, rolls up, or folds over rows: the view computes each number by SQL, at many times the cost. Good as long as the
/// transaction that it was made in; thread world.
final class RowNumbers {
    /// What repeats from row to row, as far as numbers follow from it.
    struct Shape {
        /// The dictionary number of its dimensions.
        let dimension: Int64
        /// Whether the answer was a stream.
        let isStream: Bool
        /// Whether usage came.
        let usage: UsageSource
        /// The letters of `RowNumbers.derived`.
        fileprivate let letters: [UInt8]
        fileprivate let rates: [Int64]
    }

    /// One row.
    struct Numbers {
        /// What repeats.
        fileprivate(set) var shape: Shape
        /// At `RowNumbers.places`; NULL is `PackedColumn.null`.
        fileprivate(set) var values: [Int64]
        /// Whether a column holds what is no integer, or the one that cannot be told from NULL.
        fileprivate(set) var isOdd = false

        /// When the exchange began.
        var start: Int64 { values[RowNumbers.startPlace] }
        /// The number of its set of metadata, or nil.
        var metadata: Int64? {
            let id = values[RowNumbers.metadataPlace]
            return id == PackedColumn.null ? nil : id
        }
    }

    /// How a number follows from others, where the shape says that it does.
    private enum Rule {
        case zero
        case copy(Int)
        case difference(Int, Int, Int?)
        case cost(tokens: Int, rate: Int)
        case sum(Range<Int>)
    }

    private static let stored = ChunkColumn.allCases.filter(\.isStored).map(\.rawValue)

    /// The numbers that few rows store, each after those it follows from (`DerivedColumns` has the same formulas over facts).
    private static let derived: [(name: String, rule: Rule)] = {
        func usage(_ name: String) -> Int { stored.firstIndex(of: "usage_" + name) ?? 0 }
        let (uncached, visible, firstCost) = (stored.count, stored.count + 1, stored.count + 2)
        let zeros = ["cache_write_1h", "input_audio", "output_audio", "input_image", "output_image", "tool_use_prompt"]
        return [
            ("usage_input_uncached", .difference(usage("input_total"), usage("input_cached"), usage("cache_write_total"))),
            ("usage_output_visible", .difference(usage("output_total"), usage("output_reasoning"), nil)),
            ("cost_input_nanousd", .cost(tokens: uncached, rate: 0)),
            ("cost_input_cached_nanousd", .cost(tokens: usage("input_cached"), rate: 1)),
            ("cost_cache_write_nanousd", .cost(tokens: usage("cache_write_total"), rate: 2)),
            ("cost_output_nanousd", .cost(tokens: visible, rate: 3)),
            ("cost_reasoning_nanousd", .cost(tokens: usage("output_reasoning"), rate: 4)),
            ("cost_total_nanousd", .sum(firstCost..<firstCost + 5)),
            ("cost_tools_nanousd", .zero),
            // Its letter never says that it follows.
            ("cost_reported_nanousd", .zero),
            ("usage_cache_write_5m", .copy(usage("cache_write_total"))),
        ] + zeros.map { ("usage_" + $0, .zero) }
    }()

    /// The place of each number in a row, by the name of the view's column.
    static let places = Dictionary(uniqueKeysWithValues: (stored + derived.map(\.name)).enumerated().map { ($1, $0) })
    private static let startPlace = stored.firstIndex(of: ChunkColumn.start.rawValue) ?? 0
    private static let shapePlace = stored.firstIndex(of: ChunkColumn.shape.rawValue) ?? 0
    private static let metadataPlace = stored.firstIndex(of: ChunkColumn.metadata.rawValue) ?? 0
    private static let tailPlace = stored.count

    /// Where the letters of `derived` stand in `shape.derived`.
    private static let letterPlaces: [Int] = {
        let names = FactRow.moreColumns.dropFirst(FactColumns.more.count).map(\.name)
        return derived.map { entry in names.firstIndex(of: entry.name) ?? 0 }
    }()

    private static let select =
        "SELECT \(stored.joined(separator: ", ")), tail FROM fact WHERE start >= ? AND start < ? ORDER BY start, tail"
    private static let selectMore =
        "SELECT \(derived.map(\.name).joined(separator: ", ")) FROM fact_more WHERE start = ? AND tail = ?"
    private static let selectShape = """
        SELECT derived, dimension_id, response_stream, usage_source, \(FactColumns.rateNames.joined(separator: ", "))
        FROM shape WHERE shape_id = ?
        """

    private let db: Database
    private var shapes: [Int64: Shape] = [:]

    init(_ db: Database) { self.db = db }

    /// Gives the rows that began in a range, in order.
    ///
    /// - Parameters:
    ///   - range: of `start`.
    ///   - body: takes a row; false ends the walk.
    /// - Throws: `DatabaseError`, also where a row has no shape and the file is damaged; or what the body throws.
    func forEach(_ range: Range<Int64>, _ body: (borrowing Numbers) throws -> Bool) throws {
        let (rows, more) = (try BoundStatement(RowNumbers.select, in: db), try BoundStatement(RowNumbers.selectMore, in: db))
        let empty = Shape(dimension: 0, isStream: false, usage: .absent, letters: [], rates: [])
        var now = Numbers(shape: empty, values: [Int64](repeating: PackedColumn.null, count: RowNumbers.places.count))
        try rows.forEachRow([.integer(range.lowerBound), .integer(range.upperBound)]) { row in
            now.isOdd = false
            for place in RowNumbers.stored.indices { now.values[place] = row.number(at: place, isOdd: &now.isOdd) }
            now.shape = try shape(now.values[RowNumbers.shapePlace])
            if RowNumbers.derive(&now) {
                try more.forEachRow([.integer(now.start), .blob(row.blob(at: RowNumbers.tailPlace))]) { stored in
                    RowNumbers.take(stored, into: &now)
                    return false
                }
                // What follows from what was just read.
                _ = RowNumbers.derive(&now)
            }
            return try body(now)
        }
    }

    /// Computes what follows; true where something stands in `fact_more`.
    private static func derive(_ now: inout Numbers) -> Bool {
        var hasExplicit = false
        for i in derived.indices {
            let place = stored.count + i
            switch now.shape.letters[i] {
            case DerivedColumns.derived: now.values[place] = value(derived[i].rule, now)
            case DerivedColumns.explicit: hasExplicit = true
            default: now.values[place] = PackedColumn.null
            }
        }
        return hasExplicit
    }

    private static func take(_ row: BoundStatement, into now: inout Numbers) {
        for i in derived.indices where now.shape.letters[i] == DerivedColumns.explicit {
            now.values[stored.count + i] = row.number(at: i, isOdd: &now.isOdd)
        }
    }

    /// What a rule gives; where a shape says that a number follows, it does not overflow.
    private static func value(_ rule: Rule, _ now: borrowing Numbers) -> Int64 {
        func number(_ place: Int) -> Int64 { now.values[place] == PackedColumn.null ? 0 : now.values[place] }
        switch rule {
        case .zero: return 0
        case .copy(let place): return now.values[place]
        case .difference(let whole, let part, let other):
            return number(whole) &- number(part) &- (other.map(number) ?? 0)
        case .cost(let tokens, let rate):
            return TokenRate.cost(of: number(tokens), at: now.shape.rates[rate]) ?? PackedColumn.null
        case .sum(let places): return places.reduce(0) { $0 &+ number($1) }
        }
    }

    /// A shape by its number.
    private func shape(_ id: Int64) throws -> Shape {
        if let known = shapes[id] { return known }
        guard let row = try BoundStatement(RowNumbers.selectShape, in: db).row([.integer(id)]),
            let letters = row[0].text.map({ Array($0.utf8) }),
            letters.count == DerivedColumns.letterCount
        else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "shape \(id) is none") }
        let shape = Shape(
            dimension: row[1].integer ?? 0, isStream: row[2].integer == 1,
            usage: row[3].text.flatMap(UsageSource.init(rawValue:)) ?? .absent,
            letters: RowNumbers.letterPlaces.map { letters[$0] }, rates: row[4...].map { $0.integer ?? 0 })
        shapes[id] = shape
        return shape
    }
}
