// SPDX-License-Identifier: Apache-2.0

/// Which of two answers to one prompt is better, and by what it is known.
///
/// Answers that offered other tools are never held against each other.
struct PreferenceEvidence {
    private let rules: PairRules
    /// What was said of the answer at a point.
    private let opinion: (UInt32) -> AnswerOpinion?
    /// Whether a conversation went on from the answer at a point.
    private let isContinued: (UInt32) -> Bool
    /// The newest exchange of each caller.
    private let newest: [UInt64: Candidate]

    /// Evidence of exchanges with the same prompt, which are given by ascending id.
    init(
        rules: PairRules, records: [Candidate], opinion: @escaping (UInt32) -> AnswerOpinion?,
        isContinued: @escaping (UInt32) -> Bool
    ) {
        self.rules = rules
        self.opinion = opinion
        self.isContinued = isContinued
        newest = Dictionary(records.map { (PreferenceEvidence.asker($0), $0) }, uniquingKeysWith: { $1 })
    }

    /// The strongest that says that one answer is better than another; nil where nothing does.
    func source(_ better: Candidate, over worse: Candidate) -> PairSource? {
        guard better.end != worse.end, better.trail.offered == worse.trail.offered else { return nil }
        return PairSource.allCases.first { rules.sources.contains($0) && says($0, better, worse) }
    }

    private func says(_ source: PairSource, _ better: Candidate, _ worse: Candidate) -> Bool {
        switch source {
        // A correction is no answer of another exchange's.
        case .correction: false
        case .feedback: isScoredHigher(better, worse)
        case .regeneration: isLastOfRegenerations(better, worse)
        case .fallback: rules.isFallbackChosen ? isFallback(better, of: worse) : isFallback(worse, of: better)
        }
    }

    private func isScoredHigher(_ better: Candidate, _ worse: Candidate) -> Bool {
        guard let high = opinion(better.end)?.score, let low = opinion(worse.end)?.score else { return false }
        return high.source == low.source && high.value > low.value
    }

    /// Whether a caller had the one answer, asked again within an hour, and never again after the other.
    ///
    /// An answer from which a conversation went on was good enough for somebody.
    private func isLastOfRegenerations(_ last: Candidate, _ earlier: Candidate) -> Bool {
        guard newest[PreferenceEvidence.asker(last)]?.id == last.id,
            PreferenceEvidence.asker(last) == PreferenceEvidence.asker(earlier), !isContinued(earlier.end),
            last.startedMs >= earlier.startedMs
        else { return false }
        let between = last.startedMs - earlier.startedMs
        return between >= UInt64(earlier.trail.tookMs) && between <= DatasetLimits.regenerationMs
    }

    private func isFallback(_ fallback: Candidate, of primary: Candidate) -> Bool {
        fallback.trail.isFallback && !primary.trail.isFallback && primary.trail.last == fallback.trail.first
    }

    /// Who asked, with which tools.
    private static func asker(_ record: Candidate) -> UInt64 {
        UInt64(record.trail.caller) << 32 | UInt64(record.trail.offered)
    }
}
