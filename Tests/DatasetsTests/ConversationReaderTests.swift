// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import TestSupport
import Testing

@testable import Datasets

@Suite struct ConversationReaderTests {
    /// The row of one exchange, or the reason why there is none.
    static func row(_ api: APIFamily, _ request: String, _ answer: String?) -> String {
        let record = TestRecords.record(1, api: api, request: request, answer: answer)
        do {
            let request = try ConversationReader.request(record)
            let answer = try Selection.answer(record, request)
            return TestRecords.line(request, answer)
        } catch {
            return error.rawValue
        }
    }

    static let chatRequest = #"""
        {"model":"m","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Weather"},
        {"type":"text","text":"in Bern?"}]},{"role":"assistant","content":null,"tool_calls":[
        {"id":"a","type":"function","function":{"name":"w","arguments":"{\"x\": 1.0}"}},
        {"id":"b","type":"function","function":{"name":"w","arguments":"{\"x\":1}"}}]},
        {"role":"tool","tool_call_id":"b","content":"rain"},{"role":"tool","tool_call_id":"a","content":"sun"}],
        "tools":[{"type":"function","function":{"name":"w","description":"d","strict":true,"parameters":{ "type" : "object" }}}]}
        """#
    static let chatPrompt = #"""
        {"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Weather\n\nin Bern?"},{"role":"assistant","content":"","tool_calls":[{"id":"a","type":"function","function":{"name":"w","arguments":"{\"x\": 1.0}"}},{"id":"b","type":"function","function":{"name":"w","arguments":"{\"x\":1}"}}]},{"role":"tool","tool_call_id":"a","content":"sun"},{"role":"tool","tool_call_id":"b","content":"rain"},
        """#
    static let tools = #""tools":[{"type":"function","function":{"name":"w","description":"d","parameters":{"type":"object"}}}]}"#

    @Test func chatPlainAndStreamedGiveTheSameGoldenRow() {
        let plain = #"""
            {"choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":"Let me see.","reasoning_content":"hm",
            "tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{\"x\":2e3}"}},
            {"id":"d","type":"function","function":{"name":"w","arguments":"{}"}}]}}]}
            """#
        let streamed = TestRecords.events([
            #"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            #"{"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}"#,
            #"{"choices":[{"index":0,"delta":{"content":"Let me "}}]}"#, #"{"choices":[{"index":0,"delta":{"content":"see."}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"d","type":"function","function":{"name":"w","arguments":""}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"w","arguments":"{\"x\""}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":2e3}"}},{"index":1,"function":{"arguments":"{}"}}]}}]}"#,
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#, #"{"choices":[],"usage":{"prompt_tokens":1}}"#,
            "[DONE]",
        ])
        let golden =
            Self.chatPrompt
            + #"{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{\"x\":2e3}"}},{"id":"d","type":"function","function":{"name":"w","arguments":"{}"}}]}],"#
            + Self.tools
        #expect(Self.row(.openaiChat, Self.chatRequest, plain) == golden)
        #expect(Self.row(.openaiChat, Self.chatRequest, streamed) == golden)
    }

    static let responsesRequest = #"""
        {"model":"m","instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"Hi"}]},
        {"type":"reasoning","id":"r","encrypted_content":"x","summary":[]},
        {"type":"function_call","id":"fc_1","call_id":"a","name":"w","arguments":"{\"x\":1}"},
        {"type":"function_call","id":"fc_2","call_id":"b","name":"w","arguments":"{\"x\":2}"},
        {"type":"function_call_output","call_id":"a","output":"one"},{"type":"function_call_output","call_id":"b","output":"two"}],
        "tools":[{"type":"function","name":"w","description":"d","parameters":{"type":"object"},"strict":true}]}
        """#

    @Test func responsesPlainAndStreamedGiveTheSameGoldenRow() {
        let output = #"""
            [{"type":"reasoning","id":"r2","summary":[{"type":"summary_text","text":"so"}]},
            {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Done.","annotations":[]}]},
            {"type":"function_call","id":"fc_3","call_id":"c","name":"w","arguments":"{}"}]
            """#.replacing("\n", with: "")
        let plain = #"{"status":"completed","error":null,"output":\#(output)}"#
        let items = [
            #"{"type":"function_call","id":"fc_3","call_id":"c","name":"w","arguments":"{}"}"#,
            #"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Done.","annotations":[]}]}"#,
        ]
        let whole = "event: response.completed\n" + TestRecords.events([#"{"type":"response.completed","response":\#(plain)}"#])
        let pieces = TestRecords.events([
            #"{"type":"response.created","response":{"status":"in_progress","output":[]}}"#,
            #"{"type":"response.output_item.done","output_index":2,"item":\#(items[0])}"#,
            #"{"type":"response.output_item.done","output_index":1,"item":\#(items[1])}"#,
            #"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
        ])
        let golden =
            #"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"","tool_calls":[{"id":"a","type":"function","function":{"name":"w","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"w","arguments":"{\"x\":2}"}}]},{"role":"tool","tool_call_id":"a","content":"one"},{"role":"tool","tool_call_id":"b","content":"two"},{"role":"assistant","content":"Done.","tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{}"}}]}],"#
            + Self.tools
        for answer in [plain, whole, pieces] { #expect(Self.row(.openaiResponses, Self.responsesRequest, answer) == golden) }
    }

    static let anthropicRequest = #"""
        {"model":"m","max_tokens":9,"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
        "messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},
        {"type":"text","text":"Looking."},{"type":"tool_use","id":"a","name":"w","input":{"big": 12345678901234567890, "x": 1.0}},
        {"type":"tool_use","id":"b","name":"w","input":{}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"two"}],"is_error":true},
        {"type":"tool_result","tool_use_id":"a","content":"one"},{"type":"text","text":"And?"}]}],
        "tools":[{"name":"w","description":"d","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}]}
        """#

    @Test func anthropicPlainAndStreamedGiveTheSameGoldenRow() {
        let plain = #"""
            {"type":"message","role":"assistant","stop_reason":"tool_use","content":[{"type":"thinking","thinking":"x","signature":"y"},
            {"type":"text","text":"Again."},{"type":"tool_use","id":"c","name":"w","input":{"q": "a b", "n": 1.50}},
            {"type":"tool_use","id":"d","name":"w","input":{}}]}
            """#
        let streamed = TestRecords.events([
            #"{"type":"message_start","message":{"content":[],"stop_reason":null}}"#, #"{"type":"ping"}"#,
            #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"x"}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"y"}}"#,
            #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Aga"}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"in."}}"#,
            #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"c","name":"w","input":{}}}"#,
            #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"q\": \"a b\","}}"#,
            #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":" \"n\": 1.50}"}}"#,
            #"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"d","name":"w","input":{}}}"#,
            #"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}}"#,
            #"{"type":"message_stop"}"#,
        ])
        let golden =
            #"{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Looking.","tool_calls":[{"id":"a","type":"function","function":{"name":"w","arguments":"{\"big\":12345678901234567890,\"x\":1.0}"}},{"id":"b","type":"function","function":{"name":"w","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"one"},{"role":"tool","tool_call_id":"b","content":"two"},{"role":"user","content":"And?"},{"role":"assistant","content":"Again.","tool_calls":[{"id":"c","type":"function","function":{"name":"w","arguments":"{\"q\":\"a b\",\"n\":1.50}"}},{"id":"d","type":"function","function":{"name":"w","arguments":"{}"}}]}],"#
            + Self.tools
        #expect(Self.row(.anthropicMessages, Self.anthropicRequest, plain) == golden)
        #expect(Self.row(.anthropicMessages, Self.anthropicRequest, streamed) == golden)
    }

    @Test func prefillIsContinuedWithoutWhiteSpace() {
        let request = #"{"model":"m","messages":[{"role":"user","content":"JSON"},{"role":"assistant","content":"{\"a\":"}]}"#
        let answer = #"{"content":[{"type":"text","text":"1}"}],"stop_reason":"end_turn"}"#
        #expect(
            Self.row(.anthropicMessages, request, answer)
                == #"{"messages":[{"role":"user","content":"JSON"},{"role":"assistant","content":"{\"a\":1}"}]}"#)
    }

    static let user = #"{"role":"user","content":"q"}"#
    static let good = TestRecords.chatAnswer("a")
    static let goodItems =
        #"{"status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}"#
    static let goodMessage = #"{"content":[{"type":"text","text":"a"}],"stop_reason":"end_turn"}"#

    @Test(
        arguments: [
            ("legacy_functions", #"{"messages":[\#(user)],"functions":[{"name":"f"}]}"#, good),
            ("named_participant", #"{"messages":[{"role":"user","name":"bo","content":"q"}]}"#, good),
            ("ambiguous_prefill", #"{"messages":[\#(user),{"role":"assistant","content":"x","prefix":true}]}"#, good),
            ("builtin_tool_offered", #"{"messages":[\#(user)],"tools":[{"type":"web_search"}]}"#, good),
            (
                "image_content", #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:x"}}]}]}"#,
                good
            ),
            ("audio_content", #"{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}"#, good),
            ("file_content", #"{"messages":[{"role":"user","content":[{"type":"file","file":{}}]}]}"#, good),
            ("unknown_content", #"{"messages":[{"role":"user","content":[{"type":"hologram"}]}]}"#, good),
            ("unknown_role", #"{"messages":[{"role":"wizard","content":"q"}]}"#, good),
            ("no_user_turn", #"{"messages":[{"role":"system","content":"q"}]}"#, good),
            ("orphan_tool_result", #"{"messages":[\#(user),{"role":"tool","tool_call_id":"a","content":"x"}]}"#, good),
            (
                "unanswered_tool_call",
                #"{"messages":[\#(user),{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},\#(user)]}"#,
                good
            ),
            (
                "tool_arguments_not_json",
                #"{"messages":[\#(user),{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]},\#(user)]}"#,
                good
            ),
            ("request_not_json", "{", good), ("request_malformed", "[]", good), ("request_malformed", #"{"messages":[]}"#, good),
            ("answer_missing", #"{"messages":[\#(user)]}"#, nil), ("answer_not_json", #"{"messages":[\#(user)]}"#, "{"),
            ("answer_malformed", #"{"messages":[\#(user)]}"#, "{}"),
            ("in_band_error", #"{"messages":[\#(user)]}"#, #"{"error":{"message":"no"}}"#),
            ("in_band_error", #"{"messages":[\#(user)]}"#, TestRecords.events([#"{"error":{"message":"no"}}"#])),
            ("stream_cut", #"{"messages":[\#(user)]}"#, TestRecords.events([#"{"choices":[{"delta":{"content":"a"}}]}"#])),
            (
                "truncated_answer", #"{"messages":[\#(user)]}"#,
                #"{"choices":[{"message":{"content":"a"},"finish_reason":"length"}]}"#
            ),
            (
                "content_filtered", #"{"messages":[\#(user)]}"#,
                #"{"choices":[{"message":{"content":"a"},"finish_reason":"content_filter"}]}"#
            ),
            (
                "finish_reason_missing", #"{"messages":[\#(user)]}"#,
                #"{"choices":[{"message":{"content":"a"},"finish_reason":null}]}"#
            ),
            (
                "finish_reason_unaccepted", #"{"messages":[\#(user)]}"#,
                #"{"choices":[{"message":{"content":"a"},"finish_reason":"odd"}]}"#
            ),
            (
                "refusal", #"{"messages":[\#(user)]}"#,
                #"{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]}"#
            ),
            ("empty_answer", #"{"messages":[\#(user)]}"#, #"{"choices":[{"message":{"content":" \n"},"finish_reason":"stop"}]}"#),
        ] as [(String, String, String?)])
    func namesWhatChatCannotGive(reason: String, request: String, answer: String?) {
        #expect(Self.row(.openaiChat, request, answer) == reason)
    }

    @Test(
        arguments: [
            ("history_missing", #"{"input":"q","previous_response_id":"r"}"#, goodItems),
            ("history_missing", #"{"input":"q","conversation":{"id":"c"}}"#, goodItems),
            ("incomplete_history", #"{"input":[{"type":"item_reference","id":"i"}]}"#, goodItems),
            ("prompt_template", #"{"input":"q","prompt":{"id":"p"}}"#, goodItems),
            ("builtin_tool_offered", #"{"input":"q","tools":[{"type":"web_search"}]}"#, goodItems),
            ("builtin_tool_item", #"{"input":[{"role":"user","content":"q"},{"type":"web_search_call","id":"w"}]}"#, goodItems),
            ("builtin_tool_item", #"{"input":"q"}"#, #"{"status":"completed","output":[{"type":"mcp_call"}]}"#),
            (
                "truncated_answer", #"{"input":"q"}"#,
                #"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}"#
            ),
            ("in_band_error", #"{"input":"q"}"#, #"{"status":"failed","output":[]}"#),
            ("finish_reason_unaccepted", #"{"input":"q"}"#, #"{"status":"queued","output":[]}"#),
            ("stream_cut", #"{"input":"q"}"#, TestRecords.events([#"{"type":"response.created","response":{}}"#])),
            (
                "text_after_tool_call", #"{"input":"q"}"#,
                #"{"status":"completed","output":[{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"message","role":"assistant","content":"x"}]}"#
            ),
        ] as [(String, String, String?)])
    func namesWhatResponsesCannotGive(reason: String, request: String, answer: String?) {
        #expect(Self.row(.openaiResponses, request, answer) == reason)
    }

    @Test(
        arguments: [
            (
                "builtin_tool_offered", #"{"messages":[\#(user)],"tools":[{"type":"web_search_20250305","name":"web_search"}]}"#,
                goodMessage
            ),
            (
                "builtin_tool_item", #"{"messages":[\#(user)]}"#,
                #"{"content":[{"type":"server_tool_use","id":"s"}],"stop_reason":"end_turn"}"#
            ),
            (
                "server_edited_context", #"{"messages":[\#(user)]}"#,
                #"{"content":[],"stop_reason":"end_turn","context_management":{"applied_edits":[{"type":"x"}]}}"#
            ),
            ("finish_reason_unaccepted", #"{"messages":[\#(user)]}"#, #"{"content":[],"stop_reason":"pause_turn"}"#),
            ("refusal", #"{"messages":[\#(user)]}"#, #"{"content":[],"stop_reason":"refusal"}"#),
            ("truncated_answer", #"{"messages":[\#(user)]}"#, #"{"content":[],"stop_reason":"max_tokens"}"#),
            ("empty_answer", #"{"messages":[\#(user)]}"#, #"{"content":[],"stop_reason":"end_turn"}"#),
            (
                "in_band_error", #"{"messages":[\#(user)]}"#,
                "event: error\n" + TestRecords.events([#"{"type":"error","error":{"type":"overloaded_error"}}"#])
            ),
            ("stream_cut", #"{"messages":[\#(user)]}"#, TestRecords.events([#"{"type":"message_start","message":{}}"#])),
            ("file_content", #"{"messages":[{"role":"user","content":[{"type":"document","source":{}}]}]}"#, goodMessage),
            (
                "orphan_tool_result", #"{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"z"}]}]}"#,
                goodMessage
            ),
        ] as [(String, String, String?)])
    func namesWhatAnthropicCannotGive(reason: String, request: String, answer: String?) {
        #expect(Self.row(.anthropicMessages, request, answer) == reason)
    }

    @Test func otherApisAreNoConversations() {
        #expect(Self.row(.openaiEmbeddings, #"{"input":"q"}"#, "{}") == "not_a_conversation")
        #expect(Self.row(.geminiInteractions, "{}", "{}") == "api_not_supported")
    }

    @Test func countsWhatARowLeavesOut() throws {
        let record = TestRecords.record(1, api: .anthropicMessages, request: Self.anthropicRequest, answer: Self.goodMessage)
        let request = try ConversationReader.request(record)
        #expect(request.changes == [.toolResultsReordered])
        let row = DatasetRow(record.head, request, try ConversationReader.answer(record, to: request))
        #expect(ExportFormat.chat.changes(of: row, profile: .strictVendor) == [.reasoningRemoved, .toolErrorFlagRemoved])
    }

    /// Bodies with bytes changed, cut or doubled give a row or a reason and never trap.
    @Test(arguments: 0..<6) func hostileBodiesNeverTrap(seed: Int) {
        var generator = SplitMix64(seed: UInt64(seed))
        let streams = [
            TestRecords.events([
                #"{"choices":[{"index":0,"delta":{"content":"a","tool_calls":[{"index":9223372036854775807,"id":"c","function":{"name":"w","arguments":"{}"}}]}}]}"#,
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
            ]),
            TestRecords.events([
                #"{"type":"message_start","message":{}}"#,
                #"{"type":"content_block_start","index":-9223372036854775808,"content_block":{"type":"text","text":"x"}}"#,
                #"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
            ]),
            TestRecords.events([#"{"type":"response.completed","response":\#(Self.goodItems)}"#]), Self.good, Self.goodItems,
            Self.goodMessage,
        ]
        let requests = [Self.chatRequest, Self.responsesRequest, Self.anthropicRequest]
        let apis: [APIFamily] = [.openaiChat, .openaiResponses, .anthropicMessages]
        let known = Set(DropReason.allCases.map(\.rawValue))
        for _ in 0..<400 {
            let api = Int.random(in: 0..<3, using: &generator)
            let request = mutated(requests[api], &generator)
            let answer = mutated(streams[Int.random(in: 0..<streams.count, using: &generator)], &generator)
            let outcome = Self.row(apis[api], request, answer)
            #expect(outcome.hasPrefix("{") || known.contains(outcome))
        }
    }

    private func mutated(_ text: String, _ generator: inout SplitMix64) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 0...3, using: &generator) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: at)
            case 2: bytes.removeLast(min(bytes.count, Int.random(in: 0..<40, using: &generator)))
            default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 30)], at: at)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
