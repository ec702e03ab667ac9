// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Reads requests and answers of Ollama's own chat: images beside the text, calls with objects and often without ids, a line a piece.
enum OllamaReader {
    static func request(_ root: JSONNode) throws(DropReason) -> CanonicalRequest {
        guard let messages = root["messages"], messages.kind == .array, messages.isFilled else {
            throw root.present("prompt") != nil ? .textCompletion : .requestMalformed
        }
        var request = CanonicalRequest()
        request.model = root.text("model")
        var calls = CallNumbering()
        for message in messages.elements { request.turns.append(try turn(message, &calls)) }
        if request.turns.last?.role == .assistant { throw .ambiguousPrefill }
        if calls.hasNumbered { request.changes.insert(.toolCallsNumbered) }
        request.tools = try ChatReader.tools(root.present("tools"), changes: &request.changes)
        request.responseFormat = ResponseFormat.read(ollama: root)
        request.sampling = SamplingParameters.read(ollama: root)
        return request
    }

    private static func turn(_ message: JSONNode, _ calls: inout CallNumbering) throws(DropReason) -> CanonicalTurn {
        guard message.kind == .object else { throw .requestMalformed }
        switch message.text("role") {
        case "system": return CanonicalTurn(role: .system, blocks: try content(message, malformed: .requestMalformed))
        case "user": return CanonicalTurn(role: .user, blocks: try content(message, malformed: .requestMalformed))
        case "assistant":
            calls.beginTurn()
            return CanonicalTurn(role: .assistant, blocks: try assistant(message, malformed: .requestMalformed, &calls))
        case "tool":
            let inside = try content(message, malformed: .requestMalformed)
            let name = message.filledText("tool_name") ?? message.filledText("name")
            let callID = try calls.answered(id: message.filledText("tool_call_id"), name: name)
            return CanonicalTurn(role: .tool, blocks: [.toolResult(callID: callID, content: inside, isError: false)])
        default: throw .unknownRole
        }
    }

    private static func content(_ message: JSONNode, malformed: DropReason) throws(DropReason) -> [ContentBlock] {
        var blocks: [ContentBlock] = []
        if let node = message.present("content") {
            guard let text = node.string else { throw malformed }
            blocks.append(.text(text))
        }
        for image in message.present("images")?.elements ?? JSONNode.noElements {
            guard let data = image.string else { throw malformed }
            blocks.append(.image("data:\(mediaType(data));base64,\(data)"))
        }
        return blocks
    }

    /// The type of an image, told by how its base64 begins: the API does not name it.
    private static func mediaType(_ data: String) -> String {
        let known = [("iVBORw", "image/png"), ("/9j/", "image/jpeg"), ("R0lG", "image/gif"), ("UklGR", "image/webp")]
        return known.first { data.hasPrefix($0.0) }?.1 ?? "application/octet-stream"
    }

    static func assistant(
        _ message: JSONNode, malformed: DropReason, _ calls: inout CallNumbering
    ) throws(DropReason) -> [ContentBlock] {
        var blocks: [ContentBlock] = []
        if let thinking = message.filledText("thinking") { blocks.append(.reasoning(thinking)) }
        blocks += try content(message, malformed: malformed)
        for call in message.present("tool_calls")?.elements ?? JSONNode.noElements {
            guard let function = call.present("function"), let name = function.filledText("name") else { throw malformed }
            let id = calls.call(id: call.filledText("id"), name: name)
            let arguments = ChatReader.callArguments(function["arguments"])
            blocks.append(.toolCall(ToolCall(id: id, name: name, arguments: arguments)))
        }
        return blocks
    }
}

/// Puts the lines of a streamed Ollama chat together; a plain answer is one object, however it is laid out.
struct OllamaAnswer {
    private var calls: CallNumbering
    private var reasoning = StreamedText()
    private var text = StreamedText()
    private var rest: [ContentBlock] = []
    private var finish: String?
    private var isDone = false
    private var sawLine = false

    /// Reads an answer.
    ///
    /// - Parameters:
    ///   - body: an object, or one a line.
    ///   - callsBefore: how many calls the request's history holds, for numbering.
    /// - Returns: what it says.
    /// - Throws: the reason why no row can hold it.
    static func answer(_ body: [UInt8], callsBefore: Int) throws(DropReason) -> CanonicalAnswer {
        var answer = OllamaAnswer(calls: CallNumbering(after: callsBefore))
        if let root = JSONDocument.read(body)?.root {
            try answer.take(root)
            return try answer.finished()
        }
        for piece in JSONLines(body) {
            guard let root = JSONDocument.read(body[piece.range])?.root else {
                if piece.isWhole { throw .answerNotJSON }
                throw .streamCut
            }
            try answer.take(root)
        }
        return try answer.finished()
    }

    private init(calls: CallNumbering) { self.calls = calls }

    private mutating func take(_ root: JSONNode) throws(DropReason) {
        guard root.kind == .object else { throw .answerMalformed }
        if root.present("error") != nil { throw .inBandError }
        if let message = root.present("message") {
            sawLine = true
            for block in try OllamaReader.assistant(message, malformed: .answerMalformed, &calls) {
                try append(block, of: message)
            }
        }
        if root["done"]?.bool == true {
            isDone = true
            finish = root.filledText("done_reason")
        }
    }

    private mutating func append(_ block: ContentBlock, of message: JSONNode) throws(DropReason) {
        switch block {
        case .text: text.append(message["content"])
        case .reasoning: reasoning.append(message["thinking"])
        case .image, .toolCall, .toolResult:
            guard rest.count < DatasetLimits.itemsPerAnswer else { throw .answerMalformed }
            rest.append(block)
        }
    }

    private func finished() throws(DropReason) -> CanonicalAnswer {
        guard sawLine else { throw .answerMalformed }
        guard isDone else { throw .streamCut }
        try FinishReason.check(finish)
        var blocks: [ContentBlock] = reasoning.isEmpty ? [] : [.reasoning(reasoning.text)]
        if !text.isEmpty { blocks.append(.text(text.text)) }
        return CanonicalAnswer(
            turn: CanonicalTurn(role: .assistant, blocks: blocks + rest), changes: calls.hasNumbered ? .toolCallsNumbered : [],
            finishReason: finish)
    }
}
