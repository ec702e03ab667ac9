// SPDX-License-Identifier: Apache-2.0

/// Signatures of sets by 128 permutations, kept as 32 hashes of four values each: two sets of a Jaccard index `j` agree in at least
/// one of them with a probability of `1 - (1 - j^4)^32`, which is 0.9998 for 0.7.
///
/// The constants are fixed, so that a set has the same signature on every machine.
struct MinHash: Sendable {
    private let masks: [UInt64]
    private let factors: [UInt64]

    static let shared = MinHash()

    private init() {
        var state: UInt64 = 0x6D69_6E68_6173_6821
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            return SeparationHash.finish(state)
        }
        masks = (0..<SeparationLimits.permutations).map { _ in next() }
        // Odd, so that multiplying is a permutation.
        factors = (0..<SeparationLimits.permutations).map { _ in next() | 1 }
    }

    /// The signature of the empty set.
    var ofNothing: [UInt64] { [UInt64](repeating: UInt64.max, count: SeparationLimits.permutations) }

    /// The bands of a signature, appended.
    func appendBands(_ least: [UInt64], to out: inout [UInt32]) {
        for band in 0..<SeparationLimits.bands {
            let first = band * SeparationLimits.bandRows
            let hash = SeparationHash.run(least.span, from: first, count: SeparationLimits.bandRows)
            out.append(UInt32(truncatingIfNeeded: hash >> 32))
        }
    }

    /// Takes values into a signature: the least of every permutation stays; four values at a time.
    func add(_ set: [UInt64], to least: inout [UInt64]) {
        let (masks, factors, set) = (masks.span, factors.span, set.span)
        var least = least.mutableSpan
        var at = 0
        while at &+ 4 <= set.count {
            let (a, b, c, d) = (set[at], set[at &+ 1], set[at &+ 2], set[at &+ 3])
            for place in 0..<SeparationLimits.permutations {
                let (mask, factor) = (masks[place], factors[place])
                let left = min((a ^ mask) &* factor, (b ^ mask) &* factor)
                let right = min((c ^ mask) &* factor, (d ^ mask) &* factor)
                least[place] = min(least[place], min(left, right))
            }
            at &+= 4
        }
        while at < set.count {
            let value = set[at]
            for place in 0..<SeparationLimits.permutations {
                least[place] = min(least[place], (value ^ masks[place]) &* factors[place])
            }
            at &+= 1
        }
    }
}

/// The signatures of all rows in one view.
struct ViewSignatures: Sendable {
    /// 32 of each row, one row after another.
    private(set) var bands: [UInt32] = []
    /// Of the whole set: equal sets have equal ones.
    private(set) var wholes: [UInt64] = []
    /// Values of the set.
    private(set) var sizes: [UInt32] = []

    /// Appends a row, and gives its signature.
    ///
    /// - Parameters:
    ///   - set: the row's set.
    ///   - part: a part of the set whose signature is known, and that signature.
    /// - Returns: the signature of the set.
    mutating func append(_ set: [UInt64], knowing part: (set: [UInt64], least: [UInt64])? = nil) -> [UInt64] {
        var least = MinHash.shared.ofNothing
        if let part, let rest = Shingles.rest(of: set, without: part.set) {
            least = part.least
            MinHash.shared.add(rest, to: &least)
        } else {
            MinHash.shared.add(set, to: &least)
        }
        MinHash.shared.appendBands(least, to: &bands)
        wholes.append(SeparationHash.run(set.span, from: 0, count: set.count))
        sizes.append(UInt32(truncatingIfNeeded: set.count))
        return least
    }

    /// Appends the rows of others from one on.
    mutating func append(_ others: ViewSignatures, from row: Int = 0) {
        bands.append(contentsOf: others.bands[(row * SeparationLimits.bands)...])
        wholes.append(contentsOf: others.wholes[row...])
        sizes.append(contentsOf: others.sizes[row...])
    }

    mutating func reserve(_ rows: Int) {
        bands.reserveCapacity(rows * SeparationLimits.bands)
        wholes.reserveCapacity(rows)
        sizes.reserveCapacity(rows)
    }

    /// Whether two rows agree in a band before one.
    func agree(_ a: Int, _ b: Int, before band: Int) -> Bool {
        let (x, y) = (a &* SeparationLimits.bands, b &* SeparationLimits.bands)
        for place in 0..<band where bands[x &+ place] == bands[y &+ place] { return true }
        return false
    }

    /// Whether two sets may have a Jaccard index of 0.7, by their sizes.
    func mayBeNear(_ a: Int, _ b: Int) -> Bool {
        let (small, large) = (min(sizes[a], sizes[b]), max(sizes[a], sizes[b]))
        return Int(small) * 10 >= Int(large) * SeparationLimits.nearTenths
    }
}
