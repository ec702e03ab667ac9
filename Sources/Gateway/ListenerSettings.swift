// SPDX-License-Identifier: Apache-2.0
package import Upstream

/// One address to listen on.
package struct ListenerSettings: Sendable {
    /// A name or a numeric address without brackets.
    package var host: String
    /// The port; 0 for any.
    package var port: Int
    /// TLS, or nil for plain HTTP.
    package var tls: ListenerTLS?
    /// A socket that is bound already, handed over by another process; the server owns it from `start` on.
    ///
    /// Host and port only name it then.
    package var inheritedDescriptor: Int32?

    /// Names an address.
    package init(host: String, port: Int, tls: ListenerTLS? = nil, inheritedDescriptor: Int32? = nil) {
        self.host = host
        self.port = port
        self.tls = tls
        self.inheritedDescriptor = inheritedDescriptor
    }
}

/// How a listener speaks TLS.
package struct ListenerTLS: Sendable, Equatable {
    /// A PEM file: the server's certificate first, then the chain.
    package var certificatePath: String
    /// A PEM file: the private key, not encrypted.
    package var keyPath: String
    /// Whether HTTP/2 is offered by ALPN, beside HTTP/1.1.
    package var allowsHTTP2: Bool

    /// Names the files.
    package init(certificatePath: String, keyPath: String, allowsHTTP2: Bool = true) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.allowsHTTP2 = allowsHTTP2
    }
}

/// Everything that a reload may replace while the gateway runs.
package struct GatewaySettings: Sendable {
    /// Where requests go.
    package var router: Router
    /// Of the data plane.
    package var limits: GatewayLimits
    /// The way to providers.
    package var upstream: UpstreamSettings

    /// One set of settings.
    package init(router: Router, limits: GatewayLimits = GatewayLimits(), upstream: UpstreamSettings = UpstreamSettings()) {
        self.router = router
        self.limits = limits
        self.upstream = upstream
    }
}
