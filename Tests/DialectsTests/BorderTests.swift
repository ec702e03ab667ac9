// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import TestSupport
import Testing

@testable import Dialects

@Suite struct APIRouteTests {
    @Test(arguments: [
        ("/v1/chat/completions", "openai-chat"), ("/openai/deployments/D/chat/completions", "openai-chat"),
        ("//x/chat/completions/", "openai-chat"), ("/v1/chat/completions?api-version=1", "openai-chat"),
        ("/v1/projects/p/locations/l/endpoints/openapi/chat/completions", "openai-chat"),
        ("/v1/responses", "openai-responses"), ("/v1/responses/compact", "openai-responses-aux"),
        ("/v1/responses/input_tokens", "openai-responses-aux"), ("/v1/embeddings", "openai-embeddings"),
        ("/v1/images/generations", "openai-images"), ("/v1/images/edits", "openai-images"),
        ("/v1/images/variations", "openai-images"), ("/v1/audio/speech", "openai-audio"),
        ("/v1/audio/transcriptions", "openai-audio"), ("/v1/audio/translations", "openai-audio"),
        ("/v1/moderations", "openai-moderations"), ("/v1/completions", "openai-completions"),
        ("/v1/fim/completions", "openai-completions"), ("/v1/messages", "anthropic-messages"),
        ("/anthropic/v1/messages/", "anthropic-messages"), ("/v1/messages/count_tokens", "anthropic-count-tokens"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/c@1:streamRawPredict", "anthropic-messages"),
        ("/v1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict", "anthropic-messages"),
        ("/v1/projects/p/locations/l/publishers/google/models/c:predict", "vertex-predict"),
        ("/v1beta/models/g-1:generateContent", "gemini-generate"),
        ("/v1beta/models/g-1:streamGenerateContent", "gemini-generate"), ("/v1/models/a:b:embedContent", "gemini-embed"),
        ("/v1beta/models/g:batchEmbedContents", "gemini-embed"), ("/v1beta/models/g:countTokens", "gemini-count-tokens"),
        ("/v1beta/interactions", "gemini-interactions"), ("/model/a.b-v1%3A0/converse", "bedrock-converse"),
        ("/model/a.b-v1:0/converse-stream", "bedrock-converse"), ("/model/a/invoke", "bedrock-invoke"),
        ("/model/a/invoke-with-response-stream", "bedrock-invoke"), ("/v1/chat", "cohere-chat"), ("/v2/chat", "cohere-chat"),
        ("/v2/embed", "cohere-embed"), ("/v1/rerank", "rerank"), ("/api/chat", "ollama"), ("/api/generate", "ollama"),
    ]) func knowsTheFamily(path: String, family: String) {
        #expect(APIRoute.family(ofPath: path)?.rawValue == family)
        #expect(APIFamily.known.contains { $0.rawValue == family })
        #expect(APIRoute.family(method: "GET", path: path) == nil)
        #expect(APIRoute.family(method: "POST", path: path)?.rawValue == family)
    }

    @Test func realtimeIsOpenedByGet() {
        #expect(APIRoute.family(method: "GET", path: "/v1/realtime?model=m") == .openaiRealtime)
    }

    @Test(arguments: [
        "", "/", "/v1/messages/batches", "/v1/responses/resp_1", "/v1/models", "/v1/models/ft:gpt-4o:acme::id", "/v1/files",
        "/v1/batches", "/v1/threads/t/messages", "/functions/f/invoke", "/v1/Messages", "/v1/projects/p/models/m:rawPredict", "?",
        ":", "/x/count_tokens", "/x/compact", "/chat", "/x/chat", "/x/embed", "/x/generate", "/x/speech", "/x/edits",
        "/x/generations", "/x/variations", "/x/transcriptions", "/x/translations", "/x/input_tokens", "/m/converse",
        "/model/a/count-tokens", "/v1/models/m:", "/v1/completions/x", "/v12/chat", "/vx/chat", "//", "/:/",
    ]) func leavesOtherRoutesOpaque(path: String) {
        #expect(APIRoute.family(ofPath: path) == nil)
    }

    @Test(arguments: 0..<4) func anyBytesGiveAnAnswer(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let pieces = [
            "/", "//", "chat", "completions", "messages", "models", "model", ":", "generateContent", "?", "#", "%3A", "invoke",
            "converse", "\u{0}", "é", "v1", "responses", "x",
        ]
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
            let found = APIRoute.family(ofPath: text)
            // A query never counts, nor does what stands before.
            #expect(APIRoute.family(ofPath: text + "?a=/v1/messages") == found)
            if let found { #expect(APIRoute.family(ofPath: "/prefix" + text) == found || !text.hasPrefix("/"), "\(text)") }
        }
    }
}

@Suite struct StreamDetectionTests {
    @Test(arguments: [
        ("text/event-stream; charset=utf-8", "", true), ("Text/Event-Stream", "data: {}", true),
        ("text/event-stream", #"{"error":{}}"#, false),
        ("application/json", "data: {\"id\":1}", true), ("application/json", ": comment\n\n", true),
        ("application/json", "\n\nevent: a", true),
        ("application/json", "{\"data\": 1}", false), ("application/json", "[0.1, 2]", false),
        ("application/json", "[{\n  \"candidates\": [", true),
        ("application/json", "[{\"error\": {}}]", false), ("application/json", "", false),
        ("text/plain", "error code: 1010", false),
        ("application/vnd.amazon.eventstream", "\0\0\0", true), ("application/x-ndjson", "{\"a\":1}\n", true),
        ("text/plain", "dat", true),
        ("text/event-stream", "<html>", true), ("application/json", "\u{FEFF}data: 1", true),
    ]) func decidesByBytesBeforeLabel(type: String, prefix: String, isStream: Bool) {
        #expect(StreamDetection.isStream(contentType: type, bodyPrefix: Array(prefix.utf8)) == isStream)
    }

    @Test func noLabelIsNoStream() {
        #expect(!StreamDetection.isStream(contentType: nil, bodyPrefix: []))
        #expect(StreamDetection.isStream(contentType: nil, bodyPrefix: Array("data: x".utf8)))
    }
}

@Suite struct NanoDollarsTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1_000_000_000), ("0.0005605", 560_500), ("7.159e-05", 71_590), ("1.05E-5", 10_500),
            ("12.5", 12_500_000_000), ("-0.5", -500_000_000),
            ("0.0000000005", 0), ("0.0000000015", 2), ("0.0000000025", 2), ("0.00000000250000001", 3),
            ("3.7999999999999996e-07", 380), ("0.000", 0),
            ("1e9", 1_000_000_000_000_000_000), ("1e-999999", 0), ("0e999999", 0), ("9.2233720368", 9_223_372_037),
        ] as [(String, Int64)]) func readsDollars(text: String, nano: Int64)
    {
        #expect(NanoDollars.parse(text.utf8) == nano)
    }

    @Test(arguments: ["", "-", "e5", "1e", "1x", "1e10", "1e99999999999999999999", "9223372036.9", ".", "1.2.3"])
    func refusesOthers(text: String) {
        #expect(NanoDollars.parse(text.utf8) == nil)
    }

    @Test func refusesEndlessDigits() {
        #expect(NanoDollars.parse("0.\(String(repeating: "1", count: 10_000))".utf8) == nil)
        #expect(NanoDollars.parse("0.\(String(repeating: "0", count: 10_000))".utf8) == 0)
    }

    @Test func readsTicksAndTheProvidersOwnKeys() {
        #expect(NanoDollars.parse("1654500".utf8, scale: 10) == 165_450)
        func cost(_ members: String) -> Int64? {
            Exchange(answer: #"{"usage":{"prompt_tokens":1,\#(members)}}"#, isStream: false).reading.reportedCostNanousd
        }
        #expect(cost(#""cost":0.001982"#) == 1_982_000)
        #expect(cost(#""cost":{"total_cost":0.0061}"#) == 6_100_000)
        #expect(cost(#""cost_in_usd_ticks":0"#) == 0)
        #expect(cost(#""cost":null"#) == nil)
    }
}

