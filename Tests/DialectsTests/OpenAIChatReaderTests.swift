// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Dialects

@Suite struct OpenAIChatReaderTests {
    private static let opening =
        #"""
        {"model":"m-1-2026","service_tier":"default","choices":[{"index":0,"delta":{"role":"assistant",\#
        "content":""}}],"usage":null}
        """#
    private static let usage = #"{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":11,"total_tokens":41}}"#

    private func usage(_ object: String) -> TokenUsage {
        Exchange(answer: #"{"choices":[],"usage":\#(object)}"#, isStream: false).reading.usage
    }

    @Test func readsAStream() {
        let exchange = Exchange(
            answer: Exchange.events([
                #"{"model":"","choices":[],"prompt_filter_results":[]}"#, Self.opening,
                #"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#,
                #"{"choices":[{"index":0,"delta":{"content":"lo"}}]}"#,
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
                Self.usage, "[DONE]",
            ]))
        let got = exchange.reading
        #expect(got.modelRequested == "m-1")
        #expect(got.streamRequested)
        #expect(got.modelResponded == "m-1-2026")
        #expect(got.serviceTier == "default")
        #expect(got.finishReason == "stop")
        #expect(got.toolCalls == 0)
        #expect(got.usageSource == .reported)
        #expect(got.usage.inputTotal == 30 && got.usage.outputTotal == 11 && got.usage.inputCached == nil)
        #expect(got.ttftUs == exchange.arrival(of: "Hel"))
        #expect(got.firstVisibleUs == got.ttftUs)
        let span = (exchange.arrival(of: #""lo""#) ?? 0) - (got.ttftUs ?? 0)
        #expect(got.tokensPerSecond == 10 * 1_000_000 / Double(span))
        #expect(got.providerError == nil)
    }

    @Test func countsAnEventThatLacksItsBlankLine() {
        let whole = Exchange.events([Self.opening, #"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, Self.usage])
        let got = Exchange(answer: String(whole.dropLast(2))).reading
        #expect(got.usage.inputTotal == 30)
        #expect(got.usageSource == .reported)
    }

    @Test func tellsPartialFromAbsent() {
        let repeated =
            #"{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":30,"completion_tokens":1,"total_tokens":31}}"#
        let cut = Exchange(answer: Exchange.events([Self.opening, repeated])).reading
        #expect(cut.usageSource == .partial)
        #expect(cut.usage.outputTotal == 1)
        #expect(cut.tokensPerSecond == nil)
        #expect(Exchange(answer: Exchange.events([Self.opening])).reading.usageSource == .absent)
        #expect(Exchange(answer: Exchange.events([repeated, "[DONE]"])).reading.usageSource == .reported)
    }

    @Test func lastUsageWins() {
        let first = #"{"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":1,"total_tokens":31}}"#
        #expect(Exchange(answer: Exchange.events([first, Self.usage, "[DONE]"])).reading.usage.outputTotal == 11)
        let groq =
            #"""
            {"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":5,\#
            "completion_tokens":6,"total_tokens":11}}}
            """#
        #expect(Exchange(answer: Exchange.events([groq])).reading.usage.outputTotal == 6)
    }

    @Test func splitsThePartsOfEachSide() {
        let tokens = usage(
            #"""
            {"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,\#
            "prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10,"audio_tokens":0},\#
            "completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":3}}
            """#
        )
        #expect(tokens.inputUncached == 30)
        #expect(tokens.cacheWriteTotal == 10)
        #expect(tokens.inputAudio == 0)
        #expect(tokens.outputVisible == 30)
        #expect(tokens.outputAudio == 3)
        #expect(tokens.outputImage == nil)
    }

    @Test func reasoningOutsideTheCompletionIsAdded() {
        let tokens = usage(
            #"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,"completion_tokens_details":{"reasoning_tokens":20}}"#)
        #expect(tokens.outputTotal == 25)
        #expect(tokens.outputVisible == 5)
    }

    @Test func reasoningThatOnlyTheTotalShowsIsRead() {
        let tokens = usage(#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35}"#)
        #expect(tokens.outputTotal == 25)
        #expect(tokens.outputReasoning == 20)
        #expect(tokens.outputVisible == 5)
    }

    @Test func reasoningBeyondTheCompletionStandsAsReported() {
        let tokens = usage(
            #"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"completion_tokens_details":{"reasoning_tokens":20}}"#)
        #expect(tokens.outputTotal == 5)
        #expect(tokens.outputReasoning == 20)
        #expect(tokens.outputVisible == 0)
    }

    @Test func audioOutsideThePromptIsAdded() {
        let tokens = usage(
            #"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,"prompt_tokens_details":{"audio_tokens":100}}"#)
        #expect(tokens.inputTotal == 110)
        #expect(tokens.outputReasoning == nil)
    }

    @Test func readsCachedTokensUnderOtherNames() {
        #expect(
            usage(#"{"prompt_tokens":10,"completion_tokens":5,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6}"#)
                .inputUncached == 6)
        #expect(usage(#"{"prompt_tokens":10,"completion_tokens":5,"num_cached_tokens":4}"#).inputCached == 4)
    }

    @Test func hugeCountsDoNotOverflow() {
        let most = Int64.max
        let tokens = usage(#"{"prompt_tokens":\#(most),"completion_tokens":\#(most),"total_tokens":\#(most)}"#)
        #expect(tokens.inputTotal == most)
        #expect(usage(#"{"prompt_tokens":-1,"completion_tokens":1e3,"total_tokens":99999999999999999999}"#) == TokenUsage())
    }

    @Test func countsToolCallsByPlaceAndId() {
        func part(_ call: String) -> String { #"{"choices":[{"index":0,"delta":{"tool_calls":[\#(call)]}}]}"# }
        let answer = Exchange.events([
            part(#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#),
            part(#"{"index":0,"function":{"arguments":"{}"}}"#),
            part(#"{"index":1,"id":"b","function":{"name":"g"}}"#), part(#"{"index":1,"id":"b","function":{"arguments":"{}"}}"#),
            part(#"{"index":0,"id":"c","function":{"name":"h","arguments":"{}"}}"#), "[DONE]",
        ])
        #expect(Exchange(answer: answer).reading.toolCalls == 3)
        let plain =
            #"{"choices":[{"message":{"tool_calls":[{"id":"a"},{"id":"b"}],"function_call":{"name":"","arguments":""}}}]}"#
        #expect(Exchange(answer: plain, isStream: false).reading.toolCalls == 2)
    }

    @Test func reasoningComesBeforeTheFirstVisibleToken() {
        let exchange = Exchange(
            answer: Exchange.events([
                Self.opening, #"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
                #"{"choices":[{"delta":{"content":"Yes"}}]}"#, "[DONE]",
            ]))
        #expect(exchange.reading.ttftUs == exchange.arrival(of: "hm"))
        #expect(exchange.reading.firstVisibleUs == exchange.arrival(of: "Yes"))
        let parts = Exchange(
            answer: Exchange.events([
                #"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[]}]}}]}"#,
                #"{"choices":[{"delta":{"content":[{"type":"text","text":"Yes"}]}}]}"#,
            ]))
        #expect(parts.reading.ttftUs == parts.arrival(of: "thinking"))
        #expect(parts.reading.firstVisibleUs == parts.arrival(of: "Yes"))
    }

    @Test func errorInsideASuccessIsSeen() {
        let answer = Exchange.events([Self.opening]) + "event: error\ndata: {\"error\":{\"message\":\"x\",\"code\":429}}\n\n"
        #expect(Exchange(answer: answer).reading.providerError == "rate_limit")
    }

    @Test func readsAStreamWhateverItsLabel() {
        let answer = Exchange.events([Self.opening, Self.usage, "[DONE]"])
        #expect(Exchange(answer: ": hello\n\n" + answer, isStream: false).reading.usage.inputTotal == 30)
        #expect(Exchange(answer: Self.usage, isStream: true).reading.usage.inputTotal == 30)
    }

    @Test func aPlainAnswerHasNoFirstToken() {
        let got = Exchange(
            answer:
                #"""
                {"model":"m","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],\#
                "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}
                """#,
            isStream: false
        ).reading
        #expect(got.ttftUs == nil && got.firstVisibleUs == nil && got.tokensPerSecond == nil)
        #expect(got.usageSource == .reported)
        #expect(got.finishReason == "stop")
    }
}
