// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

@testable import Upstream

/// A provider on TLS that answers every request without a body, each connection in the order of its script.
final class SecureProvider: Sendable {
    /// What becomes of one request.
    enum Act {
        case answer(String)
        /// The connection ends without TLS' farewell.
        case cut
        /// An answer begins, and then nothing more is sent or read.
        case stall(String)
    }

    private let channel: any Channel
    private let heads = Seen()
    var port: Int { channel.localAddress?.port ?? 0 }
    /// The heads of the requests that came.
    var requests: [String] { heads.all }

    convenience init(_ issued: TestAuthority.Issued, answering answer: String = ok("secure")) async throws {
        try await self.init(issued, script: [.answer(answer)])
    }

    /// - Parameters:
    ///   - issued: its certificate.
    ///   - script: for the requests that come, over all connections; the last act is repeated.
    init(_ issued: TestAuthority.Issued, script: [Act]) async throws {
        let context = try TestTLS.server(issued)
        let heads = heads
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        SocketCloser(), NIOSSLServerHandler(context: context), Answering(script: script, heads: heads),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func stop() async throws { try await channel.close() }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let script: [Act]
        let heads: Seen
        var text = ""

        init(script: [Act], heads: Seen) {
            self.script = script
            self.heads = heads
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            guard text.hasSuffix("\r\n\r\n") else { return }
            heads.add(text)
            text = ""
            switch script[min(heads.all.count, script.count) - 1] {
            case .answer(let answer): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            case .cut: SocketReset.closeSocket(context.channel)
            case .stall(let answer):
                _ = context.channel.setOption(.autoRead, value: false)
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// Texts in the order in which they came.
final class Seen: Sendable {
    private let texts = Mutex<[String]>([])
    var all: [String] { texts.withLock { $0 } }
    func add(_ text: String) { texts.withLock { $0.append(text) } }
}

enum TestTLS {
    static func server(_ issued: TestAuthority.Issued) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(issued.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: issued.key, format: .pem)))
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }
}

/// A proxy that opens tunnels to this machine whatever host it is asked for, and answers plain requests itself.
final class TunnelProxy: Sendable {
    private let channel: any Channel
    private let heads = Seen()
    var port: Int { channel.localAddress?.port ?? 0 }
    /// The heads of what it was asked.
    var requests: [String] { heads.all }

    /// - Parameters:
    ///   - issued: its own certificate, for a proxy on TLS.
    ///   - destination: the port that tunnels lead to.
    ///   - refusing: answered instead of a tunnel.
    init(_ issued: TestAuthority.Issued? = nil, destination: Int, refusing: String? = nil) async throws {
        let context = try issued.map(TestTLS.server)
        let heads = heads
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context { try pipeline.addHandler(NIOSSLServerHandler(context: context)) }
                    try pipeline.addHandler(Tunnelling(destination: destination, refusing: refusing, heads: heads))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func stop() async throws { try await channel.close() }

    private final class Tunnelling: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let destination: Int
        let refusing: String?
        let heads: Seen
        var text = ""
        var other: (any Channel)?

        init(destination: Int, refusing: String?, heads: Seen) {
            self.destination = destination
            self.refusing = refusing
            self.heads = heads
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if let other { return other.writeAndFlush(unwrapInboundIn(data), promise: nil) }
            text += String(buffer: unwrapInboundIn(data))
            guard text.hasSuffix("\r\n\r\n") else { return }
            heads.add(text)
            let isTunnel = text.hasPrefix("CONNECT ")
            text = ""
            guard isTunnel, refusing == nil else {
                return context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: refusing ?? ok("by proxy"))), promise: nil)
            }
            let near = context.channel
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            ClientBootstrap(group: context.eventLoop)
                .connect(host: "127.0.0.1", port: destination)
                .whenSuccess { far in
                    let (handler, context) = bound.value
                    handler.other = far
                    _ = far.pipeline.addHandler(Back(near: near))
                    context.writeAndFlush(
                        handler.wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 200 Connected\r\n\r\n")), promise: nil)
                }
        }

        func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    private final class Back: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let near: any Channel
        init(near: any Channel) { self.near = near }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) { near.writeAndFlush(unwrapInboundIn(data), promise: nil) }
        func channelInactive(context: ChannelHandlerContext) { near.close(promise: nil) }
    }
}
