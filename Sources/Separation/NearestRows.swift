// SPDX-License-Identifier: Apache-2.0

/// For each of some rows, how near the nearest of many others is: counted, not guessed.
///
/// Holds the rows' shingles by value; every other row is then counted against those that share any of its own. Where that would be more
/// than `visits` meetings of a shingle with a row, the second half of the rows is given up, and again: what is left is exact, and which
/// rows are left follows from the rows and the order of the others alone. The work is at most `visits` times the number of halvings.
package struct NearestRows: Sendable {
    /// A part of a whole.
    package struct Ratio: Equatable, Sendable {
        /// Shingles in common.
        package var shared = 0
        /// Shingles that might have been.
        package var size = 1

        /// Keeps the larger one.
        mutating func raise(_ shared: Int, of size: Int) {
            if shared * self.size > self.shared * size { (self.shared, self.size) = (shared, size) }
        }
    }

    /// What was found for a row.
    package struct Found: Equatable, Sendable {
        /// The largest share of the smaller set.
        package fileprivate(set) var share = Ratio()
        /// The largest Jaccard index; may be with another row.
        package fileprivate(set) var jaccard = Ratio()
    }

    private let visits: Int
    private var left: Int
    private var views = [ViewRows(), ViewRows()]
    private var best: [Found] = []
    private var counts: [UInt32] = []
    /// How many rows are still looked at: the first ones.
    package private(set) var count = 0

    /// No rows.
    ///
    /// - Parameter visits: meetings of a shingle with a row before half of the rows is given up.
    package init(visits: Int = SeparationLimits.nearestVisits) {
        self.visits = visits
        left = visits
    }

    /// Takes a row to look for, before any other is compared.
    ///
    /// - Returns: whether it was taken: there is room for `SeparationLimits.nearestShingles` of them.
    package mutating func add(_ row: SeparationTraits) -> Bool {
        for (place, view) in SeparationView.allCases.enumerated() {
            guard views[place].hasRoom(for: row.shingles(view).count) else { return false }
        }
        for (place, view) in SeparationView.allCases.enumerated() { views[place].add(row.shingles(view)) }
        best.append(Found())
        counts.append(0)
        count += 1
        return true
    }

    /// Compares another row with all that are looked for.
    package mutating func compare(_ row: SeparationTraits) {
        for (place, view) in SeparationView.allCases.enumerated() {
            views[place].seal()
            compare(row.shingles(view), views[place])
        }
    }

    /// What was found, for the first `count` rows in their order.
    package var found: [Found] { Array(best.prefix(count)) }

    private mutating func compare(_ set: [UInt64], _ view: ViewRows) {
        var touched: [Int] = []
        for value in set {
            for owner in view.rows(of: value) {
                let row = Int(owner)
                guard row < count else { break }
                left -= 1
                if counts[row] == 0 { touched.append(row) }
                counts[row] += 1
            }
            if left < 0 {
                count /= 2
                left = visits
            }
        }
        for row in touched {
            let (shared, size) = (Int(counts[row]), view.sizes[row])
            counts[row] = 0
            best[row].share.raise(shared, of: min(size, set.count))
            best[row].jaccard.raise(shared, of: size + set.count - shared)
        }
    }
}

/// Rows by the values of one view.
private struct ViewRows: Sendable {
    private var table = HashTable()
    /// Before sealing: the number of a value and the row that has it, in the order of the rows.
    private var numbers: [UInt32] = []
    private var owners: [UInt32] = []
    /// After: where the rows of each value begin, one more for the end.
    private var starts: [UInt32] = []
    private(set) var sizes: [Int] = []

    func hasRoom(for values: Int) -> Bool { owners.count + values <= SeparationLimits.nearestShingles }

    mutating func add(_ set: [UInt64]) {
        for value in set {
            numbers.append(UInt32(table.insert(value).number))
            owners.append(UInt32(sizes.count))
        }
        sizes.append(set.count)
    }

    /// Sorts the rows by value, each value's in their order.
    mutating func seal() {
        guard starts.isEmpty else { return }
        starts = Array(repeating: 0, count: table.count + 1)
        for number in numbers { starts[Int(number) + 1] += 1 }
        for number in 0..<table.count { starts[number + 1] += starts[number] }
        var next = starts
        var sorted = [UInt32](repeating: 0, count: owners.count)
        for (number, owner) in zip(numbers, owners) {
            sorted[Int(next[Int(number)])] = owner
            next[Int(number)] += 1
        }
        (owners, numbers) = (sorted, [])
    }

    /// The rows that have a value, in their order.
    func rows(of value: UInt64) -> ArraySlice<UInt32> {
        let number = table.number(of: value)
        return number < 0 ? [] : owners[Int(starts[number])..<Int(starts[number + 1])]
    }
}
