// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// One event of Anthropic's stream, not yet framed.
struct MessageEvent {
    var name: String
    var json: [UInt8]
    var pace: AnswerEvent.Pace
}

/// Answers in the shape of Anthropic's messages.
struct MessagesShape {
    let answer: ComposedAnswer

    private var stopReason: String {
        switch answer.finish {
        case .stop: "end_turn"
        case .length: "max_tokens"
        case .toolCall: "tool_use"
        }
    }

    private var idPrefix: String {
        guard case .invoke = answer.asked.api else { return "msg_" }
        return answer.asked.provider == .bedrock ? "msg_bdrk_" : "msg_vrtx_"
    }

    private var signature: String { answer.id + answer.id + answer.id }

    func plain() -> [UInt8] {
        JSONWriter.objectBytes(capacity: 1_024) { writer in
            writeHead(&writer)
            writer.array("content") { writer in
                if !answer.thinking.isEmpty {
                    writer.object { writeThinking(answer.thinking.joined(), signature: signature, &$0) }
                }
                if !answer.pieces.isEmpty { writer.object { Self.writeText(answer.text, &$0) } }
                if let call = answer.toolCall { writer.object { writeToolUse(call, input: call.arguments, &$0) } }
            }
            writer.field("stop_reason", stopReason)
            writer.nullField("stop_sequence")
            if let usage = answer.usage { writeUsage(usage, output: usage.output, &writer) }
        }
    }

    func events() -> [AnswerEvent] { jsonEvents().map { .named($0.name, $0.json, $0.pace) } }

    /// The events before they are framed.
    func jsonEvents() -> [MessageEvent] {
        var events = [
            event("message_start", .opening) { writer in
                writer.object("message") { writer in
                    writeHead(&writer)
                    writer.array("content")
                    writer.nullField("stop_reason")
                    writer.nullField("stop_sequence")
                    if let usage = answer.usage { writeUsage(usage, output: 1, &writer) }
                }
            }
        ]
        var index = 0
        if !answer.thinking.isEmpty {
            let deltas = answer.thinking.map { piece in delta(index, "thinking_delta", "thinking", piece, .content) }
            let seal = delta(index, "signature_delta", "signature", signature, .content)
            block(&events, index) {
                writeThinking("", signature: "", &$0)
            } deltas: {
                deltas + [seal]
            }
            index += 1
        }
        if !answer.pieces.isEmpty {
            let deltas = answer.pieces.map { delta(index, "text_delta", "text", $0, .content) }
            block(&events, index) {
                Self.writeText("", &$0)
            } deltas: {
                deltas
            }
            index += 1
        }
        if let call = answer.toolCall {
            let first = delta(index, "input_json_delta", "partial_json", "", .content)
            let deltas = call.fragments.map { delta(index, "input_json_delta", "partial_json", $0, .content) }
            block(&events, index) {
                writeToolUse(call, input: "{}", &$0)
            } deltas: {
                [first] + deltas
            }
        }
        events.append(
            event("message_delta", .closing) { writer in
                writer.object("delta") { writer in
                    writer.field("stop_reason", stopReason)
                    writer.nullField("stop_sequence")
                }
                if let usage = answer.usage { writeFinalUsage(usage, &writer) }
            })
        events.append(event("message_stop", .closing) { _ in })
        return events
    }

    /// Appends one content block; the first of an answer is followed by a ping.
    private func block(
        _ events: inout [MessageEvent], _ index: Int, start: (inout JSONWriter) -> Void, deltas: () -> [MessageEvent]
    ) {
        let pace: AnswerEvent.Pace = index == 0 ? .opening : .content
        events.append(
            event("content_block_start", pace) { writer in
                writer.field("index", index)
                writer.object("content_block", start)
            })
        if index == 0 { events.append(event("ping", .opening) { _ in }) }
        events += deltas()
        events.append(event("content_block_stop", .closing) { $0.field("index", index) })
    }

    private func delta(_ index: Int, _ type: String, _ name: String, _ text: String, _ pace: AnswerEvent.Pace) -> MessageEvent {
        event("content_block_delta", pace) { writer in
            writer.field("index", index)
            writer.object("delta") { writer in
                writer.field("type", type)
                writer.field(name, text)
            }
        }
    }

    private func event(_ name: String, _ pace: AnswerEvent.Pace, _ body: (inout JSONWriter) -> Void) -> MessageEvent {
        let json = JSONWriter.objectBytes { writer in
            writer.field("type", name)
            body(&writer)
        }
        return MessageEvent(name: name, json: json, pace: pace)
    }

    private func writeHead(_ writer: inout JSONWriter) {
        writer.field("id", idPrefix + answer.id)
        writer.field("type", "message")
        writer.field("role", "assistant")
        writer.field("model", answer.servedModel)
    }

    private static func writeText(_ text: String, _ writer: inout JSONWriter) {
        writer.field("type", "text")
        writer.field("text", text)
    }

    private func writeThinking(_ text: String, signature: String, _ writer: inout JSONWriter) {
        writer.field("type", "thinking")
        writer.field("thinking", text)
        writer.field("signature", signature)
    }

    private func writeToolUse(_ call: FakeToolCall, input: String, _ writer: inout JSONWriter) {
        writer.field("type", "tool_use")
        writer.field("id", call.id)
        writer.field("name", call.name)
        writer.key("input")
        writer.raw(input.utf8)
    }

    private func writeCacheFields(_ usage: FakeUsage, _ writer: inout JSONWriter) {
        writer.field("input_tokens", usage.uncached)
        writer.field("cache_creation_input_tokens", usage.cacheWrite)
        writer.field("cache_read_input_tokens", usage.cacheRead)
    }

    private func writeUsage(_ usage: FakeUsage, output: Int, _ writer: inout JSONWriter) {
        let isHour = answer.asked.asksForHourCache
        writer.object("usage") { writer in
            writeCacheFields(usage, &writer)
            writer.object("cache_creation") { writer in
                writer.field("ephemeral_5m_input_tokens", isHour ? 0 : usage.cacheWrite)
                writer.field("ephemeral_1h_input_tokens", isHour ? usage.cacheWrite : 0)
            }
            writer.field("output_tokens", output)
            writer.field("service_tier", "standard")
        }
    }

    private func writeFinalUsage(_ usage: FakeUsage, _ writer: inout JSONWriter) {
        writer.object("usage") { writer in
            writeCacheFields(usage, &writer)
            writer.field("output_tokens", usage.output)
            if usage.reasoning > 0 {
                writer.object("output_tokens_details") { $0.field("thinking_tokens", usage.reasoning) }
            }
        }
    }
}
