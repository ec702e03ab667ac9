// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// What one exchange gave the client.
struct ClientAnswer {
    var outcome: TrafficOutcome
    var status: Int?
    var bytes: [UInt8] = []
}

/// One connection of the driver, in the loop world: one exchange at a time, its end reported exactly once.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private struct InFlight {
        var answer = ClientAnswer(outcome: .unreachable)
        var cancelAfter: Int?
        var events = 0
        var endsWithNewline = false
        var keepsAlive = true
        var whenEnded: (ClientAnswer) -> Void
    }

    private var context: ChannelHandlerContext?
    private var inFlight: InFlight?
    private var deadline: Scheduled<Void>?
    /// Whether another exchange may be sent.
    private(set) var isOpen = true

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Sends a request; `whenEnded` is called once, on the loop.
    func send(_ head: HTTPRequestHead, body: [UInt8], cancelAfter: Int?, whenEnded: @escaping (ClientAnswer) -> Void) {
        guard let context, isOpen, inFlight == nil else { return whenEnded(ClientAnswer(outcome: .unreachable)) }
        inFlight = InFlight(cancelAfter: cancelAfter, whenEnded: whenEnded)
        let limit = TimeAmount.seconds(FakeProviderLimits.driverExchangeSeconds)
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { self.breakOff(.overdue) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.status.code >= 200 else { return }
            inFlight?.answer.status = Int(head.status.code)
            inFlight?.keepsAlive = head.isKeepAlive
        case .body(let buffer): received(buffer)
        case .end: ended()
        }
    }

    private func received(_ buffer: ByteBuffer) {
        guard var now = inFlight else { return }
        now.answer.bytes.append(contentsOf: buffer.readableBytesView)
        for byte in buffer.readableBytesView {
            let isNewline = byte == 0x0A
            if isNewline, now.endsWithNewline { now.events += 1 }
            now.endsWithNewline = isNewline && !now.endsWithNewline
        }
        inFlight = now
        if now.answer.bytes.count > FakeProviderLimits.driverAnswerBytes { return breakOff(.overdue) }
        if let point = now.cancelAfter, now.events >= point, now.answer.status == 200 { breakOff(.cancelled) }
    }

    private func ended() {
        guard let now = inFlight else { return }
        let isRefused = (now.answer.status ?? 0) >= 400
        if !now.keepsAlive { isOpen = false }
        finish(isRefused ? .refused : .answered)
        if !now.keepsAlive { close() }
    }

    /// Reports first, because closing may report an exchange in flight as cut before it returns.
    private func breakOff(_ outcome: TrafficOutcome) {
        isOpen = false
        finish(outcome)
        close()
    }

    /// Closes the connection; an exchange in flight ends as cut or unreachable.
    func close() {
        isOpen = false
        context?.close(promise: nil)
    }

    private func finish(_ outcome: TrafficOutcome) {
        guard var now = inFlight else { return }
        inFlight = nil
        deadline?.cancel()
        deadline = nil
        now.answer.outcome = outcome
        now.whenEnded(now.answer)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOpen = false
        finish(inFlight?.answer.status == nil ? .unreachable : .cut)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }
}
