// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Secrets that nothing but the name before them gives away: `password = "..."`, `client_secret: ...`, `DB_PASS=...`.
///
/// What follows a password's name is taken where it is no word: a digit and a letter, or signs, six characters or more. What follows a
/// secret's, a token's or a key's name is long and mixed. Names of variables, calls, placeholders and types stay.
enum AssignedSecret {
    /// The last letters of the names, in lower case, and those before them.
    static let lastLetters: [UInt8] = Array("dnets".utf8)
    static let lettersBefore: [UInt8] = Array("rwes".utf8)

    private static let longest = 256
    private static let nameWindow = 40

    private static let passwordNames: [StaticString] = [
        "password", "passwd", "pwd", "passwort", "passphrase", "_pass", "-pass",
    ]
    private static let secretNames: [StaticString] = ["secret", "token"]
    /// What stands before "token" where it opens nothing.
    private static let openStems: [StaticString] = [
        "page", "next", "prev", "previous", "continuation", "sync", "cursor", "eos", "bos", "pad", "unk", "mask", "sep", "cls",
        "special", "per", "first", "last", "stop", "start", "end",
    ]
    /// What is written where a secret should be put in, in lower case.
    private static let placeholders: [StaticString] = [
        "your", "example", "placeholder", "changeme", "change_me", "change-me", "xxxx", "redacted", "insert", "dummy", "1234567",
    ]

    private enum Name { case password, secret }

    /// The value assigned to a name, or nil.
    ///
    /// - Parameters:
    ///   - last: the offset of the name's last letter.
    ///   - text: what to look in.
    ///   - looks: what was looked at of the text before.
    /// - Returns: the value alone.
    static func match(lastLetter last: Int, in text: DetectorText, _ looks: inout AssignedLooks) -> DetectorMatch? {
        guard let name = name(endingAt: last, in: text), let at = valueStart(after: last + 1, in: text), looks.admits(at) else {
            return nil
        }
        switch name {
        case .password: return password(at: at, in: text, &looks)
        case .secret: return key(at: at, in: text, &looks)
        }
    }

    private static func name(endingAt last: Int, in text: DetectorText) -> Name? {
        let name = text.run(max(text.low, last + 1 - nameWindow), last + 1)
        if passwordNames.contains(where: { name.hasSuffixIgnoringCase($0) }) { return .password }
        guard let word = secretNames.first(where: { name.hasSuffixIgnoringCase($0) }) else { return nil }
        var end = name.count - word.utf8CodeUnitCount
        while end > 0, name.byte(end - 1) == 0x5F || name.byte(end - 1) == 0x2D || name.byte(end - 1) == 0x20 { end -= 1 }
        let stem = name.slice(0, end)
        return openStems.contains { stem.hasSuffixIgnoringCase($0) } ? nil : .secret
    }

    /// Where the value begins: behind a sign with quotation marks and spaces around it, on the same line.
    private static func valueStart(after name: Int, in text: DetectorText) -> Int? {
        var at = name
        var signs = 0
        for _ in 0..<8 {
            let unit = text.unit(at: at)
            switch unit.value {
            case 0x3A, 0x3D: signs += 1
            case 0x3E where signs > 0 && text.byte(at - 1) == 0x3D: break
            case 0x22, 0x27, 0x60, 0x20: break
            default: return signs > 0 && signs < 3 ? at : nil
            }
            at = unit.place
        }
        return nil
    }

    // MARK: Values

    /// What stands at an offset as far as a value may go.
    private struct Value {
        var end = 0
        var (count, digits, letters, uppers, signs) = (0, 0, 0, 0, 0)
        var seen: (UInt64, UInt64) = (0, 0)

        /// How many different characters there are.
        var distinct: Int { seen.0.nonzeroBitCount + seen.1.nonzeroBitCount }

        mutating func add(_ unit: DetectorText.Unit) {
            count += 1
            end = unit.place
            if unit.value.isDigit {
                digits += 1
            } else if unit.value.isLetter || unit.value >= 0x80 {
                letters += 1
                if unit.value >= 0x41, unit.value <= 0x5A { uppers += 1 }
            } else {
                signs += 1
            }
            if unit.value < 64 { seen.0 |= 1 << UInt64(unit.value) } else { seen.1 |= 1 << UInt64(unit.value & 63) }
        }
    }

