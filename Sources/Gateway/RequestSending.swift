// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Upstream

/// The request bytes of one exchange on their way to the provider: gathered while they are few, and kept for one resend.
///
/// - Memory: what has not been sent (one read while connecting, for reads are stopped then) and at most `limit` bytes kept.
struct RequestSending {
    private let limit: Int
    private(set) var unsent = ByteBuffer()
    /// Large pieces behind `unsent`, by reference.
    private(set) var queued: [ByteBuffer] = []
    /// What has been sent, for one resend, while it is not too much and may be needed: nearly always one packet.
    private var sentFirst = ByteBuffer()
    private var sentAfter: [ByteBuffer] = []
    private var sentBytes = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// Puts the head in front of a body that was held until the head could be made.
    mutating func prepend(_ head: ByteBuffer) {
        let body = unsent
        unsent = head
        if body.readableBytes == 0 { return }
        if queued.isEmpty, head.readableBytes + body.readableBytes <= GatewayLimits.gatherBytes {
            unsent.writeImmutableBuffer(body)
        } else {
            queued.insert(body, at: 0)
        }
    }

    /// Whether all of the request so far can still be sent again.
    private(set) var canResend = true

    /// Whether it pays to wait for more before sending.
    var isSmall: Bool { queued.isEmpty && unsent.readableBytes < GatewayLimits.gatherBytes }

    mutating func add(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        if queued.isEmpty, unsent.readableBytes == 0 {
            unsent = bytes
        } else if queued.isEmpty, unsent.readableBytes + bytes.readableBytes <= GatewayLimits.gatherBytes {
            unsent.writeImmutableBuffer(bytes)
        } else {
            RequestSending.gather(bytes, in: &queued)
        }
    }

    /// Adds to pieces; small ones are copied together, for each keeps the whole buffer that it was read into.
    private static func gather(_ bytes: ByteBuffer, in pieces: inout [ByteBuffer]) {
        if let last = pieces.indices.last, pieces[last].readableBytes + bytes.readableBytes <= GatewayLimits.gatherBytes {
            pieces[last].writeImmutableBuffer(bytes)
        } else {
            pieces.append(bytes)
        }
    }

    /// Writes what has gathered.
    ///
    /// - Parameters:
    ///   - connection: flushed by the caller of this.
    ///   - isResendable: no byte of the answer has come: what is written is kept, within the limit.
    mutating func send(to connection: UpstreamConnection, isResendable: Bool) {
        guard unsent.readableBytes > 0 else { return }
        write(unsent, to: connection, isResendable)
        unsent = ByteBuffer()
        guard !queued.isEmpty else { return }
        for bytes in queued { write(bytes, to: connection, isResendable) }
        queued = []
    }

    private mutating func write(_ bytes: ByteBuffer, to connection: UpstreamConnection, _ isResendable: Bool) {
        connection.write(bytes)
        sentBytes += bytes.readableBytes
        guard canResend else { return }
        guard isResendable, sentBytes <= limit else { return forget() }
        if sentFirst.readableBytes == 0 { sentFirst = bytes } else { RequestSending.gather(bytes, in: &sentAfter) }
    }

    /// Everything is to be sent once more.
    mutating func rewind() {
        guard sentFirst.readableBytes > 0 else { return }
        if unsent.readableBytes > 0 { queued.insert(unsent, at: 0) }
        unsent = sentFirst
        queued.insert(contentsOf: sentAfter, at: 0)
        sentFirst = ByteBuffer()
        sentAfter = []
        sentBytes = 0
    }

    /// No resend will be needed.
    mutating func forget() {
        canResend = false
        sentFirst = ByteBuffer()
        sentAfter = []
    }
}

/// How far an answer is read on for a caller that has gone.
struct AnswerDrain {
    let limits: DrainLimits
    let startedAt: NIODeadline
    var byteCount = 0
}
