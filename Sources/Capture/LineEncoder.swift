// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Redaction

/// Writes an exchange as one record line straight from the arena's bytes; equal, byte for byte, to `RecordMaking` and `encodedLine`.
///
/// World: thread. It takes the common exchange; one with an oddity (heads that are not ASCII, a credential in the URL or anywhere
/// outside its header, several content codings) goes the careful way. A test holds both ways against each other.
final class LineEncoder {
    /// Exchanges that went the careful way.
    private(set) var carefulCount = 0
    /// Whether the latest line had to go without the bodies that were held.
    private(set) var hasDroppedBodies = false
    let making: RecordMaking
    private var line = JSONLine()
    private var parts = EncoderParts()
    private var keyNames: KeyNames
    private let nodeMember: [UInt8]

    init(making: RecordMaking) {
        self.making = making
        keyNames = KeyNames(hasher: making.hasher)
        var json = JSONWriter()
        json.value(making.node)
        nodeMember = Array("\",\"node\":".utf8) + json.bytes + Array(",\"started_at_us\":".utf8)
    }

    /// The line of an exchange, closing newline included; good until the next call.
    func line(of view: ExchangeView, allowsFast: Bool = true) -> ByteRun {
        line.reset()
        hasDroppedBodies = false
        if allowsFast, parts.prepare(view, limits: making.limits) {
            write(view, parts, to: &line)
            if line.count <= making.limits.lineBytes { return line.run }
        }
        carefulCount += 1
        return careful(view)
    }

    private func careful(_ view: ExchangeView) -> ByteRun {
        let record = making.record(of: view)
        var bytes = record.encodedLine()
        if bytes.count > making.limits.lineBytes {
            bytes = making.withoutBodies(record, of: view).encodedLine()
            hasDroppedBodies = true
        }
        line.reset()
        unsafe bytes.withUnsafeBytes { unsafe line.raw(ByteRun($0)) }
        return line.run
    }

    private func write(_ view: ExchangeView, _ parts: borrowing EncoderParts, to line: inout JSONLine) {
        writeIdentity(view, parts, to: &line)
        writeRoute(view.facts, parts, to: &line)
        writeAttempts(view.facts, to: &line)
        let facts = view.facts
        line.integer(",\"request_received_us\":", facts.requestReceivedUs)
        line.integer(",\"upstream_sent_us\":", facts.upstreamSentUs)
        line.integer(",\"first_byte_us\":", facts.firstByteUs)
        line.integer(",\"last_byte_us\":", facts.lastByteUs)
        line.integer(",\"ended_us\":", facts.endedUs)
        line.literal(",\"request_headers\":")
        writeHeaders(parts.request, to: &line)
        line.literal(",\"response_headers\":")
        writeHeaders(parts.response, to: &line)
        writeBodies(view, parts, to: &line)
        let isStream = StreamFact.isStream(facts.responseStream, body: parts.responseBody)
        line.literal(isStream ? ",\"response_stream\":true" : ",\"response_stream\":false")
        line.literal(",\"response_chunks\":[")
        var isFirst = true
        for chunk in parts.isMoved ? parts.arrivals.items : view.arrivals.items {
            line.literal(isFirst ? "[" : ",[")
            isFirst = false
            line.integer(chunk.offset)
            line.integer(",", chunk.timeUs)
            line.literal("]")
        }
        line.literal("]}\n")
    }

    private func writeIdentity(_ view: ExchangeView, _ parts: borrowing EncoderParts, to line: inout JSONLine) {
        line.literal("{\"v\":1,\"id\":\"")
        line.uuid(high: view.id.high, low: view.id.low)
        unsafe nodeMember.withUnsafeBytes { unsafe line.raw(ByteRun($0)) }
        line.integer(view.startedAtUs)
        line.string(",\"environment\":", parts.request.environment ?? view.facts.environment)
        line.string(",\"task\":", parts.request.task ?? view.facts.task ?? ByteRun("default"))
        line.literal(",\"metadata\":{")
        for (index, item) in parts.metadata.enumerated() {
            if index > 0 { line.literal(",") }
            line.lowercased(item.name)
            line.string(":", item.value)
        }
        line.literal("},\"key_id\":")
        if let id = view.facts.keyID {
            if id.isEmpty { line.literal("null") } else { line.string(id) }
        } else if let key = parts.callerKey {
            keyNames.write(key, to: &line)
        } else {
            line.literal("null")
        }
        if let trace = parts.trace {
            line.string(",\"trace_id\":", trace.traceID)
            line.string(",\"parent_span_id\":", trace.parentSpanID)
        } else {
            line.literal(",\"trace_id\":null,\"parent_span_id\":null")
        }
        line.string(",\"client_request_id\":", parts.request.requestID)
    }

