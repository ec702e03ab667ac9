// SPDX-License-Identifier: Apache-2.0

/// An `http` or `https` URL in its parts; nothing is decoded.
package struct WebAddress: Equatable, Sendable {
    /// Scheme, host and port, lower case: `https://api.openai.com`.
    package let origin: String
    /// The host without a port, lower case.
    package let host: String
    /// The path with its leading slash, empty where there is none.
    package let path: String

    /// Reads a whole text as a URL; nil where it is none, or has user information, a query or a fragment.
    package init?(_ text: String) {
        let lowered = text.lowercased()
        let scheme = lowered.hasPrefix("https://") ? "https://" : "http://"
        guard lowered.hasPrefix(scheme), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash].lowercased()
        let path = String(rest[slash...])
        guard !authority.isEmpty, !(authority + path).contains(where: { "@?#\\\"'`<>{}|^ ".contains($0) }) else { return nil }
        let host = WebAddress.host(of: authority)
        guard !host.isEmpty, WebAddress.hasFairPort(authority.dropFirst(host.count)) else { return nil }
        origin = scheme + authority
        self.host = host
        self.path = path
    }

    private static func host(of authority: String) -> String {
        if authority.hasPrefix("[") { return authority.firstIndex(of: "]").map { String(authority[...$0]) } ?? "" }
        return String(authority.prefix { $0 != ":" })
    }

    private static func hasFairPort(_ rest: Substring) -> Bool {
        if rest.isEmpty { return true }
        guard rest.first == ":", let port = Int(rest.dropFirst()) else { return false }
        return (1...65_535).contains(port)
    }

    /// Whether only this machine, seen from itself, has the address.
    package var isLoopback: Bool { host == "localhost" || host == "[::1]" || host.hasPrefix("127.") }
}

/// A provider's host: which provider it is, and whether its base URL must be told to Weir.
struct KnownHost: Equatable, Sendable {
    let provider: String
    /// Whether the host differs from customer to customer or region to region.
    let needsURL: Bool

    private static let fixed: [String: String] = [
        "api.openai.com": "openai", "api.anthropic.com": "anthropic", "api.groq.com": "groq", "api.cerebras.ai": "cerebras",
        "generativelanguage.googleapis.com": "gemini", "openrouter.ai": "openrouter", "api.mistral.ai": "mistral",
        "api.deepseek.com": "deepseek", "api.x.ai": "xai", "api.together.xyz": "together", "api.together.ai": "together",
        "api.fireworks.ai": "fireworks", "api.cohere.com": "cohere", "api.cohere.ai": "cohere",
    ]
    private static let endings: [(ending: String, provider: String)] = [
        (".openai.azure.com", "azure-openai"), (".cognitiveservices.azure.com", "azure-openai"),
        ("-aiplatform.googleapis.com", "vertex-ai"),
    ]

    /// The provider of a host, nil where it is not known.
    init?(_ host: String) {
        if let name = KnownHost.fixed[host] {
            provider = name
            needsURL = false
        } else if let match = KnownHost.endings.first(where: { host.hasSuffix($0.ending) }) {
            provider = match.provider
            needsURL = true
        } else if host.hasPrefix("bedrock-runtime."), host.hasSuffix(".amazonaws.com") {
            provider = "bedrock"
            needsURL = true
        } else {
            return nil
        }
    }

    /// What Weir infers from the beginning of a request's path, without any header of ours.
    static func inferred(requestPath: String) -> String? {
        func begins(_ prefix: String) -> Bool { requestPath == prefix || requestPath.hasPrefix(prefix + "/") }
        if begins("/openai/v1") { return "groq" }
        if begins("/v1beta") { return "gemini" }
        if begins("/v1/messages") { return "anthropic" }
        return begins("/v1") ? "openai" : nil
    }
}
