// SPDX-License-Identifier: Apache-2.0

/// Social security numbers of the United States: 3, 2 and 4 digits with dashes; in another form only beside a word that says so.
///
/// Numbers that were never given out stay: areas 000, 666 and from 900 on, a group 00, a serial 0000, and three that are printed everywhere.
enum SocialSecurityDetector {
    /// How far before a number a word may stand that makes it one, bytes.
    private static let wordWindow = 40

    /// The end of the number that begins with a number's first group, or nil.
    ///
    /// - Parameters:
    ///   - number: its first group begins at a border of words.
    ///   - text: what it was read from.
    /// - Returns: the offset after the last digit.
    static func end(of number: NumberText, in text: DetectorText) -> Int? {
        guard number.groupCount > 0 else { return nil }
        if number.groups[0].count == 9 {
            let end = number.groups[0].end
            guard isGivenOut(number), ends(text, at: end), hasWord(before: number.groups[0].start, in: text) else { return nil }
            return end
        }
        let isDashed = number.begins(with: [3, 2, 4], .dash)
        guard isDashed || number.begins(with: [3, 2, 4], .space), isGivenOut(number) else { return nil }
        let end = number.groups[2].end
        guard ends(text, at: end) else { return nil }
        return isDashed || hasWord(before: number.groups[0].start, in: text) ? end : nil
    }

    /// Whether a lone row of digits may be a number, as far as its length and what stands before tell.
    static func mayBe(from start: Int, to end: Int, in text: DetectorText) -> Bool {
        end - start == 9 && hasWord(before: start, in: text)
    }

    private static func isGivenOut(_ number: NumberText) -> Bool {
        var value = 0
        for i in 0..<9 { value = value * 10 + Int(number.digits[i]) }
        let (area, group, serial) = (value / 1_000_000, value / 10_000 % 100, value % 10_000)
        guard area > 0, area < 900, area != 666, group > 0, serial > 0 else { return false }
        return value % 111_111_111 != 0 && value != 123_456_789 && value != 78_051_120 && value != 219_099_999
    }

    private static func ends(_ text: DetectorText, at end: Int) -> Bool {
        let next = text.unit(at: end)
        if next.value.joinsWords { return false }
        guard next.value == 0x2D || next.value == 0x2E else { return true }
        let after = text.unit(at: next.place).value
        return !(after.isAlphanumeric || after == DetectorText.replaced)
    }

    private static func hasWord(before at: Int, in text: DetectorText) -> Bool {
        for place in PhoneDetector.wordsStart(before: at, most: wordWindow, in: text)..<at where text.byte(place) | 0x20 == 0x73 {
            if PhoneDetector.stands("ssn", at: place, before: at, in: text, alone: true) { return true }
            guard PhoneDetector.stands("social", at: place, before: at, in: text) else { continue }
            let rest = text.unit(at: place + 6)
            let next = rest.value.isLetter ? place + 6 : rest.place
            if PhoneDetector.stands("security", at: next, before: at, in: text) { return true }
        }
        return false
    }
}
