// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP2
import NIOSSL

/// The last handler of an HTTP/2 connection: counts its streams, says goodbye, and ends it.
///
/// World: loop.
///
/// - One GOAWAY names the last stream that was taken: that one and all before it get their whole answers, what the caller sends
///   after it was never looked at and may be sent elsewhere.
/// - The connection is closed when the last byte has reached the kernel, not before: TLS would throw away what waits behind it.
/// - An error of one stream has ended that stream; the others run on.
final class HTTP2ConnectionEnd: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private enum Phase {
        /// Exits: `draining`, `closing`.
        case serving
        /// GOAWAY has been sent; streams still run. Exit: `closing`.
        case draining
        /// Ended by force at the deadline, if the caller has not gone by then.
        case closing(by: NIODeadline)
    }

    private let loop: GatewayLoop
    private let connection: ListenerConnection
    private var context: ChannelHandlerContext?
    private var phase = Phase.serving
    private var lastStream = HTTP2StreamID.rootStream
    private var quietSince = NIODeadline.now()
    private(set) var openStreams = 0

    init(loop: GatewayLoop, connection: ListenerConnection) {
        self.loop = loop
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        connection.endHTTP2()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    // MARK: Streams

    func streamBegan(_ id: HTTP2StreamID) {
        openStreams += 1
        lastStream = max(lastStream, id)
        // After a hand-over a connection is still served once.
        if case .serving = phase, loop.isDraining { soon { $0.goAway() } }
    }

    func streamEnded() {
        openStreams -= 1
        quietSince = .now()
        // The frame that ended the stream is on its way to TLS, but not flushed yet.
        if openStreams == 0, case .draining = phase { soon { $0.finish() } }
    }

    private func soon(_ work: @escaping (HTTP2ConnectionEnd) -> Void) {
        context?.eventLoop.assumeIsolated().execute { work(self) }
    }

    // MARK: Goodbye

    /// Takes no more streams, and ends when those that run have ended; after a hand-over one that never had a stream waits for its first.
    func drain() {
        if loop.refusesExchanges || lastStream != .rootStream { goAway() }
    }

    private func goAway() {
        guard case .serving = phase, let context else { return }
        phase = .draining
        if openStreams == 0 { return finish() }
        context.writeAndFlush(wrapOutboundOut(goodbye), promise: nil)
    }

    private var goodbye: HTTP2Frame {
        HTTP2Frame(streamID: .rootStream, payload: .goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil))
    }

    /// All answers are whole: closes behind their last byte.
    private func finish() {
        guard case .draining = phase, openStreams == 0, let context else { return }
        phase = .closing(by: .now() + .milliseconds(loop.limits.stalledCallerMilliseconds))
        let left = context.eventLoop.makePromise(of: Void.self)
        left.futureResult.assumeIsolated().whenComplete { _ in self.context?.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(goodbye), promise: left)
    }

    func checkDeadlines(_ now: NIODeadline) {
        switch phase {
        case .serving:
            if openStreams == 0, now - quietSince > .milliseconds(loop.limits.keepAliveMilliseconds) { goAway() }
        case .draining: break
        case .closing(let deadline):
            if now > deadline { connection.close() }
        }
    }

    // MARK: Errors

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if HTTP2ConnectionEnd.isOfOneStream(error) { return }
        if isOfIgnoredStream(error) { return readOn(context) }
        if case .closing = phase { return }
        // The library has told the caller why. What a flood still sends is not read.
        phase = .closing(by: .now())
        context.channel.setOption(.autoRead, value: false).assumeIsolated().whenComplete { _ in self.context?.close(promise: nil)
        }
    }

    /// Whether the library has answered with RST_STREAM, and not with GOAWAY.
    private static func isOfOneStream(_ error: any Error) -> Bool {
        error is NIOHTTP2Errors.StreamError || error is NIOHTTP2Errors.InvalidPseudoHeaders
            || error is NIOHTTP2Errors.InvalidPseudoHeaderValue || error is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader
            || error is NIOHTTP2Errors.UnknownPseudoHeader || error is NIOHTTP2Errors.UnsupportedPseudoHeader
            || error is NIOHTTP2Errors.DuplicatePseudoHeader || error is NIOHTTP2Errors.MissingPseudoHeader
            || error is NIOHTTP2Errors.EmptyPathHeader
            || error is NIOHTTP2Errors.ForbiddenHeaderField || error is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName
            || error is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue || error is NIOHTTP2Errors.ContentLengthViolated
            || error is NIOHTTP2Errors.ContentLengthHeadersMismatch || error is NIOHTTP2Errors.ContentLengthHeaderNegative
            || error is NIOHTTP2Errors.ContentLengthHeaderMalformedValue
    }

    /// Whether this is about a stream that the caller opened before it knew of the GOAWAY.
    private func isOfIgnoredStream(_ error: any Error) -> Bool {
        guard case .draining = phase else { return false }
        return error is NIOHTTP2Errors.NoSuchStream || error is NIOHTTP2Errors.RaisedGoawayLastStreamID
    }

    /// The library has stopped in the middle of what was read; the streams that run need the rest.
    private func readOn(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            do {
                let tls = try bound.value.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
                tls.fireChannelRead(NIOAny(ByteBuffer()))
                tls.fireChannelReadComplete()
            } catch {
                bound.value.close(promise: nil)
            }
        }
    }
}
