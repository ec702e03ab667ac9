// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// What the report counts of a plan.
extension DatasetPlan {
    /// The counts, without what only the last pass knows.
    var report: DatasetReport {
        let train = Int64(rows[.train]?.count ?? 0)
        let eval = Int64(rows[.eval]?.count ?? 0)
        let drops = DropReason.allCases.compactMap { reason in dropped[reason].map { (reason: reason, count: $0) } }
            .sorted { $0.reason.rawValue.utf8.lexicographicallyPrecedes($1.reason.rawValue.utf8) }
        let late: [DropReason] = [
            .superseded, .duplicateConversation, .overLimit, .overGroupLimit, .tooShortForEval, .tooLongForEval, .groupOfEval,
            .lowFeedback, .nearTrained, .nearEval,
        ]
        let carried = Int64(carried.count)
        let kept = train + eval - carried + late.reduce(0) { $0 + (dropped[$1] ?? 0) }
        let (trainGroups, evalGroups) = (groupCount(.train), groupCount(.eval))
        return DatasetReport(
            seen: seen, kept: kept, conversations: conversationCount, groups: trainGroups + evalGroups, trainGroups: trainGroups,
            evalGroups: evalGroups, trainRows: train, evalRows: eval, largestGroup: largestGroup, drops: drops, files: [],
            warnings: warnings, manifestSHA256: "", carriedRows: carried)
    }

    /// Training rows, and beside it eval rows, by tokens of their prompts.
    var lengths: [FigureBar] {
        var counts = Array(repeating: (train: Int64(0), eval: Int64(0)), count: DoublingBuckets.tokenBounds.count + 1)
        for row in rows.values.joined() {
            let bucket = DoublingBuckets.index(of: row.promptTokens)
            if row.side == .train { counts[bucket].train += 1 } else { counts[bucket].eval += 1 }
        }
        // Empty buckets at either end say nothing.
        let filled = counts.indices.filter { counts[$0].train + counts[$0].eval > 0 }
        guard let first = filled.first, let last = filled.last else { return [] }
        return (first...last).map { FigureBar(DoublingBuckets.label($0), counts[$0].train, other: counts[$0].eval) }
    }

    /// Eval rows by hardness, in tenths.
    var hardness: [FigureBar] {
        var counts = Array(repeating: Int64(0), count: 10)
        for row in rows[.eval] ?? [] { counts[Int(min(9, row.offer.hardness / 100_000))] += 1 }
        return counts.enumerated().map { FigureBar("0.\($0) to \($0 == 9 ? "1" : "0.\($0 + 1)")", $1) }
    }
}
