// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// What was used, as the provider counts it: totals hold their parts.
///
/// nil is not reported, 0 is reported zero; `TokenUsage` with what only prices ask for.
package struct PricedUsage: Equatable, Sendable {
    /// Tokens by class.
    package var tokens = TokenUsage()
    /// Prompt tokens of video.
    package var inputVideo: Int64?
    /// Cached prompt tokens of audio, part of `inputCached` and of `inputAudio`.
    package var cachedAudio: Int64?
    /// Cached prompt tokens of images, part of `inputCached` and of `inputImage`.
    package var cachedImage: Int64?
    /// Cached prompt tokens of video, part of `inputCached` and of `inputVideo`.
    package var cachedVideo: Int64?
    /// Generated tokens of video.
    package var outputVideo: Int64?
    /// Generated tokens of citations.
    package var citation: Int64?
    /// What is counted by the call or measured: web searches, images, seconds, ...
    package var calls: [PriceClass: Int64] = [:]

    /// Nothing used.
    package init() {}

    /// The tokens of an exchange.
    package init(_ tokens: TokenUsage) {
        self.tokens = tokens
    }

    /// Whether anything at all was counted.
    package var isKnown: Bool {
        tokens.inputTotal != nil || tokens.inputUncached != nil || tokens.outputTotal != nil || !calls.isEmpty
    }

    /// All prompt tokens: what thresholds are compared with.
    package var promptTokens: Int64? {
        if let total = tokens.inputTotal { return total }
        guard let uncached = tokens.inputUncached else { return nil }
        return PricedUsage.sum([uncached, tokens.inputCached ?? 0, cacheWrites ?? 0])
    }

    /// All prompt tokens that were written to a cache.
    var cacheWrites: Int64? {
        if let total = tokens.cacheWriteTotal { return total }
        if tokens.cacheWrite5m == nil, tokens.cacheWrite1h == nil { return nil }
        return PricedUsage.sum([tokens.cacheWrite5m ?? 0, tokens.cacheWrite1h ?? 0])
    }

    private static func sum(_ values: [Int64]) -> Int64? {
        var total: Int64 = 0
        for value in values {
            let (next, isOver) = total.addingReportingOverflow(value)
            if isOver { return nil }
            total = next
        }
        return total
    }

    /// The use by class with nothing counted twice, as far as a row has prices of its own for the parts.
    ///
    /// Parts without a price of their own stay in what they are part of, so that figures no price asks for cannot contradict others;
    /// cached tokens, cache writes and reasoning are always told apart, because their costs are.
    /// - Parameter row: whose prices count.
    /// - Returns: units by class, known ones only; nil where a part is larger than what it is part of, or a figure is negative.
    func disjoint(for row: PriceRow) -> ClassCounts? {
        var found = ClassCounts()
        var isSound = addInput(&found, row)
        if let total = tokens.outputTotal {
            var parts: Int64 = 0
            let sides: [(PriceClass, Int64?)] = [
                (.outputAudio, tokens.outputAudio), (.outputImage, tokens.outputImage), (.outputVideo, outputVideo),
                (.citation, citation),
            ]
            for (kind, count) in sides {
                guard let count, row.rates[kind] != nil else { continue }
                found[kind] = count
                parts = PricedUsage.clamped(parts, count)
            }
            if let reasoning = tokens.outputReasoning {
                found[.reasoning] = reasoning
                parts = PricedUsage.clamped(parts, reasoning)
            }
            found[.output] = PricedUsage.left(total, parts)
        }
        for (kind, count) in calls { found[kind] = count }
        if found.hasNegative { isSound = false }
        return isSound ? found : nil
    }

    private func addInput(_ found: inout ClassCounts, _ row: PriceRow) -> Bool {
        guard let total = promptTokens else { return tokens.inputTotal == nil && tokens.inputUncached == nil }
        var parts: Int64 = 0
        var cached = tokens.inputCached
        let modalities: [(PriceClass, PriceClass, Int64?, Int64?)] = [
            (.inputAudio, .cachedAudio, tokens.inputAudio, cachedAudio),
            (.inputImage, .cachedImage, tokens.inputImage, cachedImage), (.inputVideo, .cachedVideo, inputVideo, cachedVideo),
        ]
        for (kind, cachedKind, count, cachedCount) in modalities {
            if let cachedCount, let all = cached,
                row.rates[cachedKind] != nil || (row.rates[.cached] == nil && row.rates[kind] != nil)
            {
                found[cachedKind] = cachedCount
                parts = PricedUsage.clamped(parts, cachedCount)
                cached = PricedUsage.left(all, cachedCount)
            }
            guard let count, row.rates[kind] != nil else { continue }
            let uncached = PricedUsage.left(count, cachedCount ?? 0)
            found[kind] = uncached
            parts = PricedUsage.clamped(parts, uncached)
        }
        if let cached {
            found[.cached] = cached
            parts = PricedUsage.clamped(parts, cached)
        }
        if let writes = cacheWrites {
            let named = PricedUsage.clamped(tokens.cacheWrite5m ?? 0, tokens.cacheWrite1h ?? 0)
            found[.cacheWrite] = PricedUsage.left(writes, named)
            found[.cacheWrite5m] = tokens.cacheWrite5m
            found[.cacheWrite1h] = tokens.cacheWrite1h
            parts = PricedUsage.clamped(parts, writes)
        }
        found[.input] = PricedUsage.left(total, parts)
        return true
    }

    /// A sum that stays at the largest number rather than overflow; it is then larger than any total.
    private static func clamped(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, isOver) = a.addingReportingOverflow(b)
        return isOver ? Int64.max : sum
    }

    /// What is left of a total; negative where the parts are more.
    private static func left(_ total: Int64, _ parts: Int64) -> Int64 {
        let (rest, isOver) = total.subtractingReportingOverflow(parts)
        return isOver ? -1 : rest
    }
}

/// Units by class, known ones only.
struct ClassCounts: Sendable {
    private var counts = [Int64?](repeating: nil, count: PriceClass.allCases.count)

    /// The units of a class; nil where they are not known.
    subscript(kind: PriceClass) -> Int64? {
        get { counts[Int(kind.rawValue)] }
        set { counts[Int(kind.rawValue)] = newValue }
    }

    /// Whether any of them is below zero.
    var hasNegative: Bool { counts.contains { ($0 ?? 0) < 0 } }
}
