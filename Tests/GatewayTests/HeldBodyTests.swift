// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Gateway

/// Bodies that are held because Weir signs the request.
@Suite struct HeldBodyTests {
    private let path = "/model/m/invoke"

    private func router(_ port: Int) throws -> Router {
        let signing = AWSSigning(accessKeyID: "AKID", secretAccessKey: "SECRET", region: "us-east-1")
        let bedrock = ProviderDefinition(name: "bedrock", url: try BaseURL("http://127.0.0.1:\(port)"), signing: signing)
        return Router(catalogue: ProviderCatalogue(definitions: [bedrock]), allowsPrivateUpstreams: false)
    }

    private func answering() throws -> RawProvider { try RawProvider(answering: ok("signed")) }

    @Test func countsTheFramingOfWhatIsHeld() async throws {
        let provider = try answering()
        defer { provider.stop() }
        var limits = GatewayLimits()
        limits.signedBodyBytes = 10_000
        let records = try await withListeners(router: try router(provider.port), limits: limits) { bench in
            let wire = try bench.connect()
            try wire.send("POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "1;" + String(repeating: "x", count: 500) + "\r\na\r\n"
            for _ in 0..<30 { try wire.send(chunk) }
            let answer = try wire.answer()
            #expect(answer.status == 413 && answer.text.contains("body_too_large"), "\(answer.text)")
        }
        #expect(records.map(\.head.status) == [413])
        #expect(provider.requests.isEmpty)
    }

    @Test func refusesAStatedLengthBeforeTheBody() async throws {
        let provider = try answering()
        defer { provider.stop() }
        var limits = GatewayLimits()
        limits.signedBodyBytes = 10_000
        try await withListeners(router: try router(provider.port), limits: limits) { bench in
            let wire = try bench.connect()
            try wire.send("POST \(path) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10001\r\n\r\n")
            #expect(try wire.answer().status == 413)
        }
        #expect(provider.requests.isEmpty)
    }

    @Test func boundsWhatAllExchangesHoldTogether() async throws {
        let provider = try answering()
        defer { provider.stop() }
        var limits = GatewayLimits()
        limits.signedBytesPerLoop = 5_000
        try await withListeners(router: try router(provider.port), limits: limits) { bench in
            let head = "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n"
            let (first, second) = (try bench.connect(), try bench.connect())
            try first.send(head + String(repeating: "a", count: 3_000))
            try await eventually("the first exchange runs") { bench.samples()["weir_gateway_exchanges_in_flight"] == 1 }
            try second.send(head + String(repeating: "b", count: 3_000))
            let refused = try second.answer()
            #expect(refused.status == 503 && refused.text.contains("overloaded"), "\(refused.text)")
            try first.send(String(repeating: "a", count: 1_000))
            #expect(try first.answer().text == "signed")
            // What was held is free again.
            #expect(try bench.ask(post(path, String(repeating: "c", count: 4_500))).text == "signed")
        }
        #expect(provider.requests.map(\.body.count) == [4_000, 4_500])
    }
}
