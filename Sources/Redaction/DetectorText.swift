// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// A run of bytes as detectors read it: character by character, JSON's escapes undone, between what is replaced already.
///
/// Text inside JSON strings may be escaped once, or twice where JSON lies in a string of JSON: any number of backslashes before
/// an escape's letter counts as one escape. Both `\u0040` and `%40` are read where a detector asks for them.
@safe struct DetectorText {
    /// One character and where it ends (forwards) or begins (backwards).
    struct Unit {
        let value: UInt32
        let place: Int
    }

    let base: UnsafeRawPointer
    /// The first byte that may be looked at, and the one after the last.
    let low: Int
    let high: Int
    /// Whether a replaced value lies before `low`, and after `high`.
    let isAfterValue: Bool
    let isBeforeValue: Bool

    /// What stands for the edge of the text and for a replaced value: no characters.
    static let edge: UInt32 = 0x11_0000
    static let replaced: UInt32 = 0x11_0001
    private static let other: UInt32 = 0xFFFD
    private static let backslashesMax = 8

    func byte(_ i: Int) -> UInt8 { base.load(fromByteOffset: i, as: UInt8.self) }

    func run(_ from: Int, _ to: Int) -> ByteRun { ByteRun(base + from, count: to - from) }

    /// Whether a text of ASCII stands at an offset.
    func begins(with word: StaticString, at i: Int) -> Bool {
        i + word.utf8CodeUnitCount <= high && run(i, i + word.utf8CodeUnitCount).equals(ByteRun(word))
    }

    /// The character that begins at an offset.
    func unit(at i: Int) -> Unit {
        guard i < high else { return Unit(value: isBeforeValue ? DetectorText.replaced : DetectorText.edge, place: i) }
        let first = byte(i)
        if first == 0x5C { return escape(at: i) }
        if first < 0x80 {
            if first == 0x3C, isPseudonym(at: i) { return Unit(value: DetectorText.replaced, place: i + 1) }
            return Unit(value: UInt32(first), place: i + 1)
        }
        if first >= 0xC2, first <= 0xC9, i + 1 < high, byte(i + 1) & 0xC0 == 0x80 {
            return Unit(value: UInt32(first & 0x1F) << 6 | UInt32(byte(i + 1) & 0x3F), place: i + 2)
        }
        if first == 0xE2, i + 2 < high, byte(i + 1) == 0x80, byte(i + 2) & 0xC0 == 0x80 {
            return Unit(value: 0x2000 | UInt32(byte(i + 2) & 0x3F), place: i + 3)
        }
        return Unit(value: DetectorText.other, place: i + 1)
    }

    private func escape(at i: Int) -> Unit {
        var end = i + 1
        while end < high, byte(end) == 0x5C, end - i < DetectorText.backslashesMax { end += 1 }
        guard end < high else { return Unit(value: 0x5C, place: i + 1) }
        switch byte(end) {
        case UInt8(ascii: "u"):
            guard let value = hexEscape(at: end + 1) else { break }
            return Unit(value: value, place: end + 5)
        case UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return Unit(value: 0x0A, place: end + 1)
        case UInt8(ascii: "/"), UInt8(ascii: "\""): return Unit(value: UInt32(byte(end)), place: end + 1)
        default: break
        }
        return Unit(value: 0x5C, place: i + 1)
    }

