// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Rules that the classes of one usage keep among each other, whatever the provider.
///
/// A usage that breaks one is stored as it was read; it shows that a provider's figures contradict each other (reasoning beyond
/// the output it is part of, cached tokens beyond the prompt) or that a rule of this reader is wrong.
package enum ReadingInvariants {
    /// A rule; its raw value is how a count of breaches is labelled.
    package enum Rule: String, Sendable, CaseIterable {
        /// Uncached, cached and written tokens make the input.
        case input
        /// Writes by life make the cache writes.
        case cacheWrite = "cache_write"
        /// Visible and reasoning tokens make the output.
        case output
        /// Audio, images, video and tool results lie within the input.
        case inputParts = "input_parts"
        /// Audio and images lie within the output.
        case outputParts = "output_parts"
    }

    /// The rules that a usage breaks; a rule holds where one of its classes is not reported.
    ///
    /// - Parameter usage: as read.
    /// - Returns: the broken rules, in order; none for a usage that is consistent.
    package static func broken(by usage: TokenUsage) -> [Rule] {
        var rules: [Rule] = []
        if let total = usage.inputTotal, let uncached = usage.inputUncached,
            total != sum(uncached, usage.inputCached, usage.cacheWriteTotal)
        {
            rules.append(.input)
        }
        if let total = usage.cacheWriteTotal, let other = usage.cacheWriteOther,
            total != sum(other, usage.cacheWrite5m, usage.cacheWrite1h)
        {
            rules.append(.cacheWrite)
        }
        if let total = usage.outputTotal, let visible = usage.outputVisible, total != sum(visible, usage.outputReasoning) {
            rules.append(.output)
        }
        if exceeds(usage.inputTotal, usage.inputAudio, usage.inputImage, usage.inputVideo)
            || exceeds(usage.inputTotal, usage.toolUsePrompt)
        {
            rules.append(.inputParts)
        }
        if exceeds(usage.outputTotal, usage.outputAudio, usage.outputImage) { rules.append(.outputParts) }
        return rules
    }

    /// Whether the parts together are more than the whole; parts that do not fit 64 bits are.
    private static func exceeds(_ whole: Int64?, _ parts: Int64?...) -> Bool {
        guard let whole else { return false }
        var total: Int64 = 0
        for part in parts {
            let (next, overflow) = total.addingReportingOverflow(part ?? 0)
            if overflow { return true }
            total = next
        }
        return total > whole
    }
}
