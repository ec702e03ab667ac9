// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Redaction

/// What the encoder works out of an exchange before it writes: heads, credentials, attribution, bodies without their codings.
///
/// World: thread; used again.
struct EncoderParts: ~Copyable {
    private(set) var request = HeadRuns()
    private(set) var response = HeadRuns()
    private(set) var callerKey: ByteRun?
    private(set) var method = ByteRun.empty
    private(set) var path = ByteRun.empty
    private(set) var query = ByteRun.empty
    private(set) var metadata: [(name: ByteRun, value: ByteRun)] = []
    private(set) var trace: (traceID: ByteRun, parentSpanID: ByteRun)?
    private(set) var requestCoding: ByteRun?
    private(set) var responseCoding: ByteRun?
    private(set) var requestBody: ByteRun?
    private(set) var responseBody: ByteRun?
    private(set) var requestKept = BodyKept.full
    private(set) var responseKept = BodyKept.full
    private(set) var requestSHA256: ByteRun?
    private(set) var responseSHA256: ByteRun?
    private(set) var isStream = false
    /// Arrivals by offsets of the body as it is stored, where `isMoved`.
    private(set) var arrivals = ArrivalLog()
    private(set) var isMoved = false
    /// What the treatment did to the bodies.
    private(set) var effect = TreatmentEffect()
    private var credentials = CredentialRuns()
    private var search = NeedleSearch()
    private var decodedRequest = ByteStore(capacity: 1_024)
    private var decodedResponse = ByteStore(capacity: 1_024)
    private var marked = ByteStore(capacity: 1_024)
    private var cutRequest = ByteStore(capacity: 64)
    private var cutResponse = ByteStore(capacity: 64)
    private var redactedRequest = ByteStore(capacity: 64)
    private var redactedResponse = ByteStore(capacity: 64)
    private var digests = ByteStore(capacity: 2 * BodyDigest.hexBytes)
    private static let keptBytes = 1 << 20
    /// Places of one credential in a head beyond which the exchange goes the careful way.
    private static let placesOfOne = 64

    /// Works it out; false where the exchange must go the careful way.
    mutating func prepare(_ view: ExchangeView, limits: CaptureLimits) -> Bool {
        credentials.reset()
        request.read(view.requestHead, credentials: &credentials)
        guard !request.hasOddity, let target = request.target, HeadRuns.isPlain(query: target.query) else { return false }
        (method, path, query) = target
        callerKey = credentials.callerKey
        response.read(view.responseHead, credentials: &credentials)
        guard !response.hasOddity, gatherMetadata(view.facts), readTrace(), prepareBodies(view, limits: limits), isClean(view)
        else { return false }
        if let redactor = view.redactor, !redact(view, redactor) { return false }
        // What is to be masked may lie where a body is cut: looked for before.
        if !view.treatment.isNothing { treatBodies(view) }
        return true
    }

    // MARK: Attribution

    /// The metadata of the path under that of the headers, by name; false where a name is unusual.
    private mutating func gatherMetadata(_ facts: ExchangeFacts) -> Bool {
        metadata.removeAll(keepingCapacity: true)
        for item in facts.metadata {
            guard item.name.isASCII, !item.name.hasCapitals else { return false }
            insert(item.name, item.value)
        }
        let prefix = HeadRuns.metadataPrefix.utf8CodeUnitCount
        for index in request.metadataLines {
            let line = request.lines[index]
            insert(line.name.slice(prefix, line.name.count), line.value)
        }
        return true
    }

    /// Keeps the list sorted by lower-cased name; the later of two equal names wins.
    private mutating func insert(_ name: ByteRun, _ value: ByteRun) {
        var at = metadata.count
        while at > 0 {
            let order = metadata[at - 1].name.compareIgnoringCase(name)
            if order == 0 {
                metadata[at - 1].value = value
                return
            }
            if order < 0 { break }
            at -= 1
        }
        metadata.insert((name, value), at: at)
    }

