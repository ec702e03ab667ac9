// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FakeProvider
import Foundation
import Synchronization
import Testing

@testable import Gateway

@Suite(.serialized) struct BreakageTests {
    private static let streamStart =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n"

    @Test(arguments: [false, true]) func givesTheProviderUpWhenTheCallerGoes(byReset: Bool) async throws {
        let ended = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send(BreakageTests.streamStart)
            _ = try wire.readToEnd()
            ended.open()
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post())
            _ = try wire.read(through: "first\n\r\n")
            if byReset { wire.reset() } else { wire.close() }
            try ended.wait("the provider's connection to end")
            try await eventually("no exchange runs") { await bench.server.runningExchanges() == 0 }
        }
        let record = try #require(records.first)
        #expect(record.head.outcome == .clientClosed)
        #expect(record.head.status == 200)
        #expect(record.responseBody.content == Array("first\n".utf8))
        #expect(record.head.lastByteUs != nil)
    }

    @Test func recordsACallerThatGoesBeforeTheAnswer() async throws {
        let arrived = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            arrived.open()
            _ = try wire.readToEnd()
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post())
            try arrived.wait()
            wire.close()
            try await eventually("no exchange runs") { await bench.server.runningExchanges() == 0 }
        }
        #expect(records.map(\.head.outcome) == [.clientClosed])
        #expect(records.first?.head.status == nil)
    }

    @Test(arguments: [(false, "chunked"), (true, "chunked"), (true, "until close"), (false, "length")])
    func endsABrokenAnswerAsTheProviderDid(byReset: Bool, framing: String) async throws {
        let seen = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            switch framing {
            case "chunked": try wire.send(BreakageTests.streamStart)
            case "length": try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst\n")
            default: try wire.send("HTTP/1.1 200 OK\r\n\r\nfirst\n")
            }
            try seen.wait()
            if byReset { wire.reset() } else { wire.close() }
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            // The second request waits behind an answer that breaks: it must not be begun.
            try wire.send(post() + post())
            _ = try wire.read(through: "first\n")
            seen.open()
            let rest = try wire.readToEnd()
            #expect(rest.ending == (byReset ? .reset : .closed))
            #expect(rest.bytes == Array((framing == "chunked" ? "\r\n" : "").utf8))
            #expect(provider.connections == 1)
        }
        #expect(records.map(\.head.outcome) == [.upstreamFailed])
        #expect(records.first?.head.errorSource == .provider)
        #expect(records.first?.responseBody.content == Array("first\n".utf8))
    }

    @Test func resetsAnHTTP10CallerWhoseAnswerBreaks() async throws {
        let seen = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send(BreakageTests.streamStart)
            try seen.wait()
        }
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send("POST /v1/responses HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
            _ = try wire.read(through: "first\n")
            seen.open()
            #expect(try wire.readToEnd().ending == .reset)
        }
    }

    @Test(arguments: [("cut=200;rst=1", Ending.reset), ("cut=200", .closed)])
    func passesOnCutsOfTheFakeProvider(order: String, ending: Ending) async throws {
        let provider = FakeProviderServer(script: .instant)
        let port = try provider.start()
        defer { provider.stop() }
        let records = try await withGateway(["openai": port]) { (bench: Bench) async throws -> Void in
            let body = #"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}"#
            let wire = try bench.connect()
            try wire.send(post("/v1/chat/completions", body, ["x-fake: \(order);tokens=500"]))
            #expect(try wire.readToEnd().ending == ending)
        }
        #expect(records.map(\.head.outcome) == [.upstreamFailed])
    }

    @Test func answersInTheShapeOfTheAPIWhenTheProviderIsUnreachable() async throws {
        let gone = try RawProvider(answering: "")
        gone.stop()
        let records = try await withGateway(["openai": gone.port, "anthropic": gone.port, "gemini": gone.port]) {
            (bench: Bench) async throws -> Void in
            let chat = try bench.ask(post("/v1/chat/completions"))
            #expect(chat.status == 502)
            #expect(chat.header("x-weir-error-source") == "gateway")
            #expect(chat.header("x-weir-exchange-id") != nil)
            #expect((try chat.json()["error"] as? [String: Any])?["code"] as? String == "upstream_unreachable")
            let messages = try bench.ask(post("/v1/messages"))
            #expect(messages.status == 502)
            #expect(try messages.json()["type"] as? String == "error")
            let gemini = try bench.ask(post("/v1beta/models/g:generateContent"))
            #expect((try gemini.json()["error"] as? [String: Any])?["code"] as? Int == 502)
        }
        #expect(records.map(\.head.outcome) == [.upstreamFailed, .upstreamFailed, .upstreamFailed])
        #expect(records.allSatisfy { $0.head.errorSource == .gateway && $0.head.status == 502 && $0.attempts.count == 1 })
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    ])
    func answers502WhenTheAnswerIsNotHTTP(answer: String) async throws {
        let provider = try RawProvider(answering: answer)
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let got = try bench.ask(post())
            #expect(got.status == 502)
            #expect((try got.json()["error"] as? [String: Any])?["code"] as? String == "upstream_protocol_error")
        }
        #expect(records.first?.head.errorCode == "upstream_protocol_error")
    }

    @Test func sendsOnceMoreWhenAKeptConnectionTurnsOutClosed() async throws {
        let provider = try RawProvider { provider, wire, index in
            repeat {
                let request = try wire.request()
                provider.note(request)
                if index == 0, request.text == "two" { return }
                try wire.send(ok("answer \(request.text)"))
            } while true
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            #expect(try bench.ask(post("/v1/responses", "one")).text == "answer one")
            #expect(try bench.ask(post("/v1/responses", "two")).text == "answer two")
        }
        #expect(provider.requests.map(\.text) == ["one", "two", "two"])
        #expect(provider.requests[1].head == provider.requests[2].head)
        let attempts = try #require(records.last).attempts
        #expect(attempts.map(\.outcome) == [.upstreamFailed, .completed])
        #expect(attempts.map(\.retryReason) == [nil, "reused_connection_closed"])
        #expect(attempts.map(\.n) == [1, 2])
    }

    @Test func sendsNotAgainOnceTheAnswerHasBegun() async throws {
        let provider = try RawProvider { provider, wire, _ in
            provider.note(try wire.request())
            try wire.send(ok("one"))
            provider.note(try wire.request())
            try wire.send("HTTP/1.1 200 OK\r\nX-Par")
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            #expect(try bench.ask(post()).status == 200)
            #expect(try bench.ask(post()).status == 502)
        }
        #expect(provider.requests.count == 2)
        #expect(records.last?.attempts.count == 1)
    }

    @Test func failsAtOnceWhenAFreshConnectionCloses() async throws {
        let provider = try RawProvider { provider, wire, _ in provider.note(try wire.request()) }
        try await withGateway(provider) { (bench: Bench) async throws -> Void in #expect(try bench.ask(post()).status == 502) }
        #expect(provider.requests.count == 1)
    }

    @Test func holdsTheProviderBackForASlowCaller() async throws {
        let total = 64 << 20
        let block = pattern(1 << 16)
        let written = Mutex(0)
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            wire.setSendBuffer(65_536)
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            for _ in 0..<(total / block.count) {
                try wire.send(block)
                written.withLock { $0 += block.count }
            }
            _ = try wire.readToEnd()
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect(receiveBuffer: 65_536)
            try wire.send(post())
            // At rest: nothing more was written over many looks.
            var last = -1
            var quiet = 0
            try await eventually("the provider is held back") {
                let now = written.withLock { $0 }
                quiet = now == last && now > 0 ? quiet + 1 : 0
                last = now
                return quiet > 60
            }
            #expect(last < 16 << 20, "\(last) bytes were taken from the provider while the caller read none")
            _ = try wire.read(through: "\r\n\r\n")
            for index in 0..<(total / block.count) { try #require(try wire.read(count: block.count) == block, "block \(index)") }
        }
        #expect(records.first?.head.outcome == .completed)
        #expect(records.first?.responseBody.wireByteCount == Int64(total))
    }
}
