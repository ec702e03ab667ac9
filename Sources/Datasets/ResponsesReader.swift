// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Reads requests and answers of OpenAI's Responses API, whose history is a list of items and not of messages.
enum ResponsesReader {
    static func request(_ root: JSONNode) throws(DropReason) -> CanonicalRequest {
        if root.present("prompt") != nil { throw .promptTemplate }
        var request = CanonicalRequest()
        request.model = root.text("model")
        request.continues = try link(root)
        var items = ItemReader(malformed: .requestMalformed)
        if let instructions = root.present("instructions") {
            guard let text = instructions.string else { throw .requestMalformed }
            if !text.utf8.isEmpty {
                items.append(CanonicalTurn(role: .system, blocks: [.text(text)]))
                request.instructionTurns = 1
            }
        }
        guard let input = root.present("input") else { throw .requestMalformed }
        if let text = input.string {
            items.append(CanonicalTurn(role: .user, blocks: [.text(text)]))
        } else {
            guard input.kind == .array, input.isFilled else { throw .requestMalformed }
            for item in input.elements { try items.take(item) }
        }
        request.turns = items.turns
        request.changes = items.changes
        if request.turns.last?.role == .assistant { throw .ambiguousPrefill }
        request.tools = try tools(root.present("tools"), changes: &request.changes)
        request.responseFormat = ResponseFormat.read(root["text"]?.present("format"))
        request.sampling = SamplingParameters.read(root)
        return request
    }

    /// Where the provider keeps the history, if it does.
    private static func link(_ root: JSONNode) throws(DropReason) -> HistoryLink? {
        if let previous = root.present("previous_response_id") {
            guard let id = previous.string, !id.utf8.isEmpty else { throw .requestMalformed }
            return .response(id)
        }
        guard let conversation = root.present("conversation") else { return nil }
        guard let id = conversation.string ?? conversation.text("id"), !id.utf8.isEmpty else { throw .requestMalformed }
        return .conversation(id)
    }

    private static func tools(_ node: JSONNode?, changes: inout RowChanges) throws(DropReason) -> [ToolDefinition] {
        guard let node else { return [] }
        guard node.kind == .array else { throw .requestMalformed }
        var tools: [ToolDefinition] = []
        for tool in node.elements {
            guard tool.text("type") == "function" else { throw .builtinToolOffered }
            tools.append(try ToolDefinition.read(tool, schemaKey: "parameters", changes: &changes))
        }
        return tools
    }

    /// A plain answer, or the `response` of a stream's last event.
    static func answer(_ root: JSONNode) throws(DropReason) -> CanonicalAnswer {
        try checkStatus(root)
        guard let output = root.present("output"), output.kind == .array else { throw .answerMalformed }
        return try answer(items: Array(output.elements), of: root)
    }

    private static func answer(items: [JSONNode], of root: JSONNode) throws(DropReason) -> CanonicalAnswer {
        var reader = ItemReader(malformed: .answerMalformed)
        for item in items { try reader.take(item) }
        guard reader.turns.count <= 1 else { throw .answerMalformed }
        guard let turn = reader.turns.first else { throw .emptyAnswer }
        guard turn.role == .assistant else { throw .answerMalformed }
        return CanonicalAnswer(
            turn: turn, changes: reader.changes, isRefusal: reader.hasRefusal, finishReason: root.text("status"),
            responseID: root.filledText("id"))
    }

    private static func checkStatus(_ root: JSONNode) throws(DropReason) {
        if root.present("error") != nil { throw .inBandError }
        let status = root.text("status")
        if status == "failed" { throw .inBandError }
        if status == "incomplete" {
            try FinishReason.check(root["incomplete_details"]?.text("reason"))
            throw .finishReasonUnaccepted
        }
        try FinishReason.check(status)
    }

    /// A streamed answer: the last event's `response`; where it lists no output, the items as each was reported done.
    static func streamedAnswer(_ body: [UInt8]) throws(DropReason) -> CanonicalAnswer {
        var items: [(index: Int64, item: JSONNode)] = []
        var sawEvent = false
        for event in ServerSentEvents(body) {
            if event.data.elementsEqual("[DONE]".utf8) { break }
            guard let node = JSONDocument.read(event.data)?.root else {
                if event.isTerminated { throw .answerNotJSON }
                throw .streamCut
            }
            sawEvent = true
            switch node.text("type") ?? event.name {
            case "response.output_item.done":
                guard items.count < DatasetLimits.itemsPerAnswer else { throw .answerMalformed }
                if let item = node.present("item") { items.append((node["output_index"]?.int ?? Int64(items.count), item)) }
            case "response.completed", "response.incomplete", "response.failed":
                guard let response = node.present("response") else { throw .answerMalformed }
                if response["output"]?.isFilled == true { return try answer(response) }
                try checkStatus(response)
                let ordered = items.enumerated().sorted { ($0.element.index, $0.offset) < ($1.element.index, $1.offset) }
                return try answer(items: ordered.map { $0.element.item }, of: response)
            case "error": throw .inBandError
            default: if node.present("error") != nil { throw .inBandError }
            }
        }
        throw sawEvent ? .streamCut : .answerMalformed
    }
}

