// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Datasets

@Suite struct BedrockConversationTests {
    static let request = #"""
        {"system":[{"text":"Be brief."},{"cachePoint":{"type":"default"}}],"messages":[{"role":"user","content":[{"text":"Hi"}]},
        {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},{"text":"Looking."},
        {"toolUse":{"toolUseId":"a","name":"w","input":{"big": 12345678901234567890, "x": 1.0}}},{"toolUse":{"toolUseId":"b","name":"w","input":{}}}]},
        {"role":"user","content":[{"toolResult":{"toolUseId":"b","content":[{"json":{"n": 2.0}}],"status":"error"}},
        {"toolResult":{"toolUseId":"a","content":[{"text":"one"}]}},{"text":"And?"}]}],
        "toolConfig":{"tools":[{"toolSpec":{"name":"w","description":"d","inputSchema":{"json":{ "type":"object" }}}},{"cachePoint":{"type":"default"}}],
        "toolChoice":{"auto":{}}},"inferenceConfig":{"maxTokens":9,"temperature":0.50,"topP":1.0}}
        """#
    static let golden =
        #"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Looking.","tool_calls":["#
        + #"{"id":"a","type":"function","function":{"name":"w","arguments":"{\"big\":12345678901234567890,\"x\":1.0}"}},"#
        + #"{"id":"b","type":"function","function":{"name":"w","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"one"},"#
        + #"{"role":"tool","tool_call_id":"b","content":"{\"n\":2.0}"},{"role":"user","content":"And?"},"#
        + #"{"role":"assistant","content":"Again.","tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{\"q\":\"a b\",\"n\":1.50}"}},"#
        + #"{"id":"d","type":"function","function":{"name":"w","arguments":"{}"}}]}],"#
        + #""tools":[{"type":"function","function":{"name":"w","description":"d","parameters":{"type":"object"}}}]}"#
    static let plain = #"""
        {"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"x"}}},{"text":"Again."},
        {"toolUse":{"toolUseId":"c","name":"w","input":{"q": "a b", "n": 1.50}}},{"toolUse":{"toolUseId":"d","name":"w","input":{},"type":"tool_use"}}]}},
        "stopReason":"tool_use","usage":{"inputTokens":1}}
        """#
    static let events = [
        ("messageStart", #"{"role":"assistant","p":"ab"}"#),
        ("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"x"}}}"#),
        ("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"s"}}}"#),
        ("contentBlockStop", #"{"contentBlockIndex":0}"#),
        ("contentBlockDelta", #"{"contentBlockIndex":1,"delta":{"text":"Aga"}}"#),
        ("contentBlockDelta", #"{"contentBlockIndex":1,"delta":{"text":"in."}}"#),
        ("contentBlockStop", #"{"contentBlockIndex":1}"#),
        ("contentBlockStart", #"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"c","name":"w"}}}"#),
        ("contentBlockDelta", #"{"contentBlockIndex":2,"delta":{"toolUse":{"input":""}}}"#),
        ("contentBlockDelta", #"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"q\": \"a b\","}}}"#),
        ("contentBlockDelta", #"{"contentBlockIndex":2,"delta":{"toolUse":{"input":" \"n\": 1.50}"}}}"#),
        ("contentBlockStop", #"{"contentBlockIndex":2}"#),
        ("contentBlockStart", #"{"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"d","name":"w"}}}"#),
        ("contentBlockStop", #"{"contentBlockIndex":3}"#), ("messageStop", #"{"stopReason":"tool_use"}"#),
        ("metadata", #"{"usage":{"inputTokens":1}}"#),
    ]

    @Test func plainAndStreamedGiveTheSameGoldenRow() throws {
        #expect(Conversations.row(.bedrockConverse, Self.request, Self.plain) == Self.golden)
        #expect(Conversations.row(.bedrockConverse, Self.request, Frames.events(Self.events)) == Self.golden)
        let (request, answer) = try Conversations.read(
            .bedrockConverse, Self.request, Frames.events(Self.events), path: "/model/a.b-v1%3A0/converse-stream")
        #expect(request.model == "a.b-v1:0")
        #expect(request.changes == [.toolResultsReordered])
        #expect(
            request.sampling
                == SamplingParameters(temperature: "0.50", topP: "1.0", maxTokens: "9", toolChoice: #"{"auto":{}}"#))
        #expect(answer.turn.blocks.first == .reasoning("x"))
        #expect(answer.finishReason == "tool_use")
    }

    @Test func novaThroughInvokeHasTheSameForm() {
        let request = Self.request.replacing(#"{"system""#, with: #"{"schemaVersion":"messages-v1","system""#)
        let chunks = Frames.chunks(Self.events.map { #"{"\#($0.0)":\#($0.1)}"# })
        #expect(Conversations.row(.bedrockInvoke, request, Self.plain) == Self.golden)
        #expect(Conversations.row(.bedrockInvoke, request, chunks) == Self.golden)
    }

    static let anthropicEvents = [
        #"{"type":"message_start","message":{"id":"msg_1","content":[]}}"#,
        #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}"#,
        #"{"type":"content_block_stop","index":0}"#,
        #"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
        #"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":1}}"#,
    ]
    static let anthropicBody =
        #"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"q"}]}"#

    @Test func anthropicThroughInvokeIsReadFromItsChunks() throws {
        let row = #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"ab"}]}"#
        let plain = #"{"id":"msg_1","type":"message","content":[{"type":"text","text":"ab"}],"stop_reason":"end_turn"}"#
        #expect(Conversations.row(.bedrockInvoke, Self.anthropicBody, plain) == row)
        #expect(Conversations.row(.bedrockInvoke, Self.anthropicBody, Frames.chunks(Self.anthropicEvents)) == row)
        let (request, answer) = try Conversations.read(
            .bedrockInvoke, Self.anthropicBody, Frames.chunks(Self.anthropicEvents),
            path: "/model/anthropic.claude/invoke-with-response-stream")
        #expect(request.model == "anthropic.claude")
        #expect(answer.responseID == "msg_1")
    }

    @Test func openAIModelsThroughInvokeAreRead() {
        let body = #"{"messages":[{"role":"user","content":"q"}],"max_completion_tokens":5}"#
        let row = #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"ab"}]}"#
        let chunks = Frames.chunks([
            #"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}"#,
        ])
        #expect(Conversations.row(.bedrockInvoke, body, TestRecords.chatAnswer("ab")) == row)
        #expect(Conversations.row(.bedrockInvoke, body, chunks) == row)
    }

    @Test func anthropicOnVertexTakesItsModelFromThePath() throws {
        let path = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-3@1:streamRawPredict"
        let (request, answer) = try Conversations.read(
            .anthropicMessages, Self.anthropicBody, TestRecords.events(Self.anthropicEvents), path: path)
        #expect(request.model == "claude-3@1")
        #expect(answer.turn.joinedText == "ab")
    }

    @Test func imagesAreTyped() throws {
        let request = #"""
            {"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"bytes":"QUJD"}}},
            {"image":{"format":"jpeg","source":{"s3Location":{"uri":"s3://b/o"}}}},{"text":"What?"}]}]}
            """#
        let (read, _) = try Conversations.read(.bedrockConverse, request, Self.plain)
        #expect(read.turns[0].blocks == [.image("data:image/png;base64,QUJD"), .image("s3://b/o"), .text("What?")])
    }

    static let user = #"{"role":"user","content":[{"text":"q"}]}"#
    static func answer(_ content: String, _ stop: String = "end_turn") -> String {
        #"{"output":{"message":{"role":"assistant","content":[\#(content)]}},"stopReason":"\#(stop)"}"#
    }

    @Test(
        arguments: [
            ("request_malformed", #"{"messages":[]}"#, plain), ("request_malformed", #"{"messages":[{"role":"user"}]}"#, plain),
            ("unknown_role", #"{"messages":[{"role":"wizard","content":[]}]}"#, plain),
            ("prompt_template", #"{"promptVariables":{"a":{"text":"b"}},"messages":[\#(user)]}"#, plain),
            ("ambiguous_prefill", #"{"messages":[\#(user),{"role":"assistant","content":[{"text":"a"}]}]}"#, plain),
            ("builtin_tool_offered", #"{"messages":[\#(user)],"toolConfig":{"tools":[{"systemTool":{"name":"x"}}]}}"#, plain),
            ("file_content", #"{"messages":[{"role":"user","content":[{"document":{"name":"x"}}]}]}"#, plain),
            ("unknown_content", #"{"messages":[{"role":"user","content":[{"hologram":{}}]}]}"#, plain),
            ("orphan_tool_result", #"{"messages":[{"role":"user","content":[{"toolResult":{"toolUseId":"z"}}]}]}"#, plain),
            ("truncated_answer", #"{"messages":[\#(user)]}"#, answer(#"{"text":"a"}"#, "max_tokens")),
            ("content_filtered", #"{"messages":[\#(user)]}"#, answer(#"{"text":"a"}"#, "guardrail_intervened")),
            ("malformed_tool_call", #"{"messages":[\#(user)]}"#, answer("", "malformed_tool_use")),
            (
                "builtin_tool_item", #"{"messages":[\#(user)]}"#,
                answer(#"{"toolUse":{"toolUseId":"a","name":"n","input":{},"type":"server_tool_use"}}"#)
            ), ("empty_answer", #"{"messages":[\#(user)]}"#, answer("")), ("answer_malformed", #"{"messages":[\#(user)]}"#, "{}"),
        ] as [(String, String, String)])
    func namesWhatConverseCannotGive(reason: String, request: String, answer: String) {
        #expect(Conversations.row(.bedrockConverse, request, answer) == reason)
    }

    @Test func namesWhatFramesCannotGive() {
        func row(_ body: [UInt8]) -> String { Conversations.row(.bedrockConverse, Self.request, body) }
        let frames = Self.events.map { Frames.events([$0]) }
        #expect(row(Array(frames.dropLast(2).joined())) == "stream_cut")
        #expect(row(Array(frames.dropLast(1).joined())) == Self.golden)
        let error = Frames.frame([(":exception-type", "throttlingException")], #"{"message":"slow down"}"#)
        #expect(row(frames[0] + error) == "in_band_error")
        // A frame whose sum is wrong costs the answer while it lasts, and nothing after it.
        for (position, frame) in frames.enumerated() {
            var broken = frames
            broken[position][frame.count - 1] ^= 1
            let outcome = row(Array(broken.joined()))
            #expect(outcome == (position == frames.count - 1 ? Self.golden : "stream_cut"))
        }
        #expect(row(Frames.chunks(["{}", "nonsense"])) == "answer_not_json")
    }

    @Test(
        arguments: [
            ("text_completion", #"{"prompt":"\n\nHuman: q\n\nAssistant:","max_tokens_to_sample":5}"#),
            ("text_completion", #"{"inputText":"q","textGenerationConfig":{}}"#), ("not_a_conversation", #"{"inputText":"q"}"#),
            ("not_a_conversation", #"{"texts":["q"],"input_type":"search_query"}"#),
            ("api_not_supported", #"{"message":"q","chat_history":[]}"#), ("request_malformed", "{}"),
        ])
    func namesWhatInvokeCannotGive(reason: String, request: String) {
        #expect(Conversations.row(.bedrockInvoke, request, "{}") == reason)
    }
}
