// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// One connection of the server, in the loop world: reads a request, plans the answer, plays it back by the clock.
///
/// Per request: reading -> playing -> reading (keep-alive) or closed; with an early answer the two overlap. Requests that
/// come while an answer is played wait their turn. Every method runs on the channel's event loop.
final class ServerHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer
    typealias Decoder = ByteToMessageHandler<HTTPRequestDecoder>

    private struct Reading {
        var head: HTTPRequestHead
        var body: [UInt8] = []
        var byteCount = 0
        /// Set where the answer has begun before the request's end.
        var answered: Int?
        var readGap: TimeAmount?
    }

    private struct Playing {
        var playback: Playback
        var ordinal: Int
        var startedAt: NIODeadline
        var next = 0
        var isHeadSent = false
        var sentBytes = 0
        var keepsAlive: Bool
    }

    private let planner: AnswerPlanner
    private let log: SeenLog
    private let decoder: Decoder
    private let connection: Int
    private var reading: Reading?
    private var playing: Playing?
    private var pending: [HTTPServerRequestPart] = []
    private var pendingBytes = 0
    private var isDraining = false
    private var timer: Scheduled<Void>?
    private var readTimer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(planner: AnswerPlanner, log: SeenLog, decoder: Decoder) {
        self.planner = planner
        self.log = log
        self.decoder = decoder
        connection = log.connectionOpened()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if pending.isEmpty, !isDraining, playing == nil || reading != nil { return take(part, context: context) }
        if case .body(let buffer) = part { pendingBytes += buffer.readableBytes }
        guard pendingBytes <= FakeProviderLimits.requestBodyBytes else { return context.close(promise: nil) }
        pending.append(part)
    }

    /// Takes the parts that waited for an answer to end.
    private func drain(context: ChannelHandlerContext) {
        guard !isDraining else { return }
        isDraining = true
        while playing == nil || reading != nil, !pending.isEmpty, self.context != nil {
            let part = pending.removeFirst()
            if case .body(let buffer) = part { pendingBytes -= buffer.readableBytes }
            take(part, context: context)
        }
        isDraining = false
    }

    private func take(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        switch part {
        case .head(let head): takeHead(head, context: context)
        case .body(let buffer):
            reading?.byteCount += buffer.readableBytes
            let room = FakeProviderLimits.requestBodyBytes - (reading?.body.count ?? 0)
            if buffer.readableBytes <= room { reading?.body.append(contentsOf: buffer.readableBytesView) }
        case .end:
            guard let whole = reading else { return }
            reading = nil
            readFast(whole, context: context)
            guard let ordinal = whole.answered else { return begin(whole, context: context) }
            log.requestEnded(ordinal, body: whole.body, byteCount: whole.byteCount)
        }
    }

    private func takeHead(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        reading = Reading(head: head)
        let order = (try? planner.readOrder(seen(Reading(head: head), ordinal: -1, isWhole: false))) ?? FakeOrder()
        if let size = order.readBytes { readSlowly(size, gap: order.readGapMilliseconds, context: context) }
        let expects = head.headers["expect"].contains { $0.lowercased() == "100-continue" }
        switch order.expectation {
        case .refused where expects: return beginEarly(head, context: context)
        case .honoured where expects && order.early == nil: write(AnswerWire.continueHead, flushes: true, context: context)
        default: break
        }
        if order.early != nil { beginEarly(head, context: context) }
    }

    /// Reads a few bytes at a time until the request has ended.
    private func readSlowly(_ size: Int, gap: Int64, context: ChannelHandlerContext) {
        reading?.readGap = .milliseconds(gap)
        _ = context.channel.setOption(.autoRead, value: false)
        _ = context.channel.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: size))
        _ = context.channel.setOption(.maxMessagesPerRead, value: 1)
        readNext()
    }

    private func readNext() {
        guard let context, let gap = reading?.readGap else { return }
        readTimer = context.eventLoop.assumeIsolated().scheduleTask(in: gap) { [self] in
            self.context?.read()
            readNext()
        }
    }

    private func readFast(_ whole: Reading, context: ChannelHandlerContext) {
        guard whole.readGap != nil else { return }
        readTimer?.cancel()
        readTimer = nil
        _ = context.channel.setOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator())
        _ = context.channel.setOption(.maxMessagesPerRead, value: 4)
        _ = context.channel.setOption(.autoRead, value: true)
    }

    private func seen(_ reading: Reading, ordinal: Int, isWhole: Bool) -> SeenRequest {
        SeenRequest(
            ordinal: ordinal, connection: connection, method: reading.head.method.rawValue, target: reading.head.uri,
            headers: reading.head.headers.map { SeenHeader(name: $0.name, value: $0.value) },
            body: Array(reading.body.prefix(FakeProviderLimits.seenBodyBytes)), bodyByteCount: reading.byteCount,
            isWhole: isWhole)
    }

    // MARK: Playing

    private func begin(_ whole: Reading, context: ChannelHandlerContext) {
        let seen = log.add { self.seen(whole, ordinal: $0, isWhole: true) }
        let body = whole.body.count == whole.byteCount ? whole.body : nil
        play(planner.plan(seen, body: body) { log.repetition(of: $0) }, of: seen, head: whole.head)
    }

    /// Answers before the body has come.
    private func beginEarly(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        let seen = log.add { self.seen(Reading(head: head), ordinal: $0, isWhole: false) }
        reading?.answered = seen.ordinal
        play(planner.planEarly(seen), of: seen, head: head)
    }

    private func play(_ planned: Playback, of seen: SeenRequest, head: HTTPRequestHead) {
        var playback = planned
        if head.version == .http1_0, playback.isChunked { playback.framing = .close }
        playing = Playing(
            playback: playback, ordinal: seen.ordinal, startedAt: .now(),
            keepsAlive: head.isKeepAlive && !playback.closes && playback.framing != .close)
        if !playback.drops { log.answerBegan(seen.ordinal, status: playback.status, isStream: playback.isChunked) }
        if playback.status == 101, let context { return upgrade(playback, seen, context: context) }
        advance()
    }

    /// Writes all that is due, then waits for the next due time, for room, or ends.
    private func advance() {
        timer = nil
        guard let context, var now = playing else { return }
        let elapsed = (NIODeadline.now() - now.startedAt).nanoseconds / 1_000
        if !now.isHeadSent, elapsed >= now.playback.headDueMicroseconds {
            if now.playback.drops { return end(.cut, context: context) }
            write(AnswerWire.head(now.playback, keepsAlive: now.keepsAlive), flushes: now.playback.flushesEach, context: context)
            now.isHeadSent = true
            if now.playback.omitsBody { now.next = now.playback.chunks.count }
        }
        while now.isHeadSent, now.next < now.playback.chunks.count, context.channel.isWritable {
            let chunk = now.playback.chunks[now.next]
            guard chunk.dueMicroseconds <= elapsed else { break }
            let bytes = AnswerWire.body(chunk.bytes, now.playback.framing)
            write(bytes, flushes: now.playback.flushesEach, context: context)
            now.sentBytes += chunk.bytes.count
            now.next += 1
        }
        playing = now
        if now.isHeadSent, now.next == now.playback.chunks.count {
            return end(now.playback.isCut ? .cut : .whole, context: context)
        }
        context.flush()
        guard context.channel.isWritable else { return }
        let due = now.isHeadSent ? now.playback.chunks[now.next].dueMicroseconds : now.playback.headDueMicroseconds
        if playing != nil { wait(until: now.startedAt + .microseconds(due), context: context) }
    }

    private func wait(until deadline: NIODeadline, context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.advance() }
    }

    private func write(
        _ bytes: [UInt8], flushes: Bool, promise: EventLoopPromise<Void>? = nil, context: ChannelHandlerContext
    ) {
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: promise)
        if flushes { context.flush() }
    }

    private func end(_ end: AnswerEnd, context: ChannelHandlerContext) {
        guard let now = playing else { return }
        playing = nil
        timer?.cancel()
        timer = nil
        // Counted before the last byte leaves, so that who has read the answer finds it in the log.
        log.answerEnded(now.ordinal, bytes: now.sentBytes, end: end)
        guard end == .whole else {
            context.flush()
            return breakOff(resets: now.playback.resets, context: context)
        }
        let promise = now.keepsAlive ? nil : context.eventLoop.makePromise(of: Void.self)
        promise?.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        write(AnswerWire.tail(now.playback, sentBytes: now.sentBytes), flushes: true, promise: promise, context: context)
        if now.keepsAlive { drain(context: context) }
    }

    /// Ends the connection in the middle of a message; a reset comes a little later, so that what was sent can be read.
    private func breakOff(resets: Bool, context: ChannelHandlerContext) {
        guard resets else { return context.close(promise: nil) }
        SocketReset.close(context.channel, on: context.eventLoop)
    }

    /// Hands the connection over to a WebSocket.
    private func upgrade(_ playback: Playback, _ seen: SeenRequest, context: ChannelHandlerContext) {
        playing = nil
        write(AnswerWire.head(playback, keepsAlive: true), flushes: true, context: context)
        let order = (try? planner.readOrder(seen)) ?? FakeOrder()
        let session = RealtimeSession(script: planner.script, order: order, request: seen)
        let handler = RealtimeHandler(session: session, order: order, log: log, ordinal: seen.ordinal)
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(handler, position: .after(self))
            pipeline.removeHandler(self, promise: nil)
            // What came behind the head reaches the new handler as bytes.
            pipeline.removeHandler(decoder, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    // MARK: The connection

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, playing != nil, timer == nil { advance() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        readTimer?.cancel()
        readTimer = nil
        if let now = playing {
            playing = nil
            log.answerEnded(now.ordinal, bytes: now.sentBytes, end: .clientGone)
        }
        if let broken = reading {
            reading = nil
            if broken.answered == nil {
                let seen = log.add { self.seen(broken, ordinal: $0, isWhole: false) }
                log.answerEnded(seen.ordinal, bytes: 0, end: .clientGone)
            }
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError, playing == nil else { return context.close(promise: nil) }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        write(AnswerWire.badRequest, flushes: true, promise: promise, context: context)
    }
}

/// Closes a connection with a reset, a little later, so that what was sent can be read.
enum SocketReset {
    static func close(_ channel: any Channel, on loop: any EventLoop) {
        guard let options = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        let delay = TimeAmount.milliseconds(FakeProviderLimits.resetDelayMilliseconds)
        loop.assumeIsolated().scheduleTask(in: delay) {
            let armed = options.unsafeSetSocketOption(level: .socket, name: .so_linger, value: LingerOption.reset)
            armed.assumeIsolated().whenComplete { _ in channel.close(promise: nil) }
        }
    }
}

/// The C structure of SO_LINGER: on, with no time to linger, which makes a close a reset.
struct LingerOption: Sendable {
    var isOn: Int32
    var seconds: Int32

    static let reset = LingerOption(isOn: 1, seconds: 0)
}
