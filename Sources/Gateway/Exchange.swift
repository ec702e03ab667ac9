// SPDX-License-Identifier: Apache-2.0
import Capture
import Dialects
import ExchangeModel
import HTTPWire
import NIOCore
import Upstream

/// One exchange between a caller's connection and a provider's: moves bytes both ways and tells the tap.
///
/// World: loop.
///
/// Order of calls: `start`, then `requestPayload` and `requestBody` as bytes come, while the provider's side calls the
/// `UpstreamReceiver` methods. It ends once, in `end`, and lets go of both sides. The caller may leave before that: then the
/// exchange is over at once, or, where the policy is to drain, it reads the answer on alone (`downstream` is nil).
final class Exchange: UpstreamReceiver {
    /// Where the exchange stands.
    enum Phase {
        /// The body is held until it is whole, for Weir signs it, or makes it ask for usage. Exits: `connecting`, `over`.
        case holding
        /// No connection yet. Exits: `awaitingHead`, `over`.
        case connecting
        /// The request is on its way. Exits: `connecting` (one resend), `answering`, `over`.
        case awaitingHead
        /// The answer's head has been passed on. Exit: `over`.
        case answering
        case over
    }

    let tap: CaptureTap
    let loop: GatewayLoop
    let head: RequestHead
    let route: Route
    var phase = Phase.connecting
    private(set) var downstream: DownstreamHandler?
    private var connection: UpstreamConnection?
    var request: RequestSending
    private var requestIsComplete = false
    private var requestByteCount = 0
    private var responseByteCount = 0
    private var removesChunking = false
    /// The caller gets payload without the provider's framing.
    private var writesPayload = false
    /// The caller knows the answer's end by the close alone: breaking off must not look like one.
    private var endsWithClose = false
    private var keepsAlive = true
    private var isFirstPayload = true
    private var isStream = false
    /// The tap's latest attempt is not over.
    private var isAttempting = false
    private var attemptCount = 0
    private var hasPassedContinue = false
    /// Of the held body's payload, while it is held.
    private var bodyHash: BodyHash?
    /// Both sides speak another protocol than HTTP since the answer's head.
    private var isTunnel = false
    /// When bytes last moved, on the tap's clock.
    private var lastProgressUs: Int64 = 0
    /// Since when, and how much, the answer has been read for nobody; nil as long as the caller is there.
    private var drain: AnswerDrain?
    private let facts: RouteFacts
    /// Bytes of the held body, framing included, counted in the loop's sum.
    var heldBytes = 0
    /// The body that is held because it may have to ask for its usage.
    var asking: UsageAsking?
    /// The provider was asked for usage that the caller had not asked for.
    var hasAsked = false
    /// Keeps what was asked for from the caller.
    var stripping: UsageStripping?
    /// When the request's first byte was written to a connection that was idle; nil where one had to be opened.
    private var forwardedUs: Int64?

    init(loop: GatewayLoop, downstream: DownstreamHandler, tap: CaptureTap, head: RequestHead, route: Route) {
        self.loop = loop
        self.downstream = downstream
        self.tap = tap
        self.head = head
        self.route = route
        request = RequestSending(limit: loop.limits.resendBytes)
        facts = loop.routeFacts.facts(of: route, metrics: loop.metrics)
        tap.exchange.provider = route.provider
        tap.exchange.keyID = route.keyID
        tap.exchange.api = route.api
        tap.exchange.pathAttribution = route.attribution
        tap.exchange.upstreamURL = facts.upstreamURL
        tap.checkpoint()
    }

    // MARK: The caller's side

    /// Whether more of the request may be read now.
    var acceptsRequestBytes: Bool {
        switch phase {
        case .holding: true
        case .connecting: false
        case .awaitingHead, .answering: connection?.isWritable ?? false
        case .over: true
        }
    }

    /// Whether a caller that has closed its sending side still waits for the answer: it had said that it would send no more.
    ///
    /// Any other caller that closes after its request has gone away, as every SDK does that gives up.
    var survivesHalfClose: Bool { phase != .over && requestIsComplete && !head.keepsAlive && !isTunnel }

    func start(allocator: ByteBufferAllocator) {
        if route.isSigned { return hold() }
        if route.usageOptIn != .off, holdsToAsk() { return }
        request.add(HeadRewriting.upstreamHead(head, route: route, allocator: allocator))
        beginAttempt(reason: nil, freshOnly: false)
    }

