// SPDX-License-Identifier: Apache-2.0

/// The kinds of a JSON value.
package enum JSONKind: UInt8, Sendable {
    case null, bool, number, string, array, object
}

/// Why bytes are not one JSON text (RFC 8259), and where.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Which rule was broken.
    package enum Code: String, Sendable {
        case unexpectedEnd, unexpectedByte, badEscape, badNumber, badUTF8, controlByteInString, trailingBytes, tooDeep, tooLarge
    }

    /// The broken rule.
    package let code: Code
    /// Offset of the offending byte.
    package let offset: Int

    /// What happened, and where.
    package var description: String { "not valid JSON: \(code.rawValue) at byte \(offset)" }
}

/// Limits of the JSON reader.
package enum JSONLimits {
    /// Nesting deeper than this is refused, so that hostile input cannot exhaust a stack.
    package static let depth = 256
    /// Texts of this many bytes or more are refused (offsets are 32 bits wide).
    package static let bytes = 1 << 31
}

/// One validated JSON text over the bytes it was read from: lexemes and member order are kept, nothing is copied until asked for.
///
/// Immutable once read. The whole text is validated (UTF-8, escapes, numbers, no trailing bytes), so that a node never fails.
package final class JSONDocument: Sendable {
    /// The text.
    package let bytes: [UInt8]
    let tokens: [JSONToken]

    /// Reads and validates one JSON text.
    ///
    /// - Parameter bytes: the text; white space around it is allowed.
    /// - Throws: `JSONError` for the first broken rule.
    /// - Complexity: O(n).
    package init(_ bytes: [UInt8]) throws(JSONError) {
        guard bytes.count < JSONLimits.bytes else { throw JSONError(code: .tooLarge, offset: JSONLimits.bytes) }
        var tokens: [JSONToken] = []
        let broken = bytes.withUnsafeBytes { raw -> JSONError? in
            var scanner = JSONScanner(ByteRun(raw))
            do throws(JSONError) { try scanner.scanDocument() } catch { return error }
            tokens = scanner.tokens
            return nil
        }
        if let broken { throw broken }
        self.bytes = bytes
        self.tokens = tokens
    }

    /// The empty list of tokens, for sequences over nothing.
    init() {
        bytes = []
        tokens = []
    }

    /// Reads a run of bytes, or nil where they are not valid JSON.
    ///
    /// - Parameter bytes: the text.
    /// - Returns: the document, or nil.
    package static func read(_ bytes: some Collection<UInt8>) -> JSONDocument? {
        do { return try JSONDocument(Array(bytes)) } catch { return nil }
    }

    /// The token of a member's value (the last one, where a key is repeated), found without making a node of any other member.
    ///
    /// - Parameters:
    ///   - key: the member's key.
    ///   - object: the token of an object.
    /// - Returns: nil where there is none.
    /// - Complexity: O(members).
    func value(of key: String, in object: Int) -> Int? {
        JSONDocument.withBytes(of: key) { wanted in
            bytes.withUnsafeBytes { bytes in
                tokens.withUnsafeBufferPointer { tokens in
                    var found: Int?
                    var index = object + 1
                    let end = Int(tokens[object].next)
                    while index < end {
                        if JSONDocument.isString(tokens[index], wanted, ByteRun(bytes)) { found = index + 1 }
                        index = Int(tokens[index + 1].next)
                    }
                    return found
                }
            }
        }
    }

    /// Whether a string is the wanted one, its escapes undone.
    @inline(__always)
    static func isString(_ token: JSONToken, _ wanted: ByteRun, _ bytes: ByteRun) -> Bool {
        let inner = bytes.slice(Int(token.start) &+ 1, Int(token.end) &- 1)
        guard token.flag else { return inner.equals(wanted) }
        // Undone, no escape is longer than it is written.
        guard inner.count >= wanted.count else { return false }
        return JSONEscaping.unescape(inner).withUnsafeBytes { ByteRun($0).equals(wanted) }
    }

    /// Gives the bytes of a key, valid within the call; unlike `withUTF8` this holds and lets go of nothing.
    @inline(__always)
    static func withBytes<T>(of key: String, _ body: (ByteRun) -> T) -> T {
        let found = key.utf8.withContiguousStorageIfAvailable { body(ByteRun(UnsafeRawBufferPointer($0))) }
        if let found { return found }
        return Array(key.utf8).withUnsafeBytes { body(ByteRun($0)) }
    }

    /// A number as a 64-bit integer where it is written as one and fits, else nil.
    func integer(at index: Int) -> Int64? {
        let token = tokens[index]
        guard token.kind == .number, token.flag else { return nil }
        return bytes.withUnsafeBytes {
            ASCIIInteger.parse(UnsafeRawBufferPointer(rebasing: $0[Int(token.start)..<Int(token.end)]))
        }
    }

    /// The text of a string with its escapes undone, else nil.
    func string(at index: Int) -> String? {
        let token = tokens[index]
        guard token.kind == .string else { return nil }
        return bytes.withUnsafeBytes {
            let inner = ByteRun($0).slice(Int(token.start) &+ 1, Int(token.end) &- 1)
            return token.flag ? String(decoding: JSONEscaping.unescape(inner), as: UTF8.self) : inner.text
        }
    }

    /// The outermost value.
    package var root: JSONNode { JSONNode(document: self, index: 0) }
}

/// One value of a text, in the order in which it was read; a key is a `.string` token before its value.
struct JSONToken: Sendable {
    var kind: JSONKind
    /// For strings: whether a backslash occurs.
    ///
    /// For numbers: whether it is written as an integer. For bools: the value.
    var flag: Bool
    /// Byte range of the lexeme, quotes included.
    var start: UInt32
    var end: UInt32
    /// Index of the token after this value and all it contains.
    var next: UInt32
}
