// SPDX-License-Identifier: Apache-2.0
package import HTTPWire
package import NIOCore
import NIOSSL

/// Who gets the answer of an attempt.
///
/// All calls come on the connection's loop, in the order head, payload and body runs, end.
package protocol UpstreamReceiver: AnyObject {
    /// Whether more of the answer may be read now.
    var acceptsAnswerBytes: Bool { get }
    /// An interim answer (100, 103) came.
    func upstreamInterim(_ head: ResponseHead)
    /// The answer's head came.
    func upstreamHead(_ head: ResponseHead)
    /// A run of payload came; `upstreamBody` with the same bytes follows.
    func upstreamPayload(_ bytes: ByteBuffer)
    /// Bytes to forward came; a complete piece is the last call.
    func upstreamBody(_ piece: BodyPiece)
    /// Everything of this read has been delivered: the time to flush.
    func upstreamReadComplete()
    /// The attempt failed; the last call.
    func upstreamFailed(_ error: UpstreamError)
    /// The connection can take request bytes again.
    func upstreamWritable()
}

/// One connection to a provider, serving one attempt at a time.
///
/// World: loop.
package final class UpstreamConnection: ChannelDuplexHandler {
    /// Bytes of the socket.
    package typealias InboundIn = ByteBuffer
    /// Nothing is written through this handler.
    package typealias OutboundIn = Never
    /// Bytes for the socket.
    package typealias OutboundOut = ByteBuffer

    /// What the connection is busy with.
    private enum State {
        /// In the pool, or about to be given out. Exits: `awaitingHead`, `closed`.
        case idle
        /// A request is on its way. Exits: `body`, `idle`, `closed`.
        case awaitingHead(HeadParser)
        /// The answer's body is coming. Exits: `idle`, `closed`.
        case body(BodyReader)
        case closed
    }

    /// What it is connected to.
    package let target: UpstreamTarget
    private let pool: UpstreamPool
    /// Where it waits between attempts.
    let idle: IdleConnections
    /// Of the settings it was opened under.
    let generation: Int
    private let isBehindPlainProxy: Bool
    /// TLS lies between this handler and the socket.
    private let isBehindTLS: Bool
    private var context: ChannelHandlerContext?
    private var allocator = ByteBufferAllocator()
    private var state = State.idle
    /// Held until the attempt is over: by its last call, or by `cancel`.
    private var receiver: (any UpstreamReceiver)?
    private var inbound = ByteBuffer()
    private var isHeadRequest = false
    private var mayUpgrade = false
    private var keepsAlive = false
    private var requestIsSent = false
    private var isReadHeld = false
    private var answerBegan = false
    private var interimCount = 0
    /// The latest bytes queued: held back so that they go down the pipeline together with their flush.
    private var unflushed: ByteBuffer?
    private var failure: (any Error)?
    /// Attempts served before the current one.
    package private(set) var served = 0
    var idleSince = NIODeadline.now()

    init(
        target: UpstreamTarget, pool: UpstreamPool, idle: IdleConnections, generation: Int, isBehindPlainProxy: Bool,
        isBehindTLS: Bool
    ) {
        self.target = target
        self.pool = pool
        self.idle = idle
        self.generation = generation
        self.isBehindPlainProxy = isBehindPlainProxy
        self.isBehindTLS = isBehindTLS
    }

    // MARK: The attempt's side

    /// Whether request bytes written now will not pile up.
    package private(set) var isWritable = true

    /// The channel is there and nobody has begun to close it.
    private(set) var isOpen = false

    /// Binds the connection to an attempt.
    ///
    /// - Parameters:
    ///   - receiver: gets the answer; held until its last call, or until `cancel`.
    ///   - isHead: whether the request is a HEAD.
    ///   - mayUpgrade: whether the request asks for another protocol: 101 is then an answer, whose body runs to the close.
    package func begin(_ receiver: any UpstreamReceiver, isHead: Bool, mayUpgrade: Bool) {
        self.receiver = receiver
        isHeadRequest = isHead
        self.mayUpgrade = mayUpgrade
        requestIsSent = false
        keepsAlive = false
        answerBegan = false
        interimCount = 0
        state = .awaitingHead(HeadParser())
        if isBehindPlainProxy { context?.triggerUserOutboundEvent(ProxyRequestLine.Begins(), promise: nil) }
    }

    /// Queues request bytes; nothing leaves before `flush`.
    package func write(_ bytes: ByteBuffer) {
        if let earlier = unflushed { context?.write(wrapOutboundOut(earlier), promise: nil) }
        unflushed = bytes
    }

    /// Sends what was queued.
    package func flush() {
        guard let bytes = unflushed else { return }
        unflushed = nil
        context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Says that the whole request has been written: only then may the connection be used again.
    package func requestComplete() {
        requestIsSent = true
    }

    /// Reads on after the receiver had refused bytes.
    package func resumeReading() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    /// Gives the attempt up: the provider sees the connection close at once.
    package func cancel() {
        receiver = nil
        cut()
    }

    /// Ends the connection at once, whatever the provider is about to say.
    private func cut() {
        state = .closed
        isOpen = false
        unflushed = nil
        pool.withdraw(self)
        guard let context else { return }
        // Below TLS, whose farewell the provider may take its time to answer.
        if isBehindTLS { SocketReset.closeSocket(context.channel) } else { context.close(promise: nil) }
    }

    func close() {
        isOpen = false
        pool.withdraw(self)
        context?.close(promise: nil)
    }

    // MARK: The channel's side

    /// Keeps the context.
    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        allocator = context.channel.allocator
        isOpen = context.channel.isActive
    }

    /// Lets the context go.
    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        isOpen = false
        isWritable = false
    }

    /// Takes bytes of the answer.
    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        answerBegan = true
        inbound.add(unwrapInboundIn(data), allocator: allocator)
        do throws(WireError) {
            try consume()
        } catch {
            fail(UpstreamError(.badAnswer, "the provider's answer was refused: \(error.description)"))
        }
    }

    private func consume() throws(WireError) {
        while true {
            switch state {
            case .idle:
                // A provider that talks unasked cannot be trusted with the next request.
                if inbound.readableBytes > 0 { close() }
                return
            case .awaitingHead(var parser):
                let head = try parser.readResponse(&inbound, toHead: isHeadRequest)
                state = .awaitingHead(parser)
                guard let head else { return }
                try accept(head)
            case .body(var reader):
                let hadBytes = inbound.readableBytes
                let piece = try reader.read(&inbound) { [receiver] in receiver?.upstreamPayload($0) }
                guard case .body = state else { return }
                state = .body(reader)
                if piece.isComplete {
                    finish(piece)
                    return
                }
                if piece.raw.readableBytes > 0 { receiver?.upstreamBody(piece) }
                if inbound.readableBytes == 0 || inbound.readableBytes == hadBytes { return }
            case .closed:
                inbound.clear()
                return
            }
        }
    }

    private func accept(_ head: ResponseHead) throws(WireError) {
        guard !head.isInterim else {
            interimCount += 1
            guard interimCount <= UpstreamLimits.interimAnswers else {
                return fail(UpstreamError(.badAnswer, "the provider sent one interim answer after the other, and no answer"))
            }
            receiver?.upstreamInterim(head)
            state = .awaitingHead(HeadParser())
            return
        }
        guard !head.isUpgrade || mayUpgrade else { throw WireError(.badStatus) }
        keepsAlive = head.keepsAlive
        state = .body(BodyReader(head.framing))
        receiver?.upstreamHead(head)
    }

    /// Hands over the last piece and frees the connection.
    private func finish(_ piece: BodyPiece) {
        let isReusable = keepsAlive && requestIsSent && inbound.readableBytes == 0
        let last = receiver
        receiver = nil
        state = .idle
        served += 1
        // Free before the last bytes are handed over: the caller's next request, if it has come already, finds the connection.
        let isKept = isReusable && pool.keep(self)
        last?.upstreamBody(piece)
        if !isKept { close() }
    }

    /// Passes the time to flush on.
    package func channelReadComplete(context: ChannelHandlerContext) {
        receiver?.upstreamReadComplete()
    }

    /// Holds the read back while the receiver takes nothing.
    package func read(context: ChannelHandlerContext) {
        if let receiver, !receiver.acceptsAnswerBytes {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    /// Tells the receiver that the provider takes bytes again.
    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { receiver?.upstreamWritable() }
    }

    /// Remembers the first error and closes.
    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if failure == nil { failure = error }
        isOpen = false
        context.close(promise: nil)
    }

    /// Ends what was running as the connection ended.
    package func channelInactive(context: ChannelHandlerContext) {
        isOpen = false
        pool.forget(self)
        switch state {
        case .body(let reader) where reader.mayEndWithConnection && failureIsCleanEnd:
            finish(BodyPiece(raw: ByteBuffer(), ending: nil, isComplete: true))
        case .awaitingHead, .body:
            fail(earlyEnd)
        case .idle, .closed:
            break
        }
        state = .closed
    }

    /// Many servers end TLS without a close notification; for a body that ends with its connection that is still an end.
    private var failureIsCleanEnd: Bool {
        failure.map(isUnclean) ?? true
    }

    /// The end of a TLS connection without its farewell.
    private func isUnclean(_ failure: any Error) -> Bool {
        if let tls = failure as? NIOSSLError, case .uncleanShutdown = tls { return true }
        return false
    }

    private var earlyEnd: UpstreamError {
        if let failure, !isUnclean(failure), failure is NIOSSLError || failure is BoringSSLError {
            return UpstreamError(.badAnswer, "the TLS connection to the provider broke before its answer was whole")
        }
        var error = UpstreamError(.closedEarly, "the provider closed the connection before its answer was whole")
        error.wasReset = failure.map { !isUnclean($0) } ?? false
        error.answerBegan = answerBegan
        return error
    }

    private func fail(_ error: UpstreamError) {
        let last = receiver
        receiver = nil
        cut()
        last?.upstreamFailed(error)
    }
}