    /// Waits for the whole body, for its hash is part of the signature.
    private func hold() {
        phase = .holding
        bodyHash = BodyHash()
        if case .length(let count) = head.framing, count > loop.limits.signedBodyBytes {
            return fail(Exchange.bodyTooLarge(loop.limits.signedBodyBytes))
        }
        guard head.block.holds(.expect), let downstream else { return }
        hasPassedContinue = true
        downstream.write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
        downstream.flush()
    }

    /// The held body is whole: the head is made and the first attempt begins.
    private func signAndSend() {
        let hash = (bodyHash ?? BodyHash()).finish()
        bodyHash = nil
        let allocator = downstream?.allocator ?? ByteBufferAllocator()
        let seconds = (tap.exchange.startedAtUs + tap.nowUs()) / 1_000_000
        request.prepend(
            HeadRewriting.signedUpstreamHead(head, route: route, bodySHA256: hash, unixSeconds: seconds, allocator: allocator))
        beginAttempt(reason: nil, freshOnly: false)
    }

    func requestPayload(_ bytes: ByteBuffer) {
        unsafe bytes.withUnsafeReadableBytes {
            unsafe tap.requestBytes($0)
            if phase == .holding {
                unsafe bodyHash?.update($0)
                unsafe asking?.add($0)
            }
        }
        requestByteCount += bytes.readableBytes
    }

    func requestBody(_ piece: BodyPiece) {
        guard phase != .over else { return }
        let now = tap.nowUs()
        lastProgressUs = now
        guard requestByteCount <= loop.limits.bodyBytes || isTunnel else {
            return fail(Exchange.bodyTooLarge(loop.limits.bodyBytes))
        }
        if phase == .holding {
            if asking != nil { holdToAsk(piece) } else if let fault = hold(piece) { return fail(fault) }
        }
        request.add(piece.raw)
        if let ending = piece.ending { request.add(ending) }
        if !request.isSmall {
            // A large body leaves with every read: the provider works on it while the next one comes.
            flushRequest()
            connection?.flush()
        }
        guard piece.isComplete else { return }
        requestIsComplete = true
        tap.exchange.requestReceivedUs = now
        if phase == .holding {
            if let asking { return judgeAndSend(asking, ending: piece.ending) }
            return signAndSend()
        }
        if phase == .awaitingHead || phase == .answering {
            flushRequest()
            requestWasSent(now)
        }
    }

    /// Counts what is held, framing included, or names the limit that it is over.
    private func hold(_ piece: BodyPiece) -> Fault? {
        let count = piece.raw.readableBytes + (piece.ending?.readableBytes ?? 0)
        guard heldBytes + count <= loop.limits.signedBodyBytes else {
            return Exchange.bodyTooLarge(loop.limits.signedBodyBytes)
        }
        guard loop.holds(count) else {
            return Fault(
                .overloaded, "too many request bodies are held to be signed; send the request again in a moment")
        }
        heldBytes += count
        return nil
    }

    private static func bodyTooLarge(_ limit: Int) -> Fault {
        Fault(.bodyTooLarge, "the request body is larger than \(limit) bytes")
    }

    /// Hands what has gathered to the connection, where there is one.
    private func flushRequest() {
        guard let connection, phase == .awaitingHead || phase == .answering else { return }
        request.send(to: connection, isResendable: phase == .awaitingHead)
    }

    func flushUpstream() {
        flushRequest()
        connection?.flush()
    }

    func downstreamWritable() { connection?.resumeReading() }

    /// The caller went away: the provider's side is given up at once, or read to its end where that is the policy.
    func downstreamClosed() {
        guard phase != .over, drain == nil else { return }
        if requestIsComplete, !isTunnel, case .drain(let limits) = loop.limits.onClientClose {
            drain = AnswerDrain(limits: limits, startedAt: .now())
            loop.beganDraining(self)
            let caller = downstream
            downstream = nil
            caller?.callerGone()
            connection?.resumeReading()
            return
        }
        let open = connection
        end(.clientClosed) { $0.callerGone() }
        open?.cancel()
    }

    // MARK: Attempts

