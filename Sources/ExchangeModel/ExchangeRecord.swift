// SPDX-License-Identifier: Apache-2.0

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
    /// `gzip`, `br`, ... as on the wire.
    package var contentCoding: String?
    package var kept: BodyKept = .full
    /// Hex SHA-256 of the whole, when not kept in full.
    package var sha256: String?

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
    package var name: String
    package var value: String

    /// A name and its value.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The arrival of answer bytes: the body as stored begins its next run at `offset`, seen at `timeUs` since the start.
package struct ChunkArrival: Equatable, Sendable {
    package var offset: Int64
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

    package var head: ExchangeHead
    package var attempts: [Attempt] = []
    package var requestHeaders: [HeaderPair] = []
    package var responseHeaders: [HeaderPair] = []
    package var requestBody = RecordedBody()
    package var responseBody = RecordedBody()
    package var responseChunks: [ChunkArrival] = []

    /// A record of an exchange without payload.
    package init(head: ExchangeHead) { self.head = head }
}
