// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
package import ExchangeModel

/// Which of several exchanges with the same conversation stays: the one with the smallest id, in whatever order they come.
///
/// Answers from a cache and repeated requests are duplicates by construction. Equal are the canonical turns of prompt and answer (`TurnChain`); with
/// `isLoose`, letter case, digits and signs are no difference either.
package struct QualityDuplicates: Sendable {
    private let isLoose: Bool
    private var smallest: [Digest128: ExchangeID] = [:]
    private var counts: [Digest128: Int64] = [:]

    /// None seen.
    ///
    /// - Parameter isLoose: whether to compare words alone.
    package init(isLoose: Bool = false) { self.isLoose = isLoose }

    /// Notes an exchange; all have to be noted before any is asked about.
    ///
    /// - Returns: its key, to ask with.
    @discardableResult
    package mutating func note(_ id: ExchangeID, _ request: CanonicalRequest, _ answer: CanonicalAnswer) -> Digest128 {
        let key = QualityDuplicates.key(request, answer, isLoose: isLoose)
        note(id, key: key)
        return key
    }

    /// Notes an exchange whose key is known.
    package mutating func note(_ id: ExchangeID, key: Digest128) {
        smallest[key] = min(smallest[key] ?? id, id)
        counts[key, default: 0] += 1
    }

    /// Whether another exchange with the same conversation stays in this one's place.
    package func isDuplicate(_ id: ExchangeID, key: Digest128) -> Bool { smallest[key].map { $0 != id } ?? false }

    /// How many exchanges are dropped in all.
    package var duplicateCount: Int64 { counts.values.reduce(0) { $0 + $1 - 1 } }

    /// What exchanges with the same conversation share.
    static func key(_ request: CanonicalRequest, _ answer: CanonicalAnswer, isLoose: Bool) -> Digest128 {
        var chain = TurnChain()
        var last = Digest128([])
        for turn in request.turns + [answer.turn] { last = chain.add(isLoose ? QualityDuplicates.loose(turn) : turn) }
        return last
    }

    private static func loose(_ turn: CanonicalTurn) -> CanonicalTurn {
        var turn = turn
        turn.blocks = turn.blocks.map { block in
            switch block {
            case .text(let text): .text(words(text))
            case .toolResult(let callID, let content, let isError):
                .toolResult(
                    callID: callID,
                    content: content.map { part in
                        if case .text(let text) = part { return .text(words(text)) }
                        return part
                    }, isError: isError)
            default: block
            }
        }
        return turn
    }

    /// Letters in lower case, digits as 0, everything else as space.
    private static func words(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.lowercased().unicodeScalars.map { scalar in
                    if scalar.properties.numericType == .decimal { return "0" }
                    return scalar.properties.isAlphabetic ? scalar : " "
                }))
    }
}
