// SPDX-License-Identifier: Apache-2.0

/// The 64-bit hashes of tokens and of runs of tokens: fixed for ever, since ledgers store them; never 0.
///
/// Equal texts have equal hashes, so that the gate misses nothing; unequal ones meet once in 2^64 and then only drop a row more.
enum SeparationHash {
    static let seed: UInt64 = 0x7765_6972_2D73_6570
    private static let first: UInt64 = 0x9E37_79B9_7F4A_7C15
    private static let second: UInt64 = 0xD6E8_FEB8_6659_FD93
    private static let third: UInt64 = 0xA076_1D64_78BD_642F

    /// Takes eight more bytes of a token: no two values give the same hash.
    @inline(__always)
    static func step(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let mixed = hash ^ (word &* first)
        return (mixed &<< 29 | mixed &>> 35) &* second &+ third
    }

    /// Spreads what was taken over all bits.
    @inline(__always)
    static func finish(_ hash: UInt64) -> UInt64 {
        var mixed = hash
        mixed = (mixed ^ mixed &>> 32) &* second
        mixed = (mixed ^ mixed &>> 29) &* first
        mixed ^= mixed &>> 32
        return mixed == 0 ? 1 : mixed
    }

    /// The hash of a run of tokens; runs of other lengths have other hashes.
    @inline(__always)
    static func run(_ tokens: Span<UInt64>, from start: Int, count: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: count) &* third &+ seed
        for at in start..<start &+ count { hash = hash &* first &+ tokens[at] }
        return finish(hash)
    }
}
