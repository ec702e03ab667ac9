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

    func record(of view: ExchangeView) -> ExchangeRecord { treatedRecord(of: view).record }

    /// The record, and what the view's treatment did to its bodies.
    func treatedRecord(of view: ExchangeView) -> (record: ExchangeRecord, effect: TreatmentEffect) {
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
        let masking = TextMasking(scrubber: scrubber, redactor: view.redactor)

        var record = ExchangeRecord(head: head(of: view, request: request, masking, query: query))
        record.head.keyID = keyID
        record.attempts = facts.attempts.map { RecordMaking.attempt($0, masking) }
        record.requestHeaders = masked(requestHeaders, by: masking)
        record.responseHeaders = masked(responseHeaders, by: masking)
        var bodies = BodyMaking(view, limits: limits)
        bodies.make(
            requestCoding: request.list("content-encoding"), responseCoding: response.list("content-encoding"),
            scrubber: scrubber)
        record.requestBody = bodies.request
        record.responseBody = bodies.response
        record.head.responseStream = bodies.isStream
        record.responseChunks = bodies.arrivals.items
        return (record, bodies.effect)
    }

    /// The record without its bodies, for a line that is longer than the log takes.
    func withoutBodies(_ record: ExchangeRecord, of view: ExchangeView) -> ExchangeRecord {
        var reduced = record
        RecordMaking.drop(&reduced.requestBody, captured: view.requestBody, isWhole: view.holdsWholeRequest)
        RecordMaking.drop(&reduced.responseBody, captured: view.responseBody, isWhole: view.holdsWholeResponse)
        reduced.responseChunks = []
        return reduced
    }

    private static func drop(_ body: inout RecordedBody, captured: ByteRun, isWhole: Bool) {
        guard body.wireByteCount > 0 else { return }
        if isWhole { body.sha256 = BodyDigest.hex(of: captured.array) }
        body.content = nil
        body.kept = .none
    }

    private func head(of view: ExchangeView, request: HeadReading, _ masking: TextMasking, query: String)
        -> ExchangeHead
    {
        let target = request.request
        let facts = view.facts
        var head = ExchangeHead(
            id: view.id, node: node, startedAtUs: view.startedAtUs, method: masking.scrubber.masked(target.method),
            path: masking.masked(target.path))
        head.query = masking.masked(query)
        head.attribution = masked(request.attribution(over: RecordMaking.pathAttribution(facts)), by: masking)
        let trace = request.trace
        head.traceID = trace.traceID.map(masking.scrubber.masked)
        head.parentSpanID = trace.parentSpanID.map(masking.scrubber.masked)
        head.clientRequestID = request.first("x-request-id").map(masking.masked)
        head.provider = masking.scrubber.masked(facts.provider.text)
        head.deployment = facts.deployment?.text
        head.api = facts.api.map { APIFamily(rawValue: $0.text) }
        head.upstreamURL = facts.upstreamURL.map { masking.masked($0.text) }
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

    private static func attempt(_ facts: ExchangeFacts.AttemptFacts, _ masking: TextMasking) -> Attempt {
        var attempt = Attempt(n: Int(clamping: facts.n), startedUs: facts.startedUs)
        attempt.deployment = facts.deployment?.text
        attempt.upstreamURL = facts.upstreamURL.map { masking.masked($0.text) }
        attempt.connectedUs = facts.connectedUs
        attempt.requestSentUs = facts.requestSentUs
        attempt.firstByteUs = facts.firstByteUs
        attempt.endedUs = facts.endedUs
        attempt.status = facts.status.map { Int(clamping: $0) }
        attempt.outcome = facts.outcome
        attempt.retryReason = facts.retryReason?.text
        return attempt
    }

    private func masked(_ attribution: Attribution, by masking: TextMasking) -> Attribution {
        var result = attribution
        result.environment = attribution.environment.map(masking.masked)
        result.task = masking.masked(attribution.task)
        result.metadata = attribution.metadata.map { (masking.scrubber.maskedName($0.name), masking.masked($0.value)) }
        return result
    }

    private func masked(_ headers: [HeaderPair], by masking: TextMasking) -> [HeaderPair] {
        headers.map { HeaderPair(masking.scrubber.masked($0.name), masking.masked($0.value)) }
    }
}
