// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Reads requests and answers of Cohere's chat, version 2: messages as OpenAI has them, with plans, documents and its own events.
enum CohereReader {
    static func request(_ root: JSONNode) throws(DropReason) -> CanonicalRequest {
        guard let messages = root["messages"], messages.kind == .array, messages.isFilled else {
            // Version 1 has one message and a history in other words.
            throw root.present("message") != nil ? .apiNotSupported : .requestMalformed
        }
        if root["documents"]?.isFilled == true { throw .fileContent }
        if root["connectors"]?.isFilled == true { throw .builtinToolOffered }
        var request = CanonicalRequest()
        request.model = root.text("model")
        for message in messages.elements { request.turns.append(try turn(message, changes: &request.changes)) }
        if request.turns.last?.role == .assistant { throw .ambiguousPrefill }
        request.tools = try ChatReader.tools(root.present("tools"), changes: &request.changes)
        request.responseFormat = ResponseFormat.read(root.present("response_format"))
        request.sampling = SamplingParameters.read(root)
        request.sampling.topP = root.lexeme("p") ?? request.sampling.topP
        return request
    }

    private static func turn(_ message: JSONNode, changes: inout RowChanges) throws(DropReason) -> CanonicalTurn {
        guard message.text("role") == "tool" else { return try ChatReader.turn(message, changes: &changes) }
        guard let callID = message.filledText("tool_call_id") else { throw .requestMalformed }
        var inside: [ContentBlock] = []
        for part in message.present("content")?.listed ?? [] { inside.append(try result(part)) }
        return CanonicalTurn(role: .tool, blocks: [.toolResult(callID: callID, content: inside, isError: false)])
    }

    /// A part of a tool's result: a text, or a document, which is a text or an object of texts.
    private static func result(_ part: JSONNode) throws(DropReason) -> ContentBlock {
        if let text = part.string ?? part.text("text") { return .text(text) }
        guard let data = part["document"]?.present("data") else { throw .unknownContent }
        return .text(data.string ?? JSONText.plainText(data))
    }

    static func answer(_ root: JSONNode) throws(DropReason) -> CanonicalAnswer {
        if root.present("error") != nil { throw .inBandError }
        guard let message = root.present("message"), message.kind == .object else { throw .answerMalformed }
        let word = root.text("finish_reason")
        try FinishReason.check(word)
        var changes: RowChanges = []
        if message["citations"]?.isFilled == true { changes.insert(.annotationsRemoved) }
        let turn = try ChatReader.assistant(message, malformed: .answerMalformed, changes: &changes)
        return CanonicalAnswer(turn: turn, changes: changes, finishReason: word, responseID: root.filledText("id"))
    }
}

/// Puts the events of a streamed Cohere chat together to the message that a plain answer would have carried.
struct CohereStream {
    private struct Piece {
        let index: Int64
        let isReasoning: Bool
        var text: StreamedText
    }

    private struct PartialCall {
        let index: Int64
        let id: String
        let name: String
        var arguments = StreamedText()
    }

    private var plan = StreamedText()
    private var pieces: [Piece] = []
    private var calls: [PartialCall] = []
    private var finish: String?
    private var responseID: String?
    private var changes: RowChanges = []
    private var sawEvent = false

    static func answer(_ body: [UInt8]) throws(DropReason) -> CanonicalAnswer {
        var stream = CohereStream()
        for event in ServerSentEvents(body) {
            if event.data.elementsEqual("[DONE]".utf8) { break }
            guard let node = JSONDocument.read(event.data)?.root else {
                if event.isTerminated { throw .answerNotJSON }
                throw .streamCut
            }
            try stream.take(node, type: node.text("type") ?? event.name)
        }
        return try stream.finished()
    }

    private mutating func take(_ node: JSONNode, type: String?) throws(DropReason) {
        sawEvent = true
        let message = node["delta"]?["message"]
        switch type {
        case "message-start": responseID = node.filledText("id")
        case "content-start", "content-delta": try take(content: message?.present("content"), index: node["index"]?.int ?? 0)
        case "tool-plan-delta": plan.append(message?["tool_plan"])
        case "tool-call-start", "tool-call-delta":
            try take(call: message?.present("tool_calls"), index: node["index"]?.int ?? 0, isStart: type == "tool-call-start")
        case "citation-start": changes.insert(.annotationsRemoved)
        case "message-end":
            if node["delta"]?.present("error") != nil { throw .inBandError }
            finish = node["delta"]?.filledText("finish_reason") ?? finish
        default: if node.present("error") != nil { throw .inBandError }
        }
    }

    private mutating func take(content: JSONNode?, index: Int64) throws(DropReason) {
        guard let content else { return }
        let isReasoning = content.text("type") == "thinking" || content.present("thinking") != nil
        let text = content.text("text") == nil ? content["thinking"] : content["text"]
        if pieces.last?.index == index, pieces.last?.isReasoning == isReasoning {
            pieces[pieces.count - 1].text.append(text)
            return
        }
        guard pieces.count < DatasetLimits.itemsPerAnswer else { throw .answerMalformed }
        pieces.append(Piece(index: index, isReasoning: isReasoning, text: StreamedText(text)))
    }

    private mutating func take(call: JSONNode?, index: Int64, isStart: Bool) throws(DropReason) {
        guard let call else { throw .answerMalformed }
        let arguments = call["function"]?["arguments"]
        guard isStart else {
            guard calls.last?.index == index else { throw .answerMalformed }
            calls[calls.count - 1].arguments.append(arguments: arguments)
            return
        }
        guard calls.count < DatasetLimits.callsPerTurn, let id = call.filledText("id"),
            let name = call["function"]?.filledText("name")
        else { throw .answerMalformed }
        calls.append(PartialCall(index: index, id: id, name: name))
        calls[calls.count - 1].arguments.append(arguments: arguments)
    }

    private func finished() throws(DropReason) -> CanonicalAnswer {
        guard sawEvent else { throw .answerMalformed }
        guard let finish else { throw .streamCut }
        try FinishReason.check(finish)
        var blocks: [ContentBlock] = plan.isEmpty ? [] : [.reasoning(plan.text)]
        blocks += pieces.map { $0.isReasoning ? .reasoning($0.text.text) : .text($0.text.text) }
        // A call without arguments streams none.
        blocks += calls.map { call in
            .toolCall(ToolCall(id: call.id, name: call.name, arguments: ChatReader.callArguments(call.arguments.text)))
        }
        return CanonicalAnswer(
            turn: CanonicalTurn(role: .assistant, blocks: blocks), changes: changes, finishReason: finish, responseID: responseID)
    }
}
