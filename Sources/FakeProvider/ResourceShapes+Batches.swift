// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Files, batches and Gemini's list of models.
extension ResourceShape {
    func emptyList(isAnthropic: Bool) -> [UInt8] {
        JSONWriter.objectBytes { writer in
            if !isAnthropic { writer.field("object", "list") }
            writer.array("data")
            writer.field("has_more", false)
            writer.nullField("first_id")
            writer.nullField("last_id")
        }
    }

    mutating func upload() throws(FakeProviderError) -> [UInt8] {
        guard let form = MultipartForm(body: body, contentType: contentType) else {
            throw QuestionReader.bad("Could not parse multipart form.")
        }
        guard let file = form["file"] else { throw QuestionReader.bad("'file' is a required property") }
        let id = random.identifier("file-", length: 22)
        let name = form.fileName("file") ?? "upload"
        return self.file(id, name: name, bytes: file.count, purpose: form.text("purpose") ?? "user_data")
    }

    func file(_ id: String, name: String, bytes: Int, purpose: String) -> [UInt8] {
        JSONWriter.objectBytes { writer in
            writer.field("object", "file")
            writer.field("id", id)
            writer.field("purpose", purpose)
            writer.field("filename", name)
            writer.field("bytes", bytes)
            writer.field("created_at", script.createdAt)
            writer.nullField("expires_at")
            writer.field("status", "processed")
            writer.nullField("status_details")
        }
    }

    func deleted(_ id: String) -> [UInt8] {
        JSONWriter.objectBytes { writer in
            writer.field("object", "file")
            writer.field("id", id)
            writer.field("deleted", true)
        }
    }

    mutating func newBatch() throws(FakeProviderError) -> [UInt8] {
        let root = try QuestionReader.object(body)
        guard let file = root["input_file_id"]?.string, let endpoint = root["endpoint"]?.string else {
            throw QuestionReader.bad("Missing required parameter: 'input_file_id'.")
        }
        return batch(random.identifier("batch_", length: 32), endpoint: endpoint, file: file)
    }

    func batch(_ id: String, endpoint: String, file: String) -> [UInt8] {
        JSONWriter.objectBytes(capacity: 700) { writer in
            writer.field("id", id)
            writer.field("object", "batch")
            writer.field("endpoint", endpoint)
            writer.nullField("errors")
            writer.field("input_file_id", file)
            writer.field("completion_window", "24h")
            writer.field("status", "validating")
            for name in ["output_file_id", "error_file_id"] { writer.nullField(name) }
            writer.field("created_at", script.createdAt)
            writer.field("expires_at", script.createdAt + 86_400)
            for name in ["in_progress_at", "completed_at", "failed_at", "cancelled_at"] { writer.nullField(name) }
            writer.object("request_counts") { writer in
                for name in ["total", "completed", "failed"] { writer.field(name, 0) }
            }
            writer.nullField("metadata")
        }
    }

    func messageBatch(_ id: String, processing: Int) -> [UInt8] {
        JSONWriter.objectBytes(capacity: 600) { writer in
            writer.field("id", id)
            writer.field("type", "message_batch")
            writer.field("processing_status", processing > 0 ? "in_progress" : "ended")
            writer.object("request_counts") { writer in
                writer.field("processing", processing)
                writer.field("succeeded", processing > 0 ? 0 : 1)
                for name in ["errored", "canceled", "expired"] { writer.field(name, 0) }
            }
            writer.nullField("ended_at")
            writer.field("created_at", "2026-01-01T00:00:00Z")
            writer.field("expires_at", "2026-01-02T00:00:00Z")
            for name in ["archived_at", "cancel_initiated_at"] { writer.nullField(name) }
            writer.field("results_url", processing > 0 ? nil : "https://api.anthropic.com/v1/messages/batches/\(id)/results")
        }
    }

    /// One line of JSON: the answer to the one request of the batch.
    func messageBatchResults() -> [UInt8] {
        let asked = AskedQuestion(api: .messages, model: "claude-haiku-4-5")
        let message = MessagesShape(answer: AnswerComposer(script: script, order: FakeOrder()).compose(asked, random: random))
        let line = JSONWriter.objectBytes { writer in
            writer.field("custom_id", "one")
            writer.object("result") { writer in
                writer.field("type", "succeeded")
                writer.key("message")
                writer.raw(message.plain())
            }
        }
        return line + [0x0A]
    }

    func gemini(_ resource: FakeResource) -> [UInt8] {
        func write(_ id: String, _ writer: inout JSONWriter) {
            writer.field("name", "models/" + id)
            writer.field("version", "001")
            writer.field("displayName", id)
            writer.field("inputTokenLimit", 1_048_576)
            writer.field("outputTokenLimit", 65_536)
            writer.array("supportedGenerationMethods") { writer in
                for method in ["generateContent", "countTokens"] { writer.value(method) }
            }
        }
        return JSONWriter.objectBytes { writer in
            if case .geminiModel(let id) = resource { return write(id, &writer) }
            writer.array("models") { writer in
                for id in ["gemini-2.5-flash", "gemini-2.5-pro", "gemini-embedding-001"] { writer.object { write(id, &$0) } }
            }
        }
    }
}
