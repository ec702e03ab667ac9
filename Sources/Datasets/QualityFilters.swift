// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel

/// What quality filters look at: one exchange, read.
package struct QualityCase: Sendable {
    /// The record's scalars.
    package var head: ExchangeHead
    /// What else is known of the exchange; finish reason and usage are taken from it.
    package var fact: ExchangeFact?
    /// What was asked.
    package var request: CanonicalRequest
    /// What was answered.
    package var answer: CanonicalAnswer
    /// The provider's word for why it stopped; nil takes the fact's.
    package var finishReason: String?
    /// Whether the provider marked the answer as a refusal.
    package var isRefusal = false
    /// Tokens as reported, where they are; else the fact's, else an estimate.
    package var promptTokens: Int64?
    /// The same of the answer.
    package var answerTokens: Int64?
    /// Whether the caller demanded JSON.
    package var demandsJSON = false
    /// The schema of the demanded JSON, or nil.
    package var responseSchema: [UInt8]?

    /// An exchange of which nothing special is known.
    package init(head: ExchangeHead, fact: ExchangeFact? = nil, request: CanonicalRequest, answer: CanonicalAnswer) {
        self.head = head
        self.fact = fact
        self.request = request
        self.answer = answer
    }
}

/// What is said of an exchange.
package struct QualityVerdict: Equatable, Sendable {
    /// Why it gives no row, in the order of `QualityFilters.order`; the first is the one it is counted under.
    ///
    /// Empty where it is good.
    package var reasons: [DropReason] = []
    /// What is worth telling of a row that stays.
    package var flags: [DropReason] = []
    /// Keywords of schemas that were not looked at, each once, sorted by bytes.
    package var ignoredKeywords: [String] = []

    /// The reason under which it is dropped, or nil.
    package var drop: DropReason? { reasons.first }
}

/// Which exchanges are good enough for a row: pure, the same answer for the same exchange whatever came before it.
package struct QualityFilters: Equatable, Sendable {
    /// What is done about a rule that is not kept.
    package enum Mode: String, CaseIterable, Sendable {
        case off, flag, drop
    }

    /// The rules, in the order in which they are asked and counted.
    package static let order: [DropReason] = [
        .outcomeNotCompleted, .statusNotOK, .streamCut, .truncatedAnswer, .contentFiltered, .refusal, .finishReasonUnaccepted,
        .emptyAnswer, .unansweredToolCall, .toolArgumentsNotJSON, .unknownTool, .toolCallViolatesSchema, .structuredOutputNotJSON,
        .structuredOutputViolatesSchema, .mojibake, .repetitionLoop, .languageUnwanted, .promptTooShort, .promptTooLong,
        .answerTooShort, .answerTooLong, .refusalPhrase,
    ]

    /// Which conversations are the same.
    package enum Sameness: String, CaseIterable, Sendable {
        /// By their turns, white space aside.
        case exact
        /// By their words, letter case, digits and signs aside.
        case loose
    }

    private var modes: [DropReason: Mode] = [:]
    /// Of several rows with the same conversation one stays.
    package var duplicates = Sameness.exact
    /// Whether rules for calls are asked of those in the history too, which a row trains on as well.
    package var checksHistory = false
    /// Names of languages or scripts (`TextLanguage`), any of which will do; empty wants none.
    package var languages: [String] = []
    /// Bounds of tokens: as reported, else estimated from the bytes.
    package var promptTokens: ClosedRange<Int64> = 0...Int64.max
    /// The same of the answer.
    package var answerTokens: ClosedRange<Int64> = 0...Int64.max
    /// What counts as a loop.
    package var loops = LoopRule()
    /// How many broken characters a text may hold, per million characters, and at least this many whatever its length.
    package var mojibakePPM: Int64 = 1_000
    /// The same as a count.
    package var mojibakeLeast = 3

    /// Every rule drops, but words of refusal, which are flagged; no language and no bounds are asked for.
    package init() {}

    /// What is done about a rule; only those of `order` are asked.
    package subscript(rule: DropReason) -> Mode {
        get { modes[rule] ?? QualityFilters.usual(rule) }
        // What is as usual is not held, so that equal filters are equal.
        set { modes[rule] = newValue == QualityFilters.usual(rule) ? nil : newValue }
    }

    private static func usual(_ rule: DropReason) -> Mode { rule == .refusalPhrase ? .flag : .drop }

    /// Asks every rule that is on.
    ///
    /// - Parameter exchange: what is asked about.
    /// - Returns: reasons and flags in the order of `order`; an exchange without a reason is good.
    package func verdict(_ exchange: QualityCase) -> QualityVerdict {
        var look = QualityLook(exchange, filters: self)
        var verdict = QualityVerdict()
        for rule in QualityFilters.order {
            let mode = self[rule]
            guard mode != .off, look.violates(rule) else { continue }
            if mode == .drop { verdict.reasons.append(rule) } else { verdict.flags.append(rule) }
        }
        verdict.ignoredKeywords = look.ignored.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return verdict
    }
}

/// A funnel that adds up: what came in is what stayed and what each rule took.
package struct QualityFunnel: Equatable, Sendable {
    /// Exchanges asked about.
    package private(set) var seen: Int64 = 0
    /// Those without a reason.
    package private(set) var kept: Int64 = 0
    /// By the first reason of each.
    package private(set) var dropped: [DropReason: Int64] = [:]
    /// By every reason of each, so that it shows what a rule alone would take; sums to more than was dropped.
    package private(set) var violated: [DropReason: Int64] = [:]
    /// Of those that stayed.
    package private(set) var flagged: [DropReason: Int64] = [:]
    /// Exchanges in which a keyword of a schema was not looked at, by its name.
    package private(set) var ignoredKeywords: [String: Int64] = [:]

    private static let keywordsMax = 1_000

    /// An empty funnel.
    package init() {}

    /// Counts one exchange.
    package mutating func count(_ verdict: QualityVerdict) {
        seen += 1
        for reason in verdict.reasons { violated[reason, default: 0] += 1 }
        for keyword in verdict.ignoredKeywords
        where ignoredKeywords[keyword] != nil || ignoredKeywords.count < QualityFunnel.keywordsMax {
            ignoredKeywords[keyword, default: 0] += 1
        }
        if let drop = verdict.drop {
            dropped[drop, default: 0] += 1
            return
        }
        kept += 1
        for flag in verdict.flags { flagged[flag, default: 0] += 1 }
    }

    /// What was dropped, in the order of the rules.
    package var steps: [(reason: DropReason, count: Int64)] {
        QualityFilters.order.compactMap { reason in dropped[reason].map { (reason, $0) } }
    }
}
