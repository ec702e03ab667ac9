// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Testing

@testable import Gateway

/// Half-closed sockets, upgrades, early answers, callers that leave, and the limits in time.
@Suite(.serialized) struct ConnectionTests {
    private static let upgrade =
        "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: weir.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

    @Test func passesAnUpgradeAndWhatFollowsBothWays() async throws {
        let provider = try RawProvider { provider, wire, _ in
            provider.note(try wire.request())
            try wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            )
            for _ in 0..<3 { try wire.send(try wire.read(count: 4) + [0x81, 0x01, 0x21]) }
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(ConnectionTests.upgrade)
            let head = String(decoding: try wire.read(through: "\r\n\r\n"), as: UTF8.self)
            #expect(head.hasPrefix("HTTP/1.1 101 "))
            #expect(head.contains("\r\nUpgrade: websocket\r\n"))
            #expect(head.contains("\r\nConnection: Upgrade\r\n"))
            #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
            for round in UInt8(0)..<3 {
                try wire.send([0x81, round, 0xFF, 0x00])
                #expect(try wire.read(count: 7) == [0x81, round, 0xFF, 0x00, 0x81, 0x01, 0x21])
            }
            #expect(try wire.readToEnd().ending == .closed)
        }
        let seen = try #require(provider.requests.first)
        #expect(seen.lines.first == "GET /v1/realtime?model=gpt-realtime HTTP/1.1")
        #expect(seen.header("upgrade") == "websocket")
        #expect(seen.header("connection") == "Upgrade")
        let record = try #require(records.first)
        #expect(records.count == 1)
        #expect(record.head.outcome == .completed)
        #expect(record.head.status == 101)
        #expect(record.requestBody.content?.count == 12)
        #expect(record.responseBody.content?.count == 21)
        #expect(record.responseChunks.count == 3, "each frame's time is kept")
    }

    @Test func passesARefusedUpgradeAsAnyAnswer() async throws {
        let provider = try RawProvider(answering: "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(ConnectionTests.upgrade)
            let answer = try wire.answer()
            #expect(answer.status == 401)
            #expect(answer.text == "no")
            try wire.send("GET /v1/models HTTP/1.1\r\nHost: weir.test\r\n\r\n")
            #expect(try wire.answer().status == 401)
        }
        #expect(records.map(\.head.outcome) == [.completed, .completed])
    }

    @Test func refusesAnUpgradeThatNobodyAskedFor() async throws {
        let provider = try RawProvider(answering: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            #expect(try bench.ask(post()).status == 502)
        }
        #expect(records.first?.head.errorCode == "upstream_protocol_error")
    }

    @Test func answersACallerThatSaidItWouldSendNoMore() async throws {
        let half = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try half.wait("the caller to close its side")
            try wire.send(ok("late"))
            _ = try wire.request()
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post("/v1/chat/completions", "{}", ["Connection: close"]))
            wire.finishSending()
            try await Task.sleep(for: .milliseconds(50))
            half.open()
            #expect(try wire.answer().text == "late")
            #expect(try wire.readToEnd().ending == .closed)
        }
        #expect(records.map(\.head.outcome) == [.completed])
    }

    @Test func takesAnyOtherHalfCloseForACallerThatHasGone() async throws {
        let ended = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            _ = try wire.readToEnd()
            ended.open()
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post())
            try await Task.sleep(for: .milliseconds(50))
            wire.finishSending()
            try ended.wait("the provider's connection to end")
            #expect(try wire.readToEnd().bytes.isEmpty)
        }
        #expect(records.map(\.head.outcome) == [.clientClosed])
    }

    @Test func readsOnForACallerThatHasGoneWhereThePolicyIsToDrain() async throws {
        let gone = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n")
            try gone.wait()
            try wire.send("5\r\nusage\r\n0\r\n\r\n")
            _ = try wire.request()
        }
        var limits = GatewayLimits()
        limits.onClientClose = .drain(DrainLimits())
        let records = try await withGateway(provider, limits: limits) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post())
            _ = try wire.read(through: "first\n\r\n")
            wire.close()
            try await Task.sleep(for: .milliseconds(50))
            gone.open()
            try await eventually("no exchange runs") { await bench.server.runningExchanges() == 0 }
        }
        let record = try #require(records.first)
        #expect(record.head.outcome == .clientClosed)
        #expect(record.responseBody.content == Array("first\nusage".utf8))
        #expect(record.responseBody.kept == .full)
    }

    @Test(arguments: [
        (DrainLimits(bytes: 100, milliseconds: 60_000), true), (DrainLimits(bytes: 1 << 30, milliseconds: 500), false),
    ])
    func drainsWithinItsLimits(limits drain: DrainLimits, talks: Bool) async throws {
        let ended = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nfirst\n")
            if talks { for _ in 0..<5_000 { try wire.send([UInt8](repeating: 0x61, count: 100)) } }
            _ = try wire.readToEnd()
            ended.open()
        }
        var limits = GatewayLimits()
        limits.onClientClose = .drain(drain)
        let records = try await withGateway(provider, limits: limits) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post())
            _ = try wire.read(through: "first\n")
            wire.close()
            if !talks { try ended.wait("the provider to be given up") }
            try await eventually("no exchange runs") { await bench.server.runningExchanges() == 0 }
        }
        #expect(records.map(\.head.outcome) == [.clientClosed])
        #expect((records.first?.responseBody.wireByteCount ?? 0) < 1_000_000)
    }

    @Test func closesAfterAnAnswerThatCameBeforeLeaveToSendTheBody() async throws {
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.read(through: "\r\n\r\n")
            try wire.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
            _ = try wire.readToEnd()
        }
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send("POST /v1/files HTTP/1.1\r\nHost: w\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
            let answer = try wire.answer()
            #expect(answer.status == 417)
            #expect(answer.header("connection") == "close")
            #expect(try wire.readToEnd().ending == .closed)
        }
    }

    @Test func passesAnAnswerThatComesBeforeTheBodyIsWhole() async throws {
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.read(through: "\r\n\r\n")
            try wire.send("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
            _ = try wire.readToEnd()
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send("POST /v1/files HTTP/1.1\r\nHost: w\r\nContent-Length: 10\r\n\r\nhalf.")
            #expect(try wire.answer().text == "large")
            // The rest is read and thrown away; the connection goes on with the next request.
            try wire.send("half.GET /v1/models HTTP/1.1\r\nHost: w\r\n\r\n")
            #expect(try wire.answer().text == "large")
        }
        #expect(records.map(\.head.status) == [413, 413])
    }

    /// Each time limit, set to a moment, and what it is called.
    enum Slow: String, CaseIterable, Sendable { case head, body, drippingBody, firstByte, answer, total }

    @Test(arguments: Slow.allCases) func endsWhatIsTooSlow(_ slow: Slow) async throws {
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.read(through: "\r\n\r\n")
            if slow == .answer || slow == .total { try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst") }
            while slow == .total {
                try wire.send(".")
                usleep(100_000)
            }
            _ = try wire.readToEnd()
        }
        var limits = GatewayLimits()
        switch slow {
        case .head: limits.headMilliseconds = 100
        case .body: limits.bodyIdleMilliseconds = 100
        case .drippingBody: limits.bodyMilliseconds = 300
        case .firstByte: limits.firstByteMilliseconds = 100
        case .answer: limits.answerIdleMilliseconds = 100
        case .total: limits.totalMilliseconds = 300
        }
        let records = try await withGateway(provider, limits: limits) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            switch slow {
            case .head: try wire.send("POST /v1/chat/completions HT")
            case .body, .drippingBody: try wire.send("POST /v1/x HTTP/1.1\r\nHost: w\r\nContent-Length: 1000\r\n\r\nhalf")
            case .firstByte, .answer, .total: try wire.send(post())
            }
            if slow == .drippingBody {
                while !wire.hasInput(milliseconds: 50) { try wire.send(".") }
            }
            switch slow {
            case .head, .body, .drippingBody: #expect(try wire.answer().status == 408)
            case .firstByte: #expect(try wire.answer().status == 504)
            case .answer, .total:
                let rest = try wire.readToEnd()
                #expect(String(decoding: rest.bytes, as: UTF8.self).contains("first"))
            }
        }
        #expect(records.map(\.head.outcome) == [.timedOut])
        #expect(
            records.first?.head.errorCode
                == ([.head, .body, .drippingBody].contains(slow) ? "request_timeout" : "upstream_timeout"))
    }

    @Test func refusesAHeadOverTheConfiguredLimit() async throws {
        let provider = try RawProvider(answering: ok("fine"))
        var limits = GatewayLimits()
        limits.headBytes = 512
        try await withGateway(provider, limits: limits) { (bench: Bench) async throws -> Void in
            let answer = try bench.ask(post("/v1/x", "{}", ["X-Long: " + String(repeating: "a", count: 600)]))
            #expect(answer.status == 431)
            #expect(answer.text.contains("512"))
            #expect(try bench.ask(post()).status == 200)
        }
    }
}
