// SPDX-License-Identifier: Apache-2.0
import ContentCoding
import ExchangeModel
import Redaction

/// Turns what the loop handed over into a record: heads read, content codings undone, credentials taken out.
///
/// World: thread.
struct RecordMaking: Sendable {
    let node: String
    let hasher: KeyHasher
    let limits: CaptureLimits

    func record(of exchange: CapturedExchange) -> ExchangeRecord {
        let request = HeadReading(exchange.requestHead)
        let response = HeadReading(exchange.responseHead)
        var scrubber = CredentialScrubber()
        var requestHeaders = request.headers
        var responseHeaders = response.headers
        scrubber.redact(&requestHeaders)
        let query = scrubber.redactedQuery(request.request.query)
        // Told by the request alone, whatever the answer's headers hold.
        let keyID = scrubber.callerKey.map(hasher.name(of:))
        scrubber.redact(&responseHeaders)

        var record = ExchangeRecord(head: head(of: exchange, request: request, scrubber: scrubber, query: query))
        record.head.keyID = keyID
        record.attempts = exchange.attempts
        for i in record.attempts.indices { record.attempts[i].upstreamURL = record.attempts[i].upstreamURL.map(scrubber.masked) }
        record.requestHeaders = masked(requestHeaders, by: scrubber)
        record.responseHeaders = masked(responseHeaders, by: scrubber)
        var arrivals = ArrivalLog()
        record.requestBody = body(exchange.requestBody, coding: request.list("content-encoding"), arrivals: &arrivals)
        arrivals = exchange.arrivals
        record.responseBody = body(exchange.responseBody, coding: response.list("content-encoding"), arrivals: &arrivals)
        if record.responseBody.kept != .full { arrivals.cut(at: record.responseBody.content?.count ?? 0) }
        record.responseChunks = arrivals.items
        mask(&record.requestBody, by: scrubber)
        mask(&record.responseBody, by: scrubber)
        return record
    }

    /// The record without its bodies, for a line that is longer than the log takes.
    func withoutBodies(_ record: ExchangeRecord, of exchange: CapturedExchange) -> ExchangeRecord {
        var reduced = record
        RecordMaking.drop(&reduced.requestBody, captured: exchange.requestBody)
        RecordMaking.drop(&reduced.responseBody, captured: exchange.responseBody)
        reduced.responseChunks = []
        return reduced
    }

    private static func drop(_ body: inout RecordedBody, captured: CapturedBody) {
        guard body.wireByteCount > 0 else { return }
        if captured.kept == .full { body.sha256 = BodyDigest.hex(of: captured.bytes) }
        body.content = nil
        body.kept = .none
    }

    private func head(of exchange: CapturedExchange, request: HeadReading, scrubber: CredentialScrubber, query: String)
        -> ExchangeHead
    {
        let target = request.request
        var head = ExchangeHead(
            id: exchange.id, node: node, startedAtUs: exchange.startedAtUs, method: target.method,
            path: scrubber.masked(target.path))
        head.query = scrubber.masked(query)
        head.attribution = masked(request.attribution(over: exchange.pathAttribution), by: scrubber)
        (head.traceID, head.parentSpanID) = request.trace
        head.clientRequestID = request.first("x-request-id").map(scrubber.masked)
        head.provider = exchange.provider
        head.deployment = exchange.deployment
        head.api = exchange.api
        head.upstreamURL = exchange.upstreamURL.map(scrubber.masked)
        head.status = exchange.status
        head.outcome = exchange.outcome
        head.errorSource = exchange.errorSource
        head.errorCode = exchange.errorCode
        head.requestReceivedUs = exchange.requestReceivedUs
        head.upstreamSentUs = exchange.upstreamSentUs
        head.firstByteUs = exchange.firstByteUs
        head.lastByteUs = exchange.lastByteUs
        head.endedUs = exchange.endedUs
        head.responseStream = exchange.responseStream
        return head
    }

    private func masked(_ attribution: Attribution, by scrubber: CredentialScrubber) -> Attribution {
        var result = attribution
        result.environment = attribution.environment.map(scrubber.masked)
        result.task = scrubber.masked(attribution.task)
        result.metadata = attribution.metadata.map { (scrubber.masked($0.name), scrubber.masked($0.value)) }
        return result
    }

    private func masked(_ headers: [HeaderPair], by scrubber: CredentialScrubber) -> [HeaderPair] {
        headers.map { HeaderPair($0.name, scrubber.masked($0.value)) }
    }

    private func mask(_ body: inout RecordedBody, by scrubber: CredentialScrubber) {
        guard var content = body.content else { return }
        body.content = nil
        scrubber.mask(&content)
        body.content = content
    }

    /// Undoes the content coding of a body kept in full; arrival offsets move with it.
    private func body(_ captured: CapturedBody, coding: String?, arrivals: inout ArrivalLog) -> RecordedBody {
        var body = RecordedBody(
            content: captured.wireCount == 0 || captured.kept == .none ? nil : captured.bytes, wireByteCount: captured.wireCount)
        body.kept = captured.kept
        body.sha256 = captured.sha256
        guard let coding, !coding.isEmpty, coding.lowercased() != "identity" else { return body }
        body.contentCoding = coding.lowercased()
        guard let content = body.content, !content.isEmpty, let decoder = ContentDecoder(coding: coding.lowercased()) else {
            return body
        }
        let ends = arrivals.items.indices.map { i in
            i + 1 < arrivals.items.count ? Int(clamping: arrivals.items[i + 1].offset) : content.count
        }
        let (decoded, produced) = decoder.decodeWithOffsets(content, marks: ends, limit: limits.decodedBytes)
        guard decoded.error == nil || !decoded.bytes.isEmpty else { return body }
        body.content = decoded.bytes
        if decoded.error?.code == .limitReached, body.kept == .full {
            body.kept = .headTail
            body.sha256 = BodyDigest.hex(of: captured.bytes)
        }
        arrivals.replace(
            zip(arrivals.items, [0] + produced.dropLast()).map { ChunkArrival(offset: Int64($1), timeUs: $0.timeUs) })
        return body
    }
}
