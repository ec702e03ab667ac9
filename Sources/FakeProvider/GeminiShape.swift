// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Answers in the shape of Gemini's `generateContent`; the stream's objects are the same with parts of the text.
struct GeminiShape {
    let answer: ComposedAnswer

    private var finishReason: String { answer.finish == .length ? "MAX_TOKENS" : "STOP" }

    func plain() -> [UInt8] {
        chunk(finish: finishReason, visible: answer.usage?.visible) { writer in
            if !answer.pieces.isEmpty { writer.object { $0.field("text", answer.text) } }
            if let call = answer.toolCall { writer.object { Self.writeCall(call, &$0) } }
        }
    }

    /// The objects of a stream, in the framing that was asked for; every one carries the usage so far.
    func events() -> [AnswerEvent] {
        var objects: [(bytes: [UInt8], pace: AnswerEvent.Pace)] = []
        for (index, piece) in answer.pieces.enumerated() {
            let isLast = answer.toolCall == nil && index == answer.pieces.count - 1
            let visible = isLast ? answer.usage?.visible ?? 0 : index + 1
            let bytes = chunk(finish: isLast ? finishReason : nil, visible: visible) { $0.object { $0.field("text", piece) } }
            objects.append((bytes, .content))
        }
        if let call = answer.toolCall {
            let bytes = chunk(finish: finishReason, visible: answer.usage?.visible) { $0.object { Self.writeCall(call, &$0) } }
            objects.append((bytes, .content))
        }
        guard answer.asked.framing == .array else { return objects.map { .data($0.bytes, $0.pace, end: "\r\n\r\n") } }
        return Self.array(objects)
    }

    /// One JSON array over all events, whose edges lie a few bytes behind the ends of the objects.
    static func array(_ objects: [(bytes: [UInt8], pace: AnswerEvent.Pace)]) -> [AnswerEvent] {
        var whole: [UInt8] = []
        var ends: [Int] = []
        for (index, object) in objects.enumerated() {
            whole += Array((index == 0 ? "[" : ",\r\n").utf8) + object.bytes
            ends.append(whole.count)
        }
        whole += Array((objects.isEmpty ? "[]" : "\n]").utf8)
        var events: [AnswerEvent] = []
        var start = 0
        for (index, object) in objects.enumerated() {
            let following = index + 1 < ends.count ? ends[index + 1] : whole.count
            // Alternately behind and before the object's end: an edge never tells where an object ends.
            let shift = index % 2 == 0 ? min(11, following - ends[index]) : -min(7, ends[index] - start)
            let end = index + 1 == ends.count ? whole.count : ends[index] + shift
            events.append(AnswerEvent(bytes: Array(whole[start..<end]), pace: object.pace))
            start = end
        }
        return objects.isEmpty ? [AnswerEvent(bytes: whole, pace: .content)] : events
    }

    private func chunk(finish: String?, visible: Int?, parts: (inout JSONWriter) -> Void) -> [UInt8] {
        JSONWriter.objectBytes(capacity: 512) { writer in
            writer.array("candidates") { writer in
                writer.object { writer in
                    writer.object("content") { writer in
                        writer.array("parts", parts)
                        writer.field("role", "model")
                    }
                    if let finish { writer.field("finishReason", finish) }
                    writer.field("index", 0)
                }
            }
            if let usage = answer.usage { writeUsage(usage, visible: visible ?? usage.visible, &writer) }
            writer.field("modelVersion", answer.servedModel)
            writer.field("responseId", answer.id)
        }
    }

    private static func writeCall(_ call: FakeToolCall, _ writer: inout JSONWriter) {
        writer.object("functionCall") { writer in
            writer.field("name", call.name)
            writer.key("args")
            writer.raw(call.arguments.utf8)
        }
    }

    private func writeUsage(_ usage: FakeUsage, visible: Int, _ writer: inout JSONWriter) {
        writer.object("usageMetadata") { writer in
            writer.field("promptTokenCount", usage.input)
            writer.field("candidatesTokenCount", visible)
            writer.field("totalTokenCount", usage.input + visible + usage.reasoning)
            if usage.cacheRead > 0 { writer.field("cachedContentTokenCount", usage.cacheRead) }
            Self.writeModality("promptTokensDetails", usage.input, &writer)
            if usage.reasoning > 0 { writer.field("thoughtsTokenCount", usage.reasoning) }
            if answer.asked.provider == .vertex { writer.field("trafficType", "ON_DEMAND") }
        }
    }

    static func writeModality(_ name: String, _ count: Int, _ writer: inout JSONWriter) {
        writer.array(name) { writer in
            writer.object { writer in
                writer.field("modality", "TEXT")
                writer.field("tokenCount", count)
            }
        }
    }

    /// Vectors, of one content or of a batch.
    static func embeddings(_ answer: ComposedAnswer, seed: UInt64) -> [UInt8] {
        let dimensions = answer.asked.dimensions ?? 768
        func write(_ text: String, _ writer: inout JSONWriter) {
            writer.array("values") { writer in
                for number in EmbeddingsShape.vector(text, dimensions: dimensions, seed: seed) {
                    writer.raw(number.description.utf8)
                }
            }
        }
        return JSONWriter.objectBytes(capacity: answer.asked.inputs.count * dimensions * 12) { writer in
            guard answer.asked.api == .embedContent(model: answer.asked.model, isBatch: true) else {
                return writer.object("embedding") { write(answer.asked.inputs.first?.text ?? "", &$0) }
            }
            writer.array("embeddings") { writer in
                for input in answer.asked.inputs { writer.object { write(input.text, &$0) } }
            }
        }
    }
}
