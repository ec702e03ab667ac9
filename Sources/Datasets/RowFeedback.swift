// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel

/// What feedback says of rows: of their own answers, and of the earlier answers that they hold.
struct RowFeedback {
    private let rules: FeedbackRules
    private let survey: Survey
    private let feedback: FeedbackSurvey

    init(rules: FeedbackRules, survey: Survey, feedback: FeedbackSurvey) {
        self.rules = rules
        self.survey = survey
        self.feedback = feedback
    }

    /// What was said of the answer that ends at a point.
    func opinion(at end: UInt32) -> AnswerOpinion? { feedback.opinions[end] }

    /// How many exchanges were called bad or corrected, of those whose answers lie in the row and of those with the same prompt.
    func badCount(_ candidate: Candidate) -> Int64 {
        guard !feedback.badAnswers.isEmpty else { return 0 }
        var count = feedback.badPrompts[candidate.prompt] ?? 0
        var point = candidate.prompt
        while point != ConversationTrie.root {
            count += feedback.badAnswers[point] ?? 0
            point = survey.trie.parents[Int(point)]
        }
        return count
    }

    /// Whether the row has only scores that are too low to be trained on.
    ///
    /// Its own and its earlier answers count; a row whose own answer is replaced by a correction is good.
    func isLow(_ candidate: Candidate) -> Bool {
        guard rules.minimumMillionths != nil, !feedback.opinions.isEmpty else { return false }
        if rules.corrections == .answer, opinion(at: candidate.end)?.correction != nil { return false }
        var found = false
        var point = candidate.end
        while point != ConversationTrie.root {
            if let score = opinion(at: point)?.score {
                guard rules.isLow(score.value) else { return false }
                found = true
            }
            point = survey.trie.parents[Int(point)]
        }
        return found
    }

    /// The corrections that the row's answer may be replaced by.
    ///
    /// - Parameters:
    ///   - row: planned.
    ///   - frozen: the hash of the row's bytes, where an earlier version has it in eval.
    /// - Returns: nil where its answer stays.
    func correction(of row: PlannedRow, frozen: LedgerDigest?) -> RowCorrection? {
        let end = survey.candidates[Int(row.candidate)].end
        if row.side == .eval, let frozen {
            let places = (feedback.everCorrected[end] ?? []).reversed().map(\.place)
            return places.isEmpty
                ? nil : RowCorrection(places: places, frozen: frozen, newest: opinion(at: end)?.correction?.place)
        }
        guard row.side == .eval || rules.corrections == .answer, let newest = opinion(at: end)?.correction else { return nil }
        return RowCorrection(places: [newest.place], frozen: nil, newest: newest.place)
    }

    /// Whether an answer may be the better one of a pair: nobody called it bad, and it is not known to be wrong as it will be written.
    func mayBeChosen(_ end: UInt32) -> Bool {
        guard let opinion = opinion(at: end) else { return true }
        if opinion.score.map({ rules.isBad($0.value) }) == true { return false }
        return opinion.correction == nil || rules.corrections == .answer
    }
}

/// What may replace the recorded answer of one row.
struct RowCorrection {
    /// The newest first.
    let places: [CorrectionSpill.Place]
    /// What the row was when it entered eval: it stays so, whatever was said of it since.
    let frozen: LedgerDigest?
    /// What counts now, where nothing gives the bytes that the row had.
    let newest: CorrectionSpill.Place?
}

/// Puts corrections in the place of recorded answers.
struct RowCorrections {
    let spill: CorrectionSpill
    let rows: [ExchangeID: RowCorrection]

    /// The answer that a row holds.
    ///
    /// An eval row of an earlier version holds what gives the bytes that it then had: the recorded answer, or one of the corrections.
    /// - Parameters:
    ///   - id: the row's exchange.
    ///   - recorded: the exchange's own answer.
    ///   - redact: is given each correction before it is used.
    ///   - encode: the bytes that a row with an answer may have had when it entered eval.
    /// - Returns: the recorded answer, or a correction in its form.
    /// - Throws: `PlatformError`, or `DatasetError` `.sourceChanged` where the spill gives something else than it was given.
    func answer(
        of id: ExchangeID, recorded: CanonicalAnswer, redact: (inout CanonicalTurn) -> Void,
        encode: (CanonicalAnswer) -> [[UInt8]]
    ) throws -> CanonicalAnswer {
        guard let row = rows[id] else { return recorded }
        guard let frozen = row.frozen else {
            guard let newest = row.places.first else { return recorded }
            return try corrected(recorded, by: newest, of: id, redact)
        }
        func isFrozen(_ answer: CanonicalAnswer) -> Bool { encode(answer).contains { LedgerDigest(hashing: $0) == frozen } }
        if isFrozen(recorded) { return recorded }
        for place in row.places {
            let answer = try corrected(recorded, by: place, of: id, redact)
            if isFrozen(answer) { return answer }
        }
        return try row.newest.map { try corrected(recorded, by: $0, of: id, redact) } ?? recorded
    }

    private func corrected(
        _ recorded: CanonicalAnswer, by place: CorrectionSpill.Place, of id: ExchangeID, _ redact: (inout CanonicalTurn) -> Void
    ) throws -> CanonicalAnswer {
        guard var turn = try spill.read(place) else {
            throw DatasetError(
                .sourceChanged, subject: id.description,
                "The correction of \(id) could not be read back from the build's own directory: build again, and look at the disk."
            )
        }
        redact(&turn)
        guard TurnChain.canonicalBytes(turn) != TurnChain.canonicalBytes(recorded.turn) else { return recorded }
        var answer = recorded
        answer.turn = turn
        answer.changes = .answerCorrected
        return answer
    }
}
