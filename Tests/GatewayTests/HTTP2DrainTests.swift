// SPDX-License-Identifier: Apache-2.0
import Capture
import ExchangeModel
import NIOCore
import Synchronization
import Testing

@testable import Gateway

/// What becomes of HTTP/2 streams when the gateway stops.
@Suite(.serialized, .enabled(if: Tool.hasOpenssl, "needs the openssl program")) struct HTTP2DrainTests {
    private func started(_ provider: RawProvider) async throws -> Bench {
        let authority = try TestAuthority()
        let issued = try authority.issue("server")
        let listener = ListenerSettings(
            host: "127.0.0.1", port: 0, tls: ListenerTLS(certificatePath: issued.certificate, keyPath: issued.key))
        return try await Bench.start(urls: ["openai": "http://127.0.0.1:\(provider.port)"], listeners: [listener])
    }

    /// Answers each request half, and the rest when told.
    private static func halting(_ body: [UInt8], _ count: Int, began: Gate, mayEnd: Gate) throws -> RawProvider {
        let half = body.count / 2
        let waiting = Mutex(0)
        return try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
            try wire.send(Array(body[..<half]))
            let all = waiting.withLock {
                $0 += 1
                return $0 == count
            }
            if all { began.open() }
            try mayEnd.wait()
            try wire.send(Array(body[half...]))
        }
    }

    @Test(arguments: 0..<12) func finishesEveryStreamWhenDraining(round: Int) async throws {
        let count = 1 + round % 6
        let (began, mayEnd) = (Gate(), Gate())
        let body = pattern(round.isMultiple(of: 3) ? 40_000 : 4)
        let provider = try HTTP2DrainTests.halting(body, count, began: began, mayEnd: mayEnd)
        defer { provider.stop() }
        let bench = try await started(provider)
        let caller = try await HTTP2Caller.connect(port: bench.port)
        var asked: [HTTP2Asked] = []
        for _ in 0..<count { asked.append(try await caller.ask("GET", "/v1/models")) }
        try began.wait()
        async let cut = bench.server.shutDown(limitMilliseconds: 10_000)
        mayEnd.open()
        for stream in asked {
            let whole = try await stream.whole()
            #expect(whole.status == 200)
            #expect(whole.body == body)
            #expect(whole.isWhole && whole.reset == nil)
        }
        let left = await cut
        #expect(left == 0)
        bench.capture.stop()
        try await eventually("the end of the connection") { !caller.channel.isActive }
    }

    @Test func streamsThatWereTakenEndWholeThoughLaterOnesAreRefused() async throws {
        let (began, mayEnd) = (Gate(), Gate())
        let provider = try HTTP2DrainTests.halting(Array("abcd".utf8), 1, began: began, mayEnd: mayEnd)
        defer { provider.stop() }
        let bench = try await started(provider)
        let caller = try await RawHTTP2.connect(port: bench.port)
        try await caller.send(RawHTTP2.request("GET", stream: 1))
        try began.wait()
        async let records = bench.finish()
        try await eventually("GOAWAY") { !caller.goodbyes.isEmpty }
        #expect(caller.goodbyes.first?.last == 1)
        #expect(caller.goodbyes.first?.error == 0)
        // On its way before the caller has read the GOAWAY: a request with a body.
        try await caller.send(
            RawHTTP2.request("POST", stream: 3, endsStream: false) + RawHTTP2.frame(0, stream: 3, Array("more".utf8))
                + RawHTTP2.frame(0, flags: 1, stream: 3) + RawHTTP2.frame(6, [1, 2, 3, 4, 5, 6, 7, 8]))
        try await eventually("the answer to the ping that came last") { caller.frames.contains { $0.type == 6 && $0.flags == 1 } }
        mayEnd.open()
        let outcomes = try await records.map(\.head.outcome)
        let body = caller.frames.filter { $0.type == 0 && $0.stream == 1 }
        #expect(body.flatMap(\.payload) == Array("abcd".utf8))
        #expect(body.last?.endsStream == true)
        #expect(!caller.frames.contains { $0.stream == 3 && $0.type != 3 })
        #expect(outcomes == [.completed])
        #expect(provider.connections == 1)
    }

    @Test func endsAConnectionWithoutStreamsAtOnce() async throws {
        let provider = try RawProvider(answering: ok("hello"))
        defer { provider.stop() }
        let bench = try await started(provider)
        let caller = try await HTTP2Caller.connect(port: bench.port)
        #expect(try await caller.ask("GET", "/v1/models").whole().text == "hello")
        let records = try await bench.finish()
        try await eventually("the end of the connection") { !caller.channel.isActive }
        #expect(records.count == 1)
    }
}
