// SPDX-License-Identifier: Apache-2.0
package import Dialects
package import ExchangeModel

/// Where a provider wants its key.
package enum KeyPlacement: String, Sendable, CaseIterable {
    /// `Authorization: Bearer KEY`.
    case bearer
    case xAPIKey = "x-api-key"
    case xGoogAPIKey = "x-goog-api-key"
    case apiKey = "api-key"
    /// `?key=KEY`.
    case query
}

/// A provider: a value, not code.
package struct Provider: Sendable {
    /// What the base URL of a provider without a fixed one follows from.
    enum Template: Sendable {
        case none, bedrock, vertex

        /// The base URL for a region, or nil where there is no rule or the region is not one.
        func url(region: String) -> BaseURL? {
            guard Provider.isRegion(region) else { return nil }
            switch self {
            case .none: return nil
            case .bedrock: return try? BaseURL("https://bedrock-runtime.\(region).amazonaws.com")
            case .vertex:
                return try? BaseURL(
                    region == "global"
                        ? "https://aiplatform.googleapis.com" : "https://\(region)-aiplatform.googleapis.com")
            }
        }
    }

    /// Its name in records and headers, lower case.
    package let name: String
    /// Nil where each customer has an own host or region: a URL or a region is then needed.
    package let baseURL: BaseURL?
    /// Where its key goes.
    package let keyPlacement: KeyPlacement
    /// The API families it speaks; nil: whatever its paths tell.
    package let families: [APIFamily]?
    /// Hosts that belong to it, without a port; a leading dot or hyphen means: any host that ends so.
    package let hosts: [String]
    /// Credentials that requests to its base URL are signed with.
    package let signing: AWSSigning?
    /// What is done about its chat streams that do not ask for their usage.
    package private(set) var usageOptIn: UsageOptIn
    /// Its streams tell their usage where they are asked, and there alone: the operator's general word holds for it.
    let tellsUsageWhenAsked: Bool
    let template: Template

    init(
        _ name: String, _ url: String?, _ keyPlacement: KeyPlacement = .bearer, hosts: [String] = [], template: Template = .none,
        tellsUsageWhenAsked: Bool = false
    ) {
        self.name = name
        baseURL = url.flatMap { try? BaseURL($0) }
        self.keyPlacement = keyPlacement
        families = nil
        self.hosts = hosts + (baseURL.map { [$0.host] } ?? [])
        self.template = template
        self.tellsUsageWhenAsked = tellsUsageWhenAsked
        signing = nil
        usageOptIn = .off
    }

    init(_ definition: ProviderDefinition, name: String, over base: Provider?) {
        self.name = name
        template = base?.template ?? .none
        let region = definition.region ?? definition.signing?.region
        baseURL = definition.url ?? region.flatMap { [template] in template.url(region: $0) } ?? base?.baseURL
        keyPlacement = definition.keyPlacement ?? base?.keyPlacement ?? .bearer
        families = definition.families ?? base?.families
        hosts = definition.hosts + (definition.url.map { [$0.host] } ?? []) + (base?.hosts ?? [])
        signing = definition.signing
        tellsUsageWhenAsked = base?.tellsUsageWhenAsked ?? false
        usageOptIn = .off
    }

    /// The provider with what the configuration says about usage: its own word, else the general one where that holds for it.
    func asking(_ own: UsageOptIn?, general: UsageOptIn) -> Provider {
        var provider = self
        provider.usageOptIn = own ?? (tellsUsageWhenAsked ? general : .off)
        return provider
    }

    /// Whether text can be a cloud's region: it becomes part of a host name.
    static func isRegion(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 40 && text.utf8.first != 0x2D && text.utf8.last != 0x2D
            && text.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D }
    }
}

/// A provider as the configuration gives it: what is nil stays as the catalogue has it.
package struct ProviderDefinition: Sendable {
    /// Compared in lower case.
    package var name: String
    /// The base URL.
    package var url: BaseURL?
    /// Where the key goes; bearer for a new provider.
    package var keyPlacement: KeyPlacement?
    /// Further hosts that belong to it; a leading dot or hyphen means: any host that ends so.
    package var hosts: [String]
    /// The API families it speaks: what its paths tell beside them is opaque; nil: all.
    package var families: [APIFamily]?
    /// For bedrock and vertex-ai: the base URL follows from it where none is given.
    package var region: String?
    /// Credentials that requests to the base URL are signed with; never used for a URL that a caller named.
    package var signing: AWSSigning?
    /// What is done about chat streams that do not ask for their usage; nil: as the general setting says, where it holds for it.
    package var usageOptIn: UsageOptIn?

    /// Names a provider.
    package init(
        name: String, url: BaseURL? = nil, keyPlacement: KeyPlacement? = nil, hosts: [String] = [],
        families: [APIFamily]? = nil, region: String? = nil, signing: AWSSigning? = nil, usageOptIn: UsageOptIn? = nil
    ) {
        self.usageOptIn = usageOptIn
        self.name = name
        self.url = url
        self.keyPlacement = keyPlacement
        self.hosts = hosts
        self.families = families
        self.region = region
        self.signing = signing
    }
}

/// A host of Bedrock's own: `bedrock-runtime.REGION.amazonaws.com` and its like.
struct AWSHost {
    let region: String

    /// Nil for any other host: a bucket may be called `bedrock-runtime` too.
    init?(_ host: String) {
        for service in ["bedrock-runtime.", "bedrock-runtime-fips.", "bedrock-mantle."] where host.hasPrefix(service) {
            for domain in [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"] where host.hasSuffix(domain) {
                let region = host.dropFirst(service.count).dropLast(domain.count)
                guard Provider.isRegion(String(region)), region.split(separator: "-").count >= 3 else { continue }
                self.region = String(region)
                return
            }
        }
        return nil
    }
}
