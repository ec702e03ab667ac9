// SPDX-License-Identifier: Apache-2.0

import CZlib
import Foundation
import Testing

@testable import FakeProvider

private let contents = #"{"contents":[{"role":"user","parts":[{"text":"Hello there"}]}]"#
private let converse = #"{"messages":[{"role":"user","content":[{"text":"Hello there"}]}],"inferenceConfig":{"maxTokens":200}"#
private let chatBody = #"{"model":"m-1","messages":[{"role":"user","content":"Hello there"}]"#
private let anthropicBody =
    #"{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"Hello"}]}"#

/// One frame of an event stream, read by the letter of the specification, checksums by zlib.
struct DecodedFrame {
    var headers: [String: String] = [:]
    var payload: [UInt8] = []

    static func all(_ bytes: [UInt8]) throws -> [DecodedFrame] {
        func number(_ at: Int, _ count: Int = 4) -> Int { bytes[at..<(at + count)].reduce(0) { $0 << 8 | Int($1) } }
        func crc(_ range: Range<Int>) -> Int {
            Array(bytes[range]).withUnsafeBufferPointer { Int(crc32(0, $0.baseAddress, UInt32($0.count))) }
        }
        var frames: [DecodedFrame] = []
        var start = 0
        while start < bytes.count {
            let (total, headerBytes) = (number(start), number(start + 4))
            try #require(start + total <= bytes.count)
            try #require(
                crc(start..<(start + 8)) == number(start + 8) && crc(start..<(start + total - 4)) == number(start + total - 4))
            var frame = DecodedFrame()
            var at = start + 12
            while at < start + 12 + headerBytes {
                let name = String(decoding: bytes[(at + 1)..<(at + 1 + Int(bytes[at]))], as: UTF8.self)
                at += 1 + Int(bytes[at])
                try #require(bytes[at] == 7)
                let length = number(at + 1, 2)
                frame.headers[name] = String(decoding: bytes[(at + 3)..<(at + 3 + length)], as: UTF8.self)
                at += 3 + length
            }
            frame.payload = Array(bytes[at..<(start + total - 4)])
            frames.append(frame)
            start += total
        }
        return frames
    }

    func json() throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(payload)) as? [String: Any])
    }
}

@Suite struct GeminiWireTests {
    @Test(arguments: [
        "/v1beta/models/gemini-2.5-flash", "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash",
    ]) func answersGenerateContent(base: String) async throws {
        try await withServer { _, port in
            let json = try await post(base + ":generateContent", contents + "}", port: port).json()
            #expect(json.text("candidates.0.content.parts.0.text")?.isEmpty == false)
            #expect(json.text("candidates.0.finishReason") == "STOP" && json.text("modelVersion") == "gemini-2.5-flash")
            let sum = (json.int("usageMetadata.promptTokenCount") ?? 0) + (json.int("usageMetadata.candidatesTokenCount") ?? 0)
            #expect(json.int("usageMetadata.totalTokenCount") == sum)
        }
    }

    @Test func streamsTheSameObjectsAsEventsAndAsAnArray() async throws {
        try await withServer { _, port in
            let path = "/v1beta/models/gemini-2.5-pro:streamGenerateContent"
            let array = try await post(path, contents + "}", port: port)
            #expect(array.header("content-type")?.hasPrefix("application/json") == true)
            let objects = try #require(try JSONSerialization.jsonObject(with: Data(array.body)) as? [[String: Any]])
            let events = try await post(path + "?alt=sse", contents + "}", port: port)
            let datas = events.text.components(separatedBy: "\r\n\r\n").filter { !$0.isEmpty }.map { $0.dropFirst(6) }
            #expect(datas.count == objects.count && objects.count > 3 && events.header("content-type") == "text/event-stream")
            for (object, data) in zip(objects, datas) {
                let event = try #require(try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any])
                #expect(event.text("candidates.0.content.parts.0.text") == object.text("candidates.0.content.parts.0.text"))
            }
            let counts = objects.compactMap { $0.int("usageMetadata.candidatesTokenCount") }
            #expect(counts == counts.sorted() && objects.last?.int("usageMetadata.thoughtsTokenCount") ?? 0 > 0)
        }
    }

