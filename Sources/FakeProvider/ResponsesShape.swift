// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Answers in the shape of OpenAI's Responses.
struct ResponsesShape {
    let answer: ComposedAnswer
    private var events: [AnswerEvent] = []

    init(answer: ComposedAnswer) { self.answer = answer }

    private var messageID: String { "msg_" + answer.id }
    private var isCutByLength: Bool { answer.finish == .length }
    private var finalStatus: String { isCutByLength ? "incomplete" : "completed" }
    private var hasReasoning: Bool { ModelPace.of(answer.asked.model).isReasoning }
    private var outputIndex: Int { hasReasoning ? 1 : 0 }

    func plain() -> [UInt8] {
        JSONWriter.objectBytes(capacity: 2_048) { writeResponse(status: finalStatus, isFinal: true, &$0) }
    }

    static func events(_ answer: ComposedAnswer) -> [AnswerEvent] {
        var shape = ResponsesShape(answer: answer)
        shape.writeEvents()
        return shape.events
    }

    private mutating func writeEvents() {
        let whole = self
        for name in ["response.created", "response.in_progress"] {
            add(name, .opening) { $0.object("response") { whole.writeResponse(status: "in_progress", isFinal: false, &$0) } }
        }
        if hasReasoning {
            for name in ["response.output_item.added", "response.output_item.done"] {
                add(name, .opening) { writer in
                    writer.field("output_index", 0)
                    writer.object("item") { whole.writeReasoning(&$0) }
                }
            }
        }
        if let call = answer.toolCall { writeCallEvents(call) } else { writeMessageEvents() }
        add(isCutByLength ? "response.incomplete" : "response.completed", .closing) { writer in
            writer.object("response") { whole.writeResponse(status: whole.finalStatus, isFinal: true, &$0) }
        }
    }

    private mutating func writeMessageEvents() {
        let whole = self
        let place: (inout JSONWriter) -> Void = { writer in
            writer.field("item_id", whole.messageID)
            writer.field("output_index", whole.outputIndex)
            writer.field("content_index", 0)
        }
        add("response.output_item.added", .opening) { writer in
            writer.field("output_index", whole.outputIndex)
            writer.object("item") { whole.writeMessage(status: "in_progress", text: nil, &$0) }
        }
        add("response.content_part.added", .opening) { writer in
            place(&writer)
            writer.object("part") { Self.writePart("", &$0) }
        }
        for piece in answer.pieces {
            add("response.output_text.delta", .content) { writer in
                place(&writer)
                writer.field("delta", piece)
                writer.array("logprobs")
            }
        }
        let text = answer.text
        add("response.output_text.done", .closing) { writer in
            place(&writer)
            writer.field("text", text)
            writer.array("logprobs")
        }
        add("response.content_part.done", .closing) { writer in
            place(&writer)
            writer.object("part") { Self.writePart(text, &$0) }
        }
        add("response.output_item.done", .closing) { writer in
            writer.field("output_index", whole.outputIndex)
            writer.object("item") { whole.writeMessage(status: whole.finalStatus, text: text, &$0) }
        }
    }

    private mutating func writeCallEvents(_ call: FakeToolCall) {
        let index = outputIndex
        add("response.output_item.added", .opening) { writer in
            writer.field("output_index", index)
            writer.object("item") { Self.writeCall(call, status: "in_progress", arguments: "", &$0) }
        }
        for fragment in call.fragments {
            add("response.function_call_arguments.delta", .content) { writer in
                writer.field("item_id", call.itemID)
                writer.field("output_index", index)
                writer.field("delta", fragment)
            }
        }
        add("response.function_call_arguments.done", .closing) { writer in
            writer.field("item_id", call.itemID)
            writer.field("output_index", index)
            writer.field("name", call.name)
            writer.field("arguments", call.arguments)
        }
        add("response.output_item.done", .closing) { writer in
            writer.field("output_index", index)
            writer.object("item") { Self.writeCall(call, status: "completed", arguments: call.arguments, &$0) }
        }
    }

