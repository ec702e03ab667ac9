// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// One connection of the server, in the loop world: reads a request, plans the answer, plays it back by the clock.
///
/// Per request: reading -> playing -> reading (keep-alive) or closed. Every method runs on the channel's event loop.
final class ServerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private struct Reading {
        var head: HTTPRequestHead
        var body: [UInt8] = []
        var byteCount = 0
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
    private let connection: Int
    private var reading: Reading?
    private var playing: Playing?
    private var timer: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    init(planner: AnswerPlanner, log: SeenLog) {
        self.planner = planner
        self.log = log
        connection = log.connectionOpened()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            reading = Reading(head: head)
            if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
                let head = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            }
        case .body(let buffer):
            reading?.byteCount += buffer.readableBytes
            let room = FakeProviderLimits.requestBodyBytes - (reading?.body.count ?? 0)
            if buffer.readableBytes <= room { reading?.body.append(contentsOf: buffer.readableBytesView) }
        case .end:
            guard let whole = reading else { return }
            reading = nil
            begin(whole, context: context)
        }
    }

    private func remember(_ reading: Reading, isWhole: Bool) -> SeenRequest {
        log.add { ordinal in
            var seen = SeenRequest(
                ordinal: ordinal, connection: connection, method: reading.head.method.rawValue, target: reading.head.uri,
                headers: reading.head.headers.map { SeenHeader(name: $0.name, value: $0.value) },
                body: Array(reading.body.prefix(FakeProviderLimits.seenBodyBytes)), bodyByteCount: reading.byteCount,
                isWhole: isWhole)
            seen.clientGone = !isWhole
            return seen
        }
    }

    private func begin(_ reading: Reading, context: ChannelHandlerContext) {
        let seen = remember(reading, isWhole: true)
        let body = reading.body.count == reading.byteCount ? reading.body : nil
        let playback = planner.plan(seen, body: body) { log.repetition(of: $0) }
        playing = Playing(
            playback: playback, ordinal: seen.ordinal, startedAt: .now(),
            keepsAlive: reading.head.isKeepAlive && !playback.closes)
        if !playback.drops { log.answerBegan(seen.ordinal, status: playback.status, isStream: playback.isChunked) }
        advance()
    }

    /// Writes all that is due, then waits for the next due time, for room, or ends.
    private func advance() {
        timer = nil
        guard let context, var now = playing else { return }
        let elapsed = (NIODeadline.now() - now.startedAt).nanoseconds / 1_000
        if !now.isHeadSent, elapsed >= now.playback.headDueMicroseconds {
            if now.playback.drops { return end(.cut, context: context) }
            writeHead(now, context: context)
            now.isHeadSent = true
        }
        while now.isHeadSent, now.next < now.playback.chunks.count, context.channel.isWritable {
            let chunk = now.playback.chunks[now.next]
            guard chunk.dueMicroseconds <= elapsed else { break }
            context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: chunk.bytes)))), promise: nil)
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

    private func writeHead(_ now: Playing, context: ChannelHandlerContext) {
        var headers = HTTPHeaders(now.playback.headers.map { ($0.name, $0.value) })
        if now.playback.isChunked {
            headers.add(name: "Transfer-Encoding", value: "chunked")
        } else {
            headers.add(name: "Content-Length", value: String(now.playback.contentLength))
        }
        headers.add(name: "Connection", value: now.keepsAlive ? "keep-alive" : "close")
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: now.playback.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func end(_ end: AnswerEnd, context: ChannelHandlerContext) {
        guard let now = playing else { return }
        playing = nil
        timer?.cancel()
        timer = nil
        // Counted before the last byte leaves, so that who has read the answer finds it in the log.
        log.answerEnded(now.ordinal, bytes: now.sentBytes, end: end)
        if end == .whole {
            let promise = now.keepsAlive ? nil : context.eventLoop.makePromise(of: Void.self)
            promise?.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
        } else {
            context.flush()
            breakOff(resets: now.playback.resets, context: context)
        }
    }

    /// Ends the connection in the middle of a message; a reset comes a little later, so that what was sent can be read.
    private func breakOff(resets: Bool, context: ChannelHandlerContext) {
        guard resets, let options = context.channel as? any SocketOptionProvider else { return context.close(promise: nil) }
        let delay = TimeAmount.milliseconds(FakeProviderLimits.resetDelayMilliseconds)
        context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            let armed = options.unsafeSetSocketOption(level: .socket, name: .so_linger, value: LingerOption.reset)
            armed.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, playing != nil, timer == nil { advance() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if let now = playing {
            playing = nil
            log.answerEnded(now.ordinal, bytes: now.sentBytes, end: .clientGone)
        }
        if let broken = reading {
            reading = nil
            let seen = remember(broken, isWhole: false)
            log.answerEnded(seen.ordinal, bytes: 0, end: .clientGone)
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// The C structure of SO_LINGER: on, with no time to linger, which makes a close a reset.
struct LingerOption: Sendable {
    var isOn: Int32
    var seconds: Int32

    static let reset = LingerOption(isOn: 1, seconds: 0)
}
