// SPDX-License-Identifier: Apache-2.0
import Outbound
import Platform
import Testing

@Suite struct OutboundURLTests {
    @Test func showsSchemeHostAndPortOnly() {
        #expect(OutboundURL.shown("https://user:pw@api.example.com:8443/v1?key=secret#x") == "https://api.example.com:8443")
        #expect(OutboundURL.shown("http://[::1]:80/a@b") == "http://[::1]:80")
        #expect(OutboundURL.shown("http://a/?u=http://b@c") == "http://a")
        #expect(OutboundURL.shown("nonsense") == "the URL")
    }
}

@Suite struct OutboundClientTests {
    private static let plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  2 \r\n\r\nhello"

    private static var direct: OutboundClient {
        var route = OutboundRoute()
        route.proxy = .direct
        return OutboundClient(route: route)
    }

    /// Runs work against a server that gives every connection the same answer.
    private func with<T>(_ pieces: [String], holdUs: Int64 = 0, _ work: (LoopbackServer) async throws -> T) async throws -> T {
        let server = try LoopbackServer { _ in LoopbackServer.Reply(pieces: pieces, holdUs: holdUs) }
        defer { server.stop() }
        return try await work(server)
    }

    private func failure(_ url: String, limits: OutboundLimits = OutboundLimits()) async throws -> OutboundError {
        do {
            let answer = try await OutboundClientTests.direct.requestOffPool("GET", url, limits: limits)
            Issue.record("answered \(answer.status)")
            return OutboundError(.other, "")
        } catch let error as OutboundError { return error }
    }

    @Test func sendsMethodHeadersAndBodyAndReadsTheAnswer() async throws {
        try await with([OutboundClientTests.plain]) { server in
            let answer = try await OutboundClientTests.direct.requestOffPool(
                "PUT", server.url + "/a/b?c=d", headers: [OutboundHeader("x-one", "eins"), OutboundHeader("X-Empty", "")],
                body: Array("payload\0with a zero".utf8))
            #expect(answer.status == 200 && answer.body == Array("hello".utf8))
            #expect(answer.header("X-a") == "1" && answer.headers.count == 3)
            let seen = try #require(server.seen.first)
            #expect(seen.hasPrefix("PUT /a/b?c=d HTTP/1.1\r\n"))
            #expect(seen.contains("\r\nx-one: eins\r\n") && seen.contains("\r\nX-Empty:\r\n"))
            #expect(seen.hasSuffix("\r\n\r\npayload\0with a zero") && !seen.lowercased().contains("expect:"))
        }
    }

    @Test func anyStatusIsAnAnswerAndRedirectsAreNotFollowed() async throws {
        let redirect = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        try await with([redirect]) { server in
            let answer = try await OutboundClientTests.direct.requestOffPool("GET", server.url)
            #expect(answer.status == 302 && answer.header("location") == "http://127.0.0.1:1/")
        }
        try await with(["HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"]) { server in
            let answer = try await OutboundClientTests.direct.requestOffPool("GET", server.url)
            #expect(answer.status == 503)
        }
    }

    @Test func headHasNoBody() async throws {
        try await with(["HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"]) { server in
            let answer = try await OutboundClientTests.direct.requestOffPool("HEAD", server.url)
            #expect(answer.status == 200 && answer.body.isEmpty)
            #expect(server.seen.first?.hasPrefix("HEAD / HTTP/1.1\r\n") == true)
        }
    }

    @Test func measuresEachStep() async throws {
        try await with([OutboundClientTests.plain]) { server in
            let timings = try await OutboundClientTests.direct.requestOffPool("GET", server.url).timings
            let connect = try #require(timings.connectUs)
            let first = try #require(timings.firstByteUs)
            #expect(connect > 0 && first >= connect && timings.totalUs >= first && timings.tlsUs == nil)
        }
    }

