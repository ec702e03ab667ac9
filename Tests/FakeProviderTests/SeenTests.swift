// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import FakeProvider

private let chat = "/v1/chat/completions"
private let body = #"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hello there"}]}"#

@Suite struct SeenTests {
    @Test func remembersHeadersInOrderWithCase() async throws {
        try await withServer { server, port in
            _ = try await post(chat + "?a=%20b", body, port: port, headers: ["X-ODD-Case: One", "x-odd-case: Two", "Zeta: last"])
            let seen = try #require(server.seen().first)
            #expect(seen.method == "POST" && seen.target == "/v1/chat/completions?a=%20b" && seen.status == 200)
            #expect(seen.headers.map(\.name) == ["Host", "content-length", "X-ODD-Case", "x-odd-case", "Zeta", "Connection"])
            #expect(seen.headers[2].value == "One" && seen.header("ZETA") == "last")
            #expect(seen.body == Array(body.utf8) && seen.isBodyKept && seen.isWhole && seen.isAnswered && !seen.clientGone)
        }
    }

    @Test func noticesThatTheClientWentAway() async throws {
        try await withServer { server, port in
            let order = "x-fake: ttft_ms=1;gap_ms=20;tokens=500"
            _ = try await post(chat, body, port: port, headers: [order], stopAfter: 400)
            let deadline = NIODeadline.now() + .seconds(5)
            while server.seen().first?.clientGone != true, NIODeadline.now() < deadline { await Task.yield() }
            let seen = try #require(server.seen().first)
            #expect(seen.clientGone && !seen.isAnswered && seen.answeredBytes < 20_000)
            #expect(server.counts().clientsGone == 1)
        }
    }

    @Test func keepsConnectionsAlive() async throws {
        try await withServer { server, port in
            let one = "POST \(chat) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n"
            let answer = try await sendRaw("\(one)\r\n\(body)\(one)Connection: close\r\n\r\n\(body)", port: port)
            #expect(answer.text.components(separatedBy: "[DONE]").count - 1 == 1)
            #expect(server.counts().requests == 2 && server.counts().connections == 1)
        }
    }

    @Test func forgetsTheOldestFirst() {
        let log = SeenLog()
        for i in 0..<(FakeProviderLimits.seenRequests + 10) {
            _ = log.add { ordinal in
                SeenRequest(
                    ordinal: ordinal, connection: 0, method: "GET", target: "/\(i)", headers: [], body: [1], bodyByteCount: 1,
                    isWhole: true)
            }
        }
        log.answerEnded(5, bytes: 9, end: .whole)
        log.answerEnded(12, bytes: 9, end: .whole)
        let all = log.all()
        #expect(all.count == FakeProviderLimits.seenRequests && all.map(\.ordinal) == Array(10..<(10 + all.count)))
        #expect(all.allSatisfy { $0.target == "/\($0.ordinal)" && $0.isAnswered == ($0.ordinal == 12) })
    }

    @Test func refusesConnectionsAfterItStopsAccepting() async throws {
        try await withServer { server, port in
            server.stopAccepting()
            await #expect(throws: (any Error).self) { try await post(chat, body, port: port) }
        }
    }

    @Test func startsOnlyOnce() async throws {
        try await withServer { server, _ in
            #expect(throws: FakeProviderError.self) { try server.start() }
        }
    }

    @Test func playsFixedAnswersByteForByte() async throws {
        var script = FakeProviderScript.instant
        script.fixedAnswer = { request in
            request.target == "/odd"
                ? FixedAnswer(status: 207, headers: [SeenHeader(name: "X-Odd", value: "1")], chunks: [[1, 2], [3]]) : nil
        }
        try await withServer(script) { _, port in
            let answer = try await post("/odd", "", port: port)
            #expect(
                answer.status == 207 && answer.body == [1, 2, 3] && answer.header("x-odd") == "1" && answer.framed.chunks == 2)
            let got = try await post("/other", "", port: port)
            #expect(got.status == 404)
        }
    }
}

@Suite struct DeterminismTests {
    private func answers(seed: UInt64, order: [Int]) async throws -> [Int: [UInt8]] {
        var script = FakeProviderScript.instant
        script.seed = seed
        return try await withServer(script) { _, port in
            var all: [Int: [UInt8]] = [:]
            for i in order {
                let body = #"{"model":"o4-mini","stream":true,"messages":[{"role":"user","content":"Question \#(i)"}]}"#
                all[i] = try await post(chat, body, port: port).body
            }
            return all
        }
    }

    @Test func repeatsAnswersBySeedInAnyOrder() async throws {
        let first = try await answers(seed: 7, order: [0, 1, 2, 3])
        let second = try await answers(seed: 7, order: [3, 1, 0, 2])
        #expect(first == second && Set(first.values).count == 4)
        let other = try await answers(seed: 8, order: [0, 1, 2, 3])
        #expect(first.allSatisfy { other[$0.key] != $0.value })
    }

    @Test func repeatsTimesBySeedAndDividesThemBySpeed() {
        func dues(_ speed: Double) -> [Int64] {
            let planner = AnswerPlanner(script: FakeProviderScript(seed: 3, speed: speed))
            return planner.plan(.asked(chat), body: Array(body.utf8)) { _ in 0 }.chunks.map(\.dueMicroseconds)
        }
        #expect(dues(1) == dues(1) && dues(1) == dues(1).sorted() && (dues(1).last ?? 0) > 200_000)
        #expect(dues(.infinity).allSatisfy { $0 == 0 })
        #expect(zip(dues(1), dues(10)).allSatisfy { abs($0 / 10 - $1) <= Int64(dues(1).count) })
    }

    @Test func drawsLatenciesAroundTheirMedian() {
        var random = SeededRandom(seed: 1)
        let drawn = (0..<4_000).map { _ in random.spread() }.sorted()
        #expect((0.94...1.06).contains(drawn[2_000]) && (2.9...3.5).contains(drawn[3_960]))
    }
}
