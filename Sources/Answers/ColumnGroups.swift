// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactStore

/// Says for each exchange of a page whether it passes a filter, and which row of the answer it belongs to.
///
/// The meaning is that of `:by` and of the filters in `queries/*.sql`.
struct ColumnGroups {
    /// Above it the question is answered by SQL.
    private static let limit = 2_000
    /// Dictionary numbers are places in a table up to here.
    private static let numberLimit: Int64 = 1 << 24

    private enum Kind {
        case dimension((ExchangeFact) -> String?)
        case metadata(String)
        case period(us: Int64, name: (Int64) -> String)
    }

    /// What the groups are called; nil for what has no name.
    private(set) var names: [String?] = []
    /// The group of each exchange of the page given last; below 0 where it does not pass.
    private(set) var assigned: [Int32] = []
    /// The starts asked for.
    let range: Range<Int64>
    /// The columns that are needed here.
    var columns: [ChunkColumn] {
        switch kind {
        case .metadata: [.metadata]
        case .period: [.start] + (passing == nil ? [] : [.metadata])
        case .dimension: passing == nil ? [] : [.metadata]
        }
    }

    /// The longest unit of rollups each of whose periods lies in one group.
    var coarsest: RollupUnit {
        guard case .period(let us, _) = kind else { return RollupUnit.allCases.max() ?? .hour }
        return RollupUnit.allCases.last { us % $0.lengthUs == 0 } ?? .hour
    }

    private let kind: Kind
    private let filter: FactFilter
    private var isPrepared = false
    private var numbers: [SQLValue: Int32] = [:]
    /// The groups of dimensions that pass, by number.
    private var dimensions: [Int64: Int32] = [:]
    /// Whether a set of metadata passes; nil where all do.
    private var passing: [Bool]?
    private var metadata: [Int32] = []
    private var unnamed: Int32 = -1
    private var periods: [Int64: Int32] = [:]

    /// Groups; nil where they are too many.
    ///
    /// - Parameters:
    ///   - by: one of `AnswerOptions.groupings`, or `meta.NAME`.
    ///   - filter: which exchanges.
    ///   - reader: reads the dictionaries.
    /// - Throws: `FactStoreError`.
    init?(by: String, filter: FactFilter, reader: ColumnReader) throws {
        guard let kind = ColumnGroups.kind(by) else { return nil }
        self.kind = kind
        let since = filter.sinceUs.map { FactStore.columnStart($0) } ?? Int64.min
        let until = filter.untilUs.map { FactStore.columnStart($0) } ?? Int64.max
        range = since..<max(since, until)
        self.filter = filter
        guard try readMetadata(filter, reader) else { return nil }
    }

    /// Learns what the dimensions of exchanges are, which `group` needs; false where there are too many groups.
    ///
    /// - Parameter reader: reads the dictionary.
    /// - Returns: whether pages can be assigned.
    /// - Throws: `FactStoreError`.
    mutating func prepare(_ reader: ColumnReader) throws -> Bool {
        if !isPrepared { isPrepared = try readDimensions(reader) }
        return isPrepared
    }

    /// Gives the group of a dimension by its number, as `ColumnReader.scan` asks for it; below 0 where the filter takes it out.
    var group: (Int64) -> Int32 {
        let dimensions = dimensions
        return { dimensions[$0] ?? -1 }
    }

    private static func kind(_ by: String) -> Kind? {
        switch by {
        case "model": .dimension { $0.reading.modelResponded ?? $0.reading.modelRequested }
        case "task": .dimension { $0.head.attribution.task }
        case "environment": .dimension { $0.head.attribution.environment }
        case "key": .dimension { $0.head.keyID }
        case "provider": .dimension { $0.head.provider }
        case "status": .dimension { $0.head.status.map { "\($0)" } }
        case "day": .period(us: 86_400_000_000) { String(CalendarTime.text(us: $0).prefix(10)) }
        case "hour": .period(us: 3_600_000_000) { String(CalendarTime.text(us: $0).prefix(13)) + ":00" }
        case _ where by.hasPrefix("meta."): .metadata(String(by.dropFirst(5)))
        default: nil
        }
    }

    private mutating func readDimensions(_ reader: ColumnReader) throws -> Bool {
        for (id, fact) in try reader.dimensions() where filter.passesDimensions(of: fact) {
            guard let group = if case .dimension(let name) = kind { number(of: name(fact)) } else { 0 } else { return false }
            dimensions[id] = group
        }
        return true
    }

    private mutating func readMetadata(_ filter: FactFilter, _ reader: ColumnReader) throws -> Bool {
        if let sets = try reader.metadataSets(filter.metadata) {
            let largest = sets.max() ?? 0
            guard largest < ColumnGroups.numberLimit else { return false }
            var passing = [Bool](repeating: false, count: Int(largest) + 1)
            for id in sets { passing[Int(id)] = true }
            self.passing = passing
        }
        guard case .metadata(let key) = kind else { return true }
        let values = try reader.metadataValues(key)
        let largest = values.keys.max() ?? 0
        guard largest < ColumnGroups.numberLimit, let unnamed = number(of: nil) else { return false }
        self.unnamed = unnamed
        metadata = [Int32](repeating: unnamed, count: Int(largest) + 1)
        for (id, value) in values {
            guard let group = number(of: value) else { return false }
            metadata[Int(id)] = group
        }
        return true
    }

