// SPDX-License-Identifier: Apache-2.0

/// Tokens by class as the provider reported them (`record.md`, `usage`): nil is not reported, 0 is reported zero.
package struct TokenUsage: Equatable, Sendable {
    /// All prompt tokens, cached and cache writes included.
    package var inputTotal: Int64?
    /// Prompt tokens neither read from a cache nor written to one.
    package var inputUncached: Int64?
    /// Prompt tokens read from a cache.
    package var inputCached: Int64?
    /// Prompt tokens written to a cache.
    package var cacheWriteTotal: Int64?
    /// Of those, with a life of five minutes.
    package var cacheWrite5m: Int64?
    /// Of those, with a life of one hour.
    package var cacheWrite1h: Int64?
    /// All generated tokens, reasoning included.
    package var outputTotal: Int64?
    /// Generated tokens that are not reasoning.
    package var outputVisible: Int64?
    /// Generated tokens that are reasoning.
    package var outputReasoning: Int64?
    /// Prompt tokens of audio.
    package var inputAudio: Int64?
    /// Generated tokens of audio.
    package var outputAudio: Int64?
    /// Prompt tokens of images.
    package var inputImage: Int64?
    /// Generated tokens of images.
    package var outputImage: Int64?
    /// Part of `inputTotal`.
    package var toolUsePrompt: Int64?
    /// Of the cache writes, those whose life is neither five minutes nor one hour, or is not said.
    package var cacheWriteOther: Int64?
    /// Prompt tokens of video.
    package var inputVideo: Int64?
    /// Of the tokens read from a cache, those of audio.
    package var inputCachedAudio: Int64?
    /// Of the tokens read from a cache, those of images.
    package var inputCachedImage: Int64?
    /// Generated tokens that were taken from the caller's prediction.
    package var predictionAccepted: Int64?
    /// Generated tokens that the caller's prediction did not hold; they are billed.
    package var predictionRejected: Int64?
    /// The provider's own total, verbatim, whatever it adds up.
    package var totalReported: Int64?

    /// Nothing reported.
    package init() {}

    /// The classes by their key, in the order of `record.md`.
    package static let fields: [(key: String, path: any WritableKeyPath<TokenUsage, Int64?> & Sendable)] = [
        ("input_total", \.inputTotal), ("input_uncached", \.inputUncached), ("input_cached", \.inputCached),
        ("cache_write_total", \.cacheWriteTotal), ("cache_write_5m", \.cacheWrite5m), ("cache_write_1h", \.cacheWrite1h),
        ("output_total", \.outputTotal), ("output_visible", \.outputVisible), ("output_reasoning", \.outputReasoning),
        ("input_audio", \.inputAudio), ("output_audio", \.outputAudio), ("input_image", \.inputImage),
        ("output_image", \.outputImage),
        ("tool_use_prompt", \.toolUsePrompt),
    ]

    /// Puts each class of `fields` through a function; many times as fast as by their key paths.
    package mutating func replaceFields(_ replaced: (Int64?) -> Int64?) {
        inputTotal = replaced(inputTotal)
        inputUncached = replaced(inputUncached)
        inputCached = replaced(inputCached)
        cacheWriteTotal = replaced(cacheWriteTotal)
        cacheWrite5m = replaced(cacheWrite5m)
        cacheWrite1h = replaced(cacheWrite1h)
        outputTotal = replaced(outputTotal)
        outputVisible = replaced(outputVisible)
        outputReasoning = replaced(outputReasoning)
        inputAudio = replaced(inputAudio)
        outputAudio = replaced(outputAudio)
        inputImage = replaced(inputImage)
        outputImage = replaced(outputImage)
        toolUsePrompt = replaced(toolUsePrompt)
    }

    /// What a reader finds beside the classes of `record.md`, by the key it is compared under.
    package static let detailFields: [(key: String, path: any WritableKeyPath<TokenUsage, Int64?> & Sendable)] = [
        ("cache_write_other", \.cacheWriteOther), ("input_video", \.inputVideo), ("input_cached_audio", \.inputCachedAudio),
        ("input_cached_image", \.inputCachedImage), ("prediction_accepted", \.predictionAccepted),
        ("prediction_rejected", \.predictionRejected), ("total_reported", \.totalReported),
    ]
}

/// Where usage came from (`record.md`, `usage_source`).
package enum UsageSource: String, Sendable {
    /// The provider's final figures.
    case reported
    /// The answer ended before the final figures came.
    case partial
    /// None came.
    case absent
}

/// Money by class, in integer nano-dollars; nil is unpriced.
package struct CostBreakdown: Equatable, Sendable {
    /// Uncached input.
    package var inputNanousd: Int64?
    /// Cached input.
    package var inputCachedNanousd: Int64?
    /// Cache writes.
    package var cacheWriteNanousd: Int64?
    /// Output without reasoning.
    package var outputNanousd: Int64?
    /// Reasoning.
    package var reasoningNanousd: Int64?
    /// Server tools, per use.
    package var toolsNanousd: Int64?
    /// Sum of the rounded classes.
    package var totalNanousd: Int64?
    /// What the provider itself said the exchange cost.
    package var reportedNanousd: Int64?

    /// Unpriced.
    package init() {}

    /// The classes by their key, in the order of `record.md`.
    package static let fields: [(key: String, path: any WritableKeyPath<CostBreakdown, Int64?> & Sendable)] = [
        ("input_nanousd", \.inputNanousd), ("input_cached_nanousd", \.inputCachedNanousd),
        ("cache_write_nanousd", \.cacheWriteNanousd),
        ("output_nanousd", \.outputNanousd), ("reasoning_nanousd", \.reasoningNanousd), ("tools_nanousd", \.toolsNanousd),
        ("total_nanousd", \.totalNanousd), ("reported_nanousd", \.reportedNanousd),
    ]
}
