// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension JSONNode {
    /// The member where there is anything in it.
    func filled(_ key: String) -> JSONNode? {
        guard let node = self[key], node.isFilled else { return nil }
        return node
    }

    /// The member as a short text that is not empty, verbatim.
    func name(_ key: String) -> String? {
        guard let node = self[key], node.kind == .string, node.isFilled, node.range.count <= DialectLimits.nameBytes + 2 else {
            return nil
        }
        return node.string
    }

    /// The member as a short text, or as the digits of an integer: some recorders write enumerations as numbers.
    func word(_ key: String) -> String? { name(key) ?? self[key]?.int.map { String($0) } }

    /// The member as a count: an integer that is not negative.
    func count(_ key: String) -> Int64? {
        guard let value = self[key]?.int, value >= 0 else { return nil }
        return value
    }

    /// How many elements of an array match; 0 for any other kind.
    func countElements(where matches: (JSONNode) -> Bool) -> Int64 {
        elements.reduce(into: Int64(0)) { if matches($1) { $0 += 1 } }
    }

    /// Whether this is a string equal to one of a few words.
    func equalsAny(_ words: [String]) -> Bool { words.contains { equals($0) } }
}

/// Adds counts, each nil taken as zero; nil where the sum does not fit 64 bits.
func sum(_ counts: Int64?...) -> Int64? {
    var total: Int64 = 0
    for count in counts {
        let (next, overflow) = total.addingReportingOverflow(count ?? 0)
        if overflow { return nil }
        total = next
    }
    return total
}

/// What is left of a count after its parts, never below zero; nil where the parts do not fit 64 bits.
func rest(of total: Int64, without parts: Int64?...) -> Int64? {
    var left = total
    for part in parts {
        let (next, overflow) = left.subtractingReportingOverflow(part ?? 0)
        if overflow { return nil }
        left = next
    }
    return max(0, left)
}
