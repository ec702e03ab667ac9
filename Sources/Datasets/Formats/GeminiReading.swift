// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Gemini's rows: `{systemInstruction, contents, tools}`.
///
/// Calls have no ids here: each gets one by its place, and results answer the calls of the content before them, in order.
enum GeminiReading {
    static func row(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        guard let contents = root["contents"]?.opened, contents.kind == .array else {
            throw RowFault("contents-not-list", "contents must be a list")
        }
        var turns: [CanonicalTurn] = []
        if let system = root.present("systemInstruction") ?? root.present("system_instruction") {
            let texts =
                system.string.map { [$0] }
                ?? (system["parts"]?.elements ?? JSONNode.noElements).compactMap { $0.filledText("text") }
            if !texts.isEmpty { turns.append(CanonicalTurn(role: .system, blocks: texts.map { .text($0) })) }
        }
        var calls: [ToolCall] = []
        for (position, content) in contents.elements.enumerated() {
            let parts = try blocks(content, position, answering: calls)
            calls = parts.compactMap { block in
                if case .toolCall(let call) = block { return call }
                return nil
            }
            turns += split(parts, role: content.text("role") == "model" ? .assistant : .user)
        }
        var row = RowReading.row(root, turns: turns)
        row.tools = try MessageReading.tools(root)
        return row
    }

    private static func split(_ blocks: [ContentBlock], role: TurnRole) -> [CanonicalTurn] {
        var turns: [CanonicalTurn] = []
        var rest: [ContentBlock] = []
        for block in blocks {
            if case .toolResult = block { turns.append(CanonicalTurn(role: .tool, blocks: [block])) } else { rest.append(block) }
        }
        if !rest.isEmpty || turns.isEmpty { turns.append(CanonicalTurn(role: role, blocks: rest)) }
        return turns
    }

    private static func blocks(_ content: JSONNode, _ position: Int, answering calls: [ToolCall]) throws(RowFault)
        -> [ContentBlock]
    {
        var blocks: [ContentBlock] = []
        var open = calls
        guard let parts = content["parts"], parts.kind == .array else {
            throw RowFault("parts-missing", "contents[\(position)] has no parts")
        }
        for (place, part) in parts.elements.enumerated() {
            if let call = part.filled("functionCall") ?? part.filled("function_call") {
                guard let name = call.filledText("name") else {
                    throw RowFault("tool-call-malformed", "contents[\(position)]: a call without a name")
                }
                let id = call.filledText("id") ?? "call_\(position)_\(place)"
                blocks.append(
                    .toolCall(ToolCall(id: id, name: name, arguments: ChatReader.callArguments(call["args"]))))
            } else if let response = part.filled("functionResponse") ?? part.filled("function_response") {
                let match = open.firstIndex { $0.name == response.text("name") }
                let id = match.map { open.remove(at: $0).id } ?? response.text("name") ?? ""
                blocks.append(result(response, id))
            } else if let file = part["fileData"] ?? part["file_data"] {
                blocks.append(.image(file.text("fileUri") ?? file.text("file_uri") ?? ""))
            } else if let data = part["inlineData"] ?? part["inline_data"] {
                let type = data.text("mimeType") ?? data.text("mime_type") ?? ""
                blocks.append(.image("data:\(type);base64,\(data.text("data") ?? "")"))
            } else if let text = part.text("text") {
                blocks.append(part["thought"]?.bool == true ? .reasoning(text) : .text(text))
            } else {
                throw RowFault("content-unknown", "contents[\(position)].parts[\(place)] is no text, image, call or result")
            }
        }
        return blocks
    }

    private static func result(_ response: JSONNode, _ id: String) -> ContentBlock {
        guard let value = response["response"] else { return .toolResult(callID: id, content: [], isError: false) }
        let said = GeminiResponse.said(value)
        return .toolResult(callID: id, content: [.text(said.text)], isError: said.isError)
    }
}

extension JSONNode {
    /// The member's object, or the one that its text holds; nil where it is missing or empty.
    fileprivate func filled(_ key: String) -> JSONNode? {
        guard let node = self[key]?.opened, node.kind == .object else { return nil }
        return node
    }
}
