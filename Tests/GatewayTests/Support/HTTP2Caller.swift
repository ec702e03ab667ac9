// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL

/// A caller that speaks HTTP/2 by the library's own client.
final class HTTP2Caller: Sendable {
    let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    /// What a stream has brought.
    enum Event: Sendable {
        case headers(HPACKHeaders, endsStream: Bool)
        case data([UInt8], endsStream: Bool)
        case reset(HTTP2ErrorCode)
        case closed
    }

    static func connect(port: Int, streamWindow: Int = 65_535, validates: Bool = true) async throws -> HTTP2Caller {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        let made: (any Channel, NIOHTTP2Handler.StreamMultiplexer) = try await ClientBootstrap(
            group: MultiThreadedEventLoopGroup.singleton
        )
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                var settings = NIOHTTP2Handler.ConnectionConfiguration()
                settings.headerBlockValidation = validates ? .enabled : .disabled
                settings.contentLengthValidation = validates ? .enabled : .disabled
                settings.targetWindowSize = 1 << 20
                var stream = NIOHTTP2Handler.StreamConfiguration()
                stream.targetWindowSize = streamWindow
                settings.initialSettings = [HTTP2Setting(parameter: .initialWindowSize, value: streamWindow)]
                let handler = NIOHTTP2Handler(
                    mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: settings, streamConfiguration: stream
                ) { $0.eventLoop.makeSucceededVoidFuture() }
                try channel.pipeline.syncOperations.addHandler(handler)
                return (channel, try handler.syncMultiplexer())
            }
        }
        return HTTP2Caller(made.0, made.1)
    }

    private init(_ channel: any Channel, _ multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
        self.channel = channel
        self.multiplexer = multiplexer
    }

    func close() async { try? await channel.close() }

    /// Opens a stream with a request.
    func ask(
        _ method: String = "POST", _ path: String = "/v1/chat/completions", _ headers: [(String, String)] = [],
        body: [UInt8]? = nil, endsStream: Bool = true
    ) async throws -> HTTP2Asked {
        let head = HPACKHeaders(
            [(":method", method), (":scheme", "https"), (":authority", "weir.test"), (":path", path)] + headers)
        return try await ask(head, body: body, endsStream: endsStream)
    }

    func ask(_ head: HPACKHeaders, body: [UInt8]? = nil, endsStream: Bool = true) async throws -> HTTP2Asked {
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        let promise = channel.eventLoop.makePromise(of: (any Channel).self)
        multiplexer.createStreamChannel(promise: promise) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(Listening(continuation: continuation))
            }
        }
        let stream = try await promise.futureResult.get()
        let asked = HTTP2Asked(channel: stream, events: events)
        try await asked.send(.headers(.init(headers: head, endStream: body == nil && endsStream)))
        if let body { try await asked.send(body, endsStream: endsStream) }
        return asked
    }

    private final class Listening: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        let continuation: AsyncStream<Event>.Continuation

        init(continuation: AsyncStream<Event>.Continuation) { self.continuation = continuation }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .headers(let frame): continuation.yield(.headers(frame.headers, endsStream: frame.endStream))
            case .data(let frame):
                guard case .byteBuffer(let bytes) = frame.data else { return }
                continuation.yield(
                    .data(bytes.getBytes(at: bytes.readerIndex, length: bytes.readableBytes) ?? [], endsStream: frame.endStream))
            case .rstStream(let code): continuation.yield(.reset(code))
            default: break
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let closed = error as? NIOHTTP2Errors.StreamClosed { continuation.yield(.reset(closed.errorCode)) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            continuation.yield(.closed)
            continuation.finish()
        }
    }
}

/// One stream that was opened.
final class HTTP2Asked: Sendable {
    let channel: any Channel
    private let events: AsyncStream<HTTP2Caller.Event>

    init(channel: any Channel, events: AsyncStream<HTTP2Caller.Event>) {
        self.channel = channel
        self.events = events
    }

    func send(_ payload: HTTP2Frame.FramePayload) async throws { try await channel.writeAndFlush(payload) }

    func send(_ body: [UInt8], endsStream: Bool) async throws {
        try await send(.data(.init(data: .byteBuffer(ByteBuffer(bytes: body)), endStream: endsStream)))
    }

    func reset() async throws { try await send(.rstStream(.cancel)) }

    /// Events one by one.
    func makeIterator() -> AsyncStream<HTTP2Caller.Event>.AsyncIterator { events.makeAsyncIterator() }

    struct Whole: Sendable {
        var interim: [String] = []
        var headers = HPACKHeaders()
        var trailers = HPACKHeaders()
        var body: [UInt8] = []
        /// END_STREAM came.
        var isWhole = false
        var reset: HTTP2ErrorCode?
        var status: Int { Int(headers.first(name: ":status") ?? "") ?? 0 }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Everything until the stream is over.
    func whole() async throws -> Whole {
        var whole = Whole()
        for await event in events {
            switch event {
            case .headers(let headers, let isLast):
                if let status = headers.first(name: ":status") {
                    if status.hasPrefix("1") { whole.interim.append(status) } else { whole.headers = headers }
                } else {
                    whole.trailers = headers
                }
                whole.isWhole = whole.isWhole || isLast
            case .data(let bytes, let isLast):
                whole.body += bytes
                whole.isWhole = whole.isWhole || isLast
            case .reset(let code): whole.reset = whole.reset ?? code
            case .closed: break
            }
        }
        return whole
    }
}
