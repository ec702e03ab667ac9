// SPDX-License-Identifier: Apache-2.0
import Separation
import Testing

/// The nearest other row against asking every one.
@Suite struct NearestRowsTests {
    private static func largest(_ row: OracleRow, _ others: [OracleRow], jaccard: Bool) -> (shared: Int, size: Int) {
        var best = (shared: 0, size: 1)
        for other in others {
            for view in SeparationView.allCases {
                let (shared, first, second) = row.overlap(other, view)
                let size = jaccard ? first + second - shared : min(first, second)
                if shared * best.size > best.shared * size { best = (shared, size) }
            }
        }
        return best
    }

    private static func equal(_ found: NearestRows.Ratio, _ wanted: (shared: Int, size: Int)) -> Bool {
        found.shared * wanted.size == wanted.shared * found.size
    }

    @Test(arguments: [(1, 6, 8), (2, 12, 12), (3, 200, 40)] as [(UInt64, Int, Int)])
    func agreesWithAskingEveryRow(seed: UInt64, words: Int, pieces: Int) {
        var made = MadeUpRows(seed: seed, words: words, pieces: pieces)
        let rows = (0..<40).map { _ in made.row() }
        let others = (0..<60).map { _ in made.row() }
        var nearest = NearestRows()
        for row in rows where !nearest.add(row.traits) { Issue.record("there is room for all") }
        for other in others { nearest.compare(other.traits) }
        #expect(nearest.found.count == rows.count)
        #expect(nearest.found.contains { $0.share.shared > 0 })
        for (row, found) in zip(rows, nearest.found) {
            #expect(Self.equal(found.share, Self.largest(row, others, jaccard: false)))
            #expect(Self.equal(found.jaccard, Self.largest(row, others, jaccard: true)))
        }
    }

    @Test func givesUpRowsAndStaysExactWhereThereIsTooMuchToCount() {
        var made = MadeUpRows(seed: 5, words: 6, pieces: 8)
        let rows = (0..<64).map { _ in made.row() }
        let others = (0..<60).map { _ in made.row() }
        var counts: Set<Int> = []
        for visits in [50, 400, 3_000, 1 << 20] {
            var nearest = NearestRows(visits: visits)
            for row in rows { _ = nearest.add(row.traits) }
            for other in others { nearest.compare(other.traits) }
            counts.insert(nearest.count)
            #expect(nearest.found.count == nearest.count)
            for (row, found) in zip(rows, nearest.found) {
                #expect(Self.equal(found.share, Self.largest(row, others, jaccard: false)))
            }
        }
        #expect(counts.contains(64) && counts.contains { (1...32).contains($0) })
    }
}
