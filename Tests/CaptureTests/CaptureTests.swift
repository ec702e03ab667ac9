// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Capture
import Crypto
import ExchangeModel
import Foundation
import Platform
import Testing

@Suite struct CaptureTests {
    private static let keys = [
        "v", "id", "node", "started_at_us", "environment", "task", "metadata", "key_id", "trace_id", "parent_span_id",
        "client_request_id", "provider",
        "deployment", "api", "method", "path", "query", "upstream_url", "status", "outcome", "error_source", "error_code",
        "attempts",
        "request_received_us", "upstream_sent_us", "first_byte_us", "last_byte_us", "ended_us", "request_headers",
        "response_headers", "request_body",
        "response_body", "request_body_encoding", "response_body_encoding", "request_body_bytes", "response_body_bytes",
        "request_content_coding",
        "response_content_coding", "request_body_kept", "response_body_kept", "request_body_sha256", "response_body_sha256",
        "response_stream",
        "response_chunks",
    ]

    @Test func writesEveryKeyOfARecord() throws {
        let bench = try CaptureBench()
        let tap = bench.engine.makeLane().begin()
        tap.heads(
            request:
                "POST /p/openai/t/path-task/e/path-env/v1/responses?a=b&key=planted-query HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer planted-key\r\n"
                + "X-Inference-Task-Id: summary\r\nX-Inference-Metadata-Chat-ID: 7\r\nx-inference-metadata-a: x\r\n"
                + "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Request-ID: r-1\r\n\r\n",
            response: "HTTP/1.1 201 Made\r\nX-B:  two \r\nx-b: 3\r\n\r\n")
        tap.exchange.provider = "openai"
        tap.exchange.api = .openaiResponses
        tap.exchange.upstreamURL = "https://api.openai.com/v1/responses"
        tap.exchange.pathAttribution.task = "path-task"
        tap.exchange.pathAttribution.environment = "path-env"
        tap.exchange.attempts = [Attempt(n: 1, startedUs: 3)]
        tap.exchange.status = 201
        bench.clock.advance(us: 10)
        tap.request(Array("{\"q\":\"é\"}".utf8))
        tap.exchange.requestReceivedUs = tap.nowUs()
        bench.clock.advance(us: 10)
        tap.response([0xFF, 0x00])
        tap.exchange.lastByteUs = tap.nowUs()
        bench.clock.advance(us: 5)
        tap.commit(.completed)
        tap.commit(.gatewayFailed)
        let lines = try bench.lines()
        try #require(lines.count == 1)
        let root = try JSONDocument(lines[0]).root
        #expect(root.members.map { $0.key.string } == CaptureTests.keys)
        let expected: [String: String] = [
            "v": "1", "id": "\"\(tap.id)\"", "node": "\"n1\"", "started_at_us": "1764000000000000", "environment": "\"path-env\"",
            "task": "\"summary\"",
            "metadata": #"{"a":"x","chat-id":"7"}"#, "trace_id": "\"0af7651916cd43dd8448eb211c80319c\"",
            "parent_span_id": "\"b7ad6b7169203331\"",
            "client_request_id": "\"r-1\"", "provider": "\"openai\"", "deployment": "null", "api": "\"openai-responses\"",
            "method": "\"POST\"",
            "path": "\"/p/openai/t/path-task/e/path-env/v1/responses\"", "query": "\"a=b&key=[redacted]\"",
            "upstream_url": "\"https://api.openai.com/v1/responses\"", "status": "201", "outcome": "\"completed\"",
            "error_source": "null",
            "error_code": "null", "request_received_us": "10", "upstream_sent_us": "null", "first_byte_us": "null",
            "last_byte_us": "20",
            "ended_us": "25", "response_headers": #"[["X-B","two"],["x-b","3"]]"#, "request_body": "\"{\\\"q\\\":\\\"é\\\"}\"",
            "response_body": "\"/wA=\"",
            "request_body_encoding": "\"utf8\"", "response_body_encoding": "\"base64\"", "request_body_bytes": "10",
            "response_body_bytes": "2",
            "request_content_coding": "null", "response_content_coding": "null", "request_body_kept": "\"full\"",
            "response_body_kept": "\"full\"",
            "request_body_sha256": "null", "response_body_sha256": "null", "response_stream": "false",
            "response_chunks": "[[0,20]]",
        ]
        for (key, value) in expected { #expect(String(decoding: root[key]?.lexeme ?? [], as: UTF8.self) == value, "\(key)") }
        #expect(
            root["request_headers"]?.elements.map { $0[1]?.string ?? "" } == [
                "w", "Bearer [redacted]", "summary", "7", "x", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "r-1",
            ])
        #expect(root["key_id"]?.string?.count == 12)
    }

