// SPDX-License-Identifier: Apache-2.0

/// Why an outbound request got no answer.
package struct OutboundError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A low-cardinality name for the kind of failure.
    package enum Code: String, Sendable, CaseIterable {
        /// The URL, a header or a file cannot be used as it is.
        case badRequest = "bad_request"
        /// The host, or the proxy's, has no address.
        case nameNotFound = "name_not_found"
        /// Nothing accepts connections there.
        case connectFailed = "connect_failed"
        /// The proxy refused, or cannot be reached.
        case proxyFailed = "proxy_failed"
        /// The certificate, its name or the handshake is not good.
        case tlsFailed = "tls_failed"
        /// It took longer than allowed.
        case timedOut = "timed_out"
        /// The answer is larger than allowed.
        case tooLarge = "too_large"
        /// The connection ended within the answer, or the answer is not HTTP.
        case brokenAnswer = "broken_answer"
        /// More redirects than allowed.
        case tooManyRedirects = "too_many_redirects"
        /// Anything else of libcurl's.
        case other
    }

    /// The kind of failure.
    package let code: Code
    /// What happened and where: scheme, host and port, never a path's query, a user or a header.
    package let message: String

    /// Names a failure.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The kind and the message.
    package var description: String { "\(code.rawValue): \(message)" }
}