    @Test func followsRedirectsOnlyWhereAllowedAndOnlySoMany() async throws {
        let server = try LoopbackServer { text in
            let path = text.split(separator: " ").dropFirst().first ?? ""
            let answer =
                path == "/end"
                ? OutboundClientTests.plain
                : "HTTP/1.1 302 Found\r\nLocation: \(path == "/loop" ? "/loop" : "/end")\r\nContent-Length: 0\r\n\r\n"
            return LoopbackServer.Reply(pieces: [answer])
        }
        defer { server.stop() }
        var limits = OutboundLimits()
        limits.redirects = 3
        let answer = try await OutboundClientTests.direct.requestOffPool("GET", server.url + "/start", limits: limits)
        #expect(answer.status == 200 && answer.headers.count == 3)
        #expect(try await failure(server.url + "/loop", limits: limits).code == .tooManyRedirects)
    }

    @Test func refusesAnswersThatAreTooLarge() async throws {
        var limits = OutboundLimits()
        limits.bodyBytes = 1_000
        let body = String(repeating: "x", count: 2_000)
        try await with(["HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + body]) { server in
            let error = try await failure(server.url, limits: limits)
            #expect(error.code == .tooLarge)
        }
        try await with(["HTTP/1.1 200 OK\r\nX: \(body)\r\nContent-Length: 0\r\n\r\n"]) { server in
            limits.headBytes = 500
            let error = try await failure(server.url, limits: limits)
            #expect(error.code == .tooLarge)
        }
    }

    @Test func givesUpOnASilentServer() async throws {
        var limits = OutboundLimits()
        limits.totalMilliseconds = 200
        try await with([], holdUs: 600_000) { server in
            let error = try await failure(server.url, limits: limits)
            #expect(error.code == .timedOut)
        }
    }

    @Test func namesBrokenAnswersAndClosedPorts() async throws {
        try await with(["HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"]) { server in
            let error = try await failure(server.url)
            #expect(error.code == .brokenAnswer)
        }
        let port = try await with([OutboundClientTests.plain]) { $0.port }
        let error = try await failure("http://user:planted@127.0.0.1:\(port)/p?key=planted")
        #expect(error.code == .connectFailed)
        #expect(!error.description.contains("planted") && error.message.contains("127.0.0.1:\(port)"))
    }

    @Test func checksCertificatesAlways() async throws {
        try await with(["no TLS here"]) { server in
            let error = try await failure("https://127.0.0.1:\(server.port)/?key=planted")
            #expect(error.code == .tlsFailed && !error.message.contains("planted"))
        }
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://a/", "gopher://a", "http://a b/", "", "http://a/\u{0}"])
    func refusesURLsThatAreNotHTTP(_ url: String) async throws {
        #expect(try await failure(url).code == .badRequest)
    }

    @Test func refusesHeadersThatWouldBreakTheRequest() throws {
        for header in [
            OutboundHeader("a", "b\r\nc: d"), OutboundHeader("a:b", "c"), OutboundHeader("", "x"), OutboundHeader("a\n", "x"),
        ] {
            #expect(throws: OutboundError.self) {
                try OutboundClientTests.direct.request("GET", "http://127.0.0.1:1/", headers: [header])
            }
        }
        #expect(throws: OutboundError.self) { try OutboundClientTests.direct.request("GET\r\n", "http://127.0.0.1:1/") }
    }

    @Test func goesThroughAProxyExceptWhereToldNot() async throws {
        try await with([OutboundClientTests.plain]) { proxy in
            var route = OutboundRoute()
            route.proxy = .fixed("http://u:p@127.0.0.1:\(proxy.port)", noProxy: "direct.example")
            let client = OutboundClient(route: route)
            let answer = try await client.requestOffPool("GET", "http://far.example/x")
            #expect(answer.status == 200)
            let seen = try #require(proxy.seen.first)
            #expect(
                seen.hasPrefix("GET http://far.example/x HTTP/1.1\r\n") && seen.contains("Proxy-Authorization: Basic dTpw\r\n"))
        }
    }

    @Test func namesAnAuthorityFileThatCannotBeRead() async throws {
        var route = OutboundRoute()
        route.extraCAFiles = ["absent.pem"]
        let client = OutboundClient(route: route)
        #expect(throws: OutboundError.self) { try client.request("GET", "http://127.0.0.1:1/") }
    }

    @Test func namesItsLibrary() {
        #expect(OutboundClient.version.hasPrefix("libcurl/"))
    }
}
