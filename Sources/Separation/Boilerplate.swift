// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Shingles that so many groups of one template have that they say nothing of a row; an immutable value.
struct Boilerplate: Sendable {
    private let table: HashTable
    private let templates: [UInt64]

    /// Boilerplate by the keys of its shingles.
    ///
    /// - Parameters:
    ///   - keys: what is boilerplate.
    ///   - templates: of each row its template.
    init(keys: [UInt64] = [], templates: [UInt64]) {
        // Sparse, so that most of what is no boilerplate is seen at the first look.
        var table = HashTable(expecting: keys.count * 4)
        for key in keys { _ = table.insert(key) }
        self.table = table
        self.templates = templates
    }

    /// How many there are.
    var count: Int { table.count }

    /// A row's shingles without those that are boilerplate.
    func removed(from set: [UInt64], row: Int) -> [UInt64] {
        guard table.count > 0 else { return set }
        let (template, values) = (templates[row], set.span)
        var kept = [UInt64](repeating: 0, count: set.count)
        var target = kept.mutableSpan
        var count = 0
        for at in 0..<values.count {
            let value = values[at]
            target[count] = value
            count &+= table.contains(BoilerplateCount.key(value, template)) ? 0 : 1
        }
        kept.removeLast(set.count - count)
        return kept
    }
}

/// Counts in how many groups of a template each shingle of the prompt view is.
///
/// First, while rows come, in a table of small counters that several shingles share: an upper bound. Then, of those shingles alone
/// whose counter is over the least bound, exactly, group by group. In two parts by the value of the shingle, which two threads do.
final class BoilerplateCount: Sendable {
    private final class Part: Sendable {
        let counts: Mutex<[UInt8]>

        init(count: Int) { counts = Mutex([UInt8](repeating: 0, count: count)) }
    }

    static let parts = 2
    private let counters: [Part]
    private let mask: UInt64

    /// - Parameter textBytes: of the rows, about. There is a counter for ten shingles, so that few of those are looked at twice that
    ///   are in one row only.
    init(expecting textBytes: Int) {
        let wanted = max(1, min(textBytes, 1 << 38)) / 60
        let bits = max(10, Int.bitWidth - wanted.leadingZeroBitCount)
        let partBits = bits - 1
        mask = UInt64(1) << UInt64(partBits) - 1
        counters = (0..<BoilerplateCount.parts).map { _ in Part(count: 1 << partBits) }
    }

    /// What a shingle is under a template, whose bits are spread; never 0.
    @inline(__always)
    static func key(_ shingle: UInt64, _ template: UInt64) -> UInt64 {
        let key = shingle ^ template
        return key == HashTable.free ? 1 : key
    }

    /// Which shingles of a sorted set a part counts, whatever their template: those in the lower or the upper half of all values.
    private static func share(of set: Span<UInt64>, _ part: Int) -> Range<Int> {
        let middle = HashSort.lowerBound(set, 1 << 63)
        return part == 0 ? 0..<middle : middle..<set.count
    }

    @inline(__always)
    private func counter(of key: UInt64) -> Int { Int(truncatingIfNeeded: key &>> 8 & mask) }

    /// Counts rows in.
    func add(_ rows: [(views: GroupingViews, template: UInt64)], threads: Int) {
        _ = WorkShare.map(BoilerplateCount.parts, threads: threads) { part in
            self.counters[part].counts.withLock { counts in
                var counts = counts.mutableSpan
                for row in rows where !row.views.isPromptShort {
                    let set = row.views.prompt.span
                    for place in BoilerplateCount.share(of: set, part) {
                        let at = self.counter(of: BoilerplateCount.key(set[place], row.template))
                        let count = counts[at]
                        counts[at] = count &+ (count == 255 ? 0 : 1)
                    }
                }
            }
            return true
        }
    }

