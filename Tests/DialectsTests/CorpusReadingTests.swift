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
    static func record(_ exchange: [String: Any]) -> ExchangeRecord {
        let method = exchange["method"] as? String ?? ""
        let path = exchange["path"] as? String ?? ""
        var head = ExchangeHead(
            id: ExchangeID(milliseconds: 0, random: (0, 0)), node: "n", startedAtUs: 0, method: method, path: path)
        head.query = exchange["query"] as? String ?? ""
        head.api = APIRoute.family(method: method, path: path)
        head.status = exchange["status"] as? Int
        head.outcome = .completed
        let answer = body(exchange, "response")
        head.responseStream = StreamDetection.isStream(contentType: contentType(exchange), bodyPrefix: Array(answer.prefix(64)))
        var record = ExchangeRecord(head: head)
        record.responseHeaders = (exchange["response_headers"] as? [[String]] ?? []).map { HeaderPair($0[0], $0[1]) }
        let request = body(exchange, "request")
        record.requestBody = RecordedBody(content: request, wireByteCount: Int64(request.count))
        record.responseBody = RecordedBody(content: answer, wireByteCount: Int64(answer.count))
        record.responseChunks = (0..<Int64(answer.count)).map { ChunkArrival(offset: $0, timeUs: $0 + 1) }
        return record
    }
}

/// A value of an exchange that is read otherwise than the oracle has it, for a reason that the bytes give.
struct ArguedException: Decodable {
    let id: String
    let field: String
    let want: String
    let got: String
    let why: String

    static func all() throws -> [ArguedException] {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: tests.appendingPathComponent("Campaigns/corpus_exceptions.json"))
        return try JSONDecoder().decode([ArguedException].self, from: data)
    }
}

/// How often each field of each API was read as expected.
struct Tally {
    struct Miss {
        let id: String
        let api: String
        let field: String
        let want: String
        let got: String
    }
    private var right: [String: Int] = [:]
    private(set) var misses: [Miss] = []

    mutating func note<T: Equatable>(_ api: String, _ field: String, id: String, want: T?, got: T?) {
        guard want != got else {
            right["\(api) \(field)", default: 0] += 1
            return
        }
        let texts = [want, got].map { $0.map { "\($0)" } ?? "null" }
        misses.append(Miss(id: id, api: api, field: field, want: texts[0], got: texts[1]))
    }

    var count: Int { right.values.reduce(0, +) }
    var columns: Int { right.count }
}

/// The class that an error of the recorded traffic belongs to, sorted by hand from its own words.
struct ErrorOracle {
    private static let byWord: [String: String] = [
        "model_not_found": "not_found", "invalid_model": "not_found", "NOT_FOUND": "not_found", "not_found_error": "not_found",
        "fine_tune_not_found": "not_found", "invalid_api_key": "authentication", "authentication_error": "authentication",
        "PERMISSION_DENIED": "permission", "insufficient_quota": "quota", "RESOURCE_EXHAUSTED": "rate_limit",
        "RateLimitReached": "rate_limit", "exceed_context_size_error": "context_length", "server_error": "server_error",
        "tool_use_failed": "invalid_request",
    ]
    private static let byPhrase: [(String, String)] = [
        ("exceeds the maximum number of tokens", "context_length"), ("exceeds maximum length", "context_length"),
        ("prompt too long", "context_length"), ("Token limit reached", "context_length"),
        ("API key not valid", "authentication"), ("model identifier is invalid", "not_found"),
        ("image-model' does not exist", "not_found"),
    ]
    private static let byStatus: [Int: String] = [
        400: "invalid_request", 401: "authentication", 403: "permission", 404: "not_found", 429: "rate_limit",
        500: "server_error", 501: "server_error",
    ]

    static func errorClass(status: Int, _ error: [String: Any]) -> String? {
        for key in ["code", "type"] { if let word = error[key] as? String, let found = byWord[word] { return found } }
        let message = error["message"] as? String ?? ""
        return byPhrase.first { message.contains($0.0) }?.1 ?? byStatus[status]
    }

    /// The provider's own word; nil where the body has none.
    static func code(_ error: [String: Any]) -> String? {
        error["code"] as? String ?? error["type"] as? String ?? (error["code"] as? Int).map { String($0) }
    }
}