    func beginAttempt(reason: String?, freshOnly: Bool) {
        phase = .connecting
        attemptCount += 1
        let now = tap.nowUs()
        var begun = Attempt(n: attemptCount, startedUs: now)
        begun.upstreamURL = facts.upstreamURL
        begun.retryReason = reason
        tap.exchange.attempts.append(begun)
        isAttempting = true
        if !freshOnly, let idle = loop.pool.takeIdle(route.target) {
            loop.metrics.upstreamReused()
            forwardedUs = now
            return connected(idle, at: now)
        }
        loop.pool.connect(route.target) { [loop] result in
            switch result {
            case .success(let connection):
                loop.metrics.upstreamOpened()
                self.connected(connection, at: self.tap.nowUs())
                self.flushUpstream()
            case .failure(let error): self.upstreamFailed(error)
            }
        }
    }

    /// What is to be sent leaves with the next `flushUpstream`, so that a head and a small body are one packet.
    private func connected(_ connection: UpstreamConnection, at now: Int64) {
        guard phase == .connecting else { return connection.cancel() }
        self.connection = connection
        phase = .awaitingHead
        lastProgressUs = now
        tap.exchange.withLastAttempt { $0.connectedUs = now }
        connection.begin(self, isHead: head.isHead, mayUpgrade: head.wantsWebSocket)
        request.rewind()
        if requestIsComplete {
            flushRequest()
            requestWasSent(now)
        }
        downstream?.resumeReading()
    }

    private func requestWasSent(_ now: Int64) {
        connection?.requestComplete()
        tap.exchange.upstreamSentUs = now
        tap.exchange.withLastAttempt { $0.requestSentUs = now }
    }

    /// The attempt that runs is over, if one does.
    private func finishAttempt(_ outcome: Outcome, at now: Int64? = nil) {
        guard isAttempting else { return }
        isAttempting = false
        let now = now ?? tap.nowUs()
        tap.exchange.withLastAttempt { attempt in
            attempt.endedUs = now
            attempt.outcome = outcome
        }
    }

    // MARK: UpstreamReceiver

    var acceptsAnswerBytes: Bool { downstream?.isWritable ?? true }

    func upstreamInterim(_ head: ResponseHead) {
        if head.status == 100 { hasPassedContinue = true }
        guard let downstream, self.head.minorVersion >= 1 else { return }
        downstream.write(HeadRewriting.interimHead(head, allocator: downstream.allocator))
    }

    func upstreamHead(_ answer: ResponseHead) {
        guard phase == .awaitingHead else { return }
        phase = .answering
        letHeldGo()
        if hasAsked { beginStripping(answer) }
        noteAnswer(answer)
        isTunnel = answer.isUpgrade
        removesChunking = answer.framing == .chunked && head.minorVersion == 0
        writesPayload = removesChunking || stripping != nil
        endsWithClose = answer.framing == .untilClose || removesChunking
        // A caller that still waits for leave to send its body may send it or not: the next request could not be told from it.
        let mayStillSendBody = !requestIsComplete && head.block.holds(.expect) && !hasPassedContinue
        keepsAlive = head.keepsAlive && !loop.isDraining && !endsWithClose && !mayStillSendBody
        guard let downstream else { return }
        let needs = HeadRewriting.AnswerNeeds(
            closes: !keepsAlive && !isTunnel, removesChunking: removesChunking,
            confirmsKeepAlive: keepsAlive && head.minorVersion == 0, addsVia: route.addsVia)
        var told = HeadRewriting.Told(id: tap.id, provider: route.provider, attempts: attemptCount)
        told.streamUsage = streamUsageLine
        downstream.write(HeadRewriting.downstreamHead(answer, told: told, needs: needs, allocator: downstream.allocator))
        if isTunnel { downstream.beginTunnel() }
    }

    private func noteAnswer(_ answer: ResponseHead) {
        let now = tap.nowUs()
        lastProgressUs = now
        tap.exchange.firstByteUs = now
        tap.exchange.status = answer.status
        noteHead(answer.block)
        isStream = answer.isUpgrade || answer.block.first(.contentType).map(StreamDetection.isStreamType) ?? false
        tap.exchange.responseStream = isStream
        if answer.status >= 400 { tap.exchange.errorSource = .provider }
        tap.exchange.withLastAttempt { attempt in
            attempt.firstByteUs = now
            attempt.status = answer.status
        }
    }

