// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import FakeProvider

@Suite struct WebSocketFrameTests {
    /// The example of RFC 6455, section 1.3.
    @Test func acceptsAsTheSpecificationSays() {
        #expect(WebSocketFrame.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    /// The examples of RFC 6455, section 5.7.
    @Test func readsAndWritesTheExamplesOfTheSpecification() throws {
        var reading = WebSocketReading()
        for byte in [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58] as [UInt8] {
            #expect(try reading.next() == nil)
            reading.append([byte])
        }
        #expect(try reading.next() == WebSocketFrame(opcode: .text, payload: Array("Hello".utf8)))
        #expect(WebSocketFrame(opcode: .text, payload: Array("Hello".utf8)).bytes == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        let long = [UInt8](repeating: 7, count: 256)
        #expect(WebSocketFrame(opcode: .binary, payload: long).bytes == [0x82, 0x7E, 0x01, 0x00] + long)
        let longer = [UInt8](repeating: 7, count: 65_536)
        #expect(WebSocketFrame(opcode: .binary, payload: longer).bytes == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + longer)
    }

    static func masked(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let mask: [UInt8] = [1, 2, 3, 4]
        let length =
            payload.count < 126 ? [0x80 | UInt8(payload.count)] : [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        return [first] + length + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    @Test func joinsFragmentsAroundAPing() throws {
        var reading = WebSocketReading()
        for (first, text) in [(0x01, "Hel"), (0x89, "ping"), (0x80, "lo")] as [(UInt8, String)] {
            reading.append(Self.masked(first, Array(text.utf8)))
        }
        #expect(try reading.next() == WebSocketFrame(opcode: .ping, payload: Array("ping".utf8)))
        #expect(try reading.next() == WebSocketFrame(opcode: .text, payload: Array("Hello".utf8)))
        #expect(try reading.next() == nil)
    }

    @Test(
        arguments: [
            [0x81, 0x05, 0x48], [0xC1, 0x85], [0x83, 0x80, 0, 0, 0, 0], [0x09, 0x80, 0, 0, 0, 0], [0x89, 0xFE, 0, 200],
            [0x80, 0x80, 0, 0, 0, 0], [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4],
        ] as [[UInt8]]) func refusesBrokenFrames(bytes: [UInt8])
    {
        var reading = WebSocketReading()
        reading.append(bytes)
        #expect(throws: WebSocketReading.Violation.self) { try reading.next() }
    }
}

@Suite struct RealtimeTests {
    private let upgrade =
        "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

    private func frames(_ answer: RawAnswer) -> [(opcode: UInt8, payload: [UInt8])] {
        var found: [(opcode: UInt8, payload: [UInt8])] = []
        var left = answer.rest[...]
        while left.count >= 2 {
            let start = left.startIndex
            let short = Int(left[start + 1])
            let size = short == 126 ? Int(left[start + 2]) << 8 | Int(left[start + 3]) : short
            let head = short == 126 ? 4 : 2
            guard left.count >= head + size else { break }
            found.append((left[start] & 0x0F, Array(left[(start + head)..<(start + head + size)])))
            left = left.dropFirst(head + size)
        }
        return found
    }

    private func talk(_ messages: [[UInt8]], order: String = "", script: FakeProviderScript = .instant) async throws -> (
        answer: RawAnswer, seen: SeenRequest?
    ) {
        try await withServer(script) { server, port in
            let bytes = Array((upgrade + order + "\r\n").utf8) + messages.flatMap { $0 }
            let answer = try await sendRaw(bytes, port: port)
            return (answer, server.seen().first)
        }
    }

    private func text(_ json: String) -> [UInt8] { WebSocketFrameTests.masked(0x81, Array(json.utf8)) }
    private let close = WebSocketFrameTests.masked(0x88, [0x03, 0xE8])

    @Test func answersAResponseWithItsEventsAndUsage() async throws {
        let item =
            #"{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}}"#
        let messages = [
            text(#"{"type":"session.update","session":{"output_modalities":["text"]}}"#), text(item),
            text(#"{"type":"response.create"}"#), WebSocketFrameTests.masked(0x89, Array("now".utf8)), close,
        ]
        let (answer, seen) = try await talk(messages, order: "x-fake: tokens=4\r\n")
        #expect(answer.status == 101 && answer.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        let all = frames(answer)
        let events = try all.filter { $0.opcode == 1 }.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.payload)) as? [String: Any])
        }
        #expect(
            events.compactMap { $0.text("type") } == [
                "session.created", "session.updated", "conversation.item.added", "response.created", "response.output_item.added",
                "response.content_part.added", "response.output_text.delta", "response.output_text.delta",
                "response.output_text.delta", "response.output_text.delta", "response.output_text.done",
                "response.content_part.done", "response.output_item.done", "response.done",
            ])
        #expect(events.last?.int("response.usage.output_tokens") == 4 && events.last?.int("response.usage.input_tokens") ?? 0 > 0)
        #expect(all.contains { $0.opcode == 10 && $0.payload == Array("now".utf8) })
        #expect(all.last?.opcode == 8 && all.last?.payload == [0x03, 0xE8])
        #expect(seen?.status == 101 && seen?.isAnswered == true)
        #expect(seen.map { String(decoding: $0.body, as: UTF8.self).split(separator: "\n").count } == 3)
    }

