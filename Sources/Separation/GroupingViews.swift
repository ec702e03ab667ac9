// SPDX-License-Identifier: Apache-2.0

/// The two views of a row as near duplicates are looked for in them: shingles of tokens, or, of fewer than 20 tokens, of characters.
///
/// Short views are thus compared with short ones alone: the two kinds of shingles have different hashes.
package struct GroupingViews: Equatable, Sendable {
    /// The shingles of the prompt view, sorted, each once.
    package let prompt: [UInt64]
    /// The shingles of the first view, sorted, each once.
    package let first: [UInt64]
    /// Whether those of the prompt view, and so of the first, are of characters, none of which is boilerplate.
    package let isPromptShort: Bool

    /// The views of a row.
    ///
    /// - Parameters:
    ///   - traits: those that were read from the same turns.
    ///   - turns: the whole row.
    package init(traits: SeparationTraits, turns: [SeparationTurn]) {
        isPromptShort = traits.tokens.count < SeparationLimits.evalTokens
        let isFirstShort = traits.firstTokens.count < SeparationLimits.evalTokens
        let spoken = turns.prefix(SeparationTraits.promptCount(turns)).filter { $0.role == .user || $0.role == .tool }
        prompt = isPromptShort ? GroupingViews.characters(spoken) : traits.promptShingles
        first = isFirstShort ? GroupingViews.characters(spoken.filter { $0.role == .user }.prefix(1)) : traits.firstShingles
    }

    /// Views as they were read before.
    package init(prompt: [UInt64], first: [UInt64], isPromptShort: Bool) {
        self.prompt = prompt
        self.first = first
        self.isPromptShort = isPromptShort
    }

    private static func characters(_ turns: some Sequence<SeparationTurn>) -> [UInt64] {
        var text: [UInt8] = []
        for turn in turns { TokenReader.append(turn.spoken, asTextTo: &text) }
        return Shingles.characters(of: text)
    }
}
