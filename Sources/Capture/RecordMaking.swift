// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Redaction

/// Turns an exchange into a record by plain values: heads read, content codings undone, credentials taken out.
///
/// World: thread. The careful way: for exchanges that `LineEncoder` does not take, for recovery, and the oracle of both.
struct RecordMaking: Sendable {
    let node: String
    let hasher: KeyHasher
    let limits: CaptureLimits

    func record(of view: ExchangeView) -> ExchangeRecord {
        let facts = view.facts
        let request = HeadReading(view.requestHead.array)
        let response = HeadReading(view.responseHead.array)
        var scrubber = CredentialScrubber()
        var requestHeaders = request.headers
        var responseHeaders = response.headers
        scrubber.redact(&requestHeaders)
        let query = scrubber.redactedQuery(request.request.query)
        // Told by the request alone, whatever the answer's headers hold.
        let keyID = facts.keyID.map { $0.isEmpty ? nil : $0.text } ?? scrubber.callerKey.map(hasher.name(of:))
        scrubber.redact(&responseHeaders)

        var record = ExchangeRecord(head: head(of: view, request: request, scrubber: scrubber, query: query))
        record.head.keyID = keyID
        record.attempts = facts.attempts.map { RecordMaking.attempt($0, scrubber: scrubber) }
        record.requestHeaders = masked(requestHeaders, by: scrubber)
        record.responseHeaders = masked(responseHeaders, by: scrubber)
        var arrivals = ArrivalLog()
        record.requestBody = body(
            view.requestBody, wireCount: facts.requestWireCount, kept: facts.requestKept, sha256: facts.requestSHA256?.text,
            coding: request.list("content-encoding"), arrivals: &arrivals)
        arrivals = view.arrivals
        record.responseBody = body(
            view.responseBody, wireCount: facts.responseWireCount, kept: facts.responseKept,
            sha256: facts.responseSHA256?.text, coding: response.list("content-encoding"), arrivals: &arrivals)
        if let content = record.responseBody.content {
            record.head.responseStream = unsafe content.withUnsafeBytes {
                unsafe StreamFact.isStream(facts.responseStream, body: ByteRun($0))
            }
        }
        if record.responseBody.kept != .full { arrivals.cut(at: record.responseBody.content?.count ?? 0) }
        record.responseChunks = arrivals.items
        mask(&record.requestBody, by: scrubber)
        mask(&record.responseBody, by: scrubber)
        return record
    }

    /// The record without its bodies, for a line that is longer than the log takes.
    func withoutBodies(_ record: ExchangeRecord, of view: ExchangeView) -> ExchangeRecord {
        var reduced = record
        RecordMaking.drop(&reduced.requestBody, captured: view.requestBody, kept: view.facts.requestKept)
        RecordMaking.drop(&reduced.responseBody, captured: view.responseBody, kept: view.facts.responseKept)
        reduced.responseChunks = []
        return reduced
    }

    private static func drop(_ body: inout RecordedBody, captured: ByteRun, kept: BodyKept) {
        guard body.wireByteCount > 0 else { return }
        if kept == .full { body.sha256 = BodyDigest.hex(of: captured.array) }
        body.content = nil
        body.kept = .none
    }

    private func head(of view: ExchangeView, request: HeadReading, scrubber: CredentialScrubber, query: String)
        -> ExchangeHead
    {
        let target = request.request
        let facts = view.facts
        var head = ExchangeHead(
            id: view.id, node: node, startedAtUs: view.startedAtUs, method: scrubber.masked(target.method),
            path: scrubber.masked(target.path))
        head.query = scrubber.masked(query)
        head.attribution = masked(request.attribution(over: RecordMaking.pathAttribution(facts)), by: scrubber)
        let trace = request.trace
        head.traceID = trace.traceID.map(scrubber.masked)
        head.parentSpanID = trace.parentSpanID.map(scrubber.masked)
        head.clientRequestID = request.first("x-request-id").map(scrubber.masked)
        head.provider = scrubber.masked(facts.provider.text)
        head.deployment = facts.deployment?.text
        head.api = facts.api.map { APIFamily(rawValue: $0.text) }
        head.upstreamURL = facts.upstreamURL.map { scrubber.masked($0.text) }
        head.status = facts.status.map { Int(clamping: $0) }
        head.outcome = facts.outcome
        head.errorSource = facts.errorSource
        head.errorCode = facts.errorCode?.text
        head.requestReceivedUs = facts.requestReceivedUs
        head.upstreamSentUs = facts.upstreamSentUs
        head.firstByteUs = facts.firstByteUs
        head.lastByteUs = facts.lastByteUs
        head.endedUs = facts.endedUs
        head.responseStream = facts.responseStream
        return head
    }

    private static func pathAttribution(_ facts: ExchangeFacts) -> Attribution {
        var path = Attribution()
        path.environment = facts.environment?.text
        if let task = facts.task { path.task = task.text }
        path.metadata = facts.metadata.map { ($0.name.text, $0.value.text) }
        return path
    }

    private static func attempt(_ facts: ExchangeFacts.AttemptFacts, scrubber: CredentialScrubber) -> Attempt {
        var attempt = Attempt(n: Int(clamping: facts.n), startedUs: facts.startedUs)
        attempt.deployment = facts.deployment?.text
        attempt.upstreamURL = facts.upstreamURL.map { scrubber.masked($0.text) }
        attempt.connectedUs = facts.connectedUs
        attempt.requestSentUs = facts.requestSentUs
        attempt.firstByteUs = facts.firstByteUs
        attempt.endedUs = facts.endedUs
        attempt.status = facts.status.map { Int(clamping: $0) }
        attempt.outcome = facts.outcome
        attempt.retryReason = facts.retryReason?.text
        return attempt
    }

    private func masked(_ attribution: Attribution, by scrubber: CredentialScrubber) -> Attribution {
        var result = attribution
        result.environment = attribution.environment.map(scrubber.masked)
        result.task = scrubber.masked(attribution.task)
        result.metadata = attribution.metadata.map { (scrubber.maskedName($0.name), scrubber.masked($0.value)) }
        return result
    }

    private func masked(_ headers: [HeaderPair], by scrubber: CredentialScrubber) -> [HeaderPair] {
        headers.map { HeaderPair(scrubber.masked($0.name), scrubber.masked($0.value)) }
    }

    private func mask(_ body: inout RecordedBody, by scrubber: CredentialScrubber) {
        guard var content = body.content else { return }
        body.content = nil
        scrubber.mask(&content)
        body.content = content
    }

    /// Undoes the content coding of a body kept in full; arrival offsets move with it.
    private func body(
        _ held: ByteRun, wireCount: Int64, kept: BodyKept, sha256: String?, coding: String?, arrivals: inout ArrivalLog
    ) -> RecordedBody {
        let captured = held.array
        var body = RecordedBody(content: wireCount == 0 || kept == .none ? nil : captured, wireByteCount: wireCount)
        body.kept = kept
        body.sha256 = sha256
        guard let name = BodyDecoding.name(coding) else { return body }
        body.contentCoding = name
        guard let content = body.content,
            let decoded = BodyDecoding(content, coding: name, limit: limits.decodedBytes, arrivals: &arrivals)
        else { return body }
        body.content = decoded.bytes
        if decoded.isCut, body.kept == .full {
            body.kept = .headTail
            body.sha256 = BodyDigest.hex(of: captured)
        }
        return body
    }
}