    @Test func noEdgeOfTheArrayIsAnEdgeOfAnObject() throws {
        let planner = AnswerPlanner(script: .instant)
        let request = SeenRequest.asked("/v1beta/models/gemini-2.5-flash:streamGenerateContent")
        let chunks = planner.plan(request, body: Array((contents + "}").utf8)) { _ in 0 }.chunks.map(\.bytes)
        for chunk in chunks.dropLast() {
            let text = String(decoding: chunk, as: UTF8.self)
            #expect(!text.hasSuffix("}") || !text.hasPrefix("{"))
            #expect(JSONSerialization.isValidJSONObject(text) == false)
            #expect((try? JSONSerialization.jsonObject(with: Data(chunk))) == nil)
        }
        #expect(chunks.count > 3)
    }

    @Test func callsAFunction() async throws {
        try await withServer { _, port in
            let tools =
                #","tools":[{"functionDeclarations":[{"name":"look","parameters":{"type":"OBJECT","properties":{"id":{"type":"string"}}}}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}"#
            let json = try await post("/v1beta/models/g:generateContent", contents + tools, port: port).json()
            #expect(json.text("candidates.0.content.parts.0.functionCall.name") == "look")
            #expect(json.text("candidates.0.content.parts.0.functionCall.args.id") != nil)
        }
    }

    @Test func embedsAndCounts() async throws {
        try await withServer { _, port in
            let one = #"{"content":{"parts":[{"text":"one"}]},"outputDimensionality":8}"#
            let single = try await post("/v1beta/models/e:embedContent", one, port: port).json()
            let batch = try await post("/v1beta/models/e:batchEmbedContents", #"{"requests":[\#(one),\#(one)]}"#, port: port)
                .json()
            let values = try #require(single.at("embedding.values") as? [Double])
            #expect(values.count == 8 && batch.at("embeddings.1.values") as? [Double] == values)
            let count = try await post("/v1beta/models/g:countTokens", contents + "}", port: port).json()
            #expect(count.int("totalTokens") ?? 0 > 0)
        }
    }

    @Test func errsInGooglesShape() async throws {
        try await withServer { _, port in
            let order = ["x-fake: status=429"]
            let json = try await post("/v1beta/models/g:generateContent", contents + "}", port: port, headers: order).json()
            #expect(json.int("error.code") == 429 && json.text("error.status") == "RESOURCE_EXHAUSTED")
        }
    }

    @Test func answersAnthropicAtVertex() async throws {
        try await withServer { _, port in
            let base = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5@20250929"
            let plain = try await post(base + ":rawPredict", anthropicBody, port: port).json()
            #expect(plain.text("id")?.hasPrefix("msg_vrtx_") == true && plain.text("model") == "claude-sonnet-4-5-20250929")
            let stream = try await post(base + ":streamRawPredict", anthropicBody, port: port)
            #expect(stream.events.first?.name == "message_start" && stream.events.last?.name == "message_stop")
        }
    }
}

@Suite struct BedrockWireTests {
    @Test func conversesPlain() async throws {
        try await withServer { _, port in
            let answer = try await post("/model/us.amazon.nova-lite-v1%3A0/converse", converse + "}", port: port)
            let json = try answer.json()
            #expect(json.text("output.message.content.0.text")?.isEmpty == false && json.text("stopReason") == "end_turn")
            #expect(answer.header("x-amzn-requestid") != nil && json.int("usage.inputTokens") ?? 0 > 0)
        }
    }

