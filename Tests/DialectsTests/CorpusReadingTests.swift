// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
import Foundation
import Testing

/// Recorded provider traffic, used in place.
///
/// It lies beside the package, or in the folder that `WEIR_SHARED` names; most machines have none.
enum Corpus {
    static let folder: URL = {
        if let named = ProcessInfo.processInfo.environment["WEIR_SHARED"] {
            return URL(fileURLWithPath: named).appendingPathComponent("corpus")
        }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.deletingLastPathComponent().appendingPathComponent("shared/corpus")
    }()
    static let isPresent = FileManager.default.isReadableFile(atPath: folder.appendingPathComponent("exchanges.jsonl").path)

    static func lines(_ name: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: folder.appendingPathComponent(name))
        return try data.split(separator: 0x0A).map { try JSONSerialization.jsonObject(with: $0) as? [String: Any] ?? [:] }
    }

    static func body(_ exchange: [String: Any], _ side: String) -> [UInt8] {
        let text = exchange["\(side)_body"] as? String ?? ""
        guard exchange["\(side)_body_encoding"] as? String == "base64" else { return Array(text.utf8) }
        return Data(base64Encoded: text).map(Array.init) ?? []
    }

    static func contentType(_ exchange: [String: Any]) -> String? {
        (exchange["response_headers"] as? [[String]])?.first { $0.first?.lowercased() == "content-type" }?.last
    }

    /// A record in which the byte at offset n arrived n + 1 microseconds after the start.
    static func record(_ exchange: [String: Any], api: String) -> ExchangeRecord {
        var head = ExchangeHead(
            id: ExchangeID(milliseconds: 0, random: (0, 0)), node: "n", startedAtUs: 0, method: "POST",
            path: exchange["path"] as? String ?? "")
        head.api = APIFamily(rawValue: api)
        head.status = exchange["status"] as? Int
        head.outcome = .completed
        let answer = body(exchange, "response")
        head.responseStream = StreamDetection.isStream(contentType: contentType(exchange), bodyPrefix: Array(answer.prefix(64)))
        var record = ExchangeRecord(head: head)
        let request = body(exchange, "request")
        record.requestBody = RecordedBody(content: request, wireByteCount: Int64(request.count))
        record.responseBody = RecordedBody(content: answer, wireByteCount: Int64(answer.count))
        record.responseChunks = (0..<Int64(answer.count)).map { ChunkArrival(offset: $0, timeUs: $0 + 1) }
        return record
    }
}

/// How often each field of each API was read as expected.
struct Tally {
    private struct Key: Hashable {
        let api: String
        let field: String
    }
    private var right: [Key: Int] = [:]
    private var wrong: [Key: Int] = [:]
    private(set) var misses: [String] = []

    mutating func note<T: Equatable>(_ api: String, _ field: String, id: String, want: T?, got: T?) {
        let key = Key(api: api, field: field)
        if want == got {
            right[key, default: 0] += 1
        } else {
            wrong[key, default: 0] += 1
            misses.append("\(id) \(api) \(field): want \(want.map { "\($0)" } ?? "null"), got \(got.map { "\($0)" } ?? "null")")
        }
    }

    var rows: [(api: String, field: String, right: Int, all: Int)] {
        Set(right.keys).union(wrong.keys).map { ($0.api, $0.field, right[$0] ?? 0, (right[$0] ?? 0) + (wrong[$0] ?? 0)) }
            .sorted { ($0.api, $0.field) < ($1.api, $1.field) }
    }
}

@Suite struct CorpusReadingTests {
    static let families = ["openai-chat", "openai-responses", "openai-embeddings", "anthropic-messages"]

