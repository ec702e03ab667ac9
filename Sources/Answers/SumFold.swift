// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactStore

/// Adds exchanges up by group, and by UTC day where that is asked for.
///
/// Reads hours, days and weeks that are rolled up, and columns where there is none; all of it is exact.
struct SumFold {
    /// What the exchanges of one row of an answer add up to.
    struct Tally {
        /// What the row is for; nil for what has no name.
        let name: String?
        /// When its day begins, microseconds since the Unix epoch; 0 where days are not told apart.
        let dayUs: Int64
        fileprivate(set) var exchanges: Int64 = 0
        fileprivate(set) var usagePartial: Int64 = 0
        fileprivate(set) var usageAbsent: Int64 = 0
        /// With usage and without a cost.
        fileprivate(set) var unpriced: Int64 = 0
        fileprivate(set) var marks = [Int64](repeating: 0, count: Mark.allCases.count)
        fileprivate var sums = [Int64?](repeating: nil, count: RollupCell.summed.count)

        /// The sum of a column; nil where no exchange has it.
        func sum(_ column: ChunkColumn) -> Int64? { RollupCell.summed.firstIndex(of: column).flatMap { sums[$0] } }

        /// How many exchanges bear a mark.
        func count(_ mark: Mark) -> Int64 { marks[mark.rawValue] }

        /// Adds to a sum; false where it does not fit.
        fileprivate mutating func add(_ value: Int64?, _ place: Int) -> Bool {
            guard let value else { return true }
            let (sum, isOver) = (sums[place] ?? 0).addingReportingOverflow(value)
            sums[place] = sum
            return !isOver
        }
    }

    /// How an exchange ended, by its status and outcome.
    enum Mark: Int, CaseIterable {
        case rateLimited, clientError, serverError, failed, clientClosed, bad

        fileprivate static func of(_ head: ExchangeHead) -> [Mark] {
            let status = head.status ?? 0
            let hasFailed = head.outcome != .completed && head.outcome != .clientClosed
            let all: [(Mark, Bool)] = [
                (.rateLimited, status == 429), (.clientError, (400...499).contains(status) && status != 429),
                (.serverError, status >= 500), (.failed, hasFailed), (.clientClosed, head.outcome == .clientClosed),
                (.bad, status >= 400 || hasFailed),
            ]
            return all.filter(\.1).map(\.0)
        }
    }

    private struct Key: Hashable {
        let group: Int32
        let dayUs: Int64
    }

    /// What a shape says of its exchanges.
    private struct ShapeMarks {
        let marks: [Mark]
        let usage: UsageSource
    }

    private static let dayUs: Int64 = 86_400_000_000

    private var groups: ColumnGroups
    private let splitsDays: Bool
    private var places: [Key: Int] = [:]
    private var tallies: [Tally] = []
    private var shapes: [Int64: ShapeMarks] = [:]

    /// What the exchanges add up to; nil where rollups and columns do not tell it, or a sum does not fit.
    ///
    /// - Parameters:
    ///   - by: what the rows are for.
    ///   - splitsDays: whether every UTC day has rows of its own.
    ///   - filter: which exchanges.
    ///   - store: the index.
    /// - Returns: a tally for each row, in no order.
    /// - Throws: `FactStoreError`.
    static func tallies(by: String, splitsDays: Bool = false, _ filter: FactFilter, _ store: FactStore) throws -> [Tally]? {
        try store.readColumns { reader in
            guard let groups = try ColumnGroups(by: by, filter: filter, reader: reader) else { return nil }
            var fold = SumFold(groups: groups, splitsDays: splitsDays)
            let asked = filter.metadata.map(\.name) + (by.hasPrefix("meta.") ? [String(by.dropFirst(5))] : [])
            let declared = try reader.declaredKeys()
            let isPossible =
                asked.allSatisfy(declared.contains)
                ? try fold.readRollups(filter, reader) : try fold.readColumns(reader, groups.range)
            return isPossible ? fold.tallies.filter { $0.exchanges > 0 } : nil
        }
    }

    private init(groups: ColumnGroups, splitsDays: Bool) {
        self.groups = groups
        self.splitsDays = splitsDays
    }

