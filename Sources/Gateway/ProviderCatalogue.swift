// SPDX-License-Identifier: Apache-2.0

/// Where a provider wants its key.
package enum KeyPlacement: String, Sendable {
    case bearer
    case xAPIKey = "x-api-key"
    case xGoogAPIKey = "x-goog-api-key"
    case apiKey = "api-key"
}

/// A provider: a value, not code.
package struct Provider: Sendable, Equatable {
    /// Its name in records and headers.
    package let name: String
    /// Nil where each customer has an own host: a URL is then needed.
    package var baseURL: BaseURL?
    /// Where its key goes.
    package let keyPlacement: KeyPlacement
    /// Hosts that belong to it, without a port; a leading dot means: any host below.
    package let hosts: [String]
}

/// The providers that Weir knows by name, and those of the configuration.
package struct ProviderCatalogue: Sendable {
    private var providers: [String: Provider] = [:]
    private var exactHosts: [String: String] = [:]
    private var hostSuffixes: [(suffix: String, name: String)] = []

    /// Name, base URL, key placement, further hosts.
    ///
    /// Sources: each provider's API reference.
    private static let known: [(name: String, url: String, key: KeyPlacement, hosts: [String])] = [
        ("openai", "https://api.openai.com/v1", .bearer, []),
        ("anthropic", "https://api.anthropic.com", .xAPIKey, []),
        ("gemini", "https://generativelanguage.googleapis.com", .xGoogAPIKey, []),
        ("vertex-ai", "", .bearer, [".aiplatform.googleapis.com", "aiplatform.googleapis.com"]),
        ("groq", "https://api.groq.com/openai/v1", .bearer, []),
        ("cerebras", "https://api.cerebras.ai/v1", .bearer, []),
        ("openrouter", "https://openrouter.ai/api/v1", .bearer, []),
        ("mistral", "https://api.mistral.ai/v1", .bearer, []),
        ("deepseek", "https://api.deepseek.com", .bearer, []),
        ("xai", "https://api.x.ai/v1", .bearer, []),
        ("together", "https://api.together.xyz/v1", .bearer, ["api.together.ai"]),
        ("fireworks", "https://api.fireworks.ai/inference/v1", .bearer, []),
        ("cohere", "https://api.cohere.com", .bearer, ["api.cohere.ai"]),
        ("azure-openai", "", .apiKey, [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"]),
        ("bedrock", "", .bearer, []),
    ]

    /// The built-in catalogue.
    ///
    /// - Parameter overrides: base URLs by name; a new name makes an OpenAI-compatible provider with a bearer key.
    package init(overrides: [String: BaseURL] = [:]) {
        for entry in ProviderCatalogue.known {
            let url = entry.url.isEmpty ? nil : try? BaseURL(entry.url)
            providers[entry.name] = Provider(
                name: entry.name, baseURL: url, keyPlacement: entry.key, hosts: entry.hosts + (url.map { [$0.host] } ?? []))
        }
        for (written, url) in overrides {
            // Names are compared in lower case.
            let name = written.lowercased()
            let base = providers[name]
            providers[name] = Provider(
                name: name, baseURL: url, keyPlacement: base?.keyPlacement ?? .bearer, hosts: (base?.hosts ?? []) + [url.host])
        }
        for name in names {
            for host in providers[name]?.hosts ?? [] {
                if host.hasPrefix(".") {
                    hostSuffixes.append((host, name))
                } else if exactHosts[host] == nil {
                    exactHosts[host] = name
                }
            }
        }
    }

    /// All names, sorted.
    package var names: [String] { providers.keys.sorted() }

    /// The provider of a name, or nil.
    package subscript(name: String) -> Provider? { providers[name] }

    /// The provider whose host this is, or nil.
    ///
    /// Loopback hosts belong to nobody: many providers may stand there.
    package func owner(ofHost host: String) -> Provider? {
        if host == "127.0.0.1" || host == "localhost" || host == "::1" { return nil }
        if let name = exactHosts[host] { return providers[name] }
        for entry in hostSuffixes where host.hasSuffix(entry.suffix) { return providers[entry.name] }
        if host.hasPrefix("bedrock-runtime."), host.hasSuffix(".amazonaws.com") { return providers["bedrock"] }
        return nil
    }
}
