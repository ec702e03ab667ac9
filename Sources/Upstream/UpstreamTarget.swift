// SPDX-License-Identifier: Apache-2.0

/// Where a connection goes.
///
/// Connections are shared by equal targets only.
package struct UpstreamTarget: Hashable, Sendable {
    /// A name or a numeric address without brackets.
    package let host: String
    /// The port.
    package let port: Int
    /// Whether TLS is spoken.
    package let isTLS: Bool
    /// The addresses must be public: the target was named by a caller.
    package let demandsPublicAddress: Bool
    /// Worked out once: a target is looked up for every exchange.
    private let hash: Int

    /// Names a target.
    package init(host: String, port: Int, isTLS: Bool, demandsPublicAddress: Bool) {
        self.host = host
        self.port = port
        self.isTLS = isTLS
        self.demandsPublicAddress = demandsPublicAddress
        var hasher = Hasher()
        hasher.combine(host)
        hasher.combine(port)
        hasher.combine(isTLS)
        hasher.combine(demandsPublicAddress)
        hash = hasher.finalize()
    }

    /// Feeds the hash made at the start.
    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}
