// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Shingles that so many groups of one template have that they say nothing of a row; an immutable value.
struct Boilerplate: Sendable {
    /// Whatever is found to be boilerplate, by half of all keys.
    fileprivate(set) var tables: [HashTable]
    private let templates: [UInt64]

    /// No boilerplate.
    init(templates: [UInt64]) {
        self.templates = templates
        tables = (0..<BoilerplateCount.parts).map { _ in HashTable() }
    }

    /// How many there are.
    var count: Int { tables.reduce(0) { $0 + $1.count } }

    /// A row's shingles without those that are boilerplate.
    func removed(from set: [UInt64], row: Int) -> [UInt64] {
        guard count > 0 else { return set }
        let template = templates[row]
        return set.filter { value in
            let key = BoilerplateCount.key(value, template)
            return tables[BoilerplateCount.part(of: key)].number(of: key) < 0
        }
    }
}

/// Counts in how many groups of a template each shingle of the prompt view is.
///
/// First, while rows come, in a table of small counters that several shingles share: an upper bound. Then, of those shingles alone
/// whose counter is over the least bound, exactly, group by group. In two parts by the shingle's hash, which two threads do.
final class BoilerplateCount: Sendable {
    private final class Part: Sendable {
        let counts: Mutex<[UInt8]>

        init(count: Int) { counts = Mutex([UInt8](repeating: 0, count: count)) }
    }

    static let parts = 2
    private let counters: [Part]
    private let shift: UInt64

    /// - Parameter bits: of the number of counters in all; fewer only cost time.
    init(bits: Int) {
        let partBits = max(4, min(bits, 32) - 1)
        shift = UInt64(63 - partBits)
        counters = (0..<BoilerplateCount.parts).map { _ in Part(count: 1 << partBits) }
    }

    /// What a shingle is under a template; never 0.
    @inline(__always)
    static func key(_ shingle: UInt64, _ template: UInt64) -> UInt64 { SeparationHash.finish(shingle ^ template) }

    @inline(__always)
    static func part(of key: UInt64) -> Int { Int(truncatingIfNeeded: key & 1) }

    @inline(__always)
    private func counter(of key: UInt64) -> Int { Int(truncatingIfNeeded: key &>> (shift &+ 1)) }

    /// Counts rows in.
    func add(_ rows: [(views: GroupingViews, template: UInt64)], threads: Int) {
        _ = WorkShare.map(BoilerplateCount.parts, threads: threads) { part in
            self.counters[part].counts.withLock { counts in
                var counts = counts.mutableSpan
                for row in rows where !row.views.isPromptShort {
                    for value in row.views.prompt {
                        let key = BoilerplateCount.key(value, row.template)
                        guard BoilerplateCount.part(of: key) == part else { continue }
                        let at = self.counter(of: key)
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
        var found = Boilerplate(templates: templates)
        let order = groups.indices.map { UInt64(groups[$0]) << 32 | UInt64($0) }.sorted().map { Int($0 & 0xFFFF_FFFF) }
        let bounds = BoilerplateCount.bounds(order, groups, templates)
        guard !bounds.isEmpty else { return found }
        let tables = WorkShare.map(BoilerplateCount.parts, threads: threads) { part -> Result<HashTable, SeparationError> in
            do throws(SeparationError) {
                return .success(try self.count(part, store, order, groups, templates, bounds))
            } catch { return .failure(error) }
        }
        for (part, table) in tables.enumerated() { found.tables[part] = try table.get() }
        return found
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
    ) throws(SeparationError) -> HashTable {
        let reader = ShingleReader(store, without: Boilerplate(templates: templates))
        let upper = counters[part].counts.withLock { $0 }
        var counting = GroupCounting()
        for row in order where !store.places[row].isPromptShort {
            guard let bound = bounds[templates[row]] else { continue }
            for value in try reader.stored(row, .prompt) {
                let key = BoilerplateCount.key(value, templates[row])
                guard BoilerplateCount.part(of: key) == part else { continue }
                let most = upper[counter(of: key)]
                if most == 255 || UInt32(most) > bound { counting.add(key, group: groups[row], bound: bound) }
            }
        }
        return counting.overBound
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
        let (number, isNew) = table.insert(key)
        if isNew {
            counts.append(Count(key: key, bound: bound, lastGroup: group, groups: 1))
        } else if counts[number].lastGroup != group {
            counts[number].lastGroup = group
            counts[number].groups += 1
        }
    }

    /// The keys of more groups than their bound.
    var overBound: HashTable {
        var out = HashTable()
        for count in counts where count.groups > count.bound { _ = out.insert(count.key) }
        return out
    }
}
