// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// How each API's usage object maps to token classes: which figures hold which others.
enum UsageRules {
    /// OpenAI chat completions and what speaks its shape.
    ///
    /// Cached tokens, cache writes and audio are part of the prompt, reasoning is part of the completion. Where the total
    /// shows otherwise, it decides: a gap equal to the reasoning means that the completion leaves it out (xAI), a gap equal
    /// to the audio that the prompt does (Mistral), and a gap with no reasoning reported is reasoning (Gemini behind this shape).
    /// Where reasoning exceeds the completion (OpenRouter) or cached tokens the prompt (Grok on Azure), both stand as
    /// reported and the difference is zero.
    static func chat(_ usage: JSONNode) -> TokenUsage {
        let prompt = usage.present("prompt_tokens_details")
        let completion = usage.present("completion_tokens_details")
        var tokens = TokenUsage()
        tokens.inputTotal = usage.count("prompt_tokens")
        tokens.outputTotal = usage.count("completion_tokens")
        tokens.inputCached =
            prompt?.count("cached_tokens") ?? usage.count("prompt_cache_hit_tokens") ?? usage.count("num_cached_tokens")
            ?? usage.count("cached_tokens")
        tokens.cacheWriteTotal = prompt?.count("cache_write_tokens")
        tokens.inputAudio = prompt?.count("audio_tokens")
        tokens.inputImage = prompt?.count("image_tokens")
        tokens.outputReasoning = completion?.count("reasoning_tokens") ?? usage.count("reasoning_tokens")
        tokens.outputAudio = completion?.count("audio_tokens")
        tokens.outputImage = completion?.count("image_tokens")
        closeGap(of: usage.count("total_tokens"), in: &tokens)
        fillRests(&tokens)
        return tokens
    }

    /// OpenAI Responses: cached tokens and cache writes are part of the input, reasoning is part of the output.
    static func responses(_ usage: JSONNode) -> TokenUsage {
        let input = usage.present("input_tokens_details")
        var tokens = TokenUsage()
        tokens.inputTotal = usage.count("input_tokens")
        tokens.inputCached = input?.count("cached_tokens")
        tokens.cacheWriteTotal = input?.count("cache_write_tokens")
        tokens.outputTotal = usage.count("output_tokens")
        tokens.outputReasoning = usage.present("output_tokens_details")?.count("reasoning_tokens")
        fillRests(&tokens)
        return tokens
    }

    /// OpenAI embeddings: as chat; where only a total is reported, it is the input.
    static func embeddings(_ usage: JSONNode) -> TokenUsage {
        var tokens = chat(usage)
        if tokens.inputTotal == nil, tokens.outputTotal == nil {
            tokens.inputTotal = usage.count("total_tokens")
            fillRests(&tokens)
        }
        return tokens
    }

    /// Gives the part of the total that neither side holds to the side it belongs to.
    private static func closeGap(of total: Int64?, in tokens: inout TokenUsage) {
        guard let total, let input = tokens.inputTotal, let output = tokens.outputTotal, let both = sum(input, output),
            total > both
        else {
            return
        }
        let gap = total - both
        if let reasoning = tokens.outputReasoning, reasoning > 0 {
            if reasoning == gap { tokens.outputTotal = sum(output, gap) }
        } else if tokens.inputAudio == gap {
            tokens.inputTotal = sum(input, gap)
        } else if tokens.outputReasoning == nil {
            tokens.outputTotal = sum(output, gap)
            tokens.outputReasoning = gap
        }
    }

    /// Sets what is left of each side after its reported parts.
    private static func fillRests(_ tokens: inout TokenUsage) {
        if let input = tokens.inputTotal {
            tokens.inputUncached = rest(of: input, without: tokens.inputCached, tokens.cacheWriteTotal)
        }
        if let output = tokens.outputTotal { tokens.outputVisible = rest(of: output, without: tokens.outputReasoning) }
    }
}

/// Anthropic's usage, gathered over the messages of a stream.
///
/// Each message is cumulative, so that the later figure wins where there is one.
/// The input excludes both cache parts, the output includes thinking. Where `iterations` are listed, the top level leaves
/// out compaction and advisor iterations; the figures here are those of the top level, as the provider reports them.
struct AnthropicUsage {
    private var input: Int64?
    private var cacheRead: Int64?
    private var cacheWrite: Int64?
    private var cacheWrite5m: Int64?
    private var cacheWrite1h: Int64?
    private var output: Int64?
    private var thinking: Int64?

    /// Takes one usage object.
    mutating func merge(_ usage: JSONNode) {
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

    /// The token classes.
    var tokens: TokenUsage {
        var tokens = TokenUsage()
        tokens.inputUncached = input
        tokens.inputCached = cacheRead
        tokens.cacheWriteTotal = cacheWrite
        tokens.cacheWrite5m = cacheWrite5m
        tokens.cacheWrite1h = cacheWrite1h
        if let input { tokens.inputTotal = sum(input, cacheRead, cacheWrite) }
        tokens.outputTotal = output
        tokens.outputReasoning = thinking
        if let output, let thinking { tokens.outputVisible = rest(of: output, without: thinking) }
        return tokens
    }
}
