// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import HTTPWire
import NIOCore
import Testing

@testable import Gateway

@Suite(.serialized) struct GatewayKeyTests {
    private let router = Router(catalogue: ProviderCatalogue(), keys: TestKeys.keys, allowsPrivateUpstreams: false)
    private let open = Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false)

    @Test(arguments: [
        "Authorization: Bearer KEY", "authorization: bearer KEY", "Authorization: KEY", "x-api-key: KEY", "X-Goog-Api-Key: KEY",
        "api-key: KEY", "x-api-key: Bearer KEY", "x-inference-observability-api-key: KEY", "x-inference-project-api-key: KEY",
    ])
    func readsTheKeyWhereverAnSDKPutsIt(header: String) throws {
        for (key, id) in [(TestKeys.known, "team-a"), (TestKeys.other, "team-b")] {
            let line = header.replacing("KEY", with: key)
            let name = "x-inference-provider: openai"
            #expect(try router.route(requestHead("/v1/responses", [name, line])).keyID == id)
            // Neither with keys configured nor without does one reach a provider.
            for router in [router, open] {
                let lines = try sentUpstream(router, "/v1/responses", [name, "A: 1", line, "B: 2"])
                #expect(lines == ["POST /v1/responses HTTP/1.1", "Host: api.openai.com", "A: 1", "B: 2"])
            }
        }
    }

    @Test(arguments: [
        [], ["Authorization: Bearer weir_unknown"], ["Authorization: Bearer sk-1"], ["Authorization: Bearer"], ["x-api-key: "],
        ["Authorization: Basic weir_known_0123456789"], ["Authorization: Bearer WEIR_known_0123456789"],
        ["Authorization: Bearer weir_known_0123456789x"], ["Authorization: Bearer weir_known_012345678"],
        ["Cookie: weir_known_0123456789"], ["x-inference-provider-api-key: weir_known_0123456789"],
        ["x-inference-project-api-key: weir_unknown", "Authorization: Bearer weir_known_0123456789"],
        Array(repeating: "x-api-key: weir_unknown", count: 4) + ["api-key: weir_known_0123456789"],
    ])
    func refusesEverythingElse(headers: [String]) throws {
        let fault = try #require(throws: Fault.self) { try router.route(requestHead("/v1/responses", headers)) }
        #expect(fault.code == .invalidGatewayKey)
        #expect(fault.code.status == 401 && fault.code.outcome == .refused)
        #expect(!fault.message.contains("known_0123456789"))
    }

    @Test func asksForNoKeyWhereNoneAreConfigured() throws {
        #expect(GatewayKeys().isEmpty)
        #expect(try open.route(requestHead("/v1/responses", [])).keyID == nil)
    }

    @Test func keyIsAskedForBeforeTheRouteIs() throws {
        let fault = try #require(throws: Fault.self) { try router.route(requestHead("/nowhere", [])) }
        #expect(fault.code == .invalidGatewayKey)
    }

    @Test func providersKeyMayStandInAnotherHeaderThanTheGatewaysKey() throws {
        let lines = try sentUpstream(
            router, "/v1/messages", ["Authorization: Bearer \(TestKeys.known)", "x-api-key: sk-ant", "api-key: weir_x"])
        #expect(lines == ["POST /v1/messages HTTP/1.1", "Host: api.anthropic.com", "x-api-key: sk-ant"])
    }

    @Test func keyInTheQueryIsNoneAndNeverPassed() throws {
        let target = "/v1beta/models/g:generateContent?alt=sse&key=\(TestKeys.known)&b=%20"
        #expect(throws: Fault.self) { try router.route(requestHead(target, [])) }
        #expect(
            try sentUpstream(open, target, []).first == "POST /v1beta/models/g:generateContent?alt=sse&b=%20 HTTP/1.1")
    }

    @Test func madeKeysAreKnownByTheirHash() throws {
        let made = GatewayKey.generate(id: "x")
        #expect(made.key.hasPrefix("weir_") && made.key.utf8.count == 48)
        #expect(made.key != GatewayKey.generate(id: "x").key)
        #expect(made.entry.sha256 == TestKeys.hash(made.key))
        let keys = GatewayKeys([made.entry, GatewayKey(id: "short", sha256: [1, 2])])
        #expect(keys.id(of: Array("Bearer \(made.key)".utf8)[...]) == "x")
        #expect(keys.id(of: Array("weir_".utf8)[...]) == nil)
    }

    @Test func refusalIsAnsweredAndRecordedLikeAnyExchange() async throws {
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(provider, keys: TestKeys.keys) { (bench: Bench) async throws -> Void in
            let wire = try bench.connect()
            try wire.send(post("/v1/messages", "{}", ["Authorization: Bearer weir_wrong"]))
            let refused = try wire.answer()
            #expect(refused.status == 401)
            #expect(refused.header("x-weir-error-source") == "gateway")
            #expect((try refused.json()["error"] as? [String: Any])?["type"] as? String == "authentication_error")
            try wire.send(
                post(
                    "/v1/messages", "{}",
                    ["Authorization: Bearer \(TestKeys.known)", "x-inference-provider-api-key: sk-ant-1"]))
            #expect(try wire.answer().text == "reached")
        }
        #expect(provider.requests.count == 1)
        #expect(provider.requests.first?.header("x-api-key") == "sk-ant-1")
        #expect(provider.requests.first?.text.contains("weir_") == false)
        #expect(records.map(\.head.outcome) == [.refused, .completed])
        #expect(records.first?.head.errorCode == "invalid_gateway_key")
    }

    @Test func refusalNamesTheKeyItShowedAndNoUnknownOne() async throws {
        let known = "Authorization: Bearer \(TestKeys.known)"
        let unknown = "Authorization: Bearer weir_unknown_0123456789"
        let cases: [(status: Int, id: String?, request: String)] = [
            (404, "team-a", post("/nowhere", "{}", [known])),
            (400, "team-a", post("/v1/responses", "{}", [known, "x-inference-provider: nobody"])),
            (403, "team-a", post("/v1/responses", "{}", [known, "x-inference-provider-url: https://127.0.0.1"])),
            (413, "team-a", post("/v1/responses", String(repeating: "a", count: 101), [known])),
            (401, nil, post("/v1/responses", "{}", [unknown])),
            (401, nil, post("/v1/responses", "{}", ["Authorization: Bearer sk-planted-0123456789"])),
            (413, nil, post("/v1/responses", String(repeating: "a", count: 101), [unknown])),
        ]
        var limits = GatewayLimits()
        limits.bodyBytes = 100
        let provider = try RawProvider(answering: ok("reached"))
        let records = try await withGateway(provider, limits: limits, keys: TestKeys.keys) {
            (bench: Bench) async throws -> Void in
            for entry in cases { #expect(try bench.ask(entry.request).status == entry.status) }
        }
        #expect(records.map(\.head.keyID) == cases.map(\.id))
        #expect(records.map(\.head.status) == cases.map(\.status))
    }
}
