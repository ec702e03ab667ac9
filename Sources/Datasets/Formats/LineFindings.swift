// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// What is wrong with one line, gathered up to a limit.
struct LineFindings {
    let row: Int64
    private(set) var violations: [FormatViolation] = []

    init(row: Int64) { self.row = row }

    /// Notes a broken rule.
    mutating func add(_ rule: FormatRule, _ place: String = "") {
        guard violations.count < FormatLimits.violationsPerLine else { return }
        violations.append(FormatViolation(row: row, place: place, rule: rule))
    }

    /// Checks that a value is an object with these keys and no others, each once, none null but those that may be.
    ///
    /// - Returns: whether it is an object.
    mutating func object(_ node: JSONNode, required: [String], optional: [String] = [], nullable: [String] = [], _ place: String)
        -> Bool
    {
        guard node.kind == .object else {
            add(node.isNull ? .valueNull : .valueType, place)
            return false
        }
        var seen: Set<String> = []
        for (key, value) in node.members {
            guard let name = key.string else { continue }
            let inside = LineFindings.place(place, name)
            guard seen.insert(name).inserted else {
                add(.keyRepeated, inside)
                continue
            }
            if !required.contains(name), !optional.contains(name) { add(.keyUnknown, inside) }
            if value.isNull, !nullable.contains(name) { add(.valueNull, inside) }
        }
        for name in required where !seen.contains(name) { add(.keyMissing, LineFindings.place(place, name)) }
        return true
    }

    /// The member's text; notes where it is something else, and nothing where it is missing or null, which `object` does.
    mutating func text(_ node: JSONNode, _ key: String, _ place: String) -> String? {
        guard let value = node.present(key) else { return nil }
        guard let text = value.string else {
            add(.valueType, LineFindings.place(place, key))
            return nil
        }
        return text
    }

    /// The member's JSON: itself, or in a uniform file what its text holds.
    mutating func json(_ node: JSONNode, _ key: String, asText: Bool, kind: JSONKind, _ place: String) -> JSONNode? {
        guard var value = node.present(key) else { return nil }
        let inside = LineFindings.place(place, key)
        if asText {
            guard let text = value.string else {
                add(.valueType, inside)
                return nil
            }
            guard let root = JSONDocument.read(text.utf8)?.root else {
                add(.jsonText, inside)
                return nil
            }
            value = root
        }
        guard value.kind == kind else {
            add(asText ? .jsonText : .valueType, inside)
            return nil
        }
        return value
    }

    static func place(_ place: String, _ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }
}
