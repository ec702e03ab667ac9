// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Redaction

/// The bodies of an exchange by plain values: content codings undone, credentials masked, then cut or left out.
///
/// World: thread; part of the careful way.
struct BodyMaking {
    private(set) var request = RecordedBody()
    private(set) var response = RecordedBody()
    private(set) var arrivals = ArrivalLog()
    private(set) var isStream = false
    private(set) var effect = TreatmentEffect()
    private let view: ExchangeView
    private let limits: CaptureLimits

    init(_ view: ExchangeView, limits: CaptureLimits) {
        self.view = view
        self.limits = limits
    }

    mutating func make(requestCoding: String?, responseCoding: String?, scrubber: CredentialScrubber) {
        let facts = view.facts
        let requestName = BodyDecoding.name(requestCoding)
        let responseName = BodyDecoding.name(responseCoding)
        guard view.treatment.keepsBodies else { return leaveOut(requestName, responseName) }
        var none = ArrivalLog()
        var made = BodyMaking.Made(
            held: view.requestBody, tail: view.requestTail, wireCount: facts.requestWireCount, kept: facts.requestKept,
            sha256: facts.requestSHA256?.text, coding: requestName, hasEnd: view.hasRequestEnd)
        effect.hasCutDecoded = made.decode(limits, &none)
        made.mask(scrubber)
        made.redact(view.redactor, isStream: false, &none)
        effect.hasCutRequest = made.cut(to: view.treatment.requestCut(made.count), &none)
        request = made.body

        arrivals = view.arrivals
        made = BodyMaking.Made(
            held: view.responseBody, tail: view.responseTail, wireCount: facts.responseWireCount, kept: facts.responseKept,
            sha256: facts.responseSHA256?.text, coding: responseName, hasEnd: view.hasResponseEnd)
        if made.decode(limits, &arrivals) { effect.hasCutDecoded = true }
        isStream = made.isStream(facts.responseStream)
        made.noteTail(facts.lastByteUs ?? view.lastArrivalUs, &arrivals)
        made.mask(scrubber)
        made.redact(view.redactor, isStream: isStream, &arrivals)
        effect.hasCutAnswer = made.cut(to: view.treatment.answerCut(made.count), &arrivals)
        response = made.body
    }

    private mutating func leaveOut(_ requestCoding: String?, _ responseCoding: String?) {
        let facts = view.facts
        let coding = responseCoding.map { Array($0.utf8) }
        if let coding {
            isStream = unsafe coding.withUnsafeBytes {
                unsafe StreamFact.isStream(facts.responseStream, wire: view.responseBody, coding: ByteRun($0))
            }
        } else {
            isStream = StreamFact.isStream(facts.responseStream, wire: view.responseBody, coding: nil)
        }
        func emptied(_ wireCount: Int64, _ isWhole: Bool, _ sha256: String?, _ held: ByteRun, _ coding: String?) -> RecordedBody {
            var body = RecordedBody(content: nil, wireByteCount: wireCount, contentCoding: coding)
            guard wireCount > 0 else { return body }
            body.kept = .none
            body.sha256 = isWhole ? BodyDigest.hex(of: held.array) : sha256
            return body
        }
        request = emptied(
            facts.requestWireCount, view.holdsWholeRequest, facts.requestSHA256?.text, view.requestBody, requestCoding)
        response = emptied(
            facts.responseWireCount, view.holdsWholeResponse, facts.responseSHA256?.text, view.responseBody, responseCoding)
        effect.hasLeftOut = facts.requestWireCount > 0 || facts.responseWireCount > 0
    }
}

extension BodyMaking {
    /// One body on its way.
    private struct Made {
        var body: RecordedBody
        private let held: ByteRun
        /// The body's last bytes, where its middle is not held.
        private var tail: [UInt8] = []
        /// Bytes that may be stored of a body whose middle is not held.
        private var heldLimit: Int?
        /// Whether the body's end came, held or not.
        private let hasEnd: Bool

