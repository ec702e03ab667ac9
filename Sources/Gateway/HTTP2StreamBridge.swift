// SPDX-License-Identifier: Apache-2.0
import HTTPWire
import NIOCore
import NIOHPACK
import NIOHTTP2
import Upstream

/// One HTTP/2 stream seen as a connection that carries one HTTP/1.1 request and its answer, for the `DownstreamHandler` above it.
///
/// World: loop.
///
/// - The bytes that end an answer are written after its exchange was committed, so END_STREAM leaves after the commit too.
/// - An answer whose framing has not come to its end when the handler above closes becomes RST_STREAM, never END_STREAM.
/// - Window updates follow the reads of the handler above: what a provider does not take, the caller may not send.
final class HTTP2StreamBridge: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// How far the request has come.
    private enum Request {
        /// Exits: `length`, `chunked`, `ended`, `refused`.
        case head
        /// A body of stated length, with what is left of it. Exits: `ended`, `refused`.
        case length(Int)
        /// Exits: `ended`, `refused`.
        case chunked
        case ended
        case refused
    }

    private let stalledMilliseconds: Int64
    private var request = Request.head
    private var answer = HTTP2Answer(isHead: false)
    /// Done when END_STREAM has left for the socket.
    private var end: EventLoopFuture<Void>?
    private var endedAt = NIODeadline.now()
    private var isReset = false

    /// A bridge for one stream.
    ///
    /// - Parameter stalledMilliseconds: a caller that takes nothing of an answer for this long is given up.
    init(stalledMilliseconds: Int64) {
        self.stalledMilliseconds = stalledMilliseconds
    }

    // MARK: The request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do throws(HTTP2Malformed) {
            switch unwrapInboundIn(data) {
            case .headers(let frame): try take(frame, context: context)
            case .data(let frame): try take(frame, context: context)
            default: break
            }
        } catch {
            request = .refused
            reset(.protocolError, context: context)
        }
    }

    private func take(_ frame: HTTP2Frame.FramePayload.Headers, context: ChannelHandlerContext) throws(HTTP2Malformed) {
        switch request {
        case .head:
            let head = try HTTP2Request(frame.headers, endsStream: frame.endStream)
            answer = HTTP2Answer(isHead: head.isHead)
            switch head.body {
            case .none: request = .ended
            case .length(let count): request = .length(count)
            case .chunked: request = .chunked
            }
            pass(head.bytes, context: context)
        case .length(let left):
            // Trailers: a body of stated length has no place for them in HTTP/1.1.
            guard frame.endStream, left == 0 else { throw HTTP2Malformed() }
            request = .ended
        case .chunked:
            guard frame.endStream else { throw HTTP2Malformed() }
            let ending = try HTTP2Request.ending(frame.headers)
            request = .ended
            pass(ending, context: context)
        case .ended, .refused:
            break
        }
    }

    private func take(_ frame: HTTP2Frame.FramePayload.Data, context: ChannelHandlerContext) throws(HTTP2Malformed) {
        guard case .byteBuffer(let bytes) = frame.data else { return }
        switch request {
        case .head:
            throw HTTP2Malformed()
        case .length(let left):
            let rest = left - bytes.readableBytes
            // Never more than was stated: the rest would be read as another request.
            guard rest >= 0, rest == 0 || !frame.endStream else { throw HTTP2Malformed() }
            request = frame.endStream ? .ended : .length(rest)
            if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
        case .chunked:
            if frame.endStream { request = .ended }
            let ending = frame.endStream ? try HTTP2Request.ending(nil) : []
            pass(chunk(bytes, ending: ending, allocator: context.channel.allocator), context: context)
        case .ended, .refused:
            break
        }
    }

    private func chunk(_ bytes: ByteBuffer, ending: [UInt8], allocator: ByteBufferAllocator) -> ByteBuffer {
        var out = allocator.buffer(capacity: bytes.readableBytes + ending.count + 16)
        if bytes.readableBytes > 0 {
            out.writeString(String(bytes.readableBytes, radix: 16))
            out.writeStaticString("\r\n")
            out.writeImmutableBuffer(bytes)
            out.writeStaticString("\r\n")
        }
        out.writeBytes(ending)
        return out
    }

    private func pass(_ bytes: [UInt8], context: ChannelHandlerContext) {
        pass(context.channel.allocator.buffer(bytes: bytes), context: context)
    }

    private func pass(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
    }

    // MARK: The answer

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isReset else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let pieces: [HTTP2Answer.Piece]
        do throws(WireError) {
            pieces = try answer.take(unwrapOutboundIn(data), allocator: context.channel.allocator)
        } catch {
            reset(.internalError, context: context)
            promise?.fail(error)
            return
        }
        guard let last = pieces.last else { return confirm(promise, context: context) }
        for piece in pieces.dropLast() { write(piece, promise: nil, context: context) }
        write(last, promise: promise, context: context)
    }

    private func write(_ piece: HTTP2Answer.Piece, promise: EventLoopPromise<Void>?, context: ChannelHandlerContext) {
        let payload: HTTP2Frame.FramePayload
        let endsStream: Bool
        switch piece {
        case .headers(let headers, let isLast):
            payload = .headers(.init(headers: headers, endStream: isLast))
            endsStream = isLast
        case .data(let bytes, let isLast):
            payload = .data(.init(data: .byteBuffer(bytes), endStream: isLast))
            endsStream = isLast
        }
        guard endsStream else { return context.write(wrapOutboundOut(payload), promise: promise) }
        let ended = context.eventLoop.makePromise(of: Void.self)
        end = ended.futureResult
        endedAt = .now()
        if let promise { ended.futureResult.cascade(to: promise) }
        context.write(wrapOutboundOut(payload), promise: ended)
    }

    /// Nothing was written, but somebody waits until all before it has left.
    private func confirm(_ promise: EventLoopPromise<Void>?, context: ChannelHandlerContext) {
        guard let promise else { return }
        if let end {
            end.cascade(to: promise)
        } else if answer.hasBegun {
            context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer())))), promise: promise)
        } else {
            promise.succeed()
        }
    }

    // MARK: Ending

    /// The handler above ends what it takes for a connection.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        if isReset { return context.close(promise: promise) }
        if answer.mayEndWithConnection, end == nil {
            answer.endWithConnection()
            write(.data(ByteBuffer(), endsStream: true), promise: nil, context: context)
            context.flush()
        }
        guard let end else {
            reset(.internalError, context: context)
            promise?.succeed()
            return
        }
        if NIODeadline.now() - endedAt > .milliseconds(stalledMilliseconds) { return context.close(promise: promise) }
        // The answer is whole: it goes its way, and the rest of a request that nobody reads is asked for no more.
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        end.assumeIsolated().whenComplete { _ in
            switch self.request {
            case .head, .length, .chunked: self.reset(.noError, context: bound.value)
            case .ended, .refused: break
            }
        }
        promise?.succeed()
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if event is SocketReset.Wanted {
            reset(.internalError, context: context)
            promise?.succeed()
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    private func reset(_ code: HTTP2ErrorCode, context: ChannelHandlerContext) {
        guard !isReset else { return }
        isReset = true
        context.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
    }
}
