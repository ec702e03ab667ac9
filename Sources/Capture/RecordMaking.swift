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
        scrubber.redact(&responseHeaders)
        let target = request.request
        let query = scrubber.redactedQuery(target.query)

        var record = ExchangeRecord(head: head(of: exchange, request: request, scrubber: scrubber, query: query))
        record.attempts = exchange.attempts
        record.requestHeaders = masked(requestHeaders, by: scrubber)
        record.responseHeaders = masked(responseHeaders, by: scrubber)
        var arrivals = ArrivalLog()
        record.requestBody = body(exchange.requestBody, coding: request.first("content-encoding"), arrivals: &arrivals)
        arrivals = exchange.arrivals
        record.responseBody = body(exchange.responseBody, coding: response.first("content-encoding"), arrivals: &arrivals)
        record.responseChunks = arrivals.items
        mask(&record.requestBody, by: scrubber)
        mask(&record.responseBody, by: scrubber)
        return record
    }

    private func head(of exchange: CapturedExchange, request: HeadReading, scrubber: CredentialScrubber, query: String)
        -> ExchangeHead
    {
        let target = request.request
        var head = ExchangeHead(
            id: exchange.id, node: node, startedAtUs: exchange.startedAtUs, method: target.method,
            path: scrubber.masked(target.path))
        head.query = scrubber.masked(query)
        head.attribution = request.attribution(over: exchange.pathAttribution)
        head.keyID = scrubber.callerKey.map(hasher.name(of:))
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
        var body = RecordedBody(content: captured.kept == .none ? nil : captured.bytes, wireByteCount: captured.wireCount)
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
        arrivals.replace(
            zip(arrivals.items, [0] + produced.dropLast()).map { ChunkArrival(offset: Int64($1), timeUs: $0.timeUs) })
        return body
    }
}
