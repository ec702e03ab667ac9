// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import HTTPWire
import NIOCore
import TestSupport
import Testing
import Upstream

@testable import Gateway

@Suite struct RoutePropertyTests {
    /// The joining rule in words, over text.
    private func join(_ base: String, _ path: String) -> String {
        var base = base
        while base.hasSuffix("/") { base.removeLast() }
        if base.isEmpty || path == base || path.hasPrefix(base + "/") { return path }
        return base + (path.hasPrefix("/v1/") ? String(path.dropFirst(3)) : path)
    }

    private func random(_ pieces: [String], _ most: Int, _ random: inout SplitMix64) -> String {
        (0..<Int.random(in: 0...most, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    }

    @Test(arguments: 0..<4) func joinedPathIsRightForAnyBaseAndPath(seed: Int) throws {
        var numbers = SplitMix64(seed: UInt64(seed))
        let pieces = ["/v1", "/", "/a", "/openai", "b", "v1", "%2F", "/v1beta", "/.."]
        for _ in 0..<1_500 {
            let base = random(pieces, 4, &numbers)
            let path = "/" + random(pieces, 5, &numbers)
            guard base.isEmpty || base.hasPrefix("/") else { continue }
            let url = try BaseURL("https://h.example\(base)")
            let want = join(base, path)
            #expect(String(decoding: url.join(Array(path.utf8)[...]), as: UTF8.self) == want)
            let router = Router(catalogue: ProviderCatalogue(overrides: ["mine": url]), allowsPrivateUpstreams: false)
            let lines = try sentUpstream(router, path + "?q=/v1/a?b", ["x-inference-provider: mine"])
            #expect(lines.first == "POST \(want)?q=/v1/a?b HTTP/1.1")
            let route = try router.route(requestHead(path + "?q", ["x-inference-provider: mine"]))
            #expect(String(decoding: route.path, as: UTF8.self) == want && route.upstreamURL == "https://h.example" + want)
        }
    }

    @Test(arguments: 0..<4) func noRequestTrapsAndNoGatewayKeyLeaves(seed: Int) throws {
        var numbers = SplitMix64(seed: UInt64(100 + seed))
        let paths = [
            "/p/", "/t/", "/e/", "openai", "vertex-ai", "bedrock", "/v1", "/projects/", "/locations/", "us-east5", "/model/", ":",
            "converse", "/messages", "?", "&", "key=", "k%65y=", "%6bey=", "weir_q", "=", "%", "%3", "/openai/v1", "//", "\u{7f}",
        ]
        let headers = [
            "Authorization: Bearer weir_a", "Authorization: sk-1", "Authorization: AWS4-HMAC-SHA256 x", "x-api-key: weir_b",
            "api-key: bearer weir_c", "x-goog-api-key: k", "x-inference-provider: gemini", "x-inference-provider: bedrock",
            "x-inference-provider-url: https://h.example/v1", "x-inference-provider-url: https://[::1]:1",
            "x-inference-provider-api-key: AIza&=?#", "x-inference-project-api-key: weir_d", "Connection: host, authorization",
            "anthropic-version: 1", "x-inference-capture: off",
        ]
        let definition = ProviderDefinition(
            name: "bedrock", signing: AWSSigning(accessKeyID: "a", secretAccessKey: "SECRET", region: "us-east-1"))
        let router = Router(catalogue: ProviderCatalogue(definitions: [definition]), allowsPrivateUpstreams: false)
        var routed = 0
        for _ in 0..<3_000 {
            let target = "/" + random(paths, 8, &numbers)
            let some = headers.filter { _ in Int.random(in: 0..<4, using: &numbers) == 0 }
            guard let head = try? requestHead(target, some) else { continue }
            let route: Route
            do throws(Fault) { route = try router.route(head) } catch {
                #expect(!error.message.contains("weir_q"))
                continue
            }
            routed += 1
            let plain = HeadRewriting.upstreamHead(head, route: route, allocator: ByteBufferAllocator())
            let signed = HeadRewriting.signedUpstreamHead(
                head, route: route, bodySHA256: SigV4.emptyBodySHA256, unixSeconds: 1, allocator: ByteBufferAllocator())
            for bytes in [plain, signed] {
                let text = String(buffer: bytes)
                let lines = text.components(separatedBy: "\r\n").dropFirst()
                #expect(!lines.contains { $0.contains("weir_") }, "\(text)")
                #expect(!text.contains("x-inference-") && !text.contains("SECRET"), "\(text)")
                let target = text.split(separator: " ")[1].split(separator: "?", maxSplits: 1)
                for parameter in target.dropFirst().joined().split(separator: "&") where parameter.contains("=weir_q") {
                    let name = parameter.split(separator: "=", omittingEmptySubsequences: false)[0]
                    let isKey = String(name).removingPercentEncoding == "key"
                    #expect(!(isKey && parameter.dropFirst(name.count + 1).hasPrefix("weir_")), "\(text)")
                }
                #expect(lines.filter { $0.lowercased().hasPrefix("host:") }.count == 1, "\(text)")
                var reread = HeadParser()
                var copy = bytes
                #expect(try reread.readRequest(&copy) != nil && copy.readableBytes == 0, "\(text)")
            }
        }
        #expect(routed > 300)
    }

    // MARK: The key in the query

    @Test(
        arguments: [
            (nil, "key=pk"), ("", "key=pk"), ("a=1", "a=1&key=pk"), ("key=old", "key=pk"), ("a&key=old&b=%20", "a&key=pk&b=%20"),
            ("key=1&x&key=2", "key=pk&x"), ("k%65y=1&Key=2&keys=3", "key=pk&Key=2&keys=3"), ("&&", "&&&key=pk"),
            ("key", "key=pk"),
            ("%zz=1&monkey=2", "%zz=1&monkey=2&key=pk"),
        ] as [(String?, String)])
    func queryPlacementReplacesTheKeyAndNothingElse(query: String?, expected: String) throws {
        let definition = ProviderDefinition(name: "mine", url: try BaseURL("https://h.example"), keyPlacement: .query)
        let router = Router(catalogue: ProviderCatalogue(definitions: [definition]), allowsPrivateUpstreams: false)
        let lines = try sentUpstream(
            router, "/x" + (query.map { "?" + $0 } ?? ""),
            ["x-inference-provider: mine", "x-inference-provider-api-key: pk", "Authorization: Bearer a", "x-goog-api-key: b"])
        #expect(lines == ["POST /x?\(expected) HTTP/1.1", "Host: h.example"])
    }

    @Test func keyInTheQueryIsEncoded() {
        let query = QueryString.replacingKey(nil, with: Array("a b&c=d#é-._~".utf8)[...])
        #expect(query.map { String(decoding: $0, as: UTF8.self) } == "key=a%20b%26c%3Dd%23%C3%A9-._~")
    }

    @Test func googlesKeysGoIntoTheQueryOfVertexAI() throws {
        let router = Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false)
        let path = "/v1/projects/p/locations/global/publishers/google/models/g:generateContent"
        let key = try sentUpstream(router, path + "?alt=sse", ["x-inference-provider-api-key: AIzaX", "Authorization: Bearer a"])
        #expect(key == ["POST \(path)?alt=sse&key=AIzaX HTTP/1.1", "Host: aiplatform.googleapis.com"])
        let token = try sentUpstream(router, path, ["x-inference-provider-api-key: ya29.x"])
        #expect(token.last == "Authorization: Bearer ya29.x")
    }

    @Test func callersQueryStaysBesideGeminisHeader() throws {
        let router = Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false)
        let path = "/v1beta/models/g:generateContent"
        #expect(
            try sentUpstream(router, path + "?key=theirs", ["x-inference-provider-api-key: pk"]) == [
                "POST \(path)?key=theirs HTTP/1.1", "Host: generativelanguage.googleapis.com", "x-goog-api-key: pk",
            ])
        #expect(try sentUpstream(router, path + "?key=AIza", []).first == "POST \(path)?key=AIza HTTP/1.1")
    }

    @Test func hostOfTheProviderStaysAsItIsWritten() throws {
        let router = Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false)
        let head = try requestHead("GET /v1/models HTTP/1.1\r\nA: 1\r\nhost:API.OpenAI.com\r\nB: 2\r\n\r\n")
        let sent = HeadRewriting.upstreamHead(head, route: try router.route(head), allocator: ByteBufferAllocator())
        #expect(String(buffer: sent) == "GET /v1/models HTTP/1.1\r\nA: 1\r\nhost:API.OpenAI.com\r\nB: 2\r\n\r\n")
    }
}

