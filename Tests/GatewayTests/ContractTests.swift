// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import HTTPWire
import NIOCore
import Testing
import Upstream

@testable import Gateway

/// What the provider sees of a request: the lines of its head, without the closing empty one.
func sentUpstream(_ router: Router, _ target: String, _ headers: [String], method: String = "POST") throws -> [String] {
    let head = try requestHead(target, headers, method: method)
    let bytes = HeadRewriting.upstreamHead(head, route: try router.route(head), allocator: ByteBufferAllocator())
    let text = String(buffer: bytes)
    #expect(text.hasSuffix("\r\n\r\n"))
    return text.components(separatedBy: "\r\n").filter { !$0.isEmpty }
}

/// Gateway keys of tests.
enum TestKeys {
    static let known = "weir_known_0123456789"
    static let other = "weir_other_0123456789"
    static let unknown = "weir_unknown"
    // printf %s weir_known_0123456789 | sha256sum
    static let keys = GatewayKeys([
        GatewayKey(id: "team-a", sha256: hash(known)), GatewayKey(id: "team-b", sha256: hash(other)),
    ])

    /// By the system's own program, so that the hash does not come from the code under test.
    static func hash(_ text: String) -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        do {
            try process.run()
            try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
            try input.fileHandleForWriting.close()
            let hex = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).prefix(64)
            process.waitUntilExit()
            return stride(from: 0, to: hex.count, by: 2).compactMap { i in
                let start = hex.index(hex.startIndex, offsetBy: i)
                return UInt8(hex[start...hex.index(after: start)], radix: 16)
            }
        } catch {
            Issue.record("sha256sum does not run: \(error)")
            return []
        }
    }
}

