// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// E-mail addresses of the common form: a local part without quotes, and a domain name of two labels or more.
enum EmailDetector {
    private static let localMax = 64
    private static let labelMax = 63
    private static let domainMax = 253
    /// Endings of file names, which `icon@2x.png` has and addresses have not.
    private static let fileEndings: Set<String> = [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "scss", "js", "mjs", "cjs", "ts", "tsx", "jsx", "json", "html", "htm",
        "xml", "txt", "log", "yml", "yaml", "toml", "lock", "map", "exe", "dll", "pdf", "csv", "tgz", "gz", "woff", "wasm",
    ]

    /// The address around an `@`, or nil.
    ///
    /// - Parameters:
    ///   - place: where the sign begins and ends, in whatever form it is written.
    ///   - text: what to look in.
    /// - Returns: the whole address.
    static func match(at place: Range<Int>, in text: DetectorText) -> DetectorMatch? {
        guard let start = localStart(before: place.lowerBound, in: text),
            let end = domainEnd(after: place.upperBound, in: text)
        else { return nil }
        return DetectorMatch(kind: .email, start: start, end: end)
    }

    private static func isLocal(_ value: UInt32) -> Bool {
        if value.isAlphanumeric || value.isLatin { return true }
        switch value {
        case 0x2E, 0x5F, 0x2B, 0x2D, 0x27: return true
        default: return false
        }
    }

    private static func localStart(before at: Int, in text: DetectorText) -> Int? {
        var start = at
        var count = 0
        var isGit = true
        var value = UInt32(0x2E)
        let git: [UInt32] = [0x74, 0x69, 0x67]
        while true {
            let unit = EmailDetector.unit(before: start, in: text)
            guard isLocal(unit.value) else {
                if unit.value == DetectorText.replaced { return nil }
                break
            }
            // A dot neither ends the part nor follows another.
            if unit.value == 0x2E, value == 0x2E { return count == 0 ? nil : finish(start, in: text, before: at) }
            if count >= 3 || unit.value != git[count] { isGit = false }
            value = unit.value
            start = unit.place
            count += 1
            if count > localMax { return nil }
        }
        return count == 0 || isGit && count == 3 ? nil : finish(start, in: text, before: at)
    }

    /// The beginning without the signs that no part begins with.
    private static func finish(_ start: Int, in text: DetectorText, before at: Int) -> Int? {
        var start = start
        while start < at {
            let unit = text.unit(at: start)
            guard unit.value == 0x2E || unit.value == 0x27 || unit.value == 0x2B || unit.value == 0x2D else { return start }
            start = unit.place
        }
        return nil
    }

    /// The character before an offset, percent-encoding undone.
    private static func unit(before i: Int, in text: DetectorText) -> DetectorText.Unit {
        if i - 3 >= text.low, text.byte(i - 3) == 0x25, let high = Hex.value(text.byte(i - 2)),
            let low = Hex.value(text.byte(i - 1))
        {
            return DetectorText.Unit(value: UInt32(high << 4 | low), place: i - 3)
        }
        return text.unit(before: i)
    }

    private static func domainEnd(after at: Int, in text: DetectorText) -> Int? {
        var place = at
        var count = 0
        var labels = 0
        var end: Int?
        while true {
            let start = place
            var length = 0
            var isName = true
            var isNumber = true
            var last = UInt32(0)
            var nameEnd: Int?
            while count < domainMax {
                let unit = text.unit(at: place)
                let isLetter = unit.value.isLetter || unit.value.isLatin
                guard isLetter || unit.value.isDigit || unit.value == 0x2D && length > 0 else { break }
                if !isLetter {
                    // What follows a dash may be words: `write to a@example.com-today`.
                    if isName, unit.value == 0x2D, length >= 2 { nameEnd = place }
                    isName = false
                }
                if !unit.value.isDigit { isNumber = false }
                (last, place) = (unit.value, unit.place)
                length += 1
                count += 1
            }
            while last == 0x2D, length > 0 {
                // What follows a dash at the end of a label is not the address any more.
                place = text.unit(before: place).place
                length -= 1
                last = text.unit(before: place).value
            }
            guard length > 0, length <= labelMax else { break }
            labels += 1
            // A version: `package@1.0.0-beta.file`.
            if labels == 2, isNumber, text.unit(at: at).value.isDigit { return nil }
            if labels >= 2, length >= 2, isName || isPunycode(text, start, place), !isFileEnding(text, start, place) {
                end = place
            } else if labels >= 2, let nameEnd, !isFileEnding(text, start, nameEnd) {
                end = nameEnd
            }
            let dot = text.unit(at: place)
            guard dot.value == 0x2E, count < domainMax else { break }
            place = dot.place
            count += 1
        }
        guard let end, text.unit(at: end).value != DetectorText.replaced else { return nil }
        return end
    }

    private static func isPunycode(_ text: DetectorText, _ start: Int, _ end: Int) -> Bool {
        end - start > 4 && text.run(start, start + 4).equalsIgnoringCase("xn--")
    }

    private static func isFileEnding(_ text: DetectorText, _ start: Int, _ end: Int) -> Bool {
        end - start <= 5 && fileEndings.contains(text.run(start, end).text.lowercased())
    }
}
