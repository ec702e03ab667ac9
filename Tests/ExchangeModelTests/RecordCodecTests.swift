// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import Testing

@Suite struct RecordCodecTests {
    static func sample() -> ExchangeRecord {
        var head = ExchangeHead(
            id: ExchangeID(milliseconds: 1_790_000_000_000, random: (0x123, 0x456)), node: "n1",
            startedAtUs: 1_790_000_000_000_123,
            method: "POST", path: "/v1/chat/completions")
        head.attribution.environment = "production"
        head.attribution.metadata = [("chat-id", "a\"b"), ("user", "ü")]
        head.provider = "openai"
        head.api = .openaiChat
        head.status = 200
        head.outcome = .completed
        head.firstByteUs = 1_234
        head.endedUs = 2_000
        var record = ExchangeRecord(head: head)
        var attempt = Attempt(n: 1, startedUs: 10)
        attempt.status = 200
        attempt.outcome = .completed
        record.attempts = [attempt]
        record.requestHeaders = [HeaderPair("Content-Type", "application/json"), HeaderPair("X-a", "1"), HeaderPair("x-A", "2")]
        record.requestBody = RecordedBody(content: Array("{\"a\":\"\\n\u{1}é\"}\r\n".utf8), wireByteCount: 17)
        record.responseBody = RecordedBody(content: [0xFF, 0x00, 0xFE], wireByteCount: 3, contentCoding: "gzip")
        record.responseChunks = [ChunkArrival(offset: 0, timeUs: 1_300), ChunkArrival(offset: 2, timeUs: 1_400)]
        return record
    }

    /// The keys of the reference page, in its order, written out once more.
    static let keys = """
        v id node started_at_us environment task metadata key_id trace_id parent_span_id client_request_id provider deployment api method \
        path query upstream_url status outcome error_source error_code attempts request_received_us upstream_sent_us first_byte_us \
        last_byte_us ended_us request_headers response_headers request_body response_body request_body_encoding response_body_encoding \
        request_body_bytes response_body_bytes request_content_coding response_content_coding request_body_kept response_body_kept \
        request_body_sha256 response_body_sha256 response_stream response_chunks
        """.split(separator: " ").map(String.init)

    @Test func everyKeyIsThereInOrder() throws {
        for record in [Self.sample(), ExchangeRecord(head: Self.sample().head)] {
            let root = try JSONDocument(record.encodedLine()).root
            #expect(root.members.map { $0.key.string ?? "" } == Self.keys)
        }
    }

    @Test func whatIsEncodedDecodesEqual() throws {
        let record = Self.sample()
        #expect(try ExchangeRecord(line: record.encodedLine()) == record)
        let bare = ExchangeRecord(head: record.head)
        #expect(try ExchangeRecord(line: bare.encodedLine()) == bare)
    }

    @Test func oneRecordIsOneLineThatFoundationReads() throws {
        let line = Self.sample().encodedLine()
        #expect(line.filter { $0 == 0x0A }.count == 1)
        #expect(line.last == 0x0A)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(object["request_body"] as? String == "{\"a\":\"\\n\u{1}é\"}\r\n")
        #expect(object["response_body_encoding"] as? String == "base64")
        #expect(object["response_body"] as? String == Data([0xFF, 0x00, 0xFE]).base64EncodedString())
    }

    @Test func brokenLinesAreNamedAndNeverTrap() throws {
        let line = Self.sample().encodedLine()
        #expect(throws: RecordError.self) { try ExchangeRecord(line: Array("{}".utf8)) }
        #expect(throws: RecordError.self) { try ExchangeRecord(line: line.prefix(40)) }
        let newer = String(decoding: line, as: UTF8.self).replacingOccurrences(of: "{\"v\":1,", with: "{\"v\":2,")
        #expect { try ExchangeRecord(line: Array(newer.utf8)) } throws: { ($0 as? RecordError)?.code == .unsupportedVersion }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            var bad = line
            for _ in 0..<3 { bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
            _ = try? ExchangeRecord(line: bad)
        }
    }

    @Test func idsAreUUIDv7AndSortByTime() throws {
        let early = ExchangeID(milliseconds: 1_790_000_000_000, random: (.max, .max))
        let late = ExchangeID(milliseconds: 1_790_000_000_001, random: (0, 0))
        #expect(early < late)
        let uuid = try #require(UUID(uuidString: early.description))
        #expect(uuid.uuid.6 >> 4 == 7)
        #expect(uuid.uuid.8 >> 6 == 2)
        #expect(ExchangeID(text: early.description) == early)
        #expect(ExchangeID(text: "x") == nil)
    }

    @Test func everyTokenClassIsReplaced() {
        var usage = TokenUsage()
        for (i, field) in TokenUsage.fields.enumerated() { usage[keyPath: field.path] = Int64(i) }
        usage.totalReported = 7
        usage.replaceFields { $0.flatMap { $0 == 3 ? nil : $0 + 100 } }
        for (i, field) in TokenUsage.fields.enumerated() {
            #expect(usage[keyPath: field.path] == (i == 3 ? nil : Int64(i) + 100))
        }
        #expect(usage.totalReported == 7)
    }
}
