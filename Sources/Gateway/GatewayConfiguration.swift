// SPDX-License-Identifier: Apache-2.0

/// Limits of the data plane, each with a sane default.
package struct GatewayLimits: Sendable {
    /// From the first byte of a request head to its last.
    package var headMilliseconds: Int64 = 30_000
    /// Between two reads of a request body.
    package var bodyIdleMilliseconds: Int64 = 60_000
    /// An idle connection of a caller is closed after this long.
    package var keepAliveMilliseconds: Int64 = 75_000
    /// From the request's last byte to the answer's head.
    package var firstByteMilliseconds: Int64 = 600_000
    /// Between two reads of an answer, as long as the caller takes what comes.
    package var answerIdleMilliseconds: Int64 = 300_000
    /// A caller that takes nothing of its answer for this long is given up.
    package var stalledCallerMilliseconds: Int64 = 300_000
    /// Bytes of a request body on the wire.
    package var bodyBytes = 512 << 20
    /// Request bytes held so that they can be sent again on a fresh connection.
    package var resendBytes = 1 << 20
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
    /// Of callers' connections, TLS and HTTP/2.
    package var listener = ListenerLimits()

    /// The defaults.
    package init() {}
}
