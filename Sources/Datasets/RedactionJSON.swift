// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Redaction of JSON texts: only strings that change are written anew, every other lexeme stays as it is.
///
/// A string that holds JSON itself, as arguments passed on by agents do, is walked in turn, a few levels deep.
struct RedactionJSON: Sendable {
    enum Outcome {
        case notJSON, unchanged
        case changed([UInt8])
    }

    /// How deep JSON within strings of JSON is looked into.
    static let nestingMax = 8
    /// Members of a schema whose strings are no texts: what they say decides what is valid. (A property may have such a name: an object.)
    private static let schemaWords: [StaticString] = [
        "type", "format", "pattern", "required", "$ref", "$id", "$schema", "$anchor",
    ]

    private struct Change {
        let range: Range<Int>
        let bytes: [UInt8]
    }

    /// The changes of the text at hand, by place.
    private var changes: [Change] = []
    private var isSchema = false

    /// Whether a text may be an object or an array.
    static func mayBeJSON(_ bytes: some Collection<UInt8>) -> Bool {
        let first = bytes.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// Walks a JSON text.
    ///
    /// - Parameters:
    ///   - bytes: what may be an object or an array.
    ///   - texts: finds and counts.
    /// - Returns: the text with what was found replaced; the same values in the same order with the same spelling elsewhere.
    mutating func redacted(_ bytes: [UInt8], by texts: inout RedactionText) -> Outcome {
        isSchema = false
        return redacted(bytes, level: 0, by: &texts)
    }

    /// Walks the schema of a tool; nil where nothing is found; words of the schema's own stay.
    mutating func redacted(schema bytes: [UInt8], by texts: inout RedactionText) -> [UInt8]? {
        isSchema = true
        defer { isSchema = false }
        guard case .changed(let changed) = redacted(bytes, level: RedactionJSON.nestingMax, by: &texts) else { return nil }
        return changed
    }

    private mutating func redacted(_ bytes: [UInt8], level: Int, by texts: inout RedactionText) -> Outcome {
        guard let document = JSONDocument.read(bytes) else { return .notJSON }
        let outer = changes
        changes = []
        defer { changes = outer }
        walk(document.root, name: [], level: level, by: &texts)
        return changes.isEmpty ? .unchanged : .changed(applied(to: bytes))
    }

    private func applied(to bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 32 * changes.count)
        var at = 0
        for change in changes {
            out.append(contentsOf: bytes[at..<change.range.lowerBound])
            JSONEscaping.appendQuoted(change.bytes[...], to: &out)
            at = change.range.upperBound
        }
        out.append(contentsOf: bytes[at...])
        return out
    }

    /// Visits values in their order; depth is bounded by `JSONLimits.depth`.
    private mutating func walk(_ node: JSONNode, name: [UInt8], level: Int, by texts: inout RedactionText) {
        switch node.kind {
        case .string:
            if let value = redacted(node.unescapedBytes, of: name, level: level, by: &texts) { note(node, value) }
        case .number:
            if let value = texts.redacted(number: node.lexeme, of: name) { note(node, value) }
        case .array: for element in node.elements { walk(element, name: name, level: level, by: &texts) }
        case .object:
            for (key, value) in node.members {
                let bytes = key.unescapedBytes
                if let changed = texts.redacted(value: bytes, of: []) { note(key, changed) }
                if isSchema, value.kind != .object, RedactionJSON.schemaWords.contains(where: { bytes.elementsEqual($0) }) {
                    continue
                }
                walk(value, name: bytes, level: level, by: &texts)
            }
        case .null, .bool: break
        }
    }

    private mutating func note(_ node: JSONNode, _ bytes: [UInt8]) { changes.append(Change(range: node.range, bytes: bytes)) }

    /// A string's value with what is found replaced; nil where nothing is.
    private mutating func redacted(_ value: [UInt8], of name: [UInt8], level: Int, by texts: inout RedactionText) -> [UInt8]? {
        guard !isSchema, RedactionJSON.mayBeJSON(value) else { return texts.redacted(value: value, of: name) }
        guard level < RedactionJSON.nestingMax else {
            texts.noteDepth()
            return texts.redacted(value: value, of: name)
        }
        switch redacted(value, level: level + 1, by: &texts) {
        case .notJSON: return texts.redacted(value: value, of: name)
        case .unchanged: return nil
        case .changed(let bytes): return bytes
        }
    }
}

extension [UInt8] {
    fileprivate func elementsEqual(_ text: StaticString) -> Bool {
        withUnsafeBytes { ByteRun($0).equals(ByteRun(text)) }
    }
}
