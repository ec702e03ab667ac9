// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Redaction

/// Redaction of one text at a time; counts what it replaces.
struct RedactionText: ~Copyable, Sendable {
    /// What was replaced so far.
    private(set) var report = RedactionReport()
    private var scrubber: PersonalDataScrubber
    /// Whether nothing is looked for.
    let isOff: Bool
    private let seeksSecrets: Bool
    private var scratch: [UInt8] = []

    /// No value is shorter.
    private static let shortest = 4
    /// Bytes of a name that are laid before a value; detectors look no further back.
    private static let nameBytes = 64

    init(kinds: Set<DetectorKind>, key: RedactionKey) {
        scrubber = PersonalDataScrubber(detectors: kinds, key: key.bytes)
        isOff = kinds.isEmpty
        seeksSecrets = kinds.contains(.secret)
    }

    /// A text with what is found replaced, or nil where nothing is; a number in a piece of JSON within it gets quotation marks.
    mutating func redacted(_ text: String) -> String? {
        guard !isOff, text.utf8.count >= RedactionText.shortest else { return nil }
        var text = text
        let found = text.withUTF8 { bytes -> [UInt8]? in
            let run = ByteRun(UnsafeRawBufferPointer(bytes))
            let edits = scrubber.edits(in: run, as: .body)
            guard !edits.isEmpty else { return nil }
            note(edits.counts)
            return RedactionText.applied(edits, to: run)
        }
        return found.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func applied(_ edits: RedactionEdits, to run: ByteRun) -> [UInt8] {
        var store = ByteStore(capacity: run.count + max(0, edits.growth))
        edits.apply(to: run, into: &store)
        return store.run.array
    }

    /// The decoded value of a member with what is found replaced, or nil where nothing is; its name says what it may be.
    ///
    /// - Parameters:
    ///   - value: a string's bytes, escapes undone.
    ///   - name: of the member that holds it, or its array; empty where there is none.
    /// - Returns: nil where it stays as it is.
    mutating func redacted(value: [UInt8], of name: [UInt8]) -> [UInt8]? {
        guard !isOff, value.count >= RedactionText.shortest else { return nil }
        // As JSON would show it, so that `"api_key":"..."` is seen as one.
        scratch.removeAll(keepingCapacity: scratch.capacity <= 1 << 20)
        if !name.isEmpty {
            scratch.append(UInt8(ascii: "\""))
            scratch.append(contentsOf: name.suffix(RedactionText.nameBytes))
            scratch.append(contentsOf: "\":\"".utf8)
        }
        let start = scratch.count
        scratch.append(contentsOf: value)
        if !name.isEmpty { scratch.append(UInt8(ascii: "\"")) }
        let edits = scratch.withUnsafeBytes { scrubber.edits(in: ByteRun($0), as: .text) }
        guard !edits.isEmpty else { return nil }
        return replaced(edits.items.filter { $0.start >= start && $0.end <= start + value.count }, from: start, in: value)
    }

    /// The value with pseudonyms in place of what was found in it; the text searched began earlier.
    private mutating func replaced(_ items: [RedactionEdit], from start: Int, in value: [UInt8]) -> [UInt8]? {
        guard !items.isEmpty else { return nil }
        var out: [UInt8] = []
        var at = 0
        var counts = RedactionCounts()
        for item in items {
            out.append(contentsOf: value[at..<item.start - start])
            out.append(contentsOf: item.pseudonym)
            at = item.end - start
            counts[item.kind] += 1
        }
        out.append(contentsOf: value[at...])
        note(counts)
        return out
    }

    /// What stands for a number of JSON that is a value as a whole, or nil.
    mutating func redacted(number: ArraySlice<UInt8>, of name: [UInt8]) -> [UInt8]? {
        // The shortest is a telephone number of seven digits.
        guard number.count >= 7, number.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let value = redacted(value: Array(number), of: name)
        else { return nil }
        report.numbersAsText += 1
        return value
    }

    /// A link with its credentials and what is found in it replaced, or nil where nothing is; images in `data:` URLs stay.
    mutating func redactedReference(_ reference: String) -> String? {
        guard !isOff, !reference.utf8.starts(with: "data:".utf8) else { return nil }
        var link = reference
        if seeksSecrets, let query = reference.firstIndex(of: "?") {
            var credentials = CredentialScrubber()
            let head = reference[...query]
            let kept = credentials.redactedQuery(String(reference[reference.index(after: query)...]))
            if !credentials.found.isEmpty {
                var counts = RedactionCounts()
                counts[.secret] = credentials.found.count
                note(counts)
                link = head + kept
            }
        }
        if let found = redacted(link) { return found }
        return link.utf8.elementsEqual(reference.utf8) ? nil : link
    }

    private mutating func note(_ counts: RedactionCounts) {
        report.counts.add(counts)
        report.changedTexts += 1
    }

    /// Counts a text that lies deeper than is looked.
    mutating func noteDepth() { report.beyondDepth += 1 }
}
