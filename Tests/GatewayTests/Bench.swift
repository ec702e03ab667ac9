// SPDX-License-Identifier: Apache-2.0
import Capture
import ExchangeModel
import Foundation
import Logging
import Platform
import SegmentLog
import Telemetry
import Testing

@testable import Gateway

/// A gateway with its capture, in this process, on a port of its own.
struct Bench: Sendable {
    let server: GatewayServer
    let capture: CaptureEngine
    let directory: String
    let operations: GatewayOperations
    var port: Int { server.port }

    /// Bodies beyond this are recorded in part: reading records back takes a thread of the tests for a while.
    static var smallBodies: CaptureLimits {
        var limits = CaptureLimits()
        limits.bodyBytes = 1 << 18
        return limits
    }

    static func start(
        providers: [String: Int], allowsPrivate: Bool, limits: GatewayLimits, keys: GatewayKeys = GatewayKeys(),
        operations: GatewayOperations = GatewayOperations()
    ) async throws -> Bench {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("weir-gateway-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
        let capture = try CaptureEngine(
            directory: directory, node: "n1", hasherSecret: [UInt8](repeating: 7, count: 32), limits: smallBodies,
            logger: logger)
        let overrides = try providers.mapValues { try BaseURL("http://127.0.0.1:\($0)") }
        let router = Router(
            catalogue: ProviderCatalogue(overrides: overrides), keys: keys, allowsPrivateUpstreams: allowsPrivate)
        let server = try await GatewayServer.start(
            host: "127.0.0.1", port: 0, threads: 1, router: router, capture: capture, limits: limits,
            operations: operations, logger: logger)
        return Bench(server: server, capture: capture, directory: directory, operations: operations)
    }

    /// The scrape's samples by name and labels.
    func samples() -> [String: Double] {
        var found: [String: Double] = [:]
        for line in String(decoding: operations.registry.text(), as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#")
        {
            guard let space = line.lastIndex(of: " ") else { continue }
            found[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
        return found
    }

    func connect(receiveBuffer: Int32? = nil) throws -> Wire { try Wire(port: port, receiveBuffer: receiveBuffer) }

    /// One request on a connection of its own.
    func ask(_ request: String, toHead: Bool = false) throws -> WireMessage {
        let wire = try connect()
        try wire.send(request)
        return try wire.answer(toHead: toHead)
    }

    /// Runs a body against the gateway, then stops everything.
    func run(_ body: (Bench) async throws -> Void) async throws -> [ExchangeRecord] {
        do {
            try await body(self)
        } catch {
            _ = await server.shutDown(limitMilliseconds: 0)
            capture.stop()
            throw error
        }
        return try await finish()
    }

    func finish() async throws -> [ExchangeRecord] {
        _ = await server.shutDown(limitMilliseconds: 5_000)
        capture.stop()
        let records = try Bench.lines(directory).map { try ExchangeRecord(line: $0) }
        try FileManager.default.removeItem(atPath: directory)
        return records
    }

    static func lines(_ directory: String) throws -> [[UInt8]] {
        let files = PosixFileSystem()
        var lines: [[UInt8]] = []
        for file in try SegmentDirectory(files: files, path: directory).list() {
            let reader = try SegmentReader(file: file, files: files)
            var offset: Int64 = 0
            while case .batch(let batch) = try reader.next(after: offset) {
                lines += batch.lineRanges.map { Array(batch.raw[$0]) }
                offset = batch.next
            }
        }
        return lines
    }
}

/// Runs a body against a fresh gateway, then stops everything.
///
/// - Returns: the records in the order of writing.
@discardableResult func withGateway(
    _ provider: RawProvider, allowsPrivate: Bool = false, limits: GatewayLimits = GatewayLimits(),
    keys: GatewayKeys = GatewayKeys(), operations: GatewayOperations = GatewayOperations(),
    _ body: (Bench) async throws -> Void
) async throws -> [ExchangeRecord] {
    defer { provider.stop() }
    return try await withGateway(
        ["openai": provider.port, "anthropic": provider.port], allowsPrivate: allowsPrivate, limits: limits, keys: keys,
        operations: operations, body)
}

@discardableResult func withGateway(
    _ providers: [String: Int], allowsPrivate: Bool = false, limits: GatewayLimits = GatewayLimits(),
    keys: GatewayKeys = GatewayKeys(), operations: GatewayOperations = GatewayOperations(),
    _ body: (Bench) async throws -> Void
) async throws -> [ExchangeRecord] {
    try await Bench.start(
        providers: providers, allowsPrivate: allowsPrivate, limits: limits, keys: keys, operations: operations
    ).run(body)
}

/// A POST with a body of stated length.
func post(_ path: String = "/v1/chat/completions", _ body: String = "{}", _ headers: [String] = []) -> String {
    (["POST \(path) HTTP/1.1", "Host: weir.test"] + headers + ["Content-Length: \(body.utf8.count)"]).joined(separator: "\r\n")
        + "\r\n\r\n"
        + body
}

/// A plain 200 with a body of stated length.
func ok(_ body: String, _ headers: [String] = []) -> String {
    (["HTTP/1.1 200 OK"] + headers + ["Content-Length: \(body.utf8.count)"]).joined(separator: "\r\n") + "\r\n\r\n" + body
}

/// Bytes that differ everywhere, so that loss, repetition and disorder show.
func pattern(_ count: Int) -> [UInt8] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: state >> UInt64(shift))) }
    }
    return Array(bytes[..<count])
}

func chunked(_ bytes: [UInt8], by size: Int, trailers: String = "") -> [UInt8] {
    var out: [UInt8] = []
    var start = 0
    while start < bytes.count {
        let end = min(start + size, bytes.count)
        out += Array("\(String(end - start, radix: 16))\r\n".utf8) + bytes[start..<end] + [13, 10]
        start = end
    }
    return out + Array("0\r\n\(trailers)\r\n".utf8)
}
