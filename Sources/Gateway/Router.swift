// SPDX-License-Identifier: Apache-2.0
import Dialects
package import ExchangeModel
package import HTTPWire
package import Upstream

/// Where one request goes.
package struct Route: Sendable {
    /// Catalogue name, or the host of a bare URL.
    package let provider: String
    /// The family of the exchange; nil for what is no model call, such as a listing.
    package let api: APIFamily?
    /// The family that the path tells whatever the method: the shape of faults.
    let family: APIFamily?
    /// Where the provider's key goes.
    package let keyPlacement: KeyPlacement
    /// The provider's base URL.
    package let base: BaseURL
    /// What to connect to.
    package let target: UpstreamTarget
    /// The path for the provider, without the query.
    package let path: [UInt8]
    /// Replaces the caller's credential, placed where the provider wants it; nil: the caller's headers pass.
    let providerKey: ArraySlice<UInt8>?
    /// Task and environment named by a path prefix.
    package let attribution: Attribution
}

/// Decides which provider a request goes to (`contract.md`, Which provider).
///
/// Pure.
package struct Router: Sendable {
    let catalogue: ProviderCatalogue
    let allowsPrivateUpstreams: Bool

    /// A router over a catalogue.
    package init(catalogue: ProviderCatalogue, allowsPrivateUpstreams: Bool) {
        self.catalogue = catalogue
        self.allowsPrivateUpstreams = allowsPrivateUpstreams
    }

    /// Routes a request.
    ///
    /// - Parameter head: the caller's request.
    /// - Returns: the route.
    /// - Throws: `Fault`: `badControlHeader`, `notAllowed`, `unknownRoute`, `badRequest`.
    package func route(_ head: RequestHead) throws(Fault) -> Route {
        guard head.target.first == UInt8(ascii: "/") else {
            throw Fault(.badRequest, "the request target must begin with a slash; point the SDK's base URL at Weir")
        }
        let control = try ControlHeaders(head.block)
        let prefixed = try PathPrefix(checking: head.path)
        let name = control.provider ?? prefixed.provider
        let call = Wanted(
            path: prefixed.rest, isModelCall: Router.isModelCall(head), key: control.providerKey,
            attribution: prefixed.attribution)
        if let text = control.providerURL { return try named(url: text, provider: name, call) }
        let provider: Provider
        if let known = try known(name) { provider = known } else { provider = try inferred(head, path: call.path) }
        guard let base = provider.baseURL else {
            throw Fault(
                .badControlHeader, "\(provider.name) has no base URL of its own; send x-inference-provider-url or configure one")
        }
        return make(provider.name, provider.keyPlacement, base, isCallerNamed: false, call)
    }

    /// What of a request decides its route beside the provider.
    private struct Wanted {
        let path: ArraySlice<UInt8>
        let isModelCall: Bool
        let key: ArraySlice<UInt8>?
        let attribution: Attribution
    }

    /// Models are called by POST: what else stands on the same path is opaque.
    static func isModelCall(_ head: RequestHead) -> Bool { head.method.elementsEqual("POST".utf8) }

    /// The API family that a request's path tells, for faults that come before routing.
    static func family(of head: RequestHead) -> APIFamily? { APIRoute.family(ofPath: PathPrefix(head.path).rest) }

    private func known(_ name: String?) throws(Fault) -> Provider? {
        guard let name else { return nil }
        guard let provider = catalogue[name] else {
            throw Fault(.badControlHeader, "unknown provider; known are: \(catalogue.names.joined(separator: ", "))")
        }
        return provider
    }

    private func named(url text: String, provider name: String?, _ call: Wanted) throws(Fault) -> Route {
        let base = try BaseURL(text)
        guard base.isTLS || allowsPrivateUpstreams else {
            throw Fault(
                .notAllowed,
                "x-inference-provider-url must be https; the operator can allow others with --allow-private-upstreams")
        }
        let provider = try self.known(name) ?? catalogue.owner(ofHost: base.host)
        let placement = provider?.keyPlacement ?? Router.placement(ofPath: call.path)
        return make(provider?.name ?? base.host, placement, base, isCallerNamed: true, call)
    }

    /// Where the key goes for a server that is not in the catalogue: told by the path.
    static func placement(ofPath path: ArraySlice<UInt8>) -> KeyPlacement {
        if APIRoute.family(ofPath: path) == .anthropicMessages { return .xAPIKey }
        return endsWithGeminiMethod(path) ? .xGoogAPIKey : .bearer
    }

    private func make(_ name: String, _ placement: KeyPlacement, _ base: BaseURL, isCallerNamed: Bool, _ call: Wanted) -> Route {
        let family = APIRoute.family(ofPath: call.path)
        let target = UpstreamTarget(
            host: base.host, port: base.port, isTLS: base.isTLS, demandsPublicAddress: isCallerNamed && !allowsPrivateUpstreams)
        return Route(
            provider: name, api: call.isModelCall ? family : nil, family: family, keyPlacement: placement, base: base,
            target: target,
            path: base.join(call.path), providerKey: call.key, attribution: call.attribution)
    }

    /// Rule 3: headers first, then the path.
    private func inferred(_ head: RequestHead, path: ArraySlice<UInt8>) throws(Fault) -> Provider {
        if let name = Router.inferredName(head, path: path), let provider = catalogue[name] { return provider }
        throw Fault(
            .unknownRoute,
            "no provider can be told from this path; send x-inference-provider or x-inference-provider-url, or use a provider's own path such as /v1/chat/completions"
        )
    }

    static func inferredName(_ head: RequestHead, path: ArraySlice<UInt8>) -> String? {
        if head.block.first(.anthropicVersion) != nil { return "anthropic" }
        if head.block.first(.xGoogAPIKey) != nil { return "gemini" }
        if path.starts(with: "/v1/projects/".utf8) || path.starts(with: "/v1beta1/projects/".utf8) { return "vertex-ai" }
        if path.starts(with: "/v1beta/".utf8) || path.starts(with: "/v1beta1/".utf8) || isGeminiMethod(path) { return "gemini" }
        if isAtOrBelow(path, "/v1/messages") { return "anthropic" }
        if path.starts(with: "/openai/deployments/".utf8) { return "azure-openai" }
        if path.starts(with: "/openai/v1/".utf8) { return "groq" }
        if path.starts(with: "/model/".utf8), isBedrockMethod(path) { return "bedrock" }
        if path.starts(with: "/v1/".utf8) { return "openai" }
        return nil
    }

    private static func isAtOrBelow(_ path: ArraySlice<UInt8>, _ base: String) -> Bool {
        guard path.starts(with: base.utf8) else { return false }
        let rest = path.dropFirst(base.utf8.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "/")
    }

    private static let geminiMethods: Set<String> = [
        "generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents", "predict",
        "predictLongRunning",
        "batchGenerateContent", "asyncBatchEmbedContent", "generateAnswer", "embedText", "generateText", "generateMessage",
        "countMessageTokens",
    ]

    /// `/v1/models/X:METHOD` with a known method after the last colon; a fine-tuned OpenAI model has colons too.
    private static func isGeminiMethod(_ path: ArraySlice<UInt8>) -> Bool {
        path.starts(with: "/v1/models/".utf8) && endsWithGeminiMethod(path)
    }

    private static func endsWithGeminiMethod(_ path: ArraySlice<UInt8>) -> Bool {
        guard let colon = path.lastIndex(of: UInt8(ascii: ":")) else { return false }
        return geminiMethods.contains(String(decoding: path[(colon + 1)...], as: UTF8.self))
    }

    private static func isBedrockMethod(_ path: ArraySlice<UInt8>) -> Bool {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return false }
        let last = path[(slash + 1)...]
        return last.starts(with: "converse".utf8) || last.starts(with: "invoke".utf8)
    }
}

