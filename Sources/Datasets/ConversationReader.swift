// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// From the bodies of a record to a conversation that a row can hold, or the reason why not.
enum ConversationReader {
    /// The request of a record, checked and put in order.
    static func request(_ record: ExchangeRecord) throws(DropReason) -> CanonicalRequest {
        guard let api = record.head.api else { throw .apiNotSupported }
        guard api == .openaiChat || api == .openaiResponses || api == .anthropicMessages else {
            throw api == .openaiEmbeddings ? .notAConversation : .apiNotSupported
        }
        guard let body = try whole(record.requestBody) else { throw .requestMalformed }
        guard let root = JSONDocument.read(body)?.root else { throw .requestNotJSON }
        guard root.kind == .object else { throw .requestMalformed }
        var request: CanonicalRequest
        switch api {
        case .openaiChat: request = try ChatReader.request(root)
        case .openaiResponses: request = try ResponsesReader.request(root)
        default: request = try AnthropicReader.request(root)
        }
        guard request.turns.count <= DatasetLimits.turns else { throw .conversationTooLong }
        try ToolPairing.settle(&request.turns, changes: &request.changes)
        guard request.turns.contains(where: { $0.role == .user }) else { throw .noUserTurn }
        return request
    }

    /// The answer of a record, the caller's prefill before it.
    static func answer(_ record: ExchangeRecord, to request: CanonicalRequest) throws(DropReason) -> CanonicalAnswer {
        guard let body = try whole(record.responseBody), let first = body.first(where: { $0 > 0x20 }) else {
            throw .answerMissing
        }
        // The bytes decide, because a stream may come under a plain label and the reverse.
        let isPlain = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        var answer = isPlain ? try plain(body, api: record.head.api) : try streamed(body, api: record.head.api)
        if let prefill = request.prefill {
            answer.turn = CanonicalTurn(role: .assistant, blocks: prefill.blocks + answer.turn.blocks)
        }
        try check(answer.turn)
        return answer
    }

    private static func plain(_ body: [UInt8], api: APIFamily?) throws(DropReason) -> CanonicalAnswer {
        guard let root = JSONDocument.read(body)?.root else { throw .answerNotJSON }
        guard root.kind == .object else { throw .answerMalformed }
        switch api {
        case .openaiChat?: return try ChatReader.answer(root)
        case .openaiResponses?: return try ResponsesReader.answer(root)
        default: return try AnthropicReader.answer(root)
        }
    }

    private static func streamed(_ body: [UInt8], api: APIFamily?) throws(DropReason) -> CanonicalAnswer {
        switch api {
        case .openaiChat?: return try ChatStream.answer(body)
        case .openaiResponses?: return try ResponsesReader.streamedAnswer(body)
        default: return try AnthropicStream.answer(body)
        }
    }

    /// The bytes of a body that was kept whole, or nil where there was none.
    private static func whole(_ body: RecordedBody) throws(DropReason) -> [UInt8]? {
        guard body.kept == .full else { throw .bodyNotKept }
        guard let content = body.content, !content.isEmpty else { return nil }
        guard content.count <= DatasetLimits.bodyBytes else { throw .bodyTooLarge }
        return content
    }

    /// An answer must say or call something, in the order that a message can express.
    private static func check(_ turn: CanonicalTurn) throws(DropReason) {
        let calls = turn.toolCalls
        let hasText = turn.texts.contains { text in text.utf8.contains { $0 > 0x20 } }
        guard hasText || !calls.isEmpty || !turn.images.isEmpty else { throw .emptyAnswer }
        try ToolPairing.check(turn)
    }
}

/// The rules between calls of tools and their results.
enum ToolPairing {
    /// Checks that each call before the last turn is answered once, right after it, and puts results in the order of the calls.
    static func settle(_ turns: inout [CanonicalTurn], changes: inout RowChanges) throws(DropReason) {
        var start = 0
        while start < turns.count {
            guard turns[start].role == .assistant else {
                if turns[start].role == .tool { throw .orphanToolResult }
                start += 1
                continue
            }
            try check(turns[start])
            let calls = turns[start].toolCalls
            var end = start + 1
            while end < turns.count, turns[end].role == .tool { end += 1 }
            let ordered = try inOrder(Array(turns[start + 1..<end]), of: calls)
            if ordered != Array(turns[start + 1..<end]) {
                changes.insert(.toolResultsReordered)
                turns.replaceSubrange(start + 1..<end, with: ordered)
            }
            start = end
        }
    }

    private static func inOrder(_ results: [CanonicalTurn], of calls: [ToolCall]) throws(DropReason) -> [CanonicalTurn] {
        var byID: [String: CanonicalTurn] = [:]
        for result in results {
            guard let id = result.answeredCall, byID.updateValue(result, forKey: id) == nil else { throw .orphanToolResult }
        }
        var ordered: [CanonicalTurn] = []
        for call in calls {
            guard let result = byID.removeValue(forKey: call.id) else { throw .unansweredToolCall }
            ordered.append(result)
        }
        guard byID.isEmpty else { throw .orphanToolResult }
        return ordered
    }

    /// Checks one turn of the assistant's: text before calls, ids distinct, arguments a JSON object.
    static func check(_ turn: CanonicalTurn) throws(DropReason) {
        var ids: Set<String> = []
        for block in turn.blocks {
            switch block {
            case .text(let text):
                if !ids.isEmpty, text.utf8.contains(where: { $0 > 0x20 }) { throw .textAfterToolCall }
            case .toolCall(let call):
                guard ids.insert(call.id).inserted, ids.count <= DatasetLimits.callsPerTurn else { throw .requestMalformed }
                guard JSONDocument.read(call.arguments.utf8)?.root.kind == .object else { throw .toolArgumentsNotJSON }
            case .image, .toolResult, .reasoning: break
            }
        }
    }
}
