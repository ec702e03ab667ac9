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

    /// Whether nothing was replaced.
    package var isEmpty: Bool { changedTexts == 0 }

    /// Every kind and how many values of it were replaced, sorted by name.
    package var named: [(kind: String, count: Int64)] {
        DetectorKind.allCases.map { ($0.rawValue, Int64(counts[$0])) }
            .sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
    }

    /// Writes the report as one JSON object, keys sorted, every kind present.
    ///
    /// - Parameters:
    ///   - json: where to.
    ///   - keyID: the id of the key that pseudonyms were made with.
    package func write(to json: inout JSONWriter, keyID: String) {
        json.beginObject()
        json.key("beyond_depth")
        json.value(beyondDepth)
        json.key("changed_texts")
        json.value(changedTexts)
        json.key("key")
        json.value(keyID)
        json.key("numbers_as_text")
        json.value(numbersAsText)
        json.key("values")
        json.beginObject()
        for (kind, count) in named {
            json.key(kind)
            json.value(count)
        }
        json.endObject()
        json.endObject()
    }
}
