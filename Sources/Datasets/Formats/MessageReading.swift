// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Messages of any of the manners that training files use: OpenAI's, Anthropic's content blocks, Inspect's flat calls, legacy functions.
///
/// More lenient than the readers of captured traffic, because it judges nothing; what no turn can say is refused, not dropped.
enum MessageReading {
    static func turns(_ node: JSONNode) throws(RowFault) -> [CanonicalTurn] {
        let list = node.opened
        guard list.kind == .array else { throw RowFault("messages-not-list", "messages must be a list") }
        var turns: [CanonicalTurn] = []
        for (position, message) in list.elements.enumerated() {
            do throws(RowFault) {
                turns += try read(message)
            } catch {
                throw RowFault(error.reason, "message \(position + 1): \(error.message)")
            }
        }
        return turns
    }

    private static func read(_ message: JSONNode) throws(RowFault) -> [CanonicalTurn] {
        guard message.kind == .object, let role = message.text("role") else { throw RowFault("role-missing", "it has no role") }
        let content = try content(message["content"])
        switch role {
        case "system", "developer": return [CanonicalTurn(role: .system, blocks: content)]
        case "user", "human": return split(content)
        case "assistant", "model": return [CanonicalTurn(role: .assistant, blocks: try assistant(message, content))]
        case "tool", "function":
            let callID = message.filledText("tool_call_id") ?? message.filledText("name") ?? ""
            return [CanonicalTurn(role: .tool, blocks: [.toolResult(callID: callID, content: content, isError: false)])]
        default: throw RowFault("role-unknown", "its role '\(role.prefix(40))' is unknown")
        }
    }

    /// Results of tools inside a user's message are turns of their own, before what the user says.
    private static func split(_ blocks: [ContentBlock]) -> [CanonicalTurn] {
        var results: [CanonicalTurn] = []
        var rest: [ContentBlock] = []
        for block in blocks {
            if case .toolResult = block {
                results.append(CanonicalTurn(role: .tool, blocks: [block]))
            } else {
                rest.append(block)
            }
        }
        return results + (rest.isEmpty && !results.isEmpty ? [] : [CanonicalTurn(role: .user, blocks: rest)])
    }

    private static func assistant(_ message: JSONNode, _ content: [ContentBlock]) throws(RowFault) -> [ContentBlock] {
        var blocks: [ContentBlock] = []
        if let text = message.filledText("reasoning_content") ?? message.filledText("reasoning") {
            blocks.append(.reasoning(text))
        }
        blocks += content
        if let refusal = message.filledText("refusal") { blocks.append(.text(refusal)) }
        if let call = message.present("function_call")?.opened, let name = call.filledText("name") {
            blocks.append(.toolCall(ToolCall(id: name, name: name, arguments: ChatReader.callArguments(call["arguments"]))))
        }
        guard let calls = message.present("tool_calls")?.opened else { return blocks }
        guard calls.kind == .array else { throw RowFault("tool-call-malformed", "tool_calls must be a list") }
        for call in calls.elements {
            let function = call["function"]
            let isFlat = function?.kind == .string
            guard let name = isFlat ? function?.string : function?.filledText("name") else {
                throw RowFault("tool-call-malformed", "a call names no function")
            }
            let arguments = isFlat ? call["arguments"] : function?["arguments"]
            blocks.append(
                .toolCall(ToolCall(id: call.filledText("id") ?? name, name: name, arguments: ChatReader.callArguments(arguments)))
            )
        }
        return blocks
    }

    /// Content: a text, a list of parts, or nothing.
    static func content(_ node: JSONNode?) throws(RowFault) -> [ContentBlock] {
        guard let node, !node.isNull else { return [] }
        if let text = node.string { return [.text(text)] }
        guard node.kind == .array else { throw RowFault("content-unknown", "its content is neither a text nor a list of parts") }
        var blocks: [ContentBlock] = []
        for part in node.elements { blocks.append(try block(part)) }
        return blocks
    }

    private static func block(_ part: JSONNode) throws(RowFault) -> ContentBlock {
        if let text = part.string { return .text(text) }
        switch part.text("type") ?? (part["text"] == nil ? "" : "text") {
        case "text", "input_text", "output_text", "refusal":
            if let text = part.text("text") ?? part.text("refusal") { return .text(text) }
        case "image_url", "input_image":
            if let url = part["image_url"]?.text("url") ?? part.text("image_url") { return .image(url) }
        case "image":
            if let reference = image(part) { return .image(reference) }
        case "tool_use":
            if let id = part.text("id"), let name = part.text("name") {
                return .toolCall(ToolCall(id: id, name: name, arguments: ChatReader.callArguments(part["input"])))
            }
        case "tool_result":
            if let id = part.text("tool_use_id") {
                return .toolResult(callID: id, content: try content(part["content"]), isError: part["is_error"]?.bool ?? false)
            }
        case "thinking", "reasoning":
            return .reasoning(part.text("thinking") ?? part.text("reasoning") ?? part.text("text") ?? "")
        case "redacted_thinking": return .reasoning("")
        default: break
        }
        throw RowFault(
            "content-unknown", "a part of type '\((part.text("type") ?? "").prefix(40))' is no text, image, call or result")
    }

    /// Inspect's image, or Anthropic's.
    private static func image(_ part: JSONNode) -> String? {
        if let reference = part.text("image") { return reference }
        guard let source = part["source"] else { return nil }
        if let url = source.text("url") { return url }
        guard let type = source.text("media_type"), let data = source.text("data") else { return nil }
        return "data:\(type);base64,\(data)"
    }

    /// The tools of a row: OpenAI's list, bare functions, or Gemini's declarations; as a list or as its JSON text.
    static func tools(_ root: JSONNode) throws(RowFault) -> [ToolDefinition] {
        guard let list = (root.present("tools") ?? root.present("functions"))?.opened, list.kind == .array else { return [] }
        var tools: [ToolDefinition] = []
        for item in list.elements {
            let declared = item.opened
            if let functions = declared["functionDeclarations"] ?? declared["function_declarations"] {
                for function in functions.elements { tools.append(try tool(function)) }
            } else {
                tools.append(try tool(declared.present("function") ?? declared))
            }
        }
        return tools
    }

    private static func tool(_ node: JSONNode) throws(RowFault) -> ToolDefinition {
        guard let name = node.filledText("name") else { throw RowFault("tool-malformed", "a tool has no name") }
        let schema = (node.present("parameters") ?? node.present("parametersJsonSchema") ?? node.present("input_schema"))?.opened
        let parameters = schema.map { JSONText.compact($0) } ?? ToolDefinition.noParameters
        return ToolDefinition(name: name, description: node.text("description") ?? "", parameters: parameters)
    }
}