    @Test func speaksAndHasTheOldNames() async throws {
        let messages = [text(#"{"type":"response.create","response":{"modalities":["audio","text"]}}"#), close]
        let (answer, _) = try await talk(messages, order: "OpenAI-Beta: realtime=v1\r\nx-fake: tokens=2;comments=2\r\n")
        let all = frames(answer)
        let names = all.filter { $0.opcode == 1 }.map { String(decoding: $0.payload, as: UTF8.self) }
        #expect(names.count { $0.contains(#""response.audio.delta""#) } == 2)
        #expect(names.count { $0.contains(#""response.audio_transcript.delta""#) } == 2)
        #expect(all.contains { $0.opcode == 9 })
    }

    @Test func closesOnBrokenFramesAndCutsWhenOrdered() async throws {
        let (broken, _) = try await talk([[0x81, 0x01, 0x41]])
        #expect(frames(broken).last?.opcode == 8 && frames(broken).last?.payload.prefix(2) == [0x03, 0xEA])
        let (cut, seen) = try await talk([text(#"{"type":"response.create"}"#)], order: "x-fake: cut=400\r\n")
        #expect(cut.rest.count == 400 && seen?.isAnswered == false)
    }

    @Test func refusesWhatIsNoUpgrade() async throws {
        try await withServer { _, port in
            let plain = try await get("/v1/realtime", port: port)
            #expect(plain.status == 400)
            let old = upgrade.replacingOccurrences(of: "Version: 13", with: "Version: 8")
            let answer = try await sendRaw(old + "\r\n", port: port, stopAfter: 20)
            #expect(answer.status == 400)
        }
        var script = FakeProviderScript.instant
        script.demandedKey = "k"
        let (refused, _) = try await talk([], order: "Authorization: Bearer other\r\nx-fake: close=1\r\n", script: script)
        #expect(refused.status == 401)
    }
}

@Suite struct TLSTests {
    static let openssl = "/usr/bin/openssl"

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: openssl), "openssl makes the certificate"))
    func speaksTLSWithTheGivenCertificate() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-tls-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let made = Process()
        made.executableURL = URL(fileURLWithPath: Self.openssl)
        made.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder + "/key.pem", "-out",
            folder + "/cert.pem",
        ]
        made.standardError = FileHandle.nullDevice
        try made.run()
        made.waitUntilExit()
        let tls = FakeTLS(certificatePath: folder + "/cert.pem", keyPath: folder + "/key.pem")
        let server = FakeProviderServer(script: .instant, tls: tls)
        let port = try server.start()
        defer { server.stop() }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(tls.certificatePath)
        let context = try NIOSSLContext(configuration: configuration)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: loop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                try pipeline.addHandler(Gathering(promise))
            }
        }.connect(host: "127.0.0.1", port: port).get()
        let request = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        try await channel.writeAndFlush(ByteBuffer(string: request))
        let answer = RawAnswer(bytes: try await promise.futureResult.get(), wasReset: false)
        #expect(answer.status == 200 && answer.framed.isWhole)
        let other = FakeProviderServer(script: .instant, tls: FakeTLS(certificatePath: tls.keyPath, keyPath: tls.certificatePath))
        #expect(throws: FakeProviderError.self) { try other.start() }
        other.stop()
    }

    private final class Gathering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var bytes: [UInt8] = []
        private let promise: EventLoopPromise<[UInt8]>

        init(_ promise: EventLoopPromise<[UInt8]>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes += Array(unwrapInboundIn(data).readableBytesView) }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        func channelInactive(context: ChannelHandlerContext) { promise.succeed(bytes) }
    }
}