    /// Takes a `traceparent` of the usual shape apart; false where it is none that this can judge.
    private mutating func readTrace() -> Bool {
        trace = nil
        guard let value = request.traceparent else { return true }
        func dash(_ i: Int) -> Bool { unsafe value.base.load(fromByteOffset: i, as: UInt8.self) == 0x2D }
        guard value.count == 55, dash(2), dash(35), dash(52) else { return false }
        guard value.slice(0, 2).equals(ByteRun("00")) else { return value.dashCount == 3 }
        let (traceID, span) = (value.slice(3, 35), value.slice(36, 52))
        guard traceID.isLowerHex, span.isLowerHex else { return value.dashCount == 3 }
        trace = (traceID, span)
        return value.dashCount == 3
    }

    // MARK: Bodies

    private mutating func prepareBodies(_ view: ExchangeView, limits: CaptureLimits) -> Bool {
        let facts = view.facts
        requestCoding = EncoderParts.coding(request.contentEncoding)
        responseCoding = EncoderParts.coding(response.contentEncoding)
        (requestKept, responseKept) = (facts.requestKept, facts.responseKept)
        (requestSHA256, responseSHA256) = (facts.requestSHA256, facts.responseSHA256)
        (requestBody, responseBody) = (nil, nil)
        effect = TreatmentEffect()
        isMoved = false
        guard view.treatment.keepsBodies else { return leaveBodiesOut(view) }
        guard view.requestTail.isEmpty, view.responseTail.isEmpty else { return false }
        requestBody = facts.requestWireCount == 0 || facts.requestKept == .none ? nil : view.requestBody
        responseBody = facts.responseWireCount == 0 || facts.responseKept == .none ? nil : view.responseBody
        guard decodeBodies(view, limits) else { return false }
        isStream = StreamFact.isStream(facts.responseStream, body: responseBody)
        if facts.responseKept != .full {
            if !isMoved { arrivals = view.arrivals }
            isMoved = true
            arrivals.cut(at: responseBody?.count ?? 0)
        }
        return true
    }

    /// Undoes the content codings; false where that cut a body.
    private mutating func decodeBodies(_ view: ExchangeView, _ limits: CaptureLimits) -> Bool {
        if let coding = requestCoding, let body = requestBody {
            var none = ArrivalLog()
            decodedRequest.reset(keeping: EncoderParts.keptBytes)
            guard let isDecoded = EncoderParts.decode(body, coding, limits, &none, into: &decodedRequest) else { return false }
            if isDecoded { requestBody = decodedRequest.run }
        }
        if let coding = responseCoding, let body = responseBody {
            arrivals = view.arrivals
            isMoved = true
            decodedResponse.reset(keeping: EncoderParts.keptBytes)
            guard let isDecoded = EncoderParts.decode(body, coding, limits, &arrivals, into: &decodedResponse) else {
                return false
            }
            if isDecoded { responseBody = decodedResponse.run }
        }
        return true
    }

    // MARK: Treatment

    /// Lengths and digests stay of the bodies.
    private mutating func leaveBodiesOut(_ view: ExchangeView) -> Bool {
        let facts = view.facts
        isStream = StreamFact.isStream(facts.responseStream, wire: view.responseBody, coding: responseCoding)
        arrivals.reset()
        isMoved = true
        digests.count = 0
        digests.reserve(2 * BodyDigest.hexBytes)
        if facts.requestWireCount > 0 {
            if view.holdsWholeRequest { requestSHA256 = digest(view.requestBody) }
            requestKept = .none
            effect.hasLeftOut = true
        }
        if facts.responseWireCount > 0 {
            if view.holdsWholeResponse { responseSHA256 = digest(view.responseBody) }
            responseKept = .none
            effect.hasLeftOut = true
        }
        return true
    }

    /// The digest of the bytes as they were on the wire; room for two was taken.
    private mutating func digest(_ wire: ByteRun) -> ByteRun {
        let start = digests.count
        let hex = BodyDigest.hex(of: wire)
        unsafe hex.withUnsafeBytes { digests.append(unsafe ByteRun($0)) }
        return digests.run.slice(start, digests.count)
    }

