// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Dialects

@Suite struct CohereReaderTests {
    @Test func readsVersionTwo() {
        let exchange = Exchange(
            api: .cohereChat,
            answer: Exchange.events([
                #"{"type":"message-start","delta":{"message":{"role":"assistant"}}}"#,
                #"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"hm"}}}"#,
                #"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"a","function":{"name":"f"}}}}}"#,
                #"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{"}}}}}"#,
                #"{"type":"content-delta","delta":{"message":{"content":{"text":"Hi"}}}}"#,
                #"""
                {"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"cached_tokens":4,"tokens":\#
                {"input_tokens":9,"output_tokens":8},"billed_units":{"input_tokens":2,"output_tokens":3}}}}
                """#,
            ]))
        let got = exchange.reading
        #expect(got.finishReason == "TOOL_CALL" && got.toolCalls == 1 && got.usageSource == .reported)
        #expect(got.usage.inputTotal == 9 && got.usage.inputCached == 4 && got.usage.outputTotal == 8)
        #expect(got.billed.first?.usage.inputTotal == 2 && got.billed.first?.kind == "billed_units")
        #expect(got.firstReasoningUs == exchange.arrival(of: "hm") && got.firstVisibleUs == exchange.arrival(of: "arguments"))
    }

    @Test func readsLinesOfVersionOne() {
        let answer =
            #"""
            {"event_type":"stream-start"}
            {"event_type":"text-generation","text":"Hi"}
            {"event_type":"tool-calls-generation","tool_calls":[{"name":"f"},{"name":"g"}]}
            {"event_type":"stream-end","finish_reason":"COMPLETE","response":{"text":"Hi","meta":{"billed_units":{"input_tokens":2}}}}
            """#
        let got = Exchange(api: .cohereChat, answer: answer).reading
        #expect(got.finishReason == "COMPLETE" && got.toolCalls == 2 && got.usage.inputTotal == 2)
        #expect(got.ttftUs != nil && got.firstEventUs ?? 0 < got.ttftUs ?? 0)
    }

    @Test func readsAPlainAnswer() {
        let got = Exchange(
            api: .cohereChat, answer: #"{"finish_reason":"COMPLETE","message":{"tool_calls":[{},{}]},"usage":{"tokens":{}}}"#,
            isStream: false
        ).reading
        #expect(got.toolCalls == 2 && got.usageSource == .absent)
    }
}

@Suite struct OllamaReaderTests {
    @Test func readsLines() {
        let answer =
            #"""
            {"model":"q","message":{"content":"","thinking":"hm"},"done":false}
            {"model":"q","message":{"content":"Hi","tool_calls":[{"function":{"name":"f"}}]},"done":false}
            {"model":"q","message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":9,\#
            "total_duration":5000499,"load_duration":1000,"eval_duration":2500}

            """#
        let got = Exchange(api: .ollama, answer: answer).reading
        #expect(got.modelResponded == "q" && got.finishReason == "stop" && got.toolCalls == 1)
        #expect(got.usage.inputTotal == 7 && got.usage.outputTotal == 9 && got.usage.inputUncached == nil)
        #expect(got.timings.totalUs == 5_000 && got.timings.loadUs == 1 && got.timings.completionUs == 3)
        #expect(got.firstReasoningUs ?? 0 < got.firstVisibleUs ?? 0)
    }

    @Test func readsAPlainAnswer() {
        let got = Exchange(
            api: .ollama, answer: #"{"model":"q","response":"x","done":true,"done_reason":"length","eval_count":9}"#,
            isStream: false
        ).reading
        #expect(got.finishReason == "length" && got.usage.outputTotal == 9 && got.usage.inputTotal == nil && got.ttftUs == nil)
    }
}

@Suite struct SmallReaderTests {
    private func usage(_ api: APIFamily, _ answer: String) -> TokenUsage {
        Exchange(api: api, answer: answer, isStream: false).reading.usage
    }

    @Test func readsEachByItsOwnRule() {
        #expect(usage(.geminiEmbed, #"{"usageMetadata":{"promptTokenCount":7}}"#).inputTotal == 7)
        let predictions =
            #"{"predictions":[{"embeddings":{"statistics":{"token_count":3}}},{"embeddings":{"statistics":{"token_count":4}}}]}"#
        #expect(usage(.vertexPredict, predictions).inputTotal == 7)
        #expect(usage(.vertexPredict, #"{"predictions":[{}]}"#) == TokenUsage())
        #expect(usage(.cohereEmbed, #"{"meta":{"billed_units":{"input_tokens":9}}}"#).inputTotal == 9)
        let total = usage(.rerank, #"{"usage":{"total_tokens":43}}"#)
        #expect(total.inputTotal == nil && total.totalReported == 43)
        let moderation = usage(.openaiModerations, #"{"usage":{"prompt_tokens":13,"completion_tokens":0,"total_tokens":74}}"#)
        #expect(moderation.inputTotal == 13 && moderation.outputTotal == 0 && moderation.outputReasoning == nil)
    }

    @Test func readsImagesAndAudio() {
        let image = usage(
            .openaiImages,
            #"""
            {"usage":{"input_tokens":14,"input_tokens_details":{"image_tokens":4,"text_tokens":10},"output_tokens":272,\#
            "output_tokens_details":{"image_tokens":272},"total_tokens":286}}
            """#)
        #expect(image.inputImage == 4 && image.outputImage == 272 && image.inputUncached == 14 && image.totalReported == 286)
        let audio = usage(
            .openaiAudio,
            #"{"usage":{"input_token_details":{"audio_tokens":54},"input_tokens":54,"output_tokens":16,"type":"tokens"}}"#)
        #expect(audio.inputAudio == 54 && audio.outputTotal == 16)
        let timed = Exchange(api: .openaiAudio, answer: #"{"usage":{"seconds":6,"type":"duration"}}"#, isStream: false).reading
        #expect(timed.billed.first?.units == [NamedCount(name: "seconds", count: 6)] && timed.usageSource == .reported)
        #expect(
            Exchange(api: .openaiImages, answer: #"{"usage":{"cost_in_usd_ticks":700000000}}"#, isStream: false).reading
                .reportedCostNanousd == 70_000_000)
    }

    @Test func searchUnitsAreBilledApart() {
        for answer in [#"{"usage":{"cost":0.001,"search_units":2}}"#, #"{"meta":{"billed_units":{"search_units":2}}}"#] {
            let got = Exchange(api: .rerank, answer: answer, isStream: false).reading
            #expect(got.billed.first?.units == [NamedCount(name: "search_units", count: 2)] && got.usage.inputTotal == nil)
        }
    }

    @Test func countingIsNoUsage() {
        let gemini = Exchange(api: .geminiCountTokens, answer: #"{"totalTokens":12}"#, isStream: false).reading
        let anthropic = Exchange(api: .anthropicCountTokens, answer: #"{"input_tokens":12}"#, isStream: false).reading
        for got in [gemini, anthropic] { #expect(got.usageSource == .absent && !got.isBillable && got.toolCalls == 0) }
        let aux = Exchange(
            api: .openaiResponsesAux, path: "/v1/responses/input_tokens", answer: #"{"input_tokens":5}"#, isStream: false)
        #expect(!aux.reading.isBillable)
        let compact = Exchange(
            api: .openaiResponsesAux, path: "/v1/responses/compact", answer: #"{"usage":{"input_tokens":5,"output_tokens":6}}"#,
            isStream: false
        ).reading
        #expect(compact.isBillable && compact.usage.outputTotal == 6)
    }

    @Test func readsSpokenEvents() {
        let exchange = Exchange(
            api: .openaiAudio,
            answer: Exchange.events([
                #"{"type":"transcript.text.delta","delta":"Hi"}"#,
                #"{"type":"transcript.text.done","text":"Hi","usage":{"type":"tokens","input_tokens":5,"output_tokens":2}}"#,
            ]))
        #expect(exchange.reading.ttftUs == exchange.arrival(of: "delta\":\"Hi") && exchange.reading.usage.inputTotal == 5)
    }
}

@Suite struct GenericReaderTests {
    private func read(_ answer: String, path: String = "/v1/things") -> ExchangeReading {
        Exchange(api: nil, path: path, request: "", answer: answer, isStream: false).reading
    }

    @Test func readsByShape() {
        let chat = read(#"{"model":"m","usage":{"prompt_tokens":3,"completion_tokens":4,"cost":0.5}}"#)
        #expect(chat.usage.outputTotal == 4 && chat.modelResponded == "m" && chat.reportedCostNanousd == 500_000_000)
        #expect(!chat.isBillable && chat.toolCalls == 0)
        #expect(read(#"{"usageMetadata":{"totalTokenCount":9}}"#).usage.totalReported == 9)
        #expect(read(#"{"usage":{"inputTokens":9,"cacheReadInputTokens":1}}"#).usage.inputTotal == 10)
        #expect(read(#"{"usage":{"input_tokens":9,"cache_read_input_tokens":1}}"#).usage.inputTotal == 10)
        #expect(read(#"{"usage":{"input_tokens":9}}"#).usage.inputTotal == 9)
        #expect(read(#"{"usage":{"total_output_tokens":9}}"#).usage.outputTotal == 9)
        #expect(read(#"{"meta":{"billed_units":{"input_tokens":7}}}"#).usage.inputTotal == 7)
        #expect(read(#"{"meta":{"warnings":[]}}"#).usageSource == .absent)
        #expect(read(#"{"usage":{"policyUnits":1}}"#).usageSource == .reported)
    }

    @Test func readsAgainWhatWasGeneratedEarlier() {
        let got = read(#"{"object":"response","model":"m","status":"completed","output":[{"type":"function_call"}]}"#)
        #expect(got.finishReason == "completed" && got.toolCalls == 1 && !got.isBillable)
    }

    @Test func aListIsNothing() {
        for answer in ["[1,2]", "[]", "3", "\"x\"", #"{"object":"list","data":[{"model":"m"}]}"#] {
            let got = read(answer)
            #expect(got.modelResponded == nil && got.toolCalls == 0 && got.fault == nil, "\(answer)")
        }
        #expect(read("{").fault == .notJSON)
        #expect(read(String(repeating: "[", count: 300) + String(repeating: "]", count: 300)).fault == .tooDeep)
        #expect(read("ID3 binary").fault == nil)
    }
}

@Suite struct RequestReaderTests {
    @Test(arguments: [
        ("/v1/models/curie", "curie"), ("/v1/models/ft:gpt:org::id", "ft:gpt:org::id"),
        ("/v1/models/own/one/versions/2", "own/one"),
        ("/v1beta/models/g-1:countTokens?key=x", "g-1"), ("/v1/projects/p/publishers/anthropic/models/c@1:rawPredict", "c@1"),
        ("/model/a.b-v1%3A0/converse", "a.b-v1:0"), ("/hf/models/a/b/pipeline/x", "a/b"), ("/v1/models", nil),
        ("/v1/models/", nil),
        ("/v1beta/tunedModels/t-1:generateContent", "t-1"), ("/v1/endpoints/openapi/chat/completions", nil),
        ("/v1/projects/p/endpoints/77:predict", "77"), ("/model/x", nil), ("", nil), ("/models/a/versions", "a"),
    ]) func findsTheModelInThePath(path: String, model: String?) {
        #expect(ModelFromPath.model(path) == model)
    }

    @Test func readsTheFieldsOfAForm() {
        func form(_ parts: [(String, String)]) -> [UInt8] {
            Array((parts.map { "--b1\r\nContent-Disposition: form-data; \($0)\r\n\r\n\($1)\r\n" }.joined() + "--b1--\r\n").utf8)
        }
        let body = form([("name=\"file\"; filename=\"a\"", "--name=\"model\"\r\n\r\nnot it"), ("name=\"model\"", "whisper-1")])
        #expect(FormFields.value(of: "model", in: body) == "whisper-1")
        #expect(FormFields.value(of: "language", in: body) == nil)
        for cut in 0..<body.count { _ = FormFields.value(of: "model", in: Array(body[..<cut])) }
        #expect(FormFields.value(of: "model", in: Array("--\r\n".utf8)) == nil)
        #expect(FormFields.value(of: "model", in: form([("name=\"model\"", String(repeating: "x", count: 2_000))])) == nil)
    }

    @Test func aRealtimeModelStandsInTheQuery() {
        var record = Exchange(api: .openaiRealtime, request: "", answer: "").record
        record.head.query = "a=1&model=gpt%2Drt&model=other"
        #expect(RequestReader.read(record).model == "gpt-rt")
    }
}

@Suite struct RealtimeReaderTests {
    @Test func sumsTheResponsesOfAConnection() {
        func done(_ input: Int, _ output: Int) -> String {
            #"""
            {"type":"response.done","response":{"status":"completed","output":[{"type":"function_call"}],"usage":{\#
            "total_tokens":\#(input + output),"input_tokens":\#(input),"output_tokens":\#(output),\#
            "input_token_details":{"cached_tokens":2,"audio_tokens":3,"cached_tokens_details":{"audio_tokens":1}},\#
            "output_token_details":{"audio_tokens":4}}}}
            """#
        }
        let messages = [
            #"{"type":"session.created","session":{"model":"rt-1"}}"#, #"{"type":"response.created"}"#,
            #"{"type":"response.output_audio.delta","delta":"AAAA"}"#, done(10, 20), #"{"type":"response.created"}"#,
            done(30, 40),
        ]
        var record = Exchange(api: .openaiRealtime, answer: "").record
        record.responseBody.content = messages.flatMap { Wire.socket($0) }
        let got = ExchangeReader.read(record)
        #expect(got.modelResponded == "rt-1" && got.toolCalls == 2 && got.finishReason == "completed")
        #expect(got.usage.inputTotal == 40 && got.usage.outputTotal == 60 && got.usage.totalReported == 100)
        #expect(got.usage.inputCached == 4 && got.usage.inputCachedAudio == 2 && got.usage.outputAudio == 8)
        #expect(got.usageSource == .reported && got.fault == nil)
        record.responseBody.content = (messages + [#"{"type":"response.created"}"#]).flatMap { Wire.socket($0) } + [0x81]
        let open = ExchangeReader.read(record)
        let refused = Exchange(
            api: .openaiRealtime, answer: #"{"error":{"code":"invalid_api_key"}}"#, status: 401, isStream: false
        ).reading
        #expect(refused.providerErrorCode == "invalid_api_key" && refused.fault == nil)
        #expect(open.usageSource == .partial && open.fault == .badFraming)
    }
}
