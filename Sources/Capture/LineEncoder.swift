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
    /// What the treatment did to the bodies of the latest line, or the longest line that the log takes.
    private(set) var effect = TreatmentEffect()
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
        if allowsFast, parts.prepare(view, limits: making.limits) {
            write(view, parts, to: &line)
            effect = parts.effect
            if line.count <= making.limits.lineBytes { return line.run }
        }
        carefulCount += 1
        return careful(view)
    }

    private func careful(_ view: ExchangeView) -> ByteRun {
        let (record, effect) = making.treatedRecord(of: view)
        self.effect = effect
        var bytes = record.encodedLine()
        if bytes.count > making.limits.lineBytes {
            bytes = making.withoutBodies(record, of: view).encodedLine()
            self.effect.isOverLine = true
        }
        line.reset()
        unsafe bytes.withUnsafeBytes { unsafe line.raw(ByteRun($0)) }
        return line.run
    }

    private func write(_ view: ExchangeView, _ parts: borrowing EncoderParts, to line: inout JSONLine) {
        let facts = view.facts
        var out = line.begin(atMost: boundOfBeginning(view, facts, parts))
        writeIdentity(view, facts, parts, to: &out)
        writeRoute(facts, to: &out)
        writeTarget(facts, parts, to: &out)
        out.integer(",\"status\":", facts.status)
        out.literal(",\"outcome\":")
        out.literal(facts.outcome.literal)
        out.literal(",\"error_source\":")
        out.literal(facts.errorSource.literal)
        out.string(",\"error_code\":", facts.errorCode)
        writeAttempts(facts, to: &out)
        out.integer(",\"request_received_us\":", facts.requestReceivedUs)
        out.integer(",\"upstream_sent_us\":", facts.upstreamSentUs)
        out.integer(",\"first_byte_us\":", facts.firstByteUs)
        out.integer(",\"last_byte_us\":", facts.lastByteUs)
        out.integer(",\"ended_us\":", facts.endedUs)
        out.literal(",\"request_headers\":")
        LineEncoder.writeHeaders(parts.request.lines, to: &out)
        out.literal(",\"response_headers\":")
        LineEncoder.writeHeaders(parts.response.lines, to: &out)
        out.literal(",\"request_body\":")
        line.end(out)
        let isRequestText = LineEncoder.write(parts.requestBody, to: &line)
        line.literal(",\"response_body\":")
        let isResponseText = LineEncoder.write(parts.responseBody, to: &line)
        let chunks = parts.isMoved ? parts.arrivals.items : view.arrivals.items
        let codings = (parts.requestCoding?.count ?? 0) + (parts.responseCoding?.count ?? 0) + 2 * BodyDigest.hexBytes
        out = line.begin(atMost: LineBounds.ending(chunks: chunks.count, texts: codings + view.factByteCount))
        LineEncoder.writeAboutBodies(facts, parts, isRequestText, isResponseText, to: &out)
        out.literal(parts.isStream ? ",\"response_stream\":true" : ",\"response_stream\":false")
        LineEncoder.write(chunks, to: &out)
        line.end(out)
    }

    private func boundOfBeginning(_ view: ExchangeView, _ facts: ExchangeFacts, _ parts: borrowing EncoderParts) -> Int {
        // No byte of a head or of the facts is written more than twice, but for the URL, which attempts may share.
        let texts = view.requestHead.count + view.responseHead.count + view.factByteCount
        return LineBounds.beginning(
            texts: 2 * texts + facts.attempts.count * (facts.upstreamURL?.count ?? 0), attempts: facts.attempts.count,
            headers: parts.request.lines.count + parts.response.lines.count, metadata: parts.metadata.count)
            + nodeMember.count
    }

    private func writeIdentity(
        _ view: ExchangeView, _ facts: ExchangeFacts, _ parts: borrowing EncoderParts, to out: inout JSONCursor
    ) {
        out.literal("{\"v\":1,\"id\":\"")
        out.uuid(high: view.id.high, low: view.id.low)
        unsafe nodeMember.withUnsafeBytes { unsafe out.raw(ByteRun($0)) }
        out.integer(view.startedAtUs)
        out.string(",\"environment\":", parts.request.environment ?? facts.environment)
        out.string(",\"task\":", parts.request.task ?? facts.task ?? ByteRun("default"))
        out.literal(",\"metadata\":{")
        for (index, item) in parts.metadata.enumerated() {
            if index > 0 { out.literal(",") }
            out.lowercased(item.name)
            out.string(":", item.value)
        }
        out.literal("},\"key_id\":")
        if let id = facts.keyID {
            if id.isEmpty { out.literal("null") } else { out.string(id) }
        } else if let key = parts.callerKey {
            keyNames.write(key, to: &out)
        } else {
            out.literal("null")
        }
        if let trace = parts.trace {
            out.string(",\"trace_id\":", trace.traceID)
            out.string(",\"parent_span_id\":", trace.parentSpanID)
        } else {
            out.literal(",\"trace_id\":null,\"parent_span_id\":null")
        }
        out.string(",\"client_request_id\":", parts.request.requestID)
    }

    private func writeRoute(_ facts: ExchangeFacts, to out: inout JSONCursor) {
        out.string(",\"provider\":", facts.provider)
        out.string(",\"deployment\":", facts.deployment)
        out.string(",\"api\":", facts.api)
    }

    private func writeTarget(_ facts: ExchangeFacts, _ parts: borrowing EncoderParts, to out: inout JSONCursor) {
        out.string(",\"method\":", parts.method)
        out.string(",\"path\":", parts.path)
        out.string(",\"query\":", parts.query)
        out.string(",\"upstream_url\":", facts.upstreamURL)
    }

    private func writeAttempts(_ facts: ExchangeFacts, to out: inout JSONCursor) {
        out.literal(",\"attempts\":[")
        var isFirst = true
        for attempt in facts.attempts {
            out.literal(isFirst ? "{\"n\":" : ",{\"n\":")
            isFirst = false
            out.integer(attempt.n)
            out.string(",\"deployment\":", attempt.deployment)
            out.string(",\"upstream_url\":", attempt.upstreamURL)
            out.integer(",\"started_us\":", attempt.startedUs)
            out.integer(",\"connected_us\":", attempt.connectedUs)
            out.integer(",\"request_sent_us\":", attempt.requestSentUs)
            out.integer(",\"first_byte_us\":", attempt.firstByteUs)
            out.integer(",\"ended_us\":", attempt.endedUs)
            out.integer(",\"status\":", attempt.status)
            out.literal(",\"outcome\":")
            out.literal(attempt.outcome?.literal ?? "null")
            out.string(",\"retry_reason\":", attempt.retryReason)
            out.literal("}")
        }
        out.literal("]")
    }

    private static func writeHeaders(_ lines: [HeadRuns.Line], to out: inout JSONCursor) {
        guard !lines.isEmpty else { return out.literal("[]") }
        var isFirst = true
        for header in lines {
            out.literal(isFirst ? "[[" : ",[")
            isFirst = false
            out.string(header.name)
            out.literal(",")
            if header.keptBeforeMark >= 0 {
                out.string(header.value.slice(0, header.keptBeforeMark), then: "[redacted]")
            } else {
                out.string(header.value)
            }
            out.literal("]")
        }
        out.literal("]")
    }

    private static func writeAboutBodies(
        _ facts: ExchangeFacts, _ parts: borrowing EncoderParts, _ isRequestText: Bool, _ isResponseText: Bool,
        to out: inout JSONCursor
    ) {
        out.literal(isRequestText ? ",\"request_body_encoding\":\"utf8\"" : ",\"request_body_encoding\":\"base64\"")
        out.literal(isResponseText ? ",\"response_body_encoding\":\"utf8\"" : ",\"response_body_encoding\":\"base64\"")
        out.integer(",\"request_body_bytes\":", facts.requestWireCount)
        out.integer(",\"response_body_bytes\":", facts.responseWireCount)
        out.literal(",\"request_content_coding\":")
        if let coding = parts.requestCoding { out.lowercased(coding) } else { out.literal("null") }
        out.literal(",\"response_content_coding\":")
        if let coding = parts.responseCoding { out.lowercased(coding) } else { out.literal("null") }
        out.literal(",\"request_body_kept\":")
        out.literal(parts.requestKept.literal)
        out.literal(",\"response_body_kept\":")
        out.literal(parts.responseKept.literal)
        out.string(",\"request_body_sha256\":", parts.requestSHA256)
        out.string(",\"response_body_sha256\":", parts.responseSHA256)
    }

    private static func write(_ chunks: [ChunkArrival], to out: inout JSONCursor) {
        out.literal(",\"response_chunks\":[")
        var isFirst = true
        for chunk in chunks {
            out.literal(isFirst ? "[" : ",[")
            isFirst = false
            out.integer(chunk.offset)
            out.integer(",", chunk.timeUs)
            out.literal("]")
        }
        out.literal("]}\n")
    }

    /// Writes a body; false where it is not text.
    private static func write(_ body: ByteRun?, to line: inout JSONLine) -> Bool {
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

/// Upper bounds of the parts of a line, bytes: each text six bytes for one at worst, and what stands around it.
private enum LineBounds {
    static func beginning(texts: Int, attempts: Int, headers: Int, metadata: Int) -> Int {
        texts * JSONCursor.escapedBytes + attempts * 512 + headers * 32 + metadata * 16 + 2_048
    }

    static func ending(chunks: Int, texts: Int) -> Int {
        texts * JSONCursor.escapedBytes + chunks * (2 * JSONCursor.integerBytes + 8) + 1_024
    }
}
