// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import Redaction

/// What is derived from the secret of the node, each for its own use.
struct CaptureSecrets: Sendable {
    /// Fates of conversations.
    let sampler: ConversationSampler
    /// Of the pseudonyms that stand for personal data.
    let redactionKey: [UInt8]

    init(_ secret: [UInt8]) {
        sampler = ConversationSampler(secret: secret)
        redactionKey = Array(
            HMAC<SHA256>.authenticationCode(
                for: Array("weir capture redaction".utf8), using: SymmetricKey(data: secret)))
    }
}

/// Replaces personal data in what is recorded of an exchange, by the detectors of its terms.
///
/// World: thread; used again.
final class DataRedactor {
    private var scrubber: PersonalDataScrubber
    private var counts = RedactionCounts()

    /// Nil where nothing is to be looked for.
    init?(_ detectors: Set<DetectorKind>, key: [UInt8]) {
        guard !detectors.isEmpty else { return nil }
        scrubber = PersonalDataScrubber(detectors: detectors, key: key)
    }

    /// Whether something is to be replaced in a header value, path, query or the like.
    func finds(in run: ByteRun?) -> Bool {
        guard let run, !run.isEmpty else { return false }
        return !scrubber.edits(in: run, as: .text).isEmpty
    }

    /// What is to be replaced in a body; the caller counts it once it has done so.
    func edits(in body: ByteRun, isStream: Bool) -> RedactionEdits {
        scrubber.edits(in: body, as: isStream ? .stream : .body)
    }

    /// A header value, path, query or the like with what is found replaced, and counted.
    func redacted(_ text: String) -> String {
        guard !text.isEmpty else { return text }
        let bytes = Array(text.utf8)
        let edits = unsafe bytes.withUnsafeBytes { unsafe scrubber.edits(in: ByteRun($0), as: .text) }
        guard !edits.isEmpty else { return text }
        counts.add(edits.counts)
        return String(decoding: edits.applied(to: bytes), as: UTF8.self)
    }

    /// Replaces what is found in a body, counts it, and moves arrivals with it.
    func redact(_ body: inout [UInt8], isStream: Bool, _ arrivals: inout ArrivalLog) {
        guard !body.isEmpty else { return }
        let edits = unsafe body.withUnsafeBytes { unsafe self.edits(in: ByteRun($0), isStream: isStream) }
        guard !edits.isEmpty else { return }
        counts.add(edits.counts)
        body = edits.applied(to: body)
        arrivals.move { edits.moved($0) }
    }

    func note(_ counts: RedactionCounts) { self.counts.add(counts) }

    /// What was replaced since the last time.
    func takeCounts() -> RedactionCounts {
        defer { counts = RedactionCounts() }
        return counts
    }
}

/// Masks what must not be recorded in short texts: credentials always, personal data where it is asked for.
struct TextMasking {
    let scrubber: CredentialScrubber
    let redactor: DataRedactor?

    func masked(_ text: String) -> String {
        let masked = scrubber.masked(text)
        return redactor?.redacted(masked) ?? masked
    }
}
