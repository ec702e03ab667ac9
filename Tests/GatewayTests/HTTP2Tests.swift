// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Glibc
import NIOCore
import NIOHPACK
import NIOHTTP2
import Testing

@testable import Gateway

@Suite(.serialized, .enabled(if: Tool.hasOpenssl, "needs the openssl program")) struct HTTP2Tests {
    /// A gateway that speaks HTTP/2 before a provider of plain HTTP/1.1.
    @discardableResult private func with(
        _ provider: RawProvider, limits: GatewayLimits = GatewayLimits(), _ body: (Bench, HTTP2Caller) async throws -> Void
    ) async throws -> [ExchangeRecord] {
        defer { provider.stop() }
        let authority = try TestAuthority()
        let issued = try authority.issue("server")
        let listener = ListenerSettings(
            host: "127.0.0.1", port: 0, tls: ListenerTLS(certificatePath: issued.certificate, keyPath: issued.key))
        return try await withListeners([listener], urls: ["openai": "http://127.0.0.1:\(provider.port)"], limits: limits) {
            bench in
            let caller = try await HTTP2Caller.connect(port: bench.port)
            try await body(bench, caller)
            await caller.close()
        }
    }

    @Test func carriesARequestAndItsAnswer() async throws {
        let provider = try RawProvider(
            answering:
                "HTTP/1.1 200 OK\r\nX-Case: Kept\r\nConnection: keep-alive, x-private\r\nx-private: 1\r\nContent-Length: 5\r\n\r\nhello"
        )
        let records = try await with(provider) { _, caller in
            let headers = [("x-one", "1"), ("cookie", "a=1"), ("cookie", "b=2"), ("content-length", "4"), ("te", "trailers")]
            let asked = try await caller.ask("POST", "/v1/chat/completions", headers, body: Array("body".utf8))
            let whole = try await asked.whole()
            #expect(whole.status == 200)
            #expect(whole.text == "hello")
            #expect(whole.isWhole && whole.reset == nil)
            #expect(whole.headers["x-case"] == ["Kept"])
            #expect(whole.headers["x-weir-exchange-id"].count == 1)
            for gone in ["connection", "x-private", "keep-alive", "transfer-encoding"] { #expect(whole.headers[gone] == []) }
        }
        let request = try #require(provider.requests.first)
        #expect(request.lines.first == "POST /v1/chat/completions HTTP/1.1")
        #expect(request.text == "body")
        #expect(request.header("cookie") == "a=1; b=2")
        #expect(request.header("x-one") == "1")
        #expect(request.header("transfer-encoding") == nil)
        #expect(records.map(\.head.outcome) == [.completed])
    }

    @Test(arguments: [(600_000, 560_000, 200), (200_000, 240_000, 431), (16_384, 16_000, 200), (16_384, 32_000, 431)])
    func takesHeadsUpToTheLimitThatIsSet(limit: Int, size: Int, status: Int) async throws {
        let provider = try RawProvider(answering: ok("done"))
        var limits = GatewayLimits()
        limits.headBytes = limit
        let records = try await with(provider, limits: limits) { bench, _ in
            let caller = try await RawHTTP2.connect(port: bench.port)
            // The limit holds from the caller's word on that it knows the gateway's settings.
            try await eventually("the settings") { caller.frames.contains { $0.type == 4 && $0.flags == 0 } }
            try await caller.send(RawHTTP2.frame(4, flags: 1))
            let lines = size / 16_000
            var frames = RawHTTP2.request("GET", stream: 1, endsHeaders: false)
            for line in 1...lines {
                frames += RawHTTP2.frame(9, flags: line == lines ? 4 : 0, stream: 1, RawHTTP2.line("x-\(line)", size: 16_000))
            }
            try await caller.send(frames)
            try await eventually("an answer") { caller.frames.contains { $0.type == 1 && $0.stream == 1 } }
            await caller.close()
        }
        #expect(records.map(\.head.status) == [status])
        #expect(provider.requests.count == (status == 200 ? 1 : 0))
    }

    @Test func sendsABodyOfUnknownLengthInChunksWithItsTrailers() async throws {
        let provider = try RawProvider(answering: ok("done"))
        try await with(provider) { _, caller in
            let asked = try await caller.ask(body: Array("first".utf8), endsStream: false)
            try await asked.send(Array("second".utf8), endsStream: false)
            try await asked.send(.headers(.init(headers: ["x-sum": "11"], endStream: true)))
            let answered = try await asked.whole()
            #expect(answered.text == "done")
        }
        let request = try #require(provider.requests.first)
        #expect(request.header("transfer-encoding") == "chunked")
        #expect(request.text == "5\r\nfirst\r\n6\r\nsecond\r\n0\r\nx-sum: 11\r\n\r\n")
    }

    @Test func passesInterimAnswersAndTrailers() async throws {
        let provider = try RawProvider(
            answering:
                "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n")
        try await with(provider) { _, caller in
            let whole = try await caller.ask("GET").whole()
            #expect(whole.interim == ["103"])
            #expect(whole.text == "abc")
            #expect(whole.trailers["x-sum"] == ["9"])
            #expect(whole.isWhole)
        }
    }

    @Test(arguments: [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", 200),
        ("GET", "HTTP/1.1 204 No Content\r\nX-B: 1\r\n\r\n", 204),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", 304),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ]) func endsAnswersWithoutContent(method: String, answer: String, status: Int) async throws {
        try await with(try RawProvider(answering: answer)) { _, caller in
            let whole = try await caller.ask(method).whole()
            #expect(whole.status == status)
            #expect(whole.isWhole && whole.body.isEmpty && whole.reset == nil)
        }
    }

    @Test func passesEachEventBeforeTheNextIsSent() async throws {
        let gates = (0..<5).map { _ in Gate() }
        let provider = try RawProvider { provider, wire, _ in
            provider.note(try wire.request())
            try wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for (index, gate) in gates.enumerated() {
                let event = "data: \(index)\n\n"
                try wire.send("\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n")
                try gate.wait()
            }
            try wire.send("0\r\n\r\n")
        }
        try await with(provider) { _, caller in
            let asked = try await caller.ask()
            var events = asked.makeIterator()
            guard case .headers(let headers, false) = await events.next() else { return #expect(Bool(false)) }
            #expect(headers["content-type"] == ["text/event-stream"])
            for (index, gate) in gates.enumerated() {
                guard case .data(let bytes, false) = await events.next() else { return #expect(Bool(false)) }
                #expect(String(decoding: bytes, as: UTF8.self) == "data: \(index)\n\n")
                gate.open()
            }
            guard case .data(let last, true) = await events.next() else { return #expect(Bool(false)) }
            #expect(last.isEmpty)
        }
    }

    @Test(arguments: [true, false]) func carriesLargeBodiesBothWays(statesLength: Bool) async throws {
        let body = pattern(1 << 20)
        let provider = try RawProvider { provider, wire, _ in
            provider.note(try wire.request())
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
            try wire.send(body)
        }
        try await with(provider) { _, caller in
            let length = statesLength ? [("content-length", String(body.count))] : []
            let whole = try await caller.ask("POST", "/v1/chat/completions", length, body: body).whole()
            #expect(whole.body == body)
            #expect(whole.isWhole)
        }
        let request = try #require(provider.requests.first)
        if statesLength { #expect(request.body == body) } else { #expect(request.body.count > body.count) }
    }

    @Test func carriesAHundredStreamsAtOnce() async throws {
        let provider = try RawProvider { provider, wire, _ in
            while true {
                let request = try wire.request()
                provider.note(request)
                let name = request.header("x-name") ?? ""
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
            }
        }
        let records = try await with(provider) { _, caller in
            let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for index in 0..<100 {
                    group.addTask {
                        let asked = try await caller.ask("GET", "/v1/models", [("x-name", "n\(index)")])
                        return (index, try await asked.whole().text)
                    }
                }
                return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
            }
            #expect(answers.count == 100)
            for (index, text) in answers { #expect(text == "n\(index)") }
        }
        #expect(records.count == 100)
    }

    @Test func endsTheUpstreamRequestWhenTheCallerResetsItsStream() async throws {
        let gone = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            _ = try wire.readToEnd()
            gone.open()
        }
        let records = try await with(provider) { _, caller in
            let asked = try await caller.ask()
            var events = asked.makeIterator()
            while let event = await events.next() {
                if case .data = event { break }
            }
            try await asked.reset()
            try gone.wait("the end of the upstream request")
        }
        #expect(records.map(\.head.outcome) == [.clientClosed])
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ]) func resetsTheStreamOfABrokenAnswer(answer: String) async throws {
        let records = try await with(try RawProvider(answering: answer, thenCloses: true)) { _, caller in
            let whole = try await caller.ask().whole()
            #expect(whole.text == "half")
            #expect(!whole.isWhole)
            #expect(whole.reset == .internalError)
            // The connection lives on.
            let answered = try await caller.ask().whole()
            #expect(answered.text == "half")
        }
        #expect(records.map(\.head.outcome) == [.upstreamFailed, .upstreamFailed])
    }

    @Test func resetsTheStreamWhereACloseDelimitedAnswerBreaks() async throws {
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\n\r\nhalf")
            usleep(50_000)
            wire.reset()
        }
        try await with(provider) { _, caller in
            let whole = try await caller.ask().whole()
            #expect(!whole.isWhole)
            #expect(whole.reset == .internalError)
        }
    }

    @Test func endsTheStreamOfACloseDelimitedAnswer() async throws {
        try await with(try RawProvider(answering: "HTTP/1.1 200 OK\r\n\r\nto the end", thenCloses: true)) { _, caller in
            let whole = try await caller.ask().whole()
            #expect(whole.text == "to the end")
            #expect(whole.isWhole && whole.reset == nil)
        }
    }

    @Test func answersFaultsByName() async throws {
        try await with(try RawProvider(answering: ok("never"))) { _, caller in
            let whole = try await caller.ask("POST", "/nowhere").whole()
            #expect(whole.status == 404)
            #expect(whole.text.contains("unknown_route"))
            #expect(whole.headers["x-weir-error-source"] == ["gateway"])
        }
    }

    @Test func refusesABodyOverTheLimitWhileItComes() async throws {
        var limits = GatewayLimits()
        limits.bodyBytes = 1_000
        limits.discardBytes = 10_000
        try await with(try RawProvider(answering: ok("never")), limits: limits) { _, caller in
            let asked = try await caller.ask(body: pattern(50_000), endsStream: false)
            let whole = try await asked.whole()
            #expect(whole.status == 413)
        }
    }

    /// What is sent past the library's own checks of the sender.
    static let malformed: [(String, HPACKHeaders)] = {
        let good: [(String, String)] = [
            (":method", "POST"), (":scheme", "https"), (":authority", "weir.test"), (":path", "/v1/chat/completions"),
        ]
        func with(_ extra: (String, String)...) -> HPACKHeaders { HPACKHeaders(good + extra) }
        func replacing(_ name: String, _ value: String?) -> HPACKHeaders {
            HPACKHeaders(good.compactMap { $0.0 == name ? value.map { (name, $0) } : $0 })
        }
        return [
            ("connection", with(("connection", "close"))), ("transfer-encoding", with(("transfer-encoding", "chunked"))),
            ("te", with(("te", "gzip"))), ("upgrade", with(("upgrade", "websocket"))), ("upper case", with(("X-Up", "1"))),
            ("line feed in a value", with(("x-a", "1\nhost: evil"))),
            ("carriage return", with(("x-a", "1\r\n\r\nGET / HTTP/1.1"))),
            ("nul", with(("x-a", "a\0b"))), ("blank in a name", with(("x a", "1"))), ("colon in a name", with(("x:a", "1"))),
            ("two lengths", with(("content-length", "1"), ("content-length", "1"))),
            ("bad length", with(("content-length", "+1"))),
            ("another host", with(("host", "evil.test"))), ("no path", replacing(":path", nil)),
            ("blank in the path", replacing(":path", "/v1/x HTTP/1.1\r\nHost: evil")), ("empty path", replacing(":path", "")),
            ("no method", replacing(":method", nil)), ("bad method", replacing(":method", "PO ST")),
            ("connect", replacing(":method", "CONNECT")), ("no scheme", replacing(":scheme", nil)),
            ("late pseudo-header", HPACKHeaders(Array(good.dropLast()) + [("x-a", "1"), (":path", "/v1/models")])),
            ("two paths", with((":path", "/v1/models"))), ("unknown pseudo-header", with((":status", "200"))),
            ("length without body", with(("content-length", "5"))),
        ]
    }()

    @Test func refusesMalformedRequestsWithoutAWordToTheProvider() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await with(provider) { bench, _ in
            for (name, headers) in HTTP2Tests.malformed {
                let caller = try await HTTP2Caller.connect(port: bench.port, validates: false)
                let whole = try await caller.ask(headers).whole()
                let refused = whole.reset != nil || whole.status == 400 || whole.status == 0
                #expect(refused && !whole.text.contains("reached"), "\(name)")
                await caller.close()
            }
        }
        #expect(provider.requests.isEmpty)
        #expect(records.allSatisfy { $0.head.outcome == .refused })
    }

    @Test func refusesABodyThatIsLongerThanStated() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        try await with(provider) { bench, _ in
            let caller = try await HTTP2Caller.connect(port: bench.port, validates: false)
            let smuggled = Array("xGET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n".utf8)
            let whole = try await caller.ask("POST", "/v1/chat/completions", [("content-length", "1")], body: smuggled).whole()
            #expect(whole.reset != nil || !whole.isWhole)
            await caller.close()
        }
        #expect(provider.requests.allSatisfy { !$0.lines[0].hasPrefix("GET") })
    }

    @Test func endsAConnectionThatResetsAndResets() async throws {
        var limits = GatewayLimits()
        limits.listener.streamResets = 20
        let provider = try RawProvider { _, wire, _ in _ = try wire.readToEnd() }
        try await with(provider, limits: limits) { bench, caller in
            for _ in 0..<200 where caller.channel.isActive {
                do { try await caller.ask("GET", "/v1/models").reset() } catch { break }
            }
            try await eventually("the end of the connection") { !caller.channel.isActive }
            let next = try await HTTP2Caller.connect(port: bench.port)
            #expect(next.channel.isActive)
            await next.close()
        }
    }

    @Test func streamsOfOneConnectionCountAsOne() async throws {
        let provider = try RawProvider(answering: ok("counted"))
        try await with(provider) { bench, caller in
            for _ in 0..<3 { #expect(try await caller.ask("GET", "/v1/models").whole().status == 200) }
            let samples = bench.samples()
            #expect(samples["weir_gateway_connections_open"] == 1)
            #expect(samples["weir_gateway_connections_accepted_total"] == 1)
            await caller.close()
            try await eventually("the connection is counted out") { bench.samples()["weir_gateway_connections_open"] == 0 }
        }
    }

    @Test func holdsTheProviderBackWhileTheCallerTakesNothing() async throws {
        let sent = Gate()
        let total = 12 << 20
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            wire.setSendBuffer(65_536)
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            let block = [UInt8](repeating: 7, count: 1 << 20)
            for _ in 0..<(total >> 20) { try wire.send(block) }
            sent.open()
        }
        try await with(provider) { bench, _ in
            let caller = try await HTTP2Caller.connect(port: bench.port, streamWindow: 65_535)
            let asked = try await caller.ask()
            try await asked.channel.setOption(.autoRead, value: false).get()
            #expect(throws: WireTimeout.self) { try sent.wait("the whole answer", seconds: 1) }
            try await asked.channel.setOption(.autoRead, value: true).get()
            asked.channel.read()
            let whole = try await asked.whole()
            #expect(whole.body.count == total && whole.isWhole)
            await caller.close()
        }
    }
}
