// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// Every point that any conversation reached, each once: a point is a history of turns, known by its chain hash.
///
/// Held in memory: about 60 bytes a point; a conversation of k requests adds about 2k points, because its requests share them.
struct ConversationTrie {
    /// The point before any turn.
    static let root: UInt32 = 0
    /// The parent of each point; the root is its own.
    private(set) var parents: [UInt32] = [0]
    /// Whether the last turn of a point is the assistant's.
    private(set) var isAssistant: [Bool] = [false]
    private var known: [Digest128: UInt32] = [:]

    var count: Int { parents.count }

    /// The point after one more turn.
    ///
    /// - Throws: `.tooLarge` at the limit of points.
    mutating func extend(_ point: UInt32, by turn: CanonicalTurn, chain: inout TurnChain) throws(DatasetError) -> UInt32 {
        let digest = chain.add(turn)
        if let found = known[digest] { return found }
        guard parents.count < DatasetLimits.points, let next = UInt32(exactly: parents.count) else {
            throw DatasetError(
                .tooLarge, "More than \(DatasetLimits.points) distinct turns: narrow the recipe, by task or by time.")
        }
        known[digest] = next
        parents.append(point)
        isAssistant.append(turn.role == .assistant)
        return next
    }
}

/// A record as the first pass remembers it: no payload.
struct Candidate {
    /// Stands for "no such point".
    static let noPoint = UInt32.max

    let id: ExchangeID
    /// The point at which the assistant was asked to speak.
    let prompt: UInt32
    /// The point after its answer; none where the answer was dropped.
    let end: UInt32
    /// What tells it from others with the same prompt.
    var trail = AnswerTrail()

    /// Whether the record may become a row.
    var isKept: Bool { end != Candidate.noPoint }
}