    @Test(arguments: [false, true]) func conversesInFrames(callsTool: Bool) async throws {
        try await withServer { _, port in
            let tools =
                #","toolConfig":{"tools":[{"toolSpec":{"name":"look","inputSchema":{"json":{"type":"object","properties":{"id":{"type":"string"}}}}}}],"toolChoice":{"any":{}}}"#
            let body = converse + (callsTool ? tools : "") + "}"
            let answer = try await post("/model/amazon.nova-lite-v1:0/converse-stream", body, port: port)
            #expect(answer.header("content-type") == "application/vnd.amazon.eventstream")
            let frames = try DecodedFrame.all(answer.body)
            let types = frames.compactMap { $0.headers[":event-type"] }
            #expect(types.first == "messageStart" && Array(types.suffix(3)) == ["contentBlockStop", "messageStop", "metadata"])
            #expect(
                frames.allSatisfy { $0.headers[":message-type"] == "event" && $0.headers[":content-type"] == "application/json" })
            let said = try frames.compactMap { frame in
                try frame.json().text(callsTool ? "delta.toolUse.input" : "delta.text")
            }.joined()
            #expect(!said.isEmpty && types.contains("contentBlockStart") == callsTool)
            if callsTool { #expect((try? JSONSerialization.jsonObject(with: Data(said.utf8))) is [String: Any]) }
            #expect(try frames.last?.json().int("usage.totalTokens") ?? 0 > 0)
        }
    }

    @Test func invokesInFramesOfBase64() async throws {
        try await withServer { _, port in
            let base = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0"
            let plain = try await post(base + "/invoke", anthropicBody, port: port)
            #expect(
                plain.header("x-amzn-bedrock-output-token-count").flatMap(Int.init)
                    == (try plain.json().int("usage.output_tokens")))
            let stream = try await post(base + "/invoke-with-response-stream", anthropicBody, port: port)
            let events = try DecodedFrame.all(stream.body).map { frame -> [String: Any] in
                #expect(frame.headers[":event-type"] == "chunk")
                let data = try #require(try frame.json().text("bytes").flatMap { Data(base64Encoded: $0) })
                return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            }
            #expect(events.first?.text("type") == "message_start" && events.last?.text("type") == "message_stop")
            #expect(events.first?.text("message.model") == "claude-sonnet-4-5-20250929")
            #expect(events.last?.int("amazon-bedrock-invocationMetrics.outputTokenCount") ?? 0 > 0)
        }
    }

    @Test func errsInAmazonsShape() async throws {
        try await withServer { _, port in
            let answer = try await post("/model/m/converse", converse + "}", port: port, headers: ["x-fake: status=429"])
            #expect(answer.status == 429 && answer.header("x-amzn-errortype") == "ThrottlingException")
            #expect(try answer.json().text("message") != nil)
            let order = ["x-fake: error_after=2"]
            let stream = try await post("/model/m/converse-stream", converse + "}", port: port, headers: order)
            let last = try #require(try DecodedFrame.all(stream.body).last)
            #expect(last.headers[":message-type"] == "exception" && last.headers[":exception-type"] == "internalServerException")
        }
    }

    @Test func checksumIsZlibs() {
        for count in [0, 1, 9, 1_000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let expected = bytes.withUnsafeBufferPointer { UInt32(crc32(0, $0.baseAddress, UInt32(count))) }
            #expect(CRC32.checksum(bytes) == (count == 0 ? 0 : expected))
        }
    }
}

