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
/// `UpstreamReceiver` methods. It ends once, in `end`, and lets go of both sides.
final class Exchange: UpstreamReceiver {
    /// Where the exchange stands.
    private enum Phase {
        /// No connection yet. Exits: `awaitingHead`, `over`.
        case connecting
        /// The request is on its way. Exits: `connecting` (one resend), `answering`, `over`.
        case awaitingHead
        /// The answer's head has been passed on. Exit: `over`.
        case answering
        case over
    }

    let tap: CaptureTap
    private let loop: GatewayLoop
    private let head: RequestHead
    private let route: Route
    private var downstream: DownstreamHandler?
    private var connection: UpstreamConnection?
    private var phase = Phase.connecting
    /// All request bytes so far, for the connection that is being opened and for one resend; nil once there are too many.
    private var held: [ByteBuffer]? = []
    private var heldBytes = 0
    private var requestIsComplete = false
    private var requestByteCount = 0
    private var removesChunking = false
    /// The caller knows the answer's end by the close alone: breaking off must not look like one.
    private var endsWithClose = false
    private var keepsAlive = true
    private var isFirstPayload = true
    private var lastProgress = NIODeadline.now()

    init(loop: GatewayLoop, downstream: DownstreamHandler, tap: CaptureTap, head: RequestHead, route: Route) {
        self.loop = loop
        self.downstream = downstream
        flushTarget = downstream
        self.tap = tap
        self.head = head
        self.route = route
        tap.exchange.provider = route.provider
        tap.exchange.api = route.api
        tap.exchange.pathAttribution = route.attribution
        tap.exchange.upstreamURL = route.upstreamURL
        tap.checkpoint()
    }

    // MARK: The caller's side

    /// Whether more of the request may be read now.
    var acceptsRequestBytes: Bool {
        switch phase {
        case .connecting: false
        case .awaitingHead, .answering: connection?.isWritable ?? false
        case .over: true
        }
    }

    func start(allocator: ByteBufferAllocator) {
        hold(HeadRewriting.upstreamHead(head, route: route, allocator: allocator))
        beginAttempt(reason: nil, freshOnly: false)
    }

    func requestPayload(_ bytes: ByteBuffer) {
        unsafe bytes.withUnsafeReadableBytes { unsafe tap.requestBytes($0) }
        requestByteCount += bytes.readableBytes
    }

    func requestBody(_ piece: BodyPiece) {
        guard phase != .over else { return }
        lastProgress = .now()
        guard requestByteCount <= loop.limits.bodyBytes else {
            return fail(Fault(.bodyTooLarge, "the request body is larger than \(loop.limits.bodyBytes) bytes"))
        }
        send(piece.raw)
        if let ending = piece.ending { send(ending) }
        guard piece.isComplete else { return }
        requestIsComplete = true
        tap.exchange.requestReceivedUs = tap.nowUs()
        if phase == .awaitingHead || phase == .answering { requestWasSent() }
    }

    private func send(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        if phase != .answering { hold(bytes) }
        if phase == .awaitingHead || phase == .answering { connection?.write(bytes) }
    }

    private func hold(_ bytes: ByteBuffer) {
        heldBytes += bytes.readableBytes
        // While connecting nothing may be lost; reads are stopped then, so that this stays within one read.
        if heldBytes <= loop.limits.resendBytes || phase == .connecting { held?.append(bytes) } else { held = nil }
    }

    func flushUpstream() { connection?.flush() }

    func downstreamWritable() { connection?.resumeReading() }

    /// The caller went away: the provider's side is given up at once.
    func downstreamClosed() {
        guard phase != .over else { return }
        let open = connection
        end(.clientClosed) { $0.callerGone() }
        open?.cancel()
    }

    // MARK: Attempts

    private func beginAttempt(reason: String?, freshOnly: Bool) {
        phase = .connecting
        var attempt = Attempt(n: tap.exchange.attempts.count + 1, startedUs: tap.nowUs())
        attempt.upstreamURL = tap.exchange.upstreamURL
        attempt.retryReason = reason
        tap.exchange.attempts.append(attempt)
        if !freshOnly, let idle = loop.pool.takeIdle(route.target) { return connected(idle) }
        loop.pool.connect(route.target) { result in
            switch result {
            case .success(let connection): self.connected(connection)
            case .failure(let error): self.upstreamFailed(error)
            }
        }
    }

    private func connected(_ connection: UpstreamConnection) {
        guard phase == .connecting else { return connection.cancel() }
        self.connection = connection
        phase = .awaitingHead
        lastProgress = .now()
        noteAttempt { $0.connectedUs = $1 }
        connection.begin(self, isHead: head.isHead)
        for bytes in held ?? [] { connection.write(bytes) }
        if heldBytes > loop.limits.resendBytes { held = nil }
        if requestIsComplete { requestWasSent() }
        connection.flush()
        downstream?.resumeReading()
    }

    private func requestWasSent() {
        connection?.requestComplete()
        let now = tap.nowUs()
        tap.exchange.upstreamSentUs = now
        noteAttempt { attempt, _ in attempt.requestSentUs = now }
    }

    private func noteAttempt(_ change: (inout Attempt, Int64) -> Void) {
        guard !tap.exchange.attempts.isEmpty else { return }
        change(&tap.exchange.attempts[tap.exchange.attempts.count - 1], tap.nowUs())
    }

    // MARK: UpstreamReceiver

    var acceptsAnswerBytes: Bool { downstream?.isWritable ?? true }

    func upstreamInterim(_ head: ResponseHead) {
        guard let downstream, self.head.minorVersion >= 1 else { return }
        downstream.write(HeadRewriting.interimHead(head, allocator: downstream.allocator))
    }

