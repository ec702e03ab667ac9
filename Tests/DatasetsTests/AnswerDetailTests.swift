// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Datasets

/// What is kept of request and answer beside the turns.
@Suite struct AnswerDetailTests {
    static let user = #"{"role":"user","content":"q"}"#

    @Test func whatIsAskedOfTheAnswerIsKept() throws {
        let schema = #"{ "type": "object", "properties": {"n": {"maximum": 1.50}} }"#
        let compact = Array(#"{"type":"object","properties":{"n":{"maximum":1.50}}}"#.utf8)
        let format = ResponseFormat(kind: .schema, name: "out", strict: true, schema: compact)
        let settings = #""temperature":0.10,"top_p":1e0,"seed":12345678901234567890,"parallel_tool_calls":false"#
        let sampling = SamplingParameters(
            temperature: "0.10", topP: "1e0", maxTokens: "5", seed: "12345678901234567890",
            toolChoice: #"{"type":"function","function":{"name":"w"}}"#, parallelToolCalls: "false")
        let chat = #"""
            {"messages":[\#(Self.user)],\#(settings),"max_tokens":9,"max_completion_tokens":5,"tool_choice":{"type":"function", "function":{"name":"w"}},
            "response_format":{"type":"json_schema","json_schema":{"name":"out","strict":true,"schema":\#(schema)}}}
            """#
        let responses = #"""
            {"input":"q",\#(settings),"max_output_tokens":5,"tool_choice":{"type":"function", "function":{"name":"w"}},
            "text":{"format":{"type":"json_schema","name":"out","strict":true,"schema":\#(schema)}}}
            """#
        for (api, body) in [(APIFamily.openaiChat, chat), (.openaiResponses, responses)] {
            let request = try ConversationReader.request(Conversations.record(api, body, nil))
            #expect(request.responseFormat == format)
            #expect(request.sampling == sampling)
            #expect(request.changes.isEmpty)
            let answer = CanonicalAnswer(turn: SampleRows.turn(.assistant, "{}"))
            let row = DatasetRow(Conversations.record(api, body, nil).head, request, answer)
            #expect(RowChanges(of: request, answer, in: row).isEmpty)
            #expect(ExportFormat.chat.changes(of: row, profile: .strictVendor) == .responseFormatRemoved)
            #expect(ExportFormat.inspect.changes(of: row, profile: .strictVendor) == .answerAsIdeal)
        }
        for key in [#""output_format":"#, #""output_config":{"format":"#] {
            let close = key.hasSuffix("{\"format\":") ? "}}" : "}"
            let body = #"{"messages":[\#(Self.user)],"max_tokens":5,\#(key){"type":"json_schema","schema":\#(schema)}\#(close)"#
            let request = try ConversationReader.request(Conversations.record(.anthropicMessages, body, nil))
            #expect(request.responseFormat == ResponseFormat(kind: .schema, schema: compact))
            #expect(request.sampling.maxTokens == "5")
        }
    }

    @Test(
        arguments: [
            (#"{"type":"text"}"#, nil), (#"{"type":"json_object"}"#, ResponseFormat(kind: .json)), (#""auto""#, nil),
            (#"{"type":"json_schema","schema":{"a":1}}"#, ResponseFormat(kind: .schema, schema: Array(#"{"a":1}"#.utf8))),
            (#"{"type":"grammar","grammar":"x"}"#, ResponseFormat(kind: .other)), ("{}", nil),
        ] as [(String, ResponseFormat?)])
    func formsOfOthersAreNamed(format: String, expected: ResponseFormat?) throws {
        let body = #"{"messages":[\#(Self.user)],"response_format":\#(format)}"#
        let request = try ConversationReader.request(Conversations.record(.openaiChat, body, nil))
        #expect(request.responseFormat == expected)
    }

    @Test func conversesFormIsJSONInAString() throws {
        let body = #"""
            {"messages":[{"role":"user","content":[{"text":"q"}]}],"outputConfig":{"textFormat":{"type":"json_schema",
            "structure":{"jsonSchema":{"name":"out","schema":"{ \"type\":\"object\" }"}}}}}
            """#
        let request = try ConversationReader.request(Conversations.record(.bedrockConverse, body, nil))
        #expect(request.responseFormat == ResponseFormat(kind: .schema, name: "out", schema: Array(#"{"type":"object"}"#.utf8)))
    }

    /// A refusal is an answer with a flag, and no row.
    @Test(
        arguments: [
            (.openaiChat, #"{"id":"i","choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}"#, "No."),
            (
                .openaiChat,
                TestRecords.events([
                    #"{"id":"i","choices":[{"index":0,"delta":{"refusal":"N"}}]}"#,
                    #"{"choices":[{"index":0,"delta":{"refusal":"o."}}]}"#,
                    #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
                ]), "No."
            ),
            (
                .openaiResponses,
                #"{"id":"i","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"No."}]}]}"#,
                "No."
            ), (.anthropicMessages, #"{"id":"i","content":[],"stop_reason":"refusal"}"#, ""),
            (.anthropicMessages, #"{"id":"i","content":[{"type":"text","text":"No."}],"stop_reason":"refusal"}"#, "No."),
        ] as [(APIFamily, String, String)])
    func refusalsAreFlagged(api: APIFamily, answer: String, words: String) throws {
        let request = api == .openaiResponses ? #"{"input":"q"}"# : #"{"messages":[\#(Self.user)]}"#
        let (_, read) = try Conversations.read(api, request, answer)
        #expect(read.isRefusal)
        #expect(read.turn.joinedText == words)
        #expect(read.responseID == "i")
        #expect(Conversations.row(api, request, answer) == "refusal")
    }

    @Test func otherChoicesAreAlternatives() throws {
        func choice(_ index: Int, _ text: String, _ finish: String, _ key: String) -> String {
            #"{"index":\#(index),"\#(key)":{"content":"\#(text)"},"finish_reason":"\#(finish)"}"#
        }
        func all(_ key: String) -> [String] {
            [
                choice(1, "b", "stop", key), choice(0, "a", "stop", key), choice(3, "d", "length", key),
                choice(2, "c", "stop", key),
                choice(4, " ", "stop", key),
            ]
        }
        let plain = #"{"choices":[\#(all("message").joined(separator: ","))]}"#
        // Sorted by index where they stream, in the provider's order where they do not.
        let streamed = TestRecords.events(all("delta").map { #"{"choices":[\#($0)]}"# })
        for answer in [plain, streamed] {
            let (_, read) = try Conversations.read(.openaiChat, #"{"messages":[\#(Self.user)],"n":5}"#, answer)
            #expect(read.turn.joinedText == "a")
            #expect(read.alternatives.map(\.joinedText) == ["b", "c"])
            #expect(read.changes == .extraChoicesIgnored)
        }
    }

    @Test func placeholdersAreNothing() {
        let message =
            #"{"content":"a","audio":{"id":"","data":""},"function_call":{"name":"","arguments":""},"tool_calls":null,"refusal":""}"#
        let answer = #"{"choices":[{"message":\#(message),"finish_reason":"stop"}]}"#
        let row = #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#
        #expect(Conversations.row(.openaiChat, #"{"messages":[\#(Self.user)]}"#, answer) == row)
    }

    /// The provider said that there is no more, and not why.
    @Test func aStreamThatEndsWithoutAWordIsNotCut() {
        let chunk = #"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#
        let request = #"{"messages":[\#(Self.user)]}"#
        #expect(Conversations.row(.openaiChat, request, TestRecords.events([chunk, "[DONE]"])) == "finish_reason_missing")
        #expect(Conversations.row(.openaiChat, request, TestRecords.events([chunk])) == "stream_cut")
    }

    @Test func interleavedChoicesStayApart() throws {
        let answer = TestRecords.events([
            #"{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"x"}}]}"#,
            #"{"choices":[{"index":1,"delta":{"content":"y","audio":{"id":"s"}}}]}"#,
            #"{"choices":[{"index":2,"delta":{"tool_calls":[{"index":0,"id":"i","function":{"name":"w","arguments":"{}"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"},{"index":2,"delta":{},"finish_reason":"tool_calls"}]}"#,
        ])
        let (_, read) = try Conversations.read(.openaiChat, #"{"messages":[\#(Self.user)]}"#, answer)
        #expect(read.turn.blocks == [.text("ab")])
        // The second had sound in it.
        #expect(read.alternatives.map(\.toolCalls) == [[ToolCall(id: "i", name: "w", arguments: "{}")]])
    }
}
