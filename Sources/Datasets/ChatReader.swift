// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads requests and answers of OpenAI's chat completions and of those who speak it.
enum ChatReader {
    static func request(_ root: JSONNode) throws(DropReason) -> CanonicalRequest {
        guard let messages = root["messages"], messages.kind == .array, messages.isFilled else { throw .requestMalformed }
        if root["functions"]?.isFilled == true || root.present("function_call") != nil { throw .legacyFunctions }
        if searches(root) { throw .builtinToolOffered }
        var request = CanonicalRequest()
        request.model = root.text("model")
        for message in messages.elements { request.turns.append(try turn(message, changes: &request.changes)) }
        if request.turns.last?.role == .assistant { throw .ambiguousPrefill }
        request.tools = try tools(root.present("tools"), changes: &request.changes)
        request.responseFormat = ResponseFormat.read(root.present("response_format"))
        request.sampling = SamplingParameters.read(root)
        return request
    }

    /// Whether the provider may put into the prompt what the request does not hold: searches (OpenAI, OpenRouter, xAI), data (Azure).
    private static func searches(_ root: JSONNode) -> Bool {
        if root.present("web_search_options") != nil || root["data_sources"]?.isFilled == true { return true }
        if root["plugins"]?.isFilled == true || root.text("model")?.hasSuffix(":online") == true { return true }
        guard let search = root.present("search_parameters") else { return false }
        return search.text("mode") != "off"
    }

    static func turn(_ message: JSONNode, changes: inout RowChanges) throws(DropReason) -> CanonicalTurn {
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

    /// An assistant's message, in a request or in an answer; the words of a refusal are left to whoever reads an answer.
    static func assistant(
        _ message: JSONNode, malformed: DropReason, changes: inout RowChanges
    ) throws(DropReason) -> CanonicalTurn {
        if hasLegacyCall(message) { throw .legacyFunctions }
        if malformed != .answerMalformed, message.filledText("refusal") != nil { throw .refusal }
        if message["executed_tools"]?.isFilled == true { throw .builtinToolItem }
        if hasSound(message) { throw .audioContent }
        if message["images"]?.isFilled == true { throw .imageContent }
        if message["annotations"]?.isFilled == true { changes.insert(.annotationsRemoved) }
        var blocks: [ContentBlock] = []
        // The last is Cohere's plan for the calls that follow.
        for key in ["reasoning_content", "reasoning", "tool_plan"] {
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

    /// Whether a function is called the old way; some send an object without any call.
    static func hasLegacyCall(_ message: JSONNode) -> Bool {
        holdsSomething(message["function_call"])
    }

    /// Whether there is sound; some send an object without any.
    static func hasSound(_ message: JSONNode) -> Bool {
        holdsSomething(message["audio"])
    }

    /// Whether a member is more than a number or a flag.
    private static func holdsSomething(_ object: JSONNode?) -> Bool {
        object?.members.contains { $0.value.kind != .number && $0.value.kind != .bool && $0.value.isFilled } ?? false
    }

    private static func toolCall(_ call: JSONNode, malformed: DropReason) throws(DropReason) -> ToolCall {
        if let type = call.filledText("type"), type != "function" { throw .builtinToolItem }
        guard let function = call.present("function"), let id = call.filledText("id"), let name = function.filledText("name")
        else {
            throw malformed
        }
        return ToolCall(id: id, name: name, arguments: callArguments(function["arguments"]))
    }

    /// A call's arguments: those of one that has none, which comes with an empty text, null or nothing, are an empty object.
    static func callArguments(_ node: JSONNode?) -> String { callArguments(argumentsText(node)) }

    /// The same of arguments whose pieces have all come.
    static func callArguments(_ text: String) -> String { text.utf8.contains { $0 > 0x20 } ? text : "{}" }

    /// The arguments as text: a string's content as it is; an object, as some servers send it, without white space.
    static func argumentsText(_ node: JSONNode?) -> String {
        guard let node, !node.isNull else { return "" }
        return node.string ?? JSONText.plainText(node)
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

    static func tools(_ node: JSONNode?, changes: inout RowChanges) throws(DropReason) -> [ToolDefinition] {
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
        if root["search_results"]?.isFilled == true || root["citations"]?.isFilled == true { throw .builtinToolItem }
        guard let choices = root.present("choices"), choices.kind == .array, choices.isFilled else { throw .answerMalformed }
        var answer: CanonicalAnswer?
        var others: [CanonicalTurn] = []
        for (position, choice) in choices.elements.enumerated() where position < DatasetLimits.choices {
            if (choice["index"]?.int ?? Int64(position)) == 0, answer == nil {
                answer = try read(choice: choice)
            } else {
                others.append(contentsOf: alternative(choice))
            }
        }
        guard var answer else { throw .answerMalformed }
        if choices[1] != nil { answer.changes.insert(.extraChoicesIgnored) }
        answer.alternatives = others
        answer.responseID = root.filledText("id")
        return answer
    }

    /// Another answer, where it is a good one.
    private static func alternative(_ choice: JSONNode) -> [CanonicalTurn] {
        do throws(DropReason) {
            let answer = try read(choice: choice)
            return answer.isRefusal ? [] : [answer.turn]
        } catch {
            return []
        }
    }

    private static func read(choice: JSONNode) throws(DropReason) -> CanonicalAnswer {
        guard let message = choice.present("message"), message.kind == .object else { throw .answerMalformed }
        if choice.present("error") != nil { throw .inBandError }
        let word = choice.text("finish_reason")
        let isRefusal = try FinishReason.check(word)
        var changes: RowChanges = []
        var turn = try assistant(message, malformed: .answerMalformed, changes: &changes)
        let words = message.filledText("refusal")
        if let words { turn.blocks.append(.text(words)) }
        return CanonicalAnswer(turn: turn, changes: changes, isRefusal: isRefusal || words != nil, finishReason: word)
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
}
