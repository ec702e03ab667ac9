// SPDX-License-Identifier: Apache-2.0

/// Limits of callers' connections, each with a sane default.
package struct ListenerLimits: Sendable {
    /// Open connections of one client address, per loop: a guard against one client that takes them all, not a quota.
    ///
    /// Raise it where a load balancer brings all callers from a few addresses.
    package var connectionsPerAddress = 8_192
    /// From accepting a connection to the end of its TLS handshake.
    package var handshakeMilliseconds: Int64 = 10_000
    /// Streams that one HTTP/2 connection may have open.
    package var streamsPerConnection = 256
    /// Bytes of a request body that one HTTP/2 stream may send ahead of what the provider takes.
    package var streamWindowBytes = 131_072
    /// Streams of one HTTP/2 connection that a caller may reset within half a minute before the connection is ended.
    package var streamResets = 400
    /// PING, SETTINGS and PRIORITY frames that a caller may send within half a minute before the connection is ended.
    package var controlFrames = 1_000
    /// After a hand-over an idle connection is closed when it has been quiet for this long.
    package var handOverIdleMilliseconds: Int64 = 2_000

    /// The defaults.
    package init() {}
}

/// What a loop has seen of callers' connections since its start.
package struct ListenerCounters: Sendable, Equatable {
    /// Connections that were taken.
    package var accepted = 0
    /// Connections closed at once because the loop had as many as it may.
    package var refusedForTotal = 0
    /// Connections closed at once because their client address had as many as it may.
    package var refusedForAddress = 0
    /// TLS handshakes that failed, plain HTTP on a TLS port among them.
    package var tlsFailures = 0
    /// TLS handshakes that took too long.
    package var tlsTimeouts = 0

    /// Nothing yet.
    package init() {}

    /// Both together.
    package static func + (left: ListenerCounters, right: ListenerCounters) -> ListenerCounters {
        var sum = left
        sum.accepted += right.accepted
        sum.refusedForTotal += right.refusedForTotal
        sum.refusedForAddress += right.refusedForAddress
        sum.tlsFailures += right.tlsFailures
        sum.tlsTimeouts += right.tlsTimeouts
        return sum
    }
}

/// Why a connection is closed as soon as it was accepted.
enum ListenerRefusal: Error { case tooManyConnections, tooManyOfAddress }
