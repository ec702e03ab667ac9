// SPDX-License-Identifier: Apache-2.0

/// Joins the rows of one view that are near: every pair that agrees in a band is counted, unless the two are together already.
///
/// Pairs that agree in several bands are looked at in the first of them. Whether a pair was passed over because its rows were together
/// changes nothing of which rows end up together, so the order of all this does not matter.
struct CandidateSearch {
    private let signatures: ViewSignatures
    private let verifier: PairVerifier
    private let threads: Int
    /// Rows whose set is not empty, and one only of those with equal sets.
    private var rows: [UInt32] = []
    private var pairs: [RowPair] = []

    /// Pairs that are counted at once.
    private static let batch = 1 << 18

    init(signatures: ViewSignatures, verifier: PairVerifier, threads: Int) {
        self.signatures = signatures
        self.verifier = verifier
        self.threads = threads
    }

    /// Joins what is near.
    mutating func join(_ sets: inout LeastKeySets) throws(SeparationError) {
        try joinEqualSets(&sets)
        for turn in WorkShare.parts(of: SeparationLimits.bands, each: threads) {
            let (rows, signatures) = (rows, signatures)
            let sorted = WorkShare.map(turn.count, threads: threads) { at in
                CandidateSearch.sorted(rows, signatures, band: turn.lowerBound + at)
            }
            for (at, members) in sorted.enumerated() { try join(band: turn.lowerBound + at, members, &sets) }
        }
    }

    // MARK: Equal sets

    /// Joins rows with equal sets, and keeps one of them for the bands.
    private mutating func joinEqualSets(_ sets: inout LeastKeySets) throws(SeparationError) {
        var order = (0..<signatures.sizes.count).filter { signatures.sizes[$0] > 0 }
        let wholes = signatures.wholes
        order.sort { (wholes[$0], $0) < (wholes[$1], $1) }
        var pairs: [RowPair] = []
        var first = -1
        for row in order {
            if first >= 0, wholes[first] == wholes[row] {
                pairs.append(RowPair(a: UInt32(first), b: UInt32(row)))
            } else {
                first = row
                rows.append(UInt32(row))
            }
        }
        for part in WorkShare.parts(of: pairs.count, each: CandidateSearch.batch) {
            let batch = Array(pairs[part])
            for (pair, shared) in zip(batch, try verifier.shared(batch)) {
                let isEqual = shared == signatures.sizes[Int(pair.a)] && shared == signatures.sizes[Int(pair.b)]
                if isEqual { sets.unite(Int(pair.a), Int(pair.b)) } else { rows.append(pair.b) }
            }
        }
        rows.sort()
    }

    // MARK: Bands

    /// The rows of a band by its hash: the hash above, the row below.
    private static func sorted(_ rows: [UInt32], _ signatures: ViewSignatures, band: Int) -> [UInt64] {
        var members = rows.map { UInt64(signatures.bands[Int($0) * SeparationLimits.bands + band]) << 32 | UInt64($0) }
        RadixSort.sort(&members)
        return members
    }

    private mutating func join(band: Int, _ members: [UInt64], _ sets: inout LeastKeySets) throws(SeparationError) {
        // All with the first one, which joins most of what belongs together; then all that are still apart with one another.
        for isFirstPass in [true, false] {
            var start = 0
            while start < members.count {
                var end = start + 1
                while end < members.count, members[end] >> 32 == members[start] >> 32 { end += 1 }
                if end - start > 1 { try pairUp(band, members[start..<end], isFirstPass, &sets) }
                start = end
            }
            try verify(&sets)
        }
    }

    /// Lists the pairs of one hash that are to be counted.
    private mutating func pairUp(
        _ band: Int, _ members: ArraySlice<UInt64>, _ isFirstPass: Bool, _ sets: inout LeastKeySets
    ) throws(SeparationError) {
        var roots: [(root: Int, row: Int)] = members.map { member in
            let row = Int(member & 0xFFFF_FFFF)
            return (sets.root(of: row), row)
        }
        if isFirstPass {
            for other in roots.dropFirst() where other.root != roots[0].root {
                try list(roots[0].row, other.row, band, &sets)
            }
            return
        }
        roots.sort { ($0.root, $0.row) < ($1.root, $1.row) }
        guard let last = roots.last, roots[0].root != last.root else { return }
        let first = Int(members[members.startIndex] & 0xFFFF_FFFF)
        for at in roots.indices {
            for other in roots[(at + 1)...] where other.root != roots[at].root {
                if roots[at].row != first, other.row != first { try list(roots[at].row, other.row, band, &sets) }
            }
        }
    }

