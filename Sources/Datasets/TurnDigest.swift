// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto

/// The first 128 bits of a SHA-256: enough that no two texts of any size of capture share one by chance.
package struct Digest128: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    init(_ bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64) = (0, 0)
        for (position, byte) in bytes.prefix(16).enumerated() {
            if position < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        high = words.0
        low = words.1
    }
}

/// The chain of hashes over a conversation: `h0 = SHA256(namespace)`, `h(k) = SHA256(h(k-1) || canonical bytes of turn k)`.
///
/// Two conversations agree up to a turn exactly where their hashes do. Left out of a turn: ids of calls, reasoning, the
/// spelling of white space, the order of members in arguments. Text is compared by its bytes, without Unicode
/// normalisation, which the standard library does not offer.
struct TurnChain {
    private static let namespace = "weir-conversation-1"
    private var state: [UInt8] = Array(SHA256.hash(data: Array(TurnChain.namespace.utf8)))

    /// Adds a turn.
    ///
    /// - Returns: the hash of the conversation up to and including it.
    mutating func add(_ turn: CanonicalTurn) -> Digest128 {
        var hasher = SHA256()
        hasher.update(data: state)
        hasher.update(data: TurnChain.canonicalBytes(turn))
        state = Array(hasher.finalize())
        return Digest128(state)
    }

    /// The bytes by which a turn is known: each part with its kind and its length before it.
    static func canonicalBytes(_ turn: CanonicalTurn) -> [UInt8] {
        var out: [UInt8] = []
        append(kind: "r", Array(turn.role.rawValue.utf8), to: &out)
        append(kind: "t", TextNormal.form(turn.joinedText), to: &out)
        for image in turn.images { append(kind: "i", Array(SHA256.hash(data: Array(image.utf8))), to: &out) }
        for call in turn.toolCalls {
            append(kind: "n", Array(call.name.utf8), to: &out)
            var arguments: [UInt8] = []
            if let document = JSONDocument.read(call.arguments.utf8) {
                JSONText.appendCanonical(document.root, to: &arguments)
            } else {
                arguments = TextNormal.form(call.arguments)
            }
            append(kind: "a", arguments, to: &out)
        }
        return out
    }

    private static func append(kind: Unicode.Scalar, _ bytes: [UInt8], to out: inout [UInt8]) {
        out.append(UInt8(ascii: kind))
        let length = UInt64(bytes.count)
        for shift in stride(from: UInt64(56), through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: length >> shift)) }
        out.append(contentsOf: bytes)
    }
}

/// The form in which texts are compared.
enum TextNormal {
    /// A text without white space (ASCII) at its ends, each run inside as one space; so line ends of any kind are equal too.
    static func form(_ text: String) -> [UInt8] {
        let bytes = text.utf8Span.span
        return [UInt8](capacity: bytes.count) { out in
            var isGap = false
            for at in 0..<bytes.count {
                let byte = bytes[at]
                if byte <= 0x20, byte == 0x20 || (0x09...0x0D).contains(byte) {
                    isGap = true
                    continue
                }
                if isGap, !out.isEmpty { out.append(0x20) }
                isGap = false
                out.append(byte)
            }
        }
    }
}