    private static func password(at start: Int, in text: DetectorText, _ looks: inout AssignedLooks) -> DetectorMatch? {
        let quote = quote(before: start, in: text)
        guard !beginsOtherwise(start, in: text),
            let value = read(from: start, quote: quote, in: text, &looks, where: isPasswordByte)
        else { return nil }
        let isMixed = value.digits > 0 && value.letters > 0 && value.count >= 6
        let hasSigns = value.signs > 0 && value.letters > 0 && value.count >= 8 && quote != nil && value.uppers > 0
        guard isMixed || hasSigns, value.distinct > 3, !isPlaceholder(text.run(start, value.end)) else { return nil }
        return DetectorMatch(kind: .secret, start: start, end: value.end)
    }

    /// A long mixed value after a name that says key, secret or token; nil where it may be a name, a path or words.
    static func key(at start: Int, in text: DetectorText, _ looks: inout AssignedLooks) -> DetectorMatch? {
        let quote = quote(before: start, in: text)
        guard !beginsOtherwise(start, in: text), let value = read(from: start, quote: quote, in: text, &looks, where: isKeyByte)
        else { return nil }
        let run = text.run(start, value.end)
        guard value.count >= 16, value.digits > 1, value.letters > 1, value.distinct > 8, !isPlaceholder(run) else { return nil }
        // A path, or a name of several words and numbers.
        if run.contains(0x2F) || run.contains(0x2E), value.uppers == 0 || value.digits + value.uppers < 6 { return nil }
        return DetectorMatch(kind: .secret, start: start, end: value.end)
    }

    private static func quote(before start: Int, in text: DetectorText) -> UInt32? {
        let before = text.unit(before: start).value
        return before == 0x22 || before == 0x27 || before == 0x60 ? before : nil
    }

    /// Whether something begins that is put in later: `$NAME`, `<name>`, `{name}`, `%s`, `***`.
    private static func beginsOtherwise(_ start: Int, in text: DetectorText) -> Bool {
        switch text.unit(at: start).value {
        case 0x24, 0x3C, 0x7B, 0x25, 0x2A, 0x5B, 0x28, DetectorText.replaced: true
        default: false
        }
    }

    private static func isPasswordByte(_ value: UInt32) -> Bool {
        value > 0x20 && value < 0x7F && ![0x22, 0x27, 0x3C, 0x3E, 0x5C, 0x60].contains(value) || value.isLatin
    }

    private static func isKeyByte(_ value: UInt32) -> Bool {
        value.isAlphanumeric || [0x2B, 0x2D, 0x2E, 0x2F, 0x3D, 0x5F, 0x7E].contains(value)
    }

    /// The value from an offset on: to its quotation mark, or to what ends it in text; nil where it does not end there, or is a call.
    private static func read(
        from start: Int, quote: UInt32?, in text: DetectorText, _ looks: inout AssignedLooks, where holds: (UInt32) -> Bool
    ) -> Value? {
        var value = Value()
        value.end = start
        var last = DetectorText.Unit(value: 0, place: start)
        while value.count <= longest {
            let unit = text.unit(at: value.end)
            if quote == nil, [0x2C, 0x3B, 0x26, 0x29, 0x5D, 0x7D, 0x28, 0x5B].contains(unit.value) { break }
            guard holds(unit.value) else { break }
            last = DetectorText.Unit(value: unit.value, place: value.end)
            value.add(unit)
        }
        looks.reached(value.end, from: start)
        let stop = text.unit(at: value.end).value
        guard value.count > 0, value.count <= longest, stop != DetectorText.replaced, stop != 0x28, stop != 0x5B else {
            return nil
        }
        if let quote { return stop == quote ? value : nil }
        // The end of a sentence.
        if last.value == 0x2E || last.value == 0x21 || last.value == 0x3F || last.value == 0x3A {
            value.end = last.place
            value.count -= 1
            if last.value != 0x2E { return value }
        }
        return value.count > 0 && !stop.joinsWords && stop < 0x80 || stop == DetectorText.edge ? value : nil
    }

    /// Whether one of `placeholders` stands anywhere in a value.
    private static func isPlaceholder(_ run: ByteRun) -> Bool {
        (0..<run.count).contains { place in
            guard firstLetters & 1 << UInt64(run.byte(place) & 63) != 0 else { return false }
            return placeholders.contains { word in
                let end = place + word.utf8CodeUnitCount
                return end <= run.count && run.slice(place, end).hasSuffixIgnoringCase(word)
            }
        }
    }

    /// The last six bits of what placeholders begin with, in both cases: a first look at one byte.
    private static let firstLetters: UInt64 = placeholders.reduce(0) { bits, word in
        let first = word.utf8Start[0]
        return bits | 1 << UInt64(first & 63) | 1 << UInt64((first & 0xDF) & 63)
    }
}