@Suite struct CatalogueTests {
    @Test func everyNameIsWellFormedAndItsOwnHostIsItsOwn() throws {
        let catalogue = ProviderCatalogue()
        #expect(Set(catalogue.names).count == catalogue.names.count)
        for provider in catalogue.providers {
            #expect(provider.name == provider.name.lowercased())
            if let base = provider.baseURL {
                #expect(base.isTLS && catalogue.owner(ofHost: base.host)?.name == provider.name)
            }
        }
    }

    @Test func pageShowsTheCatalogueAsItIs() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("notebooks-docs/providers.md"), encoding: .utf8)
        let shown = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
        let places: [KeyPlacement: String] = [
            .bearer: "`Authorization: Bearer`", .xAPIKey: "`x-api-key`", .xGoogAPIKey: "`x-goog-api-key`", .apiKey: "`api-key`",
        ]
        #expect(shown.count == KnownProviders.table.count)
        for (row, provider) in zip(shown, KnownProviders.table) {
            #expect(row.hasPrefix("| `\(provider.name)` | ") && row.hasSuffix(" | \(places[provider.keyPlacement] ?? "") |"))
            if let url = provider.baseURL { #expect(row.contains("`\(url.origin)\(url.path)`"), "\(row)") }
        }
    }

    @Test func understandsOnlyTheFamiliesThatAProviderIsSaidToSpeak() throws {
        let catalogue = ProviderCatalogue(definitions: [
            ProviderDefinition(
                name: "mine", url: try BaseURL("https://m.example/v1"), hosts: [".m.example"], families: [.anthropicMessages]),
            ProviderDefinition(name: "all", url: try BaseURL("https://all.example/v1")),
        ])
        let router = Router(catalogue: catalogue, allowsPrivateUpstreams: false)
        let named = ["x-inference-provider: mine"]
        let unspoken = try router.route(requestHead("/v1/chat/completions", named))
        // Passed and opaque; a fault still has the shape that the caller's SDK reads.
        #expect(unspoken.api == nil && unspoken.family == .openaiChat)
        #expect(unspoken.upstreamURL == "https://m.example/v1/chat/completions")
        #expect(try router.route(requestHead("/v1/messages", named)).api == .anthropicMessages)
        let byURL = ["x-inference-provider-url: https://x.m.example/v2"]
        #expect(try router.route(requestHead("/v1/chat/completions", byURL)).api == nil)
        #expect(try router.route(requestHead("/v1/messages", byURL)).api == .anthropicMessages)
        for path in ["/v1/chat/completions", "/v1/messages", "/v1/rerank"] {
            #expect(try router.route(requestHead(path, ["x-inference-provider: all"])).api != nil)
            #expect(try router.route(requestHead(path, ["x-inference-provider: groq"])).api != nil)
        }
    }

    @Test func definitionsOverrideWhatTheySetAndAddTheRest() throws {
        let catalogue = ProviderCatalogue(definitions: [
            ProviderDefinition(name: "Anthropic", url: try BaseURL("https://proxy.example/anthropic")),
            ProviderDefinition(
                name: "mine", url: try BaseURL("https://m.example/v1"), keyPlacement: .apiKey, hosts: [".m.example"]),
            ProviderDefinition(name: "openai", hosts: ["api.anthropic.com"]),
        ])
        #expect(catalogue["anthropic"]?.keyPlacement == .xAPIKey && catalogue["anthropic"]?.baseURL?.host == "proxy.example")
        #expect(catalogue["openai"]?.baseURL?.host == "api.openai.com")
        #expect(catalogue.owner(ofHost: "x.m.example")?.name == "mine")
        // The configuration's word comes before the catalogue's.
        #expect(catalogue.owner(ofHost: "api.anthropic.com")?.name == "openai")
        #expect(catalogue["nobody"] == nil && catalogue[""] == nil && catalogue[String(repeating: "a", count: 99)] == nil)
        let twice = ProviderCatalogue(definitions: [
            ProviderDefinition(name: "a", url: try BaseURL("https://one.example")),
            ProviderDefinition(name: "a", url: try BaseURL("https://two.example")),
        ])
        #expect(twice["a"]?.baseURL?.host == "two.example")
    }

    @Test(arguments: ["", "-x", "x-", "us east", "US", "a.b", "a/b", "a@b", String(repeating: "a", count: 41)])
    func regionsThatWouldChangeTheHostAreNone(region: String) {
        for name in ["bedrock", "vertex-ai"] {
            #expect(ProviderCatalogue(definitions: [ProviderDefinition(name: name, region: region)])[name]?.baseURL == nil)
        }
    }

    @Test func operatorsAddressesAreNotHeldToBePublicAndCallersAre() throws {
        let catalogue = ProviderCatalogue(overrides: ["local": try BaseURL("http://127.0.0.1:11434/v1")])
        let router = Router(catalogue: catalogue, allowsPrivateUpstreams: false)
        #expect(!(try router.route(requestHead("/p/local/v1/chat/completions", [])).target.demandsPublicAddress))
        let named = ["x-inference-provider: local", "x-inference-provider-url: https://127.0.0.1:11434/v1"]
        #expect(throws: Fault.self) { try router.route(requestHead("/v1/chat/completions", named)) }
        let byName = ["x-inference-provider: local", "x-inference-provider-url: https://house.example/v1"]
        #expect(try router.route(requestHead("/v1/chat/completions", byName)).target.demandsPublicAddress)
        let lenient = Router(catalogue: catalogue, allowsPrivateUpstreams: true)
        #expect(!(try lenient.route(requestHead("/v1/chat/completions", named)).target.demandsPublicAddress))
        let zone = ["x-inference-provider-url: https://[2606:4700::1%25eth0]"]
        #expect(throws: Fault.self) { try router.route(requestHead("/v1/x", zone)) }
    }
}
