// SPDX-License-Identifier: Apache-2.0
import Glibc

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
    /// - Complexity: O(n), 32 bytes a step.
    package var isASCII: Bool { asciiPrefix(from: 0) == count }

    /// The offset of the first byte at or after `from` that is not below 0x80; `count` where there is none.
    func asciiPrefix(from: Int) -> Int {
        let highs: UInt64 = 0x8080_8080_8080_8080
        var i = from
        while i &+ 32 <= count {
            let place = base + i
            var seen = place.loadUnaligned(as: UInt64.self) | place.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            seen |= place.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            seen |= place.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
            if seen & highs != 0 { break }
            i &+= 32
        }
        while i &+ 8 <= count, base.loadUnaligned(fromByteOffset: i, as: UInt64.self) & highs == 0 { i &+= 8 }
        while i < count, base.load(fromByteOffset: i, as: UInt8.self) < 0x80 { i &+= 1 }
        return i
    }

    /// Whether both hold the same bytes.
    package func equals(_ other: ByteRun) -> Bool {
        guard count == other.count else { return false }
        return unsafe memcmp(base, other.base, count) == 0
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
        guard length > 0 else { return true }
        guard count >= length else { return false }
        let last = base.load(fromByteOffset: count &- 1, as: UInt8.self)
        // With the bit set that makes a capital small: a first look, which few pass.
        guard last | 0x20 == lower.utf8Start[length &- 1] | 0x20 else { return false }
        return endsIgnoringCase(lower)
    }

    /// The whole comparison; the caller has looked at the lengths.
    private func endsIgnoringCase(_ lower: StaticString) -> Bool {
        let length = lower.utf8CodeUnitCount
        let start = base + (count - length)
        var i = length
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
    /// - Complexity: O(n).
    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        guard start < count, let place = unsafe memchr(base + start, Int32(byte), count - start) else { return nil }
        return unsafe base.distance(to: UnsafeRawPointer(place))
    }

    /// The offset of the first line feed or carriage return from an offset on; `count` where there is none.
    ///
    /// - Complexity: O(n), eight bytes a step.
    package func lineEnd(from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var i = start
        while i &+ 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            let (feed, carriage) = (word ^ (0x0A &* ones), word ^ (0x0D &* ones))
            // Only the lowest is sure: it is borrowed from the bytes above it.
            let found = ((feed &- ones) | (carriage &- ones)) & ~word & (0x80 &* ones)
            if found != 0 { return i &+ found.trailingZeroBitCount &>> 3 }
            i &+= 8
        }
        while i < count {
            let byte = base.load(fromByteOffset: i, as: UInt8.self)
            if byte == 0x0A || byte == 0x0D { return i }
            i &+= 1
        }
        return i
    }

    /// Whether a byte is among them.
    ///
    /// - Complexity: O(n).
    package func contains(_ byte: UInt8) -> Bool { firstIndex(of: byte) != nil }

    /// Whether the bytes are well-formed UTF-8.
    ///
    /// - Complexity: O(n), 32 bytes a step where they are ASCII.
    package var isUTF8: Bool { UTF8Check.firstInvalidOffset(self) == nil }
}
