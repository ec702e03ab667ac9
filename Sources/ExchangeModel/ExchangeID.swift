// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The identity of one exchange: a UUID version 7 (RFC 9562 section 5.7), so that ids sort by time.
package struct ExchangeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The upper 64 bits: 48 bits of Unix milliseconds, version, 12 random bits.
    package let high: UInt64
    /// The lower 64 bits: variant, 62 random bits.
    package let low: UInt64

    /// Makes an id.
    ///
    /// - Parameters:
    ///   - milliseconds: since the Unix epoch; the lower 48 bits count.
    ///   - random: 128 bits, of which 74 are used.
    package init(milliseconds: UInt64, random: (UInt64, UInt64)) {
        high = milliseconds << 16 | 0x7000 | (random.0 & 0x0FFF)
        low = 0x8000_0000_0000_0000 | (random.1 & 0x3FFF_FFFF_FFFF_FFFF)
    }

    /// An id from its two halves, as they were.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads the 36-character text form, or nil.
    package init?(text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        var value: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (i, byte) in bytes.enumerated() {
            if i == 8 || i == 13 || i == 18 || i == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = ExchangeID.hexValue(byte) else { return nil }
            if digits < 16 { value.0 = value.0 << 4 | digit } else { value.1 = value.1 << 4 | digit }
            digits += 1
        }
        high = value.0
        low = value.1
    }

    private static func hexValue(_ byte: UInt8) -> UInt64? {
        switch byte {
        case 0x30...0x39: UInt64(byte - 0x30)
        case 0x61...0x66: UInt64(byte - 0x61 + 10)
        case 0x41...0x46: UInt64(byte - 0x41 + 10)
        default: nil
        }
    }

    /// Bytes of the text form.
    package static let textCount = 36

    /// The 36 bytes of the text form, lower case.
    package var textBytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: ExchangeID.textCount) { buffer, count in
            writeText(to: UnsafeMutableRawBufferPointer(buffer))
            count = ExchangeID.textCount
        }
    }

    /// Writes the text form, lower case, to the first 36 bytes of memory.
    package func writeText(to target: UnsafeMutableRawBufferPointer) {
        guard target.count >= ExchangeID.textCount, let base = target.baseAddress else {
            preconditionFailure("room for an id's text")
        }
        Hex.writeUUID(high: high, low: low, to: base)
    }

    /// The text form, lower case.
    package var description: String { String(decoding: textBytes, as: UTF8.self) }

    /// Ids made later sort after ids made in an earlier millisecond.
    package static func < (a: ExchangeID, b: ExchangeID) -> Bool { (a.high, a.low) < (b.high, b.low) }
}
