// SPDX-License-Identifier: Apache-2.0

/// The sets of many rows, and which of them share at least half of the smaller one with another set: exactly, without asking each.
///
/// Let `A` be the set that asks and `B` one of these. To share half of the smaller is to share `(min(|A|, |B|) + 1) / 2` values, so
/// - where `B` is the smaller one, of any `|B| / 2 + 1` values of `B` at least one is in `A`. The rarest so many of each `B` are its
///   prefix: a list of rows by value holds prefixes only, and is asked for every value of `A`;
/// - where `A` is the smaller one, of any `|A| / 2 + 1` values of `A` at least one is in `B`. The rarest so many of `A` are looked
///   for in whole sets; those that no row has are the rarest of all and cost nothing.
///
/// What all rows have in common is thus in few prefixes and is asked for last. Every row found is counted exactly.
struct OverlapIndex: Sendable {
    /// A row that shares half of the smaller set.
    struct Overlap {
        let row: Int
        let shared: Int
    }

    private struct Entry {
        let row: UInt32
        let next: UInt32
    }

    private static let none = UInt32.max
    private var table: HashTable
    /// By value: rows that have it; the first entry of those with it in their prefix, and of the others.
    private var rowCounts: [UInt32] = []
    private var prefixHeads: [UInt32] = []
    private var otherHeads: [UInt32] = []
    private var entries: [Entry] = []
    /// All sets one after another, and where each begins; one more for the end.
    private var values: [UInt64] = []
    private var starts: [Int] = [0]
    private var prints = SetPrints()
    /// The size of the smallest set that is not empty.
    private var smallest = Int.max

    init(expecting values: Int) {
        table = HashTable(expecting: values)
        self.values.reserveCapacity(values)
    }

    /// Rows there are.
    var count: Int { starts.count - 1 }

    /// How many values all rows have together.
    var valueCount: Int { values.count }

    /// How many values a row has.
    func size(of row: Int) -> Int { starts[row &+ 1] &- starts[row] }

    private func set(of row: Int) -> Range<Int> { starts[row]..<starts[row &+ 1] }

    // MARK: Taking in

    /// Takes rows in, each a sorted set; how often values occur among all of them is known before the first prefix is chosen.
    mutating func add(_ sets: [[UInt64]]) {
        let numbers = sets.map { set in set.map { count(value: $0) } }
        for (set, numbers) in zip(sets, numbers) { list(set, numbers) }
    }

    private mutating func count(value: UInt64) -> Int {
        let (number, isNew) = table.insert(value)
        if isNew {
            rowCounts.append(0)
            prefixHeads.append(OverlapIndex.none)
            otherHeads.append(OverlapIndex.none)
        }
        rowCounts[number] += 1
        return number
    }

    private mutating func list(_ set: [UInt64], _ numbers: [Int]) {
        let row = UInt32(count)
        let prefix = set.count / 2 + 1
        let order = numbers.map { UInt64(rowCounts[$0]) << 32 | UInt64($0) }.sorted()
        for (place, key) in order.enumerated() {
            let number = Int(key & 0xFFFF_FFFF)
            let entry = UInt32(entries.count)
            if place < prefix {
                entries.append(Entry(row: row, next: prefixHeads[number]))
                prefixHeads[number] = entry
            } else {
                entries.append(Entry(row: row, next: otherHeads[number]))
                otherHeads[number] = entry
            }
        }
        values.append(contentsOf: set)
        starts.append(values.count)
        prints.add(set)
        if !set.isEmpty { smallest = min(smallest, set.count) }
    }

    // MARK: Asking

    /// A row that shares at least half of the smaller set with a sorted set, or nil where there is none.
    ///
    /// Which one of several depends on the order in which they came, whether there is one does not.
    func overlap(with set: [UInt64], using probe: inout OverlapProbe) -> Overlap? {
        guard !set.isEmpty else { return nil }
        probe.begin(rows: count)
        for value in set {
            let number = table.number(of: value)
            if number >= 0 { probe.found(value, number) }
        }
        guard 2 * probe.values.count >= min(set.count, smallest) else { return nil }
        return smallerRow(than: set.count, &probe) ?? largerRow(than: set.count, &probe)
    }

