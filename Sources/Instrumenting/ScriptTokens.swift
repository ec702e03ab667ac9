// SPDX-License-Identifier: Apache-2.0

/// TypeScript and JavaScript as tokens: strings, templates with code inside, comments, regular expressions.
struct ScriptTokenizer {
    private var cursor: ByteCursor
    private var tokens: [Token] = []
    /// Bytes gone over in search of an end that was not there.
    private var wastedBytes = 0

    private init(_ bytes: [UInt8]) { cursor = ByteCursor(bytes) }

    /// Words after which a slash begins a regular expression, and an expression begins.
    static let beforeExpression: Set<String> = [
        "return", "await", "yield", "typeof", "throw", "case", "void", "in", "of", "else", "do", "default", "instanceof",
        "delete", "new", "as", "satisfies", "extends",
    ]

    /// Reads a file; never fails: what is no script becomes marks.
    static func read(_ bytes: [UInt8]) -> TokenText {
        var tokenizer = ScriptTokenizer(bytes)
        tokenizer.run()
        return TokenText(bytes: bytes, tokens: tokenizer.tokens)
    }

    private mutating func run() {
        while let byte = cursor.current {
            let start = cursor.at
            switch byte {
            case UInt8(ascii: "/") where cursor.peek(1) == byte:
                cursor.skip { $0 != 0x0A }
            case UInt8(ascii: "#") where start == 0 && cursor.peek(1) == UInt8(ascii: "!"):
                cursor.skip { $0 != 0x0A }
            case UInt8(ascii: "/") where cursor.peek(1) == UInt8(ascii: "*"):
                cursor.at = ScriptTokenizer.blockEnd(cursor)
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                quoted(start)
            case UInt8(ascii: "`"):
                template(start)
            case UInt8(ascii: "/"):
                slash(start)
            case _ where Ascii.isLetter(byte) || byte == 0x5F || byte == UInt8(ascii: "$") || byte >= 0x80:
                cursor.skip { Ascii.isWord($0) || $0 == UInt8(ascii: "$") || $0 >= 0x80 }
                tokens.append(Token(.name, start, cursor.at))
            case _ where Ascii.isDigit(byte):
                cursor.skip { Ascii.isWord($0) || $0 == UInt8(ascii: ".") }
                tokens.append(Token(.number, start, cursor.at))
            case _ where byte <= 0x20:
                cursor.at += 1
            default:
                cursor.at += 1
                tokens.append(Token(.mark(byte), start, cursor.at))
            }
        }
    }

    private static func blockEnd(_ cursor: ByteCursor) -> Int {
        var inner = cursor
        inner.at += 2
        while inner.at < inner.bytes.count, !inner.begins("*/") { inner.at += 1 }
        return min(inner.bytes.count, inner.at + 2)
    }

    /// A quote that its line does not close is an apostrophe of JSX text.
    private mutating func quoted(_ start: Int) {
        if mayFail, let (end, hasEscape) = ScriptTokenizer.quotedEnd(cursor) {
            cursor.at = end
            tokens.append(Token(.string(isPlain: !hasEscape), start, end, content: start + 1..<end - 1))
        } else {
            tokens.append(Token(.mark(cursor.bytes[start]), start, start + 1))
            wasteLine()
            cursor.at += 1
        }
    }

    private var mayFail: Bool { wastedBytes < InstrumentLimits.wastedBytes }

    /// Counts a search that went to the end of the line.
    private mutating func wasteLine() {
        guard mayFail else { return }
        let rest = cursor.bytes[cursor.at...].prefix { $0 != 0x0A }
        wastedBytes += rest.count
    }

    private static func quotedEnd(_ cursor: ByteCursor) -> (end: Int, hasEscape: Bool)? {
        let quote = cursor.current
        var inner = cursor
        inner.at += 1
        var hasEscape = false
        while let byte = inner.current {
            if byte == quote { return (inner.at + 1, hasEscape) }
            if byte == 0x0A { return nil }
            let isEscape = byte == UInt8(ascii: "\\")
            hasEscape = hasEscape || isEscape
            inner.at += isEscape ? 2 : 1
        }
        return nil
    }

