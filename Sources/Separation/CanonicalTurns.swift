// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto

/// What a conversation is known by: the key of its prompt and the nodes of its chain.
struct CanonicalTurns {
    let promptKey: SeparationDigest
    /// Sorted, each once.
    let nodes: [SeparationDigest]
    /// The last link.
    let chain: SeparationDigest

    private static let origin = "weir-chain-1"

    init(_ turns: [SeparationTurn]) {
        let promptCount = SeparationTraits.promptCount(turns)
        var prompt = SHA256()
        var state = SHA256.hash(data: Array(CanonicalTurns.origin.utf8))
        var nodes: [SeparationDigest] = []
        // What an application says to everybody before anybody has asked is no node.
        var hasUser = false
        for (position, turn) in turns.enumerated() {
            let bytes = CanonicalTurns.bytes(of: turn)
            if position < promptCount, turn.role != .system { prompt.update(data: bytes) }
            var chain = SHA256()
            chain.update(data: Array(state))
            chain.update(data: bytes)
            state = chain.finalize()
            if turn.role == .user { hasUser = true }
            if hasUser, CanonicalTurns.isNode(turns, position) { nodes.append(SeparationDigest(state)) }
        }
        promptKey = SeparationDigest(prompt.finalize())
        self.nodes = SeparationTraits.sortedOnce(nodes)
        chain = SeparationDigest(state)
    }

    /// Whether a conversation branches or ends behind a turn: the turn is an assistant's, the next one is, or there is none.
    private static func isNode(_ turns: [SeparationTurn], _ position: Int) -> Bool {
        guard turns[position].role != .assistant, position + 1 < turns.count else { return true }
        return turns[position + 1].role == .assistant
    }

    /// The canonical turn: role, N1 of the text, and name and arguments of each call, each behind its length.
    static func bytes(of turn: SeparationTurn) -> [UInt8] {
        var out: [UInt8] = []
        append(Array(turn.role.rawValue.utf8), to: &out)
        append(NormalForm.n1(turn.text), to: &out)
        for call in turn.calls {
            append(Array(call.name.utf8), to: &out)
            append(CanonicalTurns.form(ofArguments: call.arguments), to: &out)
        }
        return out
    }

    /// Arguments as JSON where they are JSON, else N1 of them; those that are not there, or of white space only, are an empty object.
    private static func form(ofArguments text: String) -> [UInt8] {
        if text.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) { return Array("{}".utf8) }
        return CanonicalJSON.form(of: text.utf8) ?? NormalForm.n1(text)
    }

    private static func append(_ part: [UInt8], to out: inout [UInt8]) {
        let count = UInt64(part.count)
        for shift in stride(from: UInt64(56), through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: count >> shift)) }
        out.append(contentsOf: part)
    }
}
