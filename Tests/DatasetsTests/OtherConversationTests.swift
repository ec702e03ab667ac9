// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Datasets

/// Cohere, Ollama, and those who speak as OpenAI.
@Suite struct OtherConversationTests {
    static let cohereRequest = #"""
        {"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hi"}]},
        {"role":"assistant","tool_plan":"I will look.","tool_calls":[{"id":"a","type":"function","function":{"name":"w","arguments":"{\"x\": 1.0}"}}]},
        {"role":"tool","tool_call_id":"a","content":[{"type":"document","document":{"data":"one"}},{"type":"document","document":{"data":{"n": 2.0}}}]}],
        "tools":[{"type":"function","function":{"name":"w","description":"d","parameters":{"type":"object"}}}],
        "response_format":{"type":"json_object","json_schema":{"type":"object","title":"T"}},"p":0.90,"tool_choice":"REQUIRED"}
        """#
    static let cohereEvents = TestRecords.events([
        #"{"id":"r","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[]}}}"#,
        #"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"So"}}}"#,
        #"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}"#,
        #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"hm"}}}}"#,
        #"{"type":"content-end","index":0}"#,
        #"{"type":"content-start","index":1,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
        #"{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"Do"}}}}"#,
        #"{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"ne."}}}}"#,
        #"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"b","type":"function","function":{"name":"w","arguments":""}}}}}"#,
        #"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{\"x\":"}}}}}"#,
        #"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"2e3}"}}}}}"#,
        #"{"type":"tool-call-end","index":0}"#,
        #"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"tokens":{"input_tokens":1}}}}"#, "[DONE]",
    ])

    @Test func coherePlainAndStreamedGiveTheSameGoldenRow() throws {
        let plain = #"""
            {"id":"r","finish_reason":"TOOL_CALL","message":{"role":"assistant","tool_plan":"So","content":[{"type":"thinking","thinking":"hm"},
            {"type":"text","text":"Done."}],"tool_calls":[{"id":"b","type":"function","function":{"name":"w","arguments":"{\"x\":2e3}"}}]}}
            """#
        let golden =
            #"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"","tool_calls":["#
            + #"{"id":"a","type":"function","function":{"name":"w","arguments":"{\"x\": 1.0}"}}]},"#
            + #"{"role":"tool","tool_call_id":"a","content":"one\n\n{\"n\":2.0}"},{"role":"assistant","content":"Done.","tool_calls":["#
            + #"{"id":"b","type":"function","function":{"name":"w","arguments":"{\"x\":2e3}"}}]}],"#
            + ConversationReaderTests.tools
        for answer in [plain, Self.cohereEvents] {
            #expect(Conversations.row(.cohereChat, Self.cohereRequest, answer) == golden)
            let (request, read) = try Conversations.read(.cohereChat, Self.cohereRequest, answer)
            #expect(read.turn.blocks.prefix(2) == [.reasoning("So"), .reasoning("hm")])
            #expect(read.responseID == "r")
            #expect(request.sampling == SamplingParameters(topP: "0.90", toolChoice: #""REQUIRED""#))
            #expect(
                request.responseFormat
                    == ResponseFormat(kind: .schema, schema: Array(#"{"type":"object","title":"T"}"#.utf8)))
        }
    }

    @Test(
        arguments: [
            ("api_not_supported", #"{"message":"q","chat_history":[]}"#, "{}"),
            ("file_content", #"{"messages":[{"role":"user","content":"q"}],"documents":["d"]}"#, "{}"),
            (
                "truncated_answer", #"{"messages":[{"role":"user","content":"q"}]}"#,
                #"{"message":{},"finish_reason":"MAX_TOKENS"}"#
            ),
            ("in_band_error", #"{"messages":[{"role":"user","content":"q"}]}"#, #"{"message":{},"finish_reason":"ERROR"}"#),
            (
                "content_filtered", #"{"messages":[{"role":"user","content":"q"}]}"#,
                #"{"message":{},"finish_reason":"ERROR_TOXIC"}"#
            ),
            ("answer_malformed", #"{"messages":[{"role":"user","content":"q"}]}"#, "{}"),
            (
                "stream_cut", #"{"messages":[{"role":"user","content":"q"}]}"#,
                TestRecords.events([#"{"type":"message-start","delta":{"message":{}}}"#])
            ),
        ] as [(String, String, String)])
    func namesWhatCohereCannotGive(reason: String, request: String, answer: String) {
        #expect(Conversations.row(.cohereChat, request, answer) == reason)
    }

    static let ollamaRequest = #"""
        {"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"","thinking":"t","tool_calls":[
        {"function":{"name":"w","arguments":{"x": 1.0}}},{"function":{"name":"v","arguments":{}}}]},
        {"role":"tool","tool_name":"v","content":"two"},{"role":"tool","content":"one"}],"format":{ "type":"object" },
        "tools":[{"type":"function","function":{"name":"w","description":"d","parameters":{"type":"object"}}}],
        "options":{"temperature":0,"top_p":0.50,"num_predict":10,"seed":3}}
        """#
    static let ollamaLines = Conversations.lines([
        #"{"model":"m","message":{"role":"assistant","content":"","thinking":"h"},"done":false}"#,
        #"{"model":"m","message":{"role":"assistant","content":"","thinking":"m"},"done":false}"#,
        #"{"model":"m","message":{"role":"assistant","content":"Do"},"done":false}"#,
        #"{"model":"m","message":{"role":"assistant","content":"ne.","tool_calls":[{"function":{"name":"w","arguments":{"x":2e3}}}]},"done":false}"#,
        #"{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":4}"#,
    ])

    @Test func ollamaPlainAndStreamedGiveTheSameGoldenRow() throws {
        let plain = #"""
            {"model":"m","message":{"role":"assistant","content":"Done.","thinking":"hm",
              "tool_calls":[{"function":{"name":"w","arguments":{ "x" : 2e3 }}}]},
             "done":true,"done_reason":"stop"}
            """#
        let golden =
            #"{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"","tool_calls":["#
            + #"{"id":"call_1","type":"function","function":{"name":"w","arguments":"{\"x\":1.0}"}},"#
            + #"{"id":"call_2","type":"function","function":{"name":"v","arguments":"{}"}}]},"#
            + #"{"role":"tool","tool_call_id":"call_1","content":"one"},{"role":"tool","tool_call_id":"call_2","content":"two"},"#
            + #"{"role":"assistant","content":"Done.","tool_calls":["#
            + #"{"id":"call_3","type":"function","function":{"name":"w","arguments":"{\"x\":2e3}"}}]}],"#
            + ConversationReaderTests.tools
        for answer in [plain, Self.ollamaLines] {
            #expect(Conversations.row(.ollama, Self.ollamaRequest, answer) == golden)
            let (request, read) = try Conversations.read(.ollama, Self.ollamaRequest, answer)
            #expect(read.turn.blocks.first == .reasoning("hm"))
            #expect(request.sampling == SamplingParameters(temperature: "0", topP: "0.50", maxTokens: "10", seed: "3"))
            #expect(request.responseFormat == ResponseFormat(kind: .schema, schema: Array(#"{"type":"object"}"#.utf8)))
        }
    }

    @Test(
        arguments: [
            ("text_completion", #"{"prompt":"q"}"#, ollamaLines), ("request_malformed", #"{"messages":[]}"#, ollamaLines),
            ("image_content", #"{"messages":[{"role":"user","content":"q","images":["iVBORw0K"]}]}"#, ollamaLines),
            (
                "truncated_answer", #"{"messages":[{"role":"user","content":"q"}]}"#,
                #"{"message":{"content":"a"},"done":true,"done_reason":"length"}"#
            ),
            (
                "finish_reason_missing", #"{"messages":[{"role":"user","content":"q"}]}"#,
                #"{"message":{"content":"a"},"done":true}"#
            ), ("stream_cut", #"{"messages":[{"role":"user","content":"q"}]}"#, #"{"message":{"content":"a"},"done":false}"#),
            ("in_band_error", #"{"messages":[{"role":"user","content":"q"}]}"#, #"{"error":"no"}"#),
            ("answer_not_json", #"{"messages":[{"role":"user","content":"q"}]}"#, "{}\nx\n{}"),
        ] as [(String, String, String)])
    func namesWhatOllamaCannotGive(reason: String, request: String, answer: String) {
        #expect(Conversations.row(.ollama, request, answer) == reason)
    }

    // MARK: As OpenAI

    static let user = #"{"role":"user","content":"q"}"#
    static let row = #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"ab"}]}"#

    /// Reasoning stands apart under every name that providers have for it.
    @Test(
        arguments: [
            // DeepSeek, Groq and OpenRouter, Mistral.
            #"{"choices":[{"message":{"reasoning_content":"hm","content":"ab"},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"message":{"reasoning":"hm","reasoning_details":[{"text":"hm"}],"content":"ab"},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"ab"}]},"finish_reason":"stop"}]}"#,
            TestRecords.events([
                #"{"id":"","choices":[],"prompt_filter_results":[]}"#,
                #"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","reasoning":"h"}}]}"#,
                #"{"id":"c","choices":[{"index":0,"delta":{"reasoning":"m","content":null}}]}"#,
                #"{"id":"c","choices":[{"index":0,"delta":{"content":"ab"}}]}"#,
                #"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{}}}"#, "[DONE]",
            ]),
            ": OPENROUTER PROCESSING\n\n"
                + TestRecords.events([
                    #"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]},"index":0}]}"#,
                    #"{"choices":[{"delta":{"content":"ab"},"index":0,"finish_reason":"stop"}]}"#,
                ]),
        ])
    func reasoningIsKeptApart(answer: String) throws {
        let (_, read) = try Conversations.read(.openaiChat, #"{"messages":[\#(Self.user)]}"#, answer)
        #expect(read.turn.blocks == [.reasoning("hm"), .text("ab")])
        #expect(Conversations.row(.openaiChat, #"{"messages":[\#(Self.user)]}"#, answer) == Self.row)
    }

    /// What a provider adds to the prompt is not in the record.
    @Test(arguments: [
        ("builtin_tool_offered", #"{"model":"x/y:online","messages":[\#(user)]}"#),
        ("builtin_tool_offered", #"{"plugins":[{"id":"web"}],"messages":[\#(user)]}"#),
        ("builtin_tool_offered", #"{"search_parameters":{"mode":"auto"},"messages":[\#(user)]}"#),
        ("builtin_tool_offered", #"{"data_sources":[{"type":"azure_search"}],"messages":[\#(user)]}"#),
    ])
    func namesWhatProvidersAdd(reason: String, request: String) {
        #expect(Conversations.row(.openaiChat, request, TestRecords.chatAnswer("ab")) == reason)
    }

    @Test(arguments: [
        #"{"search_results":[{"url":"u"}],"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#,
        #"{"choices":[{"message":{"content":"a","executed_tools":[{"type":"search"}]},"finish_reason":"stop"}]}"#,
        TestRecords.events([#"{"citations":["u"],"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#]),
    ])
    func answersFromSearchesAreNoRows(answer: String) {
        #expect(Conversations.row(.openaiChat, #"{"messages":[\#(Self.user)]}"#, answer) == "builtin_tool_item")
    }

    @Test(arguments: [
        (APIFamily.openaiCompletions, "text_completion"), (.rerank, "not_a_conversation"), (.openaiImages, "not_a_conversation"),
        (.geminiEmbed, "not_a_conversation"), (.geminiInteractions, "api_not_supported"), (.vertexPredict, "api_not_supported"),
    ])
    func otherApisAreNamed(api: APIFamily, reason: String) {
        #expect(Conversations.row(api, #"{"prompt":"q"}"#, "{}") == reason)
    }
}
