// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads requests and answers of OpenAI's chat completions and of those who speak it.
enum ChatReader {
    static func request(_ root: JSONNode) throws(DropReason) -> CanonicalRequest {
        guard let messages = root["messages"], messages.kind == .array, messages.isFilled else { throw .requestMalformed }
        if root["functions"]?.isFilled == true || root.present("function_call") != nil { throw .legacyFunctions }
        if root.present("web_search_options") != nil { throw .builtinToolOffered }
        var request = CanonicalRequest()
        request.model = root.text("model")
        for message in messages.elements { request.turns.append(try turn(message, changes: &request.changes)) }
        if request.turns.last?.role == .assistant { throw .ambiguousPrefill }
        request.tools = try tools(root.present("tools"), changes: &request.changes)
        ToolDefinition.noteResponseFormat(root.present("response_format"), changes: &request.changes)
        return request
    }

    private static func turn(_ message: JSONNode, changes: inout RowChanges) throws(DropReason) -> CanonicalTurn {
        guard message.kind == .object, let role = message.text("role") else { throw .requestMalformed }
        if role != "tool", message.filledText("name") != nil { throw .namedParticipant }
        switch role {
        case "system": return CanonicalTurn(role: .system, blocks: try content(message["content"], changes: &changes))
        case "developer":
            changes.insert(.developerAsSystem)
            return CanonicalTurn(role: .system, blocks: try content(message["content"], changes: &changes))
        case "user": return CanonicalTurn(role: .user, blocks: try content(message["content"], changes: &changes))
        case "assistant": return try assistant(message, malformed: .requestMalformed, changes: &changes)
        case "tool":
            guard let callID = message.filledText("tool_call_id") else { throw .requestMalformed }
            let inside = try content(message["content"], changes: &changes)
            return CanonicalTurn(role: .tool, blocks: [.toolResult(callID: callID, content: inside, isError: false)])
        case "function": throw .legacyFunctions
        default: throw .unknownRole
        }
    }

    /// An assistant's message, in a request or in an answer.
    static func assistant(
        _ message: JSONNode, malformed: DropReason, changes: inout RowChanges
    ) throws(DropReason) -> CanonicalTurn {
        if message.present("function_call") != nil { throw .legacyFunctions }
        if message.filledText("refusal") != nil { throw .refusal }
        if message.present("audio") != nil { throw .audioContent }
        if message["images"]?.isFilled == true { throw .imageContent }
        if message["annotations"]?.isFilled == true { changes.insert(.annotationsRemoved) }
        var blocks: [ContentBlock] = []
        for key in ["reasoning_content", "reasoning"] {
            if let text = message.filledText(key) {
                blocks.append(.reasoning(text))
                break
            }
        }
        blocks += try content(message["content"], changes: &changes)
        if let calls = message.present("tool_calls") {
            guard calls.kind == .array else { throw malformed }
            for call in calls.elements { blocks.append(.toolCall(try toolCall(call, malformed: malformed))) }
        }
        return CanonicalTurn(role: .assistant, blocks: blocks)
    }

    private static func toolCall(_ call: JSONNode, malformed: DropReason) throws(DropReason) -> ToolCall {
        if let type = call.filledText("type"), type != "function" { throw .builtinToolItem }
        guard let function = call.present("function"), let id = call.filledText("id"), let name = function.filledText("name")
        else {
            throw malformed
        }
        return ToolCall(id: id, name: name, arguments: argumentsText(function["arguments"]))
    }

    /// The arguments as text: a string's content as it is; an object, as some servers send it, without white space.
    static func argumentsText(_ node: JSONNode?) -> String {
        guard let node, !node.isNull else { return "" }
        return node.string ?? String(decoding: JSONText.compact(node), as: UTF8.self)
    }

    /// The content of a message: text, a list of parts, or nothing.
    static func content(_ node: JSONNode?, changes: inout RowChanges) throws(DropReason) -> [ContentBlock] {
        guard let node, !node.isNull else { return [] }
        if let text = node.string { return [.text(text)] }
        guard node.kind == .array else { throw .unknownContent }
        var blocks: [ContentBlock] = []
        for part in node.elements { blocks.append(try block(part)) }
        return blocks
    }

