// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel

/// Exchanges as an HTTP Archive (HAR 1.2), which browsers and proxies read; redacted as the records are.
///
/// Call `begin`, `entry` for each, `end`: the pieces together are one JSON text. What a record does not know is -1 or empty, as
/// the format asks; members of Weir's own begin with an underscore.
package struct HARWriter {
    private var isFirst = true

    /// An archive without entries.
    package init() {}

    /// The text before the first entry.
    ///
    /// - Parameter version: of the program, for `creator`.
    /// - Returns: the bytes.
    package func begin(version: String) -> [UInt8] {
        var json = JSONWriter()
        json.value(version)
        return Array(#"{"log":{"version":"1.2","creator":{"name":"weir","version":"#.utf8) + json.bytes
            + Array(#"},"entries":["#.utf8)
    }

    /// The text after the last entry.
    package func end() -> [UInt8] { Array("\n]}}\n".utf8) }

    /// One exchange, with the comma before it.
    package mutating func entry(_ record: ExchangeRecord) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        let head = record.head
        let times = HARTimes(record)
        json.beginObject()
        json.key("startedDateTime")
        json.value(CalendarTime.isoText(us: head.startedAtUs))
        json.key("time")
        json.value(Double(times.totalUs) / 1_000)
        json.key("request")
        HARWriter.writeRequest(record, to: &json)
        json.key("response")
        HARWriter.writeResponse(record, to: &json)
        json.key("cache")
        json.beginObject()
        json.endObject()
        json.key("timings")
        times.write(to: &json)
        HARWriter.writeOwn(head, to: &json)
        json.endObject()
        defer { isFirst = false }
        return Array((isFirst ? "\n" : ",\n").utf8) + json.bytes
    }

    // MARK: Parts

    private static func writeRequest(_ record: ExchangeRecord, to json: inout JSONWriter) {
        let body = record.requestBody
        json.beginObject()
        writeTexts([("method", record.head.method), ("url", url(record)), ("httpVersion", "HTTP/1.1")], to: &json)
        writeHeaders(record.requestHeaders, to: &json)
        json.key("queryString")
        json.beginArray()
        for part in record.head.query.split(separator: "&") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            writePair(
                PercentDecoding.decoded(sides.first ?? ""), PercentDecoding.decoded(sides.count > 1 ? sides[1] : ""), to: &json)
        }
        json.endArray()
        if let content = body.content, !content.isEmpty {
            json.key("postData")
            json.beginObject()
            writeTexts([("mimeType", value(of: "content-type", in: record.requestHeaders))], to: &json)
            json.key("params")
            json.beginArray()
            json.endArray()
            writeText(content, encodingKey: "_encoding", to: &json)
            writeKept(body, to: &json)
            json.endObject()
        }
        json.key("headersSize")
        json.value(Int64(-1))
        json.key("bodySize")
        json.value(body.wireByteCount)
        json.endObject()
    }

    private static func writeResponse(_ record: ExchangeRecord, to json: inout JSONWriter) {
        let body = record.responseBody
        let size = Int64(body.content?.count ?? 0)
        json.beginObject()
        json.key("status")
        json.value(Int64(record.head.status ?? 0))
        writeTexts([("statusText", ""), ("httpVersion", "HTTP/1.1")], to: &json)
        writeHeaders(record.responseHeaders, to: &json)
        json.key("content")
        json.beginObject()
        json.key("size")
        json.value(size)
        if body.kept == .full, body.contentCoding != nil {
            json.key("compression")
            json.value(size - body.wireByteCount)
        }
        writeTexts([("mimeType", value(of: "content-type", in: record.responseHeaders))], to: &json)
        if let content = body.content { writeText(content, encodingKey: "encoding", to: &json) }
        writeKept(body, to: &json)
        json.endObject()
        writeTexts([("redirectURL", value(of: "location", in: record.responseHeaders))], to: &json)
        json.key("headersSize")
        json.value(Int64(-1))
        json.key("bodySize")
        json.value(body.wireByteCount)
        json.endObject()
    }

    private static func writeOwn(_ head: ExchangeHead, to json: inout JSONWriter) {
        writeTexts([("comment", head.outcome == .completed ? "" : head.outcome.rawValue)], to: &json)
        writeTexts([("_id", head.id.description), ("_task", head.attribution.task), ("_provider", head.provider)], to: &json)
        json.key("_environment")
        json.value(head.attribution.environment)
        writeTexts([("_outcome", head.outcome.rawValue)], to: &json)
    }

    private static func writeHeaders(_ headers: [HeaderPair], to json: inout JSONWriter) {
        json.key("cookies")
        json.beginArray()
        json.endArray()
        json.key("headers")
        json.beginArray()
        for header in headers { writePair(header.name, header.value, to: &json) }
        json.endArray()
    }

    /// A body as text; base64 where it is none.
    private static func writeText(_ content: [UInt8], encodingKey: String, to json: inout JSONWriter) {
        let isText = UTF8Check.firstInvalidOffset(content) == nil
        json.key("text")
        json.value(utf8: isText ? content[...] : Base64.encode(content[...])[...])
        guard !isText else { return }
        json.key(encodingKey)
        json.value("base64")
    }

    private static func writeKept(_ body: RecordedBody, to json: inout JSONWriter) {
        guard body.kept != .full else { return }
        writeTexts([("comment", "body kept: \(body.kept.rawValue)")], to: &json)
    }

    private static func writePair(_ name: String, _ value: String, to json: inout JSONWriter) {
        json.beginObject()
        writeTexts([("name", name), ("value", value)], to: &json)
        json.endObject()
    }

    private static func writeTexts(_ pairs: [(String, String)], to json: inout JSONWriter) {
        for (key, value) in pairs {
            json.key(key)
            json.value(value)
        }
    }

    private static func value(of name: String, in headers: [HeaderPair]) -> String {
        headers.first { $0.name.lowercased() == name }?.value ?? ""
    }

    /// Where the request went; an exchange that Weir refused went nowhere, so then what the caller asked for.
    private static func url(_ record: ExchangeRecord) -> String {
        let head = record.head
        let host = value(of: "host", in: record.requestHeaders)
        let base = head.upstreamURL ?? "http://\(host.isEmpty ? "weir.invalid" : host)\(head.path)"
        return head.query.isEmpty ? base : "\(base)?\(head.query)"
    }
}

