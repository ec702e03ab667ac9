// SPDX-License-Identifier: Apache-2.0

/// Validates one JSON text and lists its tokens; iterative, so that depth costs heap and never stack.
///
/// Lives as long as the run that it reads.
struct JSONScanner {
    private let run: ByteRun
    var tokens: [JSONToken] = []
    private var position = 0
    /// Indices of the open arrays and objects.
    private var open: [Int] = []

    init(_ run: ByteRun) {
        self.run = run
        tokens.reserveCapacity(min(run.count / 8 + 4, 65_536))
    }

    /// What may come next at the current place.
    private enum Expectation { case value, valueOrEnd, keyOrEnd, key, commaOrEnd, end }

    mutating func scanDocument() throws(JSONError) {
        if let bad = UTF8Check.firstInvalidOffset(run) { throw JSONError(code: .badUTF8, offset: bad) }
        var expectation = Expectation.value
        while true {
            skipSpace()
            switch expectation {
            case .value, .valueOrEnd:
                if expectation == .valueOrEnd, peek == UInt8(ascii: "]") {
                    expectation = close()
                } else {
                    expectation = try scanValue()
                }
            case .keyOrEnd, .key:
                if expectation == .keyOrEnd, peek == UInt8(ascii: "}") {
                    expectation = close()
                } else {
                    try scanKey()
                    expectation = .value
                }
            case .commaOrEnd:
                expectation = try scanSeparator()
            case .end:
                guard position == run.count else { throw JSONError(code: .trailingBytes, offset: position) }
                return
            }
        }
    }

    private var peek: UInt8? {
        position < run.count ? run.base.load(fromByteOffset: position, as: UInt8.self) : nil
    }

    private func failure(_ code: JSONError.Code) -> JSONError {
        JSONError(code: position >= run.count ? .unexpectedEnd : code, offset: position)
    }

    private mutating func skipSpace() {
        while let byte = peek, byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private var afterValue: Expectation { open.isEmpty ? .end : .commaOrEnd }

    private mutating func scanValue() throws(JSONError) -> Expectation {
        guard let byte = peek else { throw failure(.unexpectedEnd) }
        switch byte {
        case UInt8(ascii: "{"): return try begin(.object)
        case UInt8(ascii: "["): return try begin(.array)
        case UInt8(ascii: "\""): try scanString()
        case UInt8(ascii: "t"): try scanWord([0x74, 0x72, 0x75, 0x65], kind: .bool, flag: true)
        case UInt8(ascii: "f"): try scanWord([0x66, 0x61, 0x6C, 0x73, 0x65], kind: .bool, flag: false)
        case UInt8(ascii: "n"): try scanWord([0x6E, 0x75, 0x6C, 0x6C], kind: .null, flag: false)
        case UInt8(ascii: "-"), 0x30...0x39: try scanNumber()
        default: throw failure(.unexpectedByte)
        }
        return afterValue
    }

    private mutating func begin(_ kind: JSONKind) throws(JSONError) -> Expectation {
        guard open.count < JSONLimits.depth else { throw failure(.tooDeep) }
        open.append(tokens.count)
        append(kind, flag: false, start: position, end: position + 1)
        position += 1
        return kind == .object ? .keyOrEnd : .valueOrEnd
    }

    /// Consumes the closing bracket under the cursor.
    private mutating func close() -> Expectation {
        position += 1
        if let index = open.popLast() {
            tokens[index].end = UInt32(position)
            tokens[index].next = UInt32(tokens.count)
        }
        return afterValue
    }

    private mutating func scanSeparator() throws(JSONError) -> Expectation {
        guard let byte = peek, let container = open.last else { throw failure(.unexpectedByte) }
        let isObject = tokens[container].kind == .object
        if byte == UInt8(ascii: ",") {
            position += 1
            return isObject ? .key : .value
        }
        guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw failure(.unexpectedByte) }
        return close()
    }

    private mutating func scanKey() throws(JSONError) {
        guard peek == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
        try scanString()
        skipSpace()
        guard peek == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
        position += 1
    }

    private mutating func append(_ kind: JSONKind, flag: Bool, start: Int, end: Int) {
        tokens.append(
            JSONToken(kind: kind, flag: flag, start: UInt32(start), end: UInt32(end), next: UInt32(tokens.count + 1)))
    }

    private mutating func scanWord(_ word: [UInt8], kind: JSONKind, flag: Bool) throws(JSONError) {
        let start = position
        for byte in word {
            guard peek == byte else { throw failure(.unexpectedByte) }
            position += 1
        }
        append(kind, flag: flag, start: start, end: position)
    }

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
        append(.string, flag: escaped, start: start, end: position)
    }

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
        append(.number, flag: isInteger, start: start, end: position)
    }

    private mutating func scanDigits() throws(JSONError) {
        let start = position
        while let byte = peek, byte >= 0x30, byte <= 0x39 { position += 1 }
        guard position > start else { throw failure(.badNumber) }
    }
}
