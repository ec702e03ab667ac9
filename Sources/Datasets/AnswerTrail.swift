// SPDX-License-Identifier: Apache-2.0
import Crypto
import ExchangeModel

/// How an answer came about, as far as it is needed to compare it with others to the same prompt: short hashes, 20 bytes a record.
///
/// Hashes are of 32 bits and only compared among the few answers to one prompt.
struct AnswerTrail: Equatable {
    /// Key, environment, task, and the values of the recipe's `group_by`.
    var caller: UInt32 = 0
    /// The tools that were offered, and the form that was demanded.
    var offered: UInt32 = 0
    /// From the request to the end of the answer, milliseconds; 0 where that is not known.
    var tookMs: UInt32 = 0
    /// The deployment that was tried first.
    var first: UInt32 = 0
    /// The deployment that answered.
    var last: UInt32 = 0

    /// Nothing known.
    init() {}

    /// What a record tells.
    ///
    /// - Parameters:
    ///   - record: answered or not.
    ///   - request: as read of it.
    ///   - groupNames: the names of `group_by`.
    init(_ record: ExchangeRecord, _ request: CanonicalRequest, groupNames: [String]) {
        let head = record.head
        var parts = [head.keyID, head.attribution.environment, head.attribution.task]
        for (name, value) in head.attribution.metadata
        where groupNames.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            parts += [name, value]
        }
        caller = AnswerTrail.hash(parts)
        offered = AnswerTrail.hash(AnswerTrail.demands(of: request))
        tookMs = UInt32(clamping: (head.endedUs ?? 0) / 1_000)
        last = AnswerTrail.hash([record.attempts.last?.place ?? head.deployment ?? head.upstreamURL])
        first = record.attempts.first.map { AnswerTrail.hash([$0.place]) } ?? last
    }

    /// Whether another deployment than the first one answered.
    var isFallback: Bool { first != last }

    private static func demands(of request: CanonicalRequest) -> [String?] {
        let tools = request.tools.flatMap { [$0.name, $0.description, String(decoding: $0.parameters, as: UTF8.self)] }
        guard let format = request.responseFormat else { return tools }
        return tools + [format.kind.rawValue, format.schema.map { String(decoding: $0, as: UTF8.self) }]
    }

    /// The first 32 bits of SHA-256 over the texts, each behind its length.
    private static func hash(_ texts: [String?]) -> UInt32 {
        var hasher = SHA256()
        for text in texts {
            let bytes = Array((text ?? "").utf8)
            let length = UInt64(bytes.count) << 1 | (text == nil ? 0 : 1)
            withUnsafeBytes(of: length.bigEndian) { hasher.update(bufferPointer: $0) }
            hasher.update(data: bytes)
        }
        return UInt32(truncatingIfNeeded: Digest128(hasher.finalize()).high >> 32)
    }
}

extension Attempt {
    /// Where it was sent.
    fileprivate var place: String? { deployment ?? upstreamURL }
}

extension Candidate {
    /// When its exchange began, milliseconds since the Unix epoch.
    var startedMs: UInt64 { id.high >> 16 }
}
