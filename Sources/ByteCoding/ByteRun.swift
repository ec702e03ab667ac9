// SPDX-License-Identifier: Apache-2.0

/// A run of bytes that lies elsewhere; whoever made it keeps the memory alive and unchanged while it is used.
///
/// A borrowed view for the capture path, where nothing may be copied that need not be; never stored beyond a call.
@safe package struct ByteRun {
    /// The first byte; readable for `count` bytes.
    package let base: UnsafeRawPointer
    /// Bytes.
    package let count: Int

    /// A run from its first byte.
    package init(_ base: UnsafeRawPointer, count: Int) {
        self.base = base
        self.count = count
    }

    /// A run over a buffer.
    package init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes.baseAddress ?? ByteRun.nowhere
        count = bytes.count
    }

    /// The bytes of a literal; alive for ever.
    package init(_ text: StaticString) {
        base = UnsafeRawPointer(text.utf8Start)
        count = text.utf8CodeUnitCount
    }

    private static var nowhere: UnsafeRawPointer { UnsafeRawPointer(("" as StaticString).utf8Start) }

    /// No bytes.
    package static var empty: ByteRun { ByteRun(nowhere, count: 0) }

    /// Whether there are none.
    package var isEmpty: Bool { count == 0 }

    /// A part of it; bounds are the caller's business.
    package func slice(_ from: Int, _ to: Int) -> ByteRun { ByteRun(base + from, count: to - from) }

    /// A copy as an array.
    package var array: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: base, count: count)) }

    /// A copy as text, ill-formed UTF-8 repaired.
    package var text: String { String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self) }

    /// Whether every byte is below 0x80.
    ///
    /// - Complexity: O(n), eight bytes a step.
    package var isASCII: Bool {
        var i = 0
        var seen: UInt64 = 0
        while i + 8 <= count {
            seen |= base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            i += 8
        }
        while i < count {
            seen |= UInt64(base.load(fromByteOffset: i, as: UInt8.self))
            i += 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }

    /// Whether both hold the same bytes.
    package func equals(_ other: ByteRun) -> Bool {
        guard count == other.count else { return false }
        var i = 0
        while i + 8 <= count {
            let mine = base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            if mine != other.base.loadUnaligned(fromByteOffset: i, as: UInt64.self) { return false }
            i += 8
        }
        while i < count {
            if base.load(fromByteOffset: i, as: UInt8.self) != other.base.load(fromByteOffset: i, as: UInt8.self) {
                return false
            }
            i += 1
        }
        return true
    }

    /// Whether it equals a lower-case ASCII text, its own letters in any case.
    package func equalsIgnoringCase(_ lower: StaticString) -> Bool {
        count == lower.utf8CodeUnitCount && hasSuffixIgnoringCase(lower)
    }

    /// Whether it begins with a lower-case ASCII text, its own letters in any case.
    package func hasPrefixIgnoringCase(_ lower: StaticString) -> Bool {
        count >= lower.utf8CodeUnitCount && slice(0, lower.utf8CodeUnitCount).hasSuffixIgnoringCase(lower)
    }

    /// Whether it ends with a lower-case ASCII text, its own letters in any case; the last byte is looked at first.
    package func hasSuffixIgnoringCase(_ lower: StaticString) -> Bool {
        let length = lower.utf8CodeUnitCount
        guard count >= length else { return false }
        var i = length
        let start = base + (count - length)
        while i > 0 {
            i -= 1
            let byte = start.load(fromByteOffset: i, as: UInt8.self)
            let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if folded != lower.utf8Start[i] { return false }
        }
        return true
    }

    /// The offset of a byte from an offset on, or nil.
    ///
    /// - Complexity: O(n), eight bytes a step.
    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let pattern = UInt64(byte) &* ones
        var i = start
        while i + 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: i, as: UInt64.self)) ^ pattern
            let hit = (word &- ones) & ~word & 0x8080_8080_8080_8080
            if hit != 0 { return i + hit.trailingZeroBitCount >> 3 }
            i += 8
        }
        while i < count {
            if base.load(fromByteOffset: i, as: UInt8.self) == byte { return i }
            i += 1
        }
        return nil
    }

    /// Whether the bytes are well-formed UTF-8, by the rules of `UTF8Check`.
    ///
    /// - Complexity: O(n), eight bytes a step where they are ASCII.
    package var isUTF8: Bool {
        var i = 0
        while i < count {
            if i + 8 <= count,
                base.loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                i += 8
                continue
            }
            let first = base.load(fromByteOffset: i, as: UInt8.self)
            if first < 0x80 {
                i += 1
                continue
            }
            let length = sequenceLength(first, at: i)
            if length == 0 { return false }
            i += length
        }
        return true
    }

    private func sequenceLength(_ first: UInt8, at i: Int) -> Int {
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if first == 0xE0 { low = 0xA0 }
            if first == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            length = 4
            if first == 0xF0 { low = 0x90 }
            if first == 0xF4 { high = 0x8F }
        default: return 0
        }
        guard i + length <= count else { return 0 }
        let second = base.load(fromByteOffset: i + 1, as: UInt8.self)
        guard second >= low, second <= high else { return 0 }
        if length > 2, base.load(fromByteOffset: i + 2, as: UInt8.self) & 0xC0 != 0x80 { return 0 }
        if length > 3, base.load(fromByteOffset: i + 3, as: UInt8.self) & 0xC0 != 0x80 { return 0 }
        return length
    }
}
