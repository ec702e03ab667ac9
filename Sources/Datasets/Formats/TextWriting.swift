// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Formats that are of texts.
extension RowWriting {
    /// `{conversations: [{from, value}]}`, and `tools` as a JSON text where rows may call.
    func shareGPT() -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.key("conversations")
        json.beginArray()
        for turn in row.turns {
            json.beginObject()
            json.member("from", ShareGPTNames.name(turn))
            if let call = turn.toolCalls.first {
                json.member("value", json: ShareGPTNames.text(call), asText: true)
            } else {
                json.member("value", turn.joinedText)
            }
            json.endObject()
        }
        json.endArray()
        if options.toolsInShareGPT, isUniform || !row.tools.isEmpty || options.toolsKey == .always {
            json.member("tools", json: ToolDefinition.list(row.tools), asText: true)
        }
        json.endObject()
        return json.bytes
    }

    /// `{system, messages: [{role, content}]}`.
    func anthropicText() -> [UInt8] {
        let system = row.prompt.first { $0.role == .system }
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        if isUniform || system != nil { json.member("system", system?.joinedText ?? "") }
        json.key("messages")
        TextMessages.write(row.turns.filter { $0.role != .system }, to: &json)
        json.endObject()
        return json.bytes
    }

    /// `{input: [{role, content}], ideal}`.
    func openaiEvals() throws(FormatRefusal) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.key("input")
        TextMessages.write(row.prompt, to: &json)
        json.member("ideal", row.ideal ?? "")
        json.endObject()
        return json.bytes
    }
}

/// Messages that are a role and a text.
enum TextMessages {
    static func write(_ turns: [CanonicalTurn], to json: inout JSONWriter) {
        json.beginArray()
        for turn in turns {
            json.beginObject()
            json.member("role", turn.role.rawValue)
            json.member("content", turn.joinedText)
            json.endObject()
        }
        json.endArray()
    }
}

/// ShareGPT's names of those who speak.
enum ShareGPTNames {
    static func name(_ turn: CanonicalTurn) -> String {
        switch turn.role {
        case .system: "system"
        case .user: "human"
        case .assistant: turn.toolCalls.isEmpty ? "gpt" : "function_call"
        case .tool: "observation"
        }
    }

    /// `{name, arguments}`, arguments as an object.
    static func text(_ call: ToolCall) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("name", call.name)
        json.member(
            "arguments", json: JSONDocument.read(call.arguments.utf8).map { JSONText.compact($0.root) } ?? [], asText: false)
        json.endObject()
        return json.bytes
    }
}