    @Test func writesNullBodiesWhereNoneCame() throws {
        let bench = try CaptureBench()
        let tap = bench.engine.makeLane().begin()
        tap.heads(request: "GET /v1/models HTTP/1.1\r\n\r\n", response: "")
        tap.commit(.upstreamFailed)
        let root = try JSONDocument(try #require(try bench.lines().first)).root
        #expect(root["request_body"]?.isNull == true && root["response_body"]?.isNull == true)
        #expect(root["response_body_kept"]?.string == "full" && root["response_body_bytes"]?.int == 0)
        #expect(root["environment"]?.isNull == true && root["task"]?.string == "default" && root["key_id"]?.isNull == true)
    }

    /// By both ways: the odd byte in the second agent sends its exchange the careful one.
    @Test(arguments: ["", "gzip", "br", "zstd"], ["a", "\u{E9}"])
    func tellsAStreamByItsDecodedBytes(coding: String, agent: String) throws {
        let cases: [(body: String, isLabelled: Bool, isStream: Bool)] = [
            ("data: {\"a\": 1}\n\ndata: [DONE]\n\n", false, true), ("event: ping\ndata: {}\n\n", false, true),
            ("[{\n  \"candidates\": []\n}]", false, true), ("{\"data\": \"data: x\"}", false, false),
            ("[{\"embedding\": [1]}]", false, false), ("plain words", false, false), ("data", false, false),
            ("{\"a\": 1}", true, true),
        ]
        let bench = try CaptureBench()
        let lane = bench.engine.makeLane()
        for item in cases {
            let tap = lane.begin()
            tap.exchange.responseStream = item.isLabelled
            tap.heads(
                request: "POST /v1/responses HTTP/1.1\r\nUser-Agent: \(agent)\r\n\r\n",
                response: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    + (coding.isEmpty ? "" : "Content-Encoding: \(coding)\r\n") + "\r\n")
            for part in coding.isEmpty ? [Array(item.body.utf8)] : FlushedStream.parts(coding, [item.body]) { tap.response(part) }
            tap.commit(.completed)
        }
        #expect(try bench.records().map(\.head.responseStream) == cases.map(\.isStream))
    }

    @Test(arguments: ["gzip", "br", "zstd"]) func undoesContentCodingsAndMovesArrivals(coding: String) throws {
        let events = ["data: one\n\n", "data: zwei\n\n", "data: drei drei drei\n\n", "data: [DONE]\n\n"]
        let parts = FlushedStream.parts(coding, events)
        let bench = try CaptureBench()
        let tap = bench.engine.makeLane().begin()
        tap.heads(
            request: "POST /v1/responses HTTP/1.1\r\nContent-Encoding: \(coding)\r\n\r\n",
            response: "HTTP/1.1 200 OK\r\nContent-Encoding: \(coding.uppercased())\r\n\r\n")
        for part in parts {
            tap.request(part)
            bench.clock.advance(us: 100)
            tap.response(part)
        }
        tap.commit(.completed)
        let record = try #require(try bench.records().first)
        let wire = Int64(parts.joined().count)
        #expect(record.responseBody.content == Array(events.joined().utf8))
        #expect(record.requestBody.content == Array(events.joined().utf8))
        #expect(record.responseBody.wireByteCount == wire && record.requestBody.wireByteCount == wire)
        #expect(record.responseBody.contentCoding == coding && record.responseBody.kept == .full)
        #expect(
            record.responseChunks == [
                ChunkArrival(offset: 0, timeUs: 100), ChunkArrival(offset: 11, timeUs: 200),
                ChunkArrival(offset: 23, timeUs: 300), ChunkArrival(offset: 45, timeUs: 400),
            ])
    }

