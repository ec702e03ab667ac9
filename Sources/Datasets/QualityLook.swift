// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// The rules over one exchange; what several of them need is found once.
struct QualityLook {
    private let exchange: QualityCase
    private let filters: QualityFilters
    private let text: String
    /// Keywords of schemas that were not looked at.
    private(set) var ignored: Set<String> = []

    init(_ exchange: QualityCase, filters: QualityFilters) {
        self.exchange = exchange
        self.filters = filters
        text = exchange.answer.turn.joinedText
    }

    /// Whether the exchange breaks a rule.
    mutating func violates(_ rule: DropReason) -> Bool {
        switch rule {
        case .outcomeNotCompleted: exchange.head.outcome != .completed
        case .statusNotOK: exchange.head.status != 200
        case .streamCut, .truncatedAnswer, .contentFiltered, .refusal, .finishReasonUnaccepted: breaksOff(rule)
        case .emptyAnswer: isEmpty
        case .unansweredToolCall: hasUnansweredCall
        case .toolArgumentsNotJSON: calls.contains { JSONDocument.read($0.arguments.utf8)?.root.kind != .object }
        case .unknownTool:
            calls.contains { call in !exchange.request.tools.contains { $0.name.utf8.elementsEqual(call.name.utf8) } }
        case .toolCallViolatesSchema: violatesToolSchema
        case .structuredOutputNotJSON: wantsJSON && JSONDocument.read(text.utf8) == nil
        case .structuredOutputViolatesSchema: violatesResponseSchema
        case .mojibake: Mojibake.isBroken(text, ppm: filters.mojibakePPM, least: filters.mojibakeLeast)
        case .repetitionLoop: filters.loops.isLoop(text)
        case .languageUnwanted: !filters.languages.isEmpty && !isInLanguage
        case .promptTooShort: promptTokens < filters.promptTokens.lowerBound
        case .promptTooLong: promptTokens > filters.promptTokens.upperBound
        case .answerTooShort: answerTokens < filters.answerTokens.lowerBound
        case .answerTooLong: answerTokens > filters.answerTokens.upperBound
        case .refusalPhrase: RefusalPhrases.begins(text)
        default: false
        }
    }

    // MARK: How it ended

    private func breaksOff(_ rule: DropReason) -> Bool {
        if rule == .refusal, exchange.isRefusal { return true }
        let reason = exchange.finishReason ?? exchange.fact?.reading.finishReason
        // A stream that was read to its end says why it ended; where nothing is known of the exchange, nothing is held against it.
        guard let reason else { return rule == .streamCut && exchange.fact != nil && exchange.head.responseStream }
        return QualityLook.reason(of: reason) == rule
    }

    /// The rule that a provider's word for why it stopped breaks, or nil where the answer ended of itself; as the readers of answers say it.
    private static func reason(of word: String) -> DropReason? {
        do throws(DropReason) {
            return try FinishReason.check(word) ? .refusal : nil
        } catch {
            // What readers tell apart further is one rule here.
            return QualityFilters.order.contains(error) ? error : .finishReasonUnaccepted
        }
    }

    private var isEmpty: Bool {
        exchange.answer.turn.toolCalls.isEmpty && exchange.answer.turn.images.isEmpty && !text.utf8.contains { $0 > 0x20 }
    }

    // MARK: Calls

    private var calls: [ToolCall] {
        let own = exchange.answer.turn.toolCalls
        return filters.checksHistory ? exchange.request.turns.flatMap(\.toolCalls) + own : own
    }

    /// Each call of the history is answered before anyone else speaks.
    private var hasUnansweredCall: Bool {
        var waiting: Set<String> = []
        for turn in exchange.request.turns {
            if turn.role == .tool {
                for case .toolResult(let callID, _, _) in turn.blocks { waiting.remove(callID) }
            } else {
                guard waiting.isEmpty else { return true }
                waiting = Set(turn.toolCalls.map(\.id))
            }
        }
        return !waiting.isEmpty
    }

    private var violatesToolSchema: Bool {
        mutating get {
            for call in calls {
                guard let tool = exchange.request.tools.first(where: { $0.name.utf8.elementsEqual(call.name.utf8) }),
                    let arguments = JSONDocument.read(call.arguments.utf8)?.root
                else { continue }
                if violates(arguments, tool.parameters) { return true }
            }
            return false
        }
    }

    private mutating func violates(_ value: JSONNode, _ schema: [UInt8]) -> Bool {
        guard let validator = SchemaValidator(schema) else {
            ignored.insert("(schema)")
            return false
        }
        let outcome = validator.check(value)
        ignored.formUnion(outcome.ignored)
        return outcome.verdict == .invalid
    }

    // MARK: Structured output

    /// A call of a tool is not the demanded answer yet.
    private var wantsJSON: Bool {
        (exchange.demandsJSON || exchange.responseSchema != nil) && exchange.answer.turn.toolCalls.isEmpty && !exchange.isRefusal
    }

    private var violatesResponseSchema: Bool {
        mutating get {
            guard wantsJSON, let schema = exchange.responseSchema, let value = JSONDocument.read(text.utf8)?.root else {
                return false
            }
            return violates(value, schema)
        }
    }

    // MARK: Text

    /// The answer's language, or that of the last question where the answer is too short to tell; what cannot be told passes.
    private var isInLanguage: Bool {
        if let isWanted = TextLanguage.isIn(filters.languages, text) { return isWanted }
        let question = exchange.request.turns.last { $0.role == .user }?.joinedText ?? ""
        return TextLanguage.isIn(filters.languages, question) ?? true
    }

    private var promptTokens: Int64 {
        exchange.promptTokens ?? exchange.fact?.reading.usage.inputTotal
            ?? QualityLook.estimatedTokens(exchange.request.turns.reduce(0) { $0 + QualityLook.bytes($1) })
    }

    private var answerTokens: Int64 {
        exchange.answerTokens ?? exchange.fact?.reading.usage.outputTotal
            ?? QualityLook.estimatedTokens(QualityLook.bytes(exchange.answer.turn))
    }

    private static func bytes(_ turn: CanonicalTurn) -> Int {
        turn.texts.reduce(0) { $0 + $1.utf8.count }
            + turn.toolCalls.reduce(0) { $0 + $1.name.utf8.count + $1.arguments.utf8.count }
    }

    /// Four bytes a token, rounded up.
    private static func estimatedTokens(_ bytes: Int) -> Int64 { Int64((bytes + 3) / 4) }
}
