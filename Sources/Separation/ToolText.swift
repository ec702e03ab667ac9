// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The text of a tool's turn as tokens are looked for in it.
///
/// One client sends a result as it is, another as JSON, whose serializer may write any letter as an escape: an escape is how a result
/// travelled, not what it says. So a text that is a JSON object or array is read as what its strings stand for.
enum ToolText {
    /// The strings of a JSON object or array with their escapes undone, those in them that are such a text alike, and its other values as
    /// they are spelled, one a line in their order; any other text as it is.
    ///
    /// - Complexity: O(n).
    static func opened(_ text: String) -> String {
        guard let root = root(of: Array(text.utf8)) else { return text }
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        // No calls within calls: texts within texts may be as deep as they like.
        var waiting = [root]
        while let node = waiting.popLast() {
            switch node.kind {
            case .array: waiting.append(contentsOf: Array(node.elements).reversed())
            case .object:
                for (key, value) in Array(node.members).reversed() {
                    waiting.append(value)
                    waiting.append(key)
                }
            case .string:
                let bytes = node.unescapedBytes
                if let inner = ToolText.root(of: bytes) {
                    waiting.append(inner)
                } else {
                    append(bytes[...], to: &out)
                }
            case .null, .bool, .number: append(node.lexeme, to: &out)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A line feed ends a token, and composes with nothing.
    private static func append(_ piece: ArraySlice<UInt8>, to out: inout [UInt8]) {
        out.append(contentsOf: piece)
        out.append(0x0A)
    }

    private static func root(of bytes: [UInt8]) -> JSONNode? {
        let first = bytes.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return nil }
        return JSONDocument.read(bytes)?.root
    }
}

extension SeparationTurn {
    /// The text in which tokens are looked for.
    var spoken: String { role == .tool ? ToolText.opened(text) : text }
}
