// SPDX-License-Identifier: Apache-2.0

/// Patterns with `{slot}` places; braces around anything but letters and digits stay as they are.
enum SlotText {
    /// The pattern with each slot replaced by what `value` gives for its name.
    static func fill(_ pattern: String, _ value: (String) -> String) -> String {
        var text = ""
        for (i, part) in pattern.split(separator: "{", omittingEmptySubsequences: false).enumerated() {
            let close = part.firstIndex(of: "}")
            let name = close.map { part[..<$0] } ?? ""
            guard i > 0, let close, !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber }) else {
                text += i > 0 ? "{" + part : part
                continue
            }
            text += value(String(name))
            text += part[part.index(after: close)...]
        }
        return text
    }
}
