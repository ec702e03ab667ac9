// SPDX-License-Identifier: Apache-2.0

/// One of the two views in which rows are compared.
package enum SeparationView: String, Sendable, CaseIterable {
    /// All user and tool turns of the prompt.
    case prompt
    /// The first user turn.
    case first
}

/// All that separation knows of a row; an immutable value, the same for the same turns in every run of every build.
package struct SeparationTraits: Equatable, Sendable {
    /// The hash of the prompt without the system's turns (G1).
    package let promptKey: SeparationDigest
    /// The nodes of the conversation (G2), sorted, each once.
    package let nodes: [SeparationDigest]
    /// The last link of the chain: the row as a whole, its answer included.
    package let chain: SeparationDigest
    /// The hashes of the row's group keys (G2), sorted, each once.
    package let groupKeys: [SeparationDigest]
    /// The hashes of the prompt view's tokens, in order.
    package let tokens: [UInt64]
    /// Which of them are the first view's.
    package let firstTokens: Range<Int>
    /// The shingles of the prompt view (G3), sorted, each once.
    package let promptShingles: [UInt64]
    /// The shingles of the first view (G3), sorted, each once.
    package let firstShingles: [UInt64]

    /// Reads a row.
    ///
    /// - Parameters:
    ///   - turns: the whole row, its answer included, in order.
    ///   - groupKeys: texts that rows of one group share, each with its name in it, as `customer=17`; compared by their UTF-8.
    /// - Complexity: O(n log n) in the length of the row.
    package init(turns: [SeparationTurn], groupKeys: [String] = []) {
        self.init(turns: turns, groupKeys: groupKeys.map { SeparationDigest(of: $0) })
    }

    /// Reads a row whose group keys are known by their hashes.
    ///
    /// - Parameters:
    ///   - turns: the whole row, its answer included, in order.
    ///   - groupKeys: `SeparationDigest(of:)` of such texts.
    /// - Complexity: O(n log n) in the length of the row.
    package init(turns: [SeparationTurn], groupKeys: [SeparationDigest]) {
        let canonical = CanonicalTurns(turns)
        let spoken = turns.prefix(SeparationTraits.promptCount(turns)).filter { $0.role == .user || $0.role == .tool }
        var tokens: [UInt64] = []
        // A word in a text of many has six bytes or so.
        tokens.reserveCapacity(spoken.reduce(0) { $0 + $1.text.utf8.count } / 6)
        var first: Range<Int>?
        for turn in spoken {
            let start = tokens.count
            TokenReader.append(turn.spoken, to: &tokens)
            if first == nil, turn.role == .user { first = start..<tokens.count }
        }
        self.init(
            promptKey: canonical.promptKey, nodes: canonical.nodes, chain: canonical.chain,
            groupKeys: SeparationTraits.sortedOnce(groupKeys), tokens: tokens,
            firstTokens: first ?? 0..<0)
    }

    /// Traits from their parts; the shingles follow from the tokens.
    init(
        promptKey: SeparationDigest, nodes: [SeparationDigest], chain: SeparationDigest, groupKeys: [SeparationDigest],
        tokens: [UInt64], firstTokens: Range<Int>
    ) {
        self.promptKey = promptKey
        self.nodes = nodes
        self.chain = chain
        self.groupKeys = groupKeys
        self.tokens = tokens
        self.firstTokens = firstTokens
        promptShingles = Shingles.set(of: tokens.span)
        firstShingles =
            firstTokens == 0..<tokens.count ? promptShingles : Shingles.set(of: tokens.span.extracting(firstTokens))
    }

    /// The shingles of a view.
    package func shingles(_ view: SeparationView) -> [UInt64] { view == .prompt ? promptShingles : firstShingles }

    /// How many tokens a view has.
    package func tokenCount(_ view: SeparationView) -> Int { view == .prompt ? tokens.count : firstTokens.count }

    /// Whether both views are long enough for an eval row.
    package var isLongEnoughForEval: Bool {
        tokens.count >= SeparationLimits.evalTokens && firstTokens.count >= SeparationLimits.evalTokens
    }

    /// How many turns are the prompt: all but the answer, which is the last turn where an assistant speaks it.
    static func promptCount(_ turns: [SeparationTurn]) -> Int {
        turns.last?.role == .assistant ? turns.count - 1 : turns.count
    }

    static func sortedOnce(_ digests: [SeparationDigest]) -> [SeparationDigest] {
        var out: [SeparationDigest] = []
        for digest in digests.sorted() where out.last != digest { out.append(digest) }
        return out
    }
}