    @Test func keepsBodiesAsTheyCameWhereTheCodingIsUnknownOrWrong() throws {
        let bench = try CaptureBench()
        let lane = bench.engine.makeLane()
        for coding in ["snappy", "gzip"] {
            let tap = lane.begin()
            tap.heads(request: "POST / HTTP/1.1\r\n\r\n", response: "HTTP/1.1 200 OK\r\nContent-Encoding: \(coding)\r\n\r\n")
            tap.response(Array("not compressed".utf8))
            tap.commit(.completed)
        }
        for record in try bench.records() { #expect(record.responseBody.content == Array("not compressed".utf8)) }
    }

    @Test func saysSoWhereADecodedBodyIsCut() throws {
        var limits = CaptureLimits()
        limits.decodedBytes = 1_000
        let bench = try CaptureBench(limits)
        let tap = bench.engine.makeLane().begin()
        let part = FlushedStream.parts("zstd", [String(repeating: "a", count: 100_000)])[0]
        tap.heads(request: "POST / HTTP/1.1\r\n\r\n", response: "HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n")
        tap.response(part)
        tap.commit(.completed)
        let body = try #require(try bench.records().first).responseBody
        #expect(body.content == [UInt8](repeating: 0x61, count: 1_000))
        #expect(body.kept == .headTail && bench.engine.counters.reduced(.bodyLimit) == 1)
        #expect(body.sha256 == SHA256.hash(data: part).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }

    @Test(arguments: [1, 7, 100, 101, 1_000]) func keepsHeadAndTailOfALongBodyAndTheHashOfAll(run: Int) throws {
        var limits = CaptureLimits()
        limits.bodyBytes = 100
        let bench = try CaptureBench(limits)
        let tap = bench.engine.makeLane().begin()
        let body = (0..<1_000).map { UInt8(97 + $0 % 26) }
        tap.heads(request: "POST / HTTP/1.1\r\n\r\n")
        for start in stride(from: 0, to: 1_000, by: run) { tap.response(Array(body[start..<min(start + run, 1_000)])) }
        tap.request(Array(body[..<100]))
        tap.commit(.completed)
        let record = try #require(try bench.records().first)
        #expect(record.responseBody.content == Array(body[..<50] + body[950...]))
        #expect(record.responseBody.joint == 50)
        #expect(record.responseBody.kept == .headTail && record.responseBody.wireByteCount == 1_000)
        #expect(
            record.responseBody.sha256 == SHA256.hash(data: body).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        #expect(record.responseChunks.allSatisfy { $0.offset < 100 })
        #expect(record.requestBody.kept == .full && record.requestBody.sha256 == nil)
        #expect(bench.engine.counters.reduced == 1)
        #expect(bench.engine.counters.inFlight == 0)
    }

    private static func hash(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func keepsALargeBodyWholeBesideTheArena() throws {
        var limits = CaptureLimits()
        limits.arenaShareBytes = 16 << 10
        limits.digestFromBytes = 64 << 10
        let bench = try CaptureBench(limits)
        let lane = bench.engine.makeLane()
        var random = SystemRandomNumberGenerator()
        let body = (0..<700_000).map { _ in UInt8.random(in: 97...122, using: &random) }
        let taps = [lane.begin(), lane.begin()]
        for start in stride(from: 0, to: body.count, by: 9_999) {
            for tap in taps { tap.request(Array(body[start..<min(start + 9_999, body.count)])) }
        }
        #expect(bench.engine.counters.spilledBytes > 1_200_000)
        for tap in taps { tap.response(Array("answer".utf8)) }
        for tap in taps { tap.commit(.completed) }
        let records = try bench.records()
        #expect(records.count == 2)
        for record in records {
            #expect(record.requestBody.content == body && record.requestBody.kept == .full)
            #expect(record.requestBody.sha256 == nil)
            #expect(record.responseBody.content == Array("answer".utf8))
        }
        #expect(bench.engine.counters.spilledBytes == 0 && bench.engine.counters.reduced == 0)
    }

    @Test func keepsHeadTailAndTheHashWhereMemoryRunsShort() throws {
        var limits = CaptureLimits()
        limits.arenaShareBytes = 16 << 10
        limits.spillBytes = 300_000
        limits.digestFromBytes = 64 << 10
        let bench = try CaptureBench(limits)
        let lane = bench.engine.makeLane()
        let body = (0..<900_000).map { UInt8(97 + $0 % 23) }
        // Another exchange, which still runs, holds a part of the memory.
        let running = lane.begin()
        running.request(Array(body.prefix(100_000)))
        let tap = lane.begin()
        for start in stride(from: 0, to: body.count, by: 10_000) { tap.request(Array(body[start..<start + 10_000])) }
        tap.response(Array("answer".utf8))
        tap.commit(.completed)
        for _ in 0..<10_000 where bench.engine.counters.written == 0 { usleep(500) }
        running.commit(.completed)
        let record = try #require(try bench.records().first)
        #expect(record.requestBody.kept == .headTail && record.requestBody.wireByteCount == 900_000)
        let content = try #require(record.requestBody.content)
        let joint = try #require(record.requestBody.joint)
        #expect(joint > 140_000 && content.count - joint == 64 << 10)
        #expect(Array(content[..<joint]) == Array(body.prefix(joint)))
        #expect(Array(content[joint...]) == Array(body.suffix(content.count - joint)))
        #expect(record.requestBody.sha256 == Self.hash(body))
        #expect(record.responseBody.wireByteCount == 6)
        #expect(bench.engine.counters.spilledBytes == 0 && bench.engine.counters.reduced == 1)
    }

    @Test func recordsLessAndThenDropsWhereTheArenaIsFull() throws {
        var limits = CaptureLimits()
        limits.arenaBytes = 1 << 20
        limits.spillBytes = 0
        let bench = try CaptureBench(limits)
        let lane = bench.engine.makeLane()
        bench.clock.hold()
        lane.begin().commit(.completed)
        try #require(bench.clock.waitForPause())
        for _ in 0..<400 {
            let tap = lane.begin()
            tap.request([UInt8](repeating: 0x61, count: 5_000))
            tap.commit(.completed)
        }
        let counters = bench.engine.counters
        #expect(counters.admitted == 401 && counters.dropped > 10)
        #expect(counters.dropped(.arenaFull) == counters.dropped)
        let dropped = counters.dropped
        let bodies = try bench.records().map(\.requestBody)
        #expect(bodies.count == 401 - dropped)
        #expect(bodies.count { $0.kept != .full } == counters.reduced && counters.reduced(.noRoom) > 10)
        for body in bodies where body.kept != .full {
            #expect(body.wireByteCount == 5_000 && body.sha256 == Self.hash([UInt8](repeating: 0x61, count: 5_000)))
        }
        // The ladder leaves bodies out as long as the arena is nearly full, then there is room again.
        #expect(bodies.dropFirst(2).first?.kept == BodyKept.none)
        #expect(counters.reduced(.pressureMetadata) > 0 && counters.reduced(.noRoom) > 0)
        #expect(bodies.contains { $0.kept == .full && $0.content?.count == 5_000 })
        #expect(counters.written == bodies.count && counters.inFlight == 0)
    }

    @Test func takesPagesBackOnceRecordsAreInASegment() throws {
        var limits = CaptureLimits()
        limits.arenaBytes = 1 << 20
        let bench = try CaptureBench(limits)
        let lane = bench.engine.makeLane()
        for round in 0..<40 {
            for _ in 0..<50 {
                let tap = lane.begin()
                tap.request([UInt8](repeating: 0x61, count: 3_000))
                tap.commit(.completed)
            }
            bench.clock.advance(us: 200_000)
            var tries = 0
            while bench.engine.counters.inFlight > 0, tries < 10_000 {
                bench.clock.advance(us: 200_000)
                usleep(500)
                tries += 1
            }
            #expect(bench.engine.counters.inFlight == 0, "round \(round)")
        }
        #expect(bench.engine.counters.dropped == 0 && bench.engine.counters.reduced == 0)
        #expect(bench.engine.counters.lagUs == 0)
        #expect(try bench.records().count == 2_000)
    }

    @Test func givesIDsAndTimesAndKeepsNothingWhereCaptureIsOff() {
        let engine = CaptureEngine(clock: ManualClock())
        let tap = engine.makeLane().begin()
        tap.heads(request: "GET / HTTP/1.1\r\n\r\n")
        tap.request([1, 2, 3])
        #expect(tap.nowUs() == 0)
        tap.commit(.completed)
        engine.stop()
        #expect(engine.counters.admitted == 0 && engine.counters.dropped == 0 && engine.counters.mappedBytes == 0)
    }

    @Test func recordsATapThatNobodyEnded() throws {
        let bench = try CaptureBench()
        do {
            let tap = bench.engine.makeLane().begin()
            tap.heads(request: "GET / HTTP/1.1\r\n\r\n")
        }
        #expect(try bench.records().map(\.head.outcome) == [.gatewayFailed])
    }

    @Test func namesTheGatewayKeyWhereThereIsOne() throws {
        let bench = try CaptureBench()
        let tap = bench.engine.makeLane().begin()
        tap.heads(request: "GET / HTTP/1.1\r\nAuthorization: Bearer planted-key-0123456789\r\n\r\n")
        tap.exchange.keyID = "key_7"
        tap.commit(.completed)
        #expect(try bench.records().map(\.head.keyID) == ["key_7"])
    }

    /// The odd byte sends the second one the careful way.
    @Test(arguments: ["a", "\u{E9}"])
    func namesNobodyWhereAGatewayKeyWasAskedForAndNoneIsKnown(agent: String) throws {
        let bench = try CaptureBench()
        let tap = bench.engine.makeLane().begin()
        tap.heads(request: "GET / HTTP/1.1\r\nAuthorization: Bearer weir_planted-0123456789\r\nUser-Agent: \(agent)\r\n\r\n")
        tap.exchange.keyID = ""
        tap.commit(.refused)
        #expect(try bench.records().map(\.head.keyID) == [nil])
    }

    @Test func joinsArrivalsBeyondTheLimit() throws {
        let bench = try CaptureBench()
        let tap = bench.engine.makeLane().begin()
        tap.heads(request: "POST / HTTP/1.1\r\n\r\n")
        for _ in 0..<10_000 {
            bench.clock.advance(us: 1)
            tap.response([0x61])
        }
        tap.commit(.completed)
        let chunks = try #require(try bench.records().first).responseChunks
        #expect(chunks.count <= 4_096 && chunks.count > 2_000)
        #expect(chunks[..<64].elementsEqual((0..<64).map { ChunkArrival(offset: $0, timeUs: $0 + 1) }))
        // Every byte is said to be there no earlier than it was, and order holds.
        for (a, b) in zip(chunks, chunks.dropFirst()) {
            #expect(a.offset < b.offset && a.timeUs < b.timeUs && a.timeUs >= b.offset)
        }
        #expect(chunks.last?.timeUs == 10_000)
    }

    @Test func writesEverythingAtTheStop() throws {
        let bench = try CaptureBench()
        let lanes = [bench.engine.makeLane(), bench.engine.makeLane()]
        var ids: [ExchangeID] = []
        for i in 0..<500 {
            let tap = lanes[i % 2].begin()
            ids.append(tap.id)
            tap.commit(.completed)
        }
        #expect(Set(try bench.records().map(\.head.id)) == Set(ids))
        #expect(bench.engine.counters.written == 500)
        let late = lanes[0].begin()
        late.commit(.completed)
        #expect(bench.engine.counters.dropped == 1)
    }

    @Test func keepsCredentialsOutOfTheSegments() throws {
        let planted = [
            "sk-planted-bearer-1", "planted-provider-2", "planted-query-3", "planted-set-cookie-4", "planted-url-5",
            "planted-vendor-6", "planted-encoded+7",
        ]
        let everything = planted.joined(separator: " / ")
        let bench = try CaptureBench()
        let tap = bench.engine.makeLane().begin()
        tap.heads(
            request:
                "POST /v1/\(planted[0])/x?key=\(planted[2])&note=\(planted[1])&api_key=planted-encoded%2B7 HTTP/1.1\r\nAuthorization: Bearer \(planted[0])\r\n"
                + "x-inference-provider-api-key: Bearer \(planted[1])\r\nx-inference-provider-url: https://u:\(planted[4])@h.example/?token=\(planted[4])\r\n"
                + "X-Vendor-Api-Key: \(planted[5])\r\nX-Note: \(everything)\r\nx-inference-metadata-note: \(everything)\r\n"
                + "x-inference-task-id: \(everything)\r\nx-inference-environment: \(planted[0])\r\nx-request-id: \(planted[1])\r\n\r\n",
            response:
                "HTTP/1.1 302 Found\r\nSet-Cookie: \(planted[3])\r\nLocation: /x?key=\(planted[2])\r\nX-Echo: \(everything)\r\n\r\n"
        )
        tap.exchange.upstreamURL = "https://h.example/v1/\(planted[0])/x"
        var attempt = Attempt(n: 1, startedUs: 0)
        attempt.upstreamURL = tap.exchange.upstreamURL
        tap.exchange.attempts = [attempt]
        tap.request(Array("{\"text\":\"\(everything)\"}".utf8))
        tap.response(Array(everything.utf8[..<everything.utf8.index(everything.startIndex, offsetBy: 30)]))
        tap.response(Array(everything.utf8.dropFirst(30)))
        tap.commit(.completed)
        let lines = try bench.lines()
        try #require(lines.count == 1)
        let text = String(decoding: lines[0], as: UTF8.self)
        for secret in planted { #expect(!text.contains(secret), "\(secret) in \(text)") }
        #expect(!text.contains("planted-encoded%2B7"))
        let record = try ExchangeRecord(line: lines[0])
        #expect(record.responseBody.content?.count == everything.utf8.count)
        #expect(record.responseBody.kept == .full)
    }

    @Test func namesKeysStablyPerNode() throws {
        func keyIDs(secret: UInt8) throws -> [String?] {
            let bench = try CaptureBench(CaptureLimits(), secret: secret)
            let lane = bench.engine.makeLane()
            for header in [
                "Authorization: Bearer planted-key-1", "x-api-key: planted-key-1", "authorization: Bearer planted-key-2",
                "Accept: a",
            ] {
                let tap = lane.begin()
                // What the answer echoes names nobody.
                tap.heads(
                    request: "POST / HTTP/1.1\r\n\(header)\r\n\r\n",
                    response: "HTTP/1.1 200 OK\r\nx-inference-project-api-key: planted-other\r\n\r\n")
                tap.commit(.completed)
            }
            return try bench.records().map(\.head.keyID)
        }
        let ids = try keyIDs(secret: 1)
        #expect(ids[0] != nil && ids[0] == ids[1] && ids[0] != ids[2] && ids[3] == nil)
        #expect(try keyIDs(secret: 1) == ids)
        #expect(try keyIDs(secret: 2)[0] != ids[0])
    }
}
