// SPDX-License-Identifier: Apache-2.0
package import Dialects
package import ExchangeModel
package import Upstream

/// One place that requests go to, with everything about it that does not depend on the request worked out once.
///
/// Immutable; shared by every exchange that goes there.
package final class ProviderEndpoint: Sendable {
    /// Catalogue name, or the host of a bare URL.
    package let provider: String
    /// Where the provider's key goes.
    package let keyPlacement: KeyPlacement
    /// The provider's base URL.
    package let base: BaseURL
    /// What to connect to.
    package let target: UpstreamTarget
    /// The URL came from the caller, not from the operator: no secret of the operator's goes there.
    package let isCallerNamed: Bool
    /// Credentials to sign with; always nil where a caller named the URL.
    package let signing: AWSSigning?
    /// The API families spoken here; nil: all.
    package let families: [APIFamily]?
    /// What is done about chat streams that do not ask for their usage.
    package let usageOptIn: UsageOptIn
    /// `Host: AUTHORITY` with its line end.
    package let hostLine: [UInt8]
    /// Scheme and authority, as in `https://api.example.com`.
    package let origin: [UInt8]
    /// Empty, or begins with a slash and does not end with one.
    package let basePath: [UInt8]
    /// Google's API keys go into the query here, whatever the placement.
    let takesGoogleKeysInQuery: Bool

    /// Works an endpoint out.
    ///
    /// - Parameters:
    ///   - provider: catalogue name or host.
    ///   - keyPlacement: where the provider's key goes.
    ///   - base: the base URL.
    ///   - isCallerNamed: whether the caller named the URL.
    ///   - demandsPublicAddress: whether only public addresses may be connected to.
    ///   - signing: credentials to sign with; ignored where the caller named the URL.
    ///   - families: the API families spoken there; nil: all.
    ///   - usageOptIn: what is done about chat streams that do not ask for their usage.
    package init(
        provider: String, keyPlacement: KeyPlacement, base: BaseURL, isCallerNamed: Bool, demandsPublicAddress: Bool,
        signing: AWSSigning? = nil, families: [APIFamily]? = nil, usageOptIn: UsageOptIn = .off
    ) {
        self.provider = provider
        self.keyPlacement = keyPlacement
        self.base = base
        self.isCallerNamed = isCallerNamed
        self.signing = isCallerNamed ? nil : signing
        self.families = families
        self.usageOptIn = usageOptIn
        target = UpstreamTarget(
            host: base.host, port: base.port, isTLS: base.isTLS, demandsPublicAddress: demandsPublicAddress)
        hostLine = Array("Host: \(base.authority)\r\n".utf8)
        origin = Array(base.origin.utf8)
        basePath = Array(base.path.utf8)
        takesGoogleKeysInQuery = provider == "vertex-ai"
    }
}
