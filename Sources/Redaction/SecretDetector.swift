// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Keys and tokens, by `SecretShape`, by the name before them, and passwords in URLs.
struct SecretDetector {
    /// Shapes by the three bytes that they are found by; the first of each chain.
    private var heads = InlineArray<1_024, UInt8>(repeating: 255)
    private let chain: [UInt8]
    private let triples: [UInt32]
    private let shapes: [SecretShape]
    /// The end of the last row of characters in which a dense key was looked for in vain.
    private var barrenEnd = 0
    /// The row last read of each alphabet.
    private var rows = [Range<Int>](repeating: 0..<0, count: SecretShape.Alphabet.count)

    init() {
        shapes = SecretShape.all
        var chain = [UInt8](repeating: 255, count: shapes.count)
        triples = shapes.map { shape in
            (0..<3).reduce(0) { $0 << 8 | UInt32(shape.prefix.utf8Start[shape.triggerPlace + $1]) }
        }
        for i in shapes.indices.reversed() {
            let slot = SecretDetector.slot(triples[i])
            chain[i] = heads[slot]
            heads[slot] = UInt8(i)
        }
        self.chain = chain
    }

    private static func slot(_ triple: UInt32) -> Int { Int((triple &* 0x9E37_79B1) >> 22) }

    /// Forgets what was seen of the text before.
    mutating func reset() {
        barrenEnd = 0
        for i in rows.indices { rows[i] = 0..<0 }
    }

    /// The end of the row of an alphabet's characters that begins at an offset; each row is read once, whatever begins in it.
    private mutating func rowEnd(_ alphabet: SecretShape.Alphabet, from start: Int, in text: DetectorText) -> Int {
        let known = rows[alphabet.index]
        if known.contains(start) { return known.upperBound }
        let end = SecretDetector.rowEnd(alphabet, from: start, most: text.high, in: text)
        rows[alphabet.index] = start..<end
        return end
    }

    /// Whether some key may hold the three bytes at an offset: a first look, which few pass.
    @inline(__always) func mayHold(_ place: Int, in text: DetectorText) -> Bool {
        guard place >= text.low, place + 3 <= text.high else { return false }
        return heads[SecretDetector.slot(SecretDetector.triple(place, in: text))] != 255
    }

    private static func triple(_ place: Int, in text: DetectorText) -> UInt32 {
        UInt32(text.byte(place)) << 16 | UInt32(text.byte(place + 1)) << 8 | UInt32(text.byte(place + 2))
    }

    /// The key that the three bytes at an offset are part of, or nil; they have passed the first look.
    mutating func match(at place: Int, in text: DetectorText) -> DetectorMatch? {
        let triple = SecretDetector.triple(place, in: text)
        var index = heads[SecretDetector.slot(triple)]
        while index != 255 {
            let i = Int(index)
            if triples[i] == triple, let found = match(shapes[i], at: place - shapes[i].triggerPlace, in: text) { return found }
            index = chain[i]
        }
        return nil
    }

    private mutating func match(_ shape: SecretShape, at start: Int, in text: DetectorText) -> DetectorMatch? {
        let body = start + shape.prefix.utf8CodeUnitCount
        guard start >= text.low, body <= text.high, text.isPlain(start),
            text.run(start, body).equals(ByteRun(shape.prefix))
        else { return nil }
        let before = text.unit(before: start).value
        guard !before.isAlphanumeric, before != DetectorText.replaced else { return nil }
        if shape.rule == .announced {
            var looks = AssignedLooks()
            return AssignedSecret.key(at: body, in: text, &looks)
        }
        let end: Int? =
            switch shape.rule {
            case .announced: nil
            case .token: tokenEnd(from: start, in: text)
            case .block: blockEnd(from: body, in: text)
            case .none, .digit, .dense: keyEnd(shape, from: body, in: text)
            }
        guard let end, text.unit(at: end).value != DetectorText.replaced else { return nil }
        return DetectorMatch(kind: .secret, start: start, end: end)
    }

    /// Characters in a row that only a key's armour has.
    private static let armourLine = 40

    // MARK: One row of characters

    private mutating func keyEnd(_ shape: SecretShape, from body: Int, in text: DetectorText) -> Int? {
        if shape.rule == .dense, body < barrenEnd { return nil }
        let end = rowEnd(shape.alphabet, from: body, in: text)
        let count = end - body
        guard count >= shape.least, count <= shape.most, !text.unit(at: end).value.isAlphanumeric else {
            if shape.rule == .dense { barrenEnd = max(barrenEnd, end) }
            return nil
        }
        switch shape.rule {
        case .digit: return (body..<end).contains { UInt32(text.byte($0)).isDigit } ? end : nil
        case .dense:
            if SecretDetector.isDense(text.run(body, end)) { return end }
            barrenEnd = max(barrenEnd, end)
            return nil
        default: return end
        }
    }