/// Gathers items into turns: what the assistant says and calls between two foreign items is one turn.
struct ItemReader {
    let malformed: DropReason
    private(set) var turns: [CanonicalTurn] = []
    private(set) var changes: RowChanges = []
    /// Whether the answer refuses; in a history, a refusal is none of the items that a row can hold.
    private(set) var hasRefusal = false
    /// Whether the assistant's turn under way has text already.
    private var hasText = false

    init(malformed: DropReason) { self.malformed = malformed }

    mutating func append(_ turn: CanonicalTurn) { turns.append(turn) }

    mutating func take(_ item: JSONNode) throws(DropReason) {
        guard item.kind == .object else { throw malformed }
        switch item.text("type") ?? (item["role"] == nil ? "item_reference" : "message") {
        case "message": try take(message: item)
        case "reasoning": appendAssistant([.reasoning(reasoningText(item))])
        case "function_call":
            guard let callID = item.filledText("call_id"), let name = item.filledText("name") else { throw malformed }
            let arguments = ChatReader.callArguments(item["arguments"])
            appendAssistant([.toolCall(ToolCall(id: callID, name: name, arguments: arguments))])
        case "function_call_output":
            guard let callID = item.filledText("call_id"), let output = item["output"] else { throw malformed }
            turns.append(
                CanonicalTurn(role: .tool, blocks: [.toolResult(callID: callID, content: try content(output), isError: false)]))
        case "item_reference": throw .incompleteHistory
        case "compaction", "compaction_summary": throw .incompleteHistory
        default: throw .builtinToolItem
        }
    }

    private mutating func take(message: JSONNode) throws(DropReason) {
        guard let node = message["content"] else { throw malformed }
        switch message.text("role") {
        case "user": turns.append(CanonicalTurn(role: .user, blocks: try content(node)))
        case "system": turns.append(CanonicalTurn(role: .system, blocks: try content(node)))
        case "developer":
            changes.insert(.developerAsSystem)
            turns.append(CanonicalTurn(role: .system, blocks: try content(node)))
        case "assistant":
            var blocks = try content(node)
            if turns.last?.role == .assistant, hasText, !blocks.isEmpty {
                changes.insert(.assistantMessagesJoined)
                blocks.insert(.text("\n\n"), at: 0)
            }
            appendAssistant(blocks)
            hasText = hasText || !blocks.isEmpty
        default: throw .unknownRole
        }
    }

    private mutating func appendAssistant(_ blocks: [ContentBlock]) {
        if turns.last?.role == .assistant {
            turns[turns.count - 1].blocks += blocks
        } else {
            turns.append(CanonicalTurn(role: .assistant, blocks: blocks))
            hasText = false
        }
    }

    private mutating func content(_ node: JSONNode) throws(DropReason) -> [ContentBlock] {
        if let text = node.string { return [.text(text)] }
        if node.isNull { return [] }
        guard node.kind == .array else { throw .unknownContent }
        var blocks: [ContentBlock] = []
        for part in node.elements { blocks.append(try block(part)) }
        return blocks
    }

    private mutating func block(_ part: JSONNode) throws(DropReason) -> ContentBlock {
        switch part.text("type") {
        case "input_text", "output_text", "text":
            guard let text = part.text("text") else { throw .unknownContent }
            if part["annotations"]?.isFilled == true { changes.insert(.annotationsRemoved) }
            return .text(text)
        case "input_image":
            // An image by file id is not in the record.
            guard let url = part.filledText("image_url") else { throw .fileContent }
            return .image(url)
        case "input_file": throw .fileContent
        case "input_audio", "output_audio": throw .audioContent
        case "refusal":
            guard malformed == .answerMalformed else { throw .refusal }
            hasRefusal = true
            return .text(part.text("refusal") ?? "")
        default: throw .unknownContent
        }
    }

    private func reasoningText(_ item: JSONNode) -> String {
        var out: [String] = []
        for key in ["summary", "content"] {
            for part in item.present(key)?.elements ?? JSONNode.noElements { out.append(part.text("text") ?? "") }
        }
        return out.joined(separator: "\n\n")
    }
}
