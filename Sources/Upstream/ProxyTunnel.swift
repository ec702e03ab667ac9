// SPDX-License-Identifier: Apache-2.0
import HTTPWire
import NIOCore

/// Asks a proxy for a tunnel (CONNECT), waits for its answer with a deadline, and then goes away.
///
/// World: loop.
final class ProxyTunnel: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let proxy: ProxyAddress
    private let authority: String
    private let milliseconds: Int64
    private var completion: ((Result<Void, UpstreamError>) -> Void)?
    private var deadline: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var parser = HeadParser()
    private var inbound = ByteBuffer()

    /// - Parameters:
    ///   - proxy: who is asked.
    ///   - authority: `HOST:PORT` of the target.
    ///   - milliseconds: how long the answer may take.
    ///   - completion: called once, on the loop.
    init(
        proxy: ProxyAddress, authority: String, milliseconds: Int64, completion: @escaping (Result<Void, UpstreamError>) -> Void
    ) {
        self.proxy = proxy
        self.authority = authority
        self.milliseconds = milliseconds
        self.completion = completion
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) {
            self.end(.failure(UpstreamError(.proxyTimedOut, "the proxy \(self.proxy) did not open a tunnel in time")))
        }
        var request = context.channel.allocator.buffer(capacity: 256)
        request.writeString("CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n")
        if let secret = proxy.authorization { request.writeString("Proxy-Authorization: \(secret)\r\n") }
        request.writeStaticString("\r\n")
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inbound.add(unwrapInboundIn(data), allocator: context.channel.allocator)
        do throws(WireError) {
            while let head = try parser.readResponse(&inbound, toHead: true) {
                parser = HeadParser()
                if !head.isInterim { return answered(head) }
            }
        } catch {
            fail("answered what is not HTTP: \(error.description)")
        }
    }

    private func answered(_ head: ResponseHead) {
        switch head.status {
        case 200...299:
            // Behind a tunnel the caller speaks first.
            if inbound.readableBytes > 0 { return fail("sent bytes that nobody asked for") }
            end(.success(()))
        case 407: fail("wants other credentials (407); put user and password into its address")
        default: fail("refused the tunnel with status \(head.status)")
        }
    }

    private func fail(_ what: String) { end(.failure(UpstreamError(.proxyFailed, "the proxy \(proxy) \(what)"))) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail("ended the connection before its tunnel was open") }

    func channelInactive(context: ChannelHandlerContext) { fail("closed the connection before its tunnel was open") }

    private func end(_ result: Result<Void, UpstreamError>) {
        guard let completion else { return }
        self.completion = nil
        deadline?.cancel()
        if let context {
            if case .failure = result { context.close(promise: nil) }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
        completion(result)
    }
}

/// Names the target in full in each request line, as a proxy for plain http wants it (RFC 9112 section 3.2.2).
///
/// World: loop.
final class ProxyRequestLine: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Goes through the pipeline before a request: what is written next is its head.
    struct Begins: Sendable {}

    private let origin: String
    private let authorization: String?
    private var isAtHead = false

    init(target: UpstreamTarget, proxy: ProxyAddress) {
        let host = target.host.contains(":") ? "[\(target.host)]" : target.host
        origin = target.port == 80 ? "http://\(host)" : "http://\(host):\(target.port)"
        authorization = proxy.authorization
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Begins else { return context.triggerUserOutboundEvent(event, promise: promise) }
        isAtHead = true
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isAtHead else { return context.write(data, promise: promise) }
        isAtHead = false
        let head = unwrapOutboundIn(data)
        context.write(wrapOutboundOut(rewritten(head, allocator: context.channel.allocator)), promise: promise)
    }

    private func rewritten(_ head: ByteBuffer, allocator: ByteBufferAllocator) -> ByteBuffer {
        let view = head.readableBytesView
        guard let blank = view.firstIndex(of: UInt8(ascii: " ")), let lineEnd = view.firstIndex(of: UInt8(ascii: "\n")),
            blank + 1 < lineEnd
        else { return head }
        var out = allocator.buffer(capacity: head.readableBytes + origin.utf8.count + 128)
        out.writeBytes(view[...blank])
        out.writeString(origin)
        // `OPTIONS *` is the origin alone.
        let rest = view[blank + 1] == UInt8(ascii: "*") ? blank + 2 : blank + 1
        out.writeBytes(view[rest...lineEnd])
        if let authorization { out.writeString("Proxy-Authorization: \(authorization)\r\n") }
        out.writeBytes(view[(lineEnd + 1)...])
        return out
    }
}
