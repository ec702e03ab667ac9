// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

extension UsageRules {
    /// Gemini's `usageMetadata`.
    ///
    /// Cached tokens are part of the prompt, tool results come on top of it. Thoughts come on top of the candidates, unless the
    /// total shows that they are inside already. A key that is not there is not zero, also where an earlier message had it.
    static func gemini(_ usage: JSONNode) -> TokenUsage {
        var tokens = TokenUsage()
        let prompt = usage.count("promptTokenCount")
        let candidates = usage.count("candidatesTokenCount") ?? usage.count("responseTokenCount")
        let total = usage.count("totalTokenCount")
        tokens.toolUsePrompt = usage.count("toolUsePromptTokenCount")
        if let prompt { tokens.inputTotal = sum(prompt, tokens.toolUsePrompt) }
        tokens.inputCached = usage.count("cachedContentTokenCount")
        tokens.outputReasoning = usage.count("thoughtsTokenCount")
        tokens.outputVisible = candidates
        let isInside = candidates != nil && total == sum(prompt, candidates) && tokens.toolUsePrompt ?? 0 == 0
        if candidates != nil || tokens.outputReasoning != nil {
            tokens.outputTotal = isInside ? candidates : sum(candidates, tokens.outputReasoning)
        }
        if isInside, let candidates, let thoughts = tokens.outputReasoning {
            tokens.outputVisible = rest(of: candidates, without: thoughts)
        }
        if let input = tokens.inputTotal { tokens.inputUncached = rest(of: input, without: tokens.inputCached) }
        let promptParts = Modalities(usage["promptTokensDetails"] ?? usage["promptTokenDetails"], countKey: "tokenCount")
        tokens.inputAudio = promptParts.audio
        tokens.inputImage = promptParts.image
        tokens.inputVideo = promptParts.video
        let cacheParts = Modalities(usage["cacheTokensDetails"], countKey: "tokenCount")
        tokens.inputCachedAudio = cacheParts.audio
        tokens.inputCachedImage = cacheParts.image
        let answerParts = Modalities(usage["candidatesTokensDetails"] ?? usage["responseTokensDetails"], countKey: "tokenCount")
        tokens.outputAudio = answerParts.audio
        tokens.outputImage = answerParts.image
        tokens.totalReported = total
        return tokens
    }

    /// Gemini's interactions: tool results come on top of the input, thoughts on top of the output.
    static func interactions(_ usage: JSONNode) -> TokenUsage {
        var tokens = TokenUsage()
        tokens.toolUsePrompt = usage.count("total_tool_use_tokens")
        if let input = usage.count("total_input_tokens") {
            tokens.inputTotal = sum(input, tokens.toolUsePrompt)
        }
        tokens.inputCached = usage.count("total_cached_tokens")
        tokens.outputVisible = usage.count("total_output_tokens")
        tokens.outputReasoning = usage.count("total_thought_tokens")
        if let visible = tokens.outputVisible { tokens.outputTotal = sum(visible, tokens.outputReasoning) }
        if let input = tokens.inputTotal { tokens.inputUncached = rest(of: input, without: tokens.inputCached) }
        let input = Modalities(usage["input_tokens_by_modality"], countKey: "tokens")
        tokens.inputAudio = input.audio
        tokens.inputImage = input.image
        tokens.inputVideo = input.video
        let output = Modalities(usage["output_tokens_by_modality"], countKey: "tokens")
        tokens.outputAudio = output.audio
        tokens.outputImage = output.image
        tokens.totalReported = usage.count("total_tokens")
        return tokens
    }

    /// Bedrock's Converse, and Nova's own bodies: the input leaves out both cache parts; reasoning is not split off.
    static func bedrock(_ usage: JSONNode) -> TokenUsage {
        var tokens = TokenUsage()
        tokens.inputUncached = usage.count("inputTokens")
        tokens.inputCached = usage.count("cacheReadInputTokens") ?? usage.count("cacheReadInputTokenCount")
        tokens.cacheWriteTotal = usage.count("cacheWriteInputTokens") ?? usage.count("cacheWriteInputTokenCount")
        for part in usage["cacheDetails"]?.elements ?? JSONNode.noElements {
            let count = part.count("inputTokens")
            if part["ttl"]?.equals("5m") ?? false { tokens.cacheWrite5m = sum(tokens.cacheWrite5m, count) }
            if part["ttl"]?.equals("1h") ?? false { tokens.cacheWrite1h = sum(tokens.cacheWrite1h, count) }
        }
        if let write = tokens.cacheWriteTotal {
            tokens.cacheWriteOther = rest(of: write, without: tokens.cacheWrite5m, tokens.cacheWrite1h)
        }
        if let input = tokens.inputUncached { tokens.inputTotal = sum(input, tokens.inputCached, tokens.cacheWriteTotal) }
        tokens.outputTotal = usage.count("outputTokens")
        tokens.totalReported = usage.count("totalTokens")
        return tokens
    }

