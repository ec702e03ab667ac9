// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
import FakeProvider
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import Gateway

/// Streams that are made to tell their usage, over real sockets.
@Suite(.serialized) struct UsageOptInTests {
    static let body = #"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#
    static let asking =
        #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#
    static let first = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n"
    static let usage = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\n"
    static let done = "data: [DONE]\n\n"
    static let streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    static func router(_ port: Int, _ policy: UsageOptIn, name: String = "openai") throws -> Router {
        let definition = ProviderDefinition(name: name, url: try BaseURL("http://127.0.0.1:\(port)"))
        return Router(
            catalogue: ProviderCatalogue(definitions: [definition], usageOptIn: policy), allowsPrivateUpstreams: false)
    }

    @discardableResult static func with(
        _ provider: RawProvider, _ policy: UsageOptIn, limits: GatewayLimits = GatewayLimits(),
        _ body: (Bench) async throws -> Void
    ) async throws -> [ExchangeRecord] {
        defer { provider.stop() }
        return try await withListeners(router: try router(provider.port, policy), limits: limits, body)
    }

    /// A stream in chunks of so many bytes.
    static func answer(_ events: [String], by size: Int = 1_000, trailers: String = "") -> [UInt8] {
        Array(streamHead.utf8) + chunked(Array(events.joined().utf8), by: size, trailers: trailers)
    }

    /// Takes chunked framing off, in another way than the gateway does.
    static func payload(_ body: [UInt8]) throws -> String {
        var rest = body[...]
        var out: [UInt8] = []
        while let end = rest.firstRange(of: [13, 10]) {
            let size = try #require(Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16))
            if size == 0 { return String(decoding: out, as: UTF8.self) }
            out += rest[end.upperBound...].prefix(size)
            rest = rest[end.upperBound...].dropFirst(size + 2)
        }
        throw WireTimeout(what: "the last chunk")
    }

    private func asked(_ bench: Bench, _ result: String) -> Double? {
        bench.samples()["weir_gateway_usage_opt_ins_total{result=\"\(result)\"}"]
    }

    private func stripped(_ bench: Bench, _ result: String) -> Double? {
        bench.samples()["weir_gateway_usage_strips_total{result=\"\(result)\"}"]
    }

    // MARK: The request

    @Test func offChangesNothing() async throws {
        let whole = Self.answer([Self.first, Self.usage, Self.done], by: 7)
        let provider = try RawProvider(answering: whole)
        let records = try await Self.with(provider, .off) { bench in
            let got = try bench.ask(post("/v1/chat/completions", Self.body))
            #expect(got.body == Array(whole[Self.streamHead.utf8.count...]))
            #expect(got.header("x-weir-stream-usage") == nil)
            #expect(!bench.samples().keys.contains { $0.hasPrefix("weir_gateway_usage_") })
        }
        #expect(provider.requests.map(\.text) == [Self.body])
        #expect((records.first?.responseHeaders ?? []).map { $0.name } == ["Content-Type", "Transfer-Encoding"])
    }

