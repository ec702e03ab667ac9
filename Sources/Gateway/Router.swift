// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
package import HTTPWire
import Upstream

/// Decides which provider a request goes to and what becomes of its credentials (`contract.md`).
///
/// Pure. Runs once a request on the hot path: text is made only where a caller names a URL. Immutable; an object, so that it is handed
/// on by one reference.
package final class Router: Sendable {
    let catalogue: ProviderCatalogue
    let keys: GatewayKeys
    let allowsPrivateUpstreams: Bool
    let addsVia: Bool
    /// By the raw value of `InferredProvider`.
    private let inferredEntries: [ProviderCatalogue.Entry?]
    /// The endpoints of those that have one: most requests need no more.
    private let inferredEndpoints: [ProviderEndpoint?]

    /// A router over a catalogue.
    ///
    /// - Parameters:
    ///   - catalogue: the providers.
    ///   - keys: the gateway keys; none: the gateway is open.
    ///   - allowsPrivateUpstreams: whether callers may name plain http and private addresses.
    ///   - addsVia: whether heads that pass get a `Via` line (RFC 9110 section 7.6.3).
    package init(
        catalogue: ProviderCatalogue, keys: GatewayKeys = GatewayKeys(), allowsPrivateUpstreams: Bool, addsVia: Bool = false
    ) {
        self.addsVia = addsVia
        self.catalogue = catalogue
        self.keys = keys
        self.allowsPrivateUpstreams = allowsPrivateUpstreams
        inferredEntries = InferredProvider.allCases.map { catalogue.entry(named: Array($0.name.utf8)[...]) }
        inferredEndpoints = inferredEntries.map { $0?.endpoint }
    }

    /// The names of all providers, sorted.
    package var providerNames: [String] { catalogue.names }

    /// Routes a request.
    ///
    /// - Parameter head: the caller's request.
    /// - Returns: the route.
    /// - Throws: `Fault`: `badControlHeader`, `invalidGatewayKey`, `notAllowed`, `unknownRoute`, `badRequest`.
    package func route(_ head: RequestHead) throws(Fault) -> Route {
        let target = head.target
        guard target.first == ByteMatching.slash else {
            throw Fault(.badRequest, "the request target must begin with a slash; point the SDK's base URL at Weir")
        }
        let control = try ControlHeaders(head.block)
        let keyID = try keys.authenticate(control, head.block)
        let pathEnd = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        let prefix = try PathPrefix(checking: target[..<pathEnd])
        let request = RoutedRequest(
            block: head.block, control: control, path: prefix.rest, targetRest: target[prefix.rest.startIndex...],
            prefixProvider: prefix.provider, family: APIRoute.family(ofPath: prefix.rest))
        let endpoint = try self.endpoint(of: request)
        return make(endpoint, request, isModelCall: Router.isModelCall(head), keyID: keyID, prefix.attribution)
    }

    /// Models are called by POST, or over a connection that is upgraded: what else stands on the same path is opaque.
    static func isModelCall(_ head: RequestHead) -> Bool {
        if ByteMatching.equals(head.method, "POST") { return true }
        return ByteMatching.equals(head.method, "GET") && head.block.first(.upgrade) != nil
    }

    /// The API family that a request's path tells, for faults that come before routing.
    static func family(of head: RequestHead) -> APIFamily? { APIRoute.family(ofPath: PathPrefix(head.path).rest) }

    /// The family whose shape a fault takes: the path's, else that of the SDK whose headers the request has.
    static func faultShape(of head: RequestHead) -> APIFamily? {
        if let family = family(of: head) { return family }
        if head.block.first(.anthropicVersion) != nil { return .anthropicMessages }
        return head.block.first(.xGoogAPIKey) != nil ? .geminiGenerate : nil
    }

    private func make(
        _ endpoint: ProviderEndpoint, _ request: RoutedRequest, isModelCall: Bool, keyID: String?, _ attribution: Attribution
    ) -> Route {
        let control = request.control
        let joined = BaseURL.join(base: endpoint.basePath, request.path)
        let api = isModelCall ? Router.spoken(request.family, at: endpoint) : nil
        return Route(
            endpoint: endpoint, api: api, family: request.family,
            addsBasePath: joined.addsBase, targetRest: request.targetRest[joined.rest.startIndex...],
            pathEnd: joined.rest.endIndex, providerKey: control.providerKey.map { GatewayKeys.bare(request.block.value($0)) },
            holdsGatewayKey: control.holdsGatewayKey, keyID: keyID,
            isSigned: endpoint.signing != nil && AWSAuthorization.needsSigning(request, for: endpoint.base),
            keepsHost: AWSAuthorization.isMade(request, for: endpoint.base), addsVia: addsVia,
            usageOptIn: Router.usageOptIn(api, at: endpoint), attribution: attribution)
    }

    private static func usageOptIn(_ api: APIFamily?, at endpoint: ProviderEndpoint) -> UsageOptIn {
        guard endpoint.usageOptIn != .off, let api, UsageOptIn.concerns(api) else { return .off }
        return endpoint.usageOptIn
    }

    /// The family that a path tells, where it is spoken there.
    private static func spoken(_ family: APIFamily?, at endpoint: ProviderEndpoint) -> APIFamily? {
        guard let family, let families = endpoint.families else { return family }
        return families.contains(family) ? family : nil
    }

    // MARK: Which provider

    private func endpoint(of request: RoutedRequest) throws(Fault) -> ProviderEndpoint {
        let named = try entry(request.control.provider.map(request.block.value) ?? request.prefixProvider)
        if let field = request.control.providerURL {
            return try callerNamed(BaseURL(bytes: request.block.value(field)), named?.provider, request)
        }
        if AWSAuthorization.isSignature(request), named?.provider.name ?? "bedrock" == "bedrock",
            let own = try awsOwnHost(request)
        {
            return own
        }
        if let named { return try endpoint(of: named, request) }
        guard let provider = ProviderInference.provider(request.control, path: request.path, query: request.query) else {
            throw Fault(
                .unknownRoute,
                "no provider can be told from this path; send x-inference-provider or x-inference-provider-url, or use a provider's own path such as /v1/chat/completions"
            )
        }
        return try inferred(provider, request)
    }

    private func inferred(_ provider: InferredProvider, _ request: RoutedRequest) throws(Fault) -> ProviderEndpoint {
        if let endpoint = inferredEndpoints[Int(provider.rawValue)] { return endpoint }
        guard let entry = inferredEntries[Int(provider.rawValue)] else {
            throw Fault(.unknownRoute, "no provider can be told from this path")
        }
        return try endpoint(of: entry, request)
    }

    private func entry(_ name: ArraySlice<UInt8>?) throws(Fault) -> ProviderCatalogue.Entry? {
        guard let name else { return nil }
        guard let entry = catalogue.entry(named: name) else {
            throw Fault(.badControlHeader, "unknown provider; known are: \(catalogue.names.joined(separator: ", "))")
        }
        return entry
    }

    private func endpoint(of entry: ProviderCatalogue.Entry, _ request: RoutedRequest) throws(Fault) -> ProviderEndpoint {
        if let endpoint = entry.endpoint { return endpoint }
        let provider = entry.provider
        if case .vertex = provider.template, let location = ProviderInference.vertexLocation(request.path),
            let base = provider.template.url(region: location)
        {
            return adHoc(provider.name, provider.keyPlacement, base, provider)
        }
        throw Fault(
            .badControlHeader,
            "\(provider.name) has no base URL of its own; send x-inference-provider-url, or configure a url or a region for it")
    }

    private func callerNamed(
        _ base: BaseURL, _ named: Provider?, _ request: RoutedRequest
    ) throws(Fault) -> ProviderEndpoint {
        guard allowsPrivateUpstreams || base.isTLS else {
            throw Fault(
                .notAllowed,
                "x-inference-provider-url must be https; the operator can allow others with --allow-private-upstreams")
        }
        guard allowsPrivateUpstreams || AddressPolicy.mayBeNamed(base.host) else {
            throw Fault(
                .notAllowed,
                "x-inference-provider-url names an address that is private, loopback, link-local or otherwise special; the operator can allow it with --allow-private-upstreams"
            )
        }
        let provider = named ?? catalogue.owner(ofHost: base.host)
        let placement =
            provider?.keyPlacement ?? ProviderInference.placement(ofPath: request.path, family: request.family)
        return adHoc(provider?.name ?? base.host, placement, base, provider)
    }

    /// The host of AWS's own that the caller signed for: the configured endpoint, or one made for this request.
    private func awsOwnHost(_ request: RoutedRequest) throws(Fault) -> ProviderEndpoint? {
        guard let base = AWSAuthorization.host(request), AWSHost(base.host) != nil else { return nil }
        let bedrock = try entry(Array("bedrock".utf8)[...])
        if let own = bedrock?.endpoint, own.base == base { return own }
        return adHoc("bedrock", .bearer, base, bedrock?.provider)
    }

    /// An endpoint that a request names, one way or another: never with secrets of the operator's.
    private func adHoc(
        _ name: String, _ placement: KeyPlacement, _ base: BaseURL, _ provider: Provider?
    ) -> ProviderEndpoint {
        ProviderEndpoint(
            provider: name, keyPlacement: placement, base: base, isCallerNamed: true,
            demandsPublicAddress: !allowsPrivateUpstreams, families: provider?.families,
            usageOptIn: provider?.usageOptIn ?? .off)
    }
}

/// What of a request decides its route.
struct RoutedRequest {
    let block: HeaderBlock
    let control: ControlHeaders
    let path: ArraySlice<UInt8>
    let targetRest: ArraySlice<UInt8>
    let prefixProvider: ArraySlice<UInt8>?
    let family: APIFamily?

    var query: ArraySlice<UInt8>? {
        path.endIndex < targetRest.endIndex ? targetRest[(path.endIndex + 1)...] : nil
    }
}
