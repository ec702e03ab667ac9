// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Datasets

@Suite struct GeminiConversationTests {
    static let request = #"""
        {"systemInstruction":{"role":"user","parts":[{"text":"Be brief."}]},"contents":[
        {"role":"user","parts":[{"text":"Weather"},{"text":"in Bern?"}]},
        {"role":"model","parts":[{"text":"hm","thought":true},{"functionCall":{"name":"w","args":{"x": 1.0}},"thoughtSignature":"s"},
        {"functionCall":{"name":"v","args":{}}},{"functionCall":{"name":"w","args":{"x":2}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"v","response":{"r": "b"}}},
        {"functionResponse":{"name":"w","response":{"r":"a"}}},{"functionResponse":{"name":"w","response":{"r":"c"}}},{"text":"And?"}]}],
        "tools":[{"functionDeclarations":[{"name":"w","description":"d","parameters":{"type":"OBJECT","properties":{"type":{"type":"STRING"},
        "l":{"type":"ARRAY","items":{"anyOf":[{"type":"INTEGER"},{"type":"NULL"}]},"description":"STRING"}}}},{"name":"v"}]}]}
        """#
    static let prompt =
        #"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Weather\n\nin Bern?"},"#
        + #"{"role":"assistant","content":"","tool_calls":["#
        + #"{"id":"call_1","type":"function","function":{"name":"w","arguments":"{\"x\":1.0}"}},"#
        + #"{"id":"call_2","type":"function","function":{"name":"v","arguments":"{}"}},"#
        + #"{"id":"call_3","type":"function","function":{"name":"w","arguments":"{\"x\":2}"}}]},"#
        + #"{"role":"tool","tool_call_id":"call_1","content":"{\"r\":\"a\"}"},"#
        + #"{"role":"tool","tool_call_id":"call_2","content":"{\"r\":\"b\"}"},"#
        + #"{"role":"tool","tool_call_id":"call_3","content":"{\"r\":\"c\"}"},{"role":"user","content":"And?"},"#
    static let golden =
        prompt + #"{"role":"assistant","content":"Let me see.","tool_calls":["#
        + #"{"id":"call_4","type":"function","function":{"name":"w","arguments":"{\"x\":2e3}"}}]}],"#
        + #""tools":[{"type":"function","function":{"name":"w","description":"d","parameters":{"type":"object","properties":"#
        + #"{"type":{"type":"string"},"l":{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"null"}]},"description":"STRING"}}}}},"#
        + #"{"type":"function","function":{"name":"v","description":"","parameters":{"type":"object","properties":{}}}}]}"#
    static let plain = #"""
        {"candidates":[{"content":{"role":"model","parts":[{"text":"so","thought":true},{"text":"Let me "},{"text":"see.","thoughtSignature":"q"},
        {"functionCall":{"name":"w","args":{ "x" : 2e3 }}}]},"finishReason":"STOP"}],"responseId":"r1","usageMetadata":{}}
        """#
    static let messages = [
        #"{"candidates":[{"content":{"role":"model","parts":[{"text":"so","thought":true}]},"index":0}],"responseId":"r1"}"#,
        #"{"candidates":[{"content":{"role":"model","parts":[{"text":"Let me "}]},"index":0}]}"#,
        #"{"candidates":[{"content":{"role":"model","parts":[{"text":"see."},{"thoughtSignature":"q"}]},"index":0}]}"#,
        #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"w","args":{"x":2e3}}}]},"finishReason":"STOP","index":0}]}"#,
        #"{"usageMetadata":{"totalTokenCount":3}}"#,
    ]
    static let array = "[" + messages.joined(separator: "\n,\r\n") + "\n]\n"

    @Test func plainEventsAndArrayGiveTheSameGoldenRow() throws {
        for answer in [Self.plain, TestRecords.events(Self.messages), Self.array] {
            #expect(Conversations.row(.geminiGenerate, Self.request, answer) == Self.golden)
            let (request, read) = try Conversations.read(.geminiGenerate, Self.request, answer)
            #expect(read.turn.blocks.first == .reasoning("so"))
            #expect(read.responseID == "r1")
            #expect(read.finishReason == "STOP")
            #expect(request.changes == [.toolCallsNumbered, .toolResultsReordered, .toolSchemaRespelled])
        }
    }

    @Test func bothSpellingsOfKeysAreRead() {
        var snake = Self.request
        for (camel, other) in [
            ("systemInstruction", "system_instruction"), ("functionCall", "function_call"),
            ("functionResponse", "function_response"), ("functionDeclarations", "function_declarations"),
            ("thoughtSignature", "thought_signature"),
        ] {
            snake = snake.replacing("\"\(camel)\"", with: "\"\(other)\"")
        }
        #expect(snake.contains("function_declarations"))
        #expect(Conversations.row(.geminiGenerate, snake, Self.plain) == Self.golden)
    }

    @Test func idsOfCallsAreKeptWhereThereAreSome() throws {
        let request = #"""
            {"contents":[{"parts":{"text":"q"}},{"role":"model","parts":[{"functionCall":{"id":"b","name":"w","args":{"n":1}}},
            {"functionCall":{"id":"a","name":"w","args":{"n":2}}}]},{"role":"function","parts":[
            {"functionResponse":{"id":"a","name":"w","response":{"n":2}}},{"functionResponse":{"id":"b","name":"w","response":{"n":1}}}]}]}
            """#
        let (read, _) = try Conversations.read(.geminiGenerate, request, Self.plain)
        #expect(read.turns.map(\.answeredCall) == [nil, nil, "b", "a"])
        #expect(read.turns[2].texts == [#"{"n":1}"#])
        #expect(read.changes == .toolResultsReordered)
    }

    @Test func imagesAreTyped() throws {
        let request = #"""
            {"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"QUJD"}},
            {"file_data":{"mime_type":"image/jpeg","file_uri":"gs://b/o.jpg"}},{"text":"What?"}]}]}
            """#
        let (read, _) = try Conversations.read(.geminiGenerate, request, Self.plain)
        #expect(read.turns[0].blocks == [.image("data:image/png;base64,QUJD"), .image("gs://b/o.jpg"), .text("What?")])
        #expect(Conversations.row(.geminiGenerate, request, Self.plain) == "image_content")
    }

    @Test func otherCandidatesAreAlternatives() throws {
        func candidate(_ index: Int, _ text: String, _ finish: String) -> String {
            #"{"index":\#(index),"content":{"parts":[{"text":"\#(text)"}]},"finishReason":"\#(finish)"}"#
        }
        let all = [
            candidate(2, "c", "STOP"), candidate(0, "a", "STOP"), candidate(1, "b", "STOP"), candidate(3, "d", "MAX_TOKENS"),
        ]
        let plain = #"{"candidates":[\#(all.joined(separator: ","))]}"#
        let streamed = TestRecords.events(all.map { #"{"candidates":[\#($0)]}"# })
        for answer in [plain, streamed] {
            let (_, read) = try Conversations.read(.geminiGenerate, #"{"contents":[{"parts":[{"text":"q"}]}]}"#, answer)
            #expect(read.turn.joinedText == "a")
            #expect(read.alternatives.map(\.joinedText) == ["b", "c"])
            #expect(read.changes == .extraChoicesIgnored)
        }
    }

    @Test func theModelIsThatOfThePath() throws {
        let path = "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent"
        let (read, _) = try Conversations.read(.geminiGenerate, Self.request, Self.plain, path: path)
        #expect(read.model == "gemini-2.5-pro")
    }

    @Test func whatIsAskedOfTheAnswerIsKept() throws {
        let request = #"""
            {"contents":[{"parts":[{"text":"q"}]}],"generationConfig":{"temperature":0.10,"topP":1e0,"maxOutputTokens":64,"seed":7,
            "responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"n":{"type":"NUMBER","maximum":1.50}}}},
            "toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}
            """#
        let (read, _) = try Conversations.read(.geminiGenerate, request, Self.plain)
        let schema = Array(#"{"type":"object","properties":{"n":{"type":"number","maximum":1.50}}}"#.utf8)
        #expect(read.responseFormat == ResponseFormat(kind: .schema, schema: schema))
        #expect(read.changes.isEmpty)
        let sampling = SamplingParameters(
            temperature: "0.10", topP: "1e0", maxTokens: "64", seed: "7", toolChoice: #"{"mode":"ANY"}"#)
        #expect(read.sampling == sampling)
    }

    static let user = #"{"role":"user","parts":[{"text":"q"}]}"#
    static func answer(_ parts: String, _ finish: String = "STOP") -> String {
        #"{"candidates":[{"content":{"parts":[\#(parts)]},"finishReason":"\#(finish)"}]}"#
    }

    @Test(
        arguments: [
            ("cached_prefix", #"{"cachedContent":"cachedContents/x","contents":[\#(user)]}"#, plain),
            ("cached_prefix", #"{"cached_content":"cachedContents/x","contents":[\#(user)]}"#, plain),
            ("request_malformed", #"{"contents":[]}"#, plain), ("request_malformed", #"{"contents":["q"]}"#, plain),
            ("unknown_role", #"{"contents":[{"role":"wizard","parts":[{"text":"q"}]}]}"#, plain),
            ("no_user_turn", #"{"contents":[{"role":"user","parts":[]}]}"#, plain),
            ("ambiguous_prefill", #"{"contents":[\#(user),{"role":"model","parts":[{"text":"a"}]}]}"#, plain),
            ("builtin_tool_offered", #"{"contents":[\#(user)],"tools":[{"googleSearch":{}}]}"#, plain),
            ("builtin_tool_item", #"{"contents":[\#(user)]}"#, answer(#"{"executableCode":{"code":"1"}}"#)),
            ("file_content", #"{"contents":[{"parts":[{"inlineData":{"mimeType":"application/pdf","data":"QQ=="}}]}]}"#, plain),
            ("file_content", #"{"contents":[{"parts":[{"fileData":{"fileUri":"gs://x"}}]}]}"#, plain),
            ("audio_content", #"{"contents":[{"parts":[{"inlineData":{"mimeType":"audio/wav","data":"QQ=="}}]}]}"#, plain),
            ("unknown_content", #"{"contents":[{"parts":[{"hologram":{}}]}]}"#, plain),
            ("orphan_tool_result", #"{"contents":[{"parts":[{"functionResponse":{"name":"w","response":{}}}]}]}"#, plain),
            (
                "orphan_tool_result",
                #"{"contents":[\#(user),{"role":"model","parts":[{"functionCall":{"name":"w"}}]},{"parts":[{"functionResponse":{"name":"v"}}]}]}"#,
                plain
            ),
            (
                "unanswered_tool_call",
                #"{"contents":[\#(user),{"role":"model","parts":[{"functionCall":{"name":"w"}}]},\#(user)]}"#, plain
            ), ("truncated_answer", #"{"contents":[\#(user)]}"#, answer(#"{"text":"a"}"#, "MAX_TOKENS")),
            ("content_filtered", #"{"contents":[\#(user)]}"#, answer(#"{"text":"a"}"#, "SAFETY")),
            ("content_filtered", #"{"contents":[\#(user)]}"#, #"{"promptFeedback":{"blockReason":"OTHER"}}"#),
            ("malformed_tool_call", #"{"contents":[\#(user)]}"#, answer("", "MALFORMED_FUNCTION_CALL")),
            ("finish_reason_unaccepted", #"{"contents":[\#(user)]}"#, answer(#"{"text":"a"}"#, "OTHER")),
            ("finish_reason_missing", #"{"contents":[\#(user)]}"#, #"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#),
            ("streamed_arguments", #"{"contents":[\#(user)]}"#, answer(#"{"functionCall":{"name":"w","willContinue":true}}"#)),
            ("text_after_tool_call", #"{"contents":[\#(user)]}"#, answer(#"{"functionCall":{"name":"w"}},{"text":"a"}"#)),
            ("in_band_error", #"{"contents":[\#(user)]}"#, #"[{"error":{"code":500}}]"#),
            ("empty_answer", #"{"contents":[\#(user)]}"#, answer(#"{"text":" "}"#)),
            ("answer_malformed", #"{"contents":[\#(user)]}"#, "{}"), ("answer_malformed", #"{"contents":[\#(user)]}"#, "[]"),
            ("answer_malformed", #"{"contents":[\#(user)]}"#, "[1]"),
            ("stream_cut", #"{"contents":[\#(user)]}"#, "[" + messages[0]),
            ("stream_cut", #"{"contents":[\#(user)]}"#, TestRecords.events(Array(messages[0...1]))),
        ] as [(String, String, String)])
    func namesWhatGeminiCannotGive(reason: String, request: String, answer: String) {
        #expect(Conversations.row(.geminiGenerate, request, answer) == reason)
    }
}