    /// Cohere: `tokens` is what went through the model, `billed_units` what is charged; only where the former is not there
    /// does the latter stand for it.
    static func cohere(_ usage: JSONNode) -> TokenUsage {
        let counted = usage.filled("tokens") ?? usage.filled("billed_units")
        var tokens = TokenUsage()
        tokens.inputTotal = counted?.count("input_tokens")
        tokens.outputTotal = counted?.count("output_tokens")
        tokens.outputReasoning = counted?.count("reasoning_tokens")
        tokens.inputCached = usage.count("cached_tokens")
        return tokens
    }

    /// Cohere's billed units: tokens of their own, and searches.
    static func cohereBilled(_ usage: JSONNode) -> BilledUsage? {
        guard let units = usage.filled("billed_units"), units.kind == .object else { return nil }
        var billed = BilledUsage(kind: "billed_units")
        billed.usage.inputTotal = units.count("input_tokens")
        billed.usage.outputTotal = units.count("output_tokens")
        billed.usage.inputImage = units.count("image_tokens")
        for name in ["search_units", "classifications", "images"] {
            if let count = units.count(name) { billed.units.append(NamedCount(name: name, count: count)) }
        }
        return billed
    }

    /// OpenAI images, audio and realtime: sides with their parts by kind, cached tokens inside the input.
    static func media(_ usage: JSONNode) -> TokenUsage {
        var tokens = responses(usage)
        let input = usage.present("input_tokens_details") ?? usage.present("input_token_details")
        let output = usage.present("output_tokens_details") ?? usage.present("output_token_details")
        tokens.inputCached = tokens.inputCached ?? input?.count("cached_tokens")
        tokens.inputAudio = input?.count("audio_tokens")
        tokens.inputImage = input?.count("image_tokens")
        let cached = input?.present("cached_tokens_details")
        tokens.inputCachedAudio = cached?.count("audio_tokens")
        tokens.inputCachedImage = cached?.count("image_tokens")
        tokens.outputAudio = output?.count("audio_tokens")
        tokens.outputImage = output?.count("image_tokens")
        fillRests(&tokens)
        return tokens
    }

    /// A usage object of an unknown API, by its own keys.
    static func byShape(_ usage: JSONNode) -> TokenUsage {
        func has(_ keys: String...) -> Bool { keys.contains { usage[$0] != nil } }
        if has("prompt_tokens", "completion_tokens") { return plain(usage) }
        if has("total_input_tokens", "total_output_tokens") { return interactions(usage) }
        if has("promptTokenCount", "totalTokenCount") { return gemini(usage) }
        if has("inputTokens", "outputTokens") { return bedrock(usage) }
        if has("billed_units") { return cohere(usage) }
        if has("cache_creation_input_tokens", "cache_read_input_tokens") {
            var anthropic = AnthropicUsage()
            anthropic.merge(usage)
            return anthropic.tokens
        }
        if has("input_tokens", "output_tokens") { return media(usage) }
        var tokens = TokenUsage()
        tokens.totalReported = usage.count("total_tokens")
        return tokens
    }
}

/// Tokens by modality, as Gemini lists them; a kind that is not listed is nil.
struct Modalities {
    private(set) var audio: Int64?
    private(set) var image: Int64?
    private(set) var video: Int64?

    /// Sums entries with a `modality`, by name or by its number in the API's definition.
    ///
    /// - Parameters:
    ///   - list: the entries.
    ///   - countKey: the key of an entry's count.
    init(_ list: JSONNode?, countKey: String) {
        for entry in list?.elements ?? JSONNode.noElements {
            guard let modality = entry["modality"], let count = entry.count(countKey) else { continue }
            let name = modality.string?.lowercased()
            switch (name, modality.int) {
            case ("image", _), (_, 2): image = sum(image, count)
            case ("video", _), (_, 3): video = sum(video, count)
            case ("audio", _), (_, 4): audio = sum(audio, count)
            default: break
            }
        }
    }
}
