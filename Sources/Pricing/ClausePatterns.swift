// SPDX-License-Identifier: Apache-2.0

/// The match clauses of genai-prices as patterns of ours.
struct ClausePatterns: Equatable {
    var models: [String] = []
    var except: [String] = []

    /// Reads `equals`, `starts_with`, `ends_with`, `contains`, `regex`, `or`, or an `and` with what is not meant.
    ///
    /// nil where the clause says something that patterns cannot.
    static func read(_ node: PriceNode, depth: Int = 0) -> ClausePatterns? {
        guard depth < 8, let member = node.members?.first, node.members?.count == 1 else { return nil }
        let text = member.value.text
        switch member.key {
        case "equals": return literal(text) { $0 }
        case "starts_with": return literal(text) { $0 + "*" }
        case "ends_with": return literal(text) { "*" + $0 }
        case "contains": return literal(text) { "*" + $0 + "*" }
        case "regex": return text.flatMap(RegexPatterns.read)
        case "or": return parts(member.value, depth).flatMap(anyOf)
        case "and": return parts(member.value, depth).flatMap(allOf)
        default: return nil
        }
    }

    private static func parts(_ node: PriceNode, _ depth: Int) -> [ClausePatterns]? {
        guard let elements = node.elements, elements.count <= PricingLimits.patterns else { return nil }
        let read = elements.compactMap { ClausePatterns.read($0, depth: depth + 1) }
        return read.count == elements.count && !read.isEmpty ? read : nil
    }

    private static func literal(_ text: String?, _ wrap: (String) -> String) -> ClausePatterns? {
        guard let text, !text.isEmpty, !text.contains("*"), !text.contains("#"), !text.contains("|") else { return nil }
        return ClausePatterns(models: [wrap(text)])
    }

    private static func anyOf(_ parts: [ClausePatterns]) -> ClausePatterns? {
        guard parts.count == 1 || parts.allSatisfy({ $0.except.isEmpty && !$0.models.isEmpty }) else {
            return withExceptions(parts)
        }
        return ClausePatterns(models: parts.flatMap(\.models), except: parts.count == 1 ? parts[0].except : [])
    }

    /// Exceptions of one alternative become exceptions of all; they are few and narrow there (`*-tts`).
    private static func withExceptions(_ parts: [ClausePatterns]) -> ClausePatterns? {
        guard parts.allSatisfy({ !$0.models.isEmpty }) else { return nil }
        let models = parts.flatMap(\.models)
        let except = Set(parts.flatMap(\.except)).sorted()
        let literals = Set(models.filter { !$0.contains("*") && !$0.contains("#") })
        let isSafe = except.allSatisfy { text in
            guard let pattern = ModelPattern(text) else { return false }
            return !literals.contains { pattern.matches(Array($0.lowercased().utf8)) }
        }
        return isSafe ? ClausePatterns(models: models, except: except) : nil
    }

    /// One clause that says what is meant, the others what is not.
    private static func allOf(_ parts: [ClausePatterns]) -> ClausePatterns? {
        let positive = parts.filter { !$0.models.isEmpty }
        guard positive.count == 1 else { return nil }
        return ClausePatterns(models: positive[0].models, except: parts.flatMap(\.except))
    }
}

/// The small part of regular expressions that price tables use, as patterns.
///
/// Literal text, `\d` and `\d{n}`, a class of a few characters, an optional group of literal text and digits, anchors, and a look-ahead
/// that rules text out.
enum RegexPatterns {
    static func read(_ regex: String) -> ClausePatterns? {
        if let except = ruledOut(regex) { return ClausePatterns(except: except) }
        var rest = Array(regex)[...]
        let isAnchored = rest.first == "^"
        if isAnchored { rest = rest.dropFirst() }
        let isClosed = rest.last == "$" && rest.dropLast().last != "\\"
        if isClosed { rest = rest.dropLast() }
        guard let texts = alternatives(rest) else { return nil }
        return ClausePatterns(models: texts.map { (isAnchored ? "" : "*") + $0 + (isClosed ? "" : "*") })
    }

    /// `^(?!.*-[tT][tT][sS](?:$|-))` says: nothing with `-tts` at its end or before a hyphen.
    private static func ruledOut(_ regex: String) -> [String]? {
        let open = "^(?!.*"
        let close = "(?:$|-))"
        guard regex.hasPrefix(open), regex.hasSuffix(close) else { return nil }
        let middle = Array(regex.dropFirst(open.count).dropLast(close.count))
        guard let texts = alternatives(middle[...]) else { return nil }
        return Set(texts.map { $0.lowercased() }).sorted().flatMap { ["*\($0)", "*\($0)-*"] }
    }

    /// Every text a piece stands for, with `#` for a digit; nil where there are too many, or it is another kind of expression.
    private static func alternatives(_ regex: ArraySlice<Character>) -> [String]? {
        var texts = [""]
        var rest = regex
        while let first = rest.first {
            guard let (choices, used) = piece(first, rest), !choices.isEmpty else { return nil }
            rest = rest.dropFirst(used)
            texts = texts.flatMap { text in choices.map { text + $0 } }
            guard texts.count <= PricingLimits.alternatives else { return nil }
        }
        return texts
    }

    private static func piece(_ first: Character, _ rest: ArraySlice<Character>) -> (choices: [String], used: Int)? {
        switch first {
        case "\\": return escaped(rest)
        case "[":
            guard let end = rest.firstIndex(of: "]") else { return nil }
            let inner = rest[(rest.startIndex + 1)..<end]
            guard !inner.isEmpty, inner.first != "^", !inner.contains("\\"), !inner.dropFirst().dropLast().contains("-") else {
                return nil
            }
            return (inner.map(String.init), end - rest.startIndex + 1)
        case "(":
            guard let end = rest.firstIndex(of: ")") else { return nil }
            let inner = rest[(rest.startIndex + 1)..<end]
            guard !inner.contains("("), !inner.contains("|"), inner.first != "?", let texts = alternatives(inner) else {
                return nil
            }
            let isOptional = end + 1 < rest.endIndex && rest[end + 1] == "?"
            return (isOptional ? [""] + texts : texts, end - rest.startIndex + (isOptional ? 2 : 1))
        case "*", "+", "?", "{", "}", "|", ".", "^", "$", ")", "]", "#": return nil
        default:
            let next = rest.dropFirst().first
            return next == "?" || next == "*" || next == "+" || next == "{" ? nil : ([String(first)], 1)
        }
    }

    private static func escaped(_ rest: ArraySlice<Character>) -> (choices: [String], used: Int)? {
        guard let kind = rest.dropFirst().first else { return nil }
        guard kind == "d" else {
            return kind.isLetter || kind.isNumber ? nil : ([String(kind)], 2)
        }
        let after = rest.dropFirst(2)
        guard after.first == "{" else {
            return after.first == "+" || after.first == "*" || after.first == "?" ? nil : (["#"], 2)
        }
        guard let end = after.firstIndex(of: "}"), let count = Int(String(after[(after.startIndex + 1)..<end])),
            (1...32).contains(count)
        else { return nil }
        return ([String(repeating: "#", count: count)], end - rest.startIndex + 1)
    }
}