    @Test(arguments: ["/v1/chat/completions", "/v1/completions"]) func asksForTheCaller(path: String) async throws {
        let whole = Self.answer([Self.first, Self.usage, Self.done], by: 7)
        let provider = try RawProvider(answering: whole)
        let records = try await Self.with(provider, .inject) { bench in
            let got = try bench.ask(
                "POST \(path) HTTP/1.1\r\nHost: w\r\nX-A: 1\r\nCONTENT-length: \(Self.body.utf8.count)\r\nx-a: 2\r\n\r\n"
                    + Self.body)
            // The answer passes as it came, framing and all.
            #expect(got.body == Array(whole[Self.streamHead.utf8.count...]))
            #expect(got.header("x-weir-stream-usage") == "injected")
            #expect(asked(bench, "injected") == 1)
        }
        let seen = try #require(provider.requests.first)
        #expect(
            seen.lines == [
                "POST \(path) HTTP/1.1", "Host: 127.0.0.1:\(provider.port)", "X-A: 1",
                "CONTENT-length: \(Self.asking.utf8.count)", "x-a: 2",
            ])
        #expect(seen.text == Self.asking)
        let record = try #require(records.first)
        #expect(record.requestBody.content == Array(Self.body.utf8))
        #expect(record.requestBody.wireByteCount == Int64(Self.body.utf8.count))
        #expect(record.requestHeaders.contains(HeaderPair("CONTENT-length", "\(Self.body.utf8.count)")))
        #expect(record.responseHeaders.last == HeaderPair("x-weir-stream-usage", "injected"))
        #expect(record.head.outcome == .completed)
    }

    @Test func aBodyInChunksStaysInChunks() async throws {
        let provider = try RawProvider(answering: Self.answer([Self.first, Self.usage, Self.done]))
        let records = try await Self.with(provider, .inject) { bench in
            let wire = try bench.connect()
            try wire.send("POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n")
            for byte in chunked(Array(Self.body.utf8), by: 9, trailers: "X-Sum: 1\r\n") { try wire.send([byte]) }
            #expect(try wire.answer().status == 200)
        }
        let seen = try #require(provider.requests.first)
        #expect(seen.header("content-length") == nil && seen.header("transfer-encoding") == "chunked")
        let text = try Self.payload(seen.body)
        #expect(text == Self.asking)
        #expect(seen.text.hasSuffix("\r\n0\r\nX-Sum: 1\r\n\r\n"))
        #expect(records.first?.requestBody.content == Array(Self.body.utf8))
    }

    struct Untouched: Sendable, CustomTestStringConvertible {
        let result: String
        var path = "/v1/chat/completions"
        var headers: [String] = []
        let body: String
        var testDescription: String { "\(result) \(path) \(headers) \(body)" }
    }

    static let untouched = [
        Untouched(result: "asked", body: #"{"stream":true,"stream_options":{"include_usage":true}}"#),
        Untouched(result: "declined", body: #"{"stream":true,"stream_options":{"include_usage":false}}"#),
        Untouched(result: "not_stream", body: #"{"model":"m","messages":[{"stream":true}]}"#),
        Untouched(result: "not_json", body: "{\"stream\":true"),
        Untouched(result: "not_json", body: ""),
        Untouched(result: "ambiguous", body: #"{"stream":true,"stream":true}"#),
        Untouched(result: "coded", headers: ["Content-Encoding: gzip"], body: body),
        Untouched(result: "unsupported", headers: ["content-md5: x"], body: body),
        Untouched(result: "unsupported", headers: ["Content-Digest: sha-256=:x:"], body: body),
        Untouched(result: "too_large", body: #"{"stream":true,"x":""# + String(repeating: "x", count: 2_000) + #""}"#),
    ]

    @Test(arguments: untouched) func passesOnWhatItDoesNotTouch(request: Untouched) async throws {
        let provider = try RawProvider(answering: Self.answer([Self.first, Self.usage, Self.done]))
        var limits = GatewayLimits()
        limits.resendBytes = 1_000
        try await Self.with(provider, .injectAndStrip, limits: limits) { bench in
            let got = try bench.ask(post(request.path, request.body, request.headers))
            let text = try Self.payload(got.body)
            #expect(text == Self.first + Self.usage + Self.done)
            #expect(got.header("x-weir-stream-usage") == nil)
            #expect(asked(bench, request.result) == 1)
        }
        #expect(provider.requests.map(\.text) == [request.body])
        #expect(provider.requests.first?.header("content-length") == "\(request.body.utf8.count)")
    }

    /// A digest of the body behind it would be wrong about any other.
    @Test func aBodyThatATrailerVouchesForPasses() async throws {
        let provider = try RawProvider(answering: Self.answer([Self.first, Self.usage, Self.done]))
        let framed = chunked(Array(Self.body.utf8), by: 9, trailers: "X-A: 1\r\ncontent-digest: sha-256=:x:\r\n")
        try await Self.with(provider, .inject) { bench in
            let wire = try bench.connect()
            try wire.send("POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n")
            try wire.send(framed)
            #expect(try wire.answer().header("x-weir-stream-usage") == nil)
            #expect(asked(bench, "unsupported") == 1)
        }
        #expect(provider.requests.first?.body == framed)
    }

    /// The provider may have choked on the question: the caller is told that there was one.
    @Test func anAnswerOfWeirsOwnSaysThatTheProviderWasAsked() async throws {
        let provider = try RawProvider { _, wire, _ in _ = try wire.request() }
        try await Self.with(provider, .inject) { bench in
            let got = try bench.ask(post("/v1/chat/completions", Self.body))
            #expect(got.status == 502 && got.header("x-weir-stream-usage") == "injected")
        }
    }

    @Test func otherRoutesAreNotLookedAt() async throws {
        let provider = try RawProvider(answering: ok("x"))
        try await Self.with(provider, .inject) { bench in
            for path in ["/v1/responses", "/v1/embeddings", "/v1/files"] {
                _ = try bench.ask(post(path, Self.body))
            }
            #expect(!bench.samples().keys.contains { $0.hasPrefix("weir_gateway_usage_") })
        }
        #expect(provider.requests.map(\.text) == [Self.body, Self.body, Self.body])
    }

    @Test func aBodyInChunksThatIsTooLongGoesOnBeforeItIsWhole() async throws {
        let seen = Gate()
        let provider = try RawProvider { provider, wire, _ in
            _ = try wire.read(through: "\r\n\r\n")
            _ = try wire.read(through: "y")
            seen.open()
            _ = try wire.read(through: "0\r\n\r\n")
            try wire.send(Self.answer([Self.first, Self.usage, Self.done]))
        }
        var limits = GatewayLimits()
        limits.resendBytes = 1_000
        let records = try await Self.with(provider, .injectAndStrip, limits: limits) { bench in
            let wire = try bench.connect()
            try wire.send("POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nTransfer-Encoding: chunked\r\n\r\n")
            try wire.send("400\r\n" + String(repeating: "x", count: 1_023) + "y\r\n")
            try seen.wait("the provider's sight of what is too long")
            try wire.send("0\r\n\r\n")
            let text = try Self.payload(try wire.answer().body)
            #expect(text.hasSuffix(Self.usage + Self.done))
            #expect(asked(bench, "too_large") == 1)
        }
        #expect(records.first?.requestBody.wireByteCount == 1_024)
    }

    @Test func whatTheLoopHasNoRoomForGoesOn() async throws {
        let provider = try RawProvider(answering: Self.answer([Self.first, Self.done]))
        var limits = GatewayLimits()
        limits.signedBytesPerLoop = 100
        try await Self.with(provider, .inject, limits: limits) { bench in
            let got = try bench.ask(post("/v1/chat/completions", Self.body))
            #expect(got.status == 200)
            #expect(asked(bench, "too_large") == 1)
        }
        #expect(provider.requests.map(\.text) == [Self.body])
    }

    @Test func waitsForNoLeaveOfItsOwn() async throws {
        let provider = try RawProvider { provider, wire, _ in
            _ = try wire.read(through: "\r\n\r\n")
            try wire.send("HTTP/1.1 100 Continue\r\n\r\n")
            provider.note(WireMessage(body: try wire.read(count: Self.body.utf8.count)))
            try wire.send(Self.answer([Self.first, Self.done]))
        }
        try await Self.with(provider, .inject) { bench in
            let wire = try bench.connect()
            try wire.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nExpect: 100-continue\r\nContent-Length: \(Self.body.utf8.count)\r\n\r\n"
            )
            _ = try wire.read(through: "100 Continue\r\n\r\n")
            try wire.send(Self.body)
            let got = try wire.answer()
            #expect(got.status == 200)
            #expect(asked(bench, "unsupported") == 1)
        }
        #expect(provider.requests.map(\.text) == [Self.body])
    }

    @Test func asksAgainWhereARequestIsSentAgain() async throws {
        let provider = try RawProvider { provider, wire, index in
            provider.note(try wire.request())
            try wire.send(Self.answer([Self.first, Self.usage, Self.done]))
            if index > 0 { return }
            // The second request on the first connection finds it closed without an answer.
            provider.note(try wire.request())
        }
        let records = try await Self.with(provider, .injectAndStrip) { bench in
            let wire = try bench.connect()
            for _ in 0..<2 {
                try wire.send(post("/v1/chat/completions", Self.body))
                let text = try Self.payload(try wire.answer().body)
                #expect(text == Self.first + Self.done)
            }
        }
        #expect(provider.requests.map(\.text) == [Self.asking, Self.asking, Self.asking])
        #expect(records.map(\.attempts.count) == [1, 2])
    }

    // MARK: The answer

    @Test(arguments: [1, 2, 13, 10_000]) func keepsTheChunkFromTheCaller(size: Int) async throws {
        let provider = try RawProvider(
            answering: Self.answer([Self.first, Self.usage, Self.done], by: size, trailers: "X-Sum: 9\r\n"))
        let records = try await Self.with(provider, .injectAndStrip) { bench in
            let wire = try bench.connect()
            for _ in 0..<2 {
                try wire.send(post("/v1/chat/completions", Self.body))
                let got = try wire.answer()
                let text = try Self.payload(got.body)
                #expect(text == Self.first + Self.done)
                #expect(got.text.hasSuffix("\r\n0\r\nX-Sum: 9\r\n\r\n"))
                #expect(got.header("x-weir-stream-usage") == "stripped")
            }
            #expect(stripped(bench, "stripped") == 2)
            #expect(provider.connections == 1)
        }
        let record = try #require(records.first)
        #expect(record.responseBody.content == Array((Self.first + Self.usage + Self.done).utf8))
        #expect(record.responseHeaders.last == HeaderPair("x-weir-stream-usage", "stripped"))
        let reading = ExchangeReader.read(record)
        #expect(reading.usageSource == .reported && reading.usage.inputTotal == 3 && reading.usage.outputTotal == 5)
    }

    @Test func servesCallersOfHTTP10AndAnswersThatEndWithTheConnection() async throws {
        let events = Self.first + Self.usage + Self.done
        let endless = Array("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\(events)".utf8)
        for (answer, closes) in [(Self.answer([events], by: 9), false), (endless, true)] {
            let provider = try RawProvider(answering: answer, thenCloses: closes)
            try await Self.with(provider, .injectAndStrip) { bench in
                let got = try bench.ask(
                    "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: \(Self.body.utf8.count)\r\n\r\n\(Self.body)")
                #expect(got.text == Self.first + Self.done)
                #expect(stripped(bench, "stripped") == 1)
            }
        }
    }

    struct Whole: Sendable, CustomTestStringConvertible {
        let result: String
        let head: String
        var testDescription: String { result + ": " + head }
    }

    @Test(arguments: [
        Whole(result: "coded", head: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip"),
        Whole(result: "not_stream", head: "HTTP/1.1 200 OK\r\nContent-Type: application/json"),
        Whole(result: "not_stream", head: "HTTP/1.1 400 Bad Request\r\nContent-Type: text/event-stream"),
        Whole(result: "vouched", head: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Digest: sha-256=:x:"),
        Whole(result: "vouched", head: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTrailer: X-A, Repr-Digest"),
        Whole(result: "stated_length", head: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"),
    ])
    func passesWholeWhatItCannotStrip(answer: Whole) async throws {
        let events = Self.first + Self.usage + Self.done
        let isChunked = answer.result != "stated_length"
        let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(events.utf8.count)"
        let body = isChunked ? chunked(Array(events.utf8), by: 20) : Array(events.utf8)
        let provider = try RawProvider(answering: Array("\(answer.head)\r\n\(framing)\r\n\r\n".utf8) + body)
        let records = try await Self.with(provider, .injectAndStrip) { bench in
            let got = try bench.ask(post("/v1/chat/completions", Self.body))
            #expect(got.body == body)
            #expect(got.header("x-weir-stream-usage") == "injected")
            #expect(stripped(bench, answer.result) == 1)
        }
        #expect(records.first?.responseHeaders.last == HeaderPair("x-weir-stream-usage", "injected"))
    }

    @Test func aStreamThatBreaksOffLosesNothingThatWasHeld() async throws {
        let part = String(Self.usage.dropLast(8))
        let bytes = Array((Self.first + part).utf8)
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send(Array(Self.streamHead.utf8) + chunked(bytes, by: 10).dropLast(5))
        }
        let records = try await Self.with(provider, .injectAndStrip) { bench in
            let wire = try bench.connect()
            try wire.send(post("/v1/chat/completions", Self.body))
            _ = try wire.read(through: "\r\n\r\n")
            let got = try wire.readToEnd().bytes
            // Without a last chunk: the caller sees that it is not whole.
            #expect(!String(decoding: got, as: UTF8.self).hasSuffix("0\r\n\r\n"))
            let text = try Self.payload(got + Array("0\r\n\r\n".utf8))
            #expect(text == Self.first + part)
            #expect(stripped(bench, "absent") == 1)
        }
        #expect(records.map(\.head.outcome) == [.upstreamFailed])
        #expect(records.first?.responseBody.content == bytes)
    }

    @Test func eventsPassAsTheyCome() async throws {
        let (seen, sent) = (Gate(), Gate())
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send(Array(Self.streamHead.utf8) + chunked(Array(Self.first.utf8), by: 1_000).dropLast(5))
            try seen.wait("the caller's sight of the first event")
            try wire.send(chunked(Array((Self.usage + Self.done).utf8), by: 1_000).dropLast(5))
            try sent.wait("the caller's sight of the last event")
            try wire.send("0\r\n\r\n")
        }
        try await Self.with(provider, .injectAndStrip) { bench in
            let wire = try bench.connect()
            try wire.send(post("/v1/chat/completions", Self.body))
            _ = try wire.read(through: "}]}\n")
            seen.open()
            _ = try wire.read(through: "[DONE]\n")
            sent.open()
            _ = try wire.read(through: "0\r\n\r\n")
        }
    }

    @Test func aCallerThatLeavesAMomentBeforeTheEndIsRecordedAsGone() async throws {
        let gone = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send(Array(Self.streamHead.utf8) + chunked(Array((Self.first + "data: {\"id\"").utf8), by: 500).dropLast(5))
            try gone.wait("the caller's end")
            _ = try wire.readToEnd()
        }
        let records = try await Self.with(provider, .injectAndStrip) { bench in
            let wire = try bench.connect()
            try wire.send(post("/v1/chat/completions", Self.body))
            _ = try wire.read(through: "}]}\n")
            wire.close()
            try await eventually("the exchange ends") { bench.samples()["weir_gateway_exchanges_in_flight"] == 0 }
            #expect(stripped(bench, "caller_gone") == 1)
            gone.open()
        }
        #expect(records.map(\.head.outcome) == [.clientClosed])
    }

    // MARK: The scripted provider

    /// One stream of a provider made for it: the same seed gives the same answer.
    private static func streamed(_ policy: UsageOptIn, _ body: String) async throws -> (text: String, record: ExchangeRecord) {
        let provider = FakeProviderServer(script: .instant)
        let port = try provider.start()
        defer { provider.stop() }
        let texts = Mutex<[String]>([])
        let records = try await withListeners(router: try router(port, policy)) { bench in
            let text = try payload(try bench.ask(post("/v1/chat/completions", body, ["x-fake: seed=7;tokens=30"])).body)
            texts.withLock { $0.append(text) }
        }
        return (try #require(texts.withLock { $0.first }), try #require(records.first))
    }

    @Test func theCallerSeesTheStreamThatItAskedFor() async throws {
        let body = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"How warm is it?"}],"stream":true}"#
        let off = try await Self.streamed(.off, body)
        let inject = try await Self.streamed(.inject, body)
        let strip = try await Self.streamed(.injectAndStrip, body)
        #expect(!off.text.contains("usage") && off.text.contains("data: [DONE]"))
        #expect(ExchangeReader.read(off.record).usageSource == .absent)
        // The provider writes `"usage":null` into every other chunk of a stream that asks, as OpenAI does; it stays.
        #expect(strip.text.replacing(",\"usage\":null", with: "") == off.text)
        #expect(inject.text.contains("\"choices\":[]") && !strip.text.contains("\"choices\":[]"))
        for record in [inject.record, strip.record] {
            let reading = ExchangeReader.read(record)
            #expect(reading.usageSource == .reported && (reading.usage.outputTotal ?? 0) > 0)
            #expect(record.requestBody.content == Array(body.utf8))
        }
        #expect(strip.record.responseBody.content == inject.record.responseBody.content)
    }
}

@Suite struct RequestSendingTests {
    /// Each small piece keeps the whole buffer that it was read into, so that many of them would hold far more than their bytes.
    @Test func manySmallPiecesAreHeldInFewBuffers() {
        var sending = RequestSending(limit: 1 << 20)
        var sent = [UInt8](repeating: 65, count: 20_000)
        sending.add(ByteBuffer(bytes: sent))
        for number in 0..<100_000 {
            let byte = UInt8(truncatingIfNeeded: number)
            sending.add(ByteBuffer(bytes: [byte]))
            sent.append(byte)
        }
        #expect(sending.queued.count <= 100_000 / 16_384 + 1)
        #expect(([sending.unsent] + sending.queued).flatMap { Array($0.readableBytesView) } == sent)
    }
}
