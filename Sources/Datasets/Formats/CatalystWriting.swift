// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The two shapes of Catalyst.
extension RowWriting {
    /// `{request, response}`: a request and an answer of OpenAI's chat completions.
    func catalystSource() throws(FormatRefusal) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.member("request", json: try chatRequest(), asText: isUniform)
        json.member("response", json: try chatResponse(), asText: isUniform)
        json.endObject()
        return json.bytes
    }

    private func chatRequest() throws(FormatRefusal) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.member("model", row.meta.model ?? "")
        json.key("messages")
        try strictMessages().write(row.prompt, to: &json)
        if !row.tools.isEmpty { json.member("tools", json: ToolDefinition.list(row.tools), asText: false) }
        if let schema = row.compactSchema {
            json.key("response_format")
            json.beginObject()
            json.member("type", "json_schema")
            json.key("json_schema")
            json.beginObject()
            json.member("name", "response")
            json.member("schema", json: schema, asText: false)
            json.endObject()
            json.endObject()
        }
        json.endObject()
        return json.bytes
    }

    private func chatResponse() throws(FormatRefusal) -> [UInt8] {
        guard let answer = row.answer else { return Array("null".utf8) }
        var list = JSONWriter()
        try strictMessages().write([answer], to: &list)
        var json = JSONWriter(capacity: 1_024)
        json.beginObject()
        json.member("id", row.id)
        json.member("object", "chat.completion")
        json.member("model", row.meta.model ?? "")
        json.key("choices")
        json.beginArray()
        json.beginObject()
        json.key("index")
        json.value(Int64(0))
        // The message alone: the list's brackets are one byte each.
        json.member("message", json: Array(list.bytes.dropFirst().dropLast()), asText: false)
        json.member("finish_reason", answer.toolCalls.isEmpty ? "stop" : "tool_calls")
        json.endObject()
        json.endArray()
        json.endObject()
        return json.bytes
    }

    /// `{messages, id, tools}`.
    func catalystHF() throws(FormatRefusal) -> [UInt8] {
        var writing = try messages()
        writing.writesAllWeights = false
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.key("messages")
        writing.write(row.turns, to: &json)
        json.member("id", row.id)
        writeTools(to: &json)
        json.endObject()
        return json.bytes
    }

    private func strictMessages() throws(FormatRefusal) -> MessageWriting {
        var writing = try messages()
        writing.isUniform = false
        return writing
    }
}
