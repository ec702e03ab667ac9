// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension ExchangeRecord {
    /// The record as one JSON line with a closing newline: every key of `record.md`, in its order.
    ///
    /// A body that is not UTF-8 is written as base64; header bytes that are not UTF-8 are repaired.
    /// - Returns: the bytes.
    package func encodedLine() -> [UInt8] {
        let payload = (requestBody.content?.count ?? 0) + (responseBody.content?.count ?? 0)
        var json = JSONWriter(capacity: payload + payload / 8 + 2_048)
        json.beginObject()
        json.key("v")
        json.value(ExchangeRecord.version)
        head.writeIdentity(to: &json)
        json.key("attempts")
        json.beginArray()
        for attempt in attempts { attempt.write(to: &json) }
        json.endArray()
        head.writeTimes(to: &json)
        writeHeaders("request_headers", requestHeaders, to: &json)
        writeHeaders("response_headers", responseHeaders, to: &json)
        writeBodies(to: &json)
        json.key("response_stream")
        json.value(head.responseStream)
        json.key("response_chunks")
        json.beginArray()
        for chunk in responseChunks {
            json.beginArray()
            json.value(chunk.offset)
            json.value(chunk.timeUs)
            json.endArray()
        }
        json.endArray()
        json.endObject()
        json.newline()
        return json.bytes
    }

    private func writeHeaders(_ key: String, _ headers: [HeaderPair], to json: inout JSONWriter) {
        json.key(key)
        json.beginArray()
        for header in headers {
            json.beginArray()
            json.value(header.name)
            json.value(header.value)
            json.endArray()
        }
        json.endArray()
    }

    private func writeBodies(to json: inout JSONWriter) {
        let request = EncodedBody(requestBody)
        let response = EncodedBody(responseBody)
        json.key("request_body")
        request.writeContent(to: &json)
        json.key("response_body")
        response.writeContent(to: &json)
        json.key("request_body_encoding")
        json.value(request.encoding)
        json.key("response_body_encoding")
        json.value(response.encoding)
        json.key("request_body_bytes")
        json.value(requestBody.wireByteCount)
        json.key("response_body_bytes")
        json.value(responseBody.wireByteCount)
        json.key("request_content_coding")
        json.value(requestBody.contentCoding)
        json.key("response_content_coding")
        json.value(responseBody.contentCoding)
        json.key("request_body_kept")
        json.value(requestBody.kept.rawValue)
        json.key("response_body_kept")
        json.value(responseBody.kept.rawValue)
        json.key("request_body_sha256")
        json.value(requestBody.sha256)
        json.key("response_body_sha256")
        json.value(responseBody.sha256)
    }
}

/// A body and the encoding its bytes need inside JSON.
private struct EncodedBody {
    let content: [UInt8]?
    let isText: Bool

    init(_ body: RecordedBody) {
        content = body.content
        isText = UTF8Check.firstInvalidOffset(body.content ?? []) == nil
    }

    var encoding: String { isText ? "utf8" : "base64" }

    func writeContent(to json: inout JSONWriter) {
        guard let content else { return json.null() }
        json.value(utf8: isText ? content[...] : Base64.encode(content[...])[...])
    }
}

extension ExchangeHead {
    /// Writes the members from `id` to `error_code`, in the order of `record.md`.
    func writeIdentity(to json: inout JSONWriter) {
        json.key("id")
        json.value(id.description)
        json.key("node")
        json.value(node)
        json.key("started_at_us")
        json.value(startedAtUs)
        json.key("environment")
        json.value(attribution.environment)
        json.key("task")
        json.value(attribution.task)
        json.key("metadata")
        json.beginObject()
        for item in attribution.metadata {
            json.key(item.name)
            json.value(item.value)
        }
        json.endObject()
        for (key, value) in [
            ("key_id", keyID), ("trace_id", traceID), ("parent_span_id", parentSpanID), ("client_request_id", clientRequestID),
        ] {
            json.key(key)
            json.value(value)
        }
        writeRoute(to: &json)
    }

    private func writeRoute(to json: inout JSONWriter) {
        let texts: [(String, String?)] = [
            ("provider", provider), ("deployment", deployment), ("api", api?.rawValue), ("method", method), ("path", path),
            ("query", query),
            ("upstream_url", upstreamURL),
        ]
        for (key, value) in texts {
            json.key(key)
            json.value(value)
        }
        json.key("status")
        json.value(status.map(Int64.init))
        json.key("outcome")
        json.value(outcome.rawValue)
        json.key("error_source")
        json.value(errorSource?.rawValue)
        json.key("error_code")
        json.value(errorCode)
    }

    /// Writes the members from `request_received_us` to `ended_us`.
    func writeTimes(to json: inout JSONWriter) {
        let times: [(String, Int64?)] = [
            ("request_received_us", requestReceivedUs), ("upstream_sent_us", upstreamSentUs), ("first_byte_us", firstByteUs),
            ("last_byte_us", lastByteUs), ("ended_us", endedUs),
        ]
        for (key, value) in times {
            json.key(key)
            json.value(value)
        }
    }
}

extension Attempt {
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("n")
        json.value(Int64(n))
        json.key("deployment")
        json.value(deployment)
        json.key("upstream_url")
        json.value(upstreamURL)
        let times: [(String, Int64?)] = [
            ("started_us", startedUs), ("connected_us", connectedUs), ("request_sent_us", requestSentUs),
            ("first_byte_us", firstByteUs),
            ("ended_us", endedUs), ("status", status.map(Int64.init)),
        ]
        for (key, value) in times {
            json.key(key)
            json.value(value)
        }
        json.key("outcome")
        json.value(outcome?.rawValue)
        json.key("retry_reason")
        json.value(retryReason)
        json.endObject()
    }
}
