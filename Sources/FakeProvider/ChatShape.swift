// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Answers in the shape of OpenAI's chat completions.
struct ChatShape {
    let answer: ComposedAnswer

    private var finishReason: String {
        switch answer.finish {
        case .stop: "stop"
        case .length: "length"
        case .toolCall: "tool_calls"
        }
    }

    func plain() -> [UInt8] {
        JSONWriter.objectBytes(capacity: 1_024) { writer in
            writeHead("chat.completion", &writer)
            writer.array("choices") { writer in
                writer.object { writer in
                    writer.field("index", 0)
                    writer.object("message") { writeMessage(&$0) }
                    writer.nullField("logprobs")
                    writer.field("finish_reason", finishReason)
                }
            }
            if let usage = answer.usage { Self.writeUsage(usage, &writer) }
            writeTail(&writer)
        }
    }

    private func writeMessage(_ writer: inout JSONWriter) {
        writer.field("role", "assistant")
        writer.field("content", answer.toolCall == nil ? answer.text : nil)
        if let call = answer.toolCall {
            writer.array("tool_calls") { $0.object { Self.writeCall(call, arguments: call.arguments, index: nil, &$0) } }
        }
        writer.nullField("refusal")
        writer.array("annotations")
    }

    func events() -> [AnswerEvent] {
        var events = [
            chunk(.opening) { writer in
                writer.field("role", "assistant")
                writer.field("content", answer.toolCall == nil ? "" : nil)
                if let call = answer.toolCall {
                    writer.array("tool_calls") { $0.object { Self.writeCall(call, arguments: "", index: 0, &$0) } }
                }
                writer.nullField("refusal")
            }
        ]
        for piece in answer.pieces { events.append(chunk(.content) { $0.field("content", piece) }) }
        for fragment in answer.toolCall?.fragments ?? [] {
            events.append(
                chunk(.content) { writer in
                    writer.array("tool_calls") { writer in
                        writer.object { writer in
                            writer.field("index", 0)
                            writer.object("function") { $0.field("arguments", fragment) }
                        }
                    }
                })
        }
        events.append(chunk(.closing, finish: finishReason) { _ in })
        if let usage = answer.usage, answer.asked.wantsStreamUsage {
            events.append(
                .data(
                    JSONWriter.objectBytes(capacity: 512) { writer in
                        writeHead("chat.completion.chunk", &writer)
                        writeTail(&writer)
                        writer.array("choices")
                        Self.writeUsage(usage, &writer)
                    }, .closing))
        }
        events.append(.data(Array("[DONE]".utf8), .closing))
        return events
    }

    private func chunk(_ pace: AnswerEvent.Pace, finish: String? = nil, _ delta: (inout JSONWriter) -> Void) -> AnswerEvent {
        .data(
            JSONWriter.objectBytes(capacity: 320) { writer in
                writeHead("chat.completion.chunk", &writer)
                writeTail(&writer)
                writer.array("choices") { writer in
                    writer.object { writer in
                        writer.field("index", 0)
                        writer.object("delta", delta)
                        writer.nullField("logprobs")
                        writer.field("finish_reason", finish)
                    }
                }
                if answer.asked.wantsStreamUsage { writer.nullField("usage") }
            }, pace)
    }

    private func writeHead(_ object: String, _ writer: inout JSONWriter) {
        writer.field("id", "chatcmpl-" + answer.id)
        writer.field("object", object)
        writer.field("created", answer.createdAt)
        writer.field("model", answer.servedModel)
    }

    private func writeTail(_ writer: inout JSONWriter) {
        writer.field("service_tier", "default")
        writer.field("system_fingerprint", "fp_" + answer.id.prefix(10).lowercased())
    }

    private static func writeCall(_ call: FakeToolCall, arguments: String, index: Int?, _ writer: inout JSONWriter) {
        if let index { writer.field("index", index) }
        writer.field("id", call.id)
        writer.field("type", "function")
        writer.object("function") { writer in
            writer.field("name", call.name)
            writer.field("arguments", arguments)
        }
    }

    private static func writeUsage(_ usage: FakeUsage, _ writer: inout JSONWriter) {
        writer.object("usage") { writer in
            writer.field("prompt_tokens", usage.input)
            writer.field("completion_tokens", usage.output)
            writer.field("total_tokens", usage.input + usage.output)
            writer.object("prompt_tokens_details") { writer in
                writer.field("cached_tokens", usage.cacheRead)
                writer.field("audio_tokens", 0)
            }
            writer.object("completion_tokens_details") { writer in
                writer.field("reasoning_tokens", usage.reasoning)
                writer.field("audio_tokens", 0)
                writer.field("accepted_prediction_tokens", 0)
                writer.field("rejected_prediction_tokens", 0)
            }
        }
    }
}