    private static func block(_ part: JSONNode) throws(DropReason) -> ContentBlock {
        switch part.text("type") {
        case "text":
            guard let text = part.text("text") else { throw .unknownContent }
            return .text(text)
        case "image_url":
            guard let url = part["image_url"]?.text("url") ?? part.text("image_url") else { throw .unknownContent }
            return .image(url)
        case "refusal": throw .refusal
        case "input_audio", "audio": throw .audioContent
        case "file", "document_url", "video_url", "input_file": throw .fileContent
        case "thinking": return .reasoning(thinkingText(part["thinking"]))
        default: throw .unknownContent
        }
    }

    /// Mistral's thinking: text, or a list of text parts.
    private static func thinkingText(_ node: JSONNode?) -> String {
        guard let node else { return "" }
        if let text = node.string { return text }
        var out = ""
        for part in node.elements { out += part.text("text") ?? "" }
        return out
    }

    private static func tools(_ node: JSONNode?, changes: inout RowChanges) throws(DropReason) -> [ToolDefinition] {
        guard let node else { return [] }
        guard node.kind == .array else { throw .requestMalformed }
        var tools: [ToolDefinition] = []
        for tool in node.elements {
            if let type = tool.filledText("type"), type != "function" { throw .builtinToolOffered }
            guard let function = tool.present("function") else { throw .builtinToolOffered }
            tools.append(try ToolDefinition.read(function, schemaKey: "parameters", changes: &changes))
        }
        return tools
    }

    static func answer(_ root: JSONNode) throws(DropReason) -> CanonicalAnswer {
        if root.present("error") != nil { throw .inBandError }
        guard let choices = root.present("choices"), choices.kind == .array, choices.isFilled else { throw .answerMalformed }
        var changes: RowChanges = []
        var first: JSONNode?
        for (position, choice) in choices.elements.enumerated() {
            if (choice["index"]?.int ?? Int64(position)) == 0, first == nil {
                first = choice
            } else {
                changes.insert(.extraChoicesIgnored)
            }
        }
        guard let choice = first, let message = choice.present("message"), message.kind == .object else { throw .answerMalformed }
        if choice.present("error") != nil { throw .inBandError }
        try FinishReason.check(choice.text("finish_reason"))
        let turn = try assistant(message, malformed: .answerMalformed, changes: &changes)
        return CanonicalAnswer(turn: turn, changes: changes)
    }
}

extension ToolDefinition {
    /// A tool from its object; the schema lies under `schemaKey`.
    static func read(_ node: JSONNode, schemaKey: String, changes: inout RowChanges) throws(DropReason) -> ToolDefinition {
        guard let name = node.filledText("name") else { throw .requestMalformed }
        if node["strict"]?.bool == true { changes.insert(.toolStrictnessRemoved) }
        var parameters = noParameters
        if let schema = node.present(schemaKey) {
            guard schema.kind == .object else { throw .requestMalformed }
            parameters = JSONText.compact(schema)
        }
        return ToolDefinition(name: name, description: node.text("description") ?? "", parameters: parameters)
    }

    /// Notes that a demanded form of the answer is not in the row.
    static func noteResponseFormat(_ node: JSONNode?, changes: inout RowChanges) {
        guard let node, let type = node.text("type"), type != "text" else { return }
        changes.insert(.responseFormatRemoved)
    }
}

/// The provider's word for why it stopped.
enum FinishReason {
    /// Lets pass only an answer that ended of itself.
    static func check(_ word: String?) throws(DropReason) {
        guard let word, !word.utf8.isEmpty else { throw .finishReasonMissing }
        switch word {
        case "stop", "end_turn", "tool_use", "tool_calls", "completed", "stop_sequence", "eos": return
        case "length", "max_tokens", "max_output_tokens", "model_context_window_exceeded": throw .truncatedAnswer
        case "content_filter": throw .contentFiltered
        case "refusal": throw .refusal
        case "function_call": throw .legacyFunctions
        case "error": throw .inBandError
        default: throw .finishReasonUnaccepted
        }
    }
}
