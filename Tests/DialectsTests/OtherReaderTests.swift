// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Dialects

@Suite struct OpenAIResponsesReaderTests {
    private static let created =
        #"{"type":"response.created","response":{"model":"r-1","status":"in_progress","usage":null,"output":[]}}"#
    private static let usage =
        #"""
        "usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":64,"cache_write_tokens":6},\#
        "output_tokens":40,"output_tokens_details":{"reasoning_tokens":30},"total_tokens":140}
        """#

    private func stream(_ data: [String]) -> Exchange { Exchange(api: .openaiResponses, answer: Exchange.events(data)) }

    @Test func readsAStream() {
        let exchange = stream([
            Self.created, #"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning"}}"#,
            #"{"type":"response.reasoning_summary_text.delta","delta":"So"}"#,
            #"{"type":"response.output_text.delta","delta":""}"#,
            #"{"type":"response.output_text.delta","delta":"Hi"}"#,
            #"""
            {"type":"response.completed","response":{"model":"r-1-2026","status":"completed","service_tier":"flex",\#
            "output":[{"type":"reasoning"},{"type":"function_call"}],\#(Self.usage)}}
            """#,
        ])
        let got = exchange.reading
        #expect(got.modelResponded == "r-1-2026")
        #expect(got.finishReason == "completed")
        #expect(got.serviceTier == "flex")
        #expect(got.toolCalls == 1)
        #expect(got.usage.inputUncached == 30 && got.usage.inputCached == 64 && got.usage.cacheWriteTotal == 6)
        #expect(got.usage.outputVisible == 10)
        #expect(got.usageSource == .reported)
        #expect(got.ttftUs == exchange.arrival(of: "So"))
        #expect(got.firstVisibleUs == exchange.arrival(of: "Hi"))
    }

    @Test func aCutStreamHasNoStatus() {
        let got = stream([Self.created, #"{"type":"response.output_text.delta","delta":"Hi"}"#]).reading
        #expect(got.finishReason == nil)
        #expect(got.usageSource == .absent)
        #expect(got.modelResponded == "r-1")
    }

    @Test func namesTheReasonOfAnIncompleteResponse() {
        let answer = #"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"error":null,\#(Self.usage)}"#
        #expect(Exchange(api: .openaiResponses, answer: answer, isStream: false).reading.finishReason == "max_output_tokens")
        let queued = Exchange(api: .openaiResponses, answer: #"{"status":"queued","usage":null}"#, isStream: false).reading
        #expect(queued.finishReason == "queued")
        #expect(queued.usageSource == .absent)
    }

    @Test func countsCallsFromItemEventsWhereTheOutputIsEmpty() {
        func item(_ kind: String, _ index: Int) -> String {
            #"{"type":"response.output_item.\#(kind)","output_index":\#(index),"item":{"type":"function_call"}}"#
        }
        let got = stream([
            item("added", 0), item("done", 0), item("added", 1), item("done", 1),
            #"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
        ]).reading
        #expect(got.toolCalls == 2)
    }

    @Test(arguments: [
        #"{"type":"error","code":"rate_limit_exceeded","message":"slow"}"#,
        #"{"type":"error","error":{"type":"rate_limit_error"}}"#,
        #"{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"m"}}}"#,
    ]) func errorInsideAStreamIsSeen(event: String) {
        #expect(stream([Self.created, event]).reading.providerError == "rate_limit")
    }
}

@Suite struct OpenAIEmbeddingsReaderTests {
    private func reading(_ answer: String) -> ExchangeReading {
        Exchange(api: .openaiEmbeddings, answer: answer, isStream: false).reading
    }

    @Test func readsModelAndInput() {
        let got = reading(
            #"{"object":"list","data":[{"embedding":[0.1,-2e-3]}],"model":"e-1","usage":{"prompt_tokens":8,"total_tokens":8}}"#)
        #expect(got.modelResponded == "e-1")
        #expect(got.usage.inputTotal == 8 && got.usage.inputUncached == 8)
        #expect(got.usage.outputTotal == nil)
        #expect(got.finishReason == nil && got.toolCalls == 0)
    }

    @Test func aTotalAloneIsTheInput() {
        #expect(reading(#"{"model":"e","usage":{"total_tokens":9}}"#).usage.inputTotal == 9)
    }

    @Test func bareNumbersSayNothing() {
        let got = reading("[0.25,-1.5]")
        #expect(got.usageSource == .absent)
        #expect(got.modelResponded == nil)
    }
}

@Suite struct AnthropicMessagesReaderTests {
    private static let start =
        #"""
        {"type":"message_start","message":{"model":"a-1","content":[],"usage":{"input_tokens":10,\#
        "cache_creation_input_tokens":200,"cache_read_input_tokens":1000,\#
        "cache_creation":{"ephemeral_5m_input_tokens":150,"ephemeral_1h_input_tokens":50},"output_tokens":1,\#
        "service_tier":"standard"}}}
        """#
    private static let end =
        #"""
        {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,\#
        "cache_read_input_tokens":null,"output_tokens":90,"output_tokens_details":{"thinking_tokens":60}}}
        """#

    private func delta(_ body: String) -> String { #"{"type":"content_block_delta","index":0,"delta":{\#(body)}}"# }
    private func stream(_ data: [String]) -> Exchange { Exchange(api: .anthropicMessages, answer: Exchange.events(data)) }

    @Test func readsAStreamAndItsCumulativeUsage() {
        let exchange = stream([
            Self.start, #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            #"{"type":"ping"}"#,
            delta(#""type":"thinking_delta","thinking":"""#), delta(#""type":"thinking_delta","thinking":"Well""#),
            delta(#""type":"text_delta","text":"Hello""#), #"{"type":"message_delta","delta":{},"usage":{"output_tokens":40}}"#,
            Self.end,
            #"{"type":"message_stop"}"#,
        ])
        let got = exchange.reading
        #expect(got.modelResponded == "a-1")
        #expect(got.finishReason == "end_turn")
        #expect(got.serviceTier == "standard")
        #expect(got.usage.inputTotal == 1_212 && got.usage.inputUncached == 12 && got.usage.inputCached == 1_000)
        #expect(got.usage.cacheWriteTotal == 200 && got.usage.cacheWrite5m == 150 && got.usage.cacheWrite1h == 50)
        #expect(got.usage.outputTotal == 90 && got.usage.outputReasoning == 60 && got.usage.outputVisible == 30)
        #expect(got.usageSource == .reported)
        #expect(got.ttftUs == exchange.arrival(of: "Well"))
        #expect(got.firstVisibleUs == exchange.arrival(of: "Hello"))
    }

    @Test func aCutStreamIsPartial() {
        let got = stream([Self.start, delta(#""type":"text_delta","text":"Hello""#), delta(#""type":"text_delta","text":"x""#)])
            .reading
        #expect(got.usageSource == .partial)
        #expect(got.usage.inputTotal == 1_210)
        #expect(got.tokensPerSecond == nil)
    }

    @Test func aCallWithoutArgumentsIsDatedByItsName() {
        let exchange = stream([
            Self.start, #"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"now","input":{}}}"#,
            delta(#""type":"input_json_delta","partial_json":"""#), Self.end,
        ])
        #expect(exchange.reading.toolCalls == 1)
        #expect(exchange.reading.ttftUs == exchange.arrival(of: "now"))
        let argued = stream([
            Self.start, #"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"now","input":{}}}"#,
            delta(#""type":"input_json_delta","partial_json":"""#), delta(#""type":"input_json_delta","partial_json":"{}""#),
            Self.end,
        ])
        #expect(argued.reading.ttftUs == argued.arrival(of: #""{}""#))
    }

    @Test func countsOnlyTheCallersTools() {
        let plain =
            #"""
            {"type":"message","model":"a","stop_reason":"tool_use","content":[{"type":"server_tool_use"},\#
            {"type":"tool_use"},{"type":"tool_use"}],"usage":{"input_tokens":1,"output_tokens":2}}
            """#
        let got = Exchange(api: .anthropicMessages, answer: plain, isStream: false).reading
        #expect(got.toolCalls == 2)
        #expect(got.finishReason == "tool_use")
        #expect(got.usage.inputTotal == 1 && got.usage.outputVisible == nil && got.usage.inputCached == nil)
    }

    @Test func errorInsideAStreamIsSeen() {
        let event = #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
        #expect(stream([Self.start, event]).reading.providerError == "overloaded")
    }
}
