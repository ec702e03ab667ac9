// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import Crypto
import ExchangeModel
import Platform

/// What decides which of several pieces of feedback counts: the later, of one time that with the greater id.
struct FeedbackStamp: Comparable {
    let atUs: Int64
    let id: ExchangeID

    init(_ piece: Feedback) {
        atUs = piece.atUs
        id = piece.id
    }

    static func < (a: FeedbackStamp, b: FeedbackStamp) -> Bool { (a.atUs, a.id) < (b.atUs, b.id) }
}

/// What counts of all that was said of one answer.
struct AnswerOpinion {
    struct Score {
        let value: Double
        /// A hash of the source's name: only scores of one source are held against each other.
        let source: UInt64
        let stamp: FeedbackStamp
    }

    struct Correction {
        let place: CorrectionSpill.Place
        let stamp: FeedbackStamp
    }

    var score: Score?
    var correction: Correction?

    /// Takes what was said of the same answer elsewhere; the newest counts, of scores and of corrections.
    mutating func merge(_ other: AnswerOpinion) {
        if let new = other.score, score.map({ $0.stamp < new.stamp }) ?? true { score = new }
        if let new = other.correction, correction.map({ $0.stamp < new.stamp }) ?? true { correction = new }
    }
}

/// Reads the feedback about all exchanges that may become rows: one small entry an answer in memory, corrections on disk.
///
/// Of one exchange and one source the latest piece counts, by time and then by id, whole: it takes back what the source said before. Of
/// several sources, and of several exchanges with the same prompt and answer, the newest score and the newest correction count.
struct FeedbackSurvey {
    private let rules: FeedbackRules
    /// By the point after the answer.
    private(set) var opinions: [UInt32: AnswerOpinion] = [:]
    /// By the point after the answer, and by that before it: how many exchanges were called bad or corrected.
    private(set) var badAnswers: [UInt32: Int64] = [:]
    private(set) var badPrompts: [UInt32: Int64] = [:]
    /// By the point after the answer, of eval rows of earlier versions: the newest corrections by any source, the newest last.
    private(set) var everCorrected: [UInt32: [AnswerOpinion.Correction]] = [:]
    private(set) var spill: CorrectionSpill
    /// Pieces read.
    private(set) var pieces: Int64 = 0
    /// Corrections that no row can hold.
    private(set) var unusable: Int64 = 0
    private var hasher = SHA256()
    /// The exchange whose pieces are being read, the latest piece of the source being read, and what the sources before it said.
    private var current: Candidate?
    private var latest: (piece: Feedback, place: CorrectionSpill.Place?)?
    private var said = AnswerOpinion()

    /// Reads all of it.
    ///
    /// - Parameters:
    ///   - rules: which sources count, and what is bad.
    ///   - candidates: what may become rows, or stand beside them.
    ///   - pinned: exchanges of eval rows that an earlier version had.
    ///   - source: the feedback; nil for none.
    ///   - directory: where corrections are spilled.
    ///   - files: the file system.
    /// - Throws: what the source throws, or `PlatformError`.
    init(
        rules: FeedbackRules, candidates: [Candidate], pinned: Set<ExchangeID>, source: (any DatasetFeedback)?,
        directory: String, files: any FileSystem
    ) throws {
        self.rules = rules
        spill = try CorrectionSpill(in: directory, files: files)
        guard let source else { return }
        for candidate in candidates where candidate.isKept && pinned.contains(candidate.id) { everCorrected[candidate.end] = [] }
        let order = candidates.indices.filter { candidates[$0].isKept }.sorted { candidates[$0].id < candidates[$1].id }
        for start in stride(from: 0, to: order.count, by: DatasetLimits.feedbackExchanges) {
            let batch = order[start..<min(order.count, start + DatasetLimits.feedbackExchanges)].map { candidates[$0] }
            let byID = Dictionary(batch.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            try source.forEachFeedback(of: batch.map(\.id)) { piece in
                if let candidate = byID[piece.exchange] { try take(piece, of: candidate) }
            }
        }
        closeExchange()
        try spill.flush()
    }

    /// Hex SHA-256 over all pieces that were read, as `weir feedback list --json` shows them: by exchange, source, time and id.
    var sha256: String { Hex.encode(hasher.finalize()) }

    private mutating func take(_ piece: Feedback, of candidate: Candidate) throws {
        pieces += 1
        hasher.update(data: FeedbackJSON.line(piece))
        if current?.id != candidate.id {
            closeExchange()
            current = candidate
        } else if let last = latest, !last.piece.source.utf8.elementsEqual(piece.source.utf8) {
            closeSource()
        }
        latest = (piece, try spilled(piece, of: candidate))
    }

    /// Puts a correction on disk; nil where there is none that a row can hold.
    private mutating func spilled(_ piece: Feedback, of candidate: Candidate) throws(PlatformError) -> CorrectionSpill.Place? {
        guard let correction = piece.correction else { return nil }
        guard CorrectionTurn.turn(correction) != nil else {
            unusable += 1
            return nil
        }
        let place = try spill.append(correction)
        if var known = everCorrected[candidate.end] {
            let new = AnswerOpinion.Correction(place: place, stamp: FeedbackStamp(piece))
            known.insert(new, at: known.firstIndex { new.stamp < $0.stamp } ?? known.count)
            everCorrected[candidate.end] = known.suffix(DatasetLimits.correctionsTried)
        }
        return place
    }

    private mutating func closeSource() {
        defer { latest = nil }
        guard let (piece, place) = latest, rules.admits(piece.source) else { return }
        let stamp = FeedbackStamp(piece)
        var opinion = AnswerOpinion()
        if let score = piece.score {
            let source = Digest128(SHA256.hash(data: Array(piece.source.utf8))).high
            opinion.score = AnswerOpinion.Score(value: score, source: source, stamp: stamp)
        }
        if let place { opinion.correction = AnswerOpinion.Correction(place: place, stamp: stamp) }
        said.merge(opinion)
    }

    private mutating func closeExchange() {
        closeSource()
        defer { said = AnswerOpinion() }
        guard let current, said.score != nil || said.correction != nil else { return }
        opinions[current.end, default: AnswerOpinion()].merge(said)
        if said.correction != nil || said.score.map({ rules.isBad($0.value) }) == true {
            badAnswers[current.end, default: 0] += 1
            badPrompts[current.prompt, default: 0] += 1
        }
    }
}
