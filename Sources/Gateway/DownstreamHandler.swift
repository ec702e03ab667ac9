// SPDX-License-Identifier: Apache-2.0
import Capture
import ExchangeModel
import HTTPWire
import Logging
import NIOCore
import Upstream

/// One caller's connection: reads requests one after the other and gives each to an `Exchange`.
///
/// World: loop.
final class DownstreamHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the connection is doing.
    private enum Phase {
        /// Between requests, or within a head. Exits: `body`, `answering`, `discarding`, `closing`.
        case head(HeadParser)
        /// A request body is coming. Exits: `answering`, `discarding`, `closing`.
        case body(BodyReader)
        /// The request is whole, the answer is not. Exits: `head`, `closing`.
        case answering
        /// The answer is over before the request: the rest is read and thrown away. Exits: `head`, `closing`.
        case discarding(BodyReader, left: Int)
        /// Nothing more is answered; what still comes is thrown away, up to a limit.
        case closing
    }

    private let loop: GatewayLoop
    private var context: ChannelHandlerContext?
    private var phase: Phase
    private var inbound = ByteBuffer()
    /// Small pieces of an answer gather here until the next flush, so that a head and a small body leave in one packet.
    private var outbox = ByteBuffer()
    private var exchange: Exchange?
    /// The body of a request to one of our own endpoints, while it comes: there is no exchange then.
    private var posted: PostedBody?
    /// An answer of our own is being made elsewhere.
    private var awaitsOwnAnswer = false
    private var isReadHeld = false
    private var isProcessing = false
    /// It waits in the loop's queue.
    private var isToBeFlushed = false
    /// The caller has closed its sending side.
    private var inputIsClosed = false
    private var lastActivity = NIODeadline.now()
    private var lateBytes = 0
    private(set) var allocator = ByteBufferAllocator()

    init(loop: GatewayLoop) {
        self.loop = loop
        phase = .head(HeadParser(headBytes: loop.limits.headBytes))
    }

    // MARK: The channel's side

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        allocator = context.channel.allocator
        loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        loop.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        switch phase {
        case .closing: return discardLate(bytes.readableBytes)
        // A head has one deadline from its first byte on, however slowly the rest drips in.
        case .head(let parser) where parser.isMidHead: break
        default: lastActivity = .now()
        }
        inbound.add(bytes, allocator: allocator)
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flushSoon()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let closed = event as? ChannelEvent, case .inputClosed = closed { inputClosed() }
        context.fireUserInboundEventTriggered(event)
    }

    /// The caller will send no more: most have gone away then, but one that said so beforehand waits for its answer.
    private func inputClosed() {
        inputIsClosed = true
        if case .answering = phase, awaitsOwnAnswer || exchange?.survivesHalfClose == true { return }
        if let exchange { return exchange.downstreamClosed() }
        // An answer that ended in this turn of the loop still waits to be sent.
        flush()
        closeNow()
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads { isReadHeld = true } else { context.read() }
    }

    private var holdsReads: Bool {
        switch phase {
        case .head, .discarding, .closing: false
        case .body: !(exchange?.acceptsRequestBytes ?? true)
        case .answering: inbound.readableBytes > loop.limits.pipelinedBytes
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { exchange?.downstreamWritable() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closing
        dropPosted()
        exchange?.downstreamClosed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Requests

    /// Works through what has arrived; never re-enters itself.
    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        do throws(WireError) {
            while try step() {}
        } catch {
            refuseWire(error)
        }
    }

    /// One step; false when more bytes, or the end of an answer, are needed.
    private func step() throws(WireError) -> Bool {
        switch phase {
        case .head(var parser):
            guard inbound.readableBytes > 0 else { return false }
            let head = try parser.readRequest(&inbound)
            phase = .head(parser)
            guard let head else { return false }
            begin(head)
            return true
        case .body(let reader) where posted != nil:
            return try receivePosted(reader)
        case .body(var reader):
            let before = inbound.readableBytes
            let piece = try reader.read(&inbound) { [exchange] in exchange?.requestPayload($0) }
            phase = reader.isComplete ? .answering : .body(reader)
            exchange?.requestBody(piece)
            return inbound.readableBytes > 0 && (piece.isComplete || inbound.readableBytes < before)
        case .discarding(var reader, let left):
            let before = inbound.readableBytes
            _ = try reader.read(&inbound) { _ in }
            return discarded(reader, left: left - (before - inbound.readableBytes), progress: inbound.readableBytes < before)
        case .answering, .closing:
            return false
        }
    }

    private func discarded(_ reader: BodyReader, left: Int, progress: Bool) -> Bool {
        if reader.isComplete {
            phase = nextHead
            return true
        }
        if left <= 0 {
            closeGently()
            return false
        }
        phase = .discarding(reader, left: left)
        return progress && inbound.readableBytes > 0
    }

    private var nextHead: Phase { .head(HeadParser(headBytes: loop.limits.headBytes)) }

    /// From here on the caller speaks another protocol: its bytes pass until the connection ends.
    func beginTunnel() {
        phase = .body(BodyReader(.untilClose))
        process()
        // What came with the request to change protocols has nothing behind it that would send it on.
        exchange?.flushUpstream()
        resumeReading()
    }

    private func begin(_ head: RequestHead) {
        if let endpoint = LocalEndpoint(head, takesFeedback: loop.operations.feedback != nil) { return serve(endpoint, head) }
        let tap = loop.lane.begin()
        unsafe head.block.bytes.withUnsafeBytes { unsafe tap.requestHead($0) }
        let reader = BodyReader(head.framing)
        phase = reader.isComplete ? .answering : .body(reader)
        do throws(Fault) {
            try admit(head)
            let route = try loop.router.route(head)
            let exchange = Exchange(loop: loop, downstream: self, tap: tap, head: head, route: route)
            self.exchange = exchange
            loop.exchangeBegan()
            exchange.start(allocator: allocator)
            if reader.isComplete {
                exchange.requestBody(BodyPiece(raw: ByteBuffer(), ending: nil, isComplete: true))
            }
        } catch {
            refuse(error, head: head, tap: tap)
        }
    }

    private func admit(_ head: RequestHead) throws(Fault) {
        if loop.refusesExchanges {
            throw Fault(.draining, "Weir is shutting down; send the request to another node or again in a moment")
        }
        if loop.runningExchanges >= loop.limits.exchangesPerLoop {
            throw Fault(.overloaded, "too many requests are running; send the request again in a moment")
        }
        if case .length(let count) = head.framing, count > loop.limits.bodyBytes {
            throw Fault(.bodyTooLarge, "the request body is larger than \(loop.limits.bodyBytes) bytes")
        }
    }

    /// Answers from Weir itself: no exchange, so nothing is captured or counted.
    private func serve(_ endpoint: LocalEndpoint, _ head: RequestHead) {
        guard let context else { return }
        let reader = BodyReader(head.framing)
        phase = reader.isComplete ? .answering : .body(reader)
        let keepsAlive = head.keepsAlive && head.minorVersion >= 1 && !loop.isDraining && head.block.first(.expect) == nil
        let asking = LocalEndpoint.Asking(
            operations: loop.operations, keys: loop.router.keys, peer: context.channel.remoteAddress?.ipAddress,
            closes: !keepsAlive, allocator: allocator
        )
        if endpoint == .feedback { return receive(head, asking, keepsAlive: keepsAlive) }
        awaitsOwnAnswer = true
        endpoint.answer(head, asking, on: context.eventLoop) { self.ownAnswer($0, keepsAlive: keepsAlive) }
    }

    private func ownAnswer(_ bytes: ByteBuffer, keepsAlive: Bool) {
        awaitsOwnAnswer = false
        write(bytes)
        exchangeEnded(keepsAlive: keepsAlive)
    }

    /// Begins to gather a body, unless it is refused beforehand.
    private func receive(_ head: RequestHead, _ asking: LocalEndpoint.Asking, keepsAlive: Bool) {
        guard let desk = loop.operations.feedback else { return }
        if let refusal = FeedbackEndpoint.refusal(head, asking, desk) {
            write(refusal.bytes(asking, withoutBody: head.isHead))
            return exchangeEnded(keepsAlive: keepsAlive)
        }
        let posted = PostedBody(desk: desk, budget: loop, asking: asking, keepsAlive: keepsAlive)
        if case .answering = phase { submit(posted) } else { self.posted = posted }
    }

    /// Takes what has come of a body for ourselves.
    private func receivePosted(_ before: BodyReader) throws(WireError) -> Bool {
        guard let posted else { return false }
        var reader = before
        let count = inbound.readableBytes
        let piece = try reader.read(&inbound) { posted.add($0) }
        phase = reader.isComplete ? .answering : .body(reader)
        switch posted.adding {
        case .tooLong: answerPosted(FeedbackEndpoint.tooLong(posted.desk), posted)
        case .tooMuch: answerPosted(FeedbackEndpoint.tooMuch, posted)
        case .taken: if piece.isComplete { submit(posted) }
        }
        return inbound.readableBytes > 0 && (piece.isComplete || inbound.readableBytes < count)
    }

    private func submit(_ posted: PostedBody) {
        self.posted = nil
        guard let context else { return posted.letGo() }
        awaitsOwnAnswer = true
        posted.submit(on: context.eventLoop) { self.ownAnswer($0, keepsAlive: posted.keepsAlive) }
    }

    /// A body that will not come to its end is held no longer.
    private func dropPosted() {
        posted?.letGo()
        posted = nil
    }

    /// Answers before the body is whole: the rest of it is thrown away.
    private func answerPosted(_ answer: LocalAnswer, _ posted: PostedBody) {
        self.posted = nil
        write(answer.bytes(posted.asking, withoutBody: false))
        exchangeEnded(keepsAlive: posted.keepsAlive)
    }

    /// Answers a request that never reached an exchange.
    private func refuse(_ fault: Fault, head: RequestHead, tap: CaptureTap) {
        tap.exchange.status = fault.code.status
        tap.exchange.errorSource = .gateway
        tap.exchange.errorCode = fault.code.name
        tap.exchange.keyID = loop.router.keys.name(in: head)
        let family = Router.family(of: head)
        let shape = Router.faultShape(of: head)
        tap.exchange.api = Router.isModelCall(head) ? family : nil
        tap.commit(fault.code.outcome)
        loop.metrics.refused(
            api: loop.metrics.apiIndex(tap.exchange.api), status: fault.code.status, outcome: fault.code.outcome)
        // A caller that waits for leave to send its body may send it or not: the next request could not be told from it.
        let keepsAlive = head.keepsAlive && !loop.isDraining && head.block.first(.expect) == nil
        answer(fault, api: shape, tap: tap, isHead: head.isHead, closes: !keepsAlive)
        exchangeEnded(keepsAlive: keepsAlive)
    }

    /// Bytes that are not HTTP: answered once, then the connection is closed, for nobody knows where the next request begins.
    private func refuseWire(_ error: WireError) {
        let fault = Fault(error.isTooLarge ? .headersTooLarge : .badRequest, error.description)
        switch phase {
        case .body where posted != nil:
            dropPosted()
            closeGently()
        case .body:
            // The exchange answers and is recorded.
            phase = .closing
            exchange?.fail(fault, closes: true)
        case .head:
            refuseHead(fault)
        case .answering, .discarding, .closing:
            closeGently()
        }
    }

    /// Answers a head that could not be read; recorded without one.
    private func refuseHead(_ fault: Fault) {
        let tap = loop.lane.begin()
        tap.exchange.status = fault.code.status
        tap.exchange.errorSource = .gateway
        tap.exchange.errorCode = fault.code.name
        tap.commit(fault.code.outcome)
        loop.metrics.refused(api: -1, status: fault.code.status, outcome: fault.code.outcome)
        answer(fault, api: nil, tap: tap, isHead: false, closes: true)
        closeGently()
    }

    // MARK: The exchange's side

    /// Whether an answer's bytes written now will not pile up.
    private(set) var isWritable = true

    /// Whether an exchange runs, or some of an answer has not reached the kernel yet.
    var isBusy: Bool {
        if exchange != nil || outbox.readableBytes > 0 { return true }
        return context.map { ListenerPipeline.unsentBytes($0.channel) > 0 } ?? false
    }

    /// Queues bytes of an answer; nothing leaves before `flush`.
    func write(_ bytes: ByteBuffer) {
        if outbox.readableBytes == 0 {
            outbox = bytes
        } else if outbox.readableBytes + bytes.readableBytes <= GatewayLimits.gatherBytes {
            outbox.writeImmutableBuffer(bytes)
        } else {
            context?.write(wrapOutboundOut(outbox), promise: nil)
            outbox = bytes
        }
    }

    /// Has what is queued, and what the exchange has gathered for the provider, sent before this turn of the loop is over.
    func flushSoon() {
        guard !isToBeFlushed else { return }
        isToBeFlushed = true
        loop.flushes.add(self)
    }

    /// Called by the queue alone.
    func flushNow() {
        isToBeFlushed = false
        exchange?.flushUpstream()
        flush()
    }

    func flush() {
        guard outbox.readableBytes > 0 else { return }
        let bytes = outbox
        outbox = ByteBuffer()
        context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    func resumeReading() {
        guard isReadHeld, !holdsReads else { return }
        isReadHeld = false
        context?.read()
    }

    func answer(
        _ fault: Fault, api: APIFamily?, tap: CaptureTap, streamUsage: StaticString? = nil, isHead: Bool, closes: Bool
    ) {
        var told = HeadRewriting.Told(
            id: tap.id, provider: tap.exchange.provider, attempts: tap.exchange.attempts.count)
        told.streamUsage = streamUsage
        write(HeadRewriting.faultAnswer(fault, api: api, told: told, closes: closes, withoutBody: isHead, allocator: allocator))
    }

    /// The answer is over: the next request may be read, once the rest of this one has been.
    func exchangeEnded(keepsAlive: Bool) {
        letGo()
        lastActivity = .now()
        switch phase {
        case .body(let reader) where keepsAlive:
            phase = .discarding(reader, left: loop.limits.discardBytes)
        case .answering where keepsAlive && !inputIsClosed:
            phase = nextHead
        case .answering where inbound.readableBytes == 0:
            close(.whole)
        case .body, .answering, .closing:
            closeGently()
        case .head, .discarding:
            break
        }
        process()
        flushSoon()
        resumeReading()
    }

    /// The answer broke off: the connection ends, after what came has left, and no request that waits behind it is begun.
    func exchangeBroke(withReset: Bool) {
        letGo()
        close(withReset ? .reset : .whole)
    }

    /// The caller is gone, or takes nothing: the connection ends at once.
    func callerGone() {
        letGo()
        phase = .closing
        closeNow()
    }

    private func letGo() {
        guard exchange != nil else { return }
        exchange = nil
        loop.exchangeEnded()
    }

    private enum Closing {
        case whole
        /// Our side only: closing with unread bytes would make the kernel send a reset, which can destroy the answer on its way.
        case ourSide
        case reset
    }

    private func closeGently() { close(.ourSide) }

    private func close(_ kind: Closing) {
        phase = .closing
        lastActivity = .now()
        lateBytes = inbound.readableBytes
        inbound.clear()
        flush()
        guard let context else { return }
        let bound = NIOLoopBound(context.channel, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            switch kind {
            case .whole: bound.value.close(promise: nil)
            case .ourSide: bound.value.close(mode: .output, promise: nil)
            case .reset: SocketReset.close(bound.value)
            }
        }
        resumeReading()
    }

    /// Bytes that came after the end.
    private func discardLate(_ count: Int) {
        lateBytes += count
        if lateBytes > loop.limits.discardBytes { closeNow() }
    }

    /// Closes at once; what has not left is lost, and then the caller sees a reset.
    func closeNow() {
        guard let context else { return }
        if isBusy { SocketReset.close(context.channel) } else { context.close(promise: nil) }
    }

    /// Ends the connection because Weir stops: a running exchange is recorded as ended by Weir, not by the caller.
    func cut() {
        guard let running = exchange else { return closeNow() }
        running.fail(Fault(.draining, "Weir has shut down before the answer was over; send the request again in a moment"))
    }

    func closeIfIdle() {
        if case .head(let parser) = phase, !parser.isMidHead, inbound.readableBytes == 0, !isBusy { closeNow() }
    }

    func checkDeadlines(_ now: NIODeadline) {
        let waited = now - lastActivity
        switch phase {
        case .head(let parser):
            if parser.isMidHead || inbound.readableBytes > 0 {
                guard waited > .milliseconds(loop.limits.headMilliseconds) else { return }
                let fault = Fault(
                    .requestTimeout, "the request head did not arrive within \(loop.limits.headMilliseconds / 1_000) s")
                refuseHead(fault)
            } else if waited > .milliseconds(loop.limits.keepAliveMilliseconds),
                !isBusy || waited > .milliseconds(loop.limits.stalledCallerMilliseconds)
            {
                closeNow()
            }
        case .body where posted != nil:
            // A body for ourselves is small: one deadline for all of it, however slowly it drips in.
            if let posted, now - posted.begunAt > .milliseconds(loop.limits.bodyIdleMilliseconds) { closeNow() }
        case .body, .answering:
            exchange?.checkDeadline(now)
        case .closing:
            if waited > .milliseconds(loop.limits.lingerMilliseconds),
                !isBusy || waited > .milliseconds(loop.limits.stalledCallerMilliseconds)
            {
                closeNow()
            }
        case .discarding:
            if waited > .milliseconds(loop.limits.bodyIdleMilliseconds) { closeNow() }
        }
    }
}
