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
        var tokens = chatSides(usage)
        closeGap(of: tokens.totalReported, in: &tokens)
        fillRests(&tokens)
        return tokens
    }

    /// What speaks the shape of chat completions without generating text.
    ///
    /// As chat, but the total is never taken for more than a number: Mistral's moderations count in it what they report nowhere else.
    static func plain(_ usage: JSONNode) -> TokenUsage {
        var tokens = chatSides(usage)
        fillRests(&tokens)
        return tokens
    }

    /// The figures of a chat's usage as they stand.
    private static func chatSides(_ usage: JSONNode) -> TokenUsage {
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
        tokens.inputVideo = prompt?.count("video_tokens")
        tokens.predictionAccepted = completion?.count("accepted_prediction_tokens")
        tokens.predictionRejected = completion?.count("rejected_prediction_tokens")
        tokens.totalReported = usage.count("total_tokens")
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
        tokens.totalReported = usage.count("total_tokens")
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
    static func fillRests(_ tokens: inout TokenUsage) {
        if let input = tokens.inputTotal {
            tokens.inputUncached = rest(of: input, without: tokens.inputCached, tokens.cacheWriteTotal)
        }
        if let output = tokens.outputTotal { tokens.outputVisible = rest(of: output, without: tokens.outputReasoning) }
    }
}
