// SPDX-License-Identifier: Apache-2.0
@_spi(_Unicode) import Swift

/// Unicode's normal form C, and N1 on top of it.
///
/// The standard library composes (it compares strings by it), but names the door `_Unicode` and opens it to no one else. Foundation's
/// door leads elsewhere: it leaves a Hangul syllable and the final consonant behind it apart.
enum NormalForm {
    /// Whether a scalar is not in NFC as it stands, or may compose with what is before it (NFC_Quick_Check No and Maybe).
    static func mayChange(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x300 else { return false }
        return scalar.properties.isFullCompositionExclusion || composes.contains { $0.contains(scalar.value) }
    }

    /// Scalars that compose with one before them.
    ///
    /// A test derives them from the standard library.
    static let composes: [ClosedRange<UInt32>] = [
        0x300...0x304, 0x306...0x30C, 0x30F...0x30F, 0x311...0x311, 0x313...0x314, 0x31B...0x31B, 0x323...0x328, 0x32D...0x32E,
        0x330...0x331, 0x338...0x338, 0x342...0x342, 0x345...0x345, 0x653...0x655, 0x93C...0x93C, 0x9BE...0x9BE, 0x9D7...0x9D7,
        0xB3E...0xB3E, 0xB56...0xB57, 0xBBE...0xBBE, 0xBD7...0xBD7, 0xC56...0xC56, 0xCC2...0xCC2, 0xCD5...0xCD6, 0xD3E...0xD3E,
        0xD57...0xD57, 0xDCA...0xDCA, 0xDCF...0xDCF, 0xDDF...0xDDF, 0x102E...0x102E, 0x1161...0x1175, 0x11A8...0x11C2,
        0x1B35...0x1B35, 0x3099...0x309A, 0x110BA...0x110BA, 0x11127...0x11127, 0x1133E...0x1133E, 0x11357...0x11357,
        0x113B8...0x113B8, 0x113BB...0x113BB, 0x113C2...0x113C2, 0x113C9...0x113C9, 0x114B0...0x114B0, 0x114BA...0x114BA,
        0x114BD...0x114BD, 0x115AF...0x115AF, 0x11930...0x11930, 0x1611E...0x16120, 0x16129...0x16129, 0x16D67...0x16D67,
    ]

    /// A text in NFC.
    static func composed(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        let parts = text.unicodeScalars.contains { tibetan($0) != nil } ? decomposedTibetan(text) : text
        for scalar in parts._nfc { out.append(scalar) }
        return String(out)
    }

    /// The standard library takes these three vowels for starters (their combining class is 0) though they come apart into two marks
    /// that are to be ordered among others; put apart beforehand, they are.
    private static func tibetan(_ scalar: Unicode.Scalar) -> (Unicode.Scalar, Unicode.Scalar)? {
        switch scalar.value {
        case 0xF73: ("\u{F71}", "\u{F72}")
        case 0xF75: ("\u{F71}", "\u{F74}")
        case 0xF81: ("\u{F71}", "\u{F80}")
        default: nil
        }
    }

    private static func decomposedTibetan(_ text: String) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if let (first, second) = tibetan(scalar) {
                out.append(first)
                out.append(second)
            } else {
                out.append(scalar)
            }
        }
        return String(out)
    }

    /// Whether a quick look shows that a text is in NFC; false where it is not, or would need a closer look.
    ///
    /// - Complexity: O(n), eight bytes a step where they are ASCII.
    static func isComposed(_ text: String) -> Bool {
        let bytes = text.utf8Span.span
        let classes = ScalarTable.shared.classes
        var check = OrderCheck()
        var at = 0
        while true {
            at = asciiEnd(bytes, from: at)
            guard at < bytes.count else { return true }
            let (value, after) = UTF8Scalar.read(bytes, at)
            let class_ = value < ScalarTable.count ? classes[Int(value)] : ScalarTable.classOutside(value)
            if class_ & ScalarTable.attention != 0, !check.passes(value, at: at, after: after) { return false }
            at = after
        }
    }

    /// The first byte from an offset on that is not ASCII, or the end.
    private static func asciiEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
        let raw = unsafe bytes.bytes
        var at = start
        while at &+ 8 <= bytes.count {
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self)
            if word & ASCIIFold.highs != 0 { break }
            at &+= 8
        }
        while at < bytes.count, bytes[at] < 0x80 { at &+= 1 }
        return at
    }

    /// N1 of a text, as UTF-8: NFC, every run of white space one space, none at the ends.
    ///
    /// - Complexity: O(n).
    static func n1(_ text: String) -> [UInt8] { spaced(isComposed(text) ? text : composed(text)) }

    private static func spaced(_ text: String) -> [UInt8] {
        let bytes = text.utf8Span.span
        return [UInt8](capacity: bytes.count) { out in
            var isGap = false
            var at = 0
            while at < bytes.count {
                let white = whiteSpace(bytes, at)
                if white > 0 {
                    isGap = true
                    at &+= white
                    continue
                }
                if isGap, !out.isEmpty { out.append(0x20) }
                isGap = false
                out.append(bytes[at])
                at &+= 1
            }
        }
    }

    /// Bytes of the scalar at an offset where it has the property White_Space, else 0.
    @inline(__always)
    private static func whiteSpace(_ bytes: Span<UInt8>, _ at: Int) -> Int {
        let byte = bytes[at]
        if byte <= 0x20 { return byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) ? 1 : 0 }
        if byte < 0xC2 || byte > 0xE3 { return 0 }
        return wideWhiteSpace(bytes, at)
    }

    private static func wideWhiteSpace(_ bytes: Span<UInt8>, _ at: Int) -> Int {
        let (value, after) = UTF8Scalar.read(bytes, at)
        switch value {
        case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: return after - at
        default: return 0
        }
    }
}

/// Follows the order of combining marks through a text.
struct OrderCheck {
    private var last: UInt8 = 0
    private var end = -1

    /// Whether a scalar that needs attention leaves a text in NFC for sure.
    mutating func passes(_ value: UInt32, at: Int, after: Int) -> Bool {
        guard let scalar = Unicode.Scalar(value), !NormalForm.mayChange(scalar) else { return false }
        let order = scalar.properties.canonicalCombiningClass.rawValue
        if end == at, last > order { return false }
        (last, end) = (order, after)
        return true
    }
}

/// Scalars of valid UTF-8.
enum UTF8Scalar {
    /// The scalar at an offset whose byte is not ASCII, and the offset after it.
    @inline(__always)
    static func read(_ bytes: Span<UInt8>, _ at: Int) -> (value: UInt32, after: Int) {
        let first = UInt32(bytes[at])
        let second = UInt32(bytes[at &+ 1]) & 0x3F
        if first < 0xE0 { return ((first & 0x1F) &<< 6 | second, at &+ 2) }
        let third = UInt32(bytes[at &+ 2]) & 0x3F
        if first < 0xF0 { return ((first & 0x0F) &<< 12 | second &<< 6 | third, at &+ 3) }
        let fourth = UInt32(bytes[at &+ 3]) & 0x3F
        return ((first & 0x07) &<< 18 | second &<< 12 | third &<< 6 | fourth, at &+ 4)
    }
}
