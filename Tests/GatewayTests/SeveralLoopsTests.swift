// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Gateway

@Suite struct SeveralLoopsTests {
    private func with(
        _ loops: Int, limits: GatewayLimits = GatewayLimits(), _ body: (Bench, RawProvider) async throws -> Void
    ) async throws -> [ExchangeRecord] {
        let provider = try RawProvider { provider, wire, _ in
            while true {
                let request = try wire.request()
                let name = request.header("x-name") ?? ""
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
            }
        }
        defer { provider.stop() }
        let bench = try await Bench.start(urls: ["openai": "http://127.0.0.1:\(provider.port)"], limits: limits, threads: loops)
        try await body(bench, provider)
        return try await bench.finish()
    }

    @Test(arguments: [2, 4]) func servesAndCapturesOnEveryLoop(loops: Int) async throws {
        let records = try await with(loops) { bench, provider in
            // Connections are given to the loops in turn.
            let wires = try (0..<16).map { _ in try bench.connect() }
            for round in 0..<3 {
                for (index, wire) in wires.enumerated() {
                    try wire.send("GET /v1/models HTTP/1.1\r\nHost: a\r\nx-name: n\(index)-\(round)\r\n\r\n")
                }
                for (index, wire) in wires.enumerated() {
                    let text = try wire.answer().text
                    #expect(text == "n\(index)-\(round)")
                }
            }
            #expect(bench.samples()["weir_gateway_connections_accepted_total"] == 16)
            #expect(provider.connections >= loops)
        }
        #expect(records.count == 48)
        #expect(Set(records.map(\.head.id)).count == 48)
        #expect(records.allSatisfy { $0.head.outcome == .completed })
    }

    @Test func limitsPerAddressHoldOnEachLoop() async throws {
        var limits = GatewayLimits()
        limits.listener.connectionsPerAddress = 3
        _ = try await with(2, limits: limits) { bench, _ in
            let held = try (0..<6).map { _ in try bench.connect() }
            for wire in held {
                try wire.send("GET /v1/models HTTP/1.1\r\nHost: a\r\nx-name: in\r\n\r\n")
                let text = try wire.answer().text
                #expect(text == "in")
            }
            for _ in 0..<2 {
                let said = try bench.connect().readToEnd().bytes
                #expect(said.isEmpty)
            }
            let counters = await bench.server.listenerCounters()
            #expect(counters.accepted == 6 && counters.refusedForAddress == 2)
            for wire in held { wire.close() }
        }
    }
}
