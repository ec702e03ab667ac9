// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FakeProvider
import Testing

@testable import Gateway

@Suite(.serialized) struct TransparencyTests {
    struct Answer: Sendable, CustomTestStringConvertible {
        let name: String
        var method = "POST"
        let head: String
        let body: String
        var closes = false
        var testDescription: String { name }
    }

    static let answers = [
        Answer(
            name: "content-length", head: "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\nServer:  odd  \r\n\r\n",
            body: "hello"),
        Answer(name: "empty", head: "HTTP/1.1 201 \r\nContent-Length: 0\r\n\r\n", body: ""),
        Answer(
            name: "event stream",
            head: "HTTP/1.1 200 Fine\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
            body: "9;x=\"y\"\r\ndata: a\n\n\r\nE\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"),
        Answer(
            name: "chunked with trailers", head: "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n",
            body: "3\r\nabc\r\n00\r\nX-Sum: 9\r\nx-sum: 8\r\n\r\n"),
        Answer(
            name: "ends with the connection", head: "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", body: "to the end",
            closes: true),
        Answer(name: "HEAD", method: "HEAD", head: "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", body: ""),
        Answer(name: "no content", head: "HTTP/1.1 204 No Content\r\nX-B: 1\r\n\r\n", body: ""),
        Answer(name: "not modified", head: "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 77\r\n\r\n", body: ""),
        Answer(
            name: "redirect", head: "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/next\r\nContent-Length: 2\r\n\r\n",
            body: "go"),
        Answer(
            name: "error",
            head: "HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nx-inference-note: theirs\r\nContent-Length: 4\r\n\r\n",
            body: "wait"),
    ]

