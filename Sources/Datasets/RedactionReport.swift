// SPDX-License-Identifier: Apache-2.0
package import ByteCoding
package import Redaction

/// What redaction came to: numbers only, never values.
package struct RedactionReport: Equatable, Sendable {
    /// Values replaced, by kind.
    package var counts = RedactionCounts()
    /// Texts, arguments, keys and descriptions in which something was replaced.
    package var changedTexts: Int64 = 0
    /// Numbers of JSON that became texts, because what stands for them is one.
    package var numbersAsText: Int64 = 0
    /// Texts that hold JSON beyond the depth that is looked into; they were searched as plain texts.
    package var beyondDepth: Int64 = 0

    /// Nothing.
    package init() {}

    /// Adds the numbers of another part.
    package mutating func add(_ other: RedactionReport) {
        counts.add(other.counts)
        changedTexts += other.changedTexts
        numbersAsText += other.numbersAsText
        beyondDepth += other.beyondDepth
    }

    /// Writes the report as one JSON object, keys sorted, every kind present.
    ///
    /// - Parameters:
    ///   - json: where to.
    ///   - key: what pseudonyms were made with; its id is written.
    package func write(to json: inout JSONWriter, key: RedactionKey) {
        json.beginObject()
        json.key("beyond_depth")
        json.value(beyondDepth)
        json.key("changed_texts")
        json.value(changedTexts)
        json.key("key")
        json.value(key.id)
        json.key("numbers_as_text")
        json.value(numbersAsText)
        json.key("values")
        json.beginObject()
        for kind in DetectorKind.allCases.sorted(by: { $0.rawValue.utf8.lexicographicallyPrecedes($1.rawValue.utf8) }) {
            json.key(kind.rawValue)
            json.value(Int64(counts[kind]))
        }
        json.endObject()
        json.endObject()
    }
}
