// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Separation
import Testing

@testable import Datasets

/// What providers and clients write in their own ways is one conversation.
@Suite struct ReaderAgreementTests {
    static let words = (0..<30).map { "Step\($0): 你好 \\n " }.joined()
    static let answers: [(api: APIFamily, answer: String)] = [
        (.openaiChat, TestRecords.chatAnswer("ok")),
        (.anthropicMessages, #"{"type":"message","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn"}"#),
        (.geminiGenerate, #"{"candidates":[{"content":{"parts":[{"text":"ok"}]},"finishReason":"STOP"}]}"#),
        (.bedrockConverse, #"{"output":{"message":{"content":[{"text":"ok"}]}},"stopReason":"end_turn"}"#),
        (.cohereChat, #"{"message":{"content":[{"type":"text","text":"ok"}]},"finish_reason":"COMPLETE"}"#),
        (
            .openaiResponses,
            #"{"status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ok"}]}]}"#
        ),
    ]

    static func read(_ api: APIFamily, _ request: String) throws -> CanonicalRequest {
        let answer = try #require(answers.first { $0.api == api }?.answer)
        return try Conversations.read(api, request, answer).request
    }

    /// A call of `w` with arguments, then its result, as each API has them in a history; `result` and `arguments` are JSON.
    static func histories(arguments: String, result: String) -> [(api: APIFamily, request: String)] {
        [
            (
                .geminiGenerate,
                #"{"contents":[{"parts":[{"text":"q"}]},{"role":"model","parts":[{"functionCall":{"name":"w","args":\#(arguments)}}]},{"parts":[{"functionResponse":{"name":"w","response":\#(result)}}]}]}"#
            ),
            (
                .bedrockConverse,
                #"{"messages":[{"role":"user","content":[{"text":"q"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"w","input":\#(arguments)}}]},{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"json":\#(result)}]}}]}]}"#
            ),
            (
                .cohereChat,
                #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"w","arguments":\#(arguments)}}]},{"role":"tool","tool_call_id":"a","content":[{"type":"document","document":{"data":\#(result)}}]}]}"#
            ),
            (
                .anthropicMessages,
                #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"w","input":\#(arguments)}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":\#(TestRecords.quoted(#"{"n":1.50,"a":"é\n"}"#))}]}]}"#
            ),
        ]
    }

    @Test func objectsAreWrittenWithoutTheEscapesOfTheirTransport() throws {
        let arguments = #"{ "q" : "\u4f60\u00e9\/\ud83d\ude00\n", "n": 1.50, "a": [1e2,null] }"#
        for (api, request) in Self.histories(arguments: arguments, result: #"{ "n": 1.50, "a" : "\u00e9\n" }"#) {
            let turns = try Self.read(api, request).turns
            #expect(turns[1].toolCalls.first?.arguments == #"{"q":"你é/😀\n","n":1.50,"a":[1e2,null]}"#, "\(api.rawValue)")
            #expect(turns[2].joinedText == #"{"n":1.50,"a":"é\n"}"#, "\(api.rawValue)")
        }
    }

    /// The same result as text, as JSON in a text, and in a Gemini function's response, escaped as an ASCII-only library escapes.
    @Test func oneResultBreaksTheGateHoweverItCame() throws {
        let text = Self.words.replacing("\\n", with: "\n")
        let ascii = "\"" + Self.words.replacing("你好", with: "\\u4f60\\u597d") + "\""
        func chat(_ content: String) -> String {
            #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"w","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":\#(content)}]}"#
        }
        func gemini(_ response: String) -> String { Self.histories(arguments: "{}", result: response)[0].request }
        func traits(_ api: APIFamily, _ request: String) throws -> SeparationTraits {
            SeparationTraits(try Self.read(api, request).turns, groupKeys: [])
        }
        var gate = SeparationGate(isStrict: false)
        try gate.add([traits(.openaiChat, chat(TestRecords.quoted(text)))])
        var probe = GateProbe()
        // Of another question, as a node in common would be found first.
        func other(_ request: String) -> String { request.replacing("\"q\"", with: "\"r\"") }
        let rows = [
            try traits(.geminiGenerate, gemini(#"{"output":\#(ascii)}"#)),
            try traits(.geminiGenerate, other(gemini(#"{"result":\#(ascii)}"#))),
            try traits(.openaiChat, other(chat(TestRecords.quoted(#"{"output":\#(ascii)}"#)))),
        ]
        #expect(rows.map { gate.violation(of: $0, using: &probe)?.rule } == [.equalPrompt, .promptOverlap, .promptOverlap])
    }

    @Test func geminiResultsAreWhatTheirWrappingHolds() throws {
        for (response, text, isError) in [
            (#"{"output":"x\u00e9"}"#, "xé", false), (#"{"error":"no"}"#, "no", true),
            (#"{"output":"x","n":1}"#, #"{"output":"x","n":1}"#, false),
            (#"{"output":{"a":"x"}}"#, #"{"output":{"a":"x"}}"#, false), (#"{"result":"x"}"#, #"{"result":"x"}"#, false),
            ("{}", "{}", false),
        ] {
            let request = Self.histories(arguments: "{}", result: response)[0].request
            let read = try Self.read(.geminiGenerate, request)
            #expect(read.turns[2].joinedText == text && read.turns[2].hasFailed == isError, "\(response)")
            #expect(read.changes.contains(.toolErrorFlagRemoved) == isError)
            var reader = RowReader()
            let row = try #require(try reader.read(request.utf8)).row
            #expect(row.turns[2].joinedText == text && row.turns[2].hasFailed == isError, "\(response)")
        }
    }

    /// A turn of nothing but reasoning, and one of nothing, each between two questions.
    @Test(
        arguments: [
            (
                .openaiChat,
                #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"","reasoning_content":"hm"},{"role":"user","content":"b"},{"role":"assistant","content":" \n"},{"role":"user","content":"c"}]}"#
            ),
            (
                .anthropicMessages,
                #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm"}]},{"role":"user","content":"b"},{"role":"assistant","content":[]},{"role":"user","content":"c"}]}"#
            ),
            (
                .geminiGenerate,
                #"{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"hm","thought":true}]},{"parts":[{"text":"b"}]},{"role":"model","parts":[{"text":""}]},{"parts":[{"text":"c"}]}]}"#
            ),
            (
                .openaiResponses,
                #"{"input":[{"role":"user","content":"a"},{"type":"reasoning","summary":[{"text":"hm"}]},{"role":"user","content":"b"},{"role":"assistant","content":[]},{"role":"user","content":"c"}]}"#
            ),
        ] as [(APIFamily, String)])
    func turnsThatSayNothingAreNotLearned(api: APIFamily, request: String) throws {
        let read = try Self.read(api, request)
        #expect(read.turns.map(\.role) == [.user, .user, .user], "\(api.rawValue)")
        #expect(read.changes == .emptyAssistantTurnsRemoved)
    }

    @Test(arguments: ["\"\"", "\" \"", "null", nil]) func aCallWithoutArgumentsHasEmptyOnes(_ arguments: String?) throws {
        let member = arguments.map { #","arguments":\#($0)"# } ?? ""
        let call = #"{"id":"a","type":"function","function":{"name":"w"\#(member)}}"#
        let chat =
            #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[\#(call)]},{"role":"tool","tool_call_id":"a","content":"r"}]}"#
        let responses =
            #"{"input":[{"role":"user","content":"q"},{"type":"function_call","call_id":"a","name":"w"\#(member)},{"type":"function_call_output","call_id":"a","output":"r"}]}"#
        for (api, request) in [(APIFamily.openaiChat, chat), (.openaiResponses, responses)] {
            #expect(try Self.read(api, request).turns[1].toolCalls.map(\.arguments) == ["{}"])
        }
        let streamed = TestRecords.events([
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"w"\#(member)}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#, "[DONE]",
        ])
        let (_, answer) = try Conversations.read(.openaiChat, #"{"messages":[{"role":"user","content":"q"}]}"#, streamed)
        #expect(answer.turn.toolCalls.map(\.arguments) == ["{}"])
        var reader = RowReader()
        #expect(try reader.read(chat.utf8)?.row.turns[1].toolCalls.map(\.arguments) == ["{}"])
    }

    @Test func nullInputsAreEmptyOnes() throws {
        for (api, request) in Self.histories(arguments: "null", result: "{}") {
            #expect(try Self.read(api, request).turns[1].toolCalls.map(\.arguments) == ["{}"], "\(api.rawValue)")
        }
    }

    @Test(
        arguments: [
            (
                .anthropicMessages,
                #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"One."},{"role":"assistant","content":"Two."},{"role":"user","content":"r"}]}"#
            ),
            (
                .geminiGenerate,
                #"{"contents":[{"parts":[{"text":"q"}]},{"role":"model","parts":[{"text":"One."}]},{"role":"model","parts":[{"text":"Two."}]},{"parts":[{"text":"r"}]}]}"#
            ),
            (
                .bedrockConverse,
                #"{"messages":[{"role":"user","content":[{"text":"q"}]},{"role":"assistant","content":[{"text":"One."}]},{"role":"assistant","content":[{"text":"Two."}]},{"role":"user","content":[{"text":"r"}]}]}"#
            ),
            (
                .openaiResponses,
                #"{"input":[{"role":"user","content":"q"},{"role":"assistant","content":"One."},{"role":"assistant","content":"Two."},{"role":"user","content":"r"}]}"#
            ),
        ] as [(APIFamily, String)])
    func messagesThatAreJoinedAreSetApart(api: APIFamily, request: String) throws {
        let read = try Self.read(api, request)
        #expect(read.turns.map(\.joinedText) == ["q", "One.\n\nTwo.", "r"], "\(api.rawValue)")
        #expect(read.changes == .assistantMessagesJoined)
    }
}

/// Halves of a surrogate pair in two pieces.
@Suite struct StreamedTextTests {
    static let high = "\\ud83d"
    static let low = "\\ude00"

    @Test func halvesAreOneInEveryStream() throws {
        let chat = TestRecords.events([
            #"{"choices":[{"index":0,"delta":{"reasoning_content":"r\#(Self.high)"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"reasoning_content":"\#(Self.low)"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"a\#(Self.high)"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":""}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"\#(Self.low)b"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"w","arguments":"{\"q\":\"\#(Self.high)"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\#(Self.low)\"}"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#, "[DONE]",
        ])
        let anthropic = TestRecords.events([
            #"{"type":"message_start","message":{}}"#,
            #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"r"}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"\#(Self.high)"}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"\#(Self.low)"}}"#,
            #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":"a\#(Self.high)"}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"\#(Self.low)b"}}"#,
            #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"c","name":"w","input":{}}}"#,
            #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"q\":\"\#(Self.high)"}}"#,
            #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\#(Self.low)\"}"}}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        ])
        let converse = Frames.events([
            ("messageStart", "{}"),
            ("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"r\#(Self.high)"}}}"#),
            ("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"\#(Self.low)"}}}"#),
            ("contentBlockDelta", #"{"contentBlockIndex":1,"delta":{"text":"a\#(Self.high)"}}"#),
            ("contentBlockDelta", #"{"contentBlockIndex":1,"delta":{"text":"\#(Self.low)b"}}"#),
            ("contentBlockStart", #"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"c","name":"w"}}}"#),
            ("contentBlockDelta", #"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"q\":\"\#(Self.high)"}}}"#),
            ("contentBlockDelta", #"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"\#(Self.low)\"}"}}}"#),
            ("messageStop", #"{"stopReason":"tool_use"}"#),
        ])
        let cohere = TestRecords.events([
            #"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"r\#(Self.high)"}}}"#,
            #"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"\#(Self.low)"}}}"#,
            #"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":"a\#(Self.high)"}}}}"#,
            #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"\#(Self.low)b"}}}}"#,
            #"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"c","function":{"name":"w","arguments":"{\"q\":\"\#(Self.high)"}}}}}"#,
            #"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"\#(Self.low)\"}"}}}}}"#,
            #"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL"}}"#,
        ])
        let question = #"{"messages":[{"role":"user","content":"q"}]}"#
        let all: [(APIFamily, String, [UInt8])] = [
            (.openaiChat, question, Array(chat.utf8)), (.anthropicMessages, question, Array(anthropic.utf8)),
            (.bedrockConverse, #"{"messages":[{"role":"user","content":[{"text":"q"}]}]}"#, converse),
            (.cohereChat, question, Array(cohere.utf8)),
        ]
        let call = ContentBlock.toolCall(ToolCall(id: "c", name: "w", arguments: #"{"q":"😀"}"#))
        for (api, request, body) in all {
            let (_, answer) = try Conversations.read(api, request, body)
            #expect(answer.turn.blocks == [.reasoning("r😀"), .text("a😀b"), call], "\(api.rawValue)")
        }
    }

    @Test func halvesAreOneWhereObjectsStream() throws {
        let gemini = TestRecords.events([
            #"{"candidates":[{"index":0,"content":{"parts":[{"text":"r\#(Self.high)","thought":true}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"text":"\#(Self.low)","thought":true}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"text":"a\#(Self.high)"}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"text":"\#(Self.low)b"}]},"finishReason":"STOP"}]}"#,
        ])
        let ollama = Conversations.lines([
            #"{"message":{"role":"assistant","content":"","thinking":"r\#(Self.high)"},"done":false}"#,
            #"{"message":{"role":"assistant","content":"","thinking":"\#(Self.low)"},"done":false}"#,
            #"{"message":{"role":"assistant","content":"a\#(Self.high)"},"done":false}"#,
            #"{"message":{"role":"assistant","content":"\#(Self.low)b"},"done":true,"done_reason":"stop"}"#,
        ])
        for (api, request, body) in [
            (APIFamily.geminiGenerate, #"{"contents":[{"parts":[{"text":"q"}]}]}"#, gemini),
            (.ollama, #"{"messages":[{"role":"user","content":"q"}]}"#, ollama),
        ] {
            let (_, answer) = try Conversations.read(api, request, body)
            #expect(answer.turn.blocks == [.reasoning("r😀"), .text("a😀b")], "\(api.rawValue)")
        }
    }

    @Test(
        arguments: [
            ([#""a\ud83d""#], "a\u{FFFD}"), ([#""a\ud83d""#, #""b""#], "a\u{FFFD}b"),
            ([#""\ud83d""#, #""\ud83d""#, #""\ude00""#], "\u{FFFD}😀"),
            ([#""\ude00""#, #""\ud83d\ude00""#], "\u{FFFD}😀"), ([#""\\ud83d""#, #""\ude00""#], "\\ud83d\u{FFFD}"),
            ([#""\\\ud83d""#, "null", #""""#, #""\uDE00x""#], "\\😀x"), ([#""\uD83D""#, #""\n""#], "\u{FFFD}\n"), ([], ""),
        ] as [([String], String)])
    func aHalfWaitsForTheOther(pieces: [String], wanted: String) throws {
        var text = StreamedText()
        for piece in pieces {
            let node = try #require(TestJSON.node(piece))
            text.append(node)
        }
        #expect(text.text == wanted)
        #expect(text.isEmpty == wanted.isEmpty)
    }
}
