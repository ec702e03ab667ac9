// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// One column of a fact: how it is taken out of a fact and put back.
struct FactColumn: Sendable {
    let name: String
    let read: @Sendable (ExchangeFact) -> SQLValue
    let write: @Sendable (inout ExchangeFact, SQLValue) -> Void

    static func integer(_ name: String, _ path: any WritableKeyPath<ExchangeFact, Int64?> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { SQLValue($0[keyPath: path]) }, write: { $0[keyPath: path] = $1.integer })
    }

    static func text(_ name: String, _ path: any WritableKeyPath<ExchangeFact, String?> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { SQLValue($0[keyPath: path]) }, write: { $0[keyPath: path] = $1.text })
    }

    static func required(_ name: String, _ path: any WritableKeyPath<ExchangeFact, String> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { .text($0[keyPath: path]) }, write: { $0[keyPath: path] = $1.text ?? "" })
    }

    static func count(_ name: String, _ path: any WritableKeyPath<ExchangeFact, Int64> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { .integer($0[keyPath: path]) }, write: { $0[keyPath: path] = $1.integer ?? 0 })
    }

    static func flag(_ name: String, _ path: any WritableKeyPath<ExchangeFact, Bool> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { .integer($0[keyPath: path] ? 1 : 0) }, write: { $0[keyPath: path] = $1.integer == 1 })
    }
}

/// Which columns hold which member of a fact.
///
/// The one list behind every insert and every read.
enum FactColumns {
    /// What repeats from row to row: kept once in `dimension`.
    static let dimension: [FactColumn] = [
        .required("node", \.head.node),
        .text("environment", \.head.attribution.environment),
        .required("task", \.head.attribution.task),
        .text("key_id", \.head.keyID),
        .required("provider", \.head.provider),
        .text("deployment", \.head.deployment),
        FactColumn(
            name: "api", read: { SQLValue($0.head.api?.rawValue) },
            write: { $0.head.api = $1.text.map(APIFamily.init(rawValue:)) }),
        .required("method", \.head.method),
        .text("model_requested", \.reading.modelRequested),
        .text("model_responded", \.reading.modelResponded),
    ]

    /// What each row has of its own, without id, dictionary ids and metadata.
    static let own: [FactColumn] = identity + times + bodies + reading + usage + finish + cost + place

    private static let identity: [FactColumn] = [
        .count("started_at_us", \.head.startedAtUs),
        .text("trace_id", \.head.traceID),
        .text("parent_span_id", \.head.parentSpanID),
        .text("client_request_id", \.head.clientRequestID),
        .required("path", \.head.path),
        .required("query", \.head.query),
        .text("upstream_url", \.head.upstreamURL),
        FactColumn(
            name: "status", read: { SQLValue($0.head.status.map(Int64.init)) },
            write: { $0.head.status = $1.integer.map(Int.init(clamping:)) }),
        FactColumn(
            name: "outcome", read: { .text($0.head.outcome.rawValue) },
            write: { $0.head.outcome = $1.text.flatMap(Outcome.init(rawValue:)) ?? .gatewayFailed }),
        FactColumn(
            name: "error_source", read: { SQLValue($0.head.errorSource?.rawValue) },
            write: { $0.head.errorSource = $1.text.flatMap(ErrorSource.init(rawValue:)) }),
        .text("error_code", \.head.errorCode),
    ]

    private static let times: [FactColumn] = [
        .integer("request_received_us", \.head.requestReceivedUs),
        .integer("upstream_sent_us", \.head.upstreamSentUs),
        .integer("first_byte_us", \.head.firstByteUs),
        .integer("last_byte_us", \.head.lastByteUs),
        .integer("ended_us", \.head.endedUs),
        .count("request_body_bytes", \.requestBodyBytes),
        .count("response_body_bytes", \.responseBodyBytes),
        .flag("response_stream", \.head.responseStream),
    ]

    private static let bodies: [FactColumn] = [
        .required("request_body_encoding", \.requestBody.encoding),
        .required("response_body_encoding", \.responseBody.encoding),
        .text("request_content_coding", \.requestBody.contentCoding),
        .text("response_content_coding", \.responseBody.contentCoding),
        kept("request_body_kept", \.requestBody.kept),
        kept("response_body_kept", \.responseBody.kept),
        .text("request_body_sha256", \.requestBody.sha256),
        .text("response_body_sha256", \.responseBody.sha256),
    ]

    private static func kept(_ name: String, _ path: any WritableKeyPath<ExchangeFact, BodyKept> & Sendable) -> FactColumn {
        FactColumn(
            name: name, read: { .text($0[keyPath: path].rawValue) },
            write: { $0[keyPath: path] = $1.text.flatMap(BodyKept.init(rawValue:)) ?? .none })
    }

    private static let reading: [FactColumn] = [
        .flag("stream_requested", \.reading.streamRequested),
        .integer("ttft_us", \.reading.ttftUs),
        .integer("first_visible_us", \.reading.firstVisibleUs),
        .integer("overhead_us", \.overheadUs),
        FactColumn(
            name: "tokens_per_second", read: { SQLValue($0.reading.tokensPerSecond) },
            write: { $0.reading.tokensPerSecond = $1.number }),
    ]

    private static let usage: [FactColumn] = TokenUsage.fields.map { field in
        FactColumn(
            name: "usage_" + field.key, read: { SQLValue($0.reading.usage[keyPath: field.path]) },
            write: { $0.reading.usage[keyPath: field.path] = $1.integer })
    }

    private static let finish: [FactColumn] = [
        FactColumn(
            name: "usage_source", read: { .text($0.reading.usageSource.rawValue) },
            write: { $0.reading.usageSource = $1.text.flatMap(UsageSource.init(rawValue:)) ?? .absent }),
        .text("finish_reason", \.reading.finishReason),
        .integer("tool_calls", \.reading.toolCalls),
        .text("service_tier", \.reading.serviceTier),
        .text("provider_error", \.reading.providerError),
    ]

    private static let cost: [FactColumn] =
        CostBreakdown.fields.map { field in
            FactColumn(
                name: "cost_" + field.key, read: { SQLValue($0.cost[keyPath: field.path]) },
                write: { $0.cost[keyPath: field.path] = $1.integer })
        } + [.text("price_version", \.priceVersion)]

    private static let place: [FactColumn] = [
        .count("frame", \.location.frame),
        .count("offset", \.location.offset),
    ]

    /// The tuple of a fact's dimensions as one JSON array: the key of the dictionary, exact about what is null.
    static func tuple(of fact: ExchangeFact) -> String {
        var json = JSONWriter(capacity: 256)
        json.beginArray()
        for column in dimension { json.value(column.read(fact).text) }
        json.endArray()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// The sixteen bytes of an id, most significant first, so that blobs sort as ids do.
    static func blob(of id: ExchangeID) -> SQLValue {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for word in [id.high, id.low] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return .blob(bytes)
    }

    /// The id of sixteen bytes, or nil where they are not sixteen.
    static func id(of value: SQLValue) -> ExchangeID? {
        guard case .blob(let bytes) = value, bytes.count == 16 else { return nil }
        return ExchangeID(text: uuidText(bytes))
    }

    private static func uuidText(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        for (i, byte) in bytes.enumerated() {
            if i == 4 || i == 6 || i == 8 || i == 10 { out.append(UInt8(ascii: "-")) }
            Hex.append(byte, to: &out)
        }
        return String(decoding: out, as: UTF8.self)
    }
}