    func upstreamHead(_ answer: ResponseHead) {
        guard let downstream, phase == .awaitingHead else { return }
        phase = .answering
        held = nil
        lastProgress = .now()
        let now = tap.nowUs()
        tap.exchange.firstByteUs = now
        tap.exchange.status = answer.status
        unsafe answer.block.bytes.withUnsafeBytes { unsafe tap.responseHead($0) }
        tap.exchange.responseStream = StreamDetection.isStream(contentType: contentType(answer), bodyPrefix: [])
        if answer.status >= 400 { tap.exchange.errorSource = .provider }
        noteAttempt { attempt, _ in
            attempt.firstByteUs = now
            attempt.status = answer.status
        }
        removesChunking = answer.framing == .chunked && head.minorVersion == 0
        endsWithClose = answer.framing == .untilClose || removesChunking
        keepsAlive = head.keepsAlive && !loop.isDraining && !endsWithClose
        let needs = HeadRewriting.AnswerNeeds(
            closes: !keepsAlive, removesChunking: removesChunking, confirmsKeepAlive: keepsAlive && head.minorVersion == 0)
        downstream.write(HeadRewriting.downstreamHead(answer, id: tap.id, needs: needs, allocator: downstream.allocator))
    }

    private func contentType(_ answer: ResponseHead) -> String? {
        answer.block.first(.contentType).map { String(decoding: $0, as: UTF8.self) }
    }

    func upstreamPayload(_ bytes: ByteBuffer) {
        lastProgress = .now()
        unsafe bytes.withUnsafeReadableBytes { unsafe tap.responseBytes($0) }
        if removesChunking { downstream?.write(bytes) }
        guard isFirstPayload else { return }
        isFirstPayload = false
        guard !tap.exchange.responseStream else { return }
        // Some servers label an event stream as JSON: its first bytes tell.
        let prefix = bytes.getBytes(at: bytes.readerIndex, length: min(16, bytes.readableBytes)) ?? []
        tap.exchange.responseStream = StreamDetection.isStream(contentType: nil, bodyPrefix: prefix)
    }

    func upstreamBody(_ piece: BodyPiece) {
        guard let downstream, phase == .answering else { return }
        if piece.isComplete {
            tap.exchange.lastByteUs = tap.nowUs()
            finishAttempt(.completed)
            // Before the caller can know that the answer is whole.
            tap.commit(.completed)
        }
        if !removesChunking {
            if piece.raw.readableBytes > 0 { downstream.write(piece.raw) }
            if let ending = piece.ending { downstream.write(ending) }
        }
        if piece.isComplete { end(.completed) { $0.exchangeEnded(keepsAlive: self.keepsAlive) } }
    }

    func upstreamReadComplete() { flushTarget?.flush() }

    /// The caller's side, kept for the flush that follows the last bytes, when `downstream` is already let go.
    private weak var flushTarget: DownstreamHandler?

    func upstreamWritable() { downstream?.resumeReading() }

    func upstreamFailed(_ error: UpstreamError) {
        guard phase != .over else { return }
        let reused = (connection?.served ?? 0) > 0
        connection = nil
        noteAttempt { $0.endedUs = $1 }
        finishAttempt(.upstreamFailed)
        if phase == .awaitingHead, error.code == .closedEarly, !error.answerBegan, reused, held != nil,
            tap.exchange.attempts.count < 2
        {
            return beginAttempt(reason: "reused_connection_closed", freshOnly: true)
        }
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
            caller.answer(fault, api: self.route.family, tap: self.tap, isHead: self.head.isHead, closes: !keepsAlive)
            caller.flush()
            caller.exchangeEnded(keepsAlive: keepsAlive)
        }
    }

    private func finishAttempt(_ outcome: Outcome) {
        noteAttempt {
            if $0.endedUs == nil { $0.endedUs = $1 }
            $0.outcome = outcome
        }
    }

    /// Ends the exchange: recorded first, then the caller's side is told how.
    private func end(_ outcome: Outcome, telling: (DownstreamHandler) -> Void) {
        guard phase != .over else { return }
        phase = .over
        finishAttempt(outcome)
        tap.commit(outcome)
        connection = nil
        held = nil
        let caller = downstream
        downstream = nil
        if let caller { telling(caller) }
    }

    /// Ends what has waited too long.
    func checkDeadline(_ now: NIODeadline) {
        let waited = now - lastProgress
        switch phase {
        case .connecting, .over: break
        case .awaitingHead:
            if requestIsComplete, waited > .milliseconds(loop.limits.firstByteMilliseconds) {
                fail(Fault(.upstreamTimeout, "the provider sent no answer within \(loop.limits.firstByteMilliseconds / 1_000) s"))
            } else if !requestIsComplete, acceptsRequestBytes, waited > .milliseconds(loop.limits.bodyIdleMilliseconds) {
                fail(
                    Fault(.requestTimeout, "the request body stopped coming for \(loop.limits.bodyIdleMilliseconds / 1_000) s"),
                    closes: true)
            } else if !requestIsComplete, !acceptsRequestBytes, waited > .milliseconds(loop.limits.firstByteMilliseconds) {
                fail(
                    Fault(
                        .upstreamTimeout,
                        "the provider took no more of the request for \(loop.limits.firstByteMilliseconds / 1_000) s"))
            }
        case .answering:
            if acceptsAnswerBytes, waited > .milliseconds(loop.limits.answerIdleMilliseconds) {
                fail(Fault(.upstreamTimeout, "the provider's answer stalled"))
            } else if !acceptsAnswerBytes, waited > .milliseconds(loop.limits.stalledCallerMilliseconds) {
                downstreamClosed()
            }
        }
    }
}
