// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads OpenAI embeddings: a model and a usage, never a stream.
struct OpenAIEmbeddingsReader: DialectReader {
    private(set) var facts = AnswerFacts()

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        if let model = root.name("model") { facts.modelResponded = model }
        if let tier = root.name("service_tier") { facts.serviceTier = tier }
        if let error = root.filled("error") { facts.takeError(error) }
        if let usage = root.filled("usage"), usage.kind == .object {
            facts.usage = UsageRules.embeddings(usage)
            facts.isUsageFinal = true
            facts.takeCost(usage)
        }
        return nil
    }
}
