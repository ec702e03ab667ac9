// SPDX-License-Identifier: Apache-2.0
import Separation

/// How near the nearest training row of each eval row is: what the gate has left.
///
/// For each eval row the largest share of the smaller view, and the largest Jaccard index, that any row of `train.jsonl` has with it, in
/// the view in which that is more. Counted exactly, of the eval rows that come first by keyed hash: as many as `DatasetLimits` and the
/// work that `NearestRows` allows itself let be.
enum NeighbourFigure {
    /// Buckets of 5 % below the gate's bar of 50 %.
    private static let buckets = 10

    /// Eval rows by bucket; none where a side has no rows.
    ///
    /// - Parameters:
    ///   - plan: the rows of both sides.
    ///   - spill: their traits.
    ///   - progress: told how many of the training rows were compared, every 1,000.
    /// - Returns: bars whose `count` is by share and whose `other` is by Jaccard index.
    /// - Throws: what the spill throws.
    static func bars(of plan: DatasetPlan, _ spill: TraitSpill, progress: (Int64, Int64) -> Void) throws -> [FigureBar] {
        let (eval, train) = (plan.rows[.eval] ?? [], plan.rows[.train] ?? [])
        guard !eval.isEmpty, !train.isEmpty else { return [] }
        var nearest = NearestRows()
        for row in eval.sorted(by: { ($0.offer.order, $0.id) < ($1.offer.order, $1.id) }).prefix(DatasetLimits.nearestRows) {
            guard nearest.add(try spill.read(row.traits)) else { break }
        }
        for (asked, row) in train.enumerated() {
            if asked % DatasetLimits.recordsPerReport == 0 { progress(Int64(asked), Int64(train.count)) }
            guard nearest.count > 0 else { break }
            nearest.compare(try spill.read(row.traits))
        }
        return bars(nearest.found)
    }

    private static func bars(_ found: [NearestRows.Found]) -> [FigureBar] {
        guard !found.isEmpty else { return [] }
        var counts = Array(repeating: (share: Int64(0), jaccard: Int64(0)), count: buckets + 2)
        for row in found {
            counts[bucket(row.share)].share += 1
            counts[bucket(row.jaccard)].jaccard += 1
        }
        // The last one is the proof of the others: nothing ever falls into it, and it is only shown where something does.
        let last = counts[buckets + 1]
        let shown = last.share + last.jaccard > 0 ? counts : counts.dropLast()
        return shown.enumerated().map { FigureBar(label($0), $1.share, other: $1.jaccard) }
    }

    private static func bucket(_ ratio: NearestRows.Ratio) -> Int {
        ratio.shared == 0 ? 0 : min(buckets, ratio.shared * 2 * buckets / ratio.size) + 1
    }

    private static func label(_ bucket: Int) -> String {
        switch bucket {
        case 0: "nothing"
        case buckets + 1: "50 % and more"
        default: "\((bucket - 1) * 5) to \(bucket * 5) %"
        }
    }
}
