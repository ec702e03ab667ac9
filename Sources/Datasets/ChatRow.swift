// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// One line of `train.jsonl` or `eval.jsonl`, in the form of OpenAI's chat fine-tuning (profile `strict-vendor`).
///
/// Keys and their order never vary by kind of message: `role`, `content`; the assistant's with `tool_calls` where it calls;
/// a tool's `role`, `tool_call_id`, `content`. Content is always a string, arguments are a JSON string, nothing is null.
enum ChatRow {
    /// Refuses what the form cannot say.
    static func check(_ turns: [CanonicalTurn]) throws(DropReason) {
        for turn in turns where !turn.images.isEmpty { throw .imageContent }
    }

    /// What the row leaves out of the turns.
    static func changes(_ turns: [CanonicalTurn]) -> RowChanges {
        var changes: RowChanges = []
        for turn in turns {
            if turn.role != .assistant, turn.texts.count > 1 { changes.insert(.textPartsJoined) }
            for case .reasoning in turn.blocks { changes.insert(.reasoningRemoved) }
        }
        return changes
    }

    /// The row without its newline.
    ///
    /// - Parameters:
    ///   - turns: the prompt and the answer.
    ///   - tools: what the caller offered; nil where the data set has no `tools` key at all.
    /// - Returns: one JSON object.
    static func encode(turns: [CanonicalTurn], tools: [ToolDefinition]?) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.key("messages")
        json.beginArray()
        for turn in turns { write(turn, to: &json) }
        json.endArray()
        if let tools {
            json.key("tools")
            json.beginArray()
            for tool in tools { write(tool, to: &json) }
            json.endArray()
        }
        json.endObject()
        return json.bytes
    }

    private static func write(_ turn: CanonicalTurn, to json: inout JSONWriter) {
        json.beginObject()
        json.key("role")
        json.value(turn.role.rawValue)
        if let callID = turn.answeredCall {
            json.key("tool_call_id")
            json.value(callID)
        }
        json.key("content")
        json.value(turn.joinedText)
        let calls = turn.toolCalls
        if !calls.isEmpty {
            json.key("tool_calls")
            json.beginArray()
            for call in calls { write(call, to: &json) }
            json.endArray()
        }
        json.endObject()
    }

    private static func write(_ call: ToolCall, to json: inout JSONWriter) {
        json.beginObject()
        for (key, text) in [("id", call.id), ("type", "function")] {
            json.key(key)
            json.value(text)
        }
        json.key("function")
        json.beginObject()
        for (key, text) in [("name", call.name), ("arguments", call.arguments)] {
            json.key(key)
            json.value(text)
        }
        json.endObject()
        json.endObject()
    }

    private static func write(_ tool: ToolDefinition, to json: inout JSONWriter) {
        json.beginObject()
        json.key("type")
        json.value("function")
        json.key("function")
        json.beginObject()
        for (key, text) in [("name", tool.name), ("description", tool.description)] {
            json.key(key)
            json.value(text)
        }
        json.key("parameters")
        json.raw(tool.parameters)
        json.endObject()
        json.endObject()
    }
}
