// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import HTTPWire
import NIOCore
import Testing
import Upstream

@testable import Gateway

func requestHead(_ text: String) throws -> RequestHead {
    var parser = HeadParser()
    var buffer = ByteBuffer(string: text)
    return try #require(try parser.readRequest(&buffer))
}

func requestHead(_ target: String, _ headers: [String], method: String = "POST") throws -> RequestHead {
    try requestHead((["\(method) \(target) HTTP/1.1", "Host: weir"] + headers).joined(separator: "\r\n") + "\r\n\r\n")
}

@Suite struct RouterTests {
    private let router = Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false)

    private func route(_ target: String, _ headers: [String] = []) throws -> Route {
        try router.route(requestHead(target, headers))
    }

    private func fault(_ target: String, _ headers: [String]) throws -> Fault {
        try #require(throws: Fault.self) { try route(target, headers) }
    }

    @Test(arguments: [
        ("/v1/chat/completions", "", "openai"), ("/v1/responses", "", "openai"), ("/v1/embeddings?a=b", "", "openai"),
        ("/v1/models/ft:gpt-4o:acme::id", "", "openai"), ("/v1/models", "", "openai"), ("/v1/messages", "", "anthropic"),
        ("/v1/messages/count_tokens", "", "anthropic"), ("/v1/messagesque", "", "openai"),
        ("/v1/chat/completions", "anthropic-version: 2023-06-01", "anthropic"),
        ("/anything", "Anthropic-Version: 2023-06-01", "anthropic"),
        ("/anything", "X-Goog-Api-Key: k", "gemini"), ("/v1beta/models/g:generateContent", "", "gemini"),
        ("/v1beta1/models/g", "", "gemini"),
        ("/v1/models/gemini-2.5-pro:streamGenerateContent", "", "gemini"), ("/v1/models/g:countTokens", "", "gemini"),
        ("/v1/models/a:b:embedContent", "", "gemini"), ("/openai/v1/chat/completions", "", "groq"),
    ])
    func infersTheProvider(target: String, header: String, provider: String) throws {
        #expect(try route(target, header.isEmpty ? [] : [header]).provider == provider)
    }

    @Test(arguments: [
        "/openai/deployments/d/chat/completions?api-version=1", "/openai/v1/responses?api-version=preview",
        "/model/m/converse", "/model/m/invoke-with-response-stream",
    ])
    func asksForAURLWhereTheProviderHasNone(target: String) throws {
        #expect(try fault(target, []).code == .badControlHeader)
        let named = try route(target, ["x-inference-provider-url: https://host.example/prefix"])
        #expect(named.provider == "host.example")
    }

    @Test(arguments: [
        "/", "/v1", "/chat/completions", "/openai/v2/x", "/model/m/other", "/p/openai", "/p//v1/messages",
        "/v2/models/g:generateContent",
    ])
    func answers404WhereNothingMatches(target: String) throws { #expect(try fault(target, []).code == .unknownRoute) }

    @Test(arguments: [
        ("/p/groq/v1/chat/completions", "groq", "/openai/v1/chat/completions", "default", nil as String?),
        ("/p/Anthropic/v1/messages", "anthropic", "/v1/messages", "default", nil),
        ("/p/openai/t/summary/e/staging/v1/responses", "openai", "/v1/responses", "summary", "staging"),
        ("/p/openai/e/staging/t/summary/v1/responses", "openai", "/v1/responses", "summary", "staging"),
        ("/p/openai/t/summary/x/staging/v1", "openai", "/v1/x/staging/v1", "summary", nil),
    ])
    func readsThePathPrefix(target: String, provider: String, path: String, task: String, environment: String?) throws {
        let route = try route(target)
        #expect(route.provider == provider)
        #expect(String(decoding: route.path, as: UTF8.self) == path)
        #expect(route.attribution.task == task)
        #expect(route.attribution.environment == environment)
    }

    @Test func headerBeatsThePathPrefix() throws {
        #expect(try route("/p/groq/v1/chat/completions", ["X-Inference-Provider: MISTRAL"]).provider == "mistral")
    }

    @Test(arguments: [
        ["x-inference-provider: nobody"], ["x-inference-provider: "],
        ["x-inference-provider: openai", "X-INFERENCE-PROVIDER: openai"],
        ["x-inference-provider: \(String(repeating: "a", count: 1_025))"], ["x-inference-environment:"], ["x-inference-task-id:"],
        ["x-inference-task-id: \(String(repeating: "a", count: 1_025))"], ["x-inference-task-id: a", "x-inference-task-id: a"],
        ["x-inference-provider-api-key:"], ["x-inference-provider-api-key: a", "x-inference-provider-api-key: b"],
        ["x-inference-provider-url: "], ["x-inference-provider-url: ftp://host"],
        ["x-inference-metadata-a: \(String(repeating: "a", count: 1_025))"],
        ["x-inference-metadata-\(String(repeating: "a", count: 200)): a"], (0..<65).map { "x-inference-metadata-\($0): a" },
    ])
    func refusesBadControlHeaders(headers: [String]) throws {
        let fault = try fault("/v1/responses", headers)
        #expect(fault.code == .badControlHeader)
        #expect(!fault.message.contains("nobody"))
    }

    @Test func refusesAnOverlongTaskInThePath() throws {
        #expect(try fault("/p/openai/t/\(String(repeating: "a", count: 1_025))/v1/responses", []).code == .badControlHeader)
    }

    @Test func takesGoodControlHeaders() throws {
        let route = try route(
            "/v1/responses",
            ["X-Inference-Task-ID: t", "x-inference-environment: \(String(repeating: "e", count: 1_024))"]
                + (0..<64).map { "x-inference-metadata-\($0): a" })
        #expect(route.provider == "openai")
        #expect(route.providerKey == nil)
    }

    @Test(arguments: [
        ("https://api.openai.com", "/v1/chat/completions", "/v1/chat/completions"),
        ("https://api.openai.com/v1", "/v1/chat/completions", "/v1/chat/completions"),
        ("https://api.groq.com/openai/v1", "/v1/chat/completions", "/openai/v1/chat/completions"),
        ("https://api.groq.com/openai/v1", "/openai/v1/chat/completions", "/openai/v1/chat/completions"),
        ("https://api.groq.com", "/openai/v1/chat/completions", "/openai/v1/chat/completions"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "/v1/chat/completions", "/v1beta/openai/chat/completions"),
        ("https://open.example.com/api/paas/v4", "/v1/chat/completions", "/api/paas/v4/chat/completions"),
        ("https://openrouter.ai/api/v1/", "/v1/chat/completions", "/api/v1/chat/completions"),
        ("https://api.deepseek.com", "/chat/completions", "/chat/completions"),
        ("https://api.anthropic.com/", "/v1/messages", "/v1/messages"),
        ("https://x.openai.azure.com", "/openai/deployments/d/chat/completions", "/openai/deployments/d/chat/completions"),
        ("https://host/prefix", "/model/m/converse", "/prefix/model/m/converse"),
        ("https://host/prefix", "/prefixed/x", "/prefix/prefixed/x"), ("https://host/v1", "/v1//a%2Fb/../", "/v1//a%2Fb/../"),
        ("https://host/a", "/v1", "/a/v1"), ("https://host/a", "/a", "/a"),
    ])
    func joinsBaseAndPath(base: String, request: String, expected: String) throws {
        #expect(String(decoding: try BaseURL(base).join(Array(request.utf8)[...]), as: UTF8.self) == expected)
    }

    /// Where each provider documents its chat completions (`notebooks-docs/providers.md`).
    @Test(arguments: [
        ("openai", "https://api.openai.com/v1/"), ("groq", "https://api.groq.com/openai/v1/"),
        ("cerebras", "https://api.cerebras.ai/v1/"), ("openrouter", "https://openrouter.ai/api/v1/"),
        ("mistral", "https://api.mistral.ai/v1/"), ("xai", "https://api.x.ai/v1/"),
        ("together", "https://api.together.ai/v1/"), ("fireworks", "https://api.fireworks.ai/inference/v1/"),
        ("alibaba", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/"), ("baseten", "https://inference.baseten.co/v1/"),
        ("deepinfra", "https://api.deepinfra.com/v1/openai/"), ("github-models", "https://models.github.ai/inference/"),
        ("huggingface", "https://router.huggingface.co/v1/"), ("hyperbolic", "https://api.hyperbolic.xyz/v1/"),
        ("inference-net", "https://api.inference.net/v1/"), ("minimax", "https://api.minimax.io/v1/"),
        ("moonshot", "https://api.moonshot.ai/v1/"), ("nebius", "https://api.tokenfactory.nebius.com/v1/"),
        ("novita", "https://api.novita.ai/openai/v1/"), ("nvidia", "https://integrate.api.nvidia.com/v1/"),
        ("sambanova", "https://api.sambanova.ai/v1/"), ("venice", "https://api.venice.ai/api/v1/"),
        ("vercel-gateway", "https://ai-gateway.vercel.sh/v1/"), ("zai", "https://api.z.ai/api/paas/v4/"),
    ])
    func sendsChatCompletionsWhereTheProviderTakesThem(name: String, base: String) throws {
        let route = try route("/v1/chat/completions", ["x-inference-provider: \(name)"])
        #expect(route.upstreamURL == base + "chat/completions")
    }

    @Test(arguments: [
        ("HTTPS://API.Example.COM", "api.example.com", 443, true, "api.example.com"),
        ("http://h:8080/x//", "h", 8_080, false, "h:8080"),
        ("https://h:443", "h", 443, true, "h"), ("http://h:443", "h", 443, false, "h:443"),
        ("https://[2606:4700::1]", "2606:4700::1", 443, true, "[2606:4700::1]"),
        ("https://[::1]:65535/", "::1", 65_535, true, "[::1]:65535"),
        ("https://2130706433", "2130706433", 443, true, "2130706433"),
        ("https://0177.0.0.1:1", "0177.0.0.1", 1, true, "0177.0.0.1:1"),
    ])
    func readsBaseURLs(text: String, host: String, port: Int, isTLS: Bool, authority: String) throws {
        let url = try BaseURL(text)
        #expect((url.host, url.port, url.isTLS, url.authority) == (host, port, isTLS, authority))
    }

    @Test(arguments: [
        "", "host", "//host", "ftp://host", "https:/host", "https://", "https:///path", "https://user@host",
        "https://user:pass@host", "https://host?x", "https://host/?x=1",
        "https://host#f", "https://host:0", "https://host:65536", "https://host:", "https://host:+1", "https://host:1a",
        "https://host:99999999999999999999",
        "https://[::1", "https://[::1]x", "https://[]", "https://[host]", "https://[127.0.0.1]", "https://h ost",
        "https://h\tost", "https://h\\x", "https://hö.example",
        "https://h/a b", "https://a:1:2", "https://%31", "https://\(String(repeating: "a", count: 254))",
    ])
    func refusesOtherBaseURLs(text: String) throws {
        let fault = try #require(throws: Fault.self) { try BaseURL(text) }
        #expect(fault.code == .badControlHeader)
        #expect(text.isEmpty || !fault.message.contains(text))
    }

    @Test func namesTheProviderOfAURL() throws {
        func provider(_ url: String, _ more: [String] = []) throws -> Route {
            try route("/v1/messages", ["x-inference-provider-url: \(url)"] + more)
        }
        #expect(try provider("https://api.groq.com").provider == "groq")
        #expect(try provider("https://res.openai.azure.com").keyPlacement == .apiKey)
        #expect(try provider("https://bedrock-runtime.eu-west-1.amazonaws.com").provider == "bedrock")
        #expect(try provider("https://bedrock-runtime.s3.amazonaws.com").provider == "bedrock-runtime.s3.amazonaws.com")
        #expect(try provider("https://us-east5-aiplatform.googleapis.com").provider == "vertex-ai")
        #expect(try provider("https://eu.api.openai.com").provider == "openai")
        #expect(try provider("https://other.example:8443").provider == "other.example")
        #expect(try provider("https://other.example").keyPlacement == .xAPIKey)
        #expect(try provider("https://other.example", ["x-inference-provider: openai"]).keyPlacement == .bearer)
        #expect(try provider("https://other.example").target.demandsPublicAddress)
        #expect(!(try route("/v1/messages").target.demandsPublicAddress))
        #expect(
            try route("/v1beta/models/g:countTokens", ["x-inference-provider-url: https://other.example"]).keyPlacement
                == .xGoogAPIKey)
        #expect(try route("/odd", ["x-inference-provider-url: https://other.example"]).keyPlacement == .bearer)
        #expect(try fault("/v1/messages", ["x-inference-provider-url: http://other.example"]).code == .notAllowed)
    }

    @Test func tellsModelCallsFromListings() throws {
        #expect(try route("/v1/chat/completions").api == .openaiChat)
        #expect(try router.route(requestHead("/v1/chat/completions", [], method: "GET")).api == nil)
        #expect(throws: Fault.self) { try router.route(requestHead("*", [], method: "OPTIONS")) }
    }
}

