// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP/2 caller that sends whatever frames a test likes.
final class RawHTTP2: Sendable {
    struct Frame: Sendable {
        let type: UInt8
        let flags: UInt8
        let stream: UInt32
        let payload: [UInt8]
        var endsStream: Bool { flags & 1 == 1 && (type == 0 || type == 1) }
    }

    let channel: any Channel
    private let heard: Heard

    private final class Heard: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    /// Connects, agrees on h2 and sends the preface.
    static func connect(port: Int) async throws -> RawHTTP2 {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        let heard = Heard()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLClientHandler(context: context, serverHostname: nil), Hearing(heard),
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let caller = RawHTTP2(channel, heard)
        try await caller.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4))
        return caller
    }

    private init(_ channel: any Channel, _ heard: Heard) {
        self.channel = channel
        self.heard = heard
    }

    /// Fails where the gateway has closed the connection.
    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    func close() async { try? await channel.close() }

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let size = payload.count
        let head: [UInt8] = [
            UInt8(size >> 16 & 0xFF), UInt8(size >> 8 & 0xFF), UInt8(size & 0xFF), type, flags, UInt8(stream >> 24 & 0x7F),
            UInt8(stream >> 16 & 0xFF), UInt8(stream >> 8 & 0xFF), UInt8(stream & 0xFF),
        ]
        return head + payload
    }

    /// A request's head as literals that no table holds.
    static func request(_ method: String, stream: UInt32, endsStream: Bool = true, endsHeaders: Bool = true) -> [UInt8] {
        var block: [UInt8] = []
        for (name, value) in [
            (":method", method), (":scheme", "https"), (":authority", "weir.test"), (":path", "/v1/chat/completions"),
        ] {
            block += [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        return frame(1, flags: (endsStream ? 1 : 0) | (endsHeaders ? 4 : 0), stream: stream, block)
    }

    /// A header as a literal that no table holds; its value is of this size, from 127 bytes on.
    static func line(_ name: String, size: Int) -> [UInt8] {
        var length: [UInt8] = [127]
        var left = size - 127
        while left >= 128 {
            length.append(UInt8(left & 127) | 128)
            left >>= 7
        }
        length.append(UInt8(left))
        return [0, UInt8(name.utf8.count)] + Array(name.utf8) + length + [UInt8](repeating: 0x61, count: size)
    }

    /// What the gateway has sent so far.
    var frames: [Frame] {
        var rest = heard.bytes.withLock { $0[...] }
        var frames: [Frame] = []
        while rest.count >= 9 {
            let head = Array(rest.prefix(9))
            let size = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            guard rest.count >= 9 + size else { break }
            let stream = head[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(Frame(type: head[3], flags: head[4], stream: stream, payload: Array(rest.dropFirst(9).prefix(size))))
            rest = rest.dropFirst(9 + size)
        }
        return frames
    }

    /// The last stream and the error of each GOAWAY.
    var goodbyes: [(last: UInt32, error: UInt32)] {
        frames.filter { $0.type == 7 && $0.payload.count >= 8 }.map { frame in
            let number = { (range: Range<Int>) in frame.payload[range].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
            return (number(0..<4), number(4..<8))
        }
    }

    private final class Hearing: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let heard: Heard

        init(_ heard: Heard) { self.heard = heard }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            heard.bytes.withLock { $0 += bytes }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {}
    }
}
