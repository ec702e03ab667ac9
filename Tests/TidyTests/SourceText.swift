// SPDX-License-Identifier: Apache-2.0

/// One Swift file in two views of equal shape: as written, and with comments and literal text blanked.
///
/// A check on calls reads `code`, so that a word in a comment or in a string never counts as use; a check on words reads `raw`.
/// Both views have the same number of lines.
struct SourceText {
    /// The path from the package root, with forward slashes.
    let path: String
    /// The lines as written.
    let raw: [String]
    /// The lines with comments and the text inside literals replaced by spaces; quotes and interpolated code stay.
    let code: [String]
    /// The text of each string literal with the line it begins on; interpolations are left out of the text.
    let literals: [Literal]
    /// Where words are in `code`.
    let codeIndex: LineIndex
    /// Where words are in `raw`.
    let rawIndex: LineIndex

    /// One string literal.
    struct Literal: Equatable {
        let line: Int
        let text: String
    }

    init(path: String, text: String) {
        self.path = path
        var scanner = SourceScanner(Array(text.utf8))
        scanner.run()
        raw = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        code = String(decoding: scanner.code, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        literals = scanner.literals
        codeIndex = LineIndex(scanner.code)
        rawIndex = LineIndex(Array(text.utf8))
    }

    /// The target's name for a path `Sources/NAME/...`, nil elsewhere.
    var room: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }
}

/// Walks Swift source once and blanks what is not code.
///
/// A heuristic, not a parser: it knows line and nested block comments, plain, raw and multi-line strings with interpolation,
/// and regex literals that close on their line.
struct SourceScanner {
    private enum Place {
        /// Code; inside an interpolation, with the count of open parentheses to come back from.
        case code(openParens: Int)
        /// A string literal and how it closes.
        case string(hashes: Int, isMultiline: Bool)
    }

    private(set) var code: [UInt8] = []
    private(set) var literals: [SourceText.Literal] = []

    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var places: [Place] = [.code(openParens: 0)]
    private var open: [(line: Int, text: [UInt8])] = []
    private var lastCode: UInt8 = 10

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        code.reserveCapacity(bytes.count)
    }

    mutating func run() {
        while at < bytes.count {
            switch places.last {
            case .string(let hashes, let isMultiline): stepString(hashes: hashes, isMultiline: isMultiline)
            case .code, nil: stepCode()
            }
        }
    }

    private func peek(_ distance: Int) -> UInt8 {
        at + distance < bytes.count ? bytes[at + distance] : 0
    }

    private func matches(_ text: StaticString) -> Bool {
        guard at + text.utf8CodeUnitCount <= bytes.count else { return false }
        return text.withUTF8Buffer { expected in
            expected.indices.allSatisfy { bytes[at + $0] == expected[$0] }
        }
    }

    private mutating func keep(_ count: Int = 1) {
        for _ in 0..<count where at < bytes.count {
            let byte = bytes[at]
            code.append(byte)
            if byte == UInt8(ascii: "\n") { line += 1 }
            if byte != UInt8(ascii: " ") { lastCode = byte }
            at += 1
        }
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where at < bytes.count {
            let byte = bytes[at]
            code.append(byte == UInt8(ascii: "\n") ? byte : UInt8(ascii: " "))
            if byte == UInt8(ascii: "\n") { line += 1 }
            at += 1
        }
    }

    private mutating func stepCode() {
        if matches("//") {
            while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { blank() }
            return
        }
        if matches("/*") { return skipBlockComment() }
        let hashes = countHashes()
        if hashes > 0 || bytes[at] == UInt8(ascii: "\"") {
            let quote = peek(hashes)
            if quote == UInt8(ascii: "\"") { return openString(hashes: hashes) }
            if hashes > 0, quote == UInt8(ascii: "/") { return skipExtendedRegex(hashes: hashes) }
            return keep(max(1, hashes))
        }
        if bytes[at] == UInt8(ascii: "/"), let length = bareRegexLength() {
            keep()
            blank(length - 2)
            return keep()
        }
        stepParens()
    }

    private mutating func stepParens() {
        guard places.count > 1, case .code(let openParens) = places[places.count - 1] else { return keep() }
        if bytes[at] == UInt8(ascii: "(") { places[places.count - 1] = .code(openParens: openParens + 1) }
        if bytes[at] == UInt8(ascii: ")") {
            if openParens == 1 { places.removeLast() } else { places[places.count - 1] = .code(openParens: openParens - 1) }
        }
        keep()
    }

    private func countHashes() -> Int {
        var count = 0
        while peek(count) == UInt8(ascii: "#") { count += 1 }
        return count
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if matches("/*") {
                depth += 1
                blank(2)
            } else if matches("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && at < bytes.count
    }

    private mutating func openString(hashes: Int) {
        let isMultiline = peek(hashes + 1) == UInt8(ascii: "\"") && peek(hashes + 2) == UInt8(ascii: "\"")
        open.append((line, []))
        keep(hashes + (isMultiline ? 3 : 1))
        places.append(.string(hashes: hashes, isMultiline: isMultiline))
    }

    private mutating func stepString(hashes: Int, isMultiline: Bool) {
        let quotes = isMultiline ? 3 : 1
        if (0..<quotes).allSatisfy({ peek($0) == UInt8(ascii: "\"") })
            && (0..<hashes).allSatisfy({ peek(quotes + $0) == UInt8(ascii: "#") })
        {
            keep(quotes + hashes)
            return closeString()
        }
        let isEscape = bytes[at] == UInt8(ascii: "\\") && (0..<hashes).allSatisfy { peek(1 + $0) == UInt8(ascii: "#") }
        if isEscape, peek(1 + hashes) == UInt8(ascii: "(") {
            blank(1 + hashes)
            places.append(.code(openParens: 1))
            return keep()
        }
        if isEscape { return take(2 + hashes) }
        if bytes[at] == UInt8(ascii: "\n"), !isMultiline {
            keep()
            return closeString()
        }
        take(1)
    }

    private mutating func take(_ count: Int) {
        let end = min(bytes.count, at + count)
        open[open.count - 1].text.append(contentsOf: bytes[at..<end])
        blank(end - at)
    }

    private mutating func closeString() {
        places.removeLast()
        let literal = open.removeLast()
        literals.append(SourceText.Literal(line: literal.line, text: String(decoding: literal.text, as: UTF8.self)))
    }

    private mutating func skipExtendedRegex(hashes: Int) {
        keep(hashes + 1)
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "/"), (0..<hashes).allSatisfy({ peek(1 + $0) == UInt8(ascii: "#") }) {
                return keep(hashes + 1)
            }
            blank()
        }
    }

    /// The length of a regex literal that begins here and closes on this line, nil where the slash divides.
    private func bareRegexLength() -> Int? {
        let before = lastCode
        guard "(,=:[{!&|\n".utf8.contains(before), ![UInt8(ascii: " "), UInt8(ascii: "\n")].contains(peek(1)) else { return nil }
        var distance = 1
        while peek(distance) != 0, peek(distance) != UInt8(ascii: "\n") {
            if peek(distance) == UInt8(ascii: "\\") {
                distance += 2
                continue
            }
            if peek(distance) == UInt8(ascii: "/") { return distance + 1 }
            distance += 1
        }
        return nil
    }
}
