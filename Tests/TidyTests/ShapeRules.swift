// SPDX-License-Identifier: Apache-2.0

/// Sizes, licence lines, doc comments, names and room cards.
enum ShapeRules {
    static let fileLinesMax = 600
    static let functionLinesMax = 70
    static let cardLinesMax = 25
    static let licenceLine = "SPDX-License-Identifier: Apache-2.0"

    /// A file longer than the limit.
    static func longFile(_ source: SourceText) -> [Finding] {
        let count = source.raw.last == "" ? source.raw.count - 1 : source.raw.count
        guard count > fileLinesMax else { return [] }
        let message = "\(count) lines, the limit is \(fileLinesMax): it holds more than one idea, split it."
        return [Finding(path: source.path, line: 0, message: message)]
    }

    /// Functions, initialisers and subscripts longer than the limit, from the first line to the closing brace.
    static func longFunctions(_ source: SourceText) -> [Finding] {
        let head =
            /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:[a-z]+(?:\([a-z]+\))?\s+)*(?:func\s+\S|init[?!]?\s*[<(]|subscript\s*[<(]|deinit\b)/
            .wordBoundaryKind(.simple)
        return source.codeIndex.lines(holding: ["func ", "init", "subscript"]).compactMap { index in
            guard source.code[index].contains(head), let end = bodyEnd(source.code, from: index) else { return nil }
            let count = end - index + 1
            guard count > functionLinesMax else { return nil }
            let message = "a function of \(count) lines, the limit is \(functionLinesMax): name its steps and split it."
            return Finding(path: source.path, line: index + 1, message: message)
        }
    }

    /// The line of the brace that closes the body that begins after the head at `start`, nil for a declaration without a body.
    private static func bodyEnd(_ code: [String], from start: Int) -> Int? {
        var parens = 0
        var braces = 0
        for index in start..<code.count {
            if braces == 0, parens == 0, index > start, beginsDeclaration(code[index]) { return nil }
            for byte in code[index].utf8 {
                switch byte {
                case UInt8(ascii: "("), UInt8(ascii: "["): parens += 1
                case UInt8(ascii: ")"), UInt8(ascii: "]"): parens -= 1
                case UInt8(ascii: "{") where parens <= 0 || braces > 0: braces += 1
                case UInt8(ascii: "}") where parens <= 0 || braces > 0:
                    if braces == 0 { return nil }
                    braces -= 1
                    if braces == 0 { return index }
                default: break
                }
            }
        }
        return nil
    }

    private static func beginsDeclaration(_ line: String) -> Bool {
        line.contains(
            /^\s*(?:(?:package|private|static|mutating|final)\s+)*(?:func|var|let|init|case|associatedtype|subscript|struct|enum|class)\b/
                .wordBoundaryKind(.simple))
    }

    /// A file without the licence line near its top.
    static func missingLicence(path: String, text: String) -> [Finding] {
        let top = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(3)
        guard !top.contains(where: { $0.contains(licenceLine) }) else { return [] }
        return [Finding(path: path, line: 1, message: "begin the file with: // \(licenceLine)")]
    }

    /// `package` declarations without a doc comment.
    static func undocumented(_ source: SourceText) -> [Finding] {
        source.codeIndex.lines(holding: ["package "]).compactMap { index in
            guard isPackageDeclaration(source.code[index]), !hasDocComment(source, above: index) else { return nil }
            let words = source.code[index].trimmed.prefix(70)
            return Finding(
                path: source.path, line: index + 1, message: "no doc comment on `\(words)`: say in one sentence what it promises."
            )
        }
    }

    private static func isPackageDeclaration(_ line: String) -> Bool {
        let keyword = "func|var|let|struct|class|enum|actor|protocol|typealias|init|subscript|macro|precedencegroup"
        guard let range = line.firstRange(of: /^\s*(?:@[\w.]+(?:\([^)]*\))?\s+)*(?:[a-z]+\s+)*?package\s+/) else { return false }
        let rest = line[range.upperBound...].split(whereSeparator: { !($0.isLetter || $0 == "(" || $0 == ")") })
        guard let first = rest.first(where: { !modifiers.contains(String($0)) }) else { return false }
        let word = first.prefix { $0.isLetter }
        return keyword.split(separator: "|").contains { $0 == word }
    }

    private static let modifiers: Set<String> = [
        "static", "final", "mutating", "nonmutating", "consuming", "borrowing", "indirect", "nonisolated", "private(set)",
        "fileprivate(set)", "internal(set)", "convenience", "required", "override", "lazy", "weak", "unowned", "distributed",
        "nonisolated(unsafe)", "nonisolated(nonsending)",
    ]

    private static func hasDocComment(_ source: SourceText, above index: Int) -> Bool {
        var at = index - 1
        var openParens = 0
        while at >= 0 {
            let line = source.raw[at].trimmed
            if line.hasPrefix("///") { return true }
            openParens += line.count { $0 == ")" } - line.count { $0 == "(" }
            guard line.hasPrefix("@") || line.hasPrefix("//") || openParens > 0 else { return false }
            at -= 1
        }
        return false
    }

    /// Type names that stand for a word the glossary replaced.
    static func bannedTypeNames(_ source: SourceText) -> [Finding] {
        let pattern = /\b(?:struct|class|enum|actor|protocol|typealias)\s+(Call|\w*Interaction|\w*LogRow|\w*Adapter|\w*Vendor)\b/
            .wordBoundaryKind(.simple)
        let words = ["Call", "Interaction", "LogRow", "Adapter", "Vendor"]
        return source.codeIndex.lines(holding: words).compactMap { index in
            guard let match = source.code[index].firstMatch(of: pattern) else { return nil }
            let message = "the name \(match.1) is not of this house: say exchange, attempt, fact, dialect or provider."
            return Finding(path: source.path, line: index + 1, message: message)
        }
    }

    /// Paths that exist on one person's machine only.
    static func machinePaths(path: String, text: String) -> [Finding] {
        let pattern = /(?:^|[^\w.])(?:\/[h]ome\/\w|\/[U]sers\/\w|\/[r]oot\/|\/[w]ork\/|[A-Z]:\\+[U]sers)/
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let hints = ["ho" + "me/", "Us" + "ers", "ro" + "ot/", "wo" + "rk/"]
        return LineIndex(Array(text.utf8)).lines(holding: hints).filter { lines[$0].contains(pattern) }.map {
            Finding(path: path, line: $0 + 1, message: "a path of one machine: write it relative to the package root.")
        }
    }

    /// A target whose room card is missing or too long.
    ///
    /// - Parameters:
    ///   - target: The target's name and folder, where the card lies as `NAME.docc/NAME.md`.
    ///   - card: The card's text, nil where there is none.
    static func roomCard(target: Manifest.Target, card: String?) -> [Finding] {
        let path = cardPath(target)
        guard let card else {
            return [
                Finding(path: path, line: 0, message: "the room has no card: purpose, invariant, first file to read, refusals.")
            ]
        }
        let count = card.split(separator: "\n", omittingEmptySubsequences: false).count - (card.hasSuffix("\n") ? 1 : 0)
        guard count > cardLinesMax else { return [] }
        return [Finding(path: path, line: 0, message: "\(count) lines, a room card has at most \(cardLinesMax).")]
    }

    /// Where the target's room card lies.
    static func cardPath(_ target: Manifest.Target) -> String { "\(target.path)/\(target.name).docc/\(target.name).md" }
}
