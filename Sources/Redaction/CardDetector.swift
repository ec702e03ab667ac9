// SPDX-License-Identifier: Apache-2.0

/// Payment cards: 13 to 19 digits, grouped as on cards or not at all, of an issuer that exists, with Luhn's check digit.
enum CardDetector {
    /// Groups as cards and forms show them, the longer ones first.
    private static let shapes: [[Int]] = [
        [4, 4, 4, 4, 3], [4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [6, 13], [8, 8], [4, 4, 5], [4, 4, 4, 1],
    ]

    /// The end of the card number that a number begins with, or nil.
    ///
    /// - Parameters:
    ///   - number: begins at a border of words.
    ///   - text: what it was read from.
    /// - Returns: the offset after the last digit.
    static func end(of number: NumberText, in text: DetectorText) -> Int? {
        let first = number.groups[0].count
        if first >= 13 {
            guard !(number.isCut && number.groupCount == 0), isCard(number, first) else { return nil }
            return ends(text, at: number.groups[0].end, separator: .none) ? number.groups[0].end : nil
        }
        guard number.groupCount >= 2 else { return nil }
        let separator = number.groups[1].separator
        guard separator == .space || separator == .dash else { return nil }
        for shape in shapes where number.begins(with: shape, separator) {
            let end = number.groups[shape.count - 1].end
            if isCard(number, number.digitCount(groups: shape.count)), ends(text, at: end, separator: separator) { return end }
        }
        return nil
    }

    private static func ends(_ text: DetectorText, at end: Int, separator: NumberText.Separator) -> Bool {
        let next = text.unit(at: end)
        if next.value.joinsWords { return false }
        guard next.value == 0x2E || next.value == 0x2D && separator == .dash else { return true }
        let after = text.unit(at: next.place).value
        return !(after.isDigit || after == DetectorText.replaced)
    }

    private static func isCard(_ number: NumberText, _ count: Int) -> Bool {
        guard count >= 13, count <= 19 else { return false }
        var sum = 0
        for i in 0..<count {
            let digit = Int(number.digits[count - 1 - i])
            sum += i & 1 == 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit
        }
        guard sum % 10 == 0 else { return false }
        var lead = 0
        for i in 0..<6 { lead = lead * 10 + Int(number.digits[i]) }
        return isIssued(lead, count)
    }

    /// Whether an issuer gives out numbers of this length with these first six digits.
    private static func isIssued(_ lead: Int, _ count: Int) -> Bool {
        switch lead {
        // Visa; Mastercard, old and new; American Express.
        case 400_000...499_999: count == 13 || count == 16 || count == 19
        case 510_000...559_999, 222_100...272_099: count == 16
        case 340_000...349_999, 370_000...379_999: count == 15
        // Diners Club; JCB; Mir; Troy.
        case 300_000...305_999, 309_500...309_599, 360_000...369_999, 380_000...399_999: count >= 14
        case 352_800...358_999, 220_000...220_499: count >= 16
        case 979_200...979_299: count == 16
        // Discover, UnionPay, RuPay.
        case 601_100...601_199, 644_000...659_999, 620_000...629_999, 810_000...829_999, 600_000...600_999: count >= 16
        // Maestro.
        case 500_000...509_999, 560_000...589_999, 630_400...630_499, 675_900...676_399: true
        default: false
        }
    }
}
