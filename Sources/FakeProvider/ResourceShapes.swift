// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Answers to what is not a conversation: bytes, their type, or nil where the thing asked for does not exist.
struct ResourceShape {
    let script: FakeProviderScript
    let place: FakePlace
    let body: [UInt8]
    let contentType: String
    var random: SeededRandom

    struct Content {
        var bytes: [UInt8]
        var type = "application/json"
        /// Binary answers are sent with chunked framing, as they are made.
        var isStreamed = false
    }

    mutating func answer(_ resource: FakeResource) throws(FakeProviderError) -> Content? {
        let isAnthropic = place.provider == .anthropic
        switch resource {
        case .models: return Content(bytes: ModelsShape.list(isAnthropic: isAnthropic, createdAt: script.createdAt))
        case .model(let id):
            return ModelsShape.one(id, isAnthropic: isAnthropic, createdAt: script.createdAt).map { Content(bytes: $0) }
        case .geminiModels, .geminiModel: return Content(bytes: gemini(resource), type: "application/json; charset=UTF-8")
        case .images: return Content(bytes: try images())
        case .speech: return try speech()
        case .transcription: return try transcription()
        case .moderation: return Content(bytes: try moderation())
        case .upload: return Content(bytes: try upload())
        case .files, .batches, .messageBatches: return Content(bytes: emptyList(isAnthropic: isAnthropic))
        case .file(let id): return Content(bytes: file(id, name: "batch.jsonl", bytes: 120, purpose: "batch"))
        case .deletedFile(let id): return Content(bytes: deleted(id))
        case .fileContent(let id):
            let line = #"{"custom_id":"1","file":"\#(id.filter { $0 != "\"" && $0 != "\\" })"}"# + "\n"
            return Content(bytes: Array(line.utf8), type: "application/octet-stream")
        case .newBatch: return Content(bytes: try newBatch())
        case .batch(let id): return Content(bytes: batch(id, endpoint: "/v1/chat/completions", file: "file-1"))
        case .tokenCount, .geminiTokenCount: return Content(bytes: try tokenCount(resource))
        case .newMessageBatch:
            let count = try QuestionReader.elements(QuestionReader.object(body)["requests"]).count
            return Content(bytes: messageBatch(random.identifier("msgbatch_", length: 24), processing: count))
        case .messageBatch(let id): return Content(bytes: messageBatch(id, processing: 0))
        case .realtime: return nil
        case .messageBatchResults: return Content(bytes: messageBatchResults(), type: "application/binary")
        }
    }

    private func required(_ name: String, in root: JSONNode) throws(FakeProviderError) -> String {
        guard let text = root[name]?.string, !text.isEmpty else {
            throw QuestionReader.bad("Missing required parameter: '\(name)'.")
        }
        return text
    }

    /// A tiny picture as base64: bytes that no JSON reader may mind.
    private mutating func images() throws(FakeProviderError) -> [UInt8] {
        let isForm = contentType.lowercased().hasPrefix("multipart/")
        let prompt = isForm ? try form("prompt") : try required("prompt", in: QuestionReader.object(body))
        let picture = (0..<600).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let tokens = (prompt.utf8.count + 3) / 4
        return JSONWriter.objectBytes(capacity: 1_600) { writer in
            writer.field("created", script.createdAt)
            writer.array("data") { writer in
                writer.object { writer in
                    writer.key("b64_json")
                    writer.value(utf8: Base64.encode(picture[...])[...])
                }
            }
            writer.object("usage") { writer in
                writer.field("input_tokens", tokens)
                writer.object("input_tokens_details") { writer in
                    writer.field("image_tokens", 0)
                    writer.field("text_tokens", tokens)
                }
                writer.field("output_tokens", 272)
                writer.field("total_tokens", tokens + 272)
            }
        }
    }

