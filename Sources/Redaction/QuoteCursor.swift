// SPDX-License-Identifier: Apache-2.0

/// Tells whether digits stand in a text or are a number of JSON, which nothing but a number or a string may replace.
///
/// Goes over a run from left to right once, whatever is asked. No string of JSON holds a line feed: each line begins outside of one.
struct QuoteCursor {
    /// How digits stand.
    enum Standing {
        case inText
        /// A whole number of JSON.
        case bareNumber
        /// A part of one, such as what follows its sign.
        case partOfNumber
    }

    private var at = 0
    private var isInString = false
    /// Whether the line may be one of JSON, or of a stream's data.
    private var isOpen = true
    private var isLineStart = true

    /// How a value stands that was found after all those asked for before.
    mutating func standing(of match: DetectorMatch, in text: DetectorText) -> Standing {
        for i in match.start..<match.end where !UInt32(text.byte(i)).isDigit { return .inText }
        var before = match.start
        let isSigned = before > text.low && text.byte(before - 1) == 0x2D
        if isSigned { before -= 1 }
        while before > text.low, QuoteCursor.isBlank(text.byte(before - 1)), match.start - before < 256 { before -= 1 }
        if before > text.low, ![0x3A, 0x2C, 0x5B].contains(text.byte(before - 1)) { return .inText }
        if before > text.low, text.byte(before - 1) == 0x3A {
            // What a name's colon follows is a quotation mark.
            var name = before - 1
            while name > text.low, QuoteCursor.isBlank(text.byte(name - 1)), before - name < 256 { name -= 1 }
            guard name > text.low, text.byte(name - 1) == 0x22 else { return .inText }
        }
        var after = match.end
        while after < text.high, QuoteCursor.isBlank(text.byte(after)), after - match.end < 256 { after += 1 }
        if after < text.high, ![0x2C, 0x5D, 0x7D].contains(text.byte(after)) { return .inText }
        advance(to: match.start, in: text)
        if isInString || !isOpen { return .inText }
        return isSigned ? .partOfNumber : .bareNumber
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    private mutating func advance(to end: Int, in text: DetectorText) {
        while at < end {
            let byte = text.byte(at)
            if isLineStart, !QuoteCursor.isBlank(byte) {
                isOpen = QuoteCursor.beginsJSON(text, at: at)
                isLineStart = false
            }
            switch byte {
            case 0x0A: (isInString, isLineStart, isOpen) = (false, true, true)
            case 0x22: isInString.toggle()
            case 0x5C where isInString: at += 1
            default: break
            }
            at += 1
        }
    }

    /// Whether a line that begins at an offset may be part of JSON.
    private static func beginsJSON(_ text: DetectorText, at i: Int) -> Bool {
        switch text.byte(i) {
        case 0x7B, 0x5B, 0x7D, 0x5D, 0x22, 0x2C, 0x3A, 0x2D, 0x30...0x39: true
        default: (["true", "null", "false", "data:"] as [StaticString]).contains { text.begins(with: $0, at: i) }
        }
    }
}
