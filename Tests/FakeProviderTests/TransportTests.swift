// SPDX-License-Identifier: Apache-2.0

import ContentCoding
import Foundation
import NIOCore
import Testing

@testable import FakeProvider

private let chat = "/v1/chat/completions"
private let plainBody = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello there"}]}"#
private let streamBody = #"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hello there"}]}"#

@Suite struct TransportTests {
    @Test(arguments: AnswerCoding.allCases) func compressesSoThatEachEventCanBeReadWhenItHasCome(coding: AnswerCoding)
        async throws
    {
        let planner = AnswerPlanner(script: .instant)
        func plan(_ order: String?) -> Playback {
            let headers = order.map { [SeenHeader(name: "x-fake", value: $0)] } ?? []
            return planner.plan(.asked(chat, headers: headers), body: Array(streamBody.utf8)) { _ in 0 }
        }
        let (clear, coded) = (plan(nil), plan("coding=\(coding.rawValue)"))
        #expect(clear.chunks.count == coded.chunks.count)
        #expect(coded.headers.contains(SeenHeader(name: "Content-Encoding", value: coding.rawValue)))
        let decoder = try #require(ContentDecoder(coding: coding.rawValue))
        var ends: [Int] = []
        for chunk in coded.chunks { ends.append((ends.last ?? 0) + chunk.bytes.count) }
        let (body, available) = decoder.decodeWithOffsets(coded.chunks.flatMap(\.bytes), marks: ends, limit: 1 << 20)
        #expect(body.isComplete && body.bytes == clear.chunks.flatMap(\.bytes))
        var expected = 0
        for (chunk, there) in zip(clear.chunks, available) {
            expected += chunk.bytes.count
            #expect(there == expected)
        }
    }

    @Test func compressesAsTheRequestAcceptsWhereTheScriptSaysSo() async throws {
        var script = FakeProviderScript.instant
        script.compresses = true
        try await withServer(script) { _, port in
            let clear = try await post(chat, plainBody, port: port)
            #expect(clear.header("content-encoding") == nil)
            for (accepted, coding) in [("br;q=0, gzip", "gzip"), ("x, br, gzip", "br"), ("zstd", "zstd"), ("deflate", "deflate")]
            {
                let answer = try await post(chat, plainBody, port: port, headers: ["Accept-Encoding: \(accepted)"])
                #expect(answer.header("content-encoding") == coding && answer.framed.isWhole)
                #expect(ContentDecoder(coding: coding)?.decode(answer.body, limit: 1 << 20).bytes == clear.body)
            }
        }
    }