    /// The end of a row of characters; a slash may be escaped.
    private static func rowEnd(_ alphabet: SecretShape.Alphabet, from start: Int, most: Int, in text: DetectorText) -> Int {
        var at = start
        let limit = most < text.high - start ? start + most : text.high
        while at < limit {
            let byte = text.byte(at)
            if alphabet.holds(byte) {
                at += 1
            } else if byte == 0x5C, alphabet.holds(0x2F), case let unit = text.unit(at: at), unit.value == 0x2F {
                at = unit.place
            } else {
                break
            }
        }
        // A full stop ends a sentence.
        while alphabet.holds(0x2E), at > start, text.byte(at - 1) == 0x2E { at -= 1 }
        return at
    }

    /// Whether sixteen letters and digits follow one another, of both sorts.
    private static func isDense(_ run: ByteRun) -> Bool {
        var (digits, letters) = (0, 0)
        for i in 0..<run.count {
            let value = UInt32(run.base.load(fromByteOffset: i, as: UInt8.self))
            if value.isDigit {
                digits += 1
            } else if value.isLetter {
                letters += 1
            } else {
                (digits, letters) = (0, 0)
            }
            if digits + letters >= 16, digits > 0, letters > 0 { return true }
        }
        return false
    }

    // MARK: Tokens and blocks

    /// The end of a signed or encrypted token: three or five parts.
    private mutating func tokenEnd(from start: Int, in text: DetectorText) -> Int? {
        var at = start
        var parts = 0
        var end: Int?
        while parts < 5 {
            let next = rowEnd(.web, from: at, in: text)
            // The middle parts of an encrypted token may be short, or nothing.
            guard next - at >= (parts < 1 ? 10 : parts == 1 ? 4 : 0) else { break }
            parts += 1
            if parts >= 3, next - start >= 40 { end = next }
            guard next < text.high, text.byte(next) == 0x2E else { break }
            at = next + 1
        }
        return end
    }

    /// The end of a private key in its armour; where the armour does not end, the end of what can be part of it.
    private func blockEnd(from body: Int, in text: DetectorText) -> Int? {
        let marker: StaticString = "PRIVATE KEY"
        var at = body
        while at < text.high, at - body < 32, text.byte(at) == 0x20 || text.byte(at) >= 0x41 && text.byte(at) <= 0x5A { at += 1 }
        let label = text.run(body, at)
        guard label.hasSuffix(marker) || label.hasSuffix("PRIVATE KEY BLOCK") else { return nil }
        while at < text.high, text.byte(at) == 0x2D { at += 1 }
        var row = 0
        // The end of the last line of a block of which the end is missing.
        var end: Int?
        while at < text.high {
            let unit = text.unit(at: at)
            switch unit.value {
            case 0x0A, 0x0D, 0x20, 0x2C, 0x3A: (at, row) = (unit.place, 0)
            case 0x2D:
                guard text.begins(with: "-----END ", at: at) else {
                    if text.begins(with: "--", at: at) { return end }
                    (at, row) = (unit.place, 0)
                    continue
                }
                at += 9
                while at < text.high, text.byte(at) == 0x20 || text.byte(at) >= 0x41 && text.byte(at) <= 0x5A { at += 1 }
                var dashes = 0
                while dashes < 5, at < text.high, text.byte(at) == 0x2D { (at, dashes) = (at + 1, dashes + 1) }
                return at
            case let value where value.isAlphanumeric || value == 0x2B || value == 0x2F || value == 0x3D:
                (at, row) = (unit.place, row + 1)
                if row >= SecretDetector.armourLine { end = at }
            default: return end
            }
        }
        return end
    }

    // MARK: By the name before

    /// The key after a name that ends in "key", or nil.
    ///
    /// - Parameters:
    ///   - place: of the last two letters of the name.
    ///   - text: what to look in.
    ///   - looks: what was looked at of the text before.
    /// - Returns: the value alone.
    func named(at place: Int, in text: DetectorText, _ looks: inout AssignedLooks) -> DetectorMatch? {
        guard place > text.low, text.byte(place - 1) | 0x20 == 0x6B else { return nil }
        var start = place - 1
        while start > text.low, place - start < 32,
            UInt32(text.byte(start - 1)).isAlphanumeric || text.byte(start - 1) == 0x5F
                || text.byte(start - 1) == 0x2D || text.byte(start - 1) == 0x20
        { start -= 1 }
        let stem = SecretDetector.keyStem(text.run(start, place + 2))
        guard SecretDetector.keyWords.contains(where: { stem.hasSuffixIgnoringCase($0) }) else { return nil }
        var at = place + 2
        var hasSign = false
        for _ in 0..<6 {
            let unit = text.unit(at: at)
            if unit.value == 0x3A || unit.value == 0x3D { hasSign = true }
            guard unit.value == 0x3A || unit.value == 0x3D || unit.value == 0x22 || unit.value == 0x27 || unit.value == 0x20
            else { break }
            at = unit.place
        }
        guard hasSign, looks.admits(at) else { return nil }
        let end = SecretDetector.rowEnd(.base64, from: at, most: SecretDetector.valueMost, in: text)
        looks.reached(end, from: at)
        if let match = SecretDetector.value(from: at, to: end, in: text) { return match }
        // Others, as the primary key of a row, hold names too.
        return SecretDetector.plainWords.contains { stem.hasSuffixIgnoringCase($0) }
            ? AssignedSecret.key(at: at, in: text, &looks) : nil
    }

