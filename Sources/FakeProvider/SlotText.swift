// SPDX-License-Identifier: Apache-2.0

/// Patterns with `{slot}` places.
enum SlotText {
    /// The pattern with each slot replaced by what `value` gives for its name.
    static func fill(_ pattern: String, _ value: (String) -> String) -> String {
        var text = ""
        for (i, part) in pattern.split(separator: "{", omittingEmptySubsequences: false).enumerated() {
            guard i > 0, let close = part.firstIndex(of: "}") else {
                text += part
                continue
            }
            text += value(String(part[..<close]))
            text += part[part.index(after: close)...]
        }
        return text
    }
}