@Suite struct ProviderErrorTests {
    @Test(arguments: [
        (401, #"{"error":{"code":"invalid_api_key","type":"invalid_request_error"}}"#, "authentication"),
        (401, "<html>", "authentication"), (403, "", "permission"),
        (429, #"{"error":{"type":"insufficient_quota"}}"#, "quota"),
        (429, #"{"error":{"code":"rate_limit_exceeded"}}"#, "rate_limit"), (402, "{}", "quota"),
        (400, #"{"error":{"type":"invalid_request_error","message":"prompt is too long: 3 > 2"}}"#, "context_length"),
        (400, #"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#, "quota"),
        (400, #"{"error":{"message":"x","code":"content_filter"}}"#, "content_filter"),
        (400, #"{"error":"bad"}"#, "invalid_request"),
        (400, #"{"object":"error","type":"invalid_model","message":"Invalid model: x"}"#, "not_found"),
        (404, #"{"detail":"Not Found"}"#, "not_found"),
        (400, #"[{"error":{"code":400,"status":"INVALID_ARGUMENT"}}]"#, "invalid_request"),
        (413, #"{"type":"error","error":{"type":"request_too_large"}}"#, "invalid_request"),
        (529, #"{"type":"error","error":{"type":"overloaded_error"}}"#, "overloaded"), (503, "", "overloaded"),
        (500, "{}", "server_error"), (504, "", "timeout"),
        (600, "", "other"),
    ]) func sortsErrors(status: Int, body: String, name: String) {
        for api in [APIFamily.openaiChat, .anthropicMessages, nil] {
            #expect(Exchange(api: api, answer: body, status: status, isStream: false).reading.providerError == name)
        }
    }

    @Test func errorsOfTheGatewayAreNotTheProviders() {
        let exchange = Exchange(
            answer: #"{"error":{"code":"unknown_provider"}}"#, status: 404, isStream: false, errorSource: .gateway)
        #expect(exchange.reading.providerError == nil)
    }
}

@Suite struct ArrivalTests {
    @Test func anEventArrivesWithItsLastByte() {
        var record = Exchange(
            answer: Exchange.events([#"{"choices":[{"delta":{"content":"a"}}]}"#, #"{"choices":[{"delta":{"content":"b"}}]}"#])
        ).record
        let size = Int64(record.responseBody.content?.count ?? 0)
        func ttft(_ chunks: [ChunkArrival]) -> Int64? {
            record.responseChunks = chunks
            return ExchangeReader.read(record).ttftUs
        }
        let half = size / 2
        #expect(ttft([ChunkArrival(offset: 0, timeUs: 5), ChunkArrival(offset: half, timeUs: 9)]) == 5)
        #expect(ttft([ChunkArrival(offset: 0, timeUs: 5), ChunkArrival(offset: half - 1, timeUs: 9)]) == 9)
        #expect(ttft([ChunkArrival(offset: 0, timeUs: 7)]) == 7)
        #expect(ttft([]) == nil)
        #expect(ttft([ChunkArrival(offset: half, timeUs: 7)]) == nil)
        #expect(ttft([ChunkArrival(offset: -5, timeUs: -7), ChunkArrival(offset: Int64.max, timeUs: 1)]) == -7)
    }

    @Test func rateNeedsASpan() {
        let usage =
            #"""
            {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":21,\#
            "total_tokens":22}}
            """#
        let content = #"{"choices":[{"delta":{"content":"a"}}]}"#
        var record = Exchange(answer: Exchange.events([content, content, usage])).record
        record.responseChunks = [ChunkArrival(offset: 0, timeUs: 100)]
        #expect(ExchangeReader.read(record).tokensPerSecond == nil)
        record.responseChunks.append(ChunkArrival(offset: Int64(content.utf8.count + 8), timeUs: 10_100))
        #expect(ExchangeReader.read(record).tokensPerSecond == 2_000)
        record.responseBody.content = Array(Exchange.events([content, usage]).utf8)
        #expect(ExchangeReader.read(record).tokensPerSecond == nil)
    }
}

@Suite struct ReaderFuzzTests {
    private static let seeds = [
        Exchange.events([
            #"""
            {"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a",\#
            "function":{"name":"f"}}]},"finish_reason":"stop"}]}
            """#,
            #"""
            {"usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":30,"cost":1.5e-3,\#
            "completion_tokens_details":{"reasoning_tokens":13}}}
            """#,
            "[DONE]",
        ]),
        Exchange.events([
            #"""
            {"type":"message_start","message":{"model":"a","usage":{"input_tokens":1,\#
            "cache_creation":{"ephemeral_5m_input_tokens":2}}}}
            """#,
            #"{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#,
        ]),
        #"""
        {"status":"completed","error":{"code":"x"},"output":[{"type":"function_call"}],"usage":{"input_tokens":9,\#
        "output_tokens":9223372036854775807}}
        """#,
    ]

    @Test(arguments: 0..<8) func anyBytesGiveAReading(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        for round in 0..<150 {
            var bytes = Array(Self.seeds[round % Self.seeds.count].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch random.next() % 4 {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: bytes[0..<place].suffix(20), at: place)
                default: bytes.removeLast(min(bytes.count - 1, place / 4))
                }
            }
            for api in [APIFamily.openaiChat, .openaiResponses, .openaiEmbeddings, .anthropicMessages, .geminiGenerate, nil] {
                var record = Exchange(api: api, answer: "", status: round % 5 == 0 ? 500 : 200).record
                record.responseBody.content = bytes
                record.requestBody.content = bytes
                record.responseChunks = (0..<4).map { _ in
                    ChunkArrival(
                        offset: Int64.random(in: -9...400, using: &random),
                        timeUs: Int64.random(in: Int64.min...Int64.max, using: &random))
                }
                let reading = ExchangeReader.read(record)
                for field in TokenUsage.fields { #expect((reading.usage[keyPath: field.path] ?? 0) >= 0) }
                #expect((reading.toolCalls ?? 0) <= Int64(bytes.count))
                #expect(reading == ExchangeReader.read(record))
            }
        }
    }

    @Test func manyDataLinesCostLinearTime() {
        let body = Array(String(repeating: "data:a\n", count: 200_000).utf8)
        #expect(Array(ServerSentEvents(body)).first?.data.count == 399_999)
    }
}
