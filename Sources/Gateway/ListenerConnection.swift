// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Upstream

/// What a loop knows of one connection of a caller, from accepting to its close.
///
/// No handler: a plain connection carries its bytes without it.
///
/// World: loop.
final class ListenerConnection {
    /// How far the connection has come.
    private enum Phase {
        /// TLS is not spoken yet. Exit: `serving`.
        case handshake(since: NIODeadline)
        case serving
    }

    private let loop: GatewayLoop
    private let channel: any Channel
    /// The place below TLS; nil for plain HTTP.
    let edge: ListenerTLSEdge?
    private var phase: Phase
    /// The client's numeric address; nil for what has none.
    let address: String?

    /// A connection that has just been accepted.
    init(_ channel: any Channel, loop: GatewayLoop, speaksTLS: Bool) {
        self.loop = loop
        self.channel = channel
        edge = speaksTLS ? ListenerTLSEdge() : nil
        address = channel.remoteAddress?.ipAddress
        phase = speaksTLS ? .handshake(since: .now()) : .serving
    }

    /// Counts the connection in until it closes.
    ///
    /// - Throws: `ListenerRefusal` where it is over a limit.
    func begin() throws(ListenerRefusal) {
        try loop.admit(self)
        channel.closeFuture.assumeIsolated().whenComplete { [loop] _ in loop.forget(self) }
    }

    // MARK: HTTP/2

    private var http2: HTTP2ConnectionEnd?
    /// Until it is closed: a connection that says goodbye in frames of its own.
    var speaksHTTP2: Bool { http2 != nil }

    func beginHTTP2(_ end: HTTP2ConnectionEnd) {
        http2 = end
        if loop.isDraining { end.drain() }
    }

    func endHTTP2() { http2 = nil }

    /// Streams of an HTTP/2 connection are open, or bytes have not reached the kernel yet.
    var isUnsettled: Bool { (http2?.openStreams ?? 0) > 0 || ListenerPipeline.unsentBytes(channel) > 0 }

    // MARK: Time

    var isInHandshake: Bool { if case .handshake = phase { true } else { false } }

    func handshakeEnded() {
        if case .handshake = phase { phase = .serving }
    }

    func checkDeadlines(_ now: NIODeadline) {
        guard case .handshake(let since) = phase else {
            http2?.checkDeadlines(now)
            return
        }
        if now - since > .milliseconds(loop.limits.listener.handshakeMilliseconds) {
            handshakeEnded()
            loop.counters.tlsTimeouts += 1
            loop.metrics.connectionRefused(.tls)
            close()
        }
    }

    /// Begins no more, and ends when what runs has ended: on HTTP/2 by GOAWAY.
    func drain() {
        http2?.drain()
    }

    /// Closes below TLS: no farewell is waited for.
    func close() {
        if let edge { edge.close() } else { channel.close(promise: nil) }
    }
}

/// Stands between the socket and TLS, and ends the connection there where the caller must see a reset.
///
/// World: loop.
final class ListenerTLSEdge: ChannelOutboundHandler {
    typealias OutboundIn = IOData

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func close() { context?.close(promise: nil) }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if event is SocketReset.Wanted {
            context.close(promise: promise)
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }
}
