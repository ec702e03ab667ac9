// SPDX-License-Identifier: Apache-2.0

/// The runs of tokens of many rows, for the strict rule (G4).
///
/// A row is covered by another where at least half of its tokens lie in runs of eight that the other has too. Of each row only some
/// runs are listed: so many, the rarest first, that all others together cover less than half of it. Whoever covers half of it has
/// one of those listed; what all rows have in common is listed of few. Every row found is counted exactly.
struct RunIndex: Sendable {
    private struct Entry {
        let row: UInt32
        let next: UInt32
    }

    private static let none = UInt32.max
    private var long = HashTable()
    /// By long run: the first row that has it, and how many different ones have it.
    private var longRows: [(row: UInt32, count: UInt32)] = []
    /// Rows by all that is said in them: one that is there again, as in the next version of an eval set, makes no run more frequent.
    private var chains = DigestTable()
    private var cover = HashTable()
    /// By covering run: how many rows have it, and the first entry.
    private var coverCounts: [UInt32] = []
    private var coverHeads: [UInt32] = []
    private var entries: [Entry] = []
    /// The covering runs of each row in the order of its tokens, one after another, and where each row begins.
    private var runs: [UInt64] = []
    private var starts: [Int] = [0]
    private var tokenCounts: [Int] = []

    /// Takes a row in; equal chains are one row where rows are counted.
    mutating func add(_ tokens: [UInt64], of chain: SeparationDigest) {
        let row = UInt32(tokenCounts.count)
        let isKnown = chains.row(of: chain) != nil
        if !isKnown { chains.insert(chain, row: Int(row)) }
        for run in Shingles.runs(of: tokens.span, length: SeparationLimits.longRunTokens) {
            let (number, isNew) = long.insert(run)
            if isNew { longRows.append((row, 0)) }
            if isNew || !isKnown { longRows[number].count += 1 }
        }
        let hashes = Shingles.hashes(of: tokens.span, length: SeparationLimits.coverTokens)
        for number in listed(hashes, tokenCount: tokens.count) {
            entries.append(Entry(row: row, next: coverHeads[number]))
            coverHeads[number] = UInt32(entries.count - 1)
        }
        runs.append(contentsOf: hashes)
        starts.append(runs.count)
        tokenCounts.append(tokens.count)
    }

    /// Counts a row's runs, and chooses those that are listed: numbers, each once.
    private mutating func listed(_ hashes: [UInt64], tokenCount: Int) -> [Int] {
        let numbers = hashes.map { number(of: $0) }
        var places: [Int: [Int]] = [:]
        for (place, number) in numbers.enumerated() { places[number, default: []].append(place) }
        for number in places.keys { coverCounts[number] += 1 }
        let commonFirst = places.keys.sorted { (coverCounts[$0], $0) > (coverCounts[$1], $1) }
        var isCovered = [Bool](repeating: false, count: tokenCount)
        var covered = 0
        for (position, number) in commonFirst.enumerated() {
            for place in places[number] ?? [] {
                for token in place..<place + SeparationLimits.coverTokens where !isCovered[token] {
                    isCovered[token] = true
                    covered += 1
                }
            }
            if covered * 2 >= tokenCount { return Array(commonFirst[position...]) }
        }
        return []
    }

    private mutating func number(of run: UInt64) -> Int {
        let (number, isNew) = cover.insert(run)
        if isNew {
            coverCounts.append(0)
            coverHeads.append(RunIndex.none)
        }
        return number
    }

    /// The row of a long run that is in at most ten different rows and among these tokens, or nil.
    func longRun(in tokens: [UInt64]) -> Int? {
        for run in Shingles.hashes(of: tokens.span, length: SeparationLimits.longRunTokens) {
            let number = long.number(of: run)
            if number >= 0, longRows[number].count <= SeparationLimits.longRunRows { return Int(longRows[number].row) }
        }
        return nil
    }

    /// A row of whose tokens at least half lie in runs of these tokens, and how many do, or nil.
    func coveredRow(by tokens: [UInt64], using probe: inout OverlapProbe) -> (row: Int, covered: Int)? {
        probe.begin(rows: tokenCounts.count)
        let mine = Shingles.runs(of: tokens.span, length: SeparationLimits.coverTokens)
        for run in mine {
            let number = cover.number(of: run)
            guard number >= 0 else { continue }
            var at = coverHeads[number]
            while at != RunIndex.none {
                let entry = entries[Int(at)]
                at = entry.next
                let row = Int(entry.row)
                guard probe.isFirst(row) else { continue }
                let covered = covered(row, by: mine.span)
                if covered * 2 >= tokenCounts[row] { return (row, covered) }
            }
        }
        return nil
    }

    /// How many tokens a row has.
    func tokenCount(of row: Int) -> Int { tokenCounts[row] }

    /// How many tokens of a row lie in runs of a sorted set.
    private func covered(_ row: Int, by set: Span<UInt64>) -> Int {
        let runs = runs.span.extracting(starts[row]..<starts[row + 1])
        var (covered, end) = (0, 0)
        for place in 0..<runs.count {
            let at = HashSort.lowerBound(set, runs[place])
            guard at < set.count, set[at] == runs[place] else { continue }
            covered += place + SeparationLimits.coverTokens - max(end, place)
            end = place + SeparationLimits.coverTokens
        }
        return covered
    }
}
