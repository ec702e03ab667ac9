// SPDX-License-Identifier: Apache-2.0

/// The columns that a chunk holds.
package enum ChunkColumn: String, CaseIterable, Sendable {
    /// Start of the exchange, microseconds since 2027-01-01.
    case start
    /// What repeats: dimensions and more, by number.
    case shape = "shape_id"
    /// The set of metadata, by number.
    case metadata = "metadata_id"
    /// From the request's head to the end, microseconds.
    case duration = "ended_us"
    /// Time to first token, microseconds.
    case ttft = "ttft_us"
    /// Time spent in Weir itself, microseconds.
    case overhead = "overhead_us"
    /// From the first event with output to the last, microseconds.
    case contentSpan = "content_span_us"
    /// Size of the request's body.
    case requestBytes = "request_body_bytes"
    /// Size of the answer's body.
    case responseBytes = "response_body_bytes"
    /// All prompt tokens.
    case inputTotal = "usage_input_total"
    /// Prompt tokens read from a cache.
    case inputCached = "usage_input_cached"
    /// Prompt tokens written to a cache.
    case cacheWrite = "usage_cache_write_total"
    /// All generated tokens.
    case outputTotal = "usage_output_total"
    /// Generated tokens that are reasoning.
    case outputReasoning = "usage_output_reasoning"
    /// Money, nano-dollars.
    case cost = "cost_total_nanousd"
    /// What the provider said the exchange cost, nano-dollars.
    case reportedCost = "cost_reported_nanousd"

    /// Whether the rows themselves have it; costs follow from other columns.
    var isStored: Bool { self != .cost && self != .reportedCost }
}
