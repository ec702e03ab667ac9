// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Telephone numbers: international ones, national ones in the common shapes, and any beside a word that says so.
///
/// Digits in a row alone are no telephone number: most are identifiers, times or amounts.
enum PhoneDetector {
    /// What stands before the first digit.
    enum Lead {
        /// Nothing that matters.
        case none
        /// A plus sign.
        case plus
        /// An opening bracket.
        case bracket
    }

    /// How far before a number a word may stand that makes it one, bytes.
    private static let wordWindow = 24

    /// The end of the telephone number that a number begins with, or nil.
    ///
    /// - Parameters:
    ///   - number: its first group begins at a border of words, or after the lead.
    ///   - lead: what stands before it.
    ///   - isInRow: whether two digits and a space stand before it, which no value holds.
    ///   - text: what it was read from.
    /// - Returns: the offset after the last digit.
    static func end(of number: NumberText, lead: Lead, isInRow: Bool = false, in text: DetectorText) -> Int? {
        guard number.groupCount > 0 else { return nil }
        if lead == .plus { return international(number, from: 0, in: text) }
        if lead == .none, number.digits[0] == 0, number.digits[1] == 0, number.groupCount > 1 {
            return international(number, from: 2, in: text)
        }
        if let end = northAmerican(number, lead: lead, in: text) { return end }
        if number.digits[0] == 0, let end = trunk(number, lead: lead, isInRow: isInRow, in: text) { return end }
        guard lead == .none, let end = longest(number, from: 7, to: 15, in: text) else { return nil }
        return hasWord(before: number.groups[0].start, in: text) ? end : nil
    }

    /// Whether a lone row of digits may be a number, as far as its beginning and what stands before tell.
    static func mayBe(from start: Int, to end: Int, in text: DetectorText) -> Bool {
        guard end - start >= 7, end - start <= 15 else { return false }
        return text.byte(start) == 0x30 && end - start >= 10 || hasWord(before: start, in: text)
    }

    // MARK: With a country code

    private static func international(_ number: NumberText, from zeros: Int, in text: DetectorText) -> Int? {
        let first = number.digits[zeros]
        guard first > 0, number.groups[0].count >= max(1, zeros) else { return nil }
        // (0) is written for those who dial from within.
        let trunkZero = (1..<max(1, number.groupCount)).contains {
            number.groups[$0].separator == .open && number.groups[$0].count == 1
                && number.digits[number.groups[$0].digitsBefore] == 0
        }
        let extra = zeros + (trunkZero ? 1 : 0)
        if first == 1 || first == 7 {
            guard let end = longest(number, from: 11 + extra, to: 11 + extra, in: text) else { return nil }
            guard first == 1 else { return end }
            return number.digits[extra + 1] > 1 && number.digits[extra + 4] > 1 ? end : nil
        }
        return longest(number, from: 8 + extra, to: 15 + extra, in: text)
    }

    /// The end of the longest row of groups with that many digits; the first group may be short, the others not.
    private static func longest(_ number: NumberText, from least: Int, to most: Int, in text: DetectorText) -> Int? {
        var count = 0
        while count < number.groupCount {
            let group = number.groups[count]
            if count > 1, group.count == 1, group.separator != .open { break }
            if count > 0, number.groups[count].separator == .dot, number.groups[count - 1].count > 4 { break }
            if number.digitCount(groups: count + 1) > most { break }
            count += 1
        }
        while count > 0, number.digitCount(groups: count) >= least {
            let end = number.groups[count - 1].end
            if ends(text, at: end, lastGroup: number.groups[count - 1].count), !isRound(number, number.digitCount(groups: count))
            {
                return end
            }
            count -= 1
        }
        return nil
    }

    /// Whether it is an amount: six zeros in a row, or one digit throughout.
    private static func isRound(_ number: NumberText, _ count: Int) -> Bool {
        var (zeros, same) = (0, 0)
        for i in 0..<count {
            zeros = number.digits[i] == 0 ? zeros + 1 : 0
            if number.digits[i] == number.digits[0] { same += 1 }
            if zeros == 6 { return true }
        }
        return same == count
    }

