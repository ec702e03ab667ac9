// SPDX-License-Identifier: Apache-2.0

/// Looks at bytes eight at a time.
///
/// The tests subtract from a whole word: a byte that is found makes the one above it borrow, so only the lowest find of a word
/// is certain, and only that one is used.
enum WordScan {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080
    private static let small: UInt64 = 0x2020_2020_2020_2020

    /// The offset of a byte at or after `start`, or `end` where there is none before it.
    ///
    /// - Complexity: O(n), eight bytes a step.
    static func first(_ byte: UInt8, in bytes: RawSpan, from start: Int, to end: Int) -> Int {
        let pattern = UInt64(byte) &* ones
        var i = start
        while i &+ 8 <= end {
            let found = zeros(word(bytes, i) ^ pattern)
            if found != 0 { return i &+ found.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < end, unsafe bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self) != byte { i &+= 1 }
        return i
    }

    /// The offset of the first byte at or after `start` that is a control, a tab and DEL included, or `end`.
    ///
    /// - Complexity: O(n), eight bytes a step.
    static func firstControl(in bytes: RawSpan, from start: Int, to end: Int) -> Int {
        var i = start
        while i &+ 8 <= end {
            let word = word(bytes, i)
            let found = (word &- small) & ~word & highs | zeros(word ^ 0x7F7F_7F7F_7F7F_7F7F)
            if found != 0 { return i &+ found.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < end, HeadSyntax.isVisible(unsafe bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)) { i &+= 1 }
        return i
    }

    /// Whether bytes of a token are a text of lower-case letters and dashes, their own letters in any case.
    ///
    /// With the bit set that makes a capital small, no other byte of a token becomes a letter or a dash.
    static func tokenEquals(_ bytes: RawSpan, _ start: Int, _ end: Int, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - start == count else { return false }
        let letters = unsafe UnsafeRawPointer(text.utf8Start)
        if count >= 8 {
            var i = 0
            while true {
                let wanted = unsafe letters.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                if unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start + i, as: UInt64.self) | small != wanted { return false }
                if i == count &- 8 { return true }
                i = min(i &+ 8, count &- 8)
            }
        }
        for i in 0..<count {
            let wanted = unsafe letters.load(fromByteOffset: i, as: UInt8.self)
            if unsafe bytes.unsafeLoad(fromByteOffset: start + i, as: UInt8.self) | 0x20 != wanted { return false }
        }
        return true
    }

    /// The lowest bit set is that of the lowest byte that is zero.
    @inline(__always) private static func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highs }

    /// Eight bytes, the first one lowest.
    @inline(__always) private static func word(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
