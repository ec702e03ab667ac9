// SPDX-License-Identifier: Apache-2.0
import ByteCoding

@testable import Redaction

/// A scrubber with a fixed key, on text.
struct Masking {
    static let key = Array("0123456789abcdef".utf8)

    /// The edits in a text.
    static func edits(
        _ text: String, _ kinds: Set<DetectorKind> = Set(DetectorKind.allCases), as content: PersonalDataScrubber.Content = .text
    ) -> RedactionEdits {
        edits(Array(text.utf8), kinds, as: content)
    }

    static func edits(_ bytes: [UInt8], _ kinds: Set<DetectorKind>, as content: PersonalDataScrubber.Content) -> RedactionEdits {
        var scrubber = PersonalDataScrubber(detectors: kinds, key: key)
        return bytes.withUnsafeBytes { scrubber.edits(in: ByteRun($0), as: content) }
    }

    /// The text masked.
    static func masked(
        _ text: String, _ kinds: Set<DetectorKind> = Set(DetectorKind.allCases), as content: PersonalDataScrubber.Content = .text
    ) -> String {
        let bytes = Array(text.utf8)
        return String(decoding: edits(bytes, kinds, as: content).applied(to: bytes), as: UTF8.self)
    }

    /// The text with every value replaced by its kind in square brackets: what tables are written in.
    static func marked(
        _ text: String, _ kinds: Set<DetectorKind> = Set(DetectorKind.allCases), as content: PersonalDataScrubber.Content = .text
    ) -> String {
        masked(text, kinds, as: content).replacing(/<([a-z]+):[0-9a-f]{12}>/) { "[\($0.1)]" }
    }

    /// The parts of the text that are found.
    static func found(_ text: String, _ kind: DetectorKind) -> [String] {
        let bytes = Array(text.utf8)
        return edits(bytes, [kind], as: .text).items.map { String(decoding: bytes[$0.start..<$0.end], as: UTF8.self) }
    }
}
