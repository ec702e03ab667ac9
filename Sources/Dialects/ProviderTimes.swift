// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Reads times that providers report: each under its own name and in its own unit.
enum ProviderTimes {
    /// Groq's usage and Cerebras' `time_info`: seconds.
    static func seconds(_ object: JSONNode?, into timings: inout ProviderTimings) {
        guard let object else { return }
        timings.queueUs = micro(object["queue_time"], perUnit: 1_000_000) ?? timings.queueUs
        timings.promptUs = micro(object["prompt_time"], perUnit: 1_000_000) ?? timings.promptUs
        timings.completionUs = micro(object["completion_time"], perUnit: 1_000_000) ?? timings.completionUs
        timings.totalUs = micro(object["total_time"], perUnit: 1_000_000) ?? timings.totalUs
    }

    /// The `timings` of a llama.cpp server: milliseconds.
    static func llama(_ object: JSONNode?, into timings: inout ProviderTimings) {
        guard let object else { return }
        timings.promptUs = micro(object["prompt_ms"], perUnit: 1_000) ?? timings.promptUs
        timings.completionUs = micro(object["predicted_ms"], perUnit: 1_000) ?? timings.completionUs
    }

    /// Ollama's durations: nanoseconds.
    static func ollama(_ object: JSONNode, into timings: inout ProviderTimings) {
        timings.loadUs = micro(object["load_duration"], perUnit: 0.001) ?? timings.loadUs
        timings.promptUs = micro(object["prompt_eval_duration"], perUnit: 0.001) ?? timings.promptUs
        timings.completionUs = micro(object["eval_duration"], perUnit: 0.001) ?? timings.completionUs
        timings.totalUs = micro(object["total_duration"], perUnit: 0.001) ?? timings.totalUs
    }

    /// Bedrock's milliseconds.
    static func bedrock(total: JSONNode?, firstByte: JSONNode? = nil, into timings: inout ProviderTimings) {
        timings.totalUs = micro(total, perUnit: 1_000) ?? timings.totalUs
        timings.firstByteUs = micro(firstByte, perUnit: 1_000) ?? timings.firstByteUs
    }

    /// A number of some unit in microseconds, rounded; nil where it is negative or does not fit.
    private static func micro(_ node: JSONNode?, perUnit: Double) -> Int64? {
        guard let value = node?.double, value >= 0 else { return nil }
        return Int64(exactly: (value * perUnit).rounded())
    }
}
