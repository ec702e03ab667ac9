// SPDX-License-Identifier: Apache-2.0
import Capture
import ExchangeModel
import Foundation
import Testing

@testable import Gateway

@Suite(.serialized) struct RefusalTests {
    @Test(arguments: [
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nTransfer-Encoding:\u{0B}chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/responses HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nContent-Length: +3\r\n\r\nabc",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nContent-Length: 3, 3\r\n\r\nabc",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        "POST /v1/responses HTTP/1.1\nHost: w\nContent-Length: 0\n\n",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nX: a\rb\r\n\r\n",
        "POST /v1/responses HTTP/1.1\r\n\r\n",
        "POST /v1/responses HTTP/1.1\r\nHost: w\r\nHost: w\r\n\r\n",
        "CONNECT example.com:443 HTTP/1.1\r\nHost: w\r\n\r\n",
        "GET http://example.com/ HTTP/1.1\r\nHost: w\r\n\r\n",
        "GET /v1/models HTTP/2.0\r\nHost: w\r\n\r\n",
        "\u{16}\u{03}\u{01}\u{02}\u{00}\r\n\r\n",
    ])
    func refusesWhatTwoReadersCouldReadDifferently(request: String) async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            // Behind it, a request that must not be seen as one.
            try wire.send(request + post("/v1/responses", "smuggled"))
            let answer = try wire.answer()
            #expect(answer.status == 400)
            #expect(answer.header("connection") == "close")
            #expect(answer.header("x-weir-error-source") == "gateway")
            #expect(answer.header("x-weir-exchange-id") != nil)
            #expect((try answer.json()["error"] as? [String: Any])?["code"] as? String == "bad_request")
            let rest = try wire.readToEnd()
            #expect(rest.bytes.isEmpty)
            #expect(rest.ending == .closed)
            #expect(provider.connections == 0)
        }
        #expect(records.map(\.head.outcome) == [.refused])
        #expect(records.first?.head.errorCode == "bad_request")
    }

    @Test(arguments: [
        "4\r\nabcdX", "zz\r\n", "-1\r\n", "fffffffffffffffff\r\n", "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n", "1 \r\na\r\n",
    ])
    func refusesBrokenChunksAndLeavesTheProviderWithoutAnEnd(body: String) async throws {
        let ended = Gate()
        let provider = try RawProvider { provider, wire, _ in
            let (bytes, _) = try wire.readToEnd()
            provider.note(WireMessage(body: bytes))
            ended.open()
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send("POST /v1/responses HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n")
            try await eventually("a connection to the provider") { provider.connections == 1 }
            try wire.send(body)
            let answer = try wire.answer()
            #expect(answer.status == 400)
            #expect(answer.header("connection") == "close")
            #expect(try wire.readToEnd().bytes.isEmpty)
            try ended.wait()
        }
        #expect(provider.requests.first?.text.hasSuffix("0\r\n\r\n") == false)
        #expect(records.first?.head.errorCode == "bad_request")
    }

    @Test func answersALargeRefusedRequestBeforeClosing() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send("GET /v1/models HTTP/9.9\r\nHost: w\r\n\r\n")
            #expect(try wire.answer().status == 400)
            // Still sending is no reason for a reset.
            try wire.send(pattern(1_000_000))
            wire.finishSending()
            #expect(try wire.readToEnd().ending == .closed)
        }
    }

    @Test func refusesHeadsThatAreTooLargeOrTooSlow() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        var limits = GatewayLimits()
        limits.headMilliseconds = 300
        let records = try await withGateway(provider, limits: limits) { (bench: Bench) async throws -> Void in
            let large = try bench.ask("GET /v1/models HTTP/1.1\r\nHost: w\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n")
            #expect(large.status == 431)
            let slow = try bench.connect()
            try slow.send("GET /v1/models HTTP/1.1\r\nHost: w\r\nX: ")
            // One more byte at each look does not push the deadline away.
            while !slow.hasInput(milliseconds: 50) { try slow.send("a") }
            #expect(try slow.answer().status == 408)
        }
        #expect(records.map(\.head.errorCode) == ["headers_too_large", "request_timeout"])
    }

    @Test(arguments: [
        "https://127.0.0.1:PORT", "https://localhost:PORT", "https://2130706433:PORT", "https://0177.0.0.1:PORT",
        "https://0x7f.1:PORT",
        "https://127.1:PORT", "https://[::ffff:127.0.0.1]:PORT", "https://[::1]:PORT", "https://10.0.0.1",
        "https://169.254.169.254/latest",
        "https://[fe80::1]", "https://[fd00::1]", "https://100.100.100.200", "https://134744072", "https://0.0.0.0:PORT",
        "http://127.0.0.1:PORT",
        "http://8.8.8.8", "http://example.com",
    ])
    func refusesPrivateAddressesThatACallerNames(url: String) async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let named = url.replacing("PORT", with: "\(provider.port)")
            let answer = try bench.ask(post("/v1/messages", "{}", ["x-inference-provider-url: \(named)"]))
            #expect(answer.status == 403)
            #expect(answer.text.contains("not_allowed"))
            #expect(provider.connections == 0)
        }
        #expect(records.map(\.head.outcome) == [.refused])
        #expect(records.first?.attempts.isEmpty == true)
    }

    @Test func letsCallersNamePrivateAddressesWhereAllowed() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(provider, allowsPrivate: true) { (bench: Bench) async throws -> Void in
            for host in ["127.0.0.1", "localhost"] {
                let answer = try bench.ask(
                    post("/x/chat/completions", "{}", ["x-inference-provider-url: http://\(host):\(provider.port)/base/"]))
                #expect(answer.text == "reached")
            }
        }
        #expect(provider.requests.first?.lines.first == "POST /base/x/chat/completions HTTP/1.1")
        #expect(records.map(\.head.provider) == ["127.0.0.1", "localhost"])
        #expect(records.first?.head.api == .openaiChat)
    }

    @Test func goesOnWithTheConnectionAfterARefusal() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post("/nowhere", "body of a refused request") + post("/v1/responses"))
            let refused = try wire.answer()
            #expect(refused.status == 404)
            #expect(refused.text.contains("unknown_route"))
            #expect(try wire.answer().text == "reached")
        }
    }

    @Test func frameOfTheBodyCannotBeDroppedByConnection() async throws {
        let provider = try RawProvider(
            answering: "HTTP/1.1 200 OK\r\nConnection: content-length, x-drop\r\nX-Drop: 1\r\nContent-Length: 4\r\n\r\ndone")
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let answer = try bench.ask(
                post(
                    "/v1/responses", "GET /smuggled HTTP/1.1\r\nHost: w\r\n\r\n",
                    ["Connection: Content-Length, x-mine", "X-Mine: 1"]))
            #expect(answer.text == "done")
            #expect(answer.header("content-length") == "4")
            #expect(answer.header("x-drop") == nil)
        }
        #expect(provider.requests.count == 1)
        #expect(provider.requests.first?.header("content-length") == "35")
        #expect(provider.requests.first?.header("x-mine") == nil)
    }

    @Test func drainsRunningStreamsAndRefusesNewRequests() async throws {
        let release = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            try release.wait()
            try wire.send("4\r\nlast\r\n0\r\n\r\n")
        }
        defer { provider.stop() }
        let bench = try await Bench.start(providers: ["openai": provider.port], allowsPrivate: false, limits: GatewayLimits())
        let running = try bench.connect()
        try running.send(post())
        _ = try running.read(through: "first\r\n")
        let late = try bench.connect()
        let early = try bench.connect()
        try late.send("POST /v1/messages HTTP/1.1\r\nHo")
        // Answered, so that it is known to be idle; the byte order on one loop makes `late` known to be within a head.
        try early.send(post("/nowhere"))
        #expect(try early.answer().status == 404)
        async let cut = bench.server.shutDown(limitMilliseconds: 10_000)
        // The idle connection closes once draining has begun.
        #expect(try early.readToEnd().bytes.isEmpty)
        try late.send("st: w\r\nContent-Length: 0\r\n\r\n")
        let refused = try late.answer()
        #expect(refused.status == 503)
        #expect(refused.header("retry-after") == "1")
        #expect(refused.header("connection") == "close")
        #expect(refused.text.contains("draining:"))
        #expect(throws: WireTimeout.self) { try bench.connect() }
        release.open()
        #expect(try running.readToEnd().bytes == Array("4\r\nlast\r\n0\r\n\r\n".utf8))
        #expect(await cut == 0)
        bench.capture.stop()
        let records = try Bench.lines(bench.directory).map { try ExchangeRecord(line: $0) }
        #expect(records.map(\.head.outcome) == [.refused, .refused, .completed])
        try FileManager.default.removeItem(atPath: bench.directory)
    }

    @Test func drainsTheTailOfAnAnswerThatItsCallerHasNotTakenYet() async throws {
        let body = pattern(20_000_000)
        let provider = try RawProvider(answering: Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
        defer { provider.stop() }
        let bench = try await Bench.start(providers: ["openai": provider.port], allowsPrivate: false, limits: GatewayLimits())
        let wire = try bench.connect(receiveBuffer: 16_384)
        try wire.send(post())
        _ = try wire.read(through: "\r\n\r\n")
        var got: [UInt8] = []
        while got.count < body.count, await bench.server.runningExchanges() > 0 {
            got += try wire.read(count: min(65_536, body.count - got.count))
        }
        // Over for the gateway, with bytes still on their way to the caller.
        async let cut = bench.server.shutDown(limitMilliseconds: 10_000)
        // On a thread of its own: the end waits for `shutDown`, which needs one of the pool's.
        got += try await onThread { try wire.readToEnd().bytes }
        let isWhole = got == body
        #expect(isWhole, "\(got.count) of \(body.count) bytes")
        #expect(await cut == 0)
        bench.capture.stop()
        try FileManager.default.removeItem(atPath: bench.directory)
    }
}
