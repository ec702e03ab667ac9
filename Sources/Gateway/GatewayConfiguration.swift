// SPDX-License-Identifier: Apache-2.0

/// How far an answer is read on once its caller has gone.
package struct DrainLimits: Sendable, Equatable {
    /// Payload bytes read after the caller left.
    package var bytes: Int
    /// Time after the caller left.
    package var milliseconds: Int64

    /// Limits; by default 8 MiB and 60 s.
    package init(bytes: Int = 8 << 20, milliseconds: Int64 = 60_000) {
        self.bytes = bytes
        self.milliseconds = milliseconds
    }
}

/// What becomes of the provider's side when a caller goes away before its answer is whole.
package enum ClientClosePolicy: Sendable, Equatable {
    /// The provider's connection is closed at once: it can stop working, and billing.
    case cancel
    /// The answer is read on within limits, so that its usage is known; the outcome is still `client_closed`.
    case drain(DrainLimits)
}

/// Limits of the data plane, each with a sane default.
package struct GatewayLimits: Sendable {
    /// From the first byte of a request head to its last.
    package var headMilliseconds: Int64 = 30_000
    /// Bytes of a request head, start line included.
    package var headBytes = 65_536
    /// From a request head to the last byte of its body.
    package var bodyMilliseconds: Int64 = 600_000
    /// Between two reads of a request body.
    package var bodyIdleMilliseconds: Int64 = 60_000
    /// An idle connection of a caller is closed after this long.
    package var keepAliveMilliseconds: Int64 = 75_000
    /// From the request's last byte to the answer's head.
    package var firstByteMilliseconds: Int64 = 600_000
    /// Between two reads of an answer, as long as the caller takes what comes.
    package var answerIdleMilliseconds: Int64 = 300_000
    /// From a request head to the end of the exchange; connections that switched to WebSocket are exempt.
    package var totalMilliseconds: Int64 = 3_600_000
    /// What happens when a caller goes away.
    package var onClientClose = ClientClosePolicy.cancel
    /// A caller that takes nothing of its answer for this long is given up.
    package var stalledCallerMilliseconds: Int64 = 300_000
    /// Bytes of a request body on the wire.
    package var bodyBytes = 512 << 20
    /// Request bytes held so that they can be sent again on a fresh connection; a longer body is not made to ask for its usage.
    package var resendBytes = 1 << 20
    /// Bytes of a request body that is held whole before it is sent, because Weir signs it.
    package var signedBodyBytes = 32 << 20
    /// A connection that is being closed waits this long for the caller to close its side.
    package var lingerMilliseconds: Int64 = 5_000
    /// Bytes of a refused request's body that are read and thrown away before the connection is closed instead.
    package var discardBytes = 16 << 20
    /// Pipelined bytes of a caller held while an answer is on its way.
    package var pipelinedBytes = 65_536
    /// Exchanges running at once, per loop.
    package var exchangesPerLoop = 16_384
    /// Open connections of callers, per loop.
    package var connectionsPerLoop = 32_768
    /// Bytes of bodies that are held because Weir signs them, makes them ask for usage, or takes them itself, per loop.
    package var signedBytesPerLoop = 256 << 20
    /// Of callers' connections, TLS and HTTP/2.
    package var listener = ListenerLimits()

    /// Pieces up to this many bytes are copied together, so that a head and a small body leave in one packet.
    static let gatherBytes = 16_384
    /// Most bytes of a body that are read on the loop to see whether its provider is to be asked for usage: some milliseconds.
    static let askedBytes = 4 << 20

    /// The defaults.
    package init() {}
}
