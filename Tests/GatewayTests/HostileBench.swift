// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Glibc
import Platform
import Synchronization
import Testing

@testable import Gateway

/// What a hostile case must lead to.
enum HostileEnd: Sendable {
    /// Answered by Weir, the connection closed, nothing of what follows taken for a request.
    case refused(Int, String)
    /// Answered by Weir, and the connection serves the next request.
    case refusedAndKept(Int, String)
    /// Answered by Weir with one of these codes; the provider is not reached.
    case refusedWithOneOf([String])
    /// The provider's answer reaches the caller.
    case passes
    /// The connection ends without an answer.
    case closes
}

/// Bytes of a hostile caller, and what must come of them.
struct HostileCase: Sendable {
    let name: String
    let bytes: [UInt8]
    let end: HostileEnd

    init(_ name: String, _ text: String, _ end: HostileEnd) {
        self.init(name, Array(text.utf8), end)
    }

    init(_ name: String, _ bytes: [UInt8], _ end: HostileEnd) {
        self.name = name
        self.bytes = bytes
        self.end = end
    }
}

/// What went otherwise than it must, collected so that one run shows all of it.
final class Findings: Sendable {
    private let lines = Mutex<[String]>([])
    private let count = Atomic<Int>(0)

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    func check(_ holds: Bool, _ line: @autoclosure () -> String) { if !holds { add(line()) } }

    /// One case, whatever it throws noted under its name.
    func run(_ name: String, _ body: () async throws -> Void) async {
        count.wrappingAdd(1, ordering: .relaxed)
        do { try await body() } catch { add("\(name): \(error)") }
    }

    var cases: Int { count.load(ordering: .relaxed) }

    func expectNone(_ location: SourceLocation = #_sourceLocation) {
        let found = lines.withLock { $0 }
        #expect(found.isEmpty, Comment(rawValue: found.joined(separator: "\n")), sourceLocation: location)
    }
}

/// Runs cases against one gateway, then holds the gateway to what must be true after any of them.
///
/// - Returns: how many cases ran.
@discardableResult func withHostileGateway(
    _ provider: RawProvider, allowsPrivate: Bool = false, limits: GatewayLimits = GatewayLimits(),
    _ body: (Bench, Findings) async throws -> Void
) async throws -> Int {
    let findings = Findings()
    var port = 0
    var admitted: Double = 0
    let records = try await withGateway(provider, allowsPrivate: allowsPrivate, limits: limits) {
        (bench: Bench) async throws -> Void in
        port = bench.port
        try await body(bench, findings)
        try await eventually("no exchange runs") { await bench.server.runningExchanges() == 0 }
        try await eventually("callers' connections close") { bench.samples()["weir_gateway_connections_open"] == 0 }
        try await eventually("only the listener is open") { Sockets.held(touching: bench.port) == 1 }
        let samples = bench.samples()
        findings.check(samples["weir_gateway_exchanges_in_flight"] == 0, "exchanges in flight: \(samples)")
        let dropped = samples.filter { $0.key.hasPrefix("weir_capture_exchanges_dropped_total") }.values.reduce(0, +)
        findings.check(dropped == 0, "\(dropped) dropped")
        admitted = samples["weir_capture_exchanges_admitted_total"] ?? -1
        let ended = samples.filter { $0.key.hasPrefix("weir_gateway_exchanges_total") }.values.reduce(0, +)
        findings.check(ended == admitted, "\(admitted) admitted, \(ended) ended")
    }
    findings.check(Double(records.count) == admitted, "\(admitted) admitted, \(records.count) recorded")
    findings.check(Set(records.map(\.head.id)).count == records.count, "an exchange is recorded twice")
    let held = Sockets.held(touching: port)
    findings.check(held == 0, "\(held) sockets of the gateway are still open")
    findings.expectNone()
    return findings.cases
}

/// The sockets that this process holds open.
enum Sockets {
    /// How many TCP sockets of this process have a port as their own.
    static func held(touching port: Int) -> Int { count(field: 1, port) }

    /// How many TCP sockets of this process are connected to a port.
    static func held(remote port: Int) -> Int { count(field: 2, port) }

    private static func count(field: Int, _ port: Int) -> Int {
        var inodes: Set<String> = []
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
            guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)"),
                link.hasPrefix("socket:[")
            else { continue }
            inodes.insert(String(link.dropFirst(8).dropLast()))
        }
        // The file states no size: it is read until it ends.
        let file = try? PosixFileSystem().open("/proc/net/tcp", .read)
        let table = String(decoding: (try? file?.read(at: 0, count: 16 << 20)) ?? [], as: UTF8.self)
        return table.split(separator: "\n").dropFirst().count { line in
            let fields = line.split(separator: " ")
            return fields.count > 9 && inodes.contains(String(fields[9]))
                && Int(fields[field].split(separator: ":").last ?? "", radix: 16) == port
        }
    }
}

extension Bench {
    /// Sends the bytes of a case and checks what comes.
    func check(_ hostile: HostileCase, _ findings: Findings) async {
        await findings.run(hostile.name) {
            func check(_ holds: Bool, _ text: @autoclosure () -> String) { findings.check(holds, "\(hostile.name): \(text())") }
            let wire = try connect()
            switch hostile.end {
            case .refused(let status, let code):
                // Behind it, a request that must not be seen as one.
                try? wire.send(hostile.bytes + Array(post("/v1/responses", "smuggled").utf8))
                let answer = try wire.answer()
                check(answer.status == status && answer.text.contains(code), "\(answer.status) \(answer.text)")
                check(answer.header("x-weir-error-source") == "gateway", "no error source")
                check(answer.header("x-weir-exchange-id") != nil, "no id")
                check(answer.header("connection")?.lowercased() == "close", "does not say that it closes")
                let rest = try wire.readToEnd()
                check(rest.bytes.isEmpty, "more was answered: \(String(decoding: rest.bytes.prefix(200), as: UTF8.self))")
            case .refusedAndKept(let status, let code):
                try wire.send(hostile.bytes + Array(post("/v1/responses", "next").utf8))
                let answer = try wire.answer()
                check(answer.status == status && answer.text.contains(code), "\(answer.status) \(answer.text)")
                check(try wire.answer().text == "reached", "the next request was not answered")
            case .refusedWithOneOf(let codes):
                try wire.send(hostile.bytes)
                let answer = try wire.answer()
                check(codes.contains { answer.text.contains($0) }, "\(answer.status) \(answer.text)")
            case .passes:
                try wire.send(hostile.bytes)
                let answer = try wire.answer()
                check(answer.text == "reached", "\(answer.status) \(answer.text)")
            case .closes:
                try? wire.send(hostile.bytes)
                let rest = try wire.readToEnd()
                check(rest.bytes.isEmpty, "answered: \(String(decoding: rest.bytes.prefix(200), as: UTF8.self))")
            }
        }
    }
}
