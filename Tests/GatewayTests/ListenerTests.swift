// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Glibc
import NIOCore
import Testing
import Upstream

@testable import Gateway

/// TLS listeners, seen by curl and by bare sockets.
@Suite(.serialized, .enabled(if: Tool.hasCurl, "needs the openssl and curl programs")) struct ListenerTests {
    private struct Served: Sendable {
        let bench: Bench
        let authority: TestAuthority
        let issued: TestAuthority.Issued

        /// Runs curl against the gateway; the certificate is checked.
        func curl(_ arguments: String..., path: String = "/v1/models", mayFail: Bool = false) throws -> String {
            try Tool.run(
                Tool.curl,
                ["-sS", "--max-time", "10", "--cacert", authority.certificate, "https://localhost:\(bench.port)\(path)"]
                    + arguments,
                mayFail: mayFail)
        }
    }

    private func serving(
        _ provider: RawProvider, allowsHTTP2: Bool = true, limits: GatewayLimits = GatewayLimits(),
        _ body: (Served) async throws -> Void
    ) async throws {
        defer { provider.stop() }
        let authority = try TestAuthority()
        let issued = try authority.issue("server")
        let listener = ListenerSettings(
            host: "127.0.0.1", port: 0,
            tls: ListenerTLS(certificatePath: issued.certificate, keyPath: issued.key, allowsHTTP2: allowsHTTP2))
        try await withListeners([listener], urls: ["openai": "http://127.0.0.1:\(provider.port)"], limits: limits) { bench in
            try await body(Served(bench: bench, authority: authority, issued: issued))
        }
    }

    @Test(arguments: ["--http1.1", "--http2"]) func answersCurl(version: String) async throws {
        try await serving(try RawProvider(answering: ok("hello"))) { served in
            let said = try served.curl(version, "-w", " %{http_version} %{http_code}")
            #expect(said == "hello \(version == "--http2" ? "2" : "1.1") 200")
        }
    }

    @Test func offersNoHTTP2WhereItIsNotAllowed() async throws {
        try await serving(try RawProvider(answering: ok("hello")), allowsHTTP2: false) { served in
            let said1 = try served.curl("--http2", "-w", " %{http_version}")
            #expect(said1 == "hello 1.1")
        }
    }

    @Test func refusesOldTLS() async throws {
        try await serving(try RawProvider(answering: ok("hello"))) { served in
            let said2 = try served.curl("--tlsv1.2", "--tls-max", "1.2")
            #expect(said2 == "hello")
            let old = try served.curl("--tlsv1.0", "--tls-max", "1.1", mayFail: true)
            #expect(old.contains("curl: (35)"))
        }
    }

    @Test func postsAMegabyteOverHTTP2() async throws {
        let provider = try RawProvider(answering: ok("got it"))
        try await serving(provider) { served in
            let file = served.authority.directory + "/body"
            try Data(pattern(1 << 20)).write(to: URL(fileURLWithPath: file))
            let said3 = try served.curl("--http2", "--data-binary", "@\(file)", path: "/v1/chat/completions")
            #expect(said3 == "got it")
        }
        #expect(provider.requests.first?.body == pattern(1 << 20))
    }

    @Test(arguments: ["--http1.1", "--http2"]) func namesAHeadThatIsTooLarge(version: String) async throws {
        try await serving(try RawProvider(answering: ok("hello"))) { served in
            // Many fields rather than many bytes: clients of HTTP/2 send no head over 64 KiB.
            let many = (0..<300).flatMap { ["-H", "x-\($0): 1"] }
            let url = "https://localhost:\(served.bench.port)/v1/models"
            let said = try Tool.run(
                Tool.curl,
                ["-sS", "--max-time", "10", "--cacert", served.authority.certificate, version, url, "-o", "/dev/null"] + many
                    + ["-w", "%{http_code}"])
            #expect(said == "431")
        }
    }

    @Test(arguments: ["--http1.1", "--http2"]) func endsABrokenAnswerAsBroken(version: String) async throws {
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\n\r\nhalf")
            usleep(50_000)
            wire.reset()
        }
        try await serving(provider) { served in
            // The end of this answer is the end of the connection: only a failure tells a broken one from a whole one.
            let said = try served.curl(version, mayFail: true)
            #expect(said.contains("half"))
            #expect(said.contains("curl: ("))
        }
    }

    @Test func closesPlainHTTPOnATLSPort() async throws {
        try await serving(try RawProvider(answering: ok("hello"))) { served in
            let wire = try served.bench.connect()
            try wire.send("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
            let said = try wire.readToEnd().bytes
            #expect(!String(decoding: said, as: UTF8.self).contains("HTTP/1.1"))
            #expect(await served.bench.server.listenerCounters().tlsFailures == 1)
            #expect(served.bench.samples()[#"weir_gateway_connections_refused_total{reason="tls"}"#] == 1)
            let said5 = try served.curl()
            #expect(said5 == "hello")
        }
    }

    @Test func closesASilentTLSClient() async throws {
        var limits = GatewayLimits()
        limits.listener.handshakeMilliseconds = 200
        try await serving(try RawProvider(answering: ok("hello")), limits: limits) { served in
            let wire = try served.bench.connect()
            let said = try wire.readToEnd().bytes
            #expect(said.isEmpty)
            #expect(await served.bench.server.listenerCounters().tlsTimeouts == 1)
            #expect(served.bench.samples()[#"weir_gateway_connections_refused_total{reason="tls"}"#] == 1)
        }
    }

    /// A caller that has got its answer; where other tests hold all threads, it may be idle for too long before it asks.
    private static func answered(_ port: Int) async throws -> HTTP2Caller {
        let deadline = Date(timeIntervalSinceNow: 300)
        while true {
            do {
                let caller = try await HTTP2Caller.connect(port: port)
                let whole = try await caller.ask("GET", "/v1/models").whole()
                #expect(whole.text == "hello")
                return caller
            } catch {
                guard Date(timeIntervalSinceNow: 0) < deadline else { throw error }
            }
        }
    }

    @Test func closesAnIdleHTTP2Connection() async throws {
        var limits = GatewayLimits()
        limits.keepAliveMilliseconds = 1_000
        try await serving(try RawProvider(answering: ok("hello")), limits: limits) { served in
            let caller = try await Self.answered(served.bench.port)
            try await eventually("the end of the idle connection", seconds: 90) { !caller.channel.isActive }
        }
    }

    @Test(.enabled(if: Tool.hasCurl), arguments: 0..<8) func finishesStreamsWhenDraining(round: Int) async throws {
        let began = Gate()
        let mayEnd = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            began.open()
            try mayEnd.wait()
            try wire.send("cd")
        }
        defer { provider.stop() }
        let authority = try TestAuthority()
        let issued = try authority.issue("server")
        let listener = ListenerSettings(
            host: "127.0.0.1", port: 0, tls: ListenerTLS(certificatePath: issued.certificate, keyPath: issued.key))
        let bench = try await Bench.start(urls: ["openai": "http://127.0.0.1:\(provider.port)"], listeners: [listener])
        let url = "https://localhost:\(bench.port)/v1/models"
        let (done, said) = (Gate(), Seen())
        Thread.detachNewThread {
            let arguments = ["-sS", "--http2", "--max-time", "20", "--cacert", authority.certificate, url, "-w", " %{http_code}"]
            said.add((try? Tool.run(Tool.curl, arguments, mayFail: true)) ?? "")
            done.open()
        }
        try began.wait()
        async let records = bench.finish()
        mayEnd.open()
        let outcomes = try await records.map(\.head.outcome)
        try done.wait("curl")
        #expect(said.all == ["abcd 200"])
        #expect(outcomes == [.completed])
    }

    @Test func takesANewCertificateAndKeepsTheOldOneWhereItIsBad() async throws {
        try await serving(try RawProvider(answering: ok("hello"))) { served in
            let held = try served.bench.connect()
            let old = try subject(served)
            #expect(old.contains("server"))
            let next = try served.authority.issue("renewed")
            try replace(served.issued.certificate, with: next.certificate)
            await #expect(throws: GatewayError.self) { try await served.bench.server.reloadCertificates() }
            let said6 = try subject(served)
            #expect(said6 == old)
            try replace(served.issued.key, with: next.key)
            try await served.bench.server.reloadCertificates()
            let renewed = try subject(served)
            #expect(renewed.contains("renewed"))
            held.close()
        }
    }

    private func subject(_ served: Served) throws -> String {
        try Tool.run(
            "/bin/sh",
            [
                "-c",
                "\(Tool.openssl) s_client -connect 127.0.0.1:\(served.bench.port) </dev/null 2>/dev/null | grep '^subject='",
            ])
    }

    private func replace(_ path: String, with other: String) throws {
        try Data(contentsOf: URL(fileURLWithPath: other)).write(to: URL(fileURLWithPath: path))
    }

    // MARK: Files

    struct BadFiles: Sendable, CustomTestStringConvertible {
        let name: String
        var certificate = "server.pem"
        var key = "server.key"
        let says: String
        var testDescription: String { name }
    }

    @Test(arguments: [
        BadFiles(name: "no certificate file", certificate: "gone.pem", says: "gone.pem is not there"),
        BadFiles(name: "no key file", key: "gone.key", says: "gone.key is not there"),
        BadFiles(name: "empty certificate", certificate: "empty", says: "empty is empty"),
        BadFiles(name: "key instead of certificate", certificate: "server.key", says: "holds no certificate"),
        BadFiles(name: "certificate instead of key", key: "server.pem", says: "holds no private key"),
        BadFiles(name: "another's key", key: "other.key", says: "does not belong"),
        BadFiles(name: "a key of another kind", key: "rsa.key", says: "does not belong"),
        BadFiles(name: "an encrypted key", key: "locked.key", says: "is encrypted"),
    ]) func saysWhatIsWrongWithAFile(bad: BadFiles) async throws {
        let authority = try TestAuthority()
        _ = try authority.issue("server")
        _ = try authority.issue("other")
        let directory = authority.directory
        try Data().write(to: URL(fileURLWithPath: directory + "/empty"))
        try Tool.run(Tool.openssl, ["genpkey", "-algorithm", "RSA", "-out", directory + "/rsa.key"])
        try Tool.run(
            Tool.openssl,
            ["ec", "-aes256", "-passout", "pass:secret", "-in", directory + "/server.key", "-out", directory + "/locked.key"])
        let tls = ListenerTLS(certificatePath: "\(directory)/\(bad.certificate)", keyPath: "\(directory)/\(bad.key)")
        let error = await #expect(throws: GatewayError.self) {
            try await Bench.start(urls: [:], listeners: [ListenerSettings(host: "127.0.0.1", port: 0, tls: tls)])
        }
        #expect(error?.code == .badCertificate)
        #expect(error?.message.contains(bad.says) == true, "\(error?.message ?? "")")
    }

    // MARK: Several listeners, limits, settings

    @Test func listensOnSeveralAddresses() async throws {
        let provider = try RawProvider(answering: ok("hello"))
        defer { provider.stop() }
        let authority = try TestAuthority()
        let issued = try authority.issue("server")
        let listeners = [
            ListenerSettings(host: "127.0.0.1", port: 0),
            ListenerSettings(
                host: "127.0.0.1", port: 0, tls: ListenerTLS(certificatePath: issued.certificate, keyPath: issued.key)),
        ]
        try await withListeners(listeners, urls: ["openai": "http://127.0.0.1:\(provider.port)"]) { bench in
            #expect(bench.server.ports.count == 2)
            #expect(bench.server.addresses.first == "127.0.0.1:\(bench.server.ports[0])")
            let said7 = try bench.ask("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n").text
            #expect(said7 == "hello")
            let secure = "https://localhost:\(bench.server.ports[1])/v1/models"
            let said8 = try Tool.run(Tool.curl, ["-sS", "--cacert", authority.certificate, secure])
            #expect(said8 == "hello")
        }
    }

    @Test func saysWhyItCannotListen() async throws {
        let provider = try RawProvider(answering: ok("hello"))
        defer { provider.stop() }
        let error = await #expect(throws: GatewayError.self) {
            try await Bench.start(urls: [:], listeners: [ListenerSettings(host: "127.0.0.1", port: provider.port)])
        }
        #expect(error?.code == .cannotListen)
        #expect(error?.message.contains("in use") == true)
    }

    @Test(arguments: [true, false]) func closesConnectionsOverTheLimitAtOnce(ofOneAddress: Bool) async throws {
        let provider = try RawProvider(answering: ok("hello"))
        defer { provider.stop() }
        var limits = GatewayLimits()
        if ofOneAddress { limits.listener.connectionsPerAddress = 3 } else { limits.connectionsPerLoop = 3 }
        try await withListeners(urls: ["openai": "http://127.0.0.1:\(provider.port)"], limits: limits) { bench in
            let held = try (0..<3).map { _ in try bench.connect() }
            for wire in held {
                try wire.send("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
                let said9 = try wire.answer().text
                #expect(said9 == "hello")
            }
            let over = try bench.connect()
            let said = try over.readToEnd().bytes
            #expect(said.isEmpty)
            let counters = await bench.server.listenerCounters()
            #expect((ofOneAddress ? counters.refusedForAddress : counters.refusedForTotal) == 1)
            let reason = ofOneAddress ? "address_limit" : "limit"
            #expect(bench.samples()[#"weir_gateway_connections_refused_total{reason="\#(reason)"}"#] == 1)
            #expect(counters.accepted == 3)
            held[0].close()
            try await eventually("a free place") {
                let wire = try bench.connect()
                try wire.send("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
                return (try? wire.answer().text) == "hello"
            }
        }
    }

    @Test func takesNewSettingsForNewExchanges() async throws {
        let began = Gate()
        let mayEnd = Gate()
        let first = try RawProvider { provider, wire, _ in
            while true {
                provider.note(try wire.request())
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfi")
                began.open()
                try mayEnd.wait()
                try wire.send("rst")
            }
        }
        let second = try RawProvider(answering: ok("second"))
        defer {
            first.stop()
            second.stop()
        }
        try await withListeners(urls: ["openai": "http://127.0.0.1:\(first.port)"]) { bench in
            let running = try bench.connect()
            try running.send("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
            try began.wait()
            var bad = GatewaySettings(router: try Bench.router([:]))
            bad.upstream.extraCAFiles = ["/nowhere/ca.pem"]
            let error = await #expect(throws: GatewayError.self) { try await bench.server.apply(bad) }
            #expect(error?.message.contains("/nowhere/ca.pem is not there") == true)
            try await bench.server.apply(GatewaySettings(router: try Bench.router(["openai": "http://127.0.0.1:\(second.port)"])))
            let said10 = try bench.ask("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n").text
            #expect(said10 == "second")
            mayEnd.open()
            let said11 = try running.answer().text
            #expect(said11 == "first")
            try running.send("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
            let said12 = try running.answer().text
            #expect(said12 == "second")
            #expect(first.requests.count == 1)
        }
    }
}
