// SPDX-License-Identifier: Apache-2.0
import Dialects
package import ExchangeModel
package import Upstream

/// Where one request goes and what becomes of its credentials.
///
/// Immutable; it shares the endpoint and slices the caller's bytes.
package final class Route: Sendable {
    /// The provider's side.
    package let endpoint: ProviderEndpoint
    /// The family of the exchange; nil for what is no model call, such as a listing.
    package let api: APIFamily?
    /// The family that the path tells whatever the method: the shape of faults.
    package let family: APIFamily?
    /// The endpoint's base path goes in front of `pathRest`.
    package let addsBasePath: Bool
    /// The caller's bytes from `pathRest` to the end of the target, question mark and query included.
    let targetRest: ArraySlice<UInt8>
    /// Where the path ends in `targetRest`.
    let pathEnd: Int
    /// Replaces the caller's credentials, placed where the provider wants it; nil: the caller's headers pass.
    let providerKey: ArraySlice<UInt8>?
    /// The caller's credentials hold a gateway key, which is not passed on.
    let holdsGatewayKey: Bool
    /// Id of the gateway key; nil where none are configured.
    package let keyID: String?
    /// The request is signed by Weir: the exchange must hold the whole body first.
    package let isSigned: Bool
    /// The request was signed by the caller for the provider's own host: nothing of its head changes.
    let keepsHost: Bool
    /// Heads that pass get a `Via` line.
    let addsVia: Bool
    /// What is done about a stream that does not ask for its usage; off wherever the API has no such question.
    let usageOptIn: UsageOptIn
    /// Task and environment named by a path prefix.
    package let attribution: Attribution

    init(
        endpoint: ProviderEndpoint, api: APIFamily?, family: APIFamily?, addsBasePath: Bool, targetRest: ArraySlice<UInt8>,
        pathEnd: Int, providerKey: ArraySlice<UInt8>?, holdsGatewayKey: Bool, keyID: String?, isSigned: Bool, keepsHost: Bool,
        addsVia: Bool, usageOptIn: UsageOptIn, attribution: Attribution
    ) {
        self.endpoint = endpoint
        self.api = api
        self.family = family
        self.addsBasePath = addsBasePath
        self.targetRest = targetRest
        self.pathEnd = pathEnd
        self.providerKey = providerKey
        self.holdsGatewayKey = holdsGatewayKey
        self.keyID = keyID
        self.isSigned = isSigned
        self.keepsHost = keepsHost
        self.addsVia = addsVia
        self.usageOptIn = usageOptIn
        self.attribution = attribution
    }

    /// Catalogue name, or the host of a bare URL.
    package var provider: String { endpoint.provider }
    /// Where the provider's key goes.
    package var keyPlacement: KeyPlacement { endpoint.keyPlacement }
    /// The provider's base URL.
    package var base: BaseURL { endpoint.base }
    /// What to connect to.
    package var target: UpstreamTarget { endpoint.target }
    /// Credentials to sign with; nil where the request is not signed by Weir.
    package var signing: AWSSigning? { isSigned ? endpoint.signing : nil }
    /// The caller's bytes that end the path for the provider.
    package var pathRest: ArraySlice<UInt8> { targetRest[..<pathEnd] }
    /// What follows the caller's question mark, or nil.
    package var query: ArraySlice<UInt8>? { pathEnd < targetRest.endIndex ? targetRest[(pathEnd + 1)...] : nil }
    /// The path for the provider, without the query.
    ///
    /// A slice of the caller's bytes unless the base path goes in front.
    package var path: ArraySlice<UInt8> {
        guard addsBasePath else { return pathRest }
        var joined: [UInt8] = []
        joined.reserveCapacity(endpoint.basePath.count + pathRest.count)
        joined += endpoint.basePath
        joined += pathRest
        return joined[...]
    }
    /// Bytes of `pathRest`.
    var pathRestCount: Int { pathEnd - targetRest.startIndex }

    /// Whether `pathRest` is just these bytes.
    func hasPathRest(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == pathRestCount else { return false }
        let start = targetRest.startIndex
        for k in 0..<bytes.count where bytes[k] != targetRest[start + k] { return false }
        return true
    }

    /// Scheme, host, port and path, without the query (`record.md`, `upstream_url`).
    package var upstreamURL: String {
        var bytes: [UInt8] = []
        appendUpstreamURL(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends scheme, host, port and path.
    ///
    /// - Parameter bytes: gets them.
    package func appendUpstreamURL(to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + endpoint.origin.count + endpoint.basePath.count + pathRest.count)
        bytes += endpoint.origin
        if addsBasePath { bytes += endpoint.basePath }
        bytes += pathRest
    }
}
