// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Messages in the manner of OpenAI's chat completions, with what differs from reader to reader.
///
/// Strict: keys and their order never vary by kind of message: `role`, a tool's `tool_call_id`, `content`, `tool_calls` where the
/// assistant calls, a weight where the row has one. Nothing is null. Uniform: `role`, `content`, `tool_calls` as a JSON text,
/// `tool_call_id`, in every message.
struct MessageWriting {
    /// How a call stands in a message.
    enum Calls {
        /// `{id, type, function: {name, arguments}}`, arguments as a JSON text.
        case nested
        /// The same with arguments as an object.
        case nestedObject
        /// `{id, type, function, arguments}` of Inspect, arguments as an object.
        case flat
    }

    var calls = Calls.nested
    /// Ids of calls that are written otherwise, by their bytes.
    var callIDs: [[UInt8]: String] = [:]
    var isUniform = false
    /// The key of weights, and whether they are true and false.
    var weightKey = "weight"
    var weightsAreFlags = false
    var writesAllWeights = false
    /// Whether results name the tool that gave them.
    var namesTools = false

    /// Appends the list of messages.
    ///
    /// - Parameters:
    ///   - turns: in order.
    ///   - weight: of the assistant's turns.
    ///   - answerWeight: of the last turn, where it is the answer.
    ///   - json: where to write.
    func write(_ turns: [CanonicalTurn], weight: Int? = nil, answerWeight: Int? = nil, to json: inout JSONWriter) {
        json.beginArray()
        // A row may use an id again: a result is of a call of the turn before it.
        var called: [ToolCall] = []
        for (position, turn) in turns.enumerated() {
            if turn.role != .tool { called = turn.toolCalls }
            write(turn, weight: position == turns.count - 1 ? answerWeight : weight, answering: called, to: &json)
        }
        json.endArray()
    }

    private func write(_ turn: CanonicalTurn, weight: Int?, answering calls: [ToolCall], to json: inout JSONWriter) {
        json.beginObject()
        json.key("role")
        json.value(turn.role.rawValue)
        if isUniform { writeUniform(turn, to: &json) } else { writeStrict(turn, answering: calls, to: &json) }
        if isUniform ? writesAllWeights : turn.role == .assistant && weight != nil {
            json.key(weightKey)
            let value = turn.role == .assistant ? weight ?? 1 : 0
            if weightsAreFlags { json.value(value != 0) } else { json.value(Int64(value)) }
        }
        json.endObject()
    }

    private func writeStrict(_ turn: CanonicalTurn, answering calls: [ToolCall], to json: inout JSONWriter) {
        if let callID = turn.answeredCall {
            json.key("tool_call_id")
            json.value(shown(callID))
        }
        json.key("content")
        if turn.images.isEmpty { json.value(turn.joinedText) } else { writeParts(turn, to: &json) }
        if namesTools, let name = calls.name(of: turn.answeredCall) {
            json.key("function")
            json.value(name)
        }
        if !turn.toolCalls.isEmpty {
            json.key("tool_calls")
            json.raw(callList(turn.toolCalls))
        }
    }

    private func writeUniform(_ turn: CanonicalTurn, to json: inout JSONWriter) {
        json.key("content")
        json.value(turn.joinedText)
        json.key("tool_calls")
        json.value(utf8: callList(turn.toolCalls)[...])
        json.key("tool_call_id")
        json.value(turn.answeredCall.map(shown) ?? "")
    }

    private func writeParts(_ turn: CanonicalTurn, to json: inout JSONWriter) {
        json.beginArray()
        for block in turn.blocks {
            switch block {
            case .text(let text):
                json.beginObject()
                json.member("type", "text")
                json.member("text", text)
                json.endObject()
            case .image(let reference): writeImage(reference, to: &json)
            case .toolCall, .toolResult, .reasoning: break
            }
        }
        json.endArray()
    }

    private func writeImage(_ reference: String, to json: inout JSONWriter) {
        json.beginObject()
        if calls == .flat {
            json.member("type", "image")
            json.member("image", reference)
        } else {
            json.member("type", "image_url")
            json.key("image_url")
            json.beginObject()
            json.member("url", reference)
            json.endObject()
        }
        json.endObject()
    }

    /// The calls of a turn as a JSON array.
    private func callList(_ list: [ToolCall]) -> [UInt8] {
        var json = JSONWriter(capacity: 64)
        json.beginArray()
        for call in list {
            json.beginObject()
            json.member("id", shown(call.id))
            json.member("type", "function")
            json.key("function")
            if calls == .flat {
                json.value(call.name)
                writeArguments(call, to: &json)
            } else {
                json.beginObject()
                json.member("name", call.name)
                writeArguments(call, to: &json)
                json.endObject()
            }
            json.endObject()
        }
        json.endArray()
        return json.bytes
    }

    private func writeArguments(_ call: ToolCall, to json: inout JSONWriter) {
        json.key("arguments")
        if calls != .nested, let root = JSONDocument.read(call.arguments.utf8)?.root {
            json.raw(JSONText.compact(root))
        } else {
            json.value(call.arguments)
        }
    }

    private func shown(_ callID: String) -> String { callIDs[Array(callID.utf8)] ?? callID }
}

extension JSONWriter {
    /// Writes a member that is a text.
    mutating func member(_ key: String, _ text: String) {
        self.key(key)
        value(text)
    }

    /// Writes a member that is JSON, or a text that holds it.
    mutating func member(_ key: String, json bytes: [UInt8], asText: Bool) {
        self.key(key)
        if asText { value(utf8: bytes[...]) } else { raw(bytes) }
    }
}

extension [ToolCall] {
    /// The name of the call with an id, compared by its bytes.
    func name(of id: String?) -> String? {
        guard let id else { return nil }
        return first { $0.id.utf8.elementsEqual(id.utf8) }?.name
    }
}

extension ToolDefinition {
    /// A list of tools, each `{type, function: {name, description, parameters}}`.
    static func list(_ tools: [ToolDefinition]) -> [UInt8] {
        var json = JSONWriter(capacity: 256)
        json.beginArray()
        for tool in tools {
            json.beginObject()
            json.member("type", "function")
            json.key("function")
            json.raw(tool.declaration)
            json.endObject()
        }
        json.endArray()
        return json.bytes
    }

    /// `{name, description, parameters}`.
    var declaration: [UInt8] {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.member("name", name)
        json.member("description", description)
        json.key("parameters")
        json.raw(parameters)
        json.endObject()
        return json.bytes
    }
}