/// `/p/NAME/t/TASK/e/ENVIRONMENT/...`: routing and attribution for clients that cannot set headers.
struct PathPrefix {
    var provider: String?
    var attribution = Attribution()
    let rest: ArraySlice<UInt8>

    /// Reads the prefix and refuses names that no header could carry either.
    init(checking path: ArraySlice<UInt8>) throws(Fault) {
        self.init(path)
        for name in [attribution.task, attribution.environment ?? ""] where name.utf8.count > ControlHeaders.valueLimit {
            throw Fault(
                .badControlHeader, "a task or an environment in the path is longer than \(ControlHeaders.valueLimit) bytes")
        }
    }

    init(_ path: ArraySlice<UInt8>) {
        guard path.starts(with: "/p/".utf8) else {
            rest = path
            return
        }
        var left = path
        while let (key, value, after) = PathPrefix.take(left) {
            switch key {
            case UInt8(ascii: "p") where provider == nil: provider = value.lowercased()
            case UInt8(ascii: "t") where provider != nil && attribution.task == "default": attribution.task = value
            case UInt8(ascii: "e") where provider != nil && attribution.environment == nil: attribution.environment = value
            default:
                rest = left
                return
            }
            left = after
        }
        rest = left
    }

    /// Takes `/K/VALUE` off the front where something follows it.
    private static func take(_ path: ArraySlice<UInt8>) -> (UInt8, String, ArraySlice<UInt8>)? {
        let slash = UInt8(ascii: "/")
        let start = path.startIndex
        guard path.count > 4, path[start] == slash, path[start + 2] == slash else { return nil }
        let tail = path[(start + 3)...]
        guard let end = tail.firstIndex(of: slash), end > tail.startIndex else { return nil }
        return (path[start + 1], String(decoding: tail[..<end], as: UTF8.self), tail[end...])
    }
}