/// The phases of an exchange; their sum is its time.
private struct HARTimes {
    let connectUs: Int64?
    let sendUs: Int64
    let waitUs: Int64
    let receiveUs: Int64

    init(_ record: ExchangeRecord) {
        let head = record.head
        let end = max(0, head.endedUs ?? head.lastByteUs ?? 0)
        let sent = min(end, max(0, head.upstreamSentUs ?? head.requestReceivedUs ?? 0))
        let first = min(end, max(sent, head.firstByteUs ?? end))
        let attempt = record.attempts.last
        let connect = attempt?.connectedUs.map { $0 - (attempt?.startedUs ?? $0) }.flatMap { (0...sent).contains($0) ? $0 : nil }
        connectUs = connect
        sendUs = sent - (connect ?? 0)
        waitUs = first - sent
        receiveUs = end - first
    }

    var totalUs: Int64 { (connectUs ?? 0) + sendUs + waitUs + receiveUs }

    func write(to json: inout JSONWriter) {
        let phases: [(String, Int64?)] = [
            ("blocked", nil), ("dns", nil), ("connect", connectUs), ("ssl", nil), ("send", sendUs), ("wait", waitUs),
            ("receive", receiveUs),
        ]
        json.beginObject()
        for (key, us) in phases {
            json.key(key)
            if let us { json.value(Double(us) / 1_000) } else { json.value(Int64(-1)) }
        }
        json.endObject()
    }
}
