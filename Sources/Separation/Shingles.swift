// SPDX-License-Identifier: Apache-2.0

/// Sets of hashes of runs: sorted, each value once.
enum Shingles {
    /// The shingles of a view: every run of five tokens; of one to four tokens the whole; of none nothing.
    static func set(of tokens: Span<UInt64>) -> [UInt64] {
        guard tokens.count > 0 else { return [] }
        return runs(of: tokens, length: min(tokens.count, SeparationLimits.shingleTokens))
    }

    /// The hashes of all runs of a length; none where there are fewer tokens.
    static func runs(of tokens: Span<UInt64>, length: Int) -> [UInt64] {
        var out = hashes(of: tokens, length: length)
        HashSort.sortUnique(&out)
        return out
    }

    /// The hashes of all runs of a length, in the order of the tokens.
    static func hashes(of tokens: Span<UInt64>, length: Int) -> [UInt64] {
        guard tokens.count >= length else { return [] }
        let count = tokens.count &- length &+ 1
        var out = [UInt64](repeating: 0, count: count)
        var target = out.mutableSpan
        for at in 0..<count { target[at] = SeparationHash.run(tokens, from: at, count: length) }
        return out
    }

    /// The shingles of a short text: every run of five scalars of it, or the whole of a shorter one; of another kind than those of
    /// tokens.
    static func characters(of text: [UInt8]) -> [UInt64] {
        let kind: UInt64 = 0x63_6861_7261_6374
        let scalars = String(decoding: text, as: UTF8.self).unicodeScalars.map { UInt64($0.value) ^ kind }
        guard !scalars.isEmpty else { return [] }
        return runs(of: scalars.span, length: min(scalars.count, SeparationLimits.shortShingleScalars))
    }

    /// What is left of a sorted set without another, or nil where that is no part of it.
    static func rest(of set: [UInt64], without part: [UInt64]) -> [UInt64]? {
        guard part.count <= set.count else { return nil }
        var rest: [UInt64] = []
        rest.reserveCapacity(set.count - part.count)
        var at = 0
        for value in set {
            if at < part.count, part[at] == value { at += 1 } else { rest.append(value) }
        }
        return at == part.count ? rest : nil
    }

    /// How many values two sorted sets have in common.
    ///
    /// - Complexity: O(n + m), in less where one is much smaller.
    static func shared(_ a: Span<UInt64>, _ b: Span<UInt64>) -> Int {
        if a.count > b.count { return shared(b, a) }
        if a.count &* 32 < b.count { return sharedByLeaps(a, b) }
        var (i, j, count) = (0, 0, 0)
        while i < a.count, j < b.count {
            let (x, y) = (a[i], b[j])
            count &+= x == y ? 1 : 0
            i &+= x <= y ? 1 : 0
            j &+= y <= x ? 1 : 0
        }
        return count
    }

    private static func sharedByLeaps(_ few: Span<UInt64>, _ many: Span<UInt64>) -> Int {
        var (low, count) = (0, 0)
        for at in 0..<few.count {
            low = HashSort.lowerBound(many, few[at], from: low)
            if low < many.count, many[low] == few[at] { count &+= 1 }
        }
        return count
    }
}

/// Sorting of hashes.
enum HashSort {
    /// Sorts, and leaves each value once: what is spread evenly goes to its place in two passes.
    static func sortUnique(_ values: inout [UInt64]) {
        let count = values.count
        guard count > 1 else { return }
        if count >= 48, let sorted = spread(values) { values = sorted } else { values.sort() }
        var kept = 1
        var span = values.mutableSpan
        for at in 1..<count where span[at] != span[at &- 1] {
            // Read before it is written over: `kept` never passes `at`.
            span[kept] = span[at]
            kept &+= 1
        }
        values.removeLast(count - kept)
    }

    /// Values sorted by the highest bits into as many places as there are values, then by insertion; nil where too many share their
    /// highest bits, as equal ones do.
    private static func spread(_ values: [UInt64]) -> [UInt64]? {
        let count = values.count
        let bits = UInt64(Int.bitWidth - (count - 1).leadingZeroBitCount - 1)
        let shift = 64 - bits
        var places = [UInt32](repeating: 0, count: 1 << Int(bits) + 1)
        var place = places.mutableSpan
        let source = values.span
        for at in 0..<count { place[Int(source[at] &>> shift) &+ 1] &+= 1 }
        var most: UInt32 = 0
        for at in 1..<place.count {
            most = max(most, place[at])
            place[at] &+= place[at &- 1]
        }
        guard most <= 32 else { return nil }
        var sorted = [UInt64](repeating: 0, count: count)
        var target = sorted.mutableSpan
        for at in 0..<count {
            let value = source[at]
            let bucket = Int(value &>> shift)
            target[Int(place[bucket])] = value
            place[bucket] &+= 1
        }
        insert(&target)
        return sorted
    }

    /// Insertion, for what is nearly in order.
    private static func insert(_ values: inout MutableSpan<UInt64>) {
        for at in 1..<values.count {
            let value = values[at]
            var to = at
            while to > 0, values[to &- 1] > value {
                values[to] = values[to &- 1]
                to &-= 1
            }
            values[to] = value
        }
    }

    /// The first place whose value is not below another.
    static func lowerBound(_ values: Span<UInt64>, _ wanted: UInt64, from start: Int = 0) -> Int {
        var (low, high) = (start, values.count)
        while low < high {
            let middle = low &+ (high &- low) / 2
            if values[middle] < wanted { low = middle &+ 1 } else { high = middle }
        }
        return low
    }
}