    @Test(.enabled(if: Corpus.isPresent, "the recorded traffic is not beside the package")) func readsRecordedTrafficAsExpected()
        throws
    {
        var expected: [String: [String: Any]] = [:]
        for line in try Corpus.lines("expected.jsonl") { expected[line["id"] as? String ?? ""] = line }
        var tally = Tally()
        for exchange in try Corpus.lines("exchanges.jsonl") {
            guard let id = exchange["id"] as? String, let want = expected[id], let api = want["api_kind"] as? String else {
                continue
            }
            guard CorpusReadingTests.families.contains(api) else { continue }
            let record = Corpus.record(exchange, api: api)
            CorpusReadingTests.compare(ExchangeReader.read(record), record, with: want, id: id, api: api, in: &tally)
        }
        for row in tally.rows { Swift.print(row.api, row.field, "\(row.right)/\(row.all)") }
        for miss in tally.misses { Swift.print("miss:", miss) }
        #expect(tally.rows.count >= 4 * 20)
        for row in tally.rows {
            #expect(row.right * 100 >= row.all * 99, "\(row.api) \(row.field): \(row.right) of \(row.all)")
        }
    }

    static func compare(
        _ got: ExchangeReading, _ record: ExchangeRecord, with want: [String: Any], id: String, api: String, in tally: inout Tally
    ) {
        let texts: [(String, String?)] = [
            ("model_requested", got.modelRequested), ("model_responded", got.modelResponded), ("finish_reason", got.finishReason),
            ("service_tier", got.serviceTier),
        ]
        for (key, value) in texts { tally.note(api, key, id: id, want: want[key] as? String, got: value) }
        tally.note(api, "stream", id: id, want: want["stream_actual"] as? Bool, got: record.head.responseStream)
        tally.note(api, "stream_requested", id: id, want: want["stream_requested"] as? Bool, got: got.streamRequested)
        tally.note(api, "tool_calls", id: id, want: (want["tool_calls"] as? Int).map(Int64.init), got: got.toolCalls)
        tally.note(api, "first_output", id: id, want: (want["first_output_end_byte"] as? Int).map(Int64.init), got: got.ttftUs)
        let tokens = want["tokens"] as? [String: Any] ?? [:]
        for field in TokenUsage.fields {
            tally.note(
                api, field.key, id: id, want: (tokens[field.key] as? Int).map(Int64.init), got: got.usage[keyPath: field.path])
        }
        let cost = (want["cost_reported_usd"] as? Double).map { Int64(($0 * 1e9).rounded(.toNearestOrEven)) }
        tally.note(api, "reported_cost", id: id, want: cost, got: got.reportedCostNanousd)
        let isError = want["is_error"] as? Bool ?? false || want["in_band_error"] is [String: Any]
        tally.note(api, "is_error", id: id, want: isError, got: got.providerError != nil)
        if let found = got.providerError { tally.note(api, "error_is_sorted", id: id, want: true, got: found != "other") }
        tally.note(api, "usage_reported", id: id, want: want["usage_reported"] as? Bool, got: got.usageSource != .absent)
    }

    @Test(.enabled(if: Corpus.isPresent, "the recorded traffic is not beside the package"))
    func routesAndStreamsAgreeForEveryKind() throws {
        var expected: [String: [String: Any]] = [:]
        for line in try Corpus.lines("expected.jsonl") { expected[line["id"] as? String ?? ""] = line }
        let known = APIFamily.known.map(\.rawValue)
        for exchange in try Corpus.lines("exchanges.jsonl") {
            guard let id = exchange["id"] as? String, let want = expected[id], let kind = want["api_kind"] as? String else {
                continue
            }
            let family = APIRoute.family(method: want["method"] as? String ?? "", path: want["path"] as? String ?? "")
            let wanted = known.contains(kind) ? kind : kind == "vertex-anthropic" ? "anthropic-messages" : nil
            #expect(family?.rawValue == wanted, "\(id) \(want["path"] ?? "")")
            let prefix = Array(Corpus.body(exchange, "response").prefix(64))
            let isStream = StreamDetection.isStream(contentType: Corpus.contentType(exchange), bodyPrefix: prefix)
            #expect(isStream == want["stream_actual"] as? Bool ?? false, "\(id) \(kind)")
        }
    }
}
