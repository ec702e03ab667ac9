// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// One column of a fact: how it is taken out of a fact and put back.
struct FactColumn: Sendable {
    /// Gives a member of a fact to somebody in its place.
    ///
    /// A key path would copy the whole fact, for every column of every exchange.
    typealias Access<Value> = @Sendable (inout ExchangeFact, (inout Value) -> Void) -> Void

    let name: String
    /// Leaves the fact as it is.
    let read: @Sendable (inout ExchangeFact) -> SQLValue
    let write: @Sendable (inout ExchangeFact, SQLValue) -> Void

    @inline(__always)
    static func integer(_ name: String, _ access: @escaping Access<Int64?>) -> FactColumn {
        made(name, access, { SQLValue($0) }, { $0.integer })
    }

    @inline(__always)
    static func text(_ name: String, _ access: @escaping Access<String?>) -> FactColumn {
        made(name, access, { SQLValue($0) }, { $0.text })
    }

    @inline(__always)
    static func required(_ name: String, _ access: @escaping Access<String>) -> FactColumn {
        made(name, access, { .text($0) }, { $0.text ?? "" })
    }

    @inline(__always)
    static func count(_ name: String, _ access: @escaping Access<Int64>) -> FactColumn {
        made(name, access, { .integer($0) }, { $0.integer ?? 0 })
    }

    @inline(__always)
    static func flag(_ name: String, _ access: @escaping Access<Bool>) -> FactColumn {
        made(name, access, { .integer($0 ? 1 : 0) }, { $0.integer == 1 })
    }

    @inline(__always)
    static func kept(_ name: String, _ access: @escaping Access<BodyKept>) -> FactColumn {
        made(name, access, { .text($0.rawValue) }, { $0.text.flatMap(BodyKept.init(rawValue:)) ?? .none })
    }

    @inline(__always)
    private static func made<Value>(
        _ name: String, _ access: @escaping Access<Value>, _ value: @escaping @Sendable (Value) -> SQLValue,
        _ member: @escaping @Sendable (SQLValue) -> Value
    ) -> FactColumn {
        FactColumn(
            name: name,
            read: { fact in
                var taken = SQLValue.null
                access(&fact) { taken = value($0) }
                return taken
            },
            write: { fact, new in access(&fact) { $0 = member(new) } })
    }
}

/// Which columns hold which member of a fact.
///
/// The one list behind every insert and every read.
enum FactColumns {
    /// What exchanges are counted by: kept once in `dimension`, the key of rollups.
    static let dimension: [FactColumn] = [
        .required("node") { $1(&$0.head.node) },
        .text("environment") { $1(&$0.head.attribution.environment) },
        .required("task") { $1(&$0.head.attribution.task) },
        .text("key_id") { $1(&$0.head.keyID) },
        .required("provider") { $1(&$0.head.provider) },
        .text("deployment") { $1(&$0.head.deployment) },
        FactColumn(
            name: "api", read: { SQLValue($0.head.api?.rawValue) },
            write: { $0.head.api = $1.text.map(APIFamily.init(rawValue:)) }),
        .required("method") { $1(&$0.head.method) },
        .text("model_requested") { $1(&$0.reading.modelRequested) },
        .text("model_responded") { $1(&$0.reading.modelResponded) },
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
        .text("error_code") { $1(&$0.head.errorCode) },
        .flag("response_stream") { $1(&$0.head.responseStream) },
        .flag("stream_requested") { $1(&$0.reading.streamRequested) },
        .required("request_body_encoding") { $1(&$0.requestBody.encoding) },
        .required("response_body_encoding") { $1(&$0.responseBody.encoding) },
        .text("request_content_coding") { $1(&$0.requestBody.contentCoding) },
        .text("response_content_coding") { $1(&$0.responseBody.contentCoding) },
        .kept("request_body_kept") { $1(&$0.requestBody.kept) },
        .kept("response_body_kept") { $1(&$0.responseBody.kept) },
        FactColumn(
            name: "usage_source", read: { .text($0.reading.usageSource.rawValue) },
            write: { $0.reading.usageSource = $1.text.flatMap(UsageSource.init(rawValue:)) ?? .absent }),
        .text("finish_reason") { $1(&$0.reading.finishReason) },
        .text("service_tier") { $1(&$0.reading.serviceTier) },
        .text("provider_error") { $1(&$0.reading.providerError) },
        .text("price_version") { $1(&$0.priceVersion) },
    ]

    /// Where the exchange went: kept once in `route`, as long as a fact needs it.
    static let route: [FactColumn] = [
        .required("path") { $1(&$0.head.path) },
        .required("query") { $1(&$0.head.query) },
        .text("upstream_url") { $1(&$0.head.upstreamURL) },
    ]

    /// The numbers that nearly every row has of its own, without key, dictionary ids and `content_span_us`.
    static let own: [FactColumn] = [
        .count("frame") { $1(&$0.location.frame) },
        .count("offset") { $1(&$0.location.offset) },
        .integer("request_received_us") { $1(&$0.head.requestReceivedUs) },
        .integer("upstream_sent_us") { $1(&$0.head.upstreamSentUs) },
        .integer("first_byte_us") { $1(&$0.head.firstByteUs) },
        .integer("last_byte_us") { $1(&$0.head.lastByteUs) },
        .integer("ended_us") { $1(&$0.head.endedUs) },
        .integer("ttft_us") { $1(&$0.reading.ttftUs) },
        .integer("overhead_us") { $1(&$0.overheadUs) },
        .count("request_body_bytes") { $1(&$0.requestBodyBytes) },
        .count("response_body_bytes") { $1(&$0.responseBodyBytes) },
        .integer("usage_input_total") { $1(&$0.reading.usage.inputTotal) },
        .integer("usage_input_cached") { $1(&$0.reading.usage.inputCached) },
        .integer("usage_cache_write_total") { $1(&$0.reading.usage.cacheWriteTotal) },
        .integer("usage_output_total") { $1(&$0.reading.usage.outputTotal) },
        .integer("usage_output_reasoning") { $1(&$0.reading.usage.outputReasoning) },
        .integer("tool_calls") { $1(&$0.reading.toolCalls) },
    ]

    /// Texts that few rows have: in `fact_more`.
    static let more: [FactColumn] = [
        .text("trace_id") { $1(&$0.head.traceID) },
        .text("parent_span_id") { $1(&$0.head.parentSpanID) },
        .text("client_request_id") { $1(&$0.head.clientRequestID) },
        .text("request_body_sha256") { $1(&$0.requestBody.sha256) },
        .text("response_body_sha256") { $1(&$0.responseBody.sha256) },
    ]

    /// The names of the view's token classes.
    static let usageNames = TokenUsage.fields.map { "usage_" + $0.key }
    /// The names of the view's costs.
    static let costNames = CostBreakdown.fields.map { "cost_" + $0.key }
    /// The names that `rate_...` columns have, in the order of `DerivedColumns.costs`.
    static let rateNames = ["rate_input", "rate_input_cached", "rate_cache_write", "rate_output", "rate_reasoning"]

    /// Texts and numbers as one JSON array: the key of a dictionary, exact about what is null.
    static func tuple(_ values: some Sequence<SQLValue>) -> String {
        var json = JSONWriter(capacity: 256)
        json.beginArray()
        for value in values {
            if let number = value.integer { json.value(number) } else { json.value(value.text) }
        }
        json.endArray()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}
