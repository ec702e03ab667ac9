// SPDX-License-Identifier: Apache-2.0

/// Character classes of RFC 9110 section 5.6 and case-insensitive comparison.
package enum ASCII {
    static let cr: UInt8 = 0x0D
    static let lf: UInt8 = 0x0A
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09
    static let colon: UInt8 = 0x3A

    private static let tokenTable: [Bool] = (0..<256).map { byte in
        switch UInt8(byte) {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    /// Whether a byte may stand in a token (a method, a header name).
    static func isToken(_ byte: UInt8) -> Bool { tokenTable[Int(byte)] }

    /// The byte with `A...Z` made lower case.
    package static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// Whether bytes equal an already lower-case text, ASCII case aside.
    package static func equalsIgnoringCase(_ bytes: ArraySlice<UInt8>, _ lowerText: StaticString) -> Bool {
        guard bytes.count == lowerText.utf8CodeUnitCount else { return false }
        return lowerText.withUTF8Buffer { text in
            var i = bytes.startIndex
            for k in 0..<text.count {
                if lower(bytes[i]) != text[k] { return false }
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