    @Test(arguments: ["chunked", "odd", "length", "close"], [plainBody, streamBody])
    func framesAsOrdered(framing: String, body: String) async throws {
        try await withServer { _, port in
            let clear = try await post(chat, body, port: port)
            let answer = try await post(chat, body, port: port, headers: ["x-fake: framing=\(framing)"])
            #expect(answer.body == clear.body && answer.framed.isWhole)
            #expect((answer.header("transfer-encoding") == "chunked") == ["chunked", "odd"].contains(framing))
            #expect((answer.header("content-length") != nil) == (framing == "length"))
            if framing == "odd" { #expect(answer.framed.chunks > 5) }
        }
    }

    @Test func writesOneByteAtATime() async throws {
        try await withServer { _, port in
            let clear = try await post(chat, plainBody, port: port)
            let answer = try await post(chat, plainBody, port: port, headers: ["x-fake: write_bytes=1;framing=chunked"])
            #expect(answer.body == clear.body && answer.framed.chunks == clear.body.count)
        }
    }

    @Test func sendsHintsAndTrailers() async throws {
        try await withServer { _, port in
            let answer = try await post(chat, plainBody, port: port, headers: ["x-fake: hints=2;trailers=1"])
            #expect(answer.interims.components(separatedBy: "HTTP/1.1 103 Early Hints\r\n").count == 3)
            #expect(answer.status == 200 && answer.header("trailer") != nil && answer.framed.isWhole)
            #expect(answer.trailers.contains("x-fake-bytes: \(answer.body.count)\r\n"))
        }
    }

    @Test(arguments: [204, 205, 304]) func answersWithoutABody(status: Int) async throws {
        try await withServer { _, port in
            let answer = try await post(chat, plainBody, port: port, headers: ["x-fake: bare=\(status)"])
            #expect(answer.status == status && answer.rest.isEmpty)
            #expect(answer.header("content-length") == (status == 205 ? "0" : nil))
        }
    }

    @Test func answersHeadWithTheLengthOnly() async throws {
        try await withServer { _, port in
            let whole = try await get("/v1/models", port: port)
            let head = try await get("/v1/models", port: port, method: "HEAD")
            #expect(head.status == 200 && head.rest.isEmpty)
            #expect(head.header("content-length") == whole.header("content-length"))
        }
    }

    @Test func sendsHeartbeatsBetweenEvents() async throws {
        try await withServer { _, port in
            let clear = try await post(chat, streamBody, port: port)
            let answer = try await post(chat, streamBody, port: port, headers: ["x-fake: comments=3"])
            #expect(answer.text.replacingOccurrences(of: ": keep-alive\n\n", with: "") == clear.text)
            #expect(answer.text.components(separatedBy: ": keep-alive").count - 1 == (clear.events.count + 2) / 3)
        }
    }

    @Test func answersBeforeTheBodyAndReadsOn() async throws {
        try await withServer { server, port in
            let head = "POST \(chat) HTTP/1.1\r\nHost: x\r\nx-fake: early=1\r\nContent-Length: 4\r\n\r\n"
            let next = "GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let answer = try await sendRaw(head + "body" + next, port: port)
            let text = String(decoding: answer.bytes, as: UTF8.self)
            #expect(answer.status == 413 && text.contains("HTTP/1.1 200 OK"))
            let seen = server.seen()
            #expect(seen.count == 2 && seen[0].isWhole && seen[0].body == Array("body".utf8) && seen[0].status == 413)
        }
    }

    @Test func answersBeforeTheBodyAndCloses() async throws {
        try await withServer { server, port in
            let head = "POST \(chat) HTTP/1.1\r\nHost: x\r\nx-fake: early=2;status=401\r\nContent-Length: 100000\r\n\r\nab"
            let answer = try await sendRaw(head, port: port)
            #expect(answer.status == 401 && answer.header("connection") == "close")
            #expect(server.seen().first?.isWhole == false)
        }
    }

    @Test(arguments: [("", "HTTP/1.1 100 Continue"), ("x-fake: expect=417\r\n", "HTTP/1.1 417"), ("x-fake: expect=0\r\n", "")])
    func meetsAnExpectation(order: String, begins: String) async throws {
        try await withServer { _, port in
            let head = "POST \(chat) HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n\(order)Content-Length: "
            let answer = try await sendRaw(head + "\(plainBody.utf8.count)\r\n\r\n" + plainBody, port: port)
            #expect(String(decoding: answer.bytes, as: UTF8.self).hasPrefix(begins))
            #expect(answer.status == (begins.hasSuffix("417") ? 417 : 200))
            #expect(answer.interims.isEmpty == !begins.hasSuffix("Continue"))
        }
    }

    @Test func readsARequestSlowly() async throws {
        try await withServer { server, port in
            let long = String(repeating: "x", count: 200_000)
            let body = plainBody.replacingOccurrences(of: "Hello", with: long)
            let begin = NIODeadline.now()
            let answer = try await post(chat, body, port: port, headers: ["x-fake: read_bytes=8192;read_gap_ms=4"])
            #expect(answer.status == 200 && server.seen().first?.bodyByteCount == body.utf8.count)
            #expect(NIODeadline.now() - begin >= .milliseconds(4 * 15))
            let after = try await post(chat, plainBody, port: port)
            #expect(after.status == 200)
        }
    }

    @Test func answersOldClientsUntilTheClose() async throws {
        try await withServer { _, port in
            let request = "POST \(chat) HTTP/1.0\r\nHost: x\r\nContent-Length: \(streamBody.utf8.count)\r\n\r\n\(streamBody)"
            let answer = try await sendRaw(request, port: port)
            #expect(answer.header("transfer-encoding") == nil && answer.text.hasSuffix("data: [DONE]\n\n"))
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ])
    func refusesWhatIsNotHTTP(request: String) async throws {
        try await withServer { _, port in
            let answer = try await sendRaw(request, port: port)
            #expect(answer.status == 400)
        }
    }

    @Test func answersManyPipelinedRequestsInOrder() async throws {
        try await withServer { server, port in
            let one = "GET /v1/models HTTP/1.1\r\nHost: x\r\n"
            let many = String(repeating: one + "\r\n", count: 300) + one + "Connection: close\r\n\r\n"
            let answer = try await sendRaw(many, port: port)
            let count = String(decoding: answer.bytes, as: UTF8.self).components(separatedBy: "HTTP/1.1 200 OK").count - 1
            #expect(count == 301 && server.counts().requests == 301)
        }
    }

    @Test(arguments: ["framing=none", "coding=lzma", "bare=200", "early=3", "expect=100", "hints=9", "write_bytes=0"])
    func refusesABadTransportOrder(order: String) async throws {
        try await withServer { _, port in
            let answer = try await post(chat, plainBody, port: port, headers: ["x-fake: \(order)"])
            #expect(answer.status == 400)
            #expect(try answer.json().text("error.message")?.contains("x-fake") == true)
        }
    }
}
