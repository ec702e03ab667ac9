// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads requests and plain answers of Bedrock Converse, and of Nova's own bodies, which have the same form.
enum ConverseReader {
    static func request(_ root: JSONNode) throws(DropReason) -> CanonicalRequest {
        if root["promptVariables"]?.isFilled == true { throw .promptTemplate }
        guard let messages = root["messages"], messages.kind == .array, messages.isFilled else { throw .requestMalformed }
        var request = CanonicalRequest()
        let system = try texts(root.present("system"))
        if !system.isEmpty { request.turns.append(CanonicalTurn(role: .system, blocks: system)) }
        for message in messages.elements { try take(message, into: &request) }
        if request.turns.last?.role == .assistant { throw .ambiguousPrefill }
        request.tools = try tools(root["toolConfig"]?.present("tools"), changes: &request.changes)
        request.responseFormat = ResponseFormat.read(converse: root)
        request.sampling = SamplingParameters.read(converse: root)
        return request
    }

    private static func texts(_ node: JSONNode?) throws(DropReason) -> [ContentBlock] {
        var blocks: [ContentBlock] = []
        for part in node?.listed ?? [] where part.present("cachePoint") == nil {
            guard let text = part.text("text") ?? part["guardContent"]?["text"]?.text("text") else { throw .unknownContent }
            blocks.append(.text(text))
        }
        return blocks
    }

    private static func take(_ message: JSONNode, into request: inout CanonicalRequest) throws(DropReason) {
        guard let role = message.text("role"), let content = message["content"], content.kind == .array else {
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
        var own: [ContentBlock] = []
        for part in content.elements where part.present("cachePoint") == nil {
            guard let result = part.present("toolResult") else {
                own.append(try userBlock(part))
                continue
            }
            guard let callID = result.filledText("toolUseId") else { throw .requestMalformed }
            var inside: [ContentBlock] = []
            for piece in result.present("content")?.listed ?? [] { inside.append(try userBlock(piece)) }
            let isError = result.text("status") == "error"
            let block = ContentBlock.toolResult(callID: callID, content: inside, isError: isError)
            request.turns.append(CanonicalTurn(role: .tool, blocks: [block]))
        }
        if !own.isEmpty { request.turns.append(CanonicalTurn(role: .user, blocks: own)) }
    }

    private static func userBlock(_ part: JSONNode) throws(DropReason) -> ContentBlock {
        if let text = part.text("text") ?? part["guardContent"]?["text"]?.text("text") { return .text(text) }
        if let json = part.present("json") { return .text(JSONText.plainText(json)) }
        if let image = part.present("image") { return try read(image: image) }
        if part.present("audio") != nil { throw .audioContent }
        for key in ["document", "video", "searchResult"] where part.present(key) != nil { throw .fileContent }
        throw .unknownContent
    }

    private static func read(image: JSONNode) throws(DropReason) -> ContentBlock {
        guard let source = image.present("source") else { throw .unknownContent }
        if let link = source["s3Location"]?.filledText("uri") { return .image(link) }
        guard let data = source.filledText("bytes") else { throw .fileContent }
        return .image("data:image/\(image.text("format") ?? "");base64,\(data)")
    }

    private static func assistantBlocks(
        _ node: JSONNode, malformed: DropReason, changes: inout RowChanges
    ) throws(DropReason) -> [ContentBlock] {
        var blocks: [ContentBlock] = []
        for part in node.elements where part.present("cachePoint") == nil {
            if let cited = part.present("citationsContent") {
                changes.insert(.annotationsRemoved)
                blocks += try texts(cited.present("content"))
            } else {
                blocks.append(try assistantBlock(part, malformed: malformed))
            }
        }
        return blocks
    }

    private static func assistantBlock(_ part: JSONNode, malformed: DropReason) throws(DropReason) -> ContentBlock {
        if let call = part.present("toolUse") {
            return .toolCall(try toolCall(call, arguments: ChatReader.callArguments(call["input"]), malformed: malformed))
        }
        if part.present("toolResult") != nil { throw .builtinToolItem }
        if let reasoning = part.present("reasoningContent") {
            return .reasoning(reasoning["reasoningText"]?.text("text") ?? "")
        }
        return try userBlock(part)
    }

    /// A call from its head; what the provider runs itself is none of ours.
    static func toolCall(_ head: JSONNode, arguments: String, malformed: DropReason) throws(DropReason) -> ToolCall {
        if let type = head.filledText("type"), type != "tool_use" { throw .builtinToolItem }
        guard let id = head.filledText("toolUseId"), let name = head.filledText("name") else { throw malformed }
        return ToolCall(id: id, name: name, arguments: arguments)
    }

    private static func tools(_ node: JSONNode?, changes: inout RowChanges) throws(DropReason) -> [ToolDefinition] {
        var tools: [ToolDefinition] = []
        for tool in node?.listed ?? [] where tool.present("cachePoint") == nil {
            guard let spec = tool.present("toolSpec") else { throw .builtinToolOffered }
            guard let name = spec.filledText("name") else { throw .requestMalformed }
            if spec["strict"]?.bool == true { changes.insert(.toolStrictnessRemoved) }
            var parameters = ToolDefinition.noParameters
            if let schema = spec["inputSchema"]?.present("json") {
                guard schema.kind == .object else { throw .requestMalformed }
                parameters = JSONText.compact(schema)
            }
            tools.append(ToolDefinition(name: name, description: spec.text("description") ?? "", parameters: parameters))
        }
        return tools
    }

    static func answer(_ root: JSONNode) throws(DropReason) -> CanonicalAnswer {
        guard let message = root["output"]?.present("message"), let content = message["content"], content.kind == .array else {
            throw .answerMalformed
        }
        let word = root.text("stopReason")
        let isRefusal = try FinishReason.check(word)
        var changes: RowChanges = []
        let blocks = try assistantBlocks(content, malformed: .answerMalformed, changes: &changes)
        return CanonicalAnswer(
            turn: CanonicalTurn(role: .assistant, blocks: blocks), changes: changes, isRefusal: isRefusal, finishReason: word)
    }
}
