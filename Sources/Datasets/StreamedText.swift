// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// A text that comes in pieces, each a JSON string of its own.
///
/// Who cuts between the two halves of a surrogate pair sends one half at the end of a piece and the other at the beginning of the next:
/// a half is held until the next piece shows what it is.
struct StreamedText {
    private var whole = ""
    /// The lexeme of half a pair, `\ud83d`, that waits for the other.
    private var half: [UInt8] = []

    /// Nothing yet, or the first piece.
    init(_ first: JSONNode? = nil) { append(first) }

    /// What came; a half that nothing followed is U+FFFD.
    var text: String { half.isEmpty ? whole : whole + "\u{FFFD}" }

    /// Whether nothing came.
    var isEmpty: Bool { whole.isEmpty && half.isEmpty }

    /// Takes the next piece; what is no string says nothing.
    mutating func append(_ node: JSONNode?) {
        guard let node, node.kind == .string else { return }
        let inner = node.lexeme.dropFirst().dropLast()
        guard !inner.isEmpty else { return }
        let endsInHalf = StreamedText.endsInHalf(inner)
        if half.isEmpty, !endsInHalf {
            whole += node.string ?? ""
            return
        }
        let joined = half + inner
        half = endsInHalf ? Array(joined.suffix(StreamedText.escapeBytes)) : []
        let quote = UInt8(ascii: "\"")
        whole += JSONDocument.read([quote] + joined.dropLast(half.count) + [quote])?.root.string ?? ""
    }

    /// Takes a piece that is a text already.
    mutating func append(_ piece: String) {
        if !half.isEmpty, !piece.utf8.isEmpty {
            whole += "\u{FFFD}"
            half = []
        }
        whole += piece
    }

    /// Takes a piece of a call's arguments, or all of them as an object, as some servers send them.
    mutating func append(arguments node: JSONNode?) {
        if node?.kind == .string { append(node) } else { append(ChatReader.argumentsText(node)) }
    }

    private static let escapeBytes = 6

    /// Whether a string's inside ends with the escape of a first half, `\ud800` to `\udbff`.
    private static func endsInHalf(_ inner: ArraySlice<UInt8>) -> Bool {
        let end = Array(inner.suffix(escapeBytes))
        guard end.count == escapeBytes, end[0] == UInt8(ascii: "\\"), end[1] == UInt8(ascii: "u"),
            let unit = UInt32(String(decoding: end[2...], as: UTF8.self), radix: 16), (0xD800...0xDBFF).contains(unit)
        else { return false }
        // A backslash that another one escapes is a backslash.
        return inner.dropLast(escapeBytes).reversed().prefix { $0 == UInt8(ascii: "\\") }.count % 2 == 0
    }
}