    private mutating func add(_ name: String, _ pace: AnswerEvent.Pace, _ body: (inout JSONWriter) -> Void) {
        let number = events.count
        let json = JSONWriter.objectBytes { writer in
            writer.field("type", name)
            writer.field("sequence_number", number)
            body(&writer)
        }
        events.append(.named(name, json, pace))
    }

    private func writeResponse(status: String, isFinal: Bool, _ writer: inout JSONWriter) {
        writer.field("id", "resp_" + answer.id)
        writer.field("object", "response")
        writer.field("created_at", answer.createdAt)
        writer.field("status", status)
        writer.field("background", false)
        writer.nullField("error")
        if isFinal, isCutByLength {
            writer.object("incomplete_details") { $0.field("reason", "max_output_tokens") }
        } else {
            writer.nullField("incomplete_details")
        }
        writer.nullField("instructions")
        writer.key("max_output_tokens")
        writer.value(answer.asked.maxTokens.map(Int64.init))
        writer.field("model", answer.servedModel)
        writer.array("output") { if isFinal { writeOutput(&$0) } }
        writeSettings(&writer)
        if isFinal, let usage = answer.usage { Self.writeUsage(usage, &writer) } else { writer.nullField("usage") }
        writer.nullField("user")
        writer.object("metadata") { _ in }
    }

    private func writeSettings(_ writer: inout JSONWriter) {
        writer.field("parallel_tool_calls", true)
        writer.nullField("previous_response_id")
        writer.object("reasoning") { writer in
            writer.field("effort", hasReasoning ? "medium" : nil)
            writer.nullField("summary")
        }
        writer.field("service_tier", "default")
        writer.field("store", true)
        writer.field("temperature", 1.0)
        writer.object("text") { $0.object("format") { $0.field("type", "text") } }
        writer.field("tool_choice", "auto")
        writer.key("tools")
        writer.raw(answer.asked.toolsLexeme.isEmpty ? Array("[]".utf8) : answer.asked.toolsLexeme)
        writer.field("top_p", 1.0)
        writer.field("truncation", "disabled")
    }

    private func writeOutput(_ writer: inout JSONWriter) {
        if hasReasoning { writer.object { writeReasoning(&$0) } }
        if let call = answer.toolCall {
            writer.object { Self.writeCall(call, status: "completed", arguments: call.arguments, &$0) }
        } else {
            writer.object { writeMessage(status: finalStatus, text: answer.text, &$0) }
        }
    }

    private func writeReasoning(_ writer: inout JSONWriter) {
        writer.field("id", "rs_" + answer.id)
        writer.field("type", "reasoning")
        writer.array("summary")
    }

    private func writeMessage(status: String, text: String?, _ writer: inout JSONWriter) {
        writer.field("id", messageID)
        writer.field("type", "message")
        writer.field("status", status)
        writer.field("role", "assistant")
        writer.array("content") { writer in
            if let text { writer.object { Self.writePart(text, &$0) } }
        }
    }

    private static func writePart(_ text: String, _ writer: inout JSONWriter) {
        writer.field("type", "output_text")
        writer.array("annotations")
        writer.array("logprobs")
        writer.field("text", text)
    }

    private static func writeCall(_ call: FakeToolCall, status: String, arguments: String, _ writer: inout JSONWriter) {
        writer.field("id", call.itemID)
        writer.field("type", "function_call")
        writer.field("status", status)
        writer.field("arguments", arguments)
        writer.field("call_id", call.id)
        writer.field("name", call.name)
    }

    private static func writeUsage(_ usage: FakeUsage, _ writer: inout JSONWriter) {
        writer.object("usage") { writer in
            writer.field("input_tokens", usage.input)
            writer.object("input_tokens_details") { writer in
                writer.field("cached_tokens", usage.cacheRead)
                writer.field("cache_write_tokens", 0)
            }
            writer.field("output_tokens", usage.output)
            writer.object("output_tokens_details") { $0.field("reasoning_tokens", usage.reasoning) }
            writer.field("total_tokens", usage.input + usage.output)
        }
    }
}
