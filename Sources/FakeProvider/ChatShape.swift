// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Answers in the shape of OpenAI's chat completions.
struct ChatShape {
    let answer: ComposedAnswer

    private var manners: ChatManners { ChatManners(answer: answer) }

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
                    manners.writeChoiceExtras(finish: finishReason, &writer)
                }
            }
            if let usage = answer.usage { manners.writeUsage(usage, &writer) }
            writeTail(&writer)
            manners.writePlainExtras(&writer)
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
        var events = manners.prelude
        events.append(
            chunk(.opening, isFirst: true) { writer in
                writer.field("role", "assistant")
                writer.field("content", answer.toolCall == nil ? "" : nil)
                if let call = answer.toolCall {
                    writer.array("tool_calls") { $0.object { Self.writeCall(call, arguments: "", index: 0, &$0) } }
                }
                writer.nullField("refusal")
            })
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
        if let usage = answer.usage, manners.hasUsageChunk {
            events.append(
                .data(
                    JSONWriter.objectBytes(capacity: 512) { writer in
                        writeHead("chat.completion.chunk", &writer)
                        writeTail(&writer)
                        writer.array("choices")
                        if answer.asked.provider == .openrouter { writer.field("provider", "OpenAI") }
                        manners.writeUsage(usage, &writer)
                    }, .closing))
        }
        events.append(.data(Array("[DONE]".utf8), .closing))
        return events
    }

    private func chunk(
        _ pace: AnswerEvent.Pace, isFirst: Bool = false, finish: String? = nil, _ delta: (inout JSONWriter) -> Void
    ) -> AnswerEvent {
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
                        manners.writeChoiceExtras(finish: finish, &writer)
                    }
                }
                manners.writeChunkExtras(isFirst: isFirst, isLast: finish != nil, &writer)
            }, pace)
    }

    private func writeHead(_ object: String, _ writer: inout JSONWriter) {
        writer.field("id", "chatcmpl-" + answer.id)
        writer.field("object", object)
        writer.field("created", answer.createdAt)
        writer.field("model", answer.servedModel)
    }

    private func writeTail(_ writer: inout JSONWriter) {
        if let tier = manners.serviceTier { writer.field("service_tier", tier) }
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
}
