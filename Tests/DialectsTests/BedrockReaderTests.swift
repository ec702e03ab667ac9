// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Testing

@testable import Dialects

@Suite struct BedrockReaderTests {
    private func read(_ api: APIFamily, _ bytes: [UInt8], path: String, headers: [HeaderPair] = []) -> ExchangeReading {
        var record = Exchange(api: api, path: path, request: "{}", answer: "").record
        record.responseBody.content = bytes
        record.responseHeaders = headers
        record.responseChunks = (0..<Int64(bytes.count)).map { ChunkArrival(offset: $0, timeUs: $0 + 1) }
        return ExchangeReader.read(record)
    }

    private static let start = Wire.event("messageStart", #"{"role":"assistant"}"#)
    private static let usage =
        #"""
        {"metrics":{"latencyMs":584},"serviceTier":{"type":"flex"},"usage":{"inputTokens":10,"outputTokens":5,\#
        "cacheReadInputTokens":100,"cacheWriteInputTokens":20,"totalTokens":135,\#
        "cacheDetails":[{"ttl":"1h","inputTokens":15},{"ttl":"5m","inputTokens":4}]}}
        """#

    @Test func readsAConverseStream() {
        let hidden = Wire.event("contentBlockDelta", #"{"delta":{"reasoningContent":{"text":"hm"}}}"#)
        let visible = Wire.event("contentBlockDelta", #"{"delta":{"text":"Hi"}}"#)
        let call = Wire.event("contentBlockStart", #"{"start":{"toolUse":{"name":"f"}}}"#)
        let ending = Wire.event("messageStop", #"{"stopReason":"tool_use"}"#) + Wire.event("metadata", Self.usage)
        let got = read(
            .bedrockConverse, Self.start + hidden + visible + call + ending, path: "/model/a.b-v1%3A0/converse-stream")
        #expect(got.modelRequested == "a.b-v1:0" && got.streamRequested && got.finishReason == "tool_use" && got.toolCalls == 1)
        #expect(got.usage.inputTotal == 130 && got.usage.inputUncached == 10 && got.usage.inputCached == 100)
        #expect(got.usage.cacheWrite1h == 15 && got.usage.cacheWrite5m == 4 && got.usage.cacheWriteOther == 1)
        #expect(got.usage.totalReported == 135 && got.usage.outputVisible == nil && got.usageSource == .reported)
        #expect(got.timings.totalUs == 584_000 && got.serviceTier == "flex" && got.fault == nil)
        #expect(got.firstEventUs == Int64(Self.start.count))
        #expect(got.ttftUs == Int64(Self.start.count + hidden.count))
        #expect(got.firstVisibleUs == Int64(Self.start.count + hidden.count + visible.count))
    }

    @Test func readsAPlainConversation() {
        let body =
            #"""
            {"output":{"message":{"content":[{"text":"x"},{"toolUse":{"name":"run","type":"server_tool_use"}},\#
            {"toolUse":{"name":"f"}}]}},"stopReason":"guardrail_intervened","usage":{"inputTokens":1,"outputTokens":2,\#
            "totalTokens":3}}
            """#
        let got = read(.bedrockConverse, Array(body.utf8), path: "/model/m/converse")
        #expect(got.toolCalls == 2 && got.serverTools == [NamedCount(name: "run", count: 1)] && got.isRefusal)
        #expect(got.ttftUs == nil && !got.streamRequested)
    }

    @Test func anExceptionInTheStreamIsAnError() {
        let failure = Wire.frame(
            Wire.header(":exception-type", "throttlingException") + Wire.header(":message-type", "exception"),
            #"{"message":"slow down"}"#)
        let got = read(.bedrockConverse, Self.start + failure, path: "/model/m/converse-stream")
        #expect(got.providerError == "rate_limit" && got.providerErrorCode == "throttlingException")
    }

    @Test func aDamagedFrameIsNamed() {
        var bytes = Self.start + Wire.event("metadata", Self.usage)
        bytes[Self.start.count + 60] ^= 1
        let got = read(.bedrockConverse, bytes, path: "/model/m/converse-stream")
        #expect(got.fault == .badFraming && got.usageSource == .absent)
    }

    @Test func errorsNamedByAHeader() {
        var record = Exchange(api: .bedrockConverse, answer: #"{"message":"no"}"#, status: 403, isStream: false).record
        record.responseHeaders = [HeaderPair("X-Amzn-ErrorType", "AccessDeniedException:http://internal/")]
        let got = ExchangeReader.read(record)
        #expect(got.providerError == "permission" && got.providerErrorCode == "AccessDeniedException" && !got.isBillable)
    }

    private static let path = "/model/x/invoke-with-response-stream"

    @Test func readsTheNativeStreamsOfModels() {
        let claude = read(
            .bedrockInvoke,
            [
                #"{"type":"message_start","message":{"model":"claude","usage":{"input_tokens":3,"output_tokens":1}}}"#,
                #"{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}"#,
                #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#,
                #"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"invocationLatency":70,"firstByteLatency":20}}"#,
            ].flatMap(Wire.chunk), path: Self.path)
        #expect(claude.modelResponded == "claude" && claude.finishReason == "end_turn" && claude.usage.outputTotal == 9)
        #expect(claude.timings.totalUs == 70_000 && claude.timings.firstByteUs == 20_000 && claude.ttftUs != nil)
        let nova = read(
            .bedrockInvoke,
            [
                #"{"messageStart":{"role":"assistant"}}"#, #"{"contentBlockDelta":{"delta":{"text":"It"}}}"#,
                #"{"contentBlockStart":{"start":{"toolUse":{"name":"f"}}}}"#, #"{"messageStop":{"stopReason":"max_tokens"}}"#,
                #"{"metadata":{"usage":{"inputTokens":5,"outputTokens":10,"cacheReadInputTokenCount":2}}}"#,
            ].flatMap(Wire.chunk), path: Self.path)
        #expect(nova.usage.inputTotal == 7 && nova.toolCalls == 1 && nova.finishReason == "max_tokens")
    }

    @Test(arguments: [
        (#"{"completion":"x","stop_reason":"stop_sequence"#, "stop_sequence"),
        (#"{"outputText":"x","completionReason":"LENGTH"#, "LENGTH"), (#"{"generation":"x","stop_reason":"length"#, "length"),
        (#"{"outputs":[{"text":"x","stop_reason":"stop"}],"a":"#, "stop"),
        (#"{"is_finished":true,"text":"x","finish_reason":"COMPLETE"#, "COMPLETE"),
    ]) func olderModelsAreMeteredByBedrock(body: String, reason: String) {
        let quote = body.hasSuffix("\":") ? "1" : "\""
        let last = body + quote + #","amazon-bedrock-invocationMetrics":{"inputTokenCount":25,"outputTokenCount":4}}"#
        let got = read(.bedrockInvoke, Wire.chunk(last), path: Self.path)
        #expect(got.finishReason == reason && got.usage.inputTotal == 25 && got.usage.outputTotal == 4, "\(body)")
        #expect(got.usageSource == .reported && got.ttftUs != nil)
    }

    @Test func headersMeterAPlainAnswer() {
        let headers = [
            HeaderPair("x-amzn-bedrock-input-token-count", "4"), HeaderPair("X-Amzn-Bedrock-Cache-Read-Input-Token-Count", "6"),
            HeaderPair("x-amzn-bedrock-output-token-count", "-3"), HeaderPair("x-amzn-bedrock-invocation-latency", "85"),
        ]
        let got = read(.bedrockInvoke, Array(#"{"embedding":[1]}"#.utf8), path: "/model/e/invoke", headers: headers)
        #expect(got.usage.inputTotal == 10 && got.usage.outputTotal == nil && got.timings.totalUs == 85_000)
        let llama = read(
            .bedrockInvoke, Array(#"{"generation":"x","prompt_token_count":7,"generation_token_count":8}"#.utf8),
            path: "/model/e/invoke", headers: headers)
        #expect(llama.usage.inputTotal == 7 && llama.usage.outputTotal == 8)
    }

    @Test func notEveryChunkIsBase64() {
        let bytes = Wire.event("chunk", #"{"bytes":"***"}"#) + Wire.event("chunk", #"{"bytes":7}"#) + Wire.event("chunk", "x")
        let got = read(.bedrockInvoke, bytes, path: Self.path)
        #expect(got.usageSource == .absent && got.toolCalls == 0)
    }
}
