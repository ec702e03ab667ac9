// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads requests and answers of Anthropic's messages API.
enum AnthropicReader {
    static func request(_ root: JSONNode) throws(DropReason) -> CanonicalRequest {
        guard let messages = root["messages"], messages.kind == .array, messages.isFilled else { throw .requestMalformed }
        if root["mcp_servers"]?.isFilled == true { throw .builtinToolOffered }
        var request = CanonicalRequest()
        request.model = root.text("model")
        if let system = root.present("system") {
            let blocks = try texts(system)
            if !blocks.isEmpty { request.turns.append(CanonicalTurn(role: .system, blocks: blocks)) }
        }
        for message in messages.elements { try take(message, into: &request) }
        if let last = request.turns.last, last.role == .assistant {
            // A turn with calls before the end is one that the provider paused, not words laid into its mouth.
            guard last.toolCalls.isEmpty else { throw .ambiguousPrefill }
            request.prefill = request.turns.removeLast()
            request.changes.insert(.prefillJoined)
        }
        request.tools = try tools(root.present("tools"), changes: &request.changes)
        request.responseFormat = ResponseFormat.read(root["output_config"]?.present("format") ?? root.present("output_format"))
        request.sampling = SamplingParameters.read(root)
        return request
    }

    private static func texts(_ node: JSONNode) throws(DropReason) -> [ContentBlock] {
        if let text = node.string { return [.text(text)] }
        guard node.kind == .array else { throw .requestMalformed }
        var blocks: [ContentBlock] = []
        for part in node.elements {
            guard part.text("type") == "text", let text = part.text("text") else { throw .unknownContent }
            blocks.append(.text(text))
        }
        return blocks
    }

    private static func take(_ message: JSONNode, into request: inout CanonicalRequest) throws(DropReason) {
        guard message.kind == .object, let role = message.text("role"), let content = message["content"] else {
            throw .requestMalformed
        }
        switch role {
        case "user": try take(user: content, into: &request)
        case "assistant":
            let blocks = try assistantBlocks(content, malformed: .requestMalformed, changes: &request.changes)
            request.turns.appendAssistant(blocks, changes: &request.changes)
        case "system": request.turns.append(CanonicalTurn(role: .system, blocks: try texts(content)))
        default: throw .unknownRole
        }
    }

    /// A user's message: results of tools become turns of their own, before what the user says.
    private static func take(user content: JSONNode, into request: inout CanonicalRequest) throws(DropReason) {
        if let text = content.string { return request.turns.append(CanonicalTurn(role: .user, blocks: [.text(text)])) }
        guard content.kind == .array else { throw .requestMalformed }
        var own: [ContentBlock] = []
        for part in content.elements {
            guard part.text("type") == "tool_result" else {
                own.append(try userBlock(part))
                continue
            }
            guard let callID = part.filledText("tool_use_id") else { throw .requestMalformed }
            let isError = part["is_error"]?.bool ?? false
            let result = ContentBlock.toolResult(
                callID: callID, content: try resultContent(part.present("content")), isError: isError)
            request.turns.append(CanonicalTurn(role: .tool, blocks: [result]))
        }
        if !own.isEmpty { request.turns.append(CanonicalTurn(role: .user, blocks: own)) }
    }

    private static func resultContent(_ node: JSONNode?) throws(DropReason) -> [ContentBlock] {
        guard let node else { return [] }
        if let text = node.string { return [.text(text)] }
        guard node.kind == .array else { throw .unknownContent }
        var blocks: [ContentBlock] = []
        for part in node.elements { blocks.append(try userBlock(part)) }
        return blocks
    }

    private static func userBlock(_ part: JSONNode) throws(DropReason) -> ContentBlock {
        switch part.text("type") {
        case "text":
            guard let text = part.text("text") else { throw .unknownContent }
            return .text(text)
        case "image":
            guard let source = part["source"] else { throw .unknownContent }
            if let url = source.filledText("url") { return .image(url) }
            // An image by file id is not in the record.
            guard let data = source.filledText("data") else { throw .fileContent }
            return .image("data:\(source.text("media_type") ?? "");base64,\(data)")
        case "document", "container_upload": throw .fileContent
        default: throw .unknownContent
        }
    }

    static func assistantBlocks(
        _ node: JSONNode, malformed: DropReason, changes: inout RowChanges
    ) throws(DropReason) -> [ContentBlock] {
        if let text = node.string { return [.text(text)] }
        guard node.kind == .array else { throw malformed }
        var blocks: [ContentBlock] = []
        for part in node.elements {
            if part["citations"]?.isFilled == true { changes.insert(.annotationsRemoved) }
            blocks.append(try assistantBlock(part, streamedInput: nil, malformed: malformed))
        }
        return blocks
    }

    /// One block of the assistant's.
    ///
    /// - Parameters:
    ///   - part: the block.
    ///   - streamedInput: a call's input as it came in pieces; nil or empty means that of the block.
    ///   - malformed: what to throw where the block breaks the API's own rules.
    /// - Returns: the typed block.
    /// - Throws: the reason why no row can hold it.
    static func assistantBlock(
        _ part: JSONNode, streamedInput: String?, malformed: DropReason
    ) throws(DropReason) -> ContentBlock {
        guard let type = part.text("type") else { throw malformed }
        switch type {
        case "text":
            guard let text = part.text("text") else { throw malformed }
            return .text(text)
        case "tool_use":
            guard let id = part.filledText("id"), let name = part.filledText("name") else { throw malformed }
            var arguments = ChatReader.callArguments(part["input"])
            if let streamedInput, streamedInput.utf8.contains(where: { $0 > 0x20 }) {
                guard let document = JSONDocument.read(streamedInput.utf8) else { throw .toolArgumentsNotJSON }
                arguments = JSONText.plainText(document.root)
            }
            return .toolCall(ToolCall(id: id, name: name, arguments: arguments))
        case "thinking": return .reasoning(part.text("thinking") ?? "")
        case "redacted_thinking": return .reasoning("")
        case "image": throw .imageContent
        case "document", "container_upload": throw .fileContent
        case "compaction": throw .serverEditedContext
        default:
            let isBuiltin = type == "server_tool_use" || type == "mcp_tool_use" || type.hasSuffix("_tool_result")
            throw isBuiltin ? .builtinToolItem : .unknownContent
        }
    }

    private static func tools(_ node: JSONNode?, changes: inout RowChanges) throws(DropReason) -> [ToolDefinition] {
        guard let node else { return [] }
        guard node.kind == .array else { throw .requestMalformed }
        var tools: [ToolDefinition] = []
        for tool in node.elements {
            if let type = tool.filledText("type"), type != "custom" { throw .builtinToolOffered }
            tools.append(try ToolDefinition.read(tool, schemaKey: "input_schema", changes: &changes))
        }
        return tools
    }

    static func answer(_ root: JSONNode) throws(DropReason) -> CanonicalAnswer {
        if root.text("type") == "error" || root.present("error") != nil { throw .inBandError }
        guard let content = root["content"], content.kind == .array else { throw .answerMalformed }
        if root["context_management"]?["applied_edits"]?.isFilled == true { throw .serverEditedContext }
        let word = root.text("stop_reason")
        let isRefusal = try FinishReason.check(word)
        var changes: RowChanges = []
        let blocks = try assistantBlocks(content, malformed: .answerMalformed, changes: &changes)
        return CanonicalAnswer(
            turn: CanonicalTurn(role: .assistant, blocks: blocks), changes: changes, isRefusal: isRefusal, finishReason: word,
            responseID: root.filledText("id"))
    }
}
