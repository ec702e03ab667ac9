// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads requests of Gemini's `generateContent`, from AI Studio and Vertex, whose keys have two spellings.
enum GeminiReader {
    static func request(_ root: JSONNode) throws(DropReason) -> CanonicalRequest {
        if root.present("cachedContent", "cached_content")?.isFilled == true { throw .cachedPrefix }
        let contents = root.present("contents")?.listed ?? []
        guard !contents.isEmpty else { throw .requestMalformed }
        var reader = GeminiTurns()
        if let system = root.present("systemInstruction", "system_instruction") { try reader.take(system: system) }
        for content in contents { try reader.take(content) }
        if reader.turns.last?.role == .assistant { throw .ambiguousPrefill }
        var request = CanonicalRequest()
        request.model = root.text("model")
        request.turns = reader.turns
        request.changes = reader.changes
        if reader.calls.hasNumbered { request.changes.insert(.toolCallsNumbered) }
        request.tools = try tools(root.present("tools"), changes: &request.changes)
        request.responseFormat = ResponseFormat.read(gemini: root)
        request.sampling = SamplingParameters.read(gemini: root)
        return request
    }

    /// Every member of a tool but its functions is something that Google runs.
    private static func tools(_ node: JSONNode?, changes: inout RowChanges) throws(DropReason) -> [ToolDefinition] {
        var tools: [ToolDefinition] = []
        for tool in node?.listed ?? [] {
            guard tool.kind == .object else { throw .requestMalformed }
            for (key, value) in tool.members where !value.isNull {
                guard key.equals("functionDeclarations") || key.equals("function_declarations") else { throw .builtinToolOffered }
                for function in value.listed { tools.append(try definition(function, changes: &changes)) }
            }
        }
        return tools
    }

    private static func definition(_ node: JSONNode, changes: inout RowChanges) throws(DropReason) -> ToolDefinition {
        guard node.kind == .object, let name = node.filledText("name") else { throw .requestMalformed }
        var parameters = ToolDefinition.noParameters
        if let schema = node.present("parametersJsonSchema", "parameters_json_schema") {
            guard schema.kind == .object else { throw .requestMalformed }
            parameters = JSONText.compact(schema)
        } else if let schema = node.present("parameters") {
            guard schema.kind == .object else { throw .requestMalformed }
            var isRespelled = false
            parameters = GeminiSchema.normal(schema, isRespelled: &isRespelled)
            if isRespelled { changes.insert(.toolSchemaRespelled) }
        }
        return ToolDefinition(name: name, description: node.text("description") ?? "", parameters: parameters)
    }
}

/// Gathers contents into turns: results of functions become turns of their own, before what the user says beside them.
struct GeminiTurns {
    private(set) var turns: [CanonicalTurn] = []
    private(set) var calls = CallNumbering()
    private(set) var changes: RowChanges = []

    mutating func take(system node: JSONNode) throws(DropReason) {
        let parts = node.string != nil ? [node] : node.present("parts")?.listed ?? []
        var blocks: [ContentBlock] = []
        for part in parts {
            guard let text = part.string ?? part.text("text") else { throw .unknownContent }
            blocks.append(.text(text))
        }
        if !blocks.isEmpty { turns.append(CanonicalTurn(role: .system, blocks: blocks)) }
    }

    mutating func take(_ content: JSONNode) throws(DropReason) {
        guard content.kind == .object else { throw .requestMalformed }
        let parts = content.present("parts")?.listed ?? []
        switch content.filledText("role") ?? "user" {
        case "user", "function", "tool": try take(user: parts)
        case "model": try take(model: parts)
        default: throw .unknownRole
        }
    }

    private mutating func take(user parts: [JSONNode]) throws(DropReason) {
        var own: [ContentBlock] = []
        for part in parts {
            switch try GeminiPart.read(part, malformed: .requestMalformed) {
            case .block(.reasoning(let text)), .block(.text(let text)): own.append(.text(text))
            case .block(let block): own.append(block)
            case .call: throw .requestMalformed
            case .result(let id, let name, let content, let isError):
                if isError { changes.insert(.toolErrorFlagRemoved) }
                let callID = try calls.answered(id: id, name: name)
                let result = ContentBlock.toolResult(callID: callID, content: content, isError: isError)
                turns.append(CanonicalTurn(role: .tool, blocks: [result]))
            case .nothing: break
            }
        }
        if !own.isEmpty { turns.append(CanonicalTurn(role: .user, blocks: own)) }
    }

    private mutating func take(model parts: [JSONNode]) throws(DropReason) {
        if turns.last?.role != .assistant { calls.beginTurn() }
        var blocks: [ContentBlock] = []
        for part in parts {
            switch try GeminiPart.read(part, malformed: .requestMalformed) {
            case .block(let block): blocks.append(block)
            case .call(let id, let name, let arguments):
                blocks.append(.toolCall(ToolCall(id: calls.call(id: id, name: name), name: name, arguments: arguments)))
            case .result: throw .requestMalformed
            case .nothing: break
            }
        }
        guard !blocks.isEmpty else { return }
        turns.appendAssistant(blocks, changes: &changes)
    }
}