    private mutating func list(_ a: Int, _ b: Int, _ band: Int, _ sets: inout LeastKeySets) throws(SeparationError) {
        guard signatures.mayBeNear(a, b), !signatures.agree(a, b, before: band) else { return }
        guard sets.root(of: a) != sets.root(of: b) else { return }
        pairs.append(RowPair(a: UInt32(a), b: UInt32(b)))
        if pairs.count == CandidateSearch.batch { try verify(&sets) }
    }

    /// Counts the pairs that are listed, and joins those that are near.
    private mutating func verify(_ sets: inout LeastKeySets) throws(SeparationError) {
        guard !pairs.isEmpty else { return }
        for (pair, shared) in zip(pairs, try verifier.shared(pairs)) {
            let all = Int(signatures.sizes[Int(pair.a)]) + Int(signatures.sizes[Int(pair.b)]) - Int(shared)
            if Int(shared) * 10 >= all * SeparationLimits.nearTenths { sets.unite(Int(pair.a), Int(pair.b)) }
        }
        pairs.removeAll(keepingCapacity: true)
    }
}

/// Two rows.
struct RowPair: Sendable {
    let a: UInt32
    let b: UInt32
}

/// Counts what pairs of rows share in one view, on several threads.
struct PairVerifier: Sendable {
    let store: ShingleStore
    let boilerplate: Boilerplate
    let view: SeparationView
    let threads: Int

    /// Of each pair how many shingles both have.
    func shared(_ pairs: [RowPair]) throws(SeparationError) -> [UInt32] {
        let parts = WorkShare.parts(of: pairs.count, each: 1 << 11)
        let counted = WorkShare.map(parts.count, threads: threads) { part in count(pairs[parts[part]]) }
        var out: [UInt32] = []
        out.reserveCapacity(pairs.count)
        for part in counted { out.append(contentsOf: try part.get()) }
        return out
    }

    private func count(_ pairs: ArraySlice<RowPair>) -> Result<[UInt32], SeparationError> {
        let reader = ShingleReader(store, without: boilerplate)
        var out: [UInt32] = []
        var last: (row: UInt32, set: [UInt64])?
        do throws(SeparationError) {
            for pair in pairs {
                if last?.row != pair.a { last = (pair.a, try reader.shingles(of: Int(pair.a), view)) }
                let other = try reader.shingles(of: Int(pair.b), view)
                let mine = last?.set ?? []
                out.append(UInt32(truncatingIfNeeded: Shingles.shared(mine.span, other.span)))
            }
        } catch { return .failure(error) }
        return .success(out)
    }
}

/// Sorts words by their upper half; what is equal there stays in its order.
enum RadixSort {
    static func sort(_ words: inout [UInt64]) {
        var other = [UInt64](repeating: 0, count: words.count)
        for shift: UInt64 in [32, 43, 54] {
            pass(words.span, &other, shift, bits: shift == 54 ? 10 : 11)
            swap(&words, &other)
        }
    }

    private static func pass(_ source: Span<UInt64>, _ target: inout [UInt64], _ shift: UInt64, bits: Int) {
        let mask = UInt64(1) << UInt64(bits) - 1
        var places = [Int](repeating: 0, count: 1 << bits + 1)
        for at in 0..<source.count { places[Int(source[at] &>> shift & mask) + 1] += 1 }
        for at in 1..<places.count { places[at] += places[at - 1] }
        var target = target.mutableSpan
        for at in 0..<source.count {
            let digit = Int(source[at] &>> shift & mask)
            target[places[digit]] = source[at]
            places[digit] += 1
        }
    }
}