    /// Looks among rows with at most so many values.
    private func smallerRow(than size: Int, _ probe: inout OverlapProbe) -> Overlap? {
        for number in probe.numbers {
            var at = prefixHeads[number]
            while at != OverlapIndex.none {
                let entry = entries[Int(at)]
                at = entry.next
                let row = Int(entry.row)
                if self.size(of: row) <= size, let found = check(row, size, &probe) { return found }
            }
        }
        return nil
    }

    /// Looks among rows with more values.
    private func largerRow(than size: Int, _ probe: inout OverlapProbe) -> Overlap? {
        let absent = size - probe.values.count
        let wanted = size / 2 + 1 - absent
        guard wanted > 0 else { return nil }
        let order = probe.numbers.map { UInt64(rowCounts[$0]) << 32 | UInt64($0) }.sorted()
        for key in order.prefix(wanted) {
            for head in [prefixHeads[Int(key & 0xFFFF_FFFF)], otherHeads[Int(key & 0xFFFF_FFFF)]] {
                var at = head
                while at != OverlapIndex.none {
                    let entry = entries[Int(at)]
                    at = entry.next
                    let row = Int(entry.row)
                    if self.size(of: row) > size, let found = check(row, size, &probe) { return found }
                }
            }
        }
        return nil
    }

    /// Counts what a row shares, unless it was counted before or cannot be enough.
    private func check(_ row: Int, _ size: Int, _ probe: inout OverlapProbe) -> Overlap? {
        guard probe.isFirst(row) else { return nil }
        let wanted = (min(size, self.size(of: row)) + 1) / 2
        guard probe.values.count >= wanted, prints.mayShare(wanted, row, &probe) else { return nil }
        let shared = Shingles.shared(probe.values.span, values.span.extracting(set(of: row)))
        return shared >= wanted ? Overlap(row: row, shared: shared) : nil
    }
}

/// What one thread needs to ask an index; it may be used for any index and any state of it, one question after the other.
struct OverlapProbe: Sendable {
    /// The values of the set that some row has, in order, and their numbers.
    private(set) var values: [UInt64] = []
    private(set) var numbers: [Int] = []
    /// By row: the question in which it was counted last.
    private var asked: [UInt32] = []
    private var question: UInt32 = 0
    /// The fingerprint of `values`, once it was wanted.
    fileprivate var print: [UInt64] = []

    mutating func begin(rows: Int) {
        values.removeAll(keepingCapacity: true)
        numbers.removeAll(keepingCapacity: true)
        print.removeAll(keepingCapacity: true)
        if asked.count < rows { asked.append(contentsOf: repeatElement(0, count: rows - asked.count)) }
        if question == UInt32.max {
            asked = [UInt32](repeating: 0, count: asked.count)
            question = 0
        }
        question += 1
    }

    @inline(__always)
    mutating func found(_ value: UInt64, _ number: Int) {
        values.append(value)
        numbers.append(number)
    }

    /// Whether a row was not counted for this question yet; from now on it was.
    mutating func isFirst(_ row: Int) -> Bool {
        guard asked[row] != question else { return false }
        asked[row] = question
        return true
    }
}

/// A bitmap of each set, one bit for each value: a bit that one set has and the other has not is a value that they do not share.
///
/// It spares counting, it decides nothing: what it lets through is counted.
private struct SetPrints: Sendable {
    private static let words = 16
    private var bits: [UInt64] = []

    mutating func add(_ set: [UInt64]) { bits.append(contentsOf: SetPrints.bits(of: set)) }

    /// Whether so many of the values that were found may be in a row.
    func mayShare(_ wanted: Int, _ row: Int, _ probe: inout OverlapProbe) -> Bool {
        if probe.print.isEmpty { probe.print = SetPrints.bits(of: probe.values) }
        let mine = probe.print.span
        let theirs = bits.span.extracting(row &* SetPrints.words..<(row &+ 1) &* SetPrints.words)
        var missing = 0
        for word in 0..<SetPrints.words { missing &+= (mine[word] & ~theirs[word]).nonzeroBitCount }
        return probe.values.count &- missing >= wanted
    }

    private static func bits(of set: [UInt64]) -> [UInt64] {
        var out = [UInt64](repeating: 0, count: words)
        // Bits that neither the order of the set nor the place in the table follows from.
        for value in set { out[Int(value & 15)] |= 1 &<< (value &>> 4 & 63) }
        return out
    }
}
