// SPDX-License-Identifier: Apache-2.0
package import Dialects

/// The providers that Weir knows by name, and those of the configuration.
///
/// Immutable: a reload makes a new one.
package struct ProviderCatalogue: Sendable {
    /// A provider with the endpoint of its configured or own base URL.
    struct Entry: Sendable {
        let provider: Provider
        let endpoint: ProviderEndpoint?
    }

    private let entries: [Entry]
    /// Indexes of `entries` by the length of the name, so that a name is told by a few comparisons.
    private let byLength: [[Int]]
    private let exactHosts: [String: Int]
    private let hostSuffixes: [(suffix: String, index: Int)]

    /// The built-in providers with those of the configuration over them.
    ///
    /// - Parameters:
    ///   - definitions: a known name overrides what it sets; a new one adds a provider. The last of equal names wins.
    ///   - usageOptIn: what is done about chat streams that do not ask for their usage, at providers that tell it where asked.
    package init(definitions: [ProviderDefinition] = [], usageOptIn: UsageOptIn = .off) {
        var providers = KnownProviders.table
        var ownOptIns: [String: UsageOptIn] = [:]
        for definition in definitions {
            let name = definition.name.lowercased()
            if let own = definition.usageOptIn { ownOptIns[name] = own }
            let place = providers.firstIndex { $0.name == name }
            let merged = Provider(definition, name: name, over: place.map { providers[$0] })
            if let place { providers.remove(at: place) }
            // The configuration's word on whose a host is comes before our own.
            providers.insert(merged, at: 0)
        }
        providers = providers.map { $0.asking(ownOptIns[$0.name], general: usageOptIn) }
        entries = providers.map(ProviderCatalogue.entry)
        var byLength: [[Int]] = []
        var exact: [String: Int] = [:]
        var suffixes: [(suffix: String, index: Int)] = []
        for (index, provider) in providers.enumerated() {
            let length = provider.name.utf8.count
            while byLength.count <= length { byLength.append([]) }
            byLength[length].append(index)
            for host in provider.hosts {
                if host.hasPrefix(".") || host.hasPrefix("-") {
                    suffixes.append((host, index))
                } else if exact[host] == nil {
                    exact[host] = index
                }
            }
        }
        self.byLength = byLength
        exactHosts = exact
        hostSuffixes = suffixes
    }

    /// The built-in providers with other base URLs.
    ///
    /// - Parameter overrides: base URLs by name; a new name makes an OpenAI-compatible provider with a bearer key.
    package init(overrides: [String: BaseURL]) {
        self.init(definitions: overrides.sorted { $0.key < $1.key }.map { ProviderDefinition(name: $0.key, url: $0.value) })
    }

    private static func entry(_ provider: Provider) -> Entry {
        let endpoint = provider.baseURL.map {
            ProviderEndpoint(
                provider: provider.name, keyPlacement: provider.keyPlacement, base: $0, isCallerNamed: false,
                demandsPublicAddress: false, signing: provider.signing, families: provider.families,
                usageOptIn: provider.usageOptIn)
        }
        return Entry(provider: provider, endpoint: endpoint)
    }

    /// All names, sorted.
    package var names: [String] { entries.map(\.provider.name).sorted() }

    /// All providers, sorted by name.
    package var providers: [Provider] { entries.map(\.provider).sorted { $0.name < $1.name } }

    /// The provider of a lower-case name, or nil.
    package subscript(name: String) -> Provider? { entry(named: Array(name.utf8)[...])?.provider }

    /// The entry of a name, case aside, or nil.
    func entry(named name: ArraySlice<UInt8>) -> Entry? {
        guard name.count < byLength.count else { return nil }
        for index in byLength[name.count] where isEqual(name, entries[index].provider.name) { return entries[index] }
        return nil
    }

    private func isEqual(_ bytes: ArraySlice<UInt8>, _ name: String) -> Bool {
        var i = bytes.startIndex
        for byte in name.utf8 {
            let own = bytes[i]
            guard byte == (own >= 0x41 && own <= 0x5A ? own | 0x20 : own) else { return false }
            i += 1
        }
        return true
    }

    /// The provider whose host this is, or nil.
    ///
    /// Loopback hosts belong to nobody: many providers may stand there.
    package func owner(ofHost host: String) -> Provider? {
        if host == "127.0.0.1" || host == "localhost" || host == "::1" { return nil }
        if let index = exactHosts[host] { return entries[index].provider }
        for entry in hostSuffixes where host.hasSuffix(entry.suffix) { return entries[entry.index].provider }
        return AWSHost(host) == nil ? nil : self["bedrock"]
    }
}