/// `contract.md`, row by row.
@Suite struct ContractTests {
    private let open = Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false)
    private let keyed = Router(catalogue: ProviderCatalogue(), keys: TestKeys.keys, allowsPrivateUpstreams: false)

    private func fault(_ router: Router, _ target: String, _ headers: [String]) throws -> Fault {
        try #require(throws: Fault.self) { try router.route(requestHead(target, headers)) }
    }

    // MARK: Control headers

    @Test func authorizationIsTheProvidersKeyWithoutAuthentication() throws {
        #expect(
            try sentUpstream(open, "/v1/responses", ["Authorization: Bearer sk-1"]) == [
                "POST /v1/responses HTTP/1.1", "Host: api.openai.com", "Authorization: Bearer sk-1",
            ])
    }

    @Test func authorizationIsTheProjectKeyWithAuthentication() throws {
        let lines = try sentUpstream(keyed, "/v1/responses", ["Authorization: Bearer \(TestKeys.known)", "A: 1"])
        #expect(lines == ["POST /v1/responses HTTP/1.1", "Host: api.openai.com", "A: 1"])
        #expect(try fault(keyed, "/v1/responses", ["Authorization: Bearer sk-1"]).code == .invalidGatewayKey)
    }

    @Test(arguments: [
        ("openai", "Authorization: Bearer pk"), ("anthropic", "x-api-key: pk"), ("gemini", "x-goog-api-key: pk"),
        ("azure-openai", "api-key: pk"), ("vertex-ai", "Authorization: Bearer pk"), ("bedrock", "Authorization: Bearer pk"),
    ])
    func providerKeyIsPlacedAndAuthorizationNeverPasses(provider: String, placed: String) throws {
        let headers = [
            "x-inference-provider: \(provider)", "x-inference-provider-url: https://h.example",
            "X-Inference-Provider-Api-Key: pk",
        ]
        for router in [open, keyed] {
            for project in ["Bearer \(TestKeys.known)", TestKeys.known, "bearer  \(TestKeys.known)"] {
                let lines = try sentUpstream(router, "/v1/x", headers + ["Authorization: \(project)"])
                #expect(lines == ["POST /v1/x HTTP/1.1", "Host: h.example", placed])
            }
        }
        let lines = try sentUpstream(open, "/v1/x", headers + ["Authorization: Bearer anything at all"])
        #expect(lines == ["POST /v1/x HTTP/1.1", "Host: h.example", placed])
    }

    @Test(arguments: [
        "openai", "anthropic", "groq", "cerebras", "gemini", "openrouter", "mistral", "deepseek", "xai", "together", "fireworks",
        "cohere", "perplexity",
    ])
    func providerHeaderForcesAProvider(name: String) throws {
        let head = try requestHead("/anything", ["x-inference-provider: \(name.uppercased())"])
        #expect(try open.route(head).provider == name)
        #expect(try open.route(requestHead("/p/\(name)/anything", [])).provider == name)
        #expect(ProviderCatalogue()[name]?.baseURL != nil)
    }

    @Test(arguments: ["vertex-ai", "azure-openai", "bedrock", "ollama", "vllm"])
    func providersWithoutAURLOfTheirOwnAreKnownByName(name: String) throws {
        let url = "x-inference-provider-url: https://h.example"
        #expect(try open.route(requestHead("/x", ["x-inference-provider: \(name)", url])).provider == name)
        let catalogue = ProviderCatalogue(definitions: [ProviderDefinition(name: name, url: try BaseURL("http://10.0.0.1:9/v1"))])
        let route = try Router(catalogue: catalogue, allowsPrivateUpstreams: false).route(requestHead("/p/\(name)/v1/x", []))
        #expect(route.provider == name && route.target.host == "10.0.0.1" && !route.target.demandsPublicAddress)
    }

    @Test(arguments: ["x-inference-observability-api-key", "X-Inference-Project-Api-Key"])
    func olderContractLeavesTheProvidersKeyWhereItIs(name: String) throws {
        for credential in ["Authorization: Bearer sk-1", "x-api-key: sk-1", "X-Goog-Api-Key: sk-1", "api-key: sk-1"] {
            for router in [open, keyed] {
                let lines = try sentUpstream(
                    router, "/v1/responses", [credential, "\(name): \(TestKeys.known)", "x-inference-provider: openai"])
                #expect(lines == ["POST /v1/responses HTTP/1.1", "Host: api.openai.com", credential])
            }
        }
        let head = try requestHead("/v1/responses", ["Authorization: Bearer sk-1", "\(name): Bearer \(TestKeys.other)"])
        #expect(try keyed.route(head).keyID == "team-b")
        #expect(try fault(keyed, "/v1/responses", ["\(name): \(TestKeys.unknown)"]).code == .invalidGatewayKey)
        #expect(try fault(keyed, "/v1/responses", ["\(name): sk-1"]).code == .invalidGatewayKey)
    }

    @Test func everyControlHeaderIsTakenOffAndNothingElse() throws {
        let control = [
            "x-inference-environment: e", "x-inference-task-id: t", "x-inference-metadata-chat-id: 7",
            "x-inference-observability-api-key: k", "x-inference-capture: metadata", "x-inference-future: 1",
            "x-inference-provider: openai",
        ]
        let kept = ["traceparent: 00-a", "tracestate: b", "X-Request-ID: c", "x-inferences: 1", "x-other: 1", "X-OTHER: 2"]
        let mixed = zip(control, kept).flatMap { [$0, $1] } + control.dropFirst(kept.count)
        #expect(
            try sentUpstream(open, "/v1/responses?a", mixed) == ["POST /v1/responses?a HTTP/1.1", "Host: api.openai.com"] + kept)
    }

    @Test(arguments: ["off", "metadata", "FULL"]) func takesCaptureModes(mode: String) throws {
        _ = try open.route(requestHead("/v1/responses", ["x-inference-capture: \(mode)"]))
    }

    @Test(arguments: ["", "on", "none"]) func refusesOtherCaptureModes(mode: String) throws {
        #expect(try fault(open, "/v1/responses", ["x-inference-capture: \(mode)"]).code == .badControlHeader)
    }

    @Test func bothNamesOfTheProjectKeyMaySayTheSameOnly() throws {
        let first = "x-inference-observability-api-key: \(TestKeys.known)"
        let head = try requestHead("/v1/responses", [first, "x-inference-project-api-key: \(TestKeys.known)"])
        #expect(try keyed.route(head).keyID == "team-a")
        for other in [TestKeys.other, ""] {
            #expect(
                try fault(keyed, "/v1/responses", [first, "x-inference-project-api-key: \(other)"]).code == .badControlHeader)
        }
    }

    // MARK: Which provider

    @Test func urlHeaderTakesTheEntryOfTheNameThenOfTheHostThenOfThePath() throws {
        func placement(_ path: String, _ headers: [String]) throws -> KeyPlacement {
            try open.route(requestHead(path, headers)).keyPlacement
        }
        let elsewhere = "x-inference-provider-url: https://h.example/base"
        #expect(try placement("/v1/chat/completions", [elsewhere, "x-inference-provider: anthropic"]) == .xAPIKey)
        #expect(
            try placement("/v1/messages", ["x-inference-provider-url: https://generativelanguage.googleapis.com"]) == .xGoogAPIKey
        )
        for path in ["/v1/messages", "/x/messages", "/v1/messages/count_tokens"] {
            #expect(try placement(path, [elsewhere]) == .xAPIKey)
        }
        for path in ["/v1beta/models/g:generateContent", "/v1/models/g:embedContent"] {
            #expect(try placement(path, [elsewhere]) == .xGoogAPIKey)
        }
        for path in [
            "/v1/chat/completions", "/x", "/v1/threads/t/messages", "/model/m/converse", "/v1/models/ft:gpt-4o:acme::id",
            "/v1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict",
        ] {
            #expect(try placement(path, [elsewhere]) == .bearer)
        }
    }

    @Test(arguments: [
        ("/v1/chat/completions", "anthropic-version: 1", "anthropic"), ("/v1/chat/completions", "x-goog-api-key: k", "gemini"),
        ("/v1beta/openai/chat/completions", "", "gemini"), ("/v1beta1/x", "", "gemini"),
        ("/v1/models/gemini:streamGenerateContent", "", "gemini"), ("/v1/models/m:unknownMethod", "", "openai"),
        ("/v1/models/ft:gpt-4o:acme::id", "", "openai"), ("/v1/models/ft:gpt-4o:acme::id/events", "", "openai"),
        ("/v1/models/ft%3Agpt-4o%3Aacme%3A%3Aid", "", "openai"), ("/v1/chat/completions:generateContent", "", "openai"),
        ("/v1/projects/p/locations/us-east5/publishers/google/models/g:generateContent", "", "vertex-ai"),
        ("/v1beta1/projects/p/locations/l/x", "x-goog-api-key: k", "vertex-ai"), ("/v1/messages", "", "anthropic"),
        ("/v1/messages/batches/b", "", "anthropic"), ("/openai/v1/chat/completions", "", "groq"), ("/v1/files", "", "openai"),
        ("/v1/realtime?model=m", "", "openai"),
    ])
    func infers(target: String, header: String, provider: String) throws {
        #expect(try open.route(requestHead(target, header.isEmpty ? [] : [header])).provider == provider)
    }

    @Test(arguments: [
        ("/openai/deployments/d/chat/completions?api-version=1", []), ("/openai/v1/chat/completions", ["api-key: k"]),
        ("/openai/v1/responses?api-version=preview", []), ("/openai/v1/responses?x=1&api%2Dversion=preview", []),
    ])
    func azureIsToldFromGroq(target: String, headers: [String]) throws {
        #expect(try fault(open, target, headers).message.contains("azure-openai"))
        let catalogue = ProviderCatalogue(overrides: ["azure-openai": try BaseURL("https://r.openai.azure.com")])
        let route = try Router(catalogue: catalogue, allowsPrivateUpstreams: false).route(requestHead(target, headers))
        #expect(route.provider == "azure-openai" && !route.addsBasePath)
        let url = "x-inference-provider-url: https://r.openai.azure.com"
        #expect(try open.route(requestHead("/openai/v1/chat/completions", [url])).provider == "azure-openai")
    }

    @Test(arguments: [
        "/model/m/converse", "/model/m/converse-stream", "/model/a:0/invoke", "/model/a%3A0/invoke-with-response-stream",
    ])
    func bedrockNeedsARegionOrAURL(target: String) throws {
        #expect(try fault(open, target, []).code == .badControlHeader)
        let catalogue = ProviderCatalogue(definitions: [ProviderDefinition(name: "bedrock", region: "eu-west-1")])
        let route = try Router(catalogue: catalogue, allowsPrivateUpstreams: false).route(requestHead(target, []))
        #expect(route.upstreamURL == "https://bedrock-runtime.eu-west-1.amazonaws.com" + target)
        #expect(try open.route(requestHead(target, ["x-inference-provider-url: https://h.example"])).provider == "h.example")
    }

    @Test func nothingMatchesOnlyWithoutProviderAndURL() throws {
        for target in ["/chat/completions", "/", "/x", "/v3/x", "/model/m/other", "/model//converse"] {
            #expect(try fault(open, target, []).code == .unknownRoute)
            #expect(try open.route(requestHead(target, ["x-inference-provider: groq"])).provider == "groq")
            let route = try open.route(requestHead(target, ["x-inference-provider-url: https://h.example"]))
            #expect(route.provider == "h.example")
            #expect(route.api == expectedFamily(target))
        }
    }

    private func expectedFamily(_ target: String) -> APIFamily? {
        ["/chat/completions": .openaiChat, "/model//converse": .bedrockConverse][target]
    }

    // MARK: Vertex AI

    @Test(arguments: [
        ("/v1/projects/p/locations/us-east5/publishers/google/models/g:generateContent", "us-east5-aiplatform.googleapis.com"),
        ("/v1beta1/projects/p/locations/global/endpoints/openapi/chat/completions", "aiplatform.googleapis.com"),
        ("/v1/projects/p/operations/o", "aiplatform.googleapis.com"),
    ])
    func vertexHostFollowsFromThePath(path: String, host: String) throws {
        let route = try open.route(requestHead(path, []))
        #expect(route.upstreamURL == "https://\(host)\(path)")
        #expect(route.target.demandsPublicAddress)
        for location in ["x.evil.example", "a@b", "a:80", "A", "-a", "a%2F"] {
            let bad = "/v1/projects/p/locations/\(location)/x"
            #expect(try fault(open, bad, []).code == .badControlHeader, "\(location)")
        }
        // An empty segment is none.
        let doubled = try open.route(requestHead("/v1/projects/p/locations//us-east5/x", []))
        #expect(doubled.target.host == "us-east5-aiplatform.googleapis.com")
    }

    @Test(arguments: [("europe-west4", "europe-west4-aiplatform.googleapis.com"), ("global", "aiplatform.googleapis.com")])
    func vertexHostFollowsFromTheRegion(region: String, host: String) throws {
        let catalogue = ProviderCatalogue(definitions: [ProviderDefinition(name: "vertex-ai", region: region)])
        let router = Router(catalogue: catalogue, allowsPrivateUpstreams: false)
        let path = "/v1/projects/p/locations/\(region)/endpoints/openapi/chat/completions"
        let route = try router.route(requestHead(path, []))
        #expect(route.upstreamURL == "https://\(host)\(path)" && route.api == .openaiChat)
    }

    // MARK: Headers of the answer's other side

    @Test func endToEndHeadersPassWithTheProvidersAuthorizationOfItsOwnKind() throws {
        let kept = ["anthropic-beta: a,b", "OpenAI-Organization: o", "Authorization: Bearer ya29.x", "x-api-key: k"]
        #expect(try sentUpstream(open, "/v1/messages", kept).dropFirst(2) == kept[...])
    }
}