    /// Bytes that begin like an MP3 frame and hold every value, also zero and line breaks.
    private mutating func speech() throws(FakeProviderError) -> Content {
        let input = try required("input", in: QuestionReader.object(body))
        let count = min(256 * 1_024, 2_048 + input.utf8.count * 64)
        let bytes = [0xFF, 0xF3, 0x64, 0xC4] + (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return Content(bytes: bytes, type: "audio/mpeg", isStreamed: true)
    }

    private func transcription() throws(FakeProviderError) -> Content {
        let model = try form("model")
        let format = MultipartForm(body: body, contentType: contentType)?.text("response_format")
        let file = MultipartForm(body: body, contentType: contentType)?["file"]
        guard let file, !file.isEmpty else { throw QuestionReader.bad("Missing required parameter: 'file'.") }
        let text = "The water runs on unhindered, and what runs is measured."
        if format == "text" { return Content(bytes: Array((text + "\n").utf8), type: "text/plain; charset=utf-8") }
        let bytes = JSONWriter.objectBytes { writer in
            writer.field("text", text)
            writer.object("usage") { writer in
                if model.hasPrefix("whisper") {
                    writer.field("type", "duration")
                    writer.field("seconds", 1 + file.count / 32_000)
                } else {
                    writer.field("type", "tokens")
                    writer.field("input_tokens", 14)
                    writer.object("input_token_details") { writer in
                        writer.field("text_tokens", 0)
                        writer.field("audio_tokens", 14)
                    }
                    writer.field("output_tokens", 12)
                    writer.field("total_tokens", 26)
                }
            }
        }
        return Content(bytes: bytes)
    }

    private func form(_ name: String) throws(FakeProviderError) -> String {
        guard let form = MultipartForm(body: body, contentType: contentType) else {
            throw QuestionReader.bad("Could not parse multipart form.")
        }
        guard let text = form.text(name) else { throw QuestionReader.bad("Missing required parameter: '\(name)'.") }
        return text
    }

    private mutating func moderation() throws(FakeProviderError) -> [UInt8] {
        let root = try QuestionReader.object(body)
        guard let input = root["input"] else { throw QuestionReader.bad("Missing required parameter: 'input'.") }
        let count = input.kind == .array ? QuestionReader.elements(input).count : 1
        let names = [
            "harassment", "harassment/threatening", "sexual", "hate", "hate/threatening", "illicit", "illicit/violent",
            "self-harm/intent", "self-harm/instructions", "self-harm", "sexual/minors", "violence", "violence/graphic",
        ]
        let id = random.identifier("modr-", length: 29)
        return JSONWriter.objectBytes(capacity: 1_024) { writer in
            writer.field("id", id)
            writer.field("model", root["model"]?.string ?? "omni-moderation-latest")
            writer.array("results") { writer in
                for _ in 0..<min(count, FakeProviderLimits.embeddingInputs) {
                    writer.object { writer in
                        writer.field("flagged", false)
                        writer.object("categories") { writer in for name in names { writer.field(name, false) } }
                        writer.object("category_scores") { writer in for name in names { writer.field(name, 0.000_123) } }
                        writer.object("category_applied_input_types") { writer in
                            for name in names { writer.array(name) { $0.value("text") } }
                        }
                    }
                }
            }
        }
    }

    private func tokenCount(_ resource: FakeResource) throws(FakeProviderError) -> [UInt8] {
        let root = try QuestionReader.object(body)
        var asked = AskedQuestion(api: .messages, model: root["model"]?.string ?? "")
        guard resource == .tokenCount else {
            try QuestionReader.readGenerate(root["generateContentRequest"] ?? root, &asked)
            return JSONWriter.objectBytes { writer in
                writer.field("totalTokens", asked.inputTokens)
                GeminiShape.writeModality("promptTokensDetails", asked.inputTokens, &writer)
            }
        }
        // As a question with a limit: only the limit may be missing here.
        guard let messages = root["messages"], messages.kind == .array else {
            throw QuestionReader.bad("messages: Field required")
        }
        for message in messages.elements {
            asked.messages.append(
                AskedMessage(role: message["role"]?.string ?? "", text: QuestionReader.textOf(message["content"])))
        }
        if let system = root["system"] {
            asked.messages.append(AskedMessage(role: "system", text: QuestionReader.textOf(system)))
        }
        return JSONWriter.objectBytes { $0.field("input_tokens", asked.inputTokens) }
    }
}
