// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Testing

@testable import Gateway

/// Callers that cost more than they are worth, and those that share a gateway with them.
@Suite(.serialized, .enabled(if: Tool.hasOpenssl, "needs the openssl program")) struct HTTP2FloodTests {
    private func serving(_ provider: RawProvider, _ body: (Bench) async throws -> Void) async throws {
        defer { provider.stop() }
        let authority = try TestAuthority()
        let issued = try authority.issue("server")
        let listener = ListenerSettings(
            host: "127.0.0.1", port: 0, tls: ListenerTLS(certificatePath: issued.certificate, keyPath: issued.key))
        var limits = GatewayLimits()
        limits.listener.controlFrames = 50
        limits.listener.streamResets = 20
        try await withListeners([listener], urls: ["openai": "http://127.0.0.1:\(provider.port)"], limits: limits, body)
    }

    struct Flood: Sendable, CustomTestStringConvertible {
        let name: String
        var before: [UInt8] = []
        let frames: @Sendable (UInt32) -> [UInt8]
        var testDescription: String { name }
    }

    static let floods = [
        Flood(name: "PING") { _ in RawHTTP2.frame(6, [1, 2, 3, 4, 5, 6, 7, 8]) },
        Flood(name: "SETTINGS") { _ in RawHTTP2.frame(4) },
        Flood(name: "PRIORITY") { _ in RawHTTP2.frame(2, stream: 1, [0, 0, 0, 3, 16]) },
        Flood(name: "rapid reset") { count in
            RawHTTP2.request("GET", stream: 2 * count + 1) + RawHTTP2.frame(3, stream: 2 * count + 1, [0, 0, 0, 8])
        },
        Flood(name: "CONTINUATION", before: RawHTTP2.request("GET", stream: 1, endsHeaders: false)) { _ in
            RawHTTP2.frame(9, stream: 1, [0, 1, 97, 1, 98])
        },
        Flood(name: "empty DATA", before: RawHTTP2.request("POST", stream: 1, endsStream: false)) { _ in
            RawHTTP2.frame(0, stream: 1)
        },
    ]

    @Test(arguments: floods) func endsTheConnectionOfAFlood(flood: Flood) async throws {
        try await serving(try RawProvider(answering: ok("hello"))) { bench in
            let caller = try await RawHTTP2.connect(port: bench.port)
            try await caller.send(flood.before)
            for count in 0..<400 as Range<UInt32> where caller.channel.isActive {
                do { try await caller.send(flood.frames(count)) } catch { break }
            }
            try await eventually("the end of the connection") { !caller.channel.isActive }
            // ENHANCE_YOUR_CALM.
            #expect(caller.goodbyes.contains { $0.error == 11 }, "\(caller.goodbyes)")
            let next = try await HTTP2Caller.connect(port: bench.port)
            #expect(try await next.ask("GET", "/v1/models").whole().text == "hello")
            await next.close()
        }
    }

    @Test func aMalformedRequestLeavesTheOtherStreamsAlone() async throws {
        let (began, mayEnd) = (Gate(), Gate())
        let provider = try RawProvider { _, wire, _ in
            _ = try wire.request()
            try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            began.open()
            try mayEnd.wait()
            try wire.send("cd")
        }
        try await serving(provider) { bench in
            let caller = try await HTTP2Caller.connect(port: bench.port, validates: false)
            let good = try await caller.ask("GET", "/v1/models")
            try began.wait()
            for (name, headers) in HTTP2Tests.malformed.prefix(15) {
                let whole = try await caller.ask(headers).whole()
                #expect(whole.reset != nil || whole.status == 400, "\(name)")
                #expect(caller.channel.isActive, "\(name)")
            }
            mayEnd.open()
            let whole = try await good.whole()
            #expect(whole.text == "abcd" && whole.isWhole)
            await caller.close()
        }
    }
}