    private static func ends(_ text: DetectorText, at end: Int, lastGroup: Int = 4) -> Bool {
        let next = text.unit(at: end)
        let after = text.unit(at: next.place).value
        switch next.value {
        // An extension: 555-0100x12.
        case 0x78: return after.isDigit
        // A time, a decimal.
        case 0x3A where lastGroup < 3, 0x2E: return !(after.isDigit || after == DetectorText.replaced)
        default: return !next.value.joinsWords
        }
    }

    // MARK: National

    /// Area code, exchange and line: 3, 3 and 4 digits, the first two groups not beginning with 0 or 1.
    private static func northAmerican(_ number: NumberText, lead: Lead, in text: DetectorText) -> Int? {
        let isLong = number.groupCount > 3 && number.groups[0].count == 1 && number.digits[0] == 1
        let at = isLong ? 1 : 0
        guard number.groupCount >= at + 3, number.groups[at].count == 3, number.groups[at + 1].count == 3,
            number.groups[at + 2].count == 4
        else {
            return bracketed(number, lead: lead, in: text)
        }
        guard number.digits[at] > 1, number.digits[at + 3] > 1 else { return nil }
        let (one, two) = (number.groups[at + 1].separator, number.groups[at + 2].separator)
        let isKnown =
            switch (one, two) {
            case (.dash, .dash), (.dot, .dot), (.space, .space), (.space, .dash): lead == .none
            case (.close, .dash), (.close, .space), (.close, .dot): lead == .bracket || number.groups[at].separator == .open
            default: false
            }
        let end = number.groups[at + 2].end
        return isKnown && ends(text, at: end) && !continues(text, at: end, two) ? end : nil
    }

    /// An area code in brackets, and the rest in one or two groups.
    private static func bracketed(_ number: NumberText, lead: Lead, in text: DetectorText) -> Int? {
        guard lead == .bracket, number.groupCount >= 2, number.groups[0].count == 3, number.groups[1].count == 7,
            number.groups[1].separator == .close, number.digits[0] > 1, number.digits[3] > 1
        else { return nil }
        return ends(text, at: number.groups[1].end) ? number.groups[1].end : nil
    }

    /// A number with the trunk prefix 0: an area code and groups of two digits or more.
    private static func trunk(_ number: NumberText, lead: Lead, isInRow: Bool, in text: DetectorText) -> Int? {
        guard number.digits[1] > 0 else { return nil }
        let first = number.groups[0].count
        if first >= 10 {
            return lead == .none && isMobile(number) && ends(text, at: number.groups[0].end) ? number.groups[0].end : nil
        }
        guard number.groupCount > 1, first >= 2, first <= 6 else { return nil }
        if number.begins(with: [2, 2, 2, 2, 2], .dot) {
            let end = number.groups[4].end
            return lead == .none && ends(text, at: end) && !continues(text, at: end, .dot) ? end : nil
        }
        if lead == .none, number.begins(with: [2, 2], .space) { return isInRow ? nil : pairs(number, in: text) }
        let opening = number.groups[1].separator
        guard lead == .bracket ? opening == .close : opening == .space || opening == .dash || opening == .slash else {
            return nil
        }
        var count = 2
        let rest = number.groupCount > 2 ? number.groups[2].separator : .none
        guard number.groups[1].count > 1 else { return nil }
        if rest == .space || rest == .dash, opening == .close || opening == .slash || rest == opening || first > 2 {
            while count < number.groupCount, number.groups[count].separator == rest, number.groups[count].count > 1,
                number.digitCount(groups: count + 1) <= 12
            {
                count += 1
            }
        }
        while count >= 2 {
            let digits = number.digitCount(groups: count)
            guard digits >= 9 else { return nil }
            let end = number.groups[count - 1].end
            if digits <= 13, ends(text, at: end), !continues(text, at: end, .dash) { return end }
            count -= 1
        }
        return nil
    }

