// SPDX-License-Identifier: Apache-2.0

/// Validates one JSON text and lists its tokens; iterative, so that depth costs heap and never stack.
///
/// Lives as long as the run that it reads.
struct JSONScanner {
    private let run: ByteRun
    private(set) var tokens: [JSONToken] = []
    private var position = 0
    /// The innermost array or object that is open; until one is closed, its `next` is the one around it.
    private var container = 0
    /// How many are open.
    private var depth = 0

    init(_ run: ByteRun) {
        self.run = run
        tokens.reserveCapacity(min(run.count / 8 + 4, 65_536))
    }

    mutating func scanDocument() throws(JSONError) {
        if let bad = UTF8Check.firstInvalidOffset(run) { throw JSONError(code: .badUTF8, offset: bad) }
        skipSpace()
        var isFirst = try scanValue()
        while depth > 0 {
            skipSpace()
            guard let byte = peek else { throw failure(.unexpectedEnd) }
            let isObject = tokens[container].kind == .object
            if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                close()
                isFirst = false
                continue
            }
            if !isFirst {
                guard byte == UInt8(ascii: ",") else { throw failure(.unexpectedByte) }
                position += 1
                skipSpace()
            }
            if isObject { try scanKey() }
            isFirst = try scanValue()
        }
        skipSpace()
        guard position == run.count else { throw JSONError(code: .trailingBytes, offset: position) }
    }

    private var peek: UInt8? {
        position < run.count ? run.base.load(fromByteOffset: position, as: UInt8.self) : nil
    }

    private func failure(_ code: JSONError.Code) -> JSONError {
        JSONError(code: position >= run.count ? .unexpectedEnd : code, offset: position)
    }

    @inline(__always)
    private mutating func skipSpace() {
        while let byte = peek, byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Reads a value, of an array or object its bracket; true where it has opened one.
    private mutating func scanValue() throws(JSONError) -> Bool {
        guard let byte = peek else { throw failure(.unexpectedEnd) }
        switch byte {
        case UInt8(ascii: "\""): try scanString()
        case UInt8(ascii: "{"): return try open(.object)
        case UInt8(ascii: "["): return try open(.array)
        case UInt8(ascii: "t"): try scanWord("true", kind: .bool, flag: true)
        case UInt8(ascii: "f"): try scanWord("false", kind: .bool, flag: false)
        case UInt8(ascii: "n"): try scanWord("null", kind: .null, flag: false)
        case UInt8(ascii: "-"), 0x30...0x39: try scanNumber()
        default: throw failure(.unexpectedByte)
        }
        return false
    }

    private mutating func open(_ kind: JSONKind) throws(JSONError) -> Bool {
        guard depth < JSONLimits.depth else { throw failure(.tooDeep) }
        append(kind, flag: false, start: position, end: position + 1, next: container)
        container = tokens.count - 1
        depth += 1
        position += 1
        return true
    }

    /// Consumes the closing bracket under the cursor.
    private mutating func close() {
        position += 1
        let around = tokens[container].next
        tokens[container].end = UInt32(truncatingIfNeeded: position)
        tokens[container].next = UInt32(truncatingIfNeeded: tokens.count)
        container = Int(around)
        depth -= 1
    }

    /// Reads a key, and what is between it and its value.
    private mutating func scanKey() throws(JSONError) {
        guard peek == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
        try scanString()
        skipSpace()
        guard peek == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
        position += 1
        skipSpace()
    }

    /// Appends a token; a text is too short for offsets or numbers of tokens that do not fit.
    @inline(__always)
    private mutating func append(_ kind: JSONKind, flag: Bool, start: Int, end: Int, next: Int) {
        tokens.append(
            JSONToken(
                kind: kind, flag: flag, start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: end),
                next: UInt32(truncatingIfNeeded: next)))
    }

    /// Appends a token that nothing lies in.
    @inline(__always)
    private mutating func append(_ kind: JSONKind, flag: Bool, start: Int) {
        append(kind, flag: flag, start: start, end: position, next: tokens.count + 1)
    }

    private mutating func scanWord(_ word: StaticString, kind: JSONKind, flag: Bool) throws(JSONError) {
        let start = position
        for i in 0..<word.utf8CodeUnitCount {
            guard peek == word.utf8Start[i] else { throw failure(.unexpectedByte) }
            position += 1
        }
        append(kind, flag: flag, start: start)
    }

    @inline(__always)
    private mutating func scanString() throws(JSONError) {
        let start = position
        position += 1
        var escaped = false
        while true {
            position = JSONCursor.firstHit(run, from: position)
            guard let byte = peek else { throw failure(.unexpectedEnd) }
            if byte == UInt8(ascii: "\"") { break }
            guard byte == UInt8(ascii: "\\") else { throw failure(.controlByteInString) }
            escaped = true
            try scanEscape()
        }
        position += 1
        append(.string, flag: escaped, start: start)
    }

    @inline(__always)
    private mutating func scanEscape() throws(JSONError) {
        position += 1
        guard let byte = peek else { throw failure(.unexpectedEnd) }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), 0x62, 0x66, 0x6E, 0x72, 0x74: return
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                guard let digit = peek, Hex.value(digit) != nil else { throw failure(.badEscape) }
                position += 1
            }
        default:
            position -= 1
            throw failure(.badEscape)
        }
    }

    private mutating func scanNumber() throws(JSONError) {
        let start = position
        var isInteger = true
        if peek == UInt8(ascii: "-") { position += 1 }
        if peek == UInt8(ascii: "0") { position += 1 } else { try scanDigits() }
        if peek == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try scanDigits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            try scanDigits()
        }
        append(.number, flag: isInteger, start: start)
    }

    private mutating func scanDigits() throws(JSONError) {
        let start = position
        while let byte = peek, byte >= 0x30, byte <= 0x39 { position += 1 }
        guard position > start else { throw failure(.badNumber) }
    }
}