@Suite struct CorpusReadingTests {
    @Test(.enabled(if: Corpus.isPresent, "the recorded traffic is not beside the package")) func readsRecordedTrafficAsExpected()
        throws
    {
        var expected: [String: [String: Any]] = [:]
        for line in try Corpus.lines("expected.jsonl") { expected[line["id"] as? String ?? ""] = line }
        var tally = Tally()
        var read = 0
        for exchange in try Corpus.lines("exchanges.jsonl") {
            guard let id = exchange["id"] as? String, let want = expected[id], let api = want["api_kind"] as? String else {
                continue
            }
            let record = Corpus.record(exchange)
            read += 1
            CorpusReadingTests.compare(ExchangeReader.read(record), record, with: want, id: id, api: api, in: &tally)
        }
        #expect(read >= 1_365)
        Swift.print("corpus: \(tally.count) values of \(read) exchanges in \(tally.columns) columns as expected")
        var argued: [String: ArguedException] = [:]
        for exception in try ArguedException.all() {
            #expect(argued.updateValue(exception, forKey: "\(exception.id) \(exception.field)") == nil)
            #expect(exception.why.count > 20)
        }
        for miss in tally.misses {
            let exception = argued.removeValue(forKey: "\(miss.id) \(miss.field)")
            #expect(
                exception?.want == miss.want && exception?.got == miss.got,
                "\(miss.id) \(miss.api) \(miss.field): want \(miss.want), got \(miss.got)")
        }
        #expect(argued.isEmpty, "argued and yet as expected: \(argued.keys.sorted())")
    }

    static func compare(
        _ got: ExchangeReading, _ record: ExchangeRecord, with want: [String: Any], id: String, api: String, in tally: inout Tally
    ) {
        func text(_ key: String) -> String? { want[key] as? String ?? (want[key] as? Int).map { String($0) } }
        let texts: [(String, String?)] = [
            ("model_requested", got.modelRequested), ("model_responded", got.modelResponded), ("finish_reason", got.finishReason),
            ("service_tier", got.serviceTier),
        ]
        for (key, value) in texts { tally.note(api, key, id: id, want: text(key), got: value) }
        let flags: [(String, String, Bool)] = [
            ("stream", "stream_actual", record.head.responseStream),
            ("stream_requested", "stream_requested", got.streamRequested),
            ("refusal", "refusal", got.isRefusal), ("billable", "billable", got.isBillable),
            ("usage_reported", "usage_reported", got.usageSource != .absent),
        ]
        for (field, key, value) in flags { tally.note(api, field, id: id, want: want[key] as? Bool ?? false, got: value) }
        tally.note(api, "tool_calls", id: id, want: (want["tool_calls"] as? Int).map(Int64.init), got: got.toolCalls)
        let first = (want["first_output_end_byte"] as? Int).map(Int64.init)
        // The oracle dates events of the formats that the wire reference defines; of others it says nothing.
        let isDated = ["openai", "anthropic", "gemini-i", "vertex-a"].contains { api.hasPrefix($0) } || first != nil
        if isDated { tally.note(api, "first_output", id: id, want: first, got: got.ttftUs) }
        let tokens = want["tokens"] as? [String: Any] ?? [:]
        for field in TokenUsage.fields + [("total_reported", \.totalReported)] {
            tally.note(
                api, field.key, id: id, want: (tokens[field.key] as? Int).map(Int64.init), got: got.usage[keyPath: field.path])
        }
        let cost = (want["cost_reported_usd"] as? Double).map { Int64(($0 * 1e9).rounded(.toNearestOrEven)) }
        tally.note(api, "reported_cost", id: id, want: cost, got: got.reportedCostNanousd)
        // Only figures that the oracle itself found to contradict each other break a rule.
        let notes = want["notes"] as? [String] ?? []
        let rules: [(String, ReadingInvariants.Rule)] = [
            ("reasoning-exceeds-output", .output), ("cached-exceeds-input", .input),
        ]
        let contradictions = rules.filter { notes.contains($0.0) }.map(\.1)
        tally.note(api, "invariants", id: id, want: contradictions, got: ReadingInvariants.broken(by: got.usage))
        compareError(got, with: want, id: id, api: api, in: &tally)
        compareIterations(got, with: want, id: id, api: api, in: &tally)
    }

    private static func compareError(
        _ got: ExchangeReading, with want: [String: Any], id: String, api: String, in tally: inout Tally
    ) {
        guard let error = want["error"] as? [String: Any] ?? want["in_band_error"] as? [String: Any] else {
            return tally.note(api, "error_class", id: id, want: nil, got: got.providerError)
        }
        let status = want["status"] as? Int ?? 0
        let errorClass = ErrorOracle.errorClass(status: status < 400 ? error["code"] as? Int ?? 400 : status, error)
        tally.note(api, "error_class", id: id, want: errorClass, got: got.providerError)
        // Bedrock names its errors in a header only, which the oracle does not look at.
        if let code = ErrorOracle.code(error) { tally.note(api, "error_code", id: id, want: code, got: got.providerErrorCode) }
    }

    /// Anthropic's iterations, summed.
    private static func compareIterations(
        _ got: ExchangeReading, with want: [String: Any], id: String, api: String, in tally: inout Tally
    ) {
        guard let iterations = want["iterations"] as? [String: Any], iterations["n"] as? Int ?? 0 > 1 else { return }
        func sum(_ value: (TokenUsage) -> Int64?) -> Int { got.billed.reduce(0) { $0 + Int(value($1.usage) ?? 0) } }
        tally.note(api, "iterations", id: id, want: iterations["n"] as? Int, got: got.billed.count)
        let sums: [(String, Int)] = [
            ("sum_input", sum(\.inputUncached)), ("sum_output", sum(\.outputTotal)), ("sum_cache_read", sum(\.inputCached)),
            ("sum_cache_write", sum(\.cacheWriteTotal)),
        ]
        for (key, value) in sums { tally.note(api, "iterations_\(key)", id: id, want: iterations[key] as? Int, got: value) }
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
