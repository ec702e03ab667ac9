// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import FakeProvider

private let chatBody = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello there"}]}"#
private let tools =
    #""tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{"order_id":{"type":"string"},"kind":{"enum":["a","b"]}}}}}],"tool_choice":"required""#

@Suite struct AnswerShapeTests {
    @Test func answersChatWhole() async throws {
        try await withServer { server, port in
            let answer = try await post("/v1/chat/completions", chatBody, port: port)
            let json = try answer.json()
            #expect(answer.status == 200 && answer.framed.isWhole)
            #expect(
                answer.header("content-type") == "application/json" && answer.header("x-request-id")?.hasPrefix("req_") == true)
            #expect(json.text("object") == "chat.completion" && json.text("id")?.hasPrefix("chatcmpl-") == true)
            #expect(json.text("model") == "gpt-4o-mini-2024-07-18")
            let words = json.text("choices.0.message.content")?.split { $0 == " " || $0 == "\n" }.count
            #expect(json.int("usage.completion_tokens") == words)
            #expect(json.int("usage.total_tokens") == json.int("usage.prompt_tokens").flatMap { p in words.map { $0 + p } })
            #expect(json.text("choices.0.finish_reason") == "stop")
        }
    }

    @Test func streamsChatWithUsageAfterTheFinishChunk() async throws {
        try await withServer { _, port in
            let asked = chatBody.dropLast() + #","stream":true,"stream_options":{"include_usage":true}}"#
            let answer = try await post("/v1/chat/completions", String(asked), port: port)
            #expect(answer.header("transfer-encoding") == "chunked" && answer.framed.isWhole)
            #expect(answer.framed.chunks == answer.events.count)
            #expect(answer.events.last?.data == "[DONE]")
            let chunks = try answer.eventObjects()
            let last = try #require(chunks.last)
            #expect((last.at("choices") as? [Any])?.isEmpty == true)
            #expect(chunks[chunks.count - 2].text("choices.0.finish_reason") == "stop")
            #expect(chunks.dropLast().allSatisfy { $0["usage"] is NSNull })
            #expect(last.int("usage.completion_tokens") == chunks.count - 3)
            #expect(chunks[0].text("choices.0.delta.role") == "assistant")
            #expect(Set(chunks.compactMap { $0.text("id") }).count == 1)
        }
    }

    @Test func streamsChatWithoutUsageUnlessAsked() async throws {
        try await withServer { _, port in
            let answer = try await post("/v1/chat/completions", chatBody.dropLast() + #","stream":true}"#, port: port)
            #expect(try answer.eventObjects().allSatisfy { $0["usage"] == nil })
            #expect(try answer.eventObjects().last?.text("choices.0.finish_reason") == "stop")
        }
    }

    @Test func anOrderedSeedGivesDifferentBodiesTheSameAnswer() async throws {
        try await withServer { _, port in
            var texts: [String] = []
            for (content, order) in [("a", "seed=7"), ("b", "seed=7"), ("a", "seed=8"), ("a", "tokens=9"), ("b", "tokens=9")] {
                let body = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\#(content)"}]}"#
                let answer = try await post("/v1/chat/completions", body, port: port, headers: ["x-fake: \(order)"])
                texts.append(try #require(try answer.json().text("choices.0.message.content")))
            }
            #expect(texts[0] == texts[1] && texts[0] != texts[2] && texts[3] != texts[4])
        }
    }

    @Test(arguments: [false, true]) func callsATool(isStream: Bool) async throws {
        try await withServer { _, port in
            let body = chatBody.dropLast() + ",\(tools),\"stream\":\(isStream)}"
            let answer = try await post("/v1/chat/completions", String(body), port: port)
            var name: String?
            var arguments = ""
            if isStream {
                for chunk in try answer.eventObjects() {
                    name = name ?? chunk.text("choices.0.delta.tool_calls.0.function.name")
                    arguments += chunk.text("choices.0.delta.tool_calls.0.function.arguments") ?? ""
                }
                #expect(try answer.eventObjects().last?.text("choices.0.finish_reason") == "tool_calls")
            } else {
                name = try answer.json().text("choices.0.message.tool_calls.0.function.name")
                arguments = try answer.json().text("choices.0.message.tool_calls.0.function.arguments") ?? ""
            }
            #expect(name == "look")
            let parsed = try #require(try JSONSerialization.jsonObject(with: Data(arguments.utf8)) as? [String: Any])
            #expect(["a", "b"].contains(parsed.text("kind")) && parsed.text("order_id") != nil)
        }
    }

    @Test func reasoningModelsReportReasoningInsideOutput() async throws {
        try await withServer { _, port in
            let body = chatBody.replacingOccurrences(of: "gpt-4o-mini", with: "o4-mini")
            let json = try await post("/v1/chat/completions", body, port: port, headers: ["x-fake: tokens=40"]).json()
            let reasoning = try #require(json.int("usage.completion_tokens_details.reasoning_tokens"))
            #expect(reasoning >= 64 && json.int("usage.completion_tokens") == reasoning + 40)
        }
    }

    @Test func laterTurnsReportCachedInput() async throws {
        try await withServer { _, port in
            let long = String(repeating: "word ", count: 400)
            let body =
                #"{"model":"gpt-4.1","messages":[{"role":"user","content":"\#(long)"},{"role":"assistant","content":"yes"},{"role":"user","content":"more"}]}"#
            let json = try await post("/v1/chat/completions", body, port: port).json()
            #expect(json.int("usage.prompt_tokens_details.cached_tokens") == 384)
            let first = try await post("/v1/chat/completions", chatBody, port: port).json()
            #expect(first.int("usage.prompt_tokens_details.cached_tokens") == 0)
        }
    }

    @Test func answersResponsesWhole() async throws {
        try await withServer { _, port in
            let json = try await post("/v1/responses", #"{"model":"gpt-4.1","input":"Hi"}"#, port: port).json()
            #expect(json.text("object") == "response" && json.text("status") == "completed")
            #expect(json.text("output.0.content.0.type") == "output_text")
            #expect(
                json.int("usage.total_tokens") == (json.int("usage.input_tokens") ?? 0) + (json.int("usage.output_tokens") ?? 0))
        }
    }

    @Test func streamsResponsesInOrder() async throws {
        try await withServer { _, port in
            let body =
                #"{"model":"gpt-4.1","input":[{"role":"user","content":[{"type":"input_text","text":"Hi"}]}],"stream":true}"#
            let answer = try await post("/v1/responses", body, port: port, headers: ["x-fake: tokens=3"])
            #expect(
                answer.events.map(\.name) == [
                    "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
                    "response.output_text.delta", "response.output_text.delta", "response.output_text.delta",
                    "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
                ])
            let objects = try answer.eventObjects()
            #expect(objects.compactMap { $0.int("sequence_number") } == Array(0..<11))
            #expect(zip(objects, answer.events).allSatisfy { $0.text("type") == $1.name })
            #expect(objects.last?.int("response.usage.output_tokens") == 3)
            let text = objects.filter { $0.text("type") == "response.output_text.delta" }.compactMap { $0.text("delta") }.joined()
            #expect(objects.last?.text("response.output.0.content.0.text") == text)
        }
    }

    @Test func endsResponsesAsIncompleteAtTheLimit() async throws {
        try await withServer { _, port in
            let body = #"{"model":"gpt-4.1","input":"Hi","stream":true,"max_output_tokens":5}"#
            let last = try await post("/v1/responses", body, port: port).eventObjects().last
            #expect(last?.text("type") == "response.incomplete")
            #expect(last?.text("response.incomplete_details.reason") == "max_output_tokens")
            #expect(last?.int("response.usage.output_tokens") == 5)
        }
    }

    @Test func embedsEquallyAsFloatsAndBase64() async throws {
        try await withServer { _, port in
            let body = #"{"model":"text-embedding-3-small","input":["one","two"],"dimensions":16,"encoding_format":"float"}"#
            let floats = try await post("/v1/embeddings", body, port: port).json()
            let coded = try await post("/v1/embeddings", body.replacingOccurrences(of: "float", with: "base64"), port: port)
                .json()
            for i in 0..<2 {
                let list = try #require(floats.at("data.\(i).embedding") as? [Double])
                let data = try #require(coded.text("data.\(i).embedding").flatMap { Data(base64Encoded: $0) })
                #expect(data.count == 64 && list.count == 16)
                let decoded = data.withUnsafeBytes { raw in
                    (0..<16).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
                }
                #expect(zip(list, decoded).allSatisfy { abs($0 - Double($1)) < 1e-6 })
                #expect(abs(list.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
            }
            #expect(floats.int("usage.prompt_tokens") == 2 && floats.text("data.0.object") == "embedding")
        }
    }

    @Test func answersMessagesWholeWithCacheFields() async throws {
        try await withServer { _, port in
            let system = String(repeating: "Rules. ", count: 60)
            let head =
                #"{"model":"claude-sonnet-4-5","max_tokens":300,"system":[{"type":"text","text":"\#(system)","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Hello"}"#
            let first = try await post("/v1/messages", head + "]}", port: port).json()
            #expect(
                first.text("type") == "message" && first.text("content.0.type") == "text"
                    && first.text("stop_reason") == "end_turn")
            let written = try #require(first.int("usage.cache_creation_input_tokens"))
            #expect(written > 100 && first.int("usage.cache_read_input_tokens") == 0)
            #expect(first.int("usage.cache_creation.ephemeral_5m_input_tokens") == written)
            let later = head + #",{"role":"assistant","content":"Yes?"},{"role":"user","content":"More"}]}"#
            let second = try await post("/v1/messages", later, port: port).json()
            #expect((second.int("usage.cache_read_input_tokens") ?? 0) >= written)
            #expect((second.int("usage.input_tokens") ?? 999) < 20)
        }
    }

    @Test func streamsMessagesInOrder() async throws {
        try await withServer { _, port in
            let body =
                #"{"model":"claude-haiku-4-5","max_tokens":300,"stream":true,"messages":[{"role":"user","content":"Hello"}]}"#
            let answer = try await post("/v1/messages?beta=true", body, port: port, headers: ["x-fake: tokens=2"])
            #expect(
                answer.events.map(\.name) == [
                    "message_start", "content_block_start", "ping", "content_block_delta", "content_block_delta",
                    "content_block_stop", "message_delta", "message_stop",
                ])
            let objects = try answer.eventObjects()
            #expect(objects[0].int("message.usage.output_tokens") == 1 && objects[6].int("usage.output_tokens") == 2)
            #expect(objects[6].text("delta.stop_reason") == "end_turn")
            #expect(answer.header("request-id") != nil)
        }
    }

    @Test func listsModelsForBothProviders() async throws {
        try await withServer { _, port in
            let openAI = try await sendRaw("GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", port: port).json()
            #expect(openAI.text("object") == "list" && openAI.text("data.0.object") == "model")
            let anthropic = try await sendRaw(
                "GET /v1/models HTTP/1.1\r\nHost: x\r\nanthropic-version: 2023-06-01\r\nConnection: close\r\n\r\n", port: port
            ).json()
            #expect(anthropic.text("data.0.type") == "model" && anthropic.at("has_more") as? Bool == false)
        }
    }

    @Test(arguments: ["/v1/unknown", "/", "/v1/chat/completions/x", "/v1/images", "/v1beta/models/m:unknown"])
    func answersOtherPathsWith404(path: String) async throws {
        try await withServer { _, port in
            let answer = try await post(path, "{}", port: port)
            #expect(answer.status == 404)
            #expect(try answer.json().text("error.type") == "invalid_request_error")
        }
    }

    @Test(arguments: ["", "{", "[]", "{}", #"{"model":"m"}"#, #"{"model":"m","messages":[{}]}"#, #"{"model":"m","messages":3}"#])
    func refusesBadBodiesInTheAPIsShape(body: String) async throws {
        try await withServer { _, port in
            let chat = try await post("/v1/chat/completions", body, port: port)
            #expect(chat.status == 400)
            #expect(try chat.json().text("error.message") != nil)
            let messages = try await post("/v1/messages", body, port: port)
            #expect(messages.status == 400)
            let refusal = try messages.json()
            #expect(refusal.text("error.type") == "invalid_request_error" && refusal.text("type") == "error")
        }
    }
}
