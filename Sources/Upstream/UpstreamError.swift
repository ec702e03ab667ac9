// SPDX-License-Identifier: Apache-2.0

/// Why an attempt failed, with the two verdicts a caller needs: where it failed, and whether a byte of the answer had come.
package struct UpstreamError: Error, Sendable, CustomStringConvertible {
    /// The moment of the failure.
    package enum Code: String, Sendable, CaseIterable {
        /// The host name has no address.
        case nameNotFound
        /// The system's resolver did not answer in time.
        case lookupTimedOut
        /// Every address is one that callers may not name.
        case addressNotAllowed
        case connectFailed
        case connectTimedOut
        case tlsFailed
        /// The TLS handshake took too long.
        case tlsTimedOut
        /// The proxy refused, or spoke nonsense.
        case proxyFailed
        /// The proxy did not answer in time.
        case proxyTimedOut
        /// The connection ended before the answer did.
        case closedEarly
        /// The answer is not HTTP/1.1 that we accept.
        case badAnswer
        /// Too many connections to this target.
        case tooManyConnections
        /// Settings that cannot be used: an authority file, a proxy address.
        case badSettings
    }

    /// The moment of the failure.
    package let code: Code
    /// What happened; never a key, never a query.
    package let message: String
    /// The connection was reset, or failed in another hard way, rather than closed.
    package var wasReset = false
    /// A byte of the answer had come: the provider has begun to work on the request.
    package var answerBegan = false

    /// Names a failure.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// What happened.
    package var description: String { "\(code.rawValue): \(message)" }
}

/// Limits of the upstream side.
package struct UpstreamLimits: Sendable {
    /// Time for one address to accept a connection.
    package var connectMilliseconds: Int64 = 10_000
    /// Time for the system's resolver.
    package var lookupMilliseconds: Int64 = 10_000
    /// Time for one TLS handshake.
    package var handshakeMilliseconds: Int64 = 10_000
    /// Time for a proxy to open its tunnel.
    package var proxyMilliseconds: Int64 = 20_000
    /// Names of the operator's that are being resolved at once, per loop.
    package var lookupsAtOnce = 256
    /// Names of callers' that are being resolved at once, per loop.
    package var callerLookupsAtOnce = 32
    /// An idle connection is closed after this long.
    package var idleMilliseconds: Int64 = 55_000
    /// Idle connections kept per target and loop.
    package var idlePerTarget = 256
    /// Connections per target and loop.
    package var connectionsPerTarget = 8_192
    /// Addresses of one name that are tried, one after the other.
    package var addressesTried = 4
    /// Interim answers (100, 103) of one attempt: real ones are one or two.
    static let interimAnswers = 32

    /// The defaults.
    package init() {}
}
