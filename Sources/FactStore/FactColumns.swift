// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// One column of a fact: how it is taken out of a fact and put back.
struct FactColumn: Sendable {
    let name: String
    let read: @Sendable (ExchangeFact) -> SQLValue
    let write: @Sendable (inout ExchangeFact, SQLValue) -> Void

    @inline(__always)
    static func integer(_ name: String, _ path: any WritableKeyPath<ExchangeFact, Int64?> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { SQLValue($0[keyPath: path]) }, write: { $0[keyPath: path] = $1.integer })
    }

    @inline(__always)
    static func text(_ name: String, _ path: any WritableKeyPath<ExchangeFact, String?> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { SQLValue($0[keyPath: path]) }, write: { $0[keyPath: path] = $1.text })
    }

    @inline(__always)
    static func required(_ name: String, _ path: any WritableKeyPath<ExchangeFact, String> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { .text($0[keyPath: path]) }, write: { $0[keyPath: path] = $1.text ?? "" })
    }

    @inline(__always)
    static func count(_ name: String, _ path: any WritableKeyPath<ExchangeFact, Int64> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { .integer($0[keyPath: path]) }, write: { $0[keyPath: path] = $1.integer ?? 0 })
    }

    @inline(__always)
    static func flag(_ name: String, _ path: any WritableKeyPath<ExchangeFact, Bool> & Sendable) -> FactColumn {
        FactColumn(name: name, read: { .integer($0[keyPath: path] ? 1 : 0) }, write: { $0[keyPath: path] = $1.integer == 1 })
    }
}

/// Which columns hold which member of a fact.
///
/// The one list behind every insert and every read.
enum FactColumns {
    /// What exchanges are counted by: kept once in `dimension`, the key of rollups.
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
        FactColumn(
            name: "status", read: { SQLValue($0.head.status.map(Int64.init)) },
            write: { $0.head.status = $1.integer.map(Int.init(clamping:)) }),
        FactColumn(
            name: "outcome", read: { .text($0.head.outcome.rawValue) },
            write: { $0.head.outcome = $1.text.flatMap(Outcome.init(rawValue:)) ?? .gatewayFailed }),
    ]

    /// What else repeats from row to row: kept once in `shape`, with the dimensions, the letters of `derived` and the rates.
    static let shape: [FactColumn] = [
        FactColumn(
            name: "error_source", read: { SQLValue($0.head.errorSource?.rawValue) },
            write: { $0.head.errorSource = $1.text.flatMap(ErrorSource.init(rawValue:)) }),
        .text("error_code", \.head.errorCode),
        .flag("response_stream", \.head.responseStream),
        .flag("stream_requested", \.reading.streamRequested),
        .required("request_body_encoding", \.requestBody.encoding),
        .required("response_body_encoding", \.responseBody.encoding),
        .text("request_content_coding", \.requestBody.contentCoding),
        .text("response_content_coding", \.responseBody.contentCoding),
        kept("request_body_kept", \.requestBody.kept),
        kept("response_body_kept", \.responseBody.kept),
        FactColumn(
            name: "usage_source", read: { .text($0.reading.usageSource.rawValue) },
            write: { $0.reading.usageSource = $1.text.flatMap(UsageSource.init(rawValue:)) ?? .absent }),
        .text("finish_reason", \.reading.finishReason),
        .text("service_tier", \.reading.serviceTier),
        .text("provider_error", \.reading.providerError),
        .text("price_version", \.priceVersion),
    ]

    /// Where the exchange went: kept once in `route`, as long as a fact needs it.
    static let route: [FactColumn] = [
        .required("path", \.head.path),
        .required("query", \.head.query),
        .text("upstream_url", \.head.upstreamURL),
    ]

    /// The numbers that nearly every row has of its own, without key, dictionary ids and `content_span_us`.
    static let own: [FactColumn] = [
        .count("frame", \.location.frame),
        .count("offset", \.location.offset),
        .integer("request_received_us", \.head.requestReceivedUs),
        .integer("upstream_sent_us", \.head.upstreamSentUs),
        .integer("first_byte_us", \.head.firstByteUs),
        .integer("last_byte_us", \.head.lastByteUs),
        .integer("ended_us", \.head.endedUs),
        .integer("ttft_us", \.reading.ttftUs),
        .integer("overhead_us", \.overheadUs),
        .count("request_body_bytes", \.requestBodyBytes),
        .count("response_body_bytes", \.responseBodyBytes),
        .integer("usage_input_total", \.reading.usage.inputTotal),
        .integer("usage_input_cached", \.reading.usage.inputCached),
        .integer("usage_cache_write_total", \.reading.usage.cacheWriteTotal),
        .integer("usage_output_total", \.reading.usage.outputTotal),
        .integer("usage_output_reasoning", \.reading.usage.outputReasoning),
        .integer("tool_calls", \.reading.toolCalls),
    ]

    /// Texts that few rows have: in `fact_more`.
    static let more: [FactColumn] = [
        .text("trace_id", \.head.traceID),
        .text("parent_span_id", \.head.parentSpanID),
        .text("client_request_id", \.head.clientRequestID),
        .text("request_body_sha256", \.requestBody.sha256),
        .text("response_body_sha256", \.responseBody.sha256),
    ]

    private static func kept(_ name: String, _ path: any WritableKeyPath<ExchangeFact, BodyKept> & Sendable) -> FactColumn {
        FactColumn(
            name: name, read: { .text($0[keyPath: path].rawValue) },
            write: { $0[keyPath: path] = $1.text.flatMap(BodyKept.init(rawValue:)) ?? .none })
    }

    /// The names of the view's token classes.
    static let usageNames = TokenUsage.fields.map { "usage_" + $0.key }
    /// The names of the view's costs.
    static let costNames = CostBreakdown.fields.map { "cost_" + $0.key }
    /// The names that `rate_...` columns have, in the order of `DerivedColumns.costs`.
    static let rateNames = ["rate_input", "rate_input_cached", "rate_cache_write", "rate_output", "rate_reasoning"]

    /// Texts and numbers as one JSON array: the key of a dictionary, exact about what is null.
    static func tuple(_ values: [SQLValue]) -> String {
        var json = JSONWriter(capacity: 256)
        json.beginArray()
        for value in values {
            if let number = value.integer { json.value(number) } else { json.value(value.text) }
        }
        json.endArray()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
