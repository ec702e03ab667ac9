// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import FakeProvider

/// A client without an HTTP library: sends bytes, collects what comes until the connection ends, and reads the framing itself.
struct RawAnswer {
    var bytes: [UInt8]
    var wasReset: Bool

    /// Where the final head begins: behind all interim heads.
    private var headStart: Int {
        var start = 0
        let interim = Array("HTTP/1.1 1".utf8)
        while bytes[start...].starts(with: interim), !bytes[start...].starts(with: Array("HTTP/1.1 101".utf8)),
            let end = bytes[start...].firstRange(of: [13, 10, 13, 10])
        {
            start = end.upperBound
        }
        return start
    }
    private var headEnd: Int? { bytes[headStart...].firstRange(of: [13, 10, 13, 10])?.upperBound }
    var headLines: [String] {
        guard let headEnd else { return [] }
        return String(decoding: bytes[headStart..<headEnd], as: UTF8.self).components(separatedBy: "\r\n").filter { !$0.isEmpty }
    }
    /// The interim heads, as text.
    var interims: String { String(decoding: bytes[..<headStart], as: UTF8.self) }
    /// What follows the last chunk.
    var trailers: String {
        guard let end = rest.firstRange(of: Array("\r\n0\r\n".utf8)) else { return "" }
        return String(decoding: rest[end.upperBound...], as: UTF8.self)
    }
    var status: Int { headLines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0 }
    func header(_ name: String) -> String? {
        headLines.dropFirst().first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { $0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces) }
    }
    var rest: [UInt8] { headEnd.map { Array(bytes[$0...]) } ?? [] }

    /// The body with framing removed, and whether the framing came to its end.
    var framed: (body: [UInt8], isWhole: Bool, chunks: Int) {
        if let length = header("content-length").flatMap(Int.init) { return (rest, rest.count == length, 1) }
        guard header("transfer-encoding") == "chunked" else { return (rest, !wasReset, 1) }
        var body: [UInt8] = []
        var left = rest[...]
        var chunks = 0
        while let end = left.firstRange(of: [13, 10]) {
            let line = left[..<end.lowerBound].prefix { $0 != UInt8(ascii: ";") }
            guard let size = Int(String(decoding: line, as: UTF8.self), radix: 16) else { break }
            if size == 0 { return (body, true, chunks) }
            left = left[end.upperBound...]
            guard left.count >= size + 2 else {
                body += left.prefix(size)
                break
            }
            body += left.prefix(size)
            left = left.dropFirst(size + 2)
            chunks += 1
        }
        return (body, false, chunks)
    }
    var body: [UInt8] { framed.body }
    var text: String { String(decoding: body, as: UTF8.self) }

    func json() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    }

    /// The server-sent events: their names ("" without one) and data.
    var events: [(name: String, data: String)] {
        text.components(separatedBy: "\n\n").filter { !$0.isEmpty }.map { block in
            var name = ""
            var data = ""
            for line in block.components(separatedBy: "\n") {
                if line.hasPrefix("event: ") { name = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { data = String(line.dropFirst(6)) }
            }
            return (name, data)
        }
    }

    func eventObjects() throws -> [[String: Any]] {
        try events.filter { $0.data != "[DONE]" }.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.data.utf8)) as? [String: Any])
        }
    }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private var bytes: [UInt8] = []
    private var wasReset = false
    private let stopAfter: Int?
    private let promise: EventLoopPromise<RawAnswer>

    init(stopAfter: Int?, promise: EventLoopPromise<RawAnswer>) {
        self.stopAfter = stopAfter
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes += Array(unwrapInboundIn(data).readableBytesView)
        if let stopAfter, bytes.count >= stopAfter { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        wasReset = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(RawAnswer(bytes: bytes, wasReset: wasReset)) }
}

/// Runs a body against a fresh server.
@discardableResult func withServer<T>(
    _ script: FakeProviderScript = .instant, _ body: (FakeProviderServer, Int) async throws -> T
) async throws -> T {
    let server = FakeProviderServer(script: script)
    let port = try server.start()
    defer { server.stop() }
    return try await body(server, port)
}

func sendRaw(_ request: String, port: Int, stopAfter: Int? = nil) async throws -> RawAnswer {
    try await sendRaw(Array(request.utf8), port: port, stopAfter: stopAfter)
}

func sendRaw(_ request: [UInt8], port: Int, stopAfter: Int? = nil) async throws -> RawAnswer {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let promise = loop.makePromise(of: RawAnswer.self)
    let sent = ClientBootstrap(group: loop).channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(Collector(stopAfter: stopAfter, promise: promise))
        }
    }.connect(host: "127.0.0.1", port: port).flatMap { $0.writeAndFlush(ByteBuffer(bytes: request)) }
    sent.whenFailure { promise.fail($0) }
    return try await promise.futureResult.get()
}

func post(
    _ path: String, _ body: String, port: Int, headers: [String] = [], closes: Bool = true, stopAfter: Int? = nil
) async throws -> RawAnswer {
    let lines =
        ["POST \(path) HTTP/1.1", "Host: localhost:\(port)", "content-length: \(body.utf8.count)"] + headers
        + (closes ? ["Connection: close"] : [])
    return try await sendRaw(lines.joined(separator: "\r\n") + "\r\n\r\n" + body, port: port, stopAfter: stopAfter)
}

func get(_ path: String, port: Int, method: String = "GET", headers: [String] = []) async throws -> RawAnswer {
    let lines = ["\(method) \(path) HTTP/1.1", "Host: localhost:\(port)"] + headers + ["Connection: close"]
    return try await sendRaw(lines.joined(separator: "\r\n") + "\r\n\r\n", port: port)
}

extension Dictionary where Key == String, Value == Any {
    func at(_ path: String) -> Any? {
        var value: Any? = self
        for step in path.split(separator: ".") {
            if let index = Int(step) {
                value = (value as? [Any]).flatMap { $0.indices.contains(index) ? $0[index] : nil }
            } else {
                value = (value as? [String: Any])?[String(step)]
            }
        }
        return value is NSNull ? nil : value
    }
    func int(_ path: String) -> Int? { at(path) as? Int }
    func text(_ path: String) -> String? { at(path) as? String }
}
