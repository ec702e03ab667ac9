// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Anthropic's usage, gathered over the messages of a stream.
///
/// Each message is cumulative, so that the later figure wins where there is one.
/// The input excludes both cache parts, the output includes thinking. Where `iterations` are listed, the top level leaves
/// out compaction and advisor iterations; the figures here are those of the top level, as the provider reports them, and
/// `billed` has each iteration.
struct AnthropicUsage {
    private var input: Int64?
    private var cacheRead: Int64?
    private var cacheWrite: Int64?
    private var cacheWrite5m: Int64?
    private var cacheWrite1h: Int64?
    private var output: Int64?
    private var thinking: Int64?
    /// What is billed, iteration by iteration; empty where none are listed.
    private(set) var billed: [BilledUsage] = []

    /// Takes one usage object.
    mutating func merge(_ usage: JSONNode) {
        mergeCounts(usage)
        if let iterations = usage.filled("iterations"), iterations.kind == .array { takeIterations(iterations) }
    }

    private mutating func mergeCounts(_ usage: JSONNode) {
        input = usage.count("input_tokens") ?? input
        cacheRead = usage.count("cache_read_input_tokens") ?? cacheRead
        cacheWrite = usage.count("cache_creation_input_tokens") ?? cacheWrite
        if let parts = usage.present("cache_creation") {
            cacheWrite5m = parts.count("ephemeral_5m_input_tokens") ?? cacheWrite5m
            cacheWrite1h = parts.count("ephemeral_1h_input_tokens") ?? cacheWrite1h
        }
        output = usage.count("output_tokens") ?? output
        thinking = usage.present("output_tokens_details")?.count("thinking_tokens") ?? thinking
    }

    private mutating func takeIterations(_ iterations: JSONNode) {
        billed = []
        for iteration in iterations.elements where billed.count < DialectLimits.listEntries {
            var usage = AnthropicUsage()
            // One level only: an iteration has none of its own.
            usage.mergeCounts(iteration)
            var entry = BilledUsage(kind: iteration.name("type") ?? "message", model: iteration.name("model"))
            entry.usage = usage.tokens
            billed.append(entry)
        }
    }

    /// The token classes.
    var tokens: TokenUsage {
        var tokens = TokenUsage()
        tokens.inputUncached = input
        tokens.inputCached = cacheRead
        tokens.cacheWriteTotal = cacheWrite
        tokens.cacheWrite5m = cacheWrite5m
        tokens.cacheWrite1h = cacheWrite1h
        if let cacheWrite { tokens.cacheWriteOther = rest(of: cacheWrite, without: cacheWrite5m, cacheWrite1h) }
        if let input { tokens.inputTotal = sum(input, cacheRead, cacheWrite) }
        tokens.outputTotal = output
        tokens.outputReasoning = thinking
        if let output, let thinking { tokens.outputVisible = rest(of: output, without: thinking) }
        return tokens
    }
}
