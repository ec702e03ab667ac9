// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// One upgraded connection, in the loop world: frames in, events out by the clock, until either side closes.
///
/// `x-fake` of the upgrade request holds for the whole connection: `gap_ms` between content events, `cut` after so many
/// bytes of frames (with `rst`), `comments` as pings between events, `tokens`.
final class RealtimeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var session: RealtimeSession
    private let order: FakeOrder
    private let log: SeenLog
    private let ordinal: Int
    private let gap: TimeAmount
    private var reading = WebSocketReading()
    private var waiting: [AnswerEvent] = []
    private var timer: Scheduled<Void>?
    private var heard: [UInt8] = []
    private var heardBytes = 0
    private var sentBytes = 0
    private var sentEvents = 0
    private var isEnded = false

    init(session: RealtimeSession, order: FakeOrder, log: SeenLog, ordinal: Int) {
        self.session = session
        self.order = order
        self.log = log
        self.ordinal = ordinal
        gap = .milliseconds(order.gapMilliseconds ?? 0)
    }

    func handlerAdded(context: ChannelHandlerContext) { say(session.open(), context: context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        reading.append(unwrapInboundIn(data).readableBytesView)
        do throws(WebSocketReading.Violation) {
            while !isEnded, let frame = try reading.next() { take(frame, context: context) }
        } catch {
            finish(.close(error.code, error.reason), context: context)
        }
    }

    private func take(_ frame: WebSocketFrame, context: ChannelHandlerContext) {
        switch frame.opcode {
        case .text, .binary:
            note(frame.payload)
            guard frame.opcode == .text else { return finish(.close(1_003, "text only"), context: context) }
            say(session.receive(frame.payload), context: context)
        case .ping: send(WebSocketFrame(opcode: .pong, payload: frame.payload), context: context)
        case .close: finish(WebSocketFrame(opcode: .close, payload: Array(frame.payload.prefix(125))), context: context)
        case .pong, .continuation: break
        }
    }

    private func note(_ payload: [UInt8]) {
        heardBytes += payload.count + 1
        if heard.count < FakeProviderLimits.seenBodyBytes { heard += payload + [0x0A] }
        log.requestEnded(ordinal, body: heard, byteCount: heardBytes)
    }

    private func say(_ events: [AnswerEvent], context: ChannelHandlerContext) {
        guard waiting.count + events.count <= FakeProviderLimits.waitingEvents else {
            return finish(.close(1_008, "too much at once"), context: context)
        }
        waiting += events
        if timer == nil { advance(context: context) }
    }

    /// Sends what needs no waiting; a content event waits for the gap.
    private func advance(context: ChannelHandlerContext) {
        timer = nil
        while !isEnded, !waiting.isEmpty {
            let event = waiting.removeFirst()
            if let every = order.commentEvery, sentEvents % every == 0 {
                send(WebSocketFrame(opcode: .ping, payload: Array("fake".utf8)), context: context)
            }
            sentEvents += 1
            send(WebSocketFrame(opcode: .text, payload: event.bytes), context: context)
            guard gap > .zero, event.pace == .content else { continue }
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: gap) { [self] in
                if context.channel.isActive { advance(context: context) }
            }
            return
        }
    }

    private func send(_ frame: WebSocketFrame, context: ChannelHandlerContext) {
        guard !isEnded else { return }
        var bytes = frame.bytes
        let room = order.cut.map { max(0, $0 - sentBytes) } ?? bytes.count
        let isCut = bytes.count > room
        if isCut { bytes = Array(bytes.prefix(room)) }
        sentBytes += bytes.count
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
        guard isCut else { return }
        end(.cut)
        if order.resets { SocketReset.close(context.channel, on: context.eventLoop) } else { context.close(promise: nil) }
    }

    /// Sends a close frame and closes when it has left.
    private func finish(_ frame: WebSocketFrame, context: ChannelHandlerContext) {
        guard !isEnded else { return }
        send(frame, context: context)
        guard !isEnded else { return }
        end(.whole)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(capacity: 0)), promise: promise)
    }

    private func end(_ end: AnswerEnd) {
        isEnded = true
        timer?.cancel()
        timer = nil
        log.answerEnded(ordinal, bytes: sentBytes, end: end)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isEnded { end(.clientGone) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
