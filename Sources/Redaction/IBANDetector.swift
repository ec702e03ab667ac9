// SPDX-License-Identifier: Apache-2.0

/// Bank account numbers by ISO 13616: a country that has them, its length, and check digits right by ISO 7064 (mod 97).
enum IBANDetector {
    /// Lengths by country.
    static let lengths: [String: Int] = [
        "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
        "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
        "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
        "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
        "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
        "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
        "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
        "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
    ]

    /// The same by the two letters as an index; 0 for none.
    private static let byLetters: [UInt8] = {
        var table = [UInt8](repeating: 0, count: 26 * 26)
        for (country, length) in lengths {
            let letters = Array(country.utf8)
            table[Int(letters[0] - 65) * 26 + Int(letters[1] - 65)] = UInt8(length)
        }
        return table
    }()

    /// The number whose two letters stand before the digits at an offset, or nil.
    ///
    /// - Parameters:
    ///   - digits: where the check digits begin, after a letter.
    ///   - text: what to look in.
    /// - Returns: from the first letter to after the last character.
    static func match(digits: Int, in text: DetectorText) -> DetectorMatch? {
        let start = digits - 2
        guard start >= text.low, text.isPlain(start), text.isPlain(start + 1) else { return nil }
        let (first, second) = (text.byte(start), text.byte(start + 1))
        guard UInt32(first).isLetter, UInt32(second).isLetter, first & 0x20 == second & 0x20 else { return nil }
        let letters = (Int(first | 0x20) - 97) * 26 + Int(second | 0x20) - 97
        let length = Int(byLetters[letters])
        guard length > 0, !text.unit(before: start).value.joinsWords else { return nil }
        var at = start
        var count = 0
        var isSpaced = false
        var remainder = 0
        while true {
            guard at < text.high, let value = worth(text.byte(at)) else { return nil }
            // The first four characters are counted last.
            if count >= 4 { remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97 }
            count += 1
            at += 1
            if count == length { break }
            guard count % 4 == 0 else { continue }
            let unit = text.unit(at: at)
            let isSpace = unit.value == 0x20 || unit.value == 0xA0 || unit.value == 0x202F
            if count == 4 { isSpaced = isSpace } else if isSpace != isSpaced { return nil }
            if isSpace { at = unit.place }
        }
        for place in start..<start + 4 {
            let value = worth(text.byte(place)) ?? 0
            remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
        }
        guard remainder == 1, !text.unit(at: at).value.joinsWords else { return nil }
        return DetectorMatch(kind: .iban, start: start, end: at)
    }

    private static func worth(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x5A: Int(byte) - 55
        case 0x61...0x7A: Int(byte) - 87
        default: nil
        }
    }
}