    @Test(arguments: answers) func passesAnswersUntouched(answer: Answer) async throws {
        let provider = try RawProvider(answering: answer.head + answer.body, thenCloses: answer.closes)
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let request = "\(answer.method) /v1/chat/completions HTTP/1.1\r\nHost: weir\r\n\r\n"
            let got = try bench.ask(request, toHead: answer.method == "HEAD")
            #expect(got.text == answer.body)
            let sent = answer.head.split(separator: "\r\n").map(String.init)
            var expected = sent.filter { !$0.isEmpty }
            let id = try #require(got.header("x-weir-exchange-id"))
            expected.append("x-weir-exchange-id: \(id)")
            expected += ["x-weir-provider: openai", "x-weir-attempts: 1"]
            if answer.name == "error" { expected.append("x-weir-error-source: provider") }
            if answer.closes { expected.append("Connection: close") }
            #expect(got.lines == expected)
            #expect(provider.connections == 1)
        }
        let record = try #require(records.first)
        #expect(records.count == 1)
        #expect(record.head.outcome == .completed)
        #expect(record.head.errorSource == (answer.name == "error" ? .provider : nil))
        #expect(record.head.responseStream == (answer.name == "event stream"))
    }

    struct Request: Sendable, CustomTestStringConvertible {
        let name: String
        let framing: String
        let body: [UInt8]
        var testDescription: String { name }
    }

    static let requests = [
        Request(name: "none", framing: "X-Nothing: 1", body: []),
        Request(name: "length", framing: "content-LENGTH: 7", body: Array("{\"a\":1}".utf8)),
        Request(name: "bytes", framing: "Content-Length: 1024", body: pattern(1_024)),
        Request(name: "large", framing: "Content-Length: 5000000", body: pattern(5_000_000)),
        Request(
            name: "chunked", framing: "Transfer-Encoding: chunked",
            body: chunked(pattern(3_000), by: 999, trailers: "X-Sum: 1\r\n")),
        Request(name: "large chunked", framing: "Transfer-Encoding: chunked", body: chunked(pattern(5_000_000), by: 70_001)),
    ]

    @Test(arguments: requests) func passesRequestsUntouched(request: Request) async throws {
        let provider = try RawProvider(answering: ok("done"))
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(
                Array(
                    "POST /v1//chat%2Fx/../y?a=b&&c=%41 HTTP/1.1\r\nhost: weir.test\r\nX-One: 1\r\nx-one:2\r\n\(request.framing)\r\nUser-Agent: t\r\n\r\n"
                        .utf8)
                    + request.body)
            #expect(try wire.answer().text == "done")
        }
        let seen = try #require(provider.requests.first)
        #expect(
            seen.lines == [
                "POST /v1//chat%2Fx/../y?a=b&&c=%41 HTTP/1.1", "Host: 127.0.0.1:\(provider.port)", "X-One: 1", "x-one:2",
                request.framing,
                "User-Agent: t",
            ])
        #expect(seen.body == request.body)
        #expect(records.first?.head.query == "a=b&&c=%41")
        #expect(
            records.first?.requestBody.wireByteCount
                == Int64(
                    request.name.hasSuffix("large chunked") ? 5_000_000 : request.name == "chunked" ? 3_000 : request.body.count))
    }

    @Test(arguments: [false, true]) func passesLargeAnswersUntouched(isChunked: Bool) async throws {
        let body = isChunked ? chunked(pattern(5_000_000), by: 16_001) : pattern(5_000_000)
        let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(body.count)"
        let provider = try RawProvider(answering: Array("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n".utf8) + body)
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            #expect(try bench.ask(post()).body == body)
        }
        // Head and tail, the tail the last 64 KiB: where they meet is told by the number of bytes (notebooks-docs/capture.md).
        let kept = try #require(records.first?.responseBody.content)
        let joint = kept.count - 65_536
        #expect(kept.count <= (1 << 18) + (1 << 16) + 8 && joint > 0)
        #expect(
            kept.prefix(joint) == pattern(5_000_000).prefix(joint) && kept.dropFirst(joint) == pattern(5_000_000).suffix(65_536))
        #expect(records.first?.responseBody.kept == .headTail)
        #expect(records.first?.responseBody.wireByteCount == 5_000_000)
    }

    @Test func passesEventsAsTheyCome() async throws {
        let seen = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n")
            try seen.wait("the caller's sight of the first event")
            try wire.send("7\r\nsecond\n\r\n0\r\n\r\n")
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post())
            _ = try wire.read(through: "first\n\r\n")
            seen.open()
            #expect(try wire.read(through: "0\r\n\r\n") == Array("7\r\nsecond\n\r\n0\r\n\r\n".utf8))
        }
        #expect(records.first?.responseChunks.map(\.offset) == [0, 6])
    }

    @Test func passesRequestBytesAsTheyCome() async throws {
        let seen = Gate()
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.read(through: "half")
            seen.open()
            _ = try wire.read(through: "rest")
            try wire.send(ok("done"))
        }
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send("POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nContent-Length: 8\r\n\r\nhalf")
            try seen.wait("the provider's sight of the first half")
            try wire.send("rest")
            #expect(try wire.answer().text == "done")
        }
    }

    @Test func answersPipelinedRequestsInOrderOverOneConnection() async throws {
        let provider = try RawProvider { provider, wire, _ in
            while true {
                let request = try wire.request()
                provider.note(request)
                try wire.send(ok("<\(request.text)>"))
            }
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send((1...5).map { post("/v1/chat/completions", "body \($0)") }.joined())
            for i in 1...5 { #expect(try wire.answer().text == "<body \(i)>") }
            #expect(provider.connections == 1)
        }
        #expect(records.count == 5)
    }

    @Test func usesTheProvidersConnectionAgain() async throws {
        var script = FakeProviderScript.instant
        script.fixedAnswer = { FixedAnswer(chunks: [$0.body], isChunked: false) }
        let provider = FakeProviderServer(script: script)
        let port = try provider.start()
        defer { provider.stop() }
        try await withGateway(["openai": port]) { (bench: Bench) async throws -> Void in
            for i in 0..<6 { #expect(try bench.ask(post("/v1/responses", "n\(i)")).text == "n\(i)") }
        }
        #expect(provider.counts().connections == 1)
        #expect(provider.counts().requests == 6)
    }

    @Test func passesAnEarlyAnswerAndGoesOnWithTheConnection() async throws {
        let provider = try RawProvider { _, wire, index in
            _ = try wire.read(through: "\r\n\r\n")
            try wire.send(ok("answer \(index)"))
            _ = try wire.readToEnd()
        }
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(
                Array("POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nContent-Length: 300000\r\n\r\n".utf8) + pattern(100_000))
            #expect(try wire.answer().text == "answer 0")
            try wire.send(Array(pattern(300_000)[100_000...]))
            try wire.send(post("/v1/chat/completions", ""))
            #expect(try wire.answer().text == "answer 1")
        }
        #expect(records.map(\.head.outcome) == [.completed, .completed])
    }

    @Test func passesContinueAndThenTheBody() async throws {
        let provider = try RawProvider { provider, wire, _ in
            let head = try wire.read(through: "\r\n\r\n")
            provider.note(WireMessage(head: head))
            try wire.send("HTTP/1.1 100 Continue\r\n\r\n")
            _ = try wire.read(count: 4)
            try wire.send(ok("done"))
        }
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send("POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            #expect(try wire.read(through: "\r\n\r\n") == Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
            try wire.send("body")
            #expect(try wire.answer().text == "done")
        }
        #expect(provider.requests.first?.header("Expect") == "100-continue")
    }

    @Test func servesHTTP10Callers() async throws {
        let provider = try RawProvider(
            answering: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX-T: 1\r\n\r\n")
        let records = try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send("POST /v1/chat/completions HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}")
            let answer = try wire.answer()
            #expect(answer.text == "abcdef")
            #expect(answer.header("transfer-encoding") == nil)
            #expect(answer.header("connection") == "close")
            #expect(wire.ending == .closed)
        }
        #expect(provider.requests.first?.lines.prefix(2) == ["POST /v1/chat/completions HTTP/1.1", "Content-Length: 2"])
        #expect(records.first?.responseBody.content == Array("abcdef".utf8))
    }

    @Test func keepsAnHTTP10ConnectionThatAsksForIt() async throws {
        let provider = try RawProvider(answering: ok("abc"))
        try await withGateway(provider) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            for _ in 0..<2 {
                try wire.send("POST /v1/responses HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}")
                let answer = try wire.answer()
                #expect(answer.text == "abc")
                #expect(answer.header("connection") == "keep-alive")
            }
        }
    }
}
