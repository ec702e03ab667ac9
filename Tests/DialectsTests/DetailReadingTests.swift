// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Dialects

/// What readers find beside tokens and finish: refusals, tools that ran, what is billed apart, the provider's own times, codes.
@Suite struct DetailReadingTests {
    private func plain(_ api: APIFamily, _ answer: String, status: Int = 200) -> ExchangeReading {
        Exchange(api: api, answer: answer, status: status, isStream: false).reading
    }

    @Test func refusalsAreSaid() {
        #expect(plain(.openaiChat, #"{"choices":[{"message":{"refusal":"no"}}]}"#).isRefusal)
        #expect(!plain(.openaiChat, #"{"choices":[{"message":{"refusal":null,"content":"x"}}]}"#).isRefusal)
        let part = #"{"status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"no"}]}]}"#
        #expect(plain(.openaiResponses, part).isRefusal)
        let events = Exchange(
            api: .openaiResponses, answer: Exchange.events([#"{"type":"response.refusal.delta","delta":"no"}"#]))
        #expect(events.reading.isRefusal)
        #expect(plain(.anthropicMessages, #"{"type":"message","stop_reason":"refusal"}"#).isRefusal)
        #expect(plain(.geminiGenerate, #"{"candidates":[{"finishReason":"SAFETY"}]}"#).isRefusal)
    }

    @Test func toolsThatTheProviderRanAreCounted() {
        let output =
            #"[{"type":"web_search_call"},{"type":"web_search_call"},{"type":"code_interpreter_call"},{"type":"function_call"}]"#
        let responses = plain(.openaiResponses, #"{"status":"completed","output":\#(output)}"#)
        #expect(
            responses.serverTools == [
                NamedCount(name: "web_search_call", count: 2), NamedCount(name: "code_interpreter_call", count: 1),
            ])
        #expect(responses.toolCalls == 1)
        let anthropic = plain(
            .anthropicMessages,
            #"{"usage":{"input_tokens":1,"server_tool_use":{"web_search_requests":3,"web_fetch_requests":0}}}"#)
        #expect(anthropic.serverTools == [NamedCount(name: "web_search_requests", count: 3)])
        let search = #"{"candidates":[{"content":{"parts":[{"toolCall":{"toolType":"GOOGLE_SEARCH_WEB"}}]}}]}"#
        #expect(plain(.geminiGenerate, search).serverTools == [NamedCount(name: "GOOGLE_SEARCH_WEB", count: 1)])
    }

    @Test func iterationsAreBilledAtTheirOwnModel() {
        let got = plain(
            .anthropicMessages,
            #"""
            {"model":"a","usage":{"input_tokens":5,"output_tokens":6,"iterations":[\#
            {"type":"message","input_tokens":5,"output_tokens":6},\#
            {"type":"advisor_message","model":"b","input_tokens":100,"output_tokens":7,"cache_creation_input_tokens":9,\#
            "cache_creation":{"ephemeral_1h_input_tokens":4}}]}}
            """#)
        #expect(got.billed.map(\.kind) == ["message", "advisor_message"])
        #expect(got.billed.last?.model == "b" && got.billed.last?.usage.inputTotal == 109)
        #expect(got.billed.last?.usage.cacheWriteOther == 5 && got.usage.inputTotal == 5)
        let single = #"{"usage":{"input_tokens":5,"iterations":[{"type":"message","input_tokens":5}]}}"#
        #expect(plain(.anthropicMessages, single).billed.isEmpty)
    }

    @Test func cacheWritesOfNoSaidLife() {
        let got = plain(
            .anthropicMessages,
            #"""
            {"usage":{"input_tokens":1,"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":60,\#
            "ephemeral_1h_input_tokens":30}}}
            """#)
        #expect(got.usage.cacheWriteOther == 10)
        let unsaid = plain(.anthropicMessages, #"{"usage":{"input_tokens":1,"cache_creation_input_tokens":100}}"#)
        #expect(unsaid.usage.cacheWriteOther == 100)
    }

    @Test func predictionsAndTotals() {
        let got = plain(
            .openaiChat,
            #"""
            {"usage":{"prompt_tokens":1,"completion_tokens":9,"total_tokens":10,"prompt_tokens_details":{"video_tokens":3},\#
            "completion_tokens_details":{"accepted_prediction_tokens":4,"rejected_prediction_tokens":2}}}
            """#)
        #expect(got.usage.predictionAccepted == 4 && got.usage.predictionRejected == 2)
        #expect(got.usage.inputVideo == 3 && got.usage.totalReported == 10)
        #expect(plain(.openaiResponses, #"{"usage":{"input_tokens":1,"total_tokens":7}}"#).usage.totalReported == 7)
    }

    @Test func providersOwnTimes() {
        let groq = plain(
            .openaiChat,
            #"{"usage":{"prompt_tokens":1,"queue_time":0.0125,"prompt_time":0.5,"completion_time":1.25,"total_time":1.75}}"#)
        #expect(groq.timings.queueUs == 12_500 && groq.timings.promptUs == 500_000)
        #expect(groq.timings.completionUs == 1_250_000 && groq.timings.totalUs == 1_750_000)
        #expect(plain(.openaiChat, #"{"time_info":{"queue_time":1e-6,"total_time":-1}}"#).timings.queueUs == 1)
        #expect(plain(.openaiChat, #"{"timings":{"prompt_ms":1.5,"predicted_ms":1e300}}"#).timings.promptUs == 1_500)
        #expect(plain(.openaiChat, #"{"timings":{"predicted_ms":1e300}}"#).timings == ProviderTimings())
    }

    @Test(arguments: [
        (#"{"error":{"code":"model_not_found","type":"invalid_request_error"}}"#, "model_not_found"),
        (#"{"error":{"code":400,"type":"invalid_request_error"}}"#, "invalid_request_error"),
        (#"{"error":{"code":404,"status":"NOT_FOUND"}}"#, "NOT_FOUND"), (#"{"error":{"code":429,"message":"x"}}"#, "429"),
        (#"{"error":{"code":null,"type":null}}"#, nil), (#"{"error":"text"}"#, nil), (#"{"detail":"Not Found"}"#, nil),
        ("<html>", nil),
    ]) func theProvidersOwnCode(body: String, code: String?) {
        let got = plain(.openaiChat, body, status: 400)
        #expect(got.providerErrorCode == code && got.providerError != nil && !got.isBillable)
    }

    @Test func gapsBetweenEvents() {
        let content = #"{"choices":[{"delta":{"content":"a"}}]}"#
        var record = Exchange(answer: Exchange.events([#"{"choices":[]}"#] + [String](repeating: content, count: 5))).record
        let size = Int64("data: \(content)\n\n".utf8.count)
        let first = Int64("data: {\"choices\":[]}\n\n".utf8.count)
        let times: [Int64] = [100, 110, 130, 160, 1_160]
        record.responseChunks =
            [ChunkArrival(offset: 0, timeUs: 7)]
            + times.enumerated().map { ChunkArrival(offset: first + Int64($0) * size, timeUs: $1) }
        let got = ExchangeReader.read(record)
        #expect(got.firstEventUs == 7 && got.ttftUs == 100 && got.contentSpanUs == 1_060)
        #expect(got.gaps == TokenGaps(count: 4, p50Us: 20, p99Us: 1_000, maximumUs: 1_000))
        #expect(got.firstReasoningUs == nil)
    }

    @Test func aStreamLabelledOtherwiseIsReadByItsBytes() {
        let line = #"{"model":"q","message":{"content":"x"}}"#
        #expect(Exchange(api: .ollama, answer: line + "\n" + line, isStream: true).reading.ttftUs != nil)
        #expect(Exchange(api: .ollama, answer: line, isStream: true).reading.ttftUs == nil)
        let pretty = "{\n  \"model\": \"q\",\n  \"done\": true\n}\n"
        #expect(Exchange(api: .ollama, answer: pretty, isStream: true).reading.modelResponded == "q")
    }

    @Test func figuresThatContradictEachOtherAreFound() {
        var usage = TokenUsage()
        #expect(ReadingInvariants.broken(by: usage).isEmpty)
        usage.inputTotal = 10
        usage.inputUncached = 6
        usage.inputCached = 4
        usage.inputAudio = 10
        usage.outputTotal = 5
        usage.outputVisible = 0
        usage.outputReasoning = 5
        #expect(ReadingInvariants.broken(by: usage).isEmpty)
        usage.inputCached = 5
        usage.inputImage = 1
        usage.outputReasoning = 6
        usage.outputAudio = 6
        usage.cacheWriteTotal = 3
        usage.cacheWriteOther = 1
        #expect(ReadingInvariants.broken(by: usage) == ReadingInvariants.Rule.allCases)
        usage.inputVideo = Int64.max
        #expect(ReadingInvariants.broken(by: usage) == ReadingInvariants.Rule.allCases)
    }
}
