// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing
import Upstream

@testable import Gateway

@Suite(.serialized, .enabled(if: Tool.hasOpenssl, "needs the openssl program")) struct UpstreamTLSTests {
    private func upstream(_ authority: TestAuthority, _ change: (inout UpstreamSettings) -> Void = { _ in }) -> UpstreamSettings {
        var settings = UpstreamSettings()
        settings.extraCAFiles = [authority.certificate]
        change(&settings)
        return settings
    }

    private let get = "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(arguments: ["localhost", "127.0.0.1"]) func trustsAnAuthorityOfItsOwn(host: String) async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(try authority.issue("good"))
        try await withListeners(urls: ["openai": "https://\(host):\(provider.port)"], upstream: upstream(authority)) { bench in
            let (first, second) = (try bench.ask(get), try bench.ask(get))
            #expect(first.text == "secure" && second.text == "secure")
        }
        #expect(provider.requests.count == 2)
        try await provider.stop()
    }

    @Test func sendsOnceMoreWhenAKeptConnectionEndsWithoutFarewell() async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(
            try authority.issue("good"), script: [.answer(ok("first")), .cut, .answer(ok("again"))])
        let records = try await withListeners(
            urls: ["openai": "https://localhost:\(provider.port)"], upstream: upstream(authority)
        ) { bench in
            let (first, second) = (try bench.ask(get), try bench.ask(get))
            #expect(first.text == "first" && second.text == "again")
        }
        #expect(records.map { $0.attempts.count }.sorted() == [1, 2])
        #expect(provider.requests.count == 3)
        try await provider.stop()
    }

    @Test func aFreshConnectionThatEndsWithoutFarewellIsAProtocolError() async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(try authority.issue("good"), script: [.cut])
        try await withListeners(urls: ["openai": "https://localhost:\(provider.port)"], upstream: upstream(authority)) { bench in
            let answer = try bench.ask(get)
            #expect(answer.status == 502 && answer.text.contains("upstream_protocol_error"), "\(answer.text)")
        }
        try await provider.stop()
    }

    /// The library would wait five seconds for the provider's farewell.
    @Test func aCallerThatGoesEndsTheConnectionBelowTLSAtOnce() async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(
            try authority.issue("good"), script: [.stall("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")])
        let records = try await withListeners(
            urls: ["openai": "https://localhost:\(provider.port)"], upstream: upstream(authority)
        ) { bench in
            let wire = try bench.connect()
            try wire.send(get)
            _ = try wire.read(through: "begun")
            try await eventually("the connection is counted") { bench.samples()["weir_upstream_connections_open"] == 1 }
            wire.close()
            try await eventually("the connection is closed", seconds: 3.5) {
                bench.samples()["weir_upstream_connections_open"] == 0
            }
        }
        #expect(records.map(\.head.outcome) == [.clientClosed])
        try await provider.stop()
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var names = "DNS:localhost,IP:127.0.0.1"
        var days = 1
        var isTrusted = true
        var host = "localhost"
        let says: String
    }

    @Test(arguments: [
        Bad(testDescription: "wrong host name", names: "DNS:other.test", says: "not for this host name"),
        Bad(testDescription: "wrong address", names: "IP:127.0.0.2", host: "127.0.0.1", says: "not for this host name"),
        Bad(
            testDescription: "name instead of address", names: "DNS:localhost", host: "127.0.0.1", says: "not for this host name"),
        Bad(testDescription: "expired", days: -1, says: "has expired"),
        Bad(testDescription: "unknown authority", isTrusted: false, says: "not signed by an authority"),
    ]) func refusesABadCertificateByName(bad: Bad) async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(try authority.issue("bad", names: bad.names, days: bad.days))
        let settings = bad.isTrusted ? upstream(authority) : UpstreamSettings()
        let records = try await withListeners(
            urls: ["openai": "https://\(bad.host):\(provider.port)"], upstream: settings
        ) { bench in
            let answer = try bench.ask(get)
            #expect(answer.status == 502)
            #expect(answer.text.contains("upstream_unreachable") && answer.text.contains(bad.says), "\(answer.text)")
        }
        #expect(provider.requests.isEmpty)
        #expect(records.map(\.head.errorCode) == ["upstream_unreachable"])
        try await provider.stop()
    }

    @Test func namesAPortThatSpeaksNoTLS() async throws {
        let plain = try RawProvider { _, wire, _ in
            _ = try wire.read(count: 1)
            try wire.send(ok("plain"))
            _ = try wire.readToEnd()
        }
        defer { plain.stop() }
        try await withListeners(urls: ["openai": "https://localhost:\(plain.port)"]) { bench in
            let answer = try bench.ask(get)
            #expect(answer.status == 502)
            #expect(answer.text.contains("does not speak TLS"), "\(answer.text)")
        }
    }

    @Test func namesAConnectionThatClosesDuringTheHandshake() async throws {
        let provider = try RawProvider { _, wire, _ in _ = try wire.read(count: 50) }
        defer { provider.stop() }
        try await withListeners(urls: ["openai": "https://localhost:\(provider.port)"]) { bench in
            let answer = try bench.ask(get)
            #expect(answer.status == 502)
            #expect(answer.text.contains("TLS with the provider failed"), "\(answer.text)")
        }
    }

    @Test func givesASilentHandshakeUp() async throws {
        let provider = try RawProvider { _, wire, _ in _ = try wire.readToEnd() }
        defer { provider.stop() }
        var settings = UpstreamSettings()
        settings.limits.handshakeMilliseconds = 200
        try await withListeners(urls: ["openai": "https://localhost:\(provider.port)"], upstream: settings) { bench in
            let answer = try bench.ask(get)
            #expect(answer.status == 504)
            #expect(answer.text.contains("upstream_timeout") && answer.text.contains("handshake"), "\(answer.text)")
        }
    }

    @Test func opensConnectionsAnewUnderNewTrust() async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(try authority.issue("good"))
        let url = "https://localhost:\(provider.port)"
        try await withListeners(urls: ["openai": url], upstream: upstream(authority)) { bench in
            let before = try bench.ask(get)
            #expect(before.text == "secure")
            try await bench.server.apply(GatewaySettings(router: try Bench.router(["openai": url])))
            let after = try bench.ask(get)
            #expect(after.status == 502)
        }
        try await provider.stop()
    }

    // MARK: Proxies

    private func rules(_ proxy: String, noProxy: String = "") throws -> ProxyRules {
        ProxyRules(httpProxy: try ProxyAddress(proxy), httpsProxy: try ProxyAddress(proxy), noProxy: DirectHosts(noProxy))
    }

    @Test(arguments: [false, true]) func reachesTLSProvidersThroughATunnel(overTLS: Bool) async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(try authority.issue("far", names: "DNS:api.far.test"))
        let proxy = try await TunnelProxy(overTLS ? try authority.issue("proxy") : nil, destination: provider.port)
        let address = "\(overTLS ? "https" : "http")://us%40er:pa%3Ass@localhost:\(proxy.port)"
        let settings = try upstreamThrough(authority, rules(address))
        try await withListeners(urls: ["openai": "https://api.far.test"], upstream: settings) { bench in
            let (first, second) = (try bench.ask(get), try bench.ask(get))
            #expect(first.text == "secure" && second.text == "secure", "\(first.text)")
        }
        #expect(proxy.requests.count == 1)
        let asked = try #require(proxy.requests.first)
        #expect(asked.hasPrefix("CONNECT api.far.test:443 HTTP/1.1\r\nHost: api.far.test:443\r\n"))
        // base64 of us@er:pa:ss
        #expect(asked.contains("Proxy-Authorization: Basic dXNAZXI6cGE6c3M=\r\n"))
        #expect(provider.requests.allSatisfy { !$0.contains("Proxy-Authorization") })
        try await proxy.stop()
        try await provider.stop()
    }

    private func upstreamThrough(_ authority: TestAuthority, _ rules: ProxyRules) -> UpstreamSettings {
        upstream(authority) { $0.proxies = rules }
    }

    @Test(arguments: [("IP:192.0.2.7", true), ("IP:192.0.2.8", false), ("DNS:192.0.2.7", false)])
    func checksNumericTargetsBehindAProxy(names: String, isRight: Bool) async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(try authority.issue("far", names: names))
        let proxy = try await TunnelProxy(destination: provider.port)
        let settings = try upstreamThrough(authority, rules("http://127.0.0.1:\(proxy.port)"))
        try await withListeners(urls: ["openai": "https://192.0.2.7"], upstream: settings) { bench in
            let answer = try bench.ask(get)
            #expect(answer.status == (isRight ? 200 : 502), "\(answer.text)")
        }
        try await proxy.stop()
        try await provider.stop()
    }

    @Test func namesPlainTargetsInFullToAProxy() async throws {
        let proxy = try await TunnelProxy(destination: 1)
        var settings = UpstreamSettings()
        settings.proxies = try rules("http://me:secret@127.0.0.1:\(proxy.port)")
        try await withListeners(urls: ["openai": "http://plain.test:8080/base"], upstream: settings) { bench in
            let wire = try bench.connect()
            for _ in 0..<2 {
                try wire.send("GET /v1/models?a=b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n")
                let answer = try wire.answer()
                #expect(answer.text == "by proxy")
            }
        }
        #expect(proxy.requests.count == 2)
        for asked in proxy.requests {
            #expect(asked.hasPrefix("GET http://plain.test:8080/base/models?a=b HTTP/1.1\r\nProxy-Authorization: Basic "))
            #expect(asked.contains("\r\nHost: plain.test:8080\r\n"))
        }
        try await proxy.stop()
    }

    @Test func goesAroundTheProxyWhereToldTo() async throws {
        let provider = try RawProvider(answering: ok("direct"))
        defer { provider.stop() }
        var settings = UpstreamSettings()
        settings.proxies = try rules("http://127.0.0.1:1", noProxy: "localhost,127.0.0.0/8")
        try await withListeners(urls: ["openai": "http://127.0.0.1:\(provider.port)"], upstream: settings) { bench in
            let answer = try bench.ask(get)
            #expect(answer.text == "direct")
        }
    }

    struct Refusal: Sendable {
        let answer: String
        let says: String
    }

    @Test(arguments: [
        Refusal(answer: "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", says: "407"),
        Refusal(answer: "HTTP/1.1 403 Forbidden\r\n\r\n", says: "status 403"),
        Refusal(answer: "nonsense\r\n\r\n", says: "not HTTP"),
        Refusal(answer: "HTTP/1.1 200 OK\r\n\r\ngarbage", says: "nobody asked for"),
    ]) func namesWhatAProxyRefuses(refusal: Refusal) async throws {
        let proxy = try await TunnelProxy(destination: 1, refusing: refusal.answer)
        var settings = UpstreamSettings()
        settings.proxies = try rules("http://me:hunter2@127.0.0.1:\(proxy.port)")
        try await withListeners(urls: ["openai": "https://far.test"], upstream: settings) { bench in
            let answer = try bench.ask(get)
            #expect(answer.status == 502)
            #expect(answer.text.contains("the proxy http://127.0.0.1:") && answer.text.contains(refusal.says), "\(answer.text)")
            #expect(!answer.text.contains("hunter2"))
        }
        try await proxy.stop()
    }

    @Test func givesASilentProxyUp() async throws {
        let silent = try RawProvider { _, wire, _ in _ = try wire.readToEnd() }
        defer { silent.stop() }
        var settings = UpstreamSettings()
        settings.limits.proxyMilliseconds = 200
        settings.proxies = try rules("http://127.0.0.1:\(silent.port)")
        try await withListeners(urls: ["openai": "https://far.test"], upstream: settings) { bench in
            let answer = try bench.ask(get)
            #expect(answer.status == 504)
            #expect(answer.text.contains("upstream_timeout"))
        }
    }

    @Test func checksAddressesThatCallersNameBeforeTheProxyHearsOfThem() async throws {
        let authority = try TestAuthority()
        let provider = try await SecureProvider(try authority.issue("far", names: "IP:192.88.98.1"))
        let proxy = try await TunnelProxy(destination: provider.port)
        let settings = try upstreamThrough(authority, rules("http://127.0.0.1:\(proxy.port)"))
        try await withListeners(urls: [:], upstream: settings) { bench in
            let request = { (url: String) in "GET /v1/models HTTP/1.1\r\nHost: a\r\nx-inference-provider-url: \(url)\r\n\r\n" }
            for url in ["https://localhost", "https://127.0.0.1", "https://169.254.169.254", "https://10.0.0.1"] {
                let answer = try bench.ask(request(url))
                #expect(answer.status == 403)
            }
            #expect(proxy.requests.isEmpty)
            let answer = try bench.ask(request("https://192.88.98.1"))
            #expect(answer.text == "secure", "\(answer.text)")
            #expect(proxy.requests.first?.hasPrefix("CONNECT 192.88.98.1:443 ") == true)
        }
        try await proxy.stop()
        try await provider.stop()
    }
}