    private func writeRoute(_ facts: ExchangeFacts, _ parts: borrowing EncoderParts, to line: inout JSONLine) {
        line.string(",\"provider\":", facts.provider)
        line.string(",\"deployment\":", facts.deployment)
        line.string(",\"api\":", facts.api)
        line.string(",\"method\":", parts.method)
        line.string(",\"path\":", parts.path)
        line.string(",\"query\":", parts.query)
        line.string(",\"upstream_url\":", facts.upstreamURL)
        line.integer(",\"status\":", facts.status)
        line.literal(",\"outcome\":")
        line.literal(facts.outcome.literal)
        line.literal(",\"error_source\":")
        line.literal(facts.errorSource.literal)
        line.string(",\"error_code\":", facts.errorCode)
    }

    private func writeAttempts(_ facts: ExchangeFacts, to line: inout JSONLine) {
        line.literal(",\"attempts\":[")
        for (index, attempt) in facts.attempts.enumerated() {
            line.integer(index > 0 ? ",{\"n\":" : "{\"n\":", attempt.n)
            line.string(",\"deployment\":", attempt.deployment)
            line.string(",\"upstream_url\":", attempt.upstreamURL)
            line.integer(",\"started_us\":", attempt.startedUs)
            line.integer(",\"connected_us\":", attempt.connectedUs)
            line.integer(",\"request_sent_us\":", attempt.requestSentUs)
            line.integer(",\"first_byte_us\":", attempt.firstByteUs)
            line.integer(",\"ended_us\":", attempt.endedUs)
            line.integer(",\"status\":", attempt.status)
            line.literal(",\"outcome\":")
            line.literal(attempt.outcome?.literal ?? "null")
            line.string(",\"retry_reason\":", attempt.retryReason)
            line.literal("}")
        }
        line.literal("]")
    }

    private func writeHeaders(_ head: HeadRuns, to line: inout JSONLine) {
        var isFirst = true
        for header in head.lines {
            line.literal(isFirst ? "[[" : ",[")
            isFirst = false
            line.string(header.name)
            line.literal(",")
            if header.keptBeforeMark >= 0 {
                line.string(header.value.slice(0, header.keptBeforeMark), then: "[redacted]")
            } else {
                line.string(header.value)
            }
            line.literal("]")
        }
        line.literal(isFirst ? "[]" : "]")
    }

    private func writeBodies(_ view: ExchangeView, _ parts: borrowing EncoderParts, to line: inout JSONLine) {
        line.literal(",\"request_body\":")
        let isRequestText = write(parts.requestBody, to: &line)
        line.literal(",\"response_body\":")
        let isResponseText = write(parts.responseBody, to: &line)
        line.literal(isRequestText ? ",\"request_body_encoding\":\"utf8\"" : ",\"request_body_encoding\":\"base64\"")
        line.literal(isResponseText ? ",\"response_body_encoding\":\"utf8\"" : ",\"response_body_encoding\":\"base64\"")
        line.integer(",\"request_body_bytes\":", view.facts.requestWireCount)
        line.integer(",\"response_body_bytes\":", view.facts.responseWireCount)
        line.literal(",\"request_content_coding\":")
        if let coding = parts.requestCoding { line.lowercased(coding) } else { line.literal("null") }
        line.literal(",\"response_content_coding\":")
        if let coding = parts.responseCoding { line.lowercased(coding) } else { line.literal("null") }
        line.literal(",\"request_body_kept\":")
        line.literal(view.facts.requestKept.literal)
        line.literal(",\"response_body_kept\":")
        line.literal(view.facts.responseKept.literal)
        line.string(",\"request_body_sha256\":", view.facts.requestSHA256)
        line.string(",\"response_body_sha256\":", view.facts.responseSHA256)
    }

    /// Writes a body; false where it is not text.
    private func write(_ body: ByteRun?, to line: inout JSONLine) -> Bool {
        guard let body else {
            line.literal("null")
            return true
        }
        guard body.isUTF8 else {
            line.base64(body)
            return false
        }
        line.string(body)
        return true
    }
}