@Suite struct HeadRewritingTests {
    private func upstream(_ target: String, _ headers: [String]) throws -> [String] {
        let head = try requestHead(target, headers)
        let route = try Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false).route(head)
        let bytes = HeadRewriting.upstreamHead(head, route: route, allocator: ByteBufferAllocator())
        let text = String(buffer: bytes)
        #expect(text.hasSuffix("\r\n\r\n"))
        return text.components(separatedBy: "\r\n").filter { !$0.isEmpty }
    }

    @Test func passesEndToEndHeadersByteForByte() throws {
        let kept = [
            "X-a:1", "x-A:   two  words \t", "Accept: a", "Accept: b", "traceparent: 00-x", "X-Empty:", "Expect: 100-continue",
            "Cookie: c", "x-weir-y: 1", "Authorization: Bearer k",
        ]
        #expect(
            try upstream("/v1/responses?q=%20&&", kept) == ["POST /v1/responses?q=%20&& HTTP/1.1", "Host: api.openai.com"] + kept)
    }

    @Test func dropsHopByHopAndControlHeaders() throws {
        let lines = try upstream(
            "/v1/responses",
            [
                "Connection: keep-alive, X-Mine , content-length", "X-MINE: 1", "Keep-Alive: 5", "Proxy-Connection: x",
                "TE: trailers", "Upgrade: h2c", "Proxy-Authorization: Basic x",
                "X-Inference-Task-Id: t", "x-inference-anything: 1", "x-inference-project-api-key: weir_x", "Trailer: X-Sum",
                "Transfer-Encoding: chunked",
            ])
        #expect(lines == ["POST /v1/responses HTTP/1.1", "Host: api.openai.com", "Trailer: X-Sum", "Transfer-Encoding: chunked"])
    }

    @Test(arguments: [
        ("openai", "Authorization: Bearer sk-1"), ("anthropic", "x-api-key: sk-1"), ("gemini", "x-goog-api-key: sk-1"),
        ("azure-openai", "api-key: sk-1"), ("bedrock", "Authorization: Bearer sk-1"),
    ])
    func placesTheProvidersKey(provider: String, expected: String) throws {
        let url = "x-inference-provider-url: https://host.example"
        for key in ["sk-1", "Bearer sk-1"] {
            let credentials = [
                "A: 1", "authorization: Bearer weir_1", "x-api-key: weir_2", "X-Goog-Api-Key: weir_3", "api-key: weir_4", "B: 2",
            ]
            let lines = try upstream(
                "/v1/x", [url, "x-inference-provider: \(provider)", "x-inference-provider-api-key: \(key)"] + credentials)
            #expect(lines == ["POST /v1/x HTTP/1.1", "Host: host.example", "A: 1", expected, "B: 2"])
            let bare = try upstream(
                "/v1/x", [url, "x-inference-provider: \(provider)", "x-inference-provider-api-key: \(key)", "B: 2"])
            #expect(bare == ["POST /v1/x HTTP/1.1", "Host: host.example", "B: 2", expected])
        }
    }

    @Test func addsAHostWhereAnHTTP10CallerGaveNone() throws {
        let head = try requestHead("GET /v1/models HTTP/1.0\r\nA: 1\r\n\r\n")
        let route = try Router(catalogue: ProviderCatalogue(), allowsPrivateUpstreams: false).route(head)
        #expect(
            String(buffer: HeadRewriting.upstreamHead(head, route: route, allocator: ByteBufferAllocator()))
                == "GET /v1/models HTTP/1.1\r\nA: 1\r\nHost: api.openai.com\r\n\r\n")
    }

    @Test func marksAnswersOnly() throws {
        var parser = HeadParser()
        var buffer = ByteBuffer(
            string:
                "HTTP/1.0 503 Odd  Words\r\nConnection: x-gone, close\r\nX-Gone: 1\r\nKeep-Alive: 3\r\nProxy-Authenticate: x\r\nx-inference-a: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 1\r\n\r\n"
        )
        let head = try #require(try parser.readResponse(&buffer, toHead: false))
        let id = ExchangeID(milliseconds: 1, random: (2, 3))
        let needs = HeadRewriting.AnswerNeeds(closes: true, removesChunking: false, confirmsKeepAlive: false)
        let text = String(
            buffer: HeadRewriting.downstreamHead(
                head, told: HeadRewriting.Told(id: id, provider: "openai", attempts: 2), needs: needs,
                allocator: ByteBufferAllocator()))
        #expect(
            text
                == "HTTP/1.1 503 Odd  Words\r\nx-inference-a: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 1\r\nx-weir-exchange-id: \(id)\r\nx-weir-provider: openai\r\nx-weir-attempts: 2\r\n"
                + "x-weir-error-source: provider\r\nConnection: close\r\n\r\n")
    }
}
