// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Answers in the shape of OpenAI's embeddings.
enum EmbeddingsShape {
    static func plain(_ answer: ComposedAnswer, seed: UInt64) -> [UInt8] {
        let asked = answer.asked
        let dimensions = asked.dimensions ?? (asked.model.hasSuffix("-large") ? 3_072 : 1_536)
        return JSONWriter.objectBytes(capacity: asked.inputs.count * dimensions * 12) { writer in
            if asked.provider == .mistral { writer.field("id", answer.id) }
            writer.field("object", "list")
            writer.array("data") { writer in
                for (index, input) in asked.inputs.enumerated() {
                    writer.object { writer in
                        writer.field("object", "embedding")
                        writer.field("index", index)
                        write(vector(input.text, dimensions: dimensions, seed: seed), asBase64: asked.wantsBase64, &writer)
                    }
                }
            }
            writer.field("model", answer.servedModel)
            if let usage = answer.usage {
                writer.object("usage") { writer in
                    writer.field("prompt_tokens", usage.input)
                    writer.field("total_tokens", usage.input)
                }
            }
        }
    }

    /// A unit vector that follows from the text alone.
    static func vector(_ text: String, dimensions: Int, seed: UInt64) -> [Float] {
        var random = SeededRandom(seed: SeededRandom.hash(text.utf8, seed: seed))
        let raw = (0..<dimensions).map { _ in random.unit() + random.unit() + random.unit() - 1.5 }
        let length = max(1e-9, raw.reduce(0) { $0 + $1 * $1 }.squareRoot())
        return raw.map { Float($0 / length) }
    }

    private static func write(_ vector: [Float], asBase64: Bool, _ writer: inout JSONWriter) {
        guard asBase64 else {
            writer.array("embedding") { writer in
                for number in vector { writer.raw(number.description.utf8) }
            }
            return
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(vector.count * 4)
        for number in vector {
            let bits = number.bitPattern
            for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        writer.key("embedding")
        writer.value(utf8: Base64.encode(bytes[...])[...])
    }
}

/// The list of models, in either provider's shape.
enum ModelsShape {
    static let openAI = ["gpt-4o-mini", "gpt-4.1", "o4-mini", "text-embedding-3-small"]
    static let anthropic = [("claude-sonnet-4-5", "Claude Sonnet 4.5"), ("claude-haiku-4-5", "Claude Haiku 4.5")]

    static func list(isAnthropic: Bool, createdAt: Int64) -> [UInt8] {
        JSONWriter.objectBytes { writer in
            if isAnthropic {
                writer.array("data") { writer in
                    for (id, name) in anthropic { writer.object { writeAnthropic(id, name, &$0) } }
                }
                writer.field("has_more", false)
                writer.field("first_id", anthropic.first?.0)
                writer.field("last_id", anthropic.last?.0)
            } else {
                writer.field("object", "list")
                writer.array("data") { writer in
                    for id in openAI + anthropic.map(\.0) { writer.object { writeOpenAI(id, createdAt, &$0) } }
                }
            }
        }
    }

    /// One model's description, or nil where it is unknown.
    static func one(_ id: String, isAnthropic: Bool, createdAt: Int64) -> [UInt8]? {
        if let known = anthropic.first(where: { $0.0 == id }), isAnthropic {
            return JSONWriter.objectBytes { writeAnthropic(known.0, known.1, &$0) }
        }
        guard openAI.contains(id) || anthropic.contains(where: { $0.0 == id }) else { return nil }
        return JSONWriter.objectBytes { writeOpenAI(id, createdAt, &$0) }
    }

    private static func writeOpenAI(_ id: String, _ createdAt: Int64, _ writer: inout JSONWriter) {
        writer.field("id", id)
        writer.field("object", "model")
        writer.field("created", createdAt)
        writer.field("owned_by", id.hasPrefix("claude") ? "anthropic" : "system")
    }

    private static func writeAnthropic(_ id: String, _ name: String, _ writer: inout JSONWriter) {
        writer.field("type", "model")
        writer.field("id", id)
        writer.field("display_name", name)
        writer.field("created_at", "2025-09-29T00:00:00Z")
        writer.field("lifecycle", "active")
    }
}
