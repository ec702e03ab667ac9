// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Answers in the shape of Bedrock's Converse and ConverseStream.
struct ConverseShape {
    let answer: ComposedAnswer
    let latencyMilliseconds: Int64

    private var stopReason: String {
        switch answer.finish {
        case .stop: "end_turn"
        case .length: "max_tokens"
        case .toolCall: "tool_use"
        }
    }

    func plain() -> [UInt8] {
        JSONWriter.objectBytes(capacity: 1_024) { writer in
            writeMetrics(&writer)
            writer.object("output") { writer in
                writer.object("message") { writer in
                    writer.array("content") { writer in
                        if !answer.pieces.isEmpty { writer.object { $0.field("text", answer.text) } }
                        if let call = answer.toolCall { writer.object { Self.writeUse(call, &$0) } }
                    }
                    writer.field("role", "assistant")
                }
            }
            writer.field("stopReason", stopReason)
            writeUsage(&writer)
        }
    }

    func events() -> [AnswerEvent] {
        var events = [event("messageStart", .opening) { $0.field("role", "assistant") }]
        for piece in answer.pieces {
            events.append(delta(0) { $0.field("text", piece) })
        }
        if !answer.pieces.isEmpty { events.append(event("contentBlockStop", .closing) { $0.field("contentBlockIndex", 0) }) }
        if let call = answer.toolCall {
            let index = answer.pieces.isEmpty ? 0 : 1
            events.append(
                event("contentBlockStart", .content) { writer in
                    writer.field("contentBlockIndex", index)
                    writer.object("start") { writer in
                        writer.object("toolUse") { writer in
                            writer.field("name", call.name)
                            writer.field("toolUseId", call.id)
                        }
                    }
                })
            for fragment in call.fragments {
                events.append(delta(index) { $0.object("toolUse") { $0.field("input", fragment) } })
            }
            events.append(event("contentBlockStop", .closing) { $0.field("contentBlockIndex", index) })
        }
        events.append(event("messageStop", .closing) { $0.field("stopReason", stopReason) })
        events.append(
            event("metadata", .closing) { writer in
                writeMetrics(&writer)
                writeUsage(&writer)
            })
        return events
    }

    private func delta(_ index: Int, _ body: (inout JSONWriter) -> Void) -> AnswerEvent {
        event("contentBlockDelta", .content) { writer in
            writer.field("contentBlockIndex", index)
            writer.object("delta", body)
        }
    }

    /// An event with padding of changing length, as Bedrock hides the sizes of tokens.
    private func event(_ type: String, _ pace: AnswerEvent.Pace, _ body: (inout JSONWriter) -> Void) -> AnswerEvent {
        var json = JSONWriter()
        json.object(body)
        let length = 3 + Int(SeededRandom.hash(json.bytes) % 50)
        let padded = JSONWriter.objectBytes { writer in
            body(&writer)
            writer.field("p", String("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".prefix(length)))
        }
        return .frame(type, padded, pace)
    }

    private func writeMetrics(_ writer: inout JSONWriter) {
        writer.object("metrics") { $0.field("latencyMs", latencyMilliseconds) }
    }

    private func writeUsage(_ writer: inout JSONWriter) {
        guard let usage = answer.usage else { return }
        writer.object("usage") { writer in
            if usage.cacheRead + usage.cacheWrite > 0 {
                writer.field("cacheReadInputTokens", usage.cacheRead)
                writer.field("cacheWriteInputTokens", usage.cacheWrite)
            }
            writer.field("inputTokens", usage.uncached)
            writer.field("outputTokens", usage.output)
            writer.field("totalTokens", usage.input + usage.output)
        }
    }

    private static func writeUse(_ call: FakeToolCall, _ writer: inout JSONWriter) {
        writer.object("toolUse") { writer in
            writer.key("input")
            writer.raw(call.arguments.utf8)
            writer.field("name", call.name)
            writer.field("toolUseId", call.id)
        }
    }
}

/// Anthropic's messages as Bedrock's InvokeModelWithResponseStream frames them.
enum InvokeStreamShape {
    /// The events of the messages API, each in base64 inside a frame; the last one bears the invocation's metrics.
    static func events(_ answer: ComposedAnswer, latencyMilliseconds: Int64) -> [AnswerEvent] {
        let bare = MessagesShape(answer: answer).jsonEvents().filter { $0.name != "ping" }
        return bare.enumerated().map { index, event in
            var json = event.json
            if index == bare.count - 1, let usage = answer.usage { json = withMetrics(json, usage, latencyMilliseconds) }
            let payload = JSONWriter.objectBytes(capacity: json.count * 2) { writer in
                writer.key("bytes")
                writer.value(utf8: Base64.encode(json[...])[...])
                writer.field("p", "abcdefgh")
            }
            return .frame("chunk", payload, event.pace)
        }
    }

    private static func withMetrics(_ json: [UInt8], _ usage: FakeUsage, _ latency: Int64) -> [UInt8] {
        let metrics = JSONWriter.objectBytes { writer in
            writer.field("inputTokenCount", usage.uncached)
            writer.field("outputTokenCount", usage.output)
            writer.field("invocationLatency", latency)
            writer.field("firstByteLatency", latency / 2)
        }
        return Array(json.dropLast()) + Array(#","amazon-bedrock-invocationMetrics":"#.utf8) + metrics + [UInt8(ascii: "}")]
    }
}