    /// The boilerplate of all rows.
    ///
    /// - Parameters:
    ///   - store: all rows that were counted.
    ///   - groups: of each row its group.
    ///   - templates: of each row its template.
    ///   - threads: at most so many work.
    /// - Returns: what is boilerplate in which template.
    /// - Throws: `SeparationError` with `spillFailed`.
    func boilerplate(
        _ store: ShingleStore, groups: [UInt32], templates: [UInt64], threads: Int
    ) throws(SeparationError) -> Boilerplate {
        let order = groups.indices.map { UInt64(groups[$0]) << 32 | UInt64($0) }.sorted().map { Int($0 & 0xFFFF_FFFF) }
        let bounds = BoilerplateCount.bounds(order, groups, templates)
        guard !bounds.isEmpty else { return Boilerplate(templates: templates) }
        let found = WorkShare.map(BoilerplateCount.parts, threads: threads) { part -> Result<[UInt64], SeparationError> in
            do throws(SeparationError) {
                return .success(try self.count(part, store, order, groups, templates, bounds))
            } catch { return .failure(error) }
        }
        var keys: [UInt64] = []
        for part in found { keys += try part.get() }
        return Boilerplate(keys: keys, templates: templates)
    }

    /// By template: more groups than this make boilerplate; templates of too few groups to have any are left out.
    private static func bounds(_ order: [Int], _ groups: [UInt32], _ templates: [UInt64]) -> [UInt64: UInt32] {
        var seen: [UInt64: (group: UInt32, count: UInt32)] = [:]
        for row in order {
            let known = seen[templates[row]]
            if let known, known.group == groups[row] { continue }
            seen[templates[row]] = (groups[row], (known?.count ?? 0) + 1)
        }
        let least = UInt32(SeparationLimits.boilerplateGroups)
        return seen.compactMapValues { $0.count > least ? max(least, $0.count / UInt32(SeparationLimits.boilerplateShare)) : nil }
    }

    private func count(
        _ part: Int, _ store: ShingleStore, _ order: [Int], _ groups: [UInt32], _ templates: [UInt64], _ bounds: [UInt64: UInt32]
    ) throws(SeparationError) -> [UInt64] {
        let reader = ShingleReader(store, without: Boilerplate(templates: templates))
        let upper = counters[part].counts.withLock { $0 }
        var counting = GroupCounting()
        for row in order where !store.places[row].isPromptShort {
            guard let bound = bounds[templates[row]] else { continue }
            let set = try reader.stored(row, .prompt)
            for key in suspects(set.span, part, templates[row], bound, upper.span) {
                counting.add(key, group: groups[row], bound: bound)
            }
        }
        return counting.overBound
    }

    /// The keys of shingles whose counters are over the bound; all counters are asked for first, since most are far away.
    private func suspects(
        _ set: Span<UInt64>, _ part: Int, _ template: UInt64, _ bound: UInt32, _ upper: Span<UInt8>
    ) -> [UInt64] {
        let bound = UInt8(truncatingIfNeeded: min(bound, 254))
        let share = BoilerplateCount.share(of: set, part)
        var keys = [UInt64](repeating: 0, count: share.count)
        var target = keys.mutableSpan
        var count = 0
        for at in share {
            let key = BoilerplateCount.key(set[at], template)
            target[count] = key
            // A counter that is full may stand for any number.
            count &+= upper[counter(of: key)] > bound ? 1 : 0
        }
        keys.removeLast(share.count - count)
        return keys
    }
}

/// Counts groups by key; the groups come one after the other.
private struct GroupCounting {
    private struct Count {
        let key: UInt64
        let bound: UInt32
        var lastGroup: UInt32
        var groups: UInt32
    }

    private var table = HashTable()
    private var counts: [Count] = []

    mutating func add(_ key: UInt64, group: UInt32, bound: UInt32) {
        // Keys of one part are of one half of all values: spread again.
        let (number, isNew) = table.insert(SeparationHash.finish(key))
        if isNew {
            counts.append(Count(key: key, bound: bound, lastGroup: group, groups: 1))
        } else if counts[number].lastGroup != group {
            counts[number].lastGroup = group
            counts[number].groups += 1
        }
    }

    /// The keys of more groups than their bound.
    var overBound: [UInt64] { counts.filter { $0.groups > $0.bound }.map(\.key) }
}