    /// Cuts bodies that are longer than they shall be stored.
    private mutating func treatBodies(_ view: ExchangeView) {
        guard view.treatment.keepsBodies else { return }
        digests.count = 0
        digests.reserve(2 * BodyDigest.hexBytes)
        if let body = requestBody, let limit = view.treatment.requestCut(body.count) {
            let isWhole = view.holdsWholeRequest
            if isWhole { requestSHA256 = digest(view.requestBody) }
            _ = EncoderParts.store(BodyCut(body, keeping: limit, isWhole: isWhole), in: &cutRequest)
            requestBody = cutRequest.run
            requestKept = .headTail
            effect.hasCutRequest = true
        }
        if let body = responseBody, let limit = view.treatment.answerCut(body.count) {
            let isWhole = view.holdsWholeResponse
            if isWhole { responseSHA256 = digest(view.responseBody) }
            let headCount = EncoderParts.store(BodyCut(body, keeping: limit, isWhole: isWhole), in: &cutResponse)
            if !isMoved { arrivals = view.arrivals }
            isMoved = true
            arrivals.cut(head: headCount, tail: cutResponse.count - headCount, of: body.count)
            responseBody = cutResponse.run
            responseKept = .headTail
            effect.hasCutAnswer = true
        }
    }

    // MARK: Personal data

    /// Replaces it in bodies; false where it stands anywhere else.
    private mutating func redact(_ view: ExchangeView, _ redactor: DataRedactor) -> Bool {
        guard !holdsPersonalData(view.facts, redactor) else { return false }
        var counts = RedactionCounts()
        if let body = requestBody {
            let edits = redactor.edits(in: body, isStream: false)
            if !edits.isEmpty {
                redactedRequest.reset(keeping: EncoderParts.keptBytes)
                edits.apply(to: body, into: &redactedRequest)
                requestBody = redactedRequest.run
                counts.add(edits.counts)
            }
        }
        if let body = responseBody {
            let edits = redactor.edits(in: body, isStream: isStream)
            if !edits.isEmpty {
                redactedResponse.reset(keeping: EncoderParts.keptBytes)
                edits.apply(to: body, into: &redactedResponse)
                responseBody = redactedResponse.run
                if !isMoved { arrivals = view.arrivals }
                isMoved = true
                arrivals.move { edits.moved($0) }
                counts.add(edits.counts)
            }
        }
        redactor.note(counts)
        return true
    }

    /// Whether it stands outside of the bodies.
    private func holdsPersonalData(_ facts: ExchangeFacts, _ redactor: DataRedactor) -> Bool {
        if redactor.finds(in: path) || redactor.finds(in: query) { return true }
        for line in request.lines where redactor.finds(in: line.shown) { return true }
        for line in response.lines where redactor.finds(in: line.shown) { return true }
        for item in metadata where redactor.finds(in: item.value) { return true }
        if redactor.finds(in: facts.environment) || redactor.finds(in: facts.task) || redactor.finds(in: facts.upstreamURL) {
            return true
        }
        return facts.attempts.contains { redactor.finds(in: $0.upstreamURL) }
    }

    private static func store(_ cut: BodyCut, in store: inout ByteStore) -> Int {
        store.reset(keeping: keptBytes)
        store.append(cut.head)
        store.append(cut.tail)
        return cut.head.count
    }

    private static func coding(_ header: ByteRun?) -> ByteRun? {
        guard let header, !header.isEmpty, !header.equalsIgnoringCase("identity") else { return nil }
        return header
    }

    /// Whether the body was decoded; nil where it was cut, which changes what is said of it.
    private static func decode(
        _ body: ByteRun, _ coding: ByteRun, _ limits: CaptureLimits, _ arrivals: inout ArrivalLog, into store: inout ByteStore
    ) -> Bool? {
        let name = coding.text.lowercased()
        guard let decoded = BodyDecoding(body.array, coding: name, limit: limits.decodedBytes, arrivals: &arrivals) else {
            return false
        }
        guard !decoded.isCut else { return nil }
        unsafe decoded.bytes.withUnsafeBytes { unsafe store.append(ByteRun($0)) }
        return true
    }

    // MARK: Credentials