    /// Ten digits in pairs; a longer row of pairs is a list, unless it is of such numbers.
    private static func pairs(_ number: NumberText, in text: DetectorText) -> Int? {
        var count = 0
        while count < number.groupCount, number.groups[count].count == 2, count == 0 || number.groups[count].separator == .space {
            count += 1
        }
        // The last pair may begin something else.
        if count > 5, count < number.groupCount, number.groups[count].separator != .space { count -= 1 }
        guard count == 5 || count == 10 && number.digits[10] == 0 else { return nil }
        let end = number.groups[4].end
        return ends(text, at: end, lastGroup: 2) && !continues(text, at: end, .dash) ? end : nil
    }

    /// Mobile numbers written in one piece: Germany, the United Kingdom, France, Japan and others by their first digits.
    private static func isMobile(_ number: NumberText) -> Bool {
        let (second, third) = (number.digits[1], number.digits[2])
        switch number.groups[0].count {
        case 10: return second == 6 || second == 7
        case 11: return second == 7 || second == 1 && third >= 5 && third <= 7 || second > 7 && third == 0
        case 12: return second == 1 && third >= 5 && third <= 7
        default: return false
        }
    }

    /// Whether more digits follow after the same separator: it is part of something longer.
    private static func continues(_ text: DetectorText, at end: Int, _ separator: NumberText.Separator) -> Bool {
        let next = text.unit(at: end)
        let sign: UInt32? =
            switch separator {
            case .dash: 0x2D
            case .dot: 0x2E
            default: nil
            }
        guard next.value == sign else { return false }
        let after = text.unit(at: next.place).value
        return after.isDigit || after == DetectorText.replaced
    }

    // MARK: By a word

    /// Whether a word before an offset says that a telephone number follows.
    private static func hasWord(before at: Int, in text: DetectorText) -> Bool {
        let start = wordsStart(before: at, most: wordWindow, in: text)
        for place in start..<at {
            let isWord =
                switch text.byte(place) | 0x20 {
                case UInt8(ascii: "p"): stands("phone", at: place, before: at, in: text)
                case UInt8(ascii: "t"):
                    stands("telefon", at: place, before: at, in: text)
                        || stands("tel", at: place, before: at, in: text, alone: true)
                case UInt8(ascii: "m"): stands("mobil", at: place, before: at, in: text)
                case UInt8(ascii: "h"): stands("handy", at: place, before: at, in: text, alone: true)
                case UInt8(ascii: "f"): stands("fax", at: place, before: at, in: text, alone: true)
                case UInt8(ascii: "c"): stands("cell", at: place, before: at, in: text, alone: true)
                case UInt8(ascii: "s"): stands("sms", at: place, before: at, in: text, alone: true)
                case UInt8(ascii: "w"): stands("whatsapp", at: place, before: at, in: text)
                // 电话, 電話, 手机.
                case 0xE7: text.begins(with: "\u{7535}\u{8BDD}", at: place)
                case 0xE9: text.begins(with: "\u{96FB}\u{8A71}", at: place)
                case 0xE6: text.begins(with: "\u{624B}\u{673A}", at: place)
                default: false
                }
            if isWord { return true }
        }
        return false
    }

    /// Where the words begin that may say what number follows: after another number, a value or the end of what was said before.
    static func wordsStart(before at: Int, most: Int, in text: DetectorText) -> Int {
        var start = at
        let edge = max(text.low, at - most)
        while start > edge {
            switch text.byte(start - 1) {
            case 0x30...0x39, 0x2C, 0x3B, 0x3C, 0x3E, 0x7B, 0x7D, 0x0A: return start
            default: start -= 1
            }
        }
        return start
    }

    /// Whether a word in lower case stands at an offset, in any case; where short, by itself.
    static func stands(
        _ word: StaticString, at place: Int, before end: Int, in text: DetectorText, alone: Bool = false
    ) -> Bool {
        let after = place + word.utf8CodeUnitCount
        guard after <= end, text.run(place, after).equalsIgnoringCase(word) else { return false }
        guard alone else { return true }
        let isOpen = place == text.low || !text.unit(before: place).value.isLetter
        return isOpen && (after >= text.high || !UInt32(text.byte(after)).isLetter)
    }
}