    private mutating func readRollups(_ filter: FactFilter, _ reader: ColumnReader) throws -> Bool {
        let dimensions = try reader.dimensions().filter { filter.passesDimensions(of: $0.value) }
        let marks = dimensions.mapValues { Mark.of($0.head) }
        let declared = try reader.declaredSets()
        var isPossible = true
        let coarsest = splitsDays ? min(groups.coarsest, .day) : groups.coarsest
        try reader.rollups(groups.range, .sums, coarsest: coarsest) { cell in
            let metadata = declared[cell.declared] ?? []
            guard isPossible, let fact = dimensions[cell.dimension], filter.passesMetadata(metadata) else { return }
            guard let group = groups.group(of: fact, metadata: metadata, begin: cell.begin) else {
                isPossible = false
                return
            }
            guard let place = place(group, cell.begin) else {
                isPossible = false
                return
            }
            isPossible = add(cell, marks[cell.dimension] ?? [], to: place)
        } gap: { range in
            guard isPossible else { return }
            isPossible = try readColumns(reader, range)
        }
        return isPossible
    }

    /// The place of a row's tally; nil where its day is another in SQL, which rounds the other way before 1970.
    private mutating func place(_ group: Int32, _ start: Int64) -> Int? {
        let startedAtUs = FactStore.startedAtUs(start)
        guard startedAtUs >= 0 || !splitsDays else { return nil }
        let key = Key(group: group, dayUs: splitsDays ? startedAtUs - startedAtUs % SumFold.dayUs : 0)
        if let known = places[key] { return known }
        places[key] = tallies.count
        tallies.append(Tally(name: groups.names[Int(group)], dayUs: key.dayUs))
        return tallies.count - 1
    }

    private mutating func add(_ cell: RollupCell, _ marks: [Mark], to place: Int) -> Bool {
        tallies[place].exchanges += cell.exchanges
        tallies[place].usagePartial += cell.usagePartial
        tallies[place].usageAbsent += cell.usageAbsent
        tallies[place].unpriced += cell.unpriced
        for mark in marks { tallies[place].marks[mark.rawValue] += cell.exchanges }
        for (i, value) in cell.sums.enumerated() {
            guard tallies[place].add(value, i) else { return false }
        }
        return true
    }

    private mutating func readColumns(_ reader: ColumnReader, _ range: Range<Int64>) throws -> Bool {
        guard try groups.prepare(reader) else { return false }
        if shapes.isEmpty {
            let marks = try reader.dimensions().mapValues { Mark.of($0.head) }
            for (id, dimension, usage) in try reader.shapes() {
                shapes[id] = ShapeMarks(marks: marks[dimension] ?? [], usage: usage)
            }
        }
        var isPossible = true
        let keys = groups.columns + (splitsDays && !groups.columns.contains(.start) ? [.start] : [])
        try reader.scan(keys, measures: [.shape] + RollupCell.summed, range: range, group: groups.group) { page in
            isPossible = isPossible && groups.assign(page, in: range)
            return isPossible ? groups.assigned : []
        } _: { page in
            isPossible = isPossible && add(page)
        }
        return isPossible
    }

    private mutating func add(_ page: borrowing ColumnPage) -> Bool {
        let (shape, start) = (page.column(.shape), page.column(.start))
        let columns = RollupCell.summed.map { page.column($0) }
        let cost = page.column(.cost)
        for i in 0..<page.count where groups.assigned[i] >= 0 {
            guard let place = place(groups.assigned[i], splitsDays ? start[i] : 0) else { return false }
            tallies[place].exchanges += 1
            let known = shapes[shape[i]]
            if known?.usage == .partial { tallies[place].usagePartial += 1 }
            if known?.usage == .absent {
                tallies[place].usageAbsent += 1
            } else if cost[i] == ColumnPage.null {
                tallies[place].unpriced += 1
            }
            for mark in known?.marks ?? [] { tallies[place].marks[mark.rawValue] += 1 }
            for (k, column) in columns.enumerated() where column[i] != ColumnPage.null {
                guard tallies[place].add(column[i], k) else { return false }
            }
        }
        return true
    }
}
