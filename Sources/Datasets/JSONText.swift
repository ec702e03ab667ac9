// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Small helpers over JSON that never touch a lexeme.
enum JSONText {
    /// A value's text without the white space between tokens: order, escapes and number spellings stay.
    static func compact(_ node: JSONNode) -> [UInt8] { node.compactLexeme }

    /// The same as text.
    static func compactText(_ node: JSONNode) -> String { String(decoding: compact(node), as: UTF8.self) }

    /// How deep arrays and objects of a valid JSON text lie in one another.
    static func depth(_ json: some Sequence<UInt8>) -> Int {
        var (depth, deepest, inString, escaped) = (0, 0, false, false)
        for byte in json {
            if escaped {
                escaped = false
            } else if inString {
                escaped = byte == UInt8(ascii: "\\")
                inString = byte != UInt8(ascii: "\"")
            } else if byte == UInt8(ascii: "\"") {
                inString = true
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                depth += 1
                deepest = max(deepest, depth)
            } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
                depth -= 1
            }
        }
        return deepest
    }

    /// A value's text with no escape that JSON does not need, and without white space between tokens: order and number spellings stay.
    ///
    /// For what some library put into an object on its way: which escapes it used is no part of what was said. Depth is bounded by
    /// `JSONLimits.depth`.
    static func plainText(_ node: JSONNode) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(node.range.count)
        appendPlain(node, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private static func appendPlain(_ node: JSONNode, to out: inout [UInt8]) {
        switch node.kind {
        case .string: JSONEscaping.appendQuoted(node.unescapedBytes[...], to: &out)
        case .array:
            out.append(UInt8(ascii: "["))
            for (position, element) in node.elements.enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                appendPlain(element, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object:
            out.append(UInt8(ascii: "{"))
            for (position, member) in node.members.enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                appendPlain(member.key, to: &out)
                out.append(UInt8(ascii: ":"))
                appendPlain(member.value, to: &out)
            }
            out.append(UInt8(ascii: "}"))
        default: out.append(contentsOf: node.lexeme)
        }
    }

    /// A value in a form that only its meaning decides: members sorted by the bytes of their key, escapes undone, numbers as spelled.
    ///
    /// Depth is bounded by `JSONLimits.depth`.
    static func appendCanonical(_ node: JSONNode, to out: inout [UInt8]) {
        switch node.kind {
        case .string: JSONEscaping.appendQuoted(node.unescapedBytes[...], to: &out)
        case .array:
            out.append(UInt8(ascii: "["))
            for element in node.elements {
                appendCanonical(element, to: &out)
                out.append(UInt8(ascii: ","))
            }
            out.append(UInt8(ascii: "]"))
        case .object: appendMembers(node, to: &out)
        default: out.append(contentsOf: node.lexeme)
        }
    }

    private static func appendMembers(_ node: JSONNode, to out: inout [UInt8]) {
        var members: [(key: [UInt8], value: JSONNode, position: Int)] = []
        for (key, value) in node.members { members.append((key.unescapedBytes, value, members.count)) }
        members.sort { a, b in
            if a.key == b.key { return a.position < b.position }
            return a.key.lexicographicallyPrecedes(b.key)
        }
        out.append(UInt8(ascii: "{"))
        for member in members {
            JSONEscaping.appendQuoted(member.key[...], to: &out)
            out.append(UInt8(ascii: ":"))
            appendCanonical(member.value, to: &out)
            out.append(UInt8(ascii: ","))
        }
        out.append(UInt8(ascii: "}"))
    }
}

extension JSONNode {
    /// The member's value under either of its two spellings.
    func present(_ key: String, _ other: String) -> JSONNode? { present(key) ?? present(other) }

    /// The member's value without white space, or nil where it is absent or null.
    func lexeme(_ key: String) -> String? { present(key).map(JSONText.compactText) }

    /// The elements of an array; of anything else itself, as protobuf's JSON lets a list of one be written.
    var listed: [JSONNode] { kind == .array ? Array(elements) : isNull ? [] : [self] }

    /// The member's text, or nil where it is absent, null or no string.
    func text(_ key: String) -> String? { self[key]?.string }

    /// The member's text where there is some, else nil.
    func filledText(_ key: String) -> String? {
        guard let text = self[key]?.string, !text.utf8.isEmpty else { return nil }
        return text
    }
}

extension JSONElements {
    /// The first element.
    var first: JSONNode? {
        var copy = self
        return copy.next()
    }
}
