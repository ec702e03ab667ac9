// SPDX-License-Identifier: Apache-2.0
package import ByteCoding

/// What a dialect reads out of one exchange's bytes; everything is nil where the wire did not say it.
package struct ExchangeReading: Equatable, Sendable {
    /// Verbatim from the request.
    package var modelRequested: String?
    /// Verbatim from the answer.
    package var modelResponded: String?
    /// The request asked for a stream.
    package var streamRequested: Bool = false
    /// Since the start of the exchange: first event that carries model output; nil for a plain answer.
    package var ttftUs: Int64?
    /// First visible token after hidden reasoning.
    package var firstVisibleUs: Int64?
    /// Output tokens after the first, per second from first to last content.
    package var tokensPerSecond: Double?
    /// Tokens by class.
    package var usage = TokenUsage()
    /// Where the usage came from.
    package var usageSource: UsageSource = .absent
    /// The provider's own word.
    package var finishReason: String?
    /// How many tool calls the answer holds.
    package var toolCalls: Int64?
    /// As served.
    package var serviceTier: String?
    /// A class from a closed list.
    package var providerError: String?
    /// The provider's own code or type of the error, verbatim.
    package var providerErrorCode: String?
    /// The cost that the provider itself reported, in nano-dollars.
    package var reportedCostNanousd: Int64?
    /// The model refused, by a refusal part or by its finish reason.
    package var isRefusal = false
    /// The exchange generated something that providers bill: no error, no listing, no counting, no retrieval of what there was.
    package var isBillable = false
    /// Since the start of the exchange: the first event of a stream, whatever it carries.
    package var firstEventUs: Int64?
    /// The first event with reasoning.
    package var firstReasoningUs: Int64?
    /// From the first event with output to the last.
    package var contentSpanUs: Int64?
    /// Gaps between events with output.
    package var gaps: TokenGaps?
    /// What the provider says of its own time.
    package var timings = ProviderTimings()
    /// Tools that the provider ran, by kind.
    package var serverTools: [NamedCount] = []
    /// What the provider bills where the top level of its usage says something else; empty where it does not.
    package var billed: [BilledUsage] = []
    /// Why the answer could not be read in full; nil where it was.
    package var fault: ReadFault?

    /// Nothing read.
    package init() {}
}

/// How a record keeps one body: its scalars without its bytes.
package struct BodyShape: Equatable, Sendable {
    /// `utf8` or `base64`.
    package var encoding = "utf8"
    /// As on the wire, such as `gzip` or `br`.
    package var contentCoding: String?
    /// How much of it was kept.
    package var kept = BodyKept.full
    /// Hex SHA-256 of the whole, when not kept in full.
    package var sha256: String?

    /// A body kept whole, as text.
    package init() {}

    /// The shape of a recorded body.
    package init(_ body: RecordedBody) {
        encoding = body.encoding
        contentCoding = body.contentCoding
        kept = body.kept
        sha256 = body.sha256
    }
}

/// Where a record's payload lies.
package struct PayloadLocation: Equatable, Sendable {
    /// File name of the segment.
    package var segment: String
    /// Byte offset of the frame's batch header in the file.
    package var frame: Int64
    /// Byte offset of the record in the decompressed frame.
    package var offset: Int64

    /// A place in a segment.
    package init(segment: String, frame: Int64, offset: Int64) {
        self.segment = segment
        self.frame = frame
        self.offset = offset
    }
}

/// One exchange without payloads: the record's scalars and all that is derived from it (`record.md`, Fact).
package struct ExchangeFact: Equatable, Sendable {
    /// The record's scalars.
    package var head: ExchangeHead
    /// Size of the request body on the wire.
    package var requestBodyBytes: Int64 = 0
    /// Size of the answer's body on the wire.
    package var responseBodyBytes: Int64 = 0
    /// How the request's body is kept.
    package var requestBody = BodyShape()
    /// How the answer's body is kept.
    package var responseBody = BodyShape()
    /// What the dialect read out of the bytes.
    package var reading = ExchangeReading()
    /// Time spent in Weir itself.
    package var overheadUs: Int64?
    /// Money by class.
    package var cost = CostBreakdown()
    /// Price book and reader version; nil until prices are known.
    package var priceVersion: String?
    /// Where the payload lies.
    package var location: PayloadLocation

    /// A fact of a head, with nothing derived yet.
    package init(head: ExchangeHead, location: PayloadLocation) {
        self.head = head
        self.location = location
    }

    /// Writes the fact as one JSON object with every key, null where it is not known.
    ///
    /// - Parameter json: where to write.
    package func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("v")
        json.value(ExchangeRecord.version)
        head.writeIdentity(to: &json)
        head.writeTimes(to: &json)
        writeBodies(to: &json)
        json.key("response_stream")
        json.value(head.responseStream)
        writeReading(to: &json)
        writeUsageAndCost(to: &json)
        json.key("segment")
        json.value(location.segment)
        json.key("frame")
        json.value(location.frame)
        json.key("offset")
        json.value(location.offset)
        json.endObject()
    }

    private func writeBodies(to json: inout JSONWriter) {
        json.key("request_body_encoding")
        json.value(requestBody.encoding)
        json.key("response_body_encoding")
        json.value(responseBody.encoding)
        json.key("request_body_bytes")
        json.value(requestBodyBytes)
        json.key("response_body_bytes")
        json.value(responseBodyBytes)
        let shapes: [(String, String?)] = [
            ("request_content_coding", requestBody.contentCoding), ("response_content_coding", responseBody.contentCoding),
            ("request_body_kept", requestBody.kept.rawValue), ("response_body_kept", responseBody.kept.rawValue),
            ("request_body_sha256", requestBody.sha256), ("response_body_sha256", responseBody.sha256),
        ]
        for (key, value) in shapes {
            json.key(key)
            json.value(value)
        }
    }

    private func writeReading(to json: inout JSONWriter) {
        json.key("model_requested")
        json.value(reading.modelRequested)
        json.key("model_responded")
        json.value(reading.modelResponded)
        json.key("stream_requested")
        json.value(reading.streamRequested)
        json.key("stream")
        json.value(head.responseStream)
        let times: [(String, Int64?)] = [
            ("duration_us", head.endedUs), ("ttft_us", reading.ttftUs), ("first_visible_us", reading.firstVisibleUs),
            ("overhead_us", overheadUs),
        ]
        for (key, value) in times {
            json.key(key)
            json.value(value)
        }
        json.key("tokens_per_second")
        json.value(reading.tokensPerSecond)
    }

    private func writeUsageAndCost(to json: inout JSONWriter) {
        json.key("usage")
        json.beginObject()
        for field in TokenUsage.fields {
            json.key(field.key)
            json.value(reading.usage[keyPath: field.path])
        }
        json.endObject()
        let texts: [(String, String?)] = [
            ("usage_source", reading.usageSource.rawValue), ("finish_reason", reading.finishReason),
        ]
        for (key, value) in texts {
            json.key(key)
            json.value(value)
        }
        json.key("tool_calls")
        json.value(reading.toolCalls)
        json.key("service_tier")
        json.value(reading.serviceTier)
        json.key("provider_error")
        json.value(reading.providerError)
        json.key("cost")
        json.beginObject()
        for field in CostBreakdown.fields {
            json.key(field.key)
            json.value(cost[keyPath: field.path])
        }
        json.endObject()
        json.key("price_version")
        json.value(priceVersion)
    }
}
