// SPDX-License-Identifier: Apache-2.0

/// Python as tokens: strings with their prefixes, format strings with nested quotes, comments, logical lines.
struct PythonTokenizer {
    private var cursor: ByteCursor
    private var tokens: [Token] = []
    private var depth = 0

    private init(_ bytes: [UInt8]) { cursor = ByteCursor(bytes) }

    /// Reads a file; never fails: what is no Python becomes marks.
    static func read(_ bytes: [UInt8]) -> TokenText {
        var tokenizer = PythonTokenizer(bytes)
        tokenizer.run()
        return TokenText(bytes: bytes, tokens: tokenizer.tokens)
    }

    private mutating func run() {
        while let byte = cursor.current {
            let start = cursor.at
            switch byte {
            case UInt8(ascii: "#"):
                cursor.skip { $0 != 0x0A }
            case UInt8(ascii: "\\") where isContinuation:
                cursor.skip { $0 != 0x0A }
                cursor.at += 1
            case 0x0A, UInt8(ascii: ";"):
                cursor.at += 1
                if depth == 0 { tokens.append(Token(.lineEnd, start, cursor.at)) }
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                string(start: start, isFormat: false, isSpecial: false)
            case _ where Ascii.isLetter(byte) || byte == 0x5F || byte >= 0x80:
                word(start)
            case _ where Ascii.isDigit(byte):
                cursor.skip { Ascii.isWord($0) || $0 == UInt8(ascii: ".") }
                tokens.append(Token(.number, start, cursor.at))
            case _ where byte <= 0x20:
                cursor.at += 1
            default:
                mark(byte)
            }
        }
    }

    private var isContinuation: Bool { cursor.peek(1) == 0x0A || (cursor.peek(1) == 0x0D && cursor.peek(2) == 0x0A) }

    private mutating func mark(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
        default: break
        }
        tokens.append(Token(.mark(byte), cursor.at, cursor.at + 1))
        cursor.at += 1
    }

    /// A name, or the prefix of a string.
    private mutating func word(_ start: Int) {
        cursor.skip { Ascii.isWord($0) || $0 >= 0x80 }
        let length = cursor.at - start
        let isQuote = cursor.current == UInt8(ascii: "\"") || cursor.current == UInt8(ascii: "'")
        let prefix = length <= 2 ? cursor.bytes[start..<cursor.at].map { $0 | 0x20 } : []
        if isQuote, length <= 2, prefix.allSatisfy({ "rbuft".utf8.contains($0) }) {
            let isFormat = prefix.contains(UInt8(ascii: "f")) || prefix.contains(UInt8(ascii: "t"))
            string(start: start, isFormat: isFormat, isSpecial: isFormat || prefix.contains(UInt8(ascii: "b")))
        } else {
            tokens.append(Token(.name, start, cursor.at))
        }
    }

    private mutating func string(start: Int, isFormat: Bool, isSpecial: Bool) {
        let (content, hasEscape) = PythonTokenizer.skipString(&cursor, isFormat: isFormat, nesting: 0)
        tokens.append(Token(.string(isPlain: !isSpecial && !hasEscape), start, cursor.at, content: content))
    }

    /// Goes over a string from its quote on; an unclosed one ends with its line, or with the file.
    private static func skipString(_ cursor: inout ByteCursor, isFormat: Bool, nesting: Int) -> (Range<Int>, hasEscape: Bool) {
        guard let quote = cursor.current else { return (cursor.at..<cursor.at, false) }
        let isTriple = cursor.peek(1) == quote && cursor.peek(2) == quote
        cursor.at += isTriple ? 3 : 1
        let start = cursor.at
        var hasEscape = false
        while let byte = cursor.current {
            if byte == UInt8(ascii: "\\") {
                hasEscape = true
                cursor.at = min(cursor.bytes.count, cursor.at + 2)
            } else if byte == quote, !isTriple || (cursor.peek(1) == quote && cursor.peek(2) == quote) {
                let content = start..<cursor.at
                cursor.at += isTriple ? 3 : 1
                return (content, hasEscape)
            } else if byte == 0x0A, !isTriple {
                break
            } else if isFormat, byte == UInt8(ascii: "{"), nesting < InstrumentLimits.nesting {
                if cursor.peek(1) == byte { cursor.at += 2 } else { skipInsertion(&cursor, isTriple: isTriple, nesting: nesting) }
            } else {
                cursor.at += 1
            }
        }
        return (start..<cursor.at, true)
    }

    /// Goes over `{...}` in a format string, in which any quote begins a string of its own.
    private static func skipInsertion(_ cursor: inout ByteCursor, isTriple: Bool, nesting: Int) {
        var depth = 0
        while let byte = cursor.current {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "("):
                depth += 1
                cursor.at += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ")"):
                depth -= 1
                cursor.at += 1
                if depth <= 0 { return }
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                let before = cursor.peek(-1).map { $0 | 0x20 }
                _ = skipString(&cursor, isFormat: before == UInt8(ascii: "f"), nesting: nesting + 1)
            case 0x0A where !isTriple:
                return
            default:
                cursor.at += 1
            }
        }
    }
}
