// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Gateway
import Platform
import Testing

@testable import Outbound
@testable import weir

/// A captured chat completion.
private func record(_ change: (inout ExchangeRecord) -> Void = { _ in }) -> ExchangeRecord {
    var head = ExchangeHead(
        id: ExchangeID(milliseconds: 1_764_000_000_000, random: (1, 2)), node: "n1", startedAtUs: 1_764_000_000_000_000,
        method: "POST", path: "/v1/chat/completions")
    head.provider = "openai"
    head.api = .openaiChat
    head.status = 200
    head.outcome = .completed
    head.requestReceivedUs = 10
    head.endedUs = 1_000
    head.upstreamURL = "https://api.openai.com/v1/chat/completions"
    var made = ExchangeRecord(head: head)
    made.requestHeaders = [
        HeaderPair("Host", "127.0.0.1:8080"), HeaderPair("Authorization", "Bearer [redacted]"),
        HeaderPair("X-Inference-Task-Id", "greet"), HeaderPair("Content-Type", "application/json"),
        HeaderPair("accept-encoding", "gzip"), HeaderPair("Content-Length", "2"), HeaderPair("OpenAI-Beta", "x=1"),
    ]
    made.requestBody = RecordedBody(content: Array("{}".utf8), wireByteCount: 2)
    change(&made)
    return made
}

private func maker(_ to: String, key: String? = nil, isThroughWeir: Bool = false) throws -> ReplayRequestMaker {
    ReplayRequestMaker(base: try BaseURL(to), key: key, isThroughWeir: isThroughWeir)
}

@Suite struct ReplayRequestTests {
    @Test func sendsNoCapturedCredentialNoControlHeaderAndNoCoding() throws {
        let request = try maker("http://127.0.0.1:9000").request(for: record())
        #expect(request.method == "POST" && request.url == "http://127.0.0.1:9000/v1/chat/completions")
        #expect(request.headers == [OutboundHeader("Content-Type", "application/json"), OutboundHeader("OpenAI-Beta", "x=1")])
        #expect(request.body == Array("{}".utf8))
    }

    @Test func putsTheKeyWhereTheCallersStood() throws {
        let keyed = try maker("http://h", key: "k1")
        #expect(keyed.request(for: record()).headers.first == OutboundHeader("Authorization", "Bearer k1"))
        let anthropic = record {
            $0.requestHeaders = [HeaderPair("x-api-key", "[redacted]"), HeaderPair("cookie", "[redacted]")]
        }
        #expect(keyed.request(for: anthropic).headers == [OutboundHeader("x-api-key", "k1")])
        let query = record {
            $0.requestHeaders = []
            $0.head.query = "alt=sse&key=[redacted]&sig=[redacted]"
        }
        #expect(try maker("http://h", key: "a b").request(for: query).url == "http://h/v1/chat/completions?alt=sse&key=a%20b")
        #expect(try maker("http://h").request(for: query).url == "http://h/v1/chat/completions?alt=sse")
        let bare = record { $0.requestHeaders = [] }
        #expect(keyed.request(for: bare).headers == [OutboundHeader("authorization", "Bearer k1")])
        let messages = record {
            $0.requestHeaders = []
            $0.head.api = .anthropicMessages
        }
        #expect(keyed.request(for: messages).headers == [OutboundHeader("x-api-key", "k1")])
    }

    @Test func joinsPathsAsTheGatewayDoes() throws {
        let prefixed = record { $0.head.path = "/p/groq/t/greet/v1/chat/completions" }
        #expect(try maker("http://h/openai/v1").request(for: prefixed).url == "http://h/openai/v1/chat/completions")
        #expect(try maker("http://h").request(for: prefixed).url == "http://h/v1/chat/completions")
    }

