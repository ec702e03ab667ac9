// SPDX-License-Identifier: Apache-2.0

/// Signatures of sets by 128 permutations, kept as 32 hashes of four values each: two sets of a Jaccard index `j` agree in at least
/// one of them with a probability of `1 - (1 - j^4)^32`, which is 0.9998 for 0.7.
///
/// The constants are fixed, so that a set has the same signature on every machine.
struct MinHash: Sendable {
    /// Half as many as there are permutations: each multiplication gives two, its product and that with its halves exchanged, whose
    /// order the lower half of the product decides.
    private let factors: [UInt64]
    private static let products = SeparationLimits.permutations / 2

    static let shared = MinHash()

    private init() {
        var state: UInt64 = 0x6D69_6E68_6173_6821
        factors = (0..<MinHash.products).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            // Odd, so that multiplying is a permutation.
            return SeparationHash.finish(state) | 1
        }
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
        let set = set.span
        var at = 0
        while at &+ 4 <= set.count {
            add((set[at], set[at &+ 1], set[at &+ 2], set[at &+ 3]), to: &least)
            at &+= 4
        }
        while at < set.count {
            add((set[at], set[at], set[at], set[at]), to: &least)
            at &+= 1
        }
    }

    @inline(__always)
    private func add(_ values: (UInt64, UInt64, UInt64, UInt64), to least: inout [UInt64]) {
        func turned(_ product: UInt64) -> UInt64 { product &<< 32 | product &>> 32 }
        let factors = factors.span
        var least = least.mutableSpan
        for place in 0..<MinHash.products {
            let factor = factors[place]
            let (a, b) = (values.0 &* factor, values.1 &* factor)
            let (c, d) = (values.2 &* factor, values.3 &* factor)
            least[place] = min(least[place], min(min(a, b), min(c, d)))
            let other = place &+ MinHash.products
            least[other] = min(least[other], min(min(turned(a), turned(b)), min(turned(c), turned(d))))
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
