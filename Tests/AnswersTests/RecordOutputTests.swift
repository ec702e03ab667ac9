// SPDX-License-Identifier: Apache-2.0
import Answers
import ByteCoding
import ExchangeModel
import FactStore
import Testing

/// Filters, sums, text and archives of records, without a log.
@Suite struct RecordOutputTests {
    private static func record(_ change: (inout ExchangeRecord) -> Void = { _ in }) -> ExchangeRecord {
        var head = ExchangeHead(
            id: ExchangeID(milliseconds: 1_764_000_000_000, random: (1, 2)), node: "n1",
            startedAtUs: 1_764_000_000_000_250,
            method: "POST", path: "/v1/chat/completions")
        head.attribution.task = "greet"
        head.attribution.environment = "staging"
        head.attribution.metadata = [(name: "user", value: "ann")]
        head.keyID = "k1"
        head.provider = "openai"
        head.api = .openaiChat
        head.query = "a=1&b=%20x&c"
        head.upstreamURL = "https://api.openai.com/v1/chat/completions"
        head.status = 200
        head.outcome = .completed
        (head.requestReceivedUs, head.upstreamSentUs, head.firstByteUs, head.lastByteUs, head.endedUs) =
            (
                100, 300, 5_000, 9_000, 9_500
            )
        var made = ExchangeRecord(head: head)
        made.requestBody = RecordedBody(content: Array("{}".utf8), wireByteCount: 2)
        made.responseBody = RecordedBody(
            content: Array("hello".utf8), wireByteCount: 4, contentCoding: "gzip")
        made.responseHeaders = [HeaderPair("Content-Type", "text/plain")]
        change(&made)
        return made
    }

    @Test func filtersMeanWhatTheyMeanOverFacts() {
        let cases: [(change: (inout FactFilter) -> Void, passes: Bool)] = [
            ({ _ in }, true), ({ $0.task = "greet" }, true), ({ $0.task = "Greet" }, false),
            ({ $0.environment = "staging" }, true),
            ({ $0.environment = "" }, false), ({ $0.provider = "openai" }, true),
            ({ $0.api = "openai-chat" }, true),
            ({ $0.api = "other" }, false), ({ $0.key = "k1" }, true), ({ $0.key = "k2" }, false),
            ({ $0.status = 200 }, true),
            ({ $0.status = 429 }, false), ({ $0.outcome = .completed }, true),
            ({ $0.outcome = .refused }, false),
            ({ $0.sinceUs = 1_764_000_000_000_250 }, true),
            ({ $0.sinceUs = 1_764_000_000_000_251 }, false),
            ({ $0.untilUs = 1_764_000_000_000_250 }, false),
            ({ $0.untilUs = 1_764_000_000_000_251 }, true),
            ({ $0.metadata = [(name: "user", value: "ann")] }, true),
            ({ $0.metadata = [(name: "user", value: "bob")] }, false),
            ({ $0.model = "m1" }, true), ({ $0.model = "m2" }, true), ({ $0.model = "m3" }, false),
        ]
        for (i, entry) in cases.enumerated() {
            var filter = FactFilter()
            entry.change(&filter)
            var readings = 0
            let passes = filter.passes(RecordOutputTests.record()) { _ in
                readings += 1
                var reading = ExchangeReading()
                (reading.modelRequested, reading.modelResponded) = ("m1", "m2")
                return reading
            }
            #expect(passes == entry.passes, "case \(i)")
            #expect(readings == (filter.model == nil ? 0 : 1), "bodies are read for a model only")
        }
    }

    @Test func addsUpRecords() throws {
        var totals = RecordTotals()
        totals.add(RecordOutputTests.record())
        totals.add(
            RecordOutputTests.record {
                $0.head.status = nil
                $0.head.outcome = .clientClosed
                $0.head.endedUs = nil
                $0.head.startedAtUs += 1_000_000
                $0.responseBody.kept = .headTail
            })
        var json = JSONWriter()
        json.beginObject()
        totals.writeMembers(to: &json)
        json.endObject()
        let root = try JSONDocument(json.bytes).root
        #expect(
            root["records"]?.int == 2 && root["reduced"]?.int == 1 && root["duration_us"]?.int == 9_500)
        #expect(root["response_body_bytes"]?.int == 8 && root["request_body_bytes"]?.int == 4)
        #expect(root["by_status"]?["none"]?.int == 1 && root["by_outcome"]?["client_closed"]?.int == 1)
        #expect(root["max_started_at_us"]?.int == 1_764_000_001_000_250)
        #expect(totals.lines.contains { $0.contains("client_closed") })
    }

    @Test func archivesWhatARecordSays() throws {
        var har = HARWriter()
        let bytes =
            har.begin(version: "1") + har.entry(RecordOutputTests.record())
            + har.entry(
                RecordOutputTests.record {
                    $0.requestBody = RecordedBody(content: [0xFF, 0x00], wireByteCount: 2)
                    $0.responseBody = RecordedBody()
                    $0.responseBody.kept = .none
                    $0.head.status = nil
                    $0.head.outcome = .upstreamFailed
                    $0.head.upstreamURL = nil
                    ($0.head.firstByteUs, $0.head.lastByteUs) = (nil, nil)
                    $0.requestHeaders = [HeaderPair("Host", "weir:1")]
                }) + har.end()
        let entries = try JSONDocument(bytes).root["log"]?["entries"]
        let first = try #require(entries?[0])
        #expect(first["startedDateTime"]?.string == "2025-11-24T16:00:00.000250Z")
        #expect(
            first["time"]?.double == 9.5 && first["timings"]?["wait"]?.double == 4.7
                && first["timings"]?["blocked"]?.int == -1)
        #expect(
            first["request"]?["url"]?.string == "https://api.openai.com/v1/chat/completions?a=1&b=%20x&c")
        #expect(first["request"]?["queryString"]?[1]?["value"]?.string == " x")
        #expect(first["request"]?["queryString"]?[2]?["value"]?.string == "")
        let content = first["response"]?["content"]
        #expect(
            content?["text"]?.string == "hello" && content?["size"]?.int == 5
                && content?["compression"]?.int == 1)
        #expect(first["response"]?["bodySize"]?.int == 4)
        let second = try #require(entries?[1])
        #expect(
            second["request"]?["url"]?.string?.hasPrefix("http://weir:1/v1/chat/completions?") == true)
        #expect(
            second["request"]?["postData"]?["_encoding"]?.string == "base64"
                && second["request"]?["postData"]?["text"]?.string == "/wA=")
        #expect(
            second["response"]?["status"]?.int == 0
                && second["response"]?["content"]?["comment"]?.string == "body kept: none")
        #expect(second["time"]?.double == 9.5 && second["timings"]?["receive"]?.double == 0)
    }

    @Test func nothingInARecordSteersATerminal() {
        let hostile = "\u{1B}[2J\u{202E}\r\u{7}"
        let record = RecordOutputTests.record {
            $0.head.attribution.task = hostile
            $0.requestHeaders = [HeaderPair("x", hostile)]
            $0.responseBody.content = Array("a\n\(hostile)\tb".utf8)
        }
        let line = RecordText.line(record, reading: ExchangeReading())
        let page = RecordText.page(record, reading: ExchangeReading())
        for text in [line, page] {
            #expect(
                !text.unicodeScalars.contains {
                    $0 == "\u{1B}" || $0 == "\u{202E}" || $0 == "\r" || $0 == "\u{7}"
                })
        }
        #expect(
            line.contains("9.50 ms") && line.contains(" 200 ") && page.contains("\nanswer    200\n")
                && page.contains("\tb"))
    }
}