    @Test func keepsControlHeadersAndPrefixesForAWeir() throws {
        let prefixed = record {
            $0.head.path = "/p/groq/v1/chat/completions"
            $0.requestHeaders.append(HeaderPair("x-inference-provider-api-key", "[redacted]"))
        }
        let request = try maker("http://h:1", isThroughWeir: true).request(for: prefixed)
        #expect(request.url == "http://h:1/p/groq/v1/chat/completions")
        let names = request.headers.map { $0.name.lowercased() }
        #expect(names == ["x-inference-task-id", "content-type", "openai-beta", "x-inference-metadata-replay-of"])
        #expect(request.headers.last?.value == prefixed.head.id.description)
    }

    @Test func refusesAddressesThatCostMoney() throws {
        let none: Set<String> = []
        for to in ["https://api.openai.com", "https://API.OpenAI.com./v1", "https://x.openai.azure.com"] {
            #expect(throws: VerbFailure.self) {
                try ReplaySafety.check(BaseURL(to), recordedHosts: none, isThroughWeir: false)
            }
        }
        #expect(throws: VerbFailure.self) {
            try ReplaySafety.check(BaseURL("http://llm.corp"), recordedHosts: ["llm.corp"], isThroughWeir: false)
        }
        #expect(throws: VerbFailure.self) {
            try ReplaySafety.check(BaseURL("http://127.0.0.1"), recordedHosts: none, isThroughWeir: true)
        }
        try ReplaySafety.check(BaseURL("http://127.0.0.1:1"), recordedHosts: ["127.0.0.1"], isThroughWeir: false)
        try ReplaySafety.check(BaseURL("http://llm.corp"), recordedHosts: ["api.openai.com"], isThroughWeir: false)
    }

    @Test func leavesOutWhatCannotBeSentAgain() {
        #expect(ReplaySkip.reason(record()) == nil)
        let cases: [(ReplaySkip, ExchangeRecord)] = [
            (.bodyNotFull, record { $0.requestBody.kept = .headTail }),
            (.bodyNotFull, record { $0.requestBody.content = nil }),
            (.requestIncomplete, record { $0.head.requestReceivedUs = nil }),
            (.refused, record { $0.head.outcome = .refused }),
            (.upgraded, record { $0.head.status = 101 }),
            (.upgraded, record { $0.requestHeaders.append(HeaderPair("Upgrade", "websocket")) }),
        ]
        for (reason, record) in cases { #expect(ReplaySkip.reason(record) == reason) }
    }
}

@Suite struct ReplayAnswerTests {
    /// The key that was sent stands in no record, wherever the answer repeats it.
    @Test(arguments: [[HeaderPair("authorization", "Bearer [redacted]")], []]) func keepsNoKeyThatWasSent(headers: [HeaderPair])
        throws
    {
        let key = "sk-replayed/0123456789"
        let asked = record {
            $0.requestHeaders = headers
            if headers.isEmpty { $0.head.query = "alt=sse&key=[redacted]" }
        }
        let sent = try maker("http://h", key: key).request(for: asked)
        #expect(sent.headers.contains { $0.value.contains(key) } || sent.url.contains("sk-replayed%2F0123456789"))
        let response = OutboundResponse(
            status: 401,
            headers: [
                OutboundHeader("Content-Type", "application/json"), OutboundHeader("X-Echo", "you sent \(key)"),
                OutboundHeader("Location", "/login?token=\(key)"),
            ],
            body: Array("{\"error\":\"no such key: \(key), sk-replayed%2F0123456789\"}".utf8),
            timings: OutboundTimings(nameLookupUs: nil, connectUs: 1, tlsUs: nil, firstByteUs: 2, totalUs: 3), arrivals: [])
        let made = ReplayAnswers.record(
            of: asked, sent: sent, answer: .success(response), sentAtUs: 5, provider: "h", url: "http://h/\(key)")
        let line = String(decoding: made.encodedLine(), as: UTF8.self)
        for form in [key, "sk-replayed%2F0123456789", "sk-replayed\\/0123456789"] { #expect(!line.contains(form), "\(line)") }
        #expect(made.responseBody.content?.count == response.body.count && line.contains("no such key: ****"))
    }
}

@Suite struct ReplayPaceTests {
    @Test func readsFactors() {
        #expect(ReplayPace("recorded") == .recorded(perMille: 1_000))
        #expect(ReplayPace("max") == .unbounded)
        #expect(ReplayPace("4x") == .recorded(perMille: 4_000))
        #expect(ReplayPace("0.5x") == .recorded(perMille: 500))
        #expect(ReplayPace("1.25x") == .recorded(perMille: 1_250))
        for text in ["", "x", "0x", "-1x", "4", "1.x", ".5x", "1.2345x", "1e3x", "fast", "99999999999999999999x"] {
            #expect(ReplayPace(text) == nil, "\(text)")
        }
        #expect(["recorded", "4x", "0.5x", "max"].compactMap { ReplayPace($0)?.words } == ["recorded", "4x", "0.5x", "max"])
    }