    func upstreamPayload(_ bytes: ByteBuffer) {
        let now = tap.nowUs()
        lastProgressUs = now
        responseByteCount += bytes.readableBytes
        unsafe bytes.withUnsafeReadableBytes { unsafe tap.responseBytes($0, at: now) }
        if writesPayload { writePayload(bytes) }
        drain?.byteCount += bytes.readableBytes
        guard isFirstPayload else { return }
        isFirstPayload = false
        guard !isStream, let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self),
            !StreamDetection.isPlain(firstByte: first)
        else { return }
        // Some servers label an event stream as JSON: its first bytes tell.
        let prefix = bytes.getBytes(at: bytes.readerIndex, length: min(16, bytes.readableBytes)) ?? []
        tap.exchange.responseStream = StreamDetection.isStream(contentType: nil, bodyPrefix: prefix)
    }

    func upstreamBody(_ piece: BodyPiece) {
        guard phase == .answering else { return }
        if piece.isComplete {
            let now = tap.nowUs()
            tap.exchange.lastByteUs = now
            finishAttempt(.completed, at: now)
            // Before the caller can know that the answer is whole.
            tap.commit(drain == nil ? .completed : .clientClosed, at: now)
        }
        if writesPayload {
            if piece.isComplete { finishStripping(isWhole: true, ending: piece.ending) }
        } else if let downstream {
            if piece.raw.readableBytes > 0 { downstream.write(piece.raw) }
            if let ending = piece.ending { downstream.write(ending) }
        }
        if piece.isComplete { return end(.completed) { $0.exchangeEnded(keepsAlive: self.keepsAlive) } }
        if let drain, drain.byteCount > drain.limits.bytes { stopDraining() }
    }

    /// What runs on leaves with every read; the end of an answer leaves with others, through `exchangeEnded`.
    func upstreamReadComplete() { downstream?.flush() }

    func upstreamWritable() { downstream?.resumeReading() }

    func upstreamFailed(_ error: UpstreamError) {
        guard phase != .over else { return }
        loop.metrics.upstreamFailed(error.code)
        let reused = (connection?.served ?? 0) > 0
        connection = nil
        finishAttempt(.upstreamFailed)
        if phase == .awaitingHead, error.code == .closedEarly, !error.answerBegan, reused, request.canResend,
            attemptCount < 2, drain == nil
        {
            loop.metrics.resent()
            forwardedUs = nil
            return beginAttempt(reason: "reused_connection_closed", freshOnly: true)
        }
        if drain != nil { return end(.clientClosed) { _ in } }
        if phase == .answering { return breakAnswer(error) }
        // Refused before anything was sent: no attempt was made.
        if error.code == .addressNotAllowed || error.code == .tooManyConnections { tap.exchange.attempts.removeLast() }
        fail(Exchange.fault(for: error))
    }

    private static func fault(for error: UpstreamError) -> Fault {
        switch error.code {
        case .addressNotAllowed:
            Fault(.notAllowed, "\(error.message); the operator can allow it with --allow-private-upstreams")
        case .connectTimedOut, .lookupTimedOut, .tlsTimedOut, .proxyTimedOut: Fault(.upstreamTimeout, error.message)
        case .badAnswer, .closedEarly: Fault(.upstreamProtocolError, error.message)
        case .tooManyConnections: Fault(.overloaded, error.message)
        case .nameNotFound, .connectFailed, .tlsFailed, .proxyFailed, .badSettings: Fault(.upstreamUnreachable, error.message)
        }
    }

    /// The answer broke after its head: the caller's connection ends as the provider's did, and not like a whole answer.
    private func breakAnswer(_ error: UpstreamError) {
        tap.exchange.errorSource = .provider
        tap.exchange.errorCode = FaultCode.upstreamProtocolError.name
        end(.upstreamFailed) { $0.exchangeBroke(withReset: error.wasReset || self.endsWithClose) }
    }

    // MARK: Ending

    /// Answers a fault of Weir's own, where the answer has not begun; breaks the connection where it has.
    func fail(_ fault: Fault, closes: Bool = false) {
        guard phase != .over else { return }
        if drain != nil { return stopDraining() }
        let open = connection
        connection = nil
        open?.cancel()
        tap.exchange.errorSource = .gateway
        tap.exchange.errorCode = fault.code.name
        guard phase != .answering else {
            return end(fault.code.outcome == .timedOut ? .timedOut : .truncated) {
                $0.exchangeBroke(withReset: self.endsWithClose)
            }
        }
        tap.exchange.status = fault.code.status
        let keepsAlive = head.keepsAlive && !loop.isDraining && !closes
        // Refused is what never was attempted.
        let wasAttempted = fault.code.outcome == .refused && !tap.exchange.attempts.isEmpty
        end(wasAttempted ? .truncated : fault.code.outcome) { caller in
            caller.answer(
                fault, api: self.route.family, tap: self.tap, streamUsage: self.streamUsageLine, isHead: self.head.isHead,
                closes: !keepsAlive)
            caller.exchangeEnded(keepsAlive: keepsAlive)
        }
    }

    /// The answer is read no further for a caller that has gone.
    private func stopDraining() {
        let open = connection
        end(.clientClosed) { _ in }
        open?.cancel()
    }

    /// Ends the exchange: recorded first, then the caller's side is told how.
    private func end(_ outcome: Outcome, telling: (DownstreamHandler) -> Void) {
        guard phase != .over else { return }
        phase = .over
        finishAttempt(outcome)
        tap.commit(outcome)
        count(outcome)
        finishStripping(isWhole: false, tells: outcome != .clientClosed)
        connection = nil
        letHeldGo()
        if drain != nil { loop.endedDraining(self) }
        let caller = downstream
        downstream = nil
        if let caller { telling(caller) }
    }

    private func count(_ outcome: Outcome) {
        loop.metrics.ended(
            provider: facts.providerIndex, api: facts.apiIndex, status: tap.exchange.status ?? 0, outcome: outcome,
            forwardedUs: forwardedUs, upstreamSentUs: tap.exchange.upstreamSentUs, firstByteUs: tap.exchange.firstByteUs,
            endedUs: tap.exchange.endedUs ?? tap.nowUs(), requestBytes: requestByteCount, responseBytes: responseByteCount,
            attempts: attemptCount)
    }

    /// Ends what has waited, or taken, too long.
    func checkDeadline(_ now: NIODeadline) {
        guard phase != .over else { return }
        if let drain {
            if now - drain.startedAt > .milliseconds(drain.limits.milliseconds) { stopDraining() }
            return
        }
        let nowUs = tap.nowUs()
        if !isTunnel, nowUs / 1_000 > loop.limits.totalMilliseconds {
            return fail(
                Fault(.upstreamTimeout, "the exchange took longer than \(loop.limits.totalMilliseconds / 1_000) s in all"))
        }
        let waited = TimeAmount.microseconds(nowUs - lastProgressUs)
        switch phase {
        case .connecting, .over: break
        case .holding, .awaitingHead: checkRequest(waited, running: .microseconds(nowUs))
        case .answering:
            if acceptsAnswerBytes, waited > .milliseconds(loop.limits.answerIdleMilliseconds) {
                fail(Fault(.upstreamTimeout, "the provider's answer stalled"))
            } else if !acceptsAnswerBytes, waited > .milliseconds(loop.limits.stalledCallerMilliseconds) {
                callerStalled()
            }
        }
    }

    private func checkRequest(_ waited: TimeAmount, running: TimeAmount) {
        let limits = loop.limits
        if requestIsComplete {
            guard waited > .milliseconds(limits.firstByteMilliseconds) else { return }
            fail(Fault(.upstreamTimeout, "the provider sent no answer within \(limits.firstByteMilliseconds / 1_000) s"))
        } else if running > .milliseconds(limits.bodyMilliseconds) {
            fail(
                Fault(.requestTimeout, "the request body was not whole within \(limits.bodyMilliseconds / 1_000) s"), closes: true
            )
        } else if acceptsRequestBytes, waited > .milliseconds(limits.bodyIdleMilliseconds) {
            fail(
                Fault(.requestTimeout, "the request body stopped coming for \(limits.bodyIdleMilliseconds / 1_000) s"),
                closes: true)
        } else if !acceptsRequestBytes, waited > .milliseconds(limits.firstByteMilliseconds) {
            fail(
                Fault(
                    .upstreamTimeout, "the provider took no more of the request for \(limits.firstByteMilliseconds / 1_000) s"))
        }
    }

    /// A caller that takes nothing of its answer is treated as one that has gone.
    private func callerStalled() { downstreamClosed() }
}