    /// The group of a name, made where it is new; nil where there are too many.
    private mutating func number(of name: String?) -> Int32? {
        if let known = numbers[SQLValue(name)] { return known }
        guard names.count < ColumnGroups.limit else { return nil }
        let new = Int32(names.count)
        names.append(name)
        numbers[SQLValue(name)] = new
        return new
    }

    /// The group of all exchanges of a cell of rollups; nil where there are too many groups.
    ///
    /// - Parameters:
    ///   - fact: of the dimension; it passes the filter.
    ///   - metadata: what was declared of it; it passes the filter.
    ///   - begin: when the period begins, as `start` counts.
    /// - Returns: the group.
    mutating func group(of fact: ExchangeFact, metadata: [(name: String, value: String)], begin: Int64) -> Int32? {
        switch kind {
        case .dimension(let name): number(of: name(fact))
        case .period(let us, let name): group(at: FactStore.startedAtUs(begin), us, name)
        case .metadata(let key): number(of: metadata.first { SQLValue($0.name) == SQLValue(key) }?.value)
        }
    }

    /// Assigns the exchanges of a page; false where there are too many groups.
    ///
    /// - Parameters:
    ///   - page: of a scan over a range.
    ///   - part: that range, where it is not the one asked for.
    /// - Returns: whether `assigned` is right.
    mutating func assign(_ page: borrowing ColumnPage, in part: Range<Int64>? = nil) -> Bool {
        let range = part ?? range
        assigned.removeAll(keepingCapacity: true)
        assigned.append(contentsOf: page.groups)
        let start = page.column(.start)
        let sets = page.column(.metadata)
        if !page.isInside {
            for i in 0..<page.count where !range.contains(start[i]) { assigned[i] = -1 }
        }
        if let passing { keep(passing, sets) }
        switch kind {
        case .dimension: return true
        case .metadata:
            assignMetadata(sets)
            return true
        case .period(let us, let name): return assignPeriods(start, us, name)
        }
    }

    /// Takes out what has no set of metadata that passes.
    private mutating func keep(_ passing: [Bool], _ sets: UnsafeBufferPointer<Int64>) {
        assigned.withUnsafeMutableBufferPointer { assigned in
            passing.withUnsafeBufferPointer { passing in
                let count = UInt64(passing.count)
                for i in 0..<sets.count where assigned[i] >= 0 {
                    let set = UInt64(bitPattern: sets[i])
                    if set >= count || !passing[Int(set)] { assigned[i] = -1 }
                }
            }
        }
    }

    private mutating func assignMetadata(_ sets: UnsafeBufferPointer<Int64>) {
        let unnamed = unnamed
        assigned.withUnsafeMutableBufferPointer { assigned in
            metadata.withUnsafeBufferPointer { metadata in
                let count = UInt64(metadata.count)
                for i in 0..<sets.count where assigned[i] >= 0 {
                    let set = UInt64(bitPattern: sets[i])
                    assigned[i] = set < count ? metadata[Int(set)] : unnamed
                }
            }
        }
    }

    private mutating func assignPeriods(_ start: UnsafeBufferPointer<Int64>, _ us: Int64, _ name: (Int64) -> String) -> Bool {
        var (lastPeriod, lastGroup) = (Int64.min, Int32(-1))
        for i in 0..<start.count where assigned[i] >= 0 {
            let startedAtUs = FactStore.startedAtUs(start[i])
            let period = startedAtUs / us
            if period != lastPeriod || startedAtUs < 0 {
                guard let group = group(at: startedAtUs, us, name) else { return false }
                (lastPeriod, lastGroup) = (period, group)
            }
            assigned[i] = lastGroup
        }
        return true
    }

    /// The group of a period by a moment in it; nil where there are too many.
    private mutating func group(at startedAtUs: Int64, _ us: Int64, _ name: (Int64) -> String) -> Int32? {
        // Before 1970 whole seconds round the other way in SQL.
        guard startedAtUs >= 0 else { return nil }
        let period = startedAtUs / us
        guard let group = periods[period] ?? number(of: name(period * us)) else { return nil }
        periods[period] = group
        return group
    }

    /// The order of rows in answers: most exchanges first, then by name, what has no name before all others.
    static func precedes(_ a: [SQLValue], _ b: [SQLValue]) -> Bool {
        let (first, second) = (a[1].integer ?? 0, b[1].integer ?? 0)
        guard first == second else { return first > second }
        guard let name = a[0].text else { return b[0] != .null }
        guard let other = b[0].text else { return false }
        return name.utf8.lexicographicallyPrecedes(other.utf8)
    }
}
