// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Where the providers that speak OpenAI's chat completions differ from OpenAI.
struct ChatManners {
    let answer: ComposedAnswer

    private var provider: FakeProviderName { answer.asked.provider }

    var serviceTier: String? {
        switch provider {
        case .openai, .azure: "default"
        case .groq: "on_demand"
        default: nil
        }
    }

    /// Whether usage comes in a chunk of its own after the finish chunk.
    var hasUsageChunk: Bool {
        switch provider {
        case .openrouter: true
        case .cerebras, .mistral: false
        default: answer.asked.wantsStreamUsage
        }
    }

    /// Whether usage is part of the finish chunk.
    private var hasUsageAtFinish: Bool { provider == .cerebras || provider == .mistral || provider == .groq }

    /// What comes before the first chunk.
    var prelude: [AnswerEvent] {
        switch provider {
        case .openrouter: return [AnswerEvent(bytes: Array(": OPENROUTER PROCESSING\n\n".utf8), pace: .opening)]
        case .azure:
            let filters = JSONWriter.objectBytes { writer in
                writer.array("choices")
                writer.field("created", 0)
                for name in ["id", "model", "object"] { writer.field(name, "") }
                Self.writePromptFilters(&writer)
            }
            return [.data(filters, .opening)]
        default: return []
        }
    }

    func writeChoiceExtras(finish: String?, _ writer: inout JSONWriter) {
        switch provider {
        case .azure: writer.object("content_filter_results") { if finish == nil { Self.writeFilters(&$0) } }
        case .openrouter: writer.field("native_finish_reason", finish)
        default: break
        }
    }

    func writeChunkExtras(isFirst: Bool, isLast: Bool, _ writer: inout JSONWriter) {
        if provider == .groq, isFirst {
            writer.object("x_groq") { $0.field("id", "req_" + answer.id) }
        }
        if provider == .openrouter { writer.field("provider", "OpenAI") }
        if isLast, hasUsageAtFinish, let usage = answer.usage {
            if provider == .groq {
                writer.object("x_groq") { writer in
                    writer.field("id", "req_" + answer.id)
                    writeUsage(usage, &writer)
                }
            }
            writeUsage(usage, &writer)
            writeTimeInfo(&writer)
        } else if hasUsageChunk, provider != .openrouter {
            writer.nullField("usage")
        }
    }

    func writePlainExtras(_ writer: inout JSONWriter) {
        switch provider {
        case .groq:
            writer.nullField("usage_breakdown")
            writer.object("x_groq") { $0.field("id", "req_" + answer.id) }
        case .azure: Self.writePromptFilters(&writer)
        case .openrouter: writer.field("provider", "OpenAI")
        default: writeTimeInfo(&writer)
        }
    }

    /// Seconds as decimals with exact digits: they follow from the counts.
    private func seconds(_ tokens: Int, _ microseconds: Int) -> Double { Double(tokens * microseconds) / 1_000_000 }

    private func writeTimes(_ writer: inout JSONWriter) {
        let input = answer.usage?.input ?? 0
        let output = answer.usage?.output ?? 0
        writer.field("queue_time", seconds(1, 51_000))
        writer.field("prompt_time", seconds(input, 70))
        writer.field("completion_time", seconds(output, 800))
        writer.field("total_time", seconds(input, 70) + seconds(output, 800))
    }

    private func writeTimeInfo(_ writer: inout JSONWriter) {
        guard provider == .cerebras else { return }
        writer.object("time_info") { writer in
            writer.field("created", Double(answer.createdAt))
            writeTimes(&writer)
        }
    }

    private static func writeFilters(_ writer: inout JSONWriter) {
        for name in ["hate", "self_harm", "sexual", "violence"] {
            writer.object(name) { writer in
                writer.field("filtered", false)
                writer.field("severity", "safe")
            }
        }
    }

    private static func writePromptFilters(_ writer: inout JSONWriter) {
        writer.array("prompt_filter_results") { writer in
            writer.object { writer in
                writer.field("prompt_index", 0)
                writer.object("content_filter_results") { writeFilters(&$0) }
            }
        }
    }

    func writeUsage(_ usage: FakeUsage, _ writer: inout JSONWriter) {
        writer.object("usage") { writer in
            writer.field("prompt_tokens", usage.input)
            writer.field("completion_tokens", usage.output)
            writer.field("total_tokens", usage.input + usage.output)
            writer.object("prompt_tokens_details") { writer in
                writer.field("cached_tokens", usage.cacheRead)
                if provider != .groq, provider != .cerebras, provider != .mistral { writer.field("audio_tokens", 0) }
                if provider == .openrouter { writer.field("cache_write_tokens", 0) }
            }
            if provider != .mistral { writeOutputDetails(usage, &writer) }
            if provider == .groq { writeTimes(&writer) }
            guard provider == .openrouter else { return }
            let cost = Double(usage.input * 15 + usage.output * 60) / 100_000_000
            writer.field("cost", cost)
            writer.field("is_byok", false)
            writer.object("cost_details") { $0.field("upstream_inference_cost", cost) }
        }
    }

    private func writeOutputDetails(_ usage: FakeUsage, _ writer: inout JSONWriter) {
        writer.object("completion_tokens_details") { writer in
            writer.field("reasoning_tokens", usage.reasoning)
            guard provider != .groq else { return }
            writer.field("audio_tokens", 0)
            writer.field("accepted_prediction_tokens", 0)
            writer.field("rejected_prediction_tokens", 0)
        }
    }
}
