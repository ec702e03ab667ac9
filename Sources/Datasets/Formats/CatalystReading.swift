// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension RowReading {
    /// `{request, response}`: bodies of OpenAI chat completions, OpenAI Responses, Anthropic messages or Gemini.
    static func source(_ root: JSONNode) throws(RowFault) -> DatasetRow {
        guard let request = root["request"]?.opened, request.kind == .object else {
            throw RowFault("request-malformed", "request must be an object")
        }
        guard let model = request.filledText("model") else { throw RowFault("model-missing", "the request must name its model") }
        let response = (root.present("response")?.opened).flatMap { $0.kind == .object ? $0 : nil }
        var row: DatasetRow
        if request["contents"] != nil {
            row = try gemini(request, response)
        } else {
            row = try converted(request, response)
        }
        row.meta.model = model
        row.id = response?.text("id") ?? root.text("id") ?? ""
        if let schema = request["response_format"]?["json_schema"]?.present("schema") {
            row.responseSchema = JSONText.compact(schema)
        }
        return row
    }

    /// The readers of captured traffic, with their names for what a conversation cannot say.
    private static func converted(_ request: JSONNode, _ response: JSONNode?) throws(RowFault) -> DatasetRow {
        do throws(DropReason) {
            let read: CanonicalRequest
            let answer: CanonicalAnswer?
            if request["input"] != nil {
                read = try ResponsesReader.request(request)
                answer = try response.map { node throws(DropReason) in try ResponsesReader.answer(node) }
            } else if isAnthropic(request, response) {
                read = try AnthropicReader.request(request)
                answer = try response.map { node throws(DropReason) in try AnthropicReader.answer(node) }
            } else {
                read = try ChatReader.request(request)
                answer = try response.map { node throws(DropReason) in try ChatReader.answer(node) }
            }
            var turn = answer?.turn
            if let prefill = read.prefill, let blocks = turn?.blocks { turn?.blocks = prefill.blocks + blocks }
            var row = DatasetRow(id: "", prompt: read.turns, answer: turn)
            row.tools = read.tools
            return row
        } catch {
            throw RowFault(error.rawValue, "the exchange is no conversation that a row can hold")
        }
    }

    private static func isAnthropic(_ request: JSONNode, _ response: JSONNode?) -> Bool {
        if let response { return response.text("type") == "message" }
        if request["system"] != nil { return true }
        return (request["tools"]?.elements ?? JSONNode.noElements).contains { $0["input_schema"] != nil }
    }

    private static func gemini(_ request: JSONNode, _ response: JSONNode?) throws(RowFault) -> DatasetRow {
        var row = try GeminiReading.row(request)
        if let answer = row.answer {
            row.prompt.append(answer)
            row.answer = nil
        }
        guard let content = response?["candidates"]?.elements.first?["content"] else { return row }
        var wrapped = JSONWriter()
        wrapped.beginObject()
        wrapped.key("contents")
        wrapped.beginArray()
        wrapped.raw(content.lexeme)
        wrapped.endArray()
        wrapped.endObject()
        guard let root = JSONDocument.read(wrapped.bytes)?.root else { return row }
        row.answer = try GeminiReading.row(root).answer
        return row
    }
}