    private func hexEscape(at i: Int) -> UInt32? {
        guard i + 4 <= high else { return nil }
        var value: UInt32 = 0
        for k in i..<i + 4 {
            guard let digit = Hex.value(byte(k)) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        // A surrogate is half a character.
        return value >= 0xD800 && value < 0xE000 ? DetectorText.other : value
    }

    /// The character that ends before an offset.
    func unit(before i: Int) -> Unit {
        guard i > low else { return Unit(value: isAfterValue ? DetectorText.replaced : DetectorText.edge, place: i) }
        let last = byte(i - 1)
        if last >= 0x80 {
            if i - 2 >= low, byte(i - 2) >= 0xC2, byte(i - 2) <= 0xC9, last & 0xC0 == 0x80 {
                return Unit(value: UInt32(byte(i - 2) & 0x1F) << 6 | UInt32(last & 0x3F), place: i - 2)
            }
            if i - 3 >= low, byte(i - 3) == 0xE2, byte(i - 2) == 0x80 {
                return Unit(value: 0x2000 | UInt32(last & 0x3F), place: i - 3)
            }
            return Unit(value: DetectorText.other, place: i - 1)
        }
        if i - 2 >= low, byte(i - 2) == 0x5C, let value = DetectorText.shortEscape(last), let start = backslashes(before: i - 1) {
            return Unit(value: value, place: start)
        }
        if i - 6 >= low, byte(i - 6) == 0x5C, byte(i - 5) == UInt8(ascii: "u"), let value = hexEscape(at: i - 4),
            let start = backslashes(before: i - 5)
        {
            return Unit(value: value, place: start)
        }
        if last == 0x3E, endsPseudonym(at: i - 1) { return Unit(value: DetectorText.replaced, place: i - 1) }
        return Unit(value: UInt32(last), place: i - 1)
    }

    private static func shortEscape(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"): 0x0A
        case UInt8(ascii: "/"), UInt8(ascii: "\""): UInt32(byte)
        default: nil
        }
    }

    /// Where the backslashes before an offset begin; nil where there are too many to judge.
    private func backslashes(before i: Int) -> Int? {
        var start = i
        while start > low, byte(start - 1) == 0x5C {
            start -= 1
            if i - start > DetectorText.backslashesMax { return nil }
        }
        return start
    }

    /// Whether a letter is one of the text and not of an escape.
    func isPlain(_ i: Int) -> Bool { i == low || byte(i - 1) != 0x5C }

    /// The end of an escape such as `\u00e4` of which the byte at an offset is part, or nil.
    func endOfEscape(around i: Int) -> Int? {
        guard i > low + 1, byte(i - 1) == UInt8(ascii: "u") || Hex.value(byte(i - 1)) != nil else { return nil }
        for back in 1...5 where i - back - 1 >= low {
            if byte(i - back) == UInt8(ascii: "u"), byte(i - back - 1) == 0x5C, hexEscape(at: i - back + 1) != nil {
                return i - back + 5
            }
        }
        return nil
    }

    // MARK: Pseudonyms

    /// Whether a pseudonym begins at a `<`.
    func isPseudonym(at i: Int) -> Bool {
        var at = i + 1
        while at < high, at - i <= 7, byte(at) >= 0x61, byte(at) <= 0x7A { at += 1 }
        let end = at + Pseudonym.digits + 1
        return at > i + 1 && end < high && byte(at) == 0x3A && byte(end) == 0x3E && endsPseudonym(at: end)
    }

    /// Whether a pseudonym ends with the `>` at an offset.
    func endsPseudonym(at i: Int) -> Bool {
        let colon = i - Pseudonym.digits - 1
        guard colon > low + 2, byte(colon) == 0x3A else { return false }
        for k in colon + 1..<i where Hex.value(byte(k)) == nil { return false }
        return DetectorKind.byPrecedence.contains { kind in
            let start = colon - kind.rawValue.utf8.count - 1
            return start >= low && byte(start) == 0x3C && run(start + 1, colon).elementsEqual(kind.rawValue.utf8)
        }
    }
}

extension ByteRun {
    fileprivate func elementsEqual(_ text: String.UTF8View) -> Bool {
        var i = 0
        for byte in text {
            guard i < count, base.load(fromByteOffset: i, as: UInt8.self) == byte else { return false }
            i += 1
        }
        return i == count
    }
}

extension UInt32 {
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    var isLetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }
    var isAlphanumeric: Bool { isDigit || isLetter }
    /// Letters of the Latin script beyond ASCII.
    var isLatin: Bool { self >= 0xC0 && self <= 0x24F && self != 0xD7 && self != 0xF7 }
    /// Whether a value may not begin or end beside it.
    var joinsWords: Bool { isAlphanumeric || self == 0x5F || self == DetectorText.replaced }
}
