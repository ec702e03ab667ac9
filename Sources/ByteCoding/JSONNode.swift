// SPDX-License-Identifier: Apache-2.0

/// One value inside a `JSONDocument`; a cheap reference that keeps its document alive.
///
/// Readers are total: a wrong kind gives nil, never a trap.
package struct JSONNode: Sendable {
    let document: JSONDocument
    let index: Int

    private var token: JSONToken { document.tokens[index] }

    /// What kind of value this is.
    package var kind: JSONKind { token.kind }

    /// Whether this is the literal `null`.
    package var isNull: Bool { token.kind == .null }

    /// Offsets of the lexeme in the document's bytes, quotes and brackets included.
    package var range: Range<Int> { Int(token.start)..<Int(token.end) }

    /// The bytes of the value exactly as written.
    package var lexeme: ArraySlice<UInt8> { document.bytes[range] }

    /// The same without the white space between tokens, so in one line: order, escapes and number spellings stay.
    package var compactLexeme: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(range.count)
        var (isInString, isEscaped) = (false, false)
        for byte in lexeme {
            if isInString {
                out.append(byte)
                isInString = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            } else if ![0x20, 0x0A, 0x0D, 0x09].contains(byte) {
                out.append(byte)
                isInString = byte == UInt8(ascii: "\"")
            }
        }
        return out
    }

    /// The literal `true` or `false`, else nil.
    package var bool: Bool? { token.kind == .bool ? token.flag : nil }

    /// The number as a 64-bit integer where it is written as one and fits, else nil.
    package var int: Int64? { document.integer(at: index) }

    /// The number as a double, else nil.
    package var double: Double? {
        guard token.kind == .number else { return nil }
        return Double(String(decoding: lexeme, as: UTF8.self))
    }

    /// The text of a string with its escapes undone, else nil.
    ///
    /// A lone surrogate becomes U+FFFD.
    package var string: String? { document.string(at: index) }

    /// The UTF-8 bytes of a string with its escapes undone; empty for any other kind.
    package var unescapedBytes: [UInt8] {
        guard token.kind == .string else { return [] }
        let inner = document.bytes[range.lowerBound + 1..<range.upperBound - 1]
        return token.flag ? JSONEscaping.unescape(inner) : Array(inner)
    }

    /// Whether this is a string equal to `text`, byte for byte; allocates nothing where no escape occurs.
    ///
    /// - Parameter text: what to compare with.
    /// - Returns: false for any other kind.
    package func equals(_ text: String) -> Bool {
        let token = token
        guard token.kind == .string else { return false }
        return JSONDocument.withBytes(of: text) { wanted in
            document.bytes.withUnsafeBytes { JSONDocument.isString(token, wanted, ByteRun($0)) }
        }
    }

    /// The member's value (the last one, where a key is repeated), or nil where there is none or this is no object.
    package subscript(key: String) -> JSONNode? {
        guard token.kind == .object, let value = document.value(of: key, in: index) else { return nil }
        return JSONNode(document: document, index: value)
    }

    /// The element at a position, or nil where there is none or this is no array.
    ///
    /// - Complexity: O(position).
    package subscript(position: Int) -> JSONNode? {
        let token = token
        guard token.kind == .array, position >= 0 else { return nil }
        let end = Int(token.next)
        var element = index + 1
        var left = position
        while left > 0, element < end {
            element = Int(document.tokens[element].next)
            left -= 1
        }
        return element < end ? JSONNode(document: document, index: element) : nil
    }

    /// The elements of an array in order; empty for any other kind.
    package var elements: JSONElements {
        guard token.kind == .array else { return JSONElements(document: document, index: 0, end: 0) }
        return JSONElements(document: document, index: index + 1, end: Int(token.next))
    }

    /// The members of an object in order, repeated keys included; empty for any other kind.
    package var members: JSONMembers {
        guard token.kind == .object else { return JSONMembers(document: document, index: 0, end: 0) }
        return JSONMembers(document: document, index: index + 1, end: Int(token.next))
    }
}

/// The elements of one JSON array.
package struct JSONElements: Sequence, IteratorProtocol, Sendable {
    let document: JSONDocument
    var index: Int
    let end: Int

    /// The next element.
    package mutating func next() -> JSONNode? {
        guard index < end else { return nil }
        defer { index = Int(document.tokens[index].next) }
        return JSONNode(document: document, index: index)
    }
}

/// The members of one JSON object.
package struct JSONMembers: Sequence, IteratorProtocol, Sendable {
    let document: JSONDocument
    var index: Int
    let end: Int

    /// The next key and its value.
    package mutating func next() -> (key: JSONNode, value: JSONNode)? {
        guard index < end else { return nil }
        let key = JSONNode(document: document, index: index)
        let value = JSONNode(document: document, index: index + 1)
        index = Int(document.tokens[index + 1].next)
        return (key, value)
    }
}

extension JSONNode {
    /// The elements of nothing.
    package static var noElements: JSONElements { JSONElements(document: emptyDocument, index: 0, end: 0) }
    /// The members of nothing.
    package static var noMembers: JSONMembers { JSONMembers(document: emptyDocument, index: 0, end: 0) }
    private static let emptyDocument = JSONDocument()
}
