// SPDX-License-Identifier: Apache-2.0

/// What a run of bytes is; comments and blanks are no tokens.
enum TokenKind: Equatable {
    case name
    case number
    /// A string; a plain one has no escapes and nothing inserted into it, so that its content is what it says.
    case string(isPlain: Bool)
    /// One byte of punctuation.
    case mark(UInt8)
    /// The end of a logical line outside brackets.
    case lineEnd
}

/// One token, by its bytes.
struct Token {
    let kind: TokenKind
    let start: Int
    let end: Int
    /// Where a string's content is; else the token itself.
    let content: Range<Int>

    init(_ kind: TokenKind, _ start: Int, _ end: Int, content: Range<Int>? = nil) {
        self.kind = kind
        self.start = start
        self.end = end
        self.content = content ?? start..<end
    }

    /// Whether it is a string that its line, or the file, ends before a quote does.
    var isUnclosed: Bool { isString && content.upperBound == end }

    var isString: Bool { if case .string = kind { true } else { false } }

    func isMark(_ character: Character) -> Bool {
        guard let byte = character.asciiValue else { return false }
        return kind == .mark(byte)
    }
}

/// A file as tokens, with its brackets matched.
struct TokenText {
    let bytes: [UInt8]
    let tokens: [Token]
    /// For the index of an opening bracket's token, that of its closing one.
    let closing: [Int: Int]
    /// For the index of a closing bracket's token, that of its opening one.
    let opening: [Int: Int]
    private let lineStarts: [Int]

    init(bytes: [UInt8], tokens: [Token]) {
        self.bytes = bytes
        self.tokens = tokens
        lineStarts = [0] + bytes.indices.filter { bytes[$0] == 0x0A }.map { $0 + 1 }
        var closing: [Int: Int] = [:]
        var opening: [Int: Int] = [:]
        var open: [(index: Int, byte: UInt8)] = []
        for (index, token) in tokens.enumerated() {
            guard case .mark(let byte) = token.kind else { continue }
            if let close = TokenText.partner(byte) {
                open.append((index, close))
            } else if byte == UInt8(ascii: ")") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
                while let last = open.popLast() {
                    guard last.byte == byte else { continue }
                    closing[last.index] = index
                    opening[index] = last.index
                    break
                }
            }
        }
        self.closing = closing
        self.opening = opening
    }

    private static func partner(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "("): UInt8(ascii: ")")
        case UInt8(ascii: "["): UInt8(ascii: "]")
        case UInt8(ascii: "{"): UInt8(ascii: "}")
        default: nil
        }
    }

    /// The token at an index, nil beyond the ends.
    func token(_ index: Int) -> Token? { tokens.indices.contains(index) ? tokens[index] : nil }

    func isMark(_ index: Int, _ character: Character) -> Bool { token(index)?.isMark(character) ?? false }

    /// The name at an index, nil where there is none.
    func name(_ index: Int) -> String? {
        guard let token = token(index), token.kind == .name else { return nil }
        return text(token.start..<token.end)
    }

    /// The content of a plain string, nil for anything else.
    func literal(_ index: Int) -> String? {
        guard let token = token(index), token.kind == .string(isPlain: true) else { return nil }
        return text(token.content)
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    /// The bytes between the first and the last token of a range of tokens.
    func span(_ range: Range<Int>) -> Range<Int>? {
        guard let first = token(range.lowerBound), let last = token(range.upperBound - 1), first.start <= last.end else {
            return nil
        }
        return first.start..<last.end
    }

    /// The line, from 1, of a byte.
    func line(_ offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while low < high {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where the line of a byte begins.
    func lineStart(_ offset: Int) -> Int { lineStarts[max(0, line(offset) - 1)] }

    /// Where the line of a byte ends, before its line end.
    func lineEnd(_ offset: Int) -> Int {
        var at = offset
        while at < bytes.count, bytes[at] != 0x0A { at += 1 }
        return at > offset && at < bytes.count && bytes[at - 1] == 0x0D ? at - 1 : at
    }

    /// The blanks before the first other byte of the line of a byte.
    func indentation(_ offset: Int) -> String {
        let start = lineStart(offset)
        var at = start
        while at < bytes.count, Ascii.isBlank(bytes[at]) { at += 1 }
        return text(start..<at)
    }

    /// What ends the lines of this file.
    var lineBreak: String {
        guard let first = bytes.firstIndex(of: 0x0A), first > 0, bytes[first - 1] == 0x0D else { return "\n" }
        return "\r\n"
    }
}

/// A cursor over bytes that every tokenizer shares; reading past the end gives nil.
struct ByteCursor {
    let bytes: [UInt8]
    var at = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var current: UInt8? { at < bytes.count ? bytes[at] : nil }

    func peek(_ offset: Int) -> UInt8? {
        let index = at + offset
        return index >= 0 && index < bytes.count ? bytes[index] : nil
    }

    /// Whether the bytes from here on are these.
    func begins(_ text: String) -> Bool {
        var index = at
        for byte in text.utf8 {
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
        }
        return true
    }

    mutating func skip(while fits: (UInt8) -> Bool) {
        while at < bytes.count, fits(bytes[at]) { at += 1 }
    }
}