    /// What a key's name says before "key" where the key opens something.
    private static let keyWords: [StaticString] = [
        "api", "access", "account", "secret", "subscription", "azure", "openai", "cognitive", "speech", "service", "search",
        "master",
        "primary", "secondary", "auth", "storage", "shared", "encryption", "private",
    ]
    /// Those after which a value of any length is a key.
    private static let plainWords: [StaticString] = ["api", "access", "secret", "auth", "private", "encryption", "openai"]

    /// A name that ends in "key" without that word and what joins it.
    private static func keyStem(_ name: ByteRun) -> ByteRun {
        var end = name.count - 3
        while end > 0, [0x2D, 0x5F, 0x20].contains(name.byte(end - 1)) { end -= 1 }
        return name.slice(0, end)
    }

    /// Such a value is shorter.
    private static let valueMost = 120

    /// A value of a shape that keys have which nothing but their name tells: 32 hex digits, or 40, 84, 86 or 88 characters.
    private static func value(from start: Int, to end: Int, in text: DetectorText) -> DetectorMatch? {
        let next = text.unit(at: end).value
        guard end > start, !next.joinsWords, next != 0x2D else { return nil }
        var (count, digits, uppers, lowers, hexes) = (0, 0, 0, 0, 0)
        for i in start..<end where text.byte(i) != 0x5C {
            let byte = text.byte(i)
            count += 1
            if UInt32(byte).isDigit { digits += 1 }
            if byte >= 0x41, byte <= 0x5A { uppers += 1 }
            if byte >= 0x61, byte <= 0x7A { lowers += 1 }
            if Hex.value(byte) != nil { hexes += 1 }
        }
        let isKey =
            switch count {
            case 32: hexes == 32 && digits > 0
            case 40, 84, 86, 88: digits > 0 && uppers > 0 && lowers > 0 || hexes == 40
            default: false
            }
        return isKey ? DetectorMatch(kind: .secret, start: start, end: end) : nil
    }

    /// The secret access key that stands within a line or two of an access key id, or nil.
    static func besideAccessKey(after end: Int, in text: DetectorText) -> DetectorMatch? {
        var at = end
        let limit = min(text.high, end + 120)
        while at < limit {
            guard SecretShape.Alphabet.base64.holds(text.byte(at)), text.isPlain(at) else {
                at += 1
                continue
            }
            let stop = rowEnd(.base64, from: at, most: valueMost, in: text)
            var start = at
            // What ends a name is no part of the value.
            while start < stop, text.byte(start) == 0x3D { start += 1 }
            if start < stop, stop - start >= 40, stop - start <= 48, let found = value(from: start, to: stop, in: text),
                !isHex(text.run(start, stop))
            {
                return found
            }
            at = max(stop, at + 1)
        }
        return nil
    }

    private static func isHex(_ run: ByteRun) -> Bool {
        (0..<run.count).allSatisfy { Hex.value(run.base.load(fromByteOffset: $0, as: UInt8.self)) != nil }
    }

    /// The password of a URL's user, before an `@`, or nil.
    static func password(before at: Int, in text: DetectorText) -> DetectorMatch? {
        var start = at
        var colon: Int?
        var isShown = false
        let edge = max(text.low, at - 160)
        while start > edge {
            let byte = text.byte(start - 1)
            guard byte > 0x20, byte < 0x80, ![0x22, 0x27, 0x3C, 0x3E, 0x40, 0x60, 0x5C, 0x7B, 0x7D].contains(byte) else {
                return nil
            }
            if byte == 0x2F {
                let second = text.unit(before: text.unit(before: start).place)
                guard second.value == 0x2F, text.unit(before: second.place).value == 0x3A, let colon, at - colon > 4, isShown
                else { return nil }
                return DetectorMatch(kind: .secret, start: colon + 1, end: at)
            }
            start -= 1
            if byte == 0x3A {
                colon = start
            } else if byte != 0x2A, colon == nil {
                isShown = true
            }
        }
        return nil
    }
}

extension ByteRun {
    fileprivate func hasSuffix(_ text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && slice(count - text.utf8CodeUnitCount, count).equals(ByteRun(text))
    }
}
