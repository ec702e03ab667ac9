// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Answers in the shape of Cohere's second chat API.
struct CohereShape {
    let answer: ComposedAnswer

    private var finishReason: String {
        switch answer.finish {
        case .stop: "COMPLETE"
        case .length: "MAX_TOKENS"
        case .toolCall: "TOOL_CALL"
        }
    }

    func plain() -> [UInt8] {
        JSONWriter.objectBytes(capacity: 1_024) { writer in
            writer.field("id", answer.id)
            writer.field("finish_reason", finishReason)
            writer.object("message") { writer in
                writer.field("role", "assistant")
                if !answer.pieces.isEmpty {
                    writer.array("content") { $0.object { Self.writeText(answer.text, &$0) } }
                }
                if let call = answer.toolCall {
                    writer.field("tool_plan", "I will look that up.")
                    writer.array("tool_calls") { $0.object { Self.writeCall(call, call.arguments, &$0) } }
                }
            }
            writeUsage(&writer)
        }
    }

    func events() -> [AnswerEvent] {
        var events = [
            event("message-start", .opening, index: nil, id: answer.id) { writer in
                writer.field("role", "assistant")
                for name in ["content", "tool_calls", "citations"] { writer.array(name) }
                writer.field("tool_plan", "")
            }
        ]
        if !answer.pieces.isEmpty {
            events.append(event("content-start", .opening, index: 0) { $0.object("content") { Self.writeText("", &$0) } })
            for piece in answer.pieces {
                events.append(event("content-delta", .content, index: 0) { $0.object("content") { $0.field("text", piece) } })
            }
            events.append(event("content-end", .closing, index: 0, nil))
        }
        if let call = answer.toolCall {
            events.append(
                event("tool-call-start", .content, index: 0) { writer in
                    writer.object("tool_calls") { Self.writeCall(call, "", &$0) }
                })
            for fragment in call.fragments {
                events.append(
                    event("tool-call-delta", .content, index: 0) { writer in
                        writer.object("tool_calls") { $0.object("function") { $0.field("arguments", fragment) } }
                    })
            }
            events.append(event("tool-call-end", .closing, index: 0, nil))
        }
        let end = JSONWriter.objectBytes { writer in
            writer.field("type", "message-end")
            writer.object("delta") { writer in
                writer.field("finish_reason", finishReason)
                writeUsage(&writer)
            }
        }
        return events + [.named("message-end", end, .closing)]
    }

    private func event(
        _ name: String, _ pace: AnswerEvent.Pace, index: Int?, id: String? = nil, _ message: ((inout JSONWriter) -> Void)?
    ) -> AnswerEvent {
        let json = JSONWriter.objectBytes { writer in
            writer.field("type", name)
            if let id { writer.field("id", id) }
            if let index { writer.field("index", index) }
            if let message { writer.object("delta") { $0.object("message", message) } }
        }
        return .named(name, json, pace)
    }

    private static func writeText(_ text: String, _ writer: inout JSONWriter) {
        writer.field("type", "text")
        writer.field("text", text)
    }

    private static func writeCall(_ call: FakeToolCall, _ arguments: String, _ writer: inout JSONWriter) {
        writer.field("id", call.id)
        writer.field("type", "function")
        writer.object("function") { writer in
            writer.field("name", call.name)
            writer.field("arguments", arguments)
        }
    }

    private func writeUsage(_ writer: inout JSONWriter) {
        guard let usage = answer.usage else { return }
        writer.object("usage") { writer in
            writer.object("billed_units") { writer in
                writer.field("input_tokens", max(0, usage.input - 3))
                writer.field("output_tokens", usage.output)
            }
            writer.object("tokens") { writer in
                writer.field("input_tokens", usage.input)
                writer.field("output_tokens", usage.output)
            }
            writer.field("cached_tokens", usage.cacheRead)
        }
    }
}

/// Answers in the shape of Ollama's chat: lines of JSON, the last one with counts and nanoseconds.
struct OllamaShape {
    let answer: ComposedAnswer

    func plain() -> [UInt8] { line(answer.text, isLast: true) }

    func events() -> [AnswerEvent] {
        answer.pieces.map { .line(line($0, isLast: false), .content) } + [.line(line("", isLast: true), .closing)]
    }

    private func line(_ text: String, isLast: Bool) -> [UInt8] {
        JSONWriter.objectBytes { writer in
            writer.field("model", answer.servedModel)
            writer.field("created_at", "2026-01-01T00:00:00.000000Z")
            writer.object("message") { writer in
                writer.field("role", "assistant")
                writer.field("content", text)
                if isLast, let call = answer.toolCall {
                    writer.array("tool_calls") { writer in
                        writer.object { writer in
                            writer.object("function") { writer in
                                writer.field("name", call.name)
                                writer.key("arguments")
                                writer.raw(call.arguments.utf8)
                            }
                        }
                    }
                }
            }
            writer.field("done", isLast)
            guard isLast else { return }
            writer.field("done_reason", answer.finish == .length ? "length" : "stop")
            guard let usage = answer.usage else { return }
            writer.field("total_duration", 1_000_000 * (usage.output + usage.input))
            writer.field("load_duration", 1_000_000)
            writer.field("prompt_eval_count", usage.input)
            writer.field("prompt_eval_duration", 1_000_000 * usage.input)
            writer.field("eval_count", usage.output)
            writer.field("eval_duration", 1_000_000 * usage.output)
        }
    }
}
