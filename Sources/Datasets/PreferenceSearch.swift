// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// Finds pairs of a better and a worse answer to the same prompt: the better one is that of a training row.
///
/// The pairs are a property of the set of records, rows and feedback, not of any order. Of a prompt with very many answers the newest
/// `DatasetLimits.pairRecords` exchanges are looked at, and the first `DatasetLimits.pairsPerPrompt` pairs are kept.
struct PreferenceSearch {
    private let rules: PairRules
    private let corrections: CorrectionUse
    private let candidates: [Candidate]
    private let feedback: RowFeedback
    private let isContinued: [Bool]

    /// Two different answers to one prompt, by the points after them.
    private struct Answers: Hashable {
        let better: UInt32
        let worse: UInt32
        var turned: Answers { Answers(better: worse, worse: better) }
    }

    /// A search.
    ///
    /// - Parameters:
    ///   - recipe: its rules.
    ///   - candidates: all records that could be read.
    ///   - feedback: what was said of their answers.
    ///   - isContinued: by point, whether some prompt passes through it.
    init(recipe: DatasetRecipe, candidates: [Candidate], feedback: RowFeedback, isContinued: [Bool]) {
        rules = recipe.pairs
        corrections = recipe.feedback.corrections
        self.candidates = candidates
        self.feedback = feedback
        self.isContinued = isContinued
    }

    /// The pairs of training rows, by the rows' ids; of one row the strongest first.
    func pairs(of rows: [PlannedRow]) -> [ExchangeID: [PreferencePair]] {
        var byPrompt: [UInt32: (rows: [Candidate], records: [Candidate])] = [:]
        for row in rows {
            let own = candidates[Int(row.candidate)]
            byPrompt[own.prompt, default: ([], [])].rows.append(own)
        }
        for candidate in candidates where candidate.isKept { byPrompt[candidate.prompt]?.records.append(candidate) }
        var found: [ExchangeID: [PreferencePair]] = [:]
        for prompt in byPrompt.values {
            for pair in pairs(rows: prompt.rows, records: prompt.records) { found[pair.chosen, default: []].append(pair) }
        }
        return found
    }

    /// The pairs of one prompt, in order, at most `DatasetLimits.pairsPerPrompt`.
    private func pairs(rows: [Candidate], records: [Candidate]) -> [PreferencePair] {
        var found = rows.filter(isCorrected).map { PreferencePair(chosen: $0.id, rejected: $0.id, source: .correction) }
        if records.contains(where: { $0.end != records.first?.end }) {
            let newest = Array(records.sorted { $0.id < $1.id }.suffix(DatasetLimits.pairRecords))
            found += compared(rows, newest)
        }
        return Array(found.sorted(by: PreferenceSearch.isBefore).prefix(DatasetLimits.pairsPerPrompt))
    }

    private func isCorrected(_ row: Candidate) -> Bool {
        rules.sources.contains(.correction) && corrections == .answer && feedback.opinion(at: row.end)?.correction != nil
    }

    /// Pairs among the answers of different exchanges, by ascending id; what contradicts itself makes none.
    private func compared(_ rows: [Candidate], _ records: [Candidate]) -> [PreferencePair] {
        let evidence = PreferenceEvidence(
            rules: rules, records: records, opinion: feedback.opinion(at:), isContinued: { isContinued[Int($0)] })
        var found: [PreferencePair] = []
        for row in rows where feedback.mayBeChosen(row.end) {
            let sameTools = records.filter { $0.trail.offered == row.trail.offered }
            let strongest = strongest(sameTools, evidence, besides: row.end)
            for (answers, source) in strongest where answers.better == row.end {
                if let other = strongest[answers.turned], other.rank <= source.rank { continue }
                guard let worse = sameTools.first(where: { $0.end == answers.worse }) else { continue }
                found.append(PreferencePair(chosen: row.id, rejected: worse.id, source: source))
            }
        }
        return found
    }

    /// The strongest evidence between one answer and each other, both ways.
    private func strongest(
        _ records: [Candidate], _ evidence: PreferenceEvidence, besides end: UInt32
    ) -> [Answers: PairSource] {
        var strongest: [Answers: PairSource] = [:]
        for own in records where own.end == end {
            for other in records where other.end != end {
                for (better, worse) in [(own, other), (other, own)] {
                    guard let source = evidence.source(better, over: worse) else { continue }
                    let answers = Answers(better: better.end, worse: worse.end)
                    if let known = strongest[answers], known.rank <= source.rank { continue }
                    strongest[answers] = source
                }
            }
        }
        return strongest
    }

    private static func isBefore(_ a: PreferencePair, _ b: PreferencePair) -> Bool {
        guard a.source == b.source else { return a.source.rank < b.source.rank }
        return (b.rejected, a.chosen) < (a.rejected, b.chosen)
    }
}
