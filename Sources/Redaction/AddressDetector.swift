// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Internet addresses, strictly: four decimal octets, or the text forms of RFC 4291.
///
/// Addresses that say nothing of anybody stay: loopback, unspecified, and masks that begin with 255.
enum AddressDetector {
    // MARK: Version 4

    /// The address around a dot, or nil.
    ///
    /// - Parameters:
    ///   - dot: between two digits.
    ///   - text: what to look in.
    /// - Returns: the address, and the end of all that is dotted digits, where the next look begins.
    static func dotted(at dot: Int, in text: DetectorText) -> (match: DetectorMatch?, resume: Int) {
        var start = dot
        while start > text.low, dot - start < 4, UInt32(text.byte(start - 1)).isDigit { start -= 1 }
        var end = dot
        var dots = 0
        while end < text.high, UInt32(text.byte(end)).isDigit || text.byte(end) == 0x2E {
            if text.byte(end) == 0x2E { dots += 1 }
            end += 1
        }
        let resume = end
        // Most are decimals.
        guard dots >= 3 else { return (nil, resume) }
        if let end = text.endOfEscape(around: start), end < dot { start = end }
        if text.byte(end - 1) == 0x2E { end -= 1 }
        guard end - start <= 15, let octets = octets(text.run(start, end)), !octets.isEmpty, isPersonal(octets[0])
        else { return (nil, resume) }
        let next = text.unit(at: end)
        if next.value.joinsWords { return (nil, resume) }
        let after = text.unit(at: next.place).value
        // 1.2.3.4-beta is a version, 10.0.0.1-10.0.0.9 a range.
        if next.value == 0x2D || next.value == 0x2B, after.isLetter || after == DetectorText.replaced { return (nil, resume) }
        if next.value == 0x2E, after == DetectorText.replaced { return (nil, resume) }
        guard isOpen(before: start, in: text) else { return (nil, resume) }
        return (DetectorMatch(kind: .ip, start: start, end: end), resume)
    }

    private static func isPersonal(_ first: UInt8) -> Bool { first != 0 && first != 127 && first != 255 }

    private static func octets(_ run: ByteRun) -> [UInt8]? {
        var found: [UInt8] = []
        var (value, digits) = (0, 0)
        for i in 0...run.count {
            let byte = i < run.count ? run.base.load(fromByteOffset: i, as: UInt8.self) : 0x2E
            if byte == 0x2E {
                guard digits > 0, value < 256, found.count < 4 else { return nil }
                found.append(UInt8(value))
                (value, digits) = (0, 0)
            } else {
                guard digits == 0 || value > 0, digits < 3 else { return nil }
                value = value * 10 + Int(byte) - 0x30
                digits += 1
            }
        }
        return found.count == 4 ? found : nil
    }

    /// Whether what stands before allows an address: no word, no number, no name of a program, no "version".
    private static func isOpen(before start: Int, in text: DetectorText) -> Bool {
        let before = text.unit(before: start)
        if before.value.joinsWords || before.value == 0x2E { return false }
        let further = text.unit(before: before.place).value
        if before.value == 0x2F, further.isAlphanumeric { return false }
        if before.value == 0x2D, further.isLetter { return false }
        var at = start
        var skipped = 0
        while skipped < 4, at > text.low, [0x20, 0x3A, 0x3D, 0x22].contains(text.byte(at - 1)) {
            at -= 1
            skipped += 1
        }
        let word = text.run(max(text.low, at - 7), at)
        return
            !(word.hasSuffixIgnoringCase("version") || word.hasSuffixIgnoringCase("release")
            || word.hasSuffixIgnoringCase("build"))
    }

    // MARK: Version 6

