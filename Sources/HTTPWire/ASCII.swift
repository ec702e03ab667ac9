// SPDX-License-Identifier: Apache-2.0

/// Character classes of RFC 9110 section 5.6 and case-insensitive comparison.
package enum ASCII {
    static let cr: UInt8 = 0x0D
    static let lf: UInt8 = 0x0A
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09
    static let colon: UInt8 = 0x3A

    /// Bit n of the two words: whether byte n is a token character (RFC 9110 section 5.6.2).
    private static let tokenLow: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokenHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    /// Whether a byte may stand in a token (a method, a header name).
    @inline(__always) static func isToken(_ byte: UInt8) -> Bool {
        let word = byte & 0x40 == 0 ? tokenLow : tokenHigh
        return byte < 0x80 && word &>> UInt64(byte & 0x3F) & 1 != 0
    }

    /// The byte with `A...Z` made lower case.
    package static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// Whether bytes equal an already lower-case text, ASCII case aside.
    package static func equalsIgnoringCase(_ bytes: ArraySlice<UInt8>, _ lowerText: StaticString) -> Bool {
        guard bytes.count == lowerText.utf8CodeUnitCount else { return false }
        return lowerText.withUTF8Buffer { text in
            var i = bytes.startIndex
            for k in 0..<text.count {
                if unsafe lower(bytes[i]) != text[k] { return false }
                i += 1
            }
            return true
        }
    }

    /// Whether bytes begin with an already lower-case text, ASCII case aside.
    package static func hasPrefixIgnoringCase(_ bytes: ArraySlice<UInt8>, _ lowerText: StaticString) -> Bool {
        guard bytes.count >= lowerText.utf8CodeUnitCount else { return false }
        return equalsIgnoringCase(bytes.prefix(lowerText.utf8CodeUnitCount), lowerText)
    }

    /// The bytes without spaces and tabs at either end.
    package static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var slice = bytes
        while let first = slice.first, first == space || first == tab { slice = slice.dropFirst() }
        while let last = slice.last, last == space || last == tab { slice = slice.dropLast() }
        return slice
    }
}
