// SPDX-License-Identifier: Apache-2.0
package import Crypto

/// A SHA-256 as a value that sorts by its bytes.
package struct SeparationDigest: Hashable, Comparable, Sendable {
    /// The bytes, big-endian, eight a word.
    let a, b, c, d: UInt64

    /// Bytes of a digest.
    package static let byteCount = 32

    /// The digest that a hash function gave.
    package init(_ digest: SHA256.Digest) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (position, byte) in digest.enumerated() {
            let byte = UInt64(byte)
            switch position >> 3 {
            case 0: words.0 = words.0 << 8 | byte
            case 1: words.1 = words.1 << 8 | byte
            case 2: words.2 = words.2 << 8 | byte
            default: words.3 = words.3 << 8 | byte
            }
        }
        (a, b, c, d) = words
    }

    /// The digest that 32 bytes spell, or nil for another number of them.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == SeparationDigest.byteCount else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (position, byte) in bytes.enumerated() { words[position >> 3] = words[position >> 3] << 8 | UInt64(byte) }
        (a, b, c, d) = (words[0], words[1], words[2], words[3])
    }

    /// The digest of a text's UTF-8.
    package init(of text: String) {
        self.init(SHA256.hash(data: Array(text.utf8)))
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(SeparationDigest.byteCount)
        for word in [a, b, c, d] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return out
    }

    /// Whether the bytes of one come before those of the other.
    package static func < (left: SeparationDigest, right: SeparationDigest) -> Bool {
        (left.a, left.b, left.c, left.d) < (right.a, right.b, right.c, right.d)
    }
}
