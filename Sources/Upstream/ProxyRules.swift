// SPDX-License-Identifier: Apache-2.0

/// Which targets are reached through which proxy.
package struct ProxyRules: Sendable, Equatable {
    /// For plain http targets; nil: directly.
    package var httpProxy: ProxyAddress?
    /// For https targets; nil: directly.
    package var httpsProxy: ProxyAddress?
    /// The targets that are reached directly all the same.
    package var noProxy: DirectHosts

    /// The same proxies, written down; without arguments: no proxies.
    package init(httpProxy: ProxyAddress? = nil, httpsProxy: ProxyAddress? = nil, noProxy: DirectHosts = DirectHosts("")) {
        self.httpProxy = httpProxy
        self.httpsProxy = httpsProxy
        self.noProxy = noProxy
    }

    /// Reads the usual environment variables as curl does.
    ///
    /// `http_proxy` in lower case only (a CGI program's `HTTP_PROXY` is a header of its caller), `https_proxy`, `all_proxy` and
    /// `no_proxy` in lower case first, then in upper case. An empty value is as good as none.
    /// - Parameter environment: names and values.
    /// - Throws: `UpstreamError` `badSettings`, naming the variable and never its value.
    package init(environment: [String: String]) throws(UpstreamError) {
        func value(_ names: String...) throws(UpstreamError) -> ProxyAddress? {
            for name in names {
                guard let text = environment[name], !text.isEmpty else { continue }
                do throws(UpstreamError) { return try ProxyAddress(text) } catch {
                    throw UpstreamError(.badSettings, "\(name): \(error.message)")
                }
            }
            return nil
        }
        httpProxy = try value("http_proxy", "all_proxy", "ALL_PROXY")
        httpsProxy = try value("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        let direct = ["no_proxy", "NO_PROXY"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        noProxy = DirectHosts(direct ?? "")
    }

    /// The proxy on the way to a target, or nil where it is reached directly.
    package func proxy(for target: UpstreamTarget) -> ProxyAddress? {
        guard let proxy = target.isTLS ? httpsProxy : httpProxy, !noProxy.holds(target.host) else { return nil }
        return proxy
    }
}

/// The hosts of a `NO_PROXY` list, read as curl reads it.
///
/// Items are parted by commas or blanks. `*` alone is every host; a name is itself and every name below it, a leading dot does not
/// count; a numeric address is itself; `ADDRESS/BITS` is a network.
package struct DirectHosts: Sendable, Equatable {
    private enum Item: Sendable, Equatable {
        case every
        case name(String)
        case network([UInt8], bits: Int)
    }
    private let items: [Item]

    /// Reads a list; items that make no sense match nothing.
    package init(_ list: String) {
        items = list.lowercased().split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" }).compactMap {
            DirectHosts.item(String($0))
        }
    }

    /// Whether a host is reached directly.
    ///
    /// - Parameter host: a name or a numeric address without brackets.
    /// - Returns: true where no proxy is asked.
    package func holds(_ host: String) -> Bool {
        let address = AddressPolicy.addressBytes(host)
        let name = DirectHosts.bare(host.lowercased())
        return items.contains { item in
            switch item {
            case .every: true
            case .name(let suffix): address == nil && (name == suffix || name.hasSuffix("." + suffix))
            case .network(let network, let bits): address.map { DirectHosts.shares($0, network, bits: bits) } ?? false
            }
        }
    }

    private static func item(_ text: String) -> Item? {
        if text == "*" { return .every }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var host = String(parts[0])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if let address = AddressPolicy.addressBytes(host) {
            guard parts.count == 2 else { return .network(address, bits: address.count * 8) }
            guard let bits = Int(parts[1]), (0...address.count * 8).contains(bits) else { return nil }
            return .network(address, bits: bits)
        }
        guard parts.count == 1 else { return nil }
        let name = bare(host.hasPrefix(".") ? String(host.dropFirst()) : host)
        return name.isEmpty ? nil : .name(name)
    }

    private static func bare(_ name: String) -> String { name.hasSuffix(".") ? String(name.dropLast()) : name }

    private static func shares(_ address: [UInt8], _ network: [UInt8], bits: Int) -> Bool {
        guard address.count == network.count else { return false }
        let whole = bits / 8
        guard address.prefix(whole) == network.prefix(whole) else { return false }
        guard bits % 8 > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> (bits % 8))
        return address[whole] & mask == network[whole] & mask
    }
}