@Suite struct ChatMannersTests {
    private func stream(_ path: String, extra: String = "", headers: [String] = []) async throws -> (RawAnswer, [[String: Any]]) {
        try await withServer { _, port in
            let answer = try await post(path, chatBody + extra + #","stream":true}"#, port: port, headers: headers)
            var copy = answer
            copy.bytes = answer.bytes
            let objects = try answer.events.filter { $0.data != "[DONE]" && !$0.data.isEmpty }.map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.data.utf8)) as? [String: Any])
            }
            return (copy, objects)
        }
    }

    @Test func groqSendsUsageTwiceUnasked() async throws {
        let (_, chunks) = try await stream("/openai/v1/chat/completions")
        #expect(chunks.first?.text("x_groq.id") != nil && chunks.last?.text("choices.0.finish_reason") == "stop")
        #expect(chunks.last?.int("x_groq.usage.total_tokens") == chunks.last?.int("usage.total_tokens"))
        #expect(chunks.last?.at("usage.completion_time") is Double)
    }

    @Test func cerebrasSendsTimesWithTheFinish() async throws {
        let (_, chunks) = try await stream("/cerebras/v1/chat/completions")
        #expect(chunks.last?.at("time_info.completion_time") is Double && chunks.last?.int("usage.total_tokens") ?? 0 > 0)
        #expect(chunks.last?.text("choices.0.finish_reason") == "stop")
    }

    @Test func azureBeginsWithItsFilters() async throws {
        let (answer, chunks) = try await stream(
            "/openai/deployments/d/chat/completions?api-version=2024-10-21", extra: #","stream_options":{"include_usage":true}"#)
        #expect((chunks.first?.at("choices") as? [Any])?.isEmpty == true && chunks.first?.at("prompt_filter_results.0") != nil)
        #expect(chunks.last?.int("usage.total_tokens") ?? 0 > 0 && answer.header("apim-request-id") != nil)
    }

    @Test func openRouterCommentsAndTellsTheCost() async throws {
        let (answer, chunks) = try await stream("/api/v1/chat/completions")
        #expect(answer.text.hasPrefix(": OPENROUTER PROCESSING\n\n"))
        #expect(chunks.last?.at("usage.cost") is Double && chunks.last?.text("provider") != nil)
    }

    @Test func mistralSendsUsageWithTheFinish() async throws {
        let (answer, chunks) = try await stream("/mistral/v1/chat/completions")
        #expect(chunks.last?.int("usage.total_tokens") ?? 0 > 0 && answer.header("mistral-correlation-id") != nil)
    }

    @Test func cohereStreamsItsOwnEvents() async throws {
        let (answer, chunks) = try await stream("/v2/chat")
        #expect(answer.events.first?.name == "message-start" && answer.events.last?.name == "message-end")
        #expect(
            chunks.last?.text("delta.finish_reason") == "COMPLETE"
                && chunks.last?.int("delta.usage.tokens.output_tokens") ?? 0 > 0)
        try await withServer { _, port in
            let plain = try await post("/v2/chat", chatBody + "}", port: port).json()
            #expect(plain.text("message.content.0.text")?.isEmpty == false && plain.int("usage.tokens.input_tokens") ?? 0 > 0)
        }
    }

    @Test func ollamaStreamsLinesUnlessToldNotTo() async throws {
        try await withServer { _, port in
            let answer = try await post("/api/chat", chatBody + "}", port: port)
            let lines = try answer.text.split(separator: "\n").map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
            #expect(answer.header("content-type") == "application/x-ndjson" && lines.count > 3)
            #expect(lines.last?.at("done") as? Bool == true && lines.last?.int("eval_count") == lines.count - 1)
            let plain = try await post("/api/chat", chatBody + #","stream":false}"#, port: port).json()
            #expect(plain.at("done") as? Bool == true)
        }
    }

    @Test(arguments: [
        ("/openai/v1/chat/completions", "error.message"), ("/mistral/v1/chat/completions", "message"),
        ("/v2/chat", "message"), ("/api/chat", "error"), ("/api/v1/chat/completions", "error.message"),
    ]) func errsInTheProvidersShape(path: String, place: String) async throws {
        try await withServer { _, port in
            let answer = try await post(path, chatBody + "}", port: port, headers: ["x-fake: status=429;retry_after=1"])
            #expect(answer.status == 429 && answer.header("retry-after") == "1")
            #expect(try answer.json().text(place) != nil)
        }
    }

    @Test func putsAnErrorIntoTheStream() async throws {
        let (answer, chunks) = try await stream("/v1/chat/completions", headers: ["x-fake: error_after=3"])
        #expect(answer.status == 200 && chunks.last?.text("error.type") == "server_error" && !answer.text.contains("[DONE]"))
        #expect(chunks.count == 1 + 3 + 1)
    }
}