    private mutating func template(_ start: Int) {
        var inner = cursor
        guard mayFail, let isPlain = ScriptTokenizer.skipTemplate(&inner, nesting: 0) else {
            wastedBytes += cursor.bytes.count - start
            tokens.append(Token(.mark(UInt8(ascii: "`")), start, start + 1))
            cursor.at += 1
            return
        }
        cursor = inner
        tokens.append(Token(.string(isPlain: isPlain), start, cursor.at, content: start + 1..<cursor.at - 1))
    }

    /// Goes over a template; nil where nothing closes it.
    private static func skipTemplate(_ cursor: inout ByteCursor, nesting: Int) -> Bool? {
        cursor.at += 1
        var isPlain = true
        while let byte = cursor.current {
            if byte == UInt8(ascii: "`") {
                cursor.at += 1
                return isPlain
            } else if byte == UInt8(ascii: "\\") {
                isPlain = false
                cursor.at = min(cursor.bytes.count, cursor.at + 2)
            } else if byte == UInt8(ascii: "$"), cursor.peek(1) == UInt8(ascii: "{") {
                isPlain = false
                cursor.at += 1
                guard nesting < InstrumentLimits.nesting, skipInsertion(&cursor, nesting: nesting) else { return nil }
            } else {
                cursor.at += 1
            }
        }
        return nil
    }

    /// Goes over the code of `${...}`.
    private static func skipInsertion(_ cursor: inout ByteCursor, nesting: Int) -> Bool {
        var depth = 0
        while let byte = cursor.current {
            switch byte {
            case UInt8(ascii: "{"):
                depth += 1
                cursor.at += 1
            case UInt8(ascii: "}"):
                depth -= 1
                cursor.at += 1
                if depth == 0 { return true }
            case UInt8(ascii: "`"):
                guard skipTemplate(&cursor, nesting: nesting + 1) != nil else { return false }
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                cursor.at = quotedEnd(cursor)?.end ?? cursor.at + 1
            case UInt8(ascii: "/") where cursor.peek(1) == UInt8(ascii: "*"):
                cursor.at = blockEnd(cursor)
            default:
                cursor.at += 1
            }
        }
        return false
    }

    /// A division, the slash of a tag, or a regular expression.
    private mutating func slash(_ start: Int) {
        let isExpression = beginsExpression
        if isExpression, mayFail, let end = ScriptTokenizer.expressionEnd(cursor) {
            cursor.at = end
            cursor.skip(while: Ascii.isLetter)
            tokens.append(Token(.number, start, cursor.at))
        } else {
            tokens.append(Token(.mark(UInt8(ascii: "/")), start, start + 1))
            if isExpression { wasteLine() }
            cursor.at += 1
        }
    }

    private var beginsExpression: Bool {
        guard let last = tokens.last else { return true }
        switch last.kind {
        case .name:
            let word = String(decoding: cursor.bytes[last.start..<last.end], as: UTF8.self)
            return ScriptTokenizer.beforeExpression.contains(word)
        case .mark(let byte): return !")]}<".utf8.contains(byte)
        default: return false
        }
    }

    private static func expressionEnd(_ cursor: ByteCursor) -> Int? {
        var inner = cursor
        inner.at += 1
        var isInClass = false
        while let byte = inner.current, byte != 0x0A {
            switch byte {
            case UInt8(ascii: "\\"): inner.at += 1
            case UInt8(ascii: "["): isInClass = true
            case UInt8(ascii: "]"): isInClass = false
            case UInt8(ascii: "/") where !isInClass: return inner.at + 1
            default: break
            }
            inner.at += 1
        }
        return nil
    }
}
