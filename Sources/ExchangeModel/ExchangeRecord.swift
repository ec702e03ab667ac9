// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// How much of a body was kept (`record.md`, `request_body_kept`).
package enum BodyKept: String, Sendable {
    case full
    case headTail = "head_tail"
    case none
}

/// A body as a record holds it: its content coding undone, credentials redacted.
package struct RecordedBody: Equatable, Sendable {
    /// The bytes kept; nil where none were kept or none ever came.
    package var content: [UInt8]?
    /// Size on the wire, content coding included, transfer coding not.
    package var wireByteCount: Int64 = 0
    /// `gzip`, `br`, ...
    ///
    /// as on the wire.
    package var contentCoding: String?
    /// How much of it was kept.
    package var kept: BodyKept = .full
    /// Hex SHA-256 of the whole, when not kept in full.
    package var sha256: String?

    /// How `content` stands in a record: `utf8`, or `base64` where it is not text.
    package var encoding: String { UTF8Check.firstInvalidOffset(content ?? []) == nil ? "utf8" : "base64" }

    /// No body.
    package init() {}

    /// A body kept whole.
    package init(content: [UInt8]?, wireByteCount: Int64, contentCoding: String? = nil) {
        self.content = content
        self.wireByteCount = wireByteCount
        self.contentCoding = contentCoding
    }
}

/// One header field as it was on the wire.
package struct HeaderPair: Equatable, Sendable {
    /// As it was written.
    package var name: String
    /// Without the white space around it.
    package var value: String

    /// A name and its value.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The arrival of answer bytes: the body as stored begins its next run at `offset`, seen at `timeUs` since the start.
package struct ChunkArrival: Equatable, Sendable {
    /// Into the body as stored.
    package var offset: Int64
    /// Since the start of the exchange.
    package var timeUs: Int64

    /// Bytes from `offset` on arrived at `timeUs`.
    package init(offset: Int64, timeUs: Int64) {
        self.offset = offset
        self.timeUs = timeUs
    }
}

/// One exchange as captured: only what the wire and the clock said (`record.md`).
package struct ExchangeRecord: Equatable, Sendable {
    /// The schema version this code writes.
    package static let version: Int64 = 1
    /// More arrivals than this are joined with their neighbours.
    package static let chunkLimit = 4_096

    /// The scalars.
    package var head: ExchangeHead
    /// Every send to a provider, in order.
    package var attempts: [Attempt] = []
    /// As the caller sent them, credentials redacted.
    package var requestHeaders: [HeaderPair] = []
    /// As the provider sent them, credentials redacted.
    package var responseHeaders: [HeaderPair] = []
    /// The request's body.
    package var requestBody = RecordedBody()
    /// The answer's body.
    package var responseBody = RecordedBody()
    /// When which bytes of the answer came.
    package var responseChunks: [ChunkArrival] = []

    /// A record of an exchange without payload.
    package init(head: ExchangeHead) { self.head = head }
}
