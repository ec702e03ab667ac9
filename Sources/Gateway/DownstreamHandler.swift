// SPDX-License-Identifier: Apache-2.0
import Capture
import ExchangeModel
import HTTPWire
import Logging
import NIOCore
import Upstream

/// One caller's connection: reads requests one after the other and gives each to an `Exchange`. World: loop.
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
        case discarding(BodyReader, left: Int, thenCloses: Bool)
        case closing
    }

    private let loop: GatewayLoop
    private var context: ChannelHandlerContext?
    private var phase = Phase.head(HeadParser())
    private var inbound = ByteBuffer()
    private var exchange: Exchange?
    private var isReadHeld = false
    private var isProcessing = false
    private var lastActivity = NIODeadline.now()
    private(set) var allocator = ByteBufferAllocator()

    init(loop: GatewayLoop) {
        self.loop = loop
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
        var bytes = unwrapInboundIn(data)
        lastActivity = .now()
        if case .closing = phase { return }
        if inbound.readableBytes == 0 { inbound = bytes } else { inbound.writeBuffer(&bytes) }
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushUpstream()
        context.flush()
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads { isReadHeld = true } else { context.read() }
    }

    private var holdsReads: Bool {
        switch phase {
        case .head, .discarding: false
        case .body: !(exchange?.acceptsRequestBytes ?? true)
        case .answering: inbound.readableBytes > loop.limits.pipelinedBytes
        case .closing: true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.downstreamWritable() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closing
        let running = exchange
        exchange = nil
        running?.downstreamClosed()
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
        case .body(var reader):
            let before = inbound.readableBytes
            let piece = try reader.read(&inbound) { [exchange] in exchange?.requestPayload($0) }
            phase = reader.isComplete ? .answering : .body(reader)
            exchange?.requestBody(piece)
            return inbound.readableBytes > 0 && (piece.isComplete || inbound.readableBytes < before)
        case .discarding(var reader, let left, let thenCloses):
            let before = inbound.readableBytes
            _ = try reader.read(&inbound) { _ in }
            return discarded(reader, left: left - (before - inbound.readableBytes), progress: inbound.readableBytes < before, thenCloses)
        case .answering, .closing:
            return false
        }
    }

    private func discarded(_ reader: BodyReader, left: Int, progress: Bool, _ thenCloses: Bool) -> Bool {
        if reader.isComplete {
            nextRequest(keepsAlive: !thenCloses)
            return true
        }
        if left <= 0 {
            closeAfterFlush()
            return false
        }
        phase = .discarding(reader, left: left, thenCloses: thenCloses)
        return progress && inbound.readableBytes > 0
    }

    private func begin(_ head: RequestHead) {
        let tap = loop.lane.begin()
        tap.exchange.requestHead = head.block.bytes
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
        if loop.isDraining { throw Fault(.draining, "Weir is shutting down; send the request to another node or again in a moment") }
        if loop.runningExchanges >= loop.limits.exchangesPerLoop {
            throw Fault(.overloaded, "too many requests are running; send the request again in a moment")
        }
        if case .length(let count) = head.framing, count > loop.limits.bodyBytes {
            throw Fault(.bodyTooLarge, "the request body is larger than \(loop.limits.bodyBytes) bytes")
        }
    }

    /// Answers a request that never reached an exchange.
    private func refuse(_ fault: Fault, head: RequestHead, tap: CaptureTap) {
        tap.exchange.status = fault.code.status
        tap.exchange.errorSource = .gateway
        tap.exchange.errorCode = fault.code.name
        tap.exchange.api = Router.family(of: head)
        tap.commit(fault.code.outcome)
        let keepsAlive = head.keepsAlive && !loop.isDraining
        answer(fault, api: tap.exchange.api, tap: tap, isHead: head.isHead, closes: !keepsAlive)
        flush()
        exchangeEnded(keepsAlive: keepsAlive)
    }

    /// Bytes that are not HTTP: answered once, then the connection is closed, for nobody knows where the next request begins.
    private func refuseWire(_ error: WireError) {
        let fault = Fault(error.isTooLarge ? .headersTooLarge : .badRequest, error.description)
        if let running = exchange {
            // Within a body: the exchange answers and is recorded.
            phase = .closing
            running.fail(fault)
        } else {
            context?.write(
                wrapOutboundOut(
                    HeadRewriting.faultAnswer(fault, api: nil, id: nil, closes: true, withoutBody: false, allocator: allocator)),
                promise: nil)
        }
        closeAfterFlush()
    }

    // MARK: The exchange's side

    var isWritable: Bool { context?.channel.isWritable ?? true }

    func write(_ bytes: ByteBuffer) {
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    func flush() {
        context?.flush()
    }

    func resumeReading() {
        guard isReadHeld, !holdsReads else { return }
        isReadHeld = false
        context?.read()
    }

    func answer(_ fault: Fault, api: APIFamily?, tap: CaptureTap, isHead: Bool, closes: Bool) {
        write(HeadRewriting.faultAnswer(fault, api: api, id: tap.id, closes: closes, withoutBody: isHead, allocator: allocator))
    }

    /// The answer is over: the next request may be read, once the rest of this one has been.
    func exchangeEnded(keepsAlive: Bool) {
        if exchange != nil {
            exchange = nil
            loop.exchangeEnded()
        }
        lastActivity = .now()
        switch phase {
        case .body(let reader):
            phase = .discarding(reader, left: loop.limits.discardBytes, thenCloses: !keepsAlive)
        case .answering:
            nextRequest(keepsAlive: keepsAlive)
        case .head, .discarding, .closing:
            break
        }
        process()
        resumeReading()
    }

    private func nextRequest(keepsAlive: Bool) {
        if keepsAlive { phase = .head(HeadParser()) } else { closeAfterFlush() }
    }

    /// Ends a connection whose answer broke, after what came has left.
    func breakConnection(withReset: Bool) {
        phase = .closing
        guard let context else { return }
        let bound = NIOLoopBound(context.channel, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            if withReset { SocketReset.close(bound.value) } else { bound.value.close(promise: nil) }
        }
    }

    private func closeAfterFlush() {
        phase = .closing
        breakConnection(withReset: false)
    }

    func closeNow() {
        context?.close(promise: nil)
    }

    /// Ends the connection because Weir stops: a running exchange is recorded as ended by Weir, not by the caller.
    func cut() {
        guard let running = exchange else { return closeNow() }
        running.fail(Fault(.draining, "Weir has shut down before the answer was over; send the request again in a moment"))
    }

    func closeIfIdle() {
        if case .head(let parser) = phase, !parser.isMidHead, inbound.readableBytes == 0 { closeNow() }
    }

    func checkDeadlines(_ now: NIODeadline) {
        let waited = now - lastActivity
        switch phase {
        case .head(let parser):
            if parser.isMidHead || inbound.readableBytes > 0 {
                guard waited > .milliseconds(loop.limits.headMilliseconds) else { return }
                let fault = Fault(.requestTimeout, "the request head did not arrive within \(loop.limits.headMilliseconds / 1_000) s")
                write(HeadRewriting.faultAnswer(fault, api: nil, id: nil, closes: true, withoutBody: false, allocator: allocator))
                closeAfterFlush()
            } else if waited > .milliseconds(loop.limits.keepAliveMilliseconds) {
                closeNow()
            }
        case .body, .answering:
            exchange?.checkDeadline(now)
        case .discarding, .closing:
            if waited > .milliseconds(loop.limits.bodyIdleMilliseconds) { closeNow() }
        }
    }
}