        init(
            held: ByteRun, tail: ByteRun, wireCount: Int64, kept: BodyKept, sha256: String?, coding: String?, hasEnd: Bool
        ) {
            self.held = held
            self.hasEnd = hasEnd
            body = RecordedBody(
                content: wireCount == 0 || kept == .none ? nil : held.array, wireByteCount: wireCount, contentCoding: coding)
            body.kept = kept
            body.sha256 = sha256
            // The end of a body that cannot be decoded from the middle on is of no use.
            guard kept == .headTail, !tail.isEmpty, coding == nil else { return }
            heldLimit = held.count
            self.tail = tail.array
            guard Int64(held.count + tail.count) == wireCount else { return }
            // Nothing is missing: it is only too long.
            body.content = held.array + tail.array
            self.tail = []
        }

        /// Bytes that there are, before a cut.
        var count: Int { (body.content?.count ?? 0) + tail.count }

        /// Undoes the content coding; true where the limit cut what came of it.
        mutating func decode(_ limits: CaptureLimits, _ arrivals: inout ArrivalLog) -> Bool {
            guard let name = body.contentCoding, let content = body.content,
                let decoded = BodyDecoding(content, coding: name, limit: limits.decodedBytes, arrivals: &arrivals)
            else { return false }
            body.content = decoded.bytes
            if decoded.isCut, body.kept == .full {
                if hasEnd { body.sha256 = BodyDigest.hex(of: held.array) }
                body.kept = .headTail
            }
            return decoded.isCut
        }

        func isStream(_ isLabelled: Bool) -> Bool {
            guard let content = body.content else { return isLabelled }
            return unsafe content.withUnsafeBytes { unsafe StreamFact.isStream(isLabelled, body: ByteRun($0)) }
        }

        /// The arrivals of the end were not noted one by one: all of it was there with the last.
        func noteTail(_ lastUs: Int64?, _ arrivals: inout ArrivalLog) {
            if body.kept != .full { arrivals.cut(at: heldLimit ?? body.content?.count ?? 0) }
            if heldLimit != nil, let lastUs { arrivals.note(offset: Int64(held.count), timeUs: lastUs) }
        }

        mutating func mask(_ scrubber: CredentialScrubber) {
            guard var content = body.content else { return }
            body.content = nil
            // What goes on and is not held may go on within a credential.
            let isWhole = hasEnd && (body.kept == .full || heldLimit != nil) && tail.isEmpty
            scrubber.mask(&content, isCutAtEnd: !isWhole)
            body.content = content
            scrubber.mask(&tail, isCutAtStart: true)
        }

        mutating func redact(_ redactor: DataRedactor?, isStream: Bool, _ arrivals: inout ArrivalLog) {
            guard let redactor, var content = body.content else { return }
            body.content = nil
            redactor.redact(&content, isStream: isStream, &arrivals)
            body.content = content
            var none = ArrivalLog()
            redactor.redact(&tail, isStream: isStream, &none)
        }

        /// Cuts it where a limit is given, or where its middle is not held; true where a limit did it.
        mutating func cut(to limit: Int?, _ arrivals: inout ArrivalLog) -> Bool {
            guard let content = body.content, limit != nil || heldLimit != nil else { return false }
            let most = min(limit ?? Int.max, heldLimit.map { tail.isEmpty ? $0 : $0 + tail.count } ?? Int.max)
            let isWhole = hasEnd && (body.kept == .full || heldLimit != nil)
            let (stored, headCount) = unsafe content.withUnsafeBytes { content in
                unsafe tail.withUnsafeBytes { tail in
                    let run = unsafe ByteRun(content)
                    let end = unsafe ByteRun(tail)
                    let cut =
                        end.isEmpty
                        ? BodyCut(run, keeping: most, isWhole: isWhole) : BodyCut(head: run, tail: end, keeping: most)
                    return (cut.head.array + cut.tail.array, cut.head.count)
                }
            }
            if body.kept == .full, hasEnd { body.sha256 = BodyDigest.hex(of: held.array) }
            body.kept = .headTail
            arrivals.cut(head: headCount, tail: stored.count - headCount, of: count)
            body.content = stored
            tail = []
            return limit != nil
        }
    }
}
