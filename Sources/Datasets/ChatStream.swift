// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Puts the chunks of a streamed chat completion together to the message that a plain answer would have carried.
struct ChatStream {
    private struct PartialCall {
        var index: Int64
        var id: String
        var name: String
        var arguments: String
    }

    private var reasoning = ""
    /// What came as content, neighbours of one kind joined.
    private var pieces: [(isReasoning: Bool, text: String)] = []
    private var calls: [PartialCall] = []
    private var finish: String?
    private var sawChunk = false
    private var changes: RowChanges = []

    static func answer(_ body: [UInt8]) throws(DropReason) -> CanonicalAnswer {
        var stream = ChatStream()
        for event in ServerSentEvents(body) {
            if event.data.elementsEqual("[DONE]".utf8) { break }
            guard let chunk = JSONDocument.read(event.data)?.root else {
                if event.isTerminated { throw .answerNotJSON }
                throw .streamCut
            }
            if event.name == "error" { throw .inBandError }
            try stream.take(chunk)
        }
        return try stream.finished()
    }

    private mutating func take(_ chunk: JSONNode) throws(DropReason) {
        if chunk.present("error") != nil { throw .inBandError }
        guard let choices = chunk.present("choices") else { return }
        sawChunk = true
        for choice in choices.elements {
            if choice.present("error") != nil { throw .inBandError }
            guard (choice["index"]?.int ?? 0) == 0 else {
                changes.insert(.extraChoicesIgnored)
                continue
            }
            if let delta = choice.present("delta") { try take(delta: delta) }
            if let word = choice.filledText("finish_reason") { finish = word }
        }
    }

    private mutating func take(delta: JSONNode) throws(DropReason) {
        if delta.present("function_call") != nil { throw .legacyFunctions }
        if delta.filledText("refusal") != nil { throw .refusal }
        if delta.present("audio") != nil { throw .audioContent }
        if delta["images"]?.isFilled == true { throw .imageContent }
        if delta["annotations"]?.isFilled == true { changes.insert(.annotationsRemoved) }
        reasoning += delta.filledText("reasoning_content") ?? delta.filledText("reasoning") ?? ""
        for block in try ChatReader.content(delta["content"], changes: &changes) { try append(block) }
        for call in delta.present("tool_calls")?.elements ?? JSONNode.noElements { try take(call: call) }
    }

    private mutating func append(_ block: ContentBlock) throws(DropReason) {
        let piece: (isReasoning: Bool, text: String)
        switch block {
        case .text(let text): piece = (false, text)
        case .reasoning(let text): piece = (true, text)
        case .image: throw .imageContent
        case .toolCall, .toolResult: throw .unknownContent
        }
        if let last = pieces.last, last.isReasoning == piece.isReasoning {
            pieces[pieces.count - 1].text += piece.text
        } else {
            pieces.append(piece)
        }
    }

    /// Calls are told apart by their index; a new id under a known index is a new call (seen from servers that number all calls 0).
    private mutating func take(call: JSONNode) throws(DropReason) {
        if let type = call.filledText("type"), type != "function" { throw .builtinToolItem }
        let id = call.filledText("id")
        let index = call["index"]?.int ?? (id == nil ? calls.last?.index : nil) ?? Int64(calls.count)
        let name = call["function"]?.filledText("name")
        let arguments = ChatReader.argumentsText(call["function"]?["arguments"])
        if let at = calls.lastIndex(where: { $0.index == index }), id == nil || calls[at].id.isEmpty || calls[at].id == id {
            if let id { calls[at].id = id }
            if calls[at].name.isEmpty { calls[at].name = name ?? "" }
            calls[at].arguments += arguments
            return
        }
        guard calls.count < DatasetLimits.callsPerTurn else { throw .answerMalformed }
        calls.append(PartialCall(index: index, id: id ?? "", name: name ?? "", arguments: arguments))
    }

    private func finished() throws(DropReason) -> CanonicalAnswer {
        guard sawChunk else { throw .answerMalformed }
        guard let finish else { throw .streamCut }
        try FinishReason.check(finish)
        var all: [ContentBlock] = reasoning.isEmpty ? [] : [.reasoning(reasoning)]
        all += pieces.map { $0.isReasoning ? .reasoning($0.text) : .text($0.text) }
        let ordered = calls.enumerated().sorted { ($0.element.index, $0.offset) < ($1.element.index, $1.offset) }
        for (_, call) in ordered {
            guard !call.id.isEmpty, !call.name.isEmpty else { throw .answerMalformed }
            all.append(.toolCall(ToolCall(id: call.id, name: call.name, arguments: call.arguments)))
        }
        return CanonicalAnswer(turn: CanonicalTurn(role: .assistant, blocks: all), changes: changes)
    }
}
