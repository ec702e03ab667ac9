// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Dialects

@Suite struct GeminiReaderTests {
    private static let path = "/v1beta/models/gem-1:streamGenerateContent"

    private func message(_ parts: String, _ rest: String = "") -> String {
        #"{"candidates":[{"content":{"role":"model","parts":[\#(parts)]},"index":0\#(rest)}],"modelVersion":"gem-1-001"}"#
    }

    private func usage(_ members: String) -> TokenUsage {
        Exchange(api: .geminiGenerate, answer: #"{"candidates":[],"usageMetadata":{\#(members)}}"#, isStream: false).reading.usage
    }

    @Test func readsEvents() {
        let exchange = Exchange(
            api: .geminiGenerate, path: Self.path, request: #"{"contents":[]}"#,
            answer: Exchange.events([
                message(#"{"text":"","thoughtSignature":"s"}"#), message(#"{"text":"hm","thought":true}"#),
                message(#"{"text":"Hi"},{"functionCall":{"name":"f","args":{}}}"#),
                #"""
                {"candidates":[{"finishReason":"STOP"}],"modelVersion":"gem-1-001","usageMetadata":{"promptTokenCount":10,\#
                "cachedContentTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":7,"totalTokenCount":22,\#
                "trafficType":"ON_DEMAND"}}
                """#,
            ]))
        let got = exchange.reading
        #expect(got.modelRequested == "gem-1" && got.modelResponded == "gem-1-001" && got.streamRequested)
        #expect(got.finishReason == "STOP" && got.serviceTier == "ON_DEMAND" && got.toolCalls == 1)
        #expect(got.usage.inputUncached == 6 && got.usage.outputTotal == 12 && got.usage.outputVisible == 5)
        #expect(got.usage.totalReported == 22 && got.usageSource == .reported && got.isBillable)
        #expect(got.ttftUs == exchange.arrival(of: "hm") && got.firstReasoningUs == got.ttftUs)
        #expect(got.firstVisibleUs == exchange.arrival(of: "functionCall"))
        #expect(got.firstEventUs == exchange.arrival(of: "thoughtSignature"))
        #expect(got.gaps?.count == 1 && got.gaps?.maximumUs == got.contentSpanUs)
    }

    @Test func readsAGrowingArray() {
        let elements = [message(#"{"text":"Hi"}"#), message(#"{"text":" you"}"#, #","finishReason":"MAX_TOKENS""#)]
        let text = "[" + elements.joined(separator: "\n,\r\n") + "\n]"
        let got = Exchange(api: .geminiGenerate, path: Self.path, answer: text).reading
        #expect(got.finishReason == "MAX_TOKENS" && got.modelResponded == "gem-1-001" && got.fault == nil)
        #expect(got.ttftUs == Int64(1 + elements[0].utf8.count))
        #expect(got.usageSource == .absent)
        let cut = Exchange(api: .geminiGenerate, path: Self.path, answer: String(text.prefix(text.count - 20))).reading
        #expect(cut.finishReason == nil && cut.modelResponded == "gem-1-001")
    }

    @Test func theLastUsageWinsAsAWhole() {
        let got = Exchange(
            api: .geminiGenerate,
            answer: Exchange.events([
                #"{"candidates":[],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":15}}"#,
                #"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"totalTokenCount":10}}"#,
            ])
        ).reading
        #expect(got.usage.outputTotal == nil && got.usage.inputTotal == 10)
    }

    @Test func addsWhatComesOnTop() {
        let tools = usage(
            #""promptTokenCount":10,"toolUsePromptTokenCount":30,"candidatesTokenCount":5,"thoughtsTokenCount":2,"totalTokenCount":47"#
        )
        #expect(tools.inputTotal == 40 && tools.toolUsePrompt == 30 && tools.outputTotal == 7)
        let inside = usage(#""promptTokenCount":10,"candidatesTokenCount":9,"thoughtsTokenCount":4,"totalTokenCount":19"#)
        #expect(inside.outputTotal == 9 && inside.outputVisible == 5 && inside.outputReasoning == 4)
        let silent = usage(#""promptTokenCount":10,"thoughtsTokenCount":4,"totalTokenCount":14"#)
        #expect(silent.outputTotal == 4 && silent.outputVisible == nil)
        let empty = usage(#""totalTokenCount":14"#)
        #expect(empty.inputTotal == nil && empty.outputTotal == nil && empty.totalReported == 14)
    }

    @Test func readsModalitiesByNameAndNumber() {
        let got = usage(
            #"""
            "promptTokenCount":100,"candidatesTokenCount":9,"cachedContentTokenCount":50,"totalTokenCount":109,\#
            "promptTokensDetails":[{"modality":"AUDIO","tokenCount":40},{"modality":2,"tokenCount":30},{"modality":"VIDEO",\#
            "tokenCount":20},{"modality":"TEXT","tokenCount":10},{"modality":4,"tokenCount":1},7],\#
            "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":3}],\#
            "candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":8}]
            """#)
        #expect(got.inputAudio == 41 && got.inputImage == 30 && got.inputVideo == 20)
        #expect(got.inputCachedAudio == 3 && got.inputCachedImage == nil)
        #expect(got.outputImage == 8 && got.outputAudio == nil)
    }

    @Test func aBlockedPromptIsARefusal() {
        let got = Exchange(
            api: .geminiGenerate, answer: #"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}"#, isStream: false
        ).reading
        #expect(got.finishReason == "PROHIBITED_CONTENT" && got.isRefusal)
    }

    @Test func countsCodeThatRan() {
        let got = Exchange(
            api: .geminiGenerate,
            answer: message(
                #"{"executableCode":{"code":"1"}},{"codeExecutionResult":{"output":"1"}},{"executableCode":{"code":"2"}}"#),
            isStream: false
        ).reading
        #expect(got.toolCalls == 0 && got.serverTools == [NamedCount(name: "code_execution", count: 2)])
    }

    @Test func readsInteractions() {
        let exchange = Exchange(
            api: .geminiInteractions,
            answer: Exchange.events([
                #"{"event_type":"interaction.created","interaction":{"model":"g","status":"in_progress"}}"#,
                #"{"event_type":"step.start","step":{"type":"thought"}}"#,
                #"{"event_type":"step.delta","delta":{"type":"thought_summary","content":{"text":"hm"}}}"#,
                #"{"event_type":"step.start","step":{"type":"function_call","name":"f"}}"#,
                #"{"event_type":"step.delta","delta":{"type":"arguments_delta","arguments":"{}"}}"#,
                #"""
                {"event_type":"interaction.completed","interaction":{"model":"g","status":"requires_action","usage":\#
                {"total_input_tokens":9,"total_tool_use_tokens":3,"total_cached_tokens":2,"total_output_tokens":5,\#
                "total_thought_tokens":7,"total_tokens":24,"input_tokens_by_modality":[{"modality":"image","tokens":4}]}}}
                """#,
            ]))
        let got = exchange.reading
        #expect(got.finishReason == "requires_action" && got.toolCalls == 1 && got.usageSource == .reported)
        #expect(got.usage.inputTotal == 12 && got.usage.inputUncached == 10 && got.usage.outputTotal == 12)
        #expect(got.usage.inputImage == 4 && got.usage.totalReported == 24)
        #expect(
            got.firstReasoningUs == exchange.arrival(of: "hm") && got.firstVisibleUs == exchange.arrival(of: "arguments_delta"))
    }
}