    /// Whether no credential stands anywhere but in the header values that are replaced anyway.
    private mutating func isClean(_ view: ExchangeView) -> Bool {
        for credential in credentials.found where credential.count >= CredentialScrubber.shortestSearched {
            guard isClean(view, of: credential) else { return false }
        }
        for form in credentials.forms where form.count >= CredentialScrubber.shortestSearched {
            guard unsafe form.withUnsafeBytes({ unsafe isClean(view, of: ByteRun($0)) }) else { return false }
        }
        return true
    }

    private mutating func isClean(_ view: ExchangeView, of credential: ByteRun) -> Bool {
        search.prepare(credential)
        guard isClean(view.requestHead), isClean(view.responseHead), isClean(view.facts, credential),
            isClean(marksOf: request, credential), isClean(marksOf: response, credential)
        else { return false }
        guard isClean(body: requestBody, isWhole: view.holdsWholeRequest),
            isClean(body: responseBody, isWhole: view.holdsWholeResponse)
        else { return false }
        // A name is searched once it is lower case: not here.
        for item in metadata where item.name.count >= credential.count { return false }
        return true
    }

    /// Whether a body holds none, nor ends within one where it goes on and is not held.
    private mutating func isClean(body: ByteRun?, isWhole: Bool) -> Bool {
        guard let body else { return true }
        guard search.first(in: body) == nil else { return false }
        return isWhole || search.beginning(atEndOf: body) < CredentialScrubber.shortestSearched
    }

    private mutating func isClean(_ head: ByteRun) -> Bool {
        var from = 0
        var places = 0
        while let at = search.first(in: head, from: from) {
            let place = unsafe head.base + at
            let length = search.count
            guard unsafe request.isRedacted(place, count: length) || response.isRedacted(place, count: length) else {
                return false
            }
            from = at + 1
            places += 1
            // A credential that repeats itself, made to be found at every byte.
            if places > EncoderParts.placesOfOne { return false }
        }
        return true
    }

    private mutating func isClean(_ facts: ExchangeFacts, _ credential: ByteRun) -> Bool {
        func holds(_ text: ByteRun?) -> Bool {
            guard let text, text.count >= credential.count else { return false }
            return search.first(in: text) != nil
        }
        if holds(facts.upstreamURL) || holds(facts.environment) || holds(facts.task) || holds(facts.provider) { return false }
        for item in facts.metadata where holds(item.value) { return false }
        for attempt in facts.attempts where holds(attempt.upstreamURL) { return false }
        return true
    }

    /// Whether what stands in a credential's place does not hold one by chance.
    private mutating func isClean(marksOf head: HeadRuns, _ credential: ByteRun) -> Bool {
        let mark = ByteRun("[redacted]")
        for line in head.lines where line.keptBeforeMark >= 0 && line.keptBeforeMark + mark.count >= credential.count {
            marked.count = 0
            marked.append(line.value.slice(0, line.keptBeforeMark))
            marked.append(mark)
            if search.first(in: marked.run) != nil { return false }
        }
        return true
    }
}

extension ByteRun {
    fileprivate var hasCapitals: Bool {
        for i in 0..<count {
            let byte = unsafe base.load(fromByteOffset: i, as: UInt8.self)
            if byte >= 0x41, byte <= 0x5A { return true }
        }
        return false
    }

    fileprivate var isLowerHex: Bool {
        for i in 0..<count {
            let byte = unsafe base.load(fromByteOffset: i, as: UInt8.self)
            guard byte >= 0x30 && byte <= 0x39 || byte >= 0x61 && byte <= 0x66 else { return false }
        }
        return true
    }

    fileprivate var dashCount: Int {
        var found = 0
        for i in 0..<count where unsafe base.load(fromByteOffset: i, as: UInt8.self) == 0x2D { found += 1 }
        return found
    }

    /// Below, at or above zero as it sorts before, with or after another by lower-cased bytes.
    fileprivate func compareIgnoringCase(_ other: ByteRun) -> Int {
        func folded(_ run: ByteRun, _ i: Int) -> Int {
            let byte = unsafe run.base.load(fromByteOffset: i, as: UInt8.self)
            return Int(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
        }
        for i in 0..<min(count, other.count) {
            let difference = folded(self, i) - folded(other, i)
            if difference != 0 { return difference }
        }
        return count - other.count
    }
}
