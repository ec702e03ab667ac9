// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Upstream

/// The first handler of every connection of a caller, before TLS: counts it in and out, refuses what is over a limit, and ends the
/// connection below TLS where the caller must see a reset.
///
/// World: loop.
final class ListenerConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData

    /// How far the connection has come.
    private enum Phase {
        /// Over a limit: closed as soon as it is active.
        case refused
        /// TLS is not spoken yet. Exits: `serving`.
        case handshake(since: NIODeadline)
        case serving
    }

    private let loop: GatewayLoop
    private var phase: Phase
    private var context: ChannelHandlerContext?
    /// The client's numeric address; nil for what has none.
    private(set) var address: String?

    init(loop: GatewayLoop, address: String?, speaksTLS: Bool) {
        self.loop = loop
        self.address = address
        phase = speaksTLS ? .handshake(since: .now()) : .serving
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if loop.admit(self) != nil { phase = .refused }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        loop.forget(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        if case .refused = phase { return context.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.forget(self)
        context.fireChannelInactive()
    }

    // MARK: HTTP/2

    private var openStreams = 0
    /// Until it is closed: a connection that says goodbye in frames of its own.
    private(set) var speaksHTTP2 = false

    func beginHTTP2() { speaksHTTP2 = true }

    /// Streams of an HTTP/2 connection are open, or bytes have not reached the kernel yet.
    var isUnsettled: Bool { openStreams > 0 || context.map { ListenerPipeline.unsentBytes($0.channel) > 0 } ?? false }

    func streamBegan() {
        openStreams += 1
    }

    func streamEnded() { openStreams -= 1 }

    func handshakeEnded() {
        if case .handshake = phase { phase = .serving }
    }

    func checkDeadlines(_ now: NIODeadline) {
        guard case .handshake(let since) = phase else { return }
        if now - since > .milliseconds(loop.limits.listener.handshakeMilliseconds) {
            loop.counters.tlsTimeouts += 1
            close()
        }
    }

    /// Begins no more, and ends when what runs has ended: on HTTP/2 by GOAWAY.
    func drain() {
        context?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if event is SocketReset.Wanted {
            context.close(promise: promise)
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    /// Closes below TLS: no farewell is waited for.
    func close() { context?.close(promise: nil) }
}