    /// The address around a colon, or nil.
    ///
    /// - Parameters:
    ///   - colon: the first one of its row of digits and colons.
    ///   - text: what to look in.
    /// - Returns: the address, and the end of all that is hexadecimal digits and colons.
    static func colons(at colon: Int, in text: DetectorText) -> (match: DetectorMatch?, resume: Int) {
        var start = colon
        while start > text.low, colon - start < 5, Hex.value(text.byte(start - 1)) != nil { start -= 1 }
        if let end = text.endOfEscape(around: start), end <= colon { start = end }
        if start == colon, start > text.low, text.byte(start - 1) == 0x3A { start -= 1 }
        // A letter of an escape is no digit.
        if start < colon, !text.isPlain(start) { start += 1 }
        var end = colon
        while end < text.high, Hex.value(text.byte(end)) != nil || text.byte(end) == 0x3A { end += 1 }
        let resume = end
        var hasTail = false
        if end < text.high, text.byte(end) == 0x2E, let tail = tailEnd(from: end, in: text) { (end, hasTail) = (tail, true) }
        if !hasTail, end - 2 > colon, text.byte(end - 1) == 0x3A, text.byte(end - 2) != 0x3A { end -= 1 }
        guard end - start <= 45, let groups = groups(text.run(start, end), hasTail: hasTail), isPersonal(groups) else {
            return (nil, resume)
        }
        let next = text.unit(at: end).value
        let before = text.unit(before: start)
        guard !next.joinsWords, !before.value.joinsWords, before.value != 0x3A, before.value != 0x2E else { return (nil, resume) }
        return (DetectorMatch(kind: .ip, start: start, end: end), max(resume, end))
    }

    /// The end of an address of version 4 that ends one of version 6; nil where none does.
    private static func tailEnd(from dot: Int, in text: DetectorText) -> Int? {
        var end = dot
        while end < text.high, end - dot < 13, UInt32(text.byte(end)).isDigit || text.byte(end) == 0x2E { end += 1 }
        if text.byte(end - 1) == 0x2E { end -= 1 }
        return end > dot ? end : nil
    }

    /// The eight groups; nil where it is no address, or more likely something else.
    static func groups(_ run: ByteRun, hasTail: Bool) -> [UInt16]? {
        var parts: [UInt16] = []
        var gap: Int?
        var (value, digits, longest) = (0, 0, 0)
        var hasDigit = false
        var i = 0
        func byte(_ i: Int) -> UInt8 { i < run.count ? run.base.load(fromByteOffset: i, as: UInt8.self) : 0x3A }
        while i <= run.count {
            guard byte(i) == 0x3A else {
                if byte(i) == 0x2E {
                    guard hasTail, let octets = octets(run.slice(i - digits, run.count)), octets.count == 4 else { return nil }
                    parts += [UInt16(octets[0]) << 8 | UInt16(octets[1]), UInt16(octets[2]) << 8 | UInt16(octets[3])]
                    break
                }
                guard let digit = Hex.value(byte(i)), digits < 4 else { return nil }
                if digit < 10 { hasDigit = true }
                value = value << 4 | Int(digit)
                digits += 1
                longest = max(longest, digits)
                i += 1
                continue
            }
            if digits > 0 {
                parts.append(UInt16(value))
                (value, digits) = (0, 0)
            } else if i > 1 || i == 0 && byte(1) != 0x3A {
                guard i == run.count, gap == parts.count else { return nil }
            }
            if i + 1 < run.count, byte(i + 1) == 0x3A {
                guard gap == nil else { return nil }
                gap = parts.count
                i += 1
            }
            i += 1
        }
        guard hasDigit, parts.count <= 8 else { return nil }
        guard let gap else { return parts.count == 8 && longest > 2 ? parts : nil }
        guard parts.count < 8 else { return nil }
        return Array(parts[..<gap]) + Array(repeating: 0, count: 8 - parts.count) + Array(parts[gap...])
    }

    private static func isPersonal(_ groups: [UInt16]) -> Bool {
        !(groups.dropLast().allSatisfy { $0 == 0 } && (groups.last ?? 0) <= 1)
    }
}
