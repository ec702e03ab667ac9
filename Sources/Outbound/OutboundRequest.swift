// SPDX-License-Identifier: Apache-2.0

/// One header.
package struct OutboundHeader: Sendable, Equatable {
    /// The name as it is written on the wire.
    package let name: String
    /// The value without line ends.
    package let value: String

    /// A header from its parts.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Bounds of one request.
package struct OutboundLimits: Sendable, Equatable {
    /// To resolve the name, connect and shake hands.
    package var connectMilliseconds: Int = 10_000
    /// From start to end.
    package var totalMilliseconds: Int = 30_000
    /// Of the answer's body, as received.
    package var bodyBytes: Int = 4 << 20
    /// Of all header lines of the answer.
    package var headBytes: Int = 256 << 10
    /// Redirects that are followed; none by default.
    package var redirects: Int = 0
    /// Arrivals that are noted of one answer; later ones are not.
    package static let arrivalsMax = 65_536

    /// The defaults.
    package init() {}
}

/// How requests leave this machine.
package struct OutboundRoute: Sendable, Equatable {
    /// Which proxy is used.
    package enum Proxy: Sendable, Equatable {
        /// The usual environment variables, as curl reads them.
        case environment
        /// None, whatever the environment says.
        case direct
        /// One for all; `http://HOST:PORT` or `https://HOST:PORT`, a user included where there is one; `noProxy` as in `NO_PROXY`.
        case fixed(String, noProxy: String)
    }

    /// Which proxy is used.
    package var proxy: Proxy = .environment
    /// PEM files of authorities that are trusted beside the system's own.
    package var extraCAFiles: [String] = []
    /// The system's authorities, as Debian keeps them.
    package var systemCAFile = "/etc/ssl/certs/ca-certificates.crt"

    /// The environment's proxies and the system's trust store.
    package init() {}
}

/// When each step was done, in microseconds from the start; nil for a step that was not reached or not needed.
package struct OutboundTimings: Sendable, Equatable {
    /// The name had an address.
    package let nameLookupUs: Int64?
    /// The TCP connection stood.
    package let connectUs: Int64?
    /// The TLS handshake was done.
    package let tlsUs: Int64?
    /// The first byte of the answer was there.
    package let firstByteUs: Int64?
    /// Everything was there.
    package let totalUs: Int64
}

/// The arrival of answer bytes: the body runs on from `offset` at `timeUs` since the request began.
package struct OutboundArrival: Sendable, Equatable {
    /// Into the body.
    package let offset: Int
    /// Microseconds since the request began.
    package let timeUs: Int64
}

/// An answer.
package struct OutboundResponse: Sendable {
    /// The status, 100 to 599.
    package let status: Int
    /// In order, duplicates kept, of the last answer where redirects were followed.
    package let headers: [OutboundHeader]
    /// Without framing, not decoded.
    package let body: [UInt8]
    /// When each step was done.
    package let timings: OutboundTimings
    /// When which bytes of the body came.
    package let arrivals: [OutboundArrival]

    /// The first header of a name, case aside.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// A URL as errors may show it.
package enum OutboundURL {
    /// Scheme, host and port: no user, path, query or fragment.
    package static func shown(_ url: String) -> String {
        guard let mark = url.firstRange(of: "://") else { return "the URL" }
        var authority = url[mark.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" && $0 != "\\" }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        return String(url[..<mark.upperBound] + authority)
    }
}
