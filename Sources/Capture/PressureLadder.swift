// SPDX-License-Identifier: Apache-2.0

/// How much is recorded while the capture thread or the disk cannot follow; each rung holds those before it.
package enum CaptureRung: Int, Sendable, Comparable, CaseIterable {
    /// Everything.
    case everything
    /// Long answers are cut to their head and their tail.
    case cutAnswers
    /// No bodies.
    case metadataOnly
    /// The newest exchanges are dropped.
    case dropping

    /// Whether more is recorded.
    package static func < (left: CaptureRung, right: CaptureRung) -> Bool { left.rawValue < right.rawValue }

    /// The rung in a word.
    package var word: String {
        switch self {
        case .everything: "everything"
        case .cutAnswers: "long answers cut"
        case .metadataOnly: "metadata only"
        case .dropping: "newest dropped"
        }
    }
}

/// What waits, and the room there is for it.
struct Pressure {
    /// In thousandths, of what is fullest.
    private(set) var permille = 0
    private static let cutFrom = 700
    private static let metadataFrom = 900

    /// Takes another store into account; one without room does not count.
    mutating func note(_ used: Int, of room: Int) {
        guard room > 0 else { return }
        permille = max(permille, Int(clamping: Int64(min(used, room)) * 1_000 / Int64(room)))
    }

    /// What may be recorded then; dropping is not decided but happens, where there is no room at all.
    var rung: CaptureRung {
        permille >= Pressure.metadataFrom ? .metadataOnly : permille >= Pressure.cutFrom ? .cutAnswers : .everything
    }
}

/// What is to be stored of one exchange's bodies, and why not all.
struct TreatmentPlan: Equatable {
    enum Cause { case limit, policy, sampling, disk, pressure }

    var treatment = BodyTreatment.whole
    var cause = Cause.limit

    /// By policy first, then by what the disk and the rung allow.
    ///
    /// - Parameters:
    ///   - verdict: not `off`.
    ///   - rung: of the moment.
    ///   - isDiskLow: whether the disk has too little space for bodies.
    ///   - limits: for the cut of answers.
    init(_ verdict: CaptureVerdict, rung: CaptureRung = .everything, isDiskLow: Bool = false, limits: CaptureLimits) {
        treatment.bodyBytes = verdict.bodyBytes
        if verdict.mode != .full {
            treatment.keepsBodies = false
            cause = verdict.cause == .policy ? .policy : .sampling
        } else if isDiskLow {
            treatment.keepsBodies = false
            cause = .disk
        } else if rung >= .metadataOnly {
            treatment.keepsBodies = false
            cause = .pressure
        } else if rung == .cutAnswers {
            treatment.answerOver = limits.pressedAnswerOver
            treatment.answerBytes = limits.pressedAnswerBytes
            cause = .pressure
        }
    }

    /// The counter of what it did, if it did anything.
    ///
    /// - Parameters:
    ///   - effect: what the encoder says.
    ///   - reduction: what the loop had done to its bodies; it came first, so that it is what counts, unless the policy has none.
    /// - Returns: nil where nothing is to be counted.
    func counter(_ effect: TreatmentEffect, reduction: BodyReduction) -> ArenaFormat.Counter? {
        switch (cause, reduction) {
        case (.policy, _): return .policyMetadata
        case (.sampling, _): return .sampledMetadata
        case (_, .limit): return .reducedByLimit
        case (_, .room): return .reducedForRoom
        case (.disk, .nothing): return effect.hasLeftOut ? .reducedForDisk : nil
        case (.pressure, .nothing), (.limit, .nothing):
            guard effect != TreatmentEffect() else { return nil }
            if effect.hasLeftOut { return .reducedToMetadata }
            return cause == .pressure && effect.hasCutAnswer ? .reducedCut : .reducedByLimit
        }
    }
}
