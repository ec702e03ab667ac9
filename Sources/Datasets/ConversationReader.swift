// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects
import ExchangeModel

/// From the bodies of a record to a conversation that a row can hold, or the reason why not.
enum ConversationReader {
    /// The request of a record, checked and put in order; one that continues a response is checked when it is joined (`HistoryJoin`).
    static func request(_ record: ExchangeRecord) throws(DropReason) -> CanonicalRequest {
        if let reason = refusal(of: record.head.api) { throw reason }
        guard let body = try whole(record.requestBody) else { throw .requestMalformed }
        guard let root = JSONDocument.read(body)?.root else { throw .requestNotJSON }
        guard root.kind == .object else { throw .requestMalformed }
        let dialect = try dialect(of: record.head.api, root)
        var request = try read(root, dialect)
        request.dialect = dialect
        if request.model == nil || dialect == .gemini {
            request.model = ExchangeReader.modelInPath(record.head.path) ?? request.model
        }
        guard request.turns.count <= DatasetLimits.turns else { throw .conversationTooLong }
        if request.continues == nil { try settle(&request) }
        return request
    }

    /// Why records of an API are no conversations, or nil.
    private static func refusal(of api: APIFamily?) -> DropReason? {
        switch api {
        case .some(.openaiChat), .some(.openaiResponses), .some(.anthropicMessages), .some(.geminiGenerate),
            .some(.bedrockConverse),
            .some(.bedrockInvoke), .some(.cohereChat), .some(.ollama):
            nil
        case .some(.openaiCompletions): .textCompletion
        case .some(.openaiEmbeddings), .some(.openaiImages), .some(.openaiAudio), .some(.openaiModerations),
            .some(.openaiResponsesAux), .some(.anthropicCountTokens), .some(.geminiEmbed), .some(.geminiCountTokens),
            .some(.cohereEmbed), .some(.rerank):
            .notAConversation
        default: .apiNotSupported
        }
    }

    private static func dialect(of api: APIFamily?, _ root: JSONNode) throws(DropReason) -> ConversationDialect {
        switch api {
        case .some(.openaiResponses): return .responses
        case .some(.anthropicMessages): return .anthropic
        case .some(.geminiGenerate): return .gemini
        case .some(.bedrockConverse): return .converse
        case .some(.bedrockInvoke): return try InvokeBody.dialect(root)
        case .some(.cohereChat): return .cohere
        case .some(.ollama): return .ollama
        default: return .chat
        }
    }

    private static func read(_ root: JSONNode, _ dialect: ConversationDialect) throws(DropReason) -> CanonicalRequest {
        switch dialect {
        case .chat: try ChatReader.request(root)
        case .responses: try ResponsesReader.request(root)
        case .anthropic: try AnthropicReader.request(root)
        case .gemini: try GeminiReader.request(root)
        case .converse: try ConverseReader.request(root)
        case .cohere: try CohereReader.request(root)
        case .ollama: try OllamaReader.request(root)
        }
    }

    /// Checks a request that has all its turns, takes out those in which the assistant says nothing, and puts results of tools in order.
    static func settle(_ request: inout CanonicalRequest) throws(DropReason) {
        let count = request.turns.count
        request.turns.removeAll { $0.role == .assistant && $0.saysNothing }
        if request.turns.count < count { request.changes.insert(.emptyAssistantTurnsRemoved) }
        try ToolPairing.settle(&request.turns, changes: &request.changes)
        guard request.turns.contains(where: { $0.role == .user }) else { throw .noUserTurn }
    }

    /// The answer of a record, the caller's prefill before it; a refusal is an answer too, and may be empty.
    static func answer(_ record: ExchangeRecord, to request: CanonicalRequest) throws(DropReason) -> CanonicalAnswer {
        guard let body = try whole(record.responseBody), let first = body.first(where: { $0 > 0x20 }) else {
            throw .answerMissing
        }
        var answer = try read(
            body, first: first, to: request, isFramed: record.head.api == .bedrockConverse || record.head.api == .bedrockInvoke)
        if let prefill = request.prefill {
            answer.turn = CanonicalTurn(role: .assistant, blocks: prefill.blocks + answer.turn.blocks)
        }
        if !answer.isRefusal || !answer.turn.blocks.isEmpty { try check(answer.turn) }
        answer.alternatives = answer.alternatives.filter(isGood)
        return answer
    }

    /// Reads an answer by what its first byte shows, because a stream may come under a plain label and the reverse.
    private static func read(
        _ body: [UInt8], first: UInt8, to request: CanonicalRequest, isFramed: Bool
    ) throws(DropReason) -> CanonicalAnswer {
        switch request.dialect {
        case .gemini: return try GeminiAnswer.answer(body, first: first, callsBefore: request.callCount)
        case .ollama: return try OllamaAnswer.answer(body, callsBefore: request.callCount)
        default: break
        }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return try plain(body, request.dialect) }
        if isFramed { return try BedrockStream.answer(body, dialect: request.dialect) }
        switch request.dialect {
        case .responses: return try ResponsesReader.streamedAnswer(body)
        case .anthropic: return try AnthropicStream.answer(body)
        case .cohere: return try CohereStream.answer(body)
        default: return try ChatStream.answer(body)
        }
    }

    private static func plain(_ body: [UInt8], _ dialect: ConversationDialect) throws(DropReason) -> CanonicalAnswer {
        guard let root = JSONDocument.read(body)?.root else { throw .answerNotJSON }
        guard root.kind == .object else { throw .answerMalformed }
        switch dialect {
        case .responses: return try ResponsesReader.answer(root)
        case .anthropic: return try AnthropicReader.answer(root)
        case .converse: return try ConverseReader.answer(root)
        case .cohere: return try CohereReader.answer(root)
        default: return try ChatReader.answer(root)
        }
    }

    /// The bytes of a body that was kept whole, or nil where there was none.
    private static func whole(_ body: RecordedBody) throws(DropReason) -> [UInt8]? {
        guard body.kept == .full else { throw .bodyNotKept }
        guard let content = body.content, !content.isEmpty else { return nil }
        guard content.count <= DatasetLimits.bodyBytes else { throw .bodyTooLarge }
        return content
    }

    private static func isGood(_ turn: CanonicalTurn) -> Bool {
        do throws(DropReason) {
            try check(turn)
            return true
        } catch {
            return false
        }
    }

    /// An answer must say or call something, in the order that a message can express.
    static func check(_ turn: CanonicalTurn) throws(DropReason) {
        guard !turn.saysNothing else { throw .emptyAnswer }
        try ToolPairing.check(turn)
    }
}

extension CanonicalRequest {
    /// How many calls the history holds.
    var callCount: Int { turns.reduce(0) { $0 + $1.toolCalls.count } }
}