    @Test func spacesStartsAsTheyWere() {
        let twice = ReplayPace.recorded(perMille: 2_000)
        #expect(twice.dueUs(startedAtUs: 1_000, firstUs: 1_000, round: 0, roundUs: 500) == 0)
        #expect(twice.dueUs(startedAtUs: 1_400, firstUs: 1_000, round: 0, roundUs: 500) == 200)
        #expect(twice.dueUs(startedAtUs: 1_400, firstUs: 1_000, round: 2, roundUs: 500) == 700)
        #expect(ReplayPace.unbounded.dueUs(startedAtUs: 9, firstUs: 1, round: 3, roundUs: 5) == nil)
        #expect(twice.dueUs(startedAtUs: Int64.max, firstUs: 0, round: Int.max, roundUs: Int64.max) == Int64.max)
    }
}

@Suite struct ReplayTallyTests {
    private func result(then: Int?, now: Int?) -> ReplayResult {
        var result = ReplayResult(record { $0.head.status = then }, lateUs: 0)
        result.status = now
        if now == nil { result.error = .connectFailed }
        return result
    }

    @Test func comparesStatusesByClass() {
        #expect(!result(then: 200, now: 201).differs)
        #expect(result(then: 200, now: 429).differs)
        #expect(result(then: 200, now: nil).differs)
        #expect(!result(then: nil, now: 200).differs)
        var tally = ReplayTally()
        for (then, now) in [(200, 200), (200, 429), (200, 201), (500, 200)] { tally.note(result(then: then, now: now)) }
        tally.note(result(then: 200, now: nil))
        #expect(tally.sent == 5 && tally.answered == 4 && tally.differing == 3)
        #expect(tally.changes[ReplayChange(then: 200, now: 429)] == 1 && tally.changes.count == 4)
        #expect(tally.errors == ["connect_failed": 1])
    }

    @Test func ranksByNearestRank() {
        #expect(ReplayMeasure.percentile(500, of: []) == nil)
        #expect(ReplayMeasure.percentile(500, of: [7]) == 7)
        #expect(ReplayMeasure.percentile(500, of: [1, 2, 3, 4]) == 2)
        #expect(ReplayMeasure.percentile(990, of: Array(1...100)) == 99)
        #expect(ReplayMeasure.percentile(1_000, of: Array(1...100)) == 100)
    }
}

@Suite struct JSONLinesFileTests {
    @Test func findsLinesAcrossPieces() throws {
        let files = MemoryFileSystem()
        let lines = (0..<40).map { String(repeating: "x", count: $0 * 9_000) + "\($0)" }
        files.put("/lines", Array((lines.joined(separator: "\n\n") + "\nlast").utf8))
        let file = JSONLinesFile(file: try files.open("/lines", .read))
        var found: [String] = []
        try file.forEach { bytes, offset in
            let again = try file.file.read(at: offset, count: bytes.count)
            #expect(again == Array(bytes))
            found.append(String(decoding: bytes, as: UTF8.self))
        }
        #expect(found == lines + ["last"])
    }
}
