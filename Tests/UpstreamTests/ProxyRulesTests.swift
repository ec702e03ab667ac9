// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Upstream

@Suite struct ProxyRulesTests {
    struct Address: Sendable, CustomTestStringConvertible {
        let text: String
        let shown: String
        var secret: String?
        var testDescription: String { text }
    }

    @Test(arguments: [
        Address(text: "proxy.test", shown: "http://proxy.test:1080"),
        Address(text: "http://proxy.test", shown: "http://proxy.test:1080"),
        Address(text: "https://Proxy.Test/", shown: "https://proxy.test:443"),
        Address(text: "HTTP://proxy.test:3128/x?y", shown: "http://proxy.test:3128"),
        Address(text: "[::1]:3128", shown: "http://[::1]:3128"),
        Address(text: "u:p@proxy.test:1", shown: "http://proxy.test:1", secret: "Basic dTpw"),
        Address(text: "http://u@proxy.test:1", shown: "http://proxy.test:1", secret: "Basic dTo="),
        Address(text: "http://a:b@c@proxy.test:1", shown: "http://proxy.test:1", secret: "Basic YTpiQGM="),
    ]) func readsAnAddress(address: Address) throws {
        let proxy = try ProxyAddress(address.text)
        #expect(proxy.description == address.shown)
        #expect(proxy.authorization == address.secret)
    }

    @Test(arguments: [
        "", "http://", "socks5://h:1", "http://h:0", "http://h:65536", "http://h:x", "http://[::1", "http://a b:1",
        "http://u%2:p@h",
    ]) func refusesABadAddressWithoutRepeatingIt(text: String) {
        let error = #expect(throws: UpstreamError.self) { try ProxyAddress(text) }
        #expect(error?.code == .badSettings)
    }

    @Test func readsTheEnvironmentAsCurlDoes() throws {
        let none = try ProxyRules(environment: ["HTTP_PROXY": "http://evil.test", "https_proxy": ""])
        #expect(none == ProxyRules())
        let rules = try ProxyRules(environment: [
            "http_proxy": "a:1", "HTTPS_PROXY": "b:2", "https_proxy": "c:3", "ALL_PROXY": "d:4", "NO_PROXY": "x", "no_proxy": "y",
        ])
        #expect(rules.httpProxy?.host == "a" && rules.httpsProxy?.host == "c")
        #expect(rules.noProxy == DirectHosts("y"))
        let all = try ProxyRules(environment: ["ALL_PROXY": "d:4"])
        #expect(all.httpProxy?.host == "d" && all.httpsProxy?.host == "d")
        let error = #expect(throws: UpstreamError.self) { try ProxyRules(environment: ["HTTPS_PROXY": "http://me:secret@h:x"]) }
        #expect(error?.message.hasPrefix("HTTPS_PROXY: ") == true && error?.message.contains("secret") == false)
    }

    @Test(arguments: [
        ("example.com", "example.com", true), ("example.com", "api.example.com", true), (".example.com", "example.com", true),
        ("example.com", "badexample.com", false), ("EXAMPLE.com", "Example.COM.", true), ("*", "anything", true),
        ("*", "10.0.0.1", true), ("a.test b.test,c.test", "b.test", true), ("10.0.0.0/8", "10.200.3.4", true),
        ("10.0.0.0/8", "11.0.0.1", false), ("192.168.1.0/25", "192.168.1.200", false), ("192.168.1.0/25", "192.168.1.100", true),
        ("127.0.0.1", "127.0.0.1", true), ("0.0.1", "127.0.0.1", false), ("fd00::/8", "fd12::1", true), ("[::1]", "::1", true),
        ("::1", "::2", false), ("10.0.0.0/99", "10.0.0.1", false), ("", "example.com", false), ("10.0.0.0/0", "8.8.8.8", true),
    ]) func readsTheListOfDirectHosts(list: String, host: String, isDirect: Bool) {
        #expect(DirectHosts(list).holds(host) == isDirect)
    }

    @Test func choosesByScheme() throws {
        let rules = ProxyRules(
            httpProxy: try ProxyAddress("plain:1"), httpsProxy: try ProxyAddress("secure:2"), noProxy: DirectHosts("near.test"))
        func host(_ name: String, tls: Bool) -> String? {
            rules.proxy(for: UpstreamTarget(host: name, port: 1, isTLS: tls, demandsPublicAddress: false))?.host
        }
        #expect(host("far.test", tls: true) == "secure")
        #expect(host("far.test", tls: false) == "plain")
        #expect(host("near.test", tls: true) == nil)
    }
}
