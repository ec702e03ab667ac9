// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads Anthropic messages.
///
/// In a stream `message_start` brings the model and the input side, each `message_delta` cumulative figures: the later one
/// wins, and the usage is final once a stop reason or `message_stop` has come. Tool calls are the `tool_use` blocks, which
/// the caller runs; server tools are not counted. A delta without text is no output.
struct AnthropicMessagesReader: DialectReader {
    private(set) var facts = AnswerFacts()
    private var usage = AnthropicUsage()

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        guard message.isEvent else {
            takePlain(root)
            return nil
        }
        let type = root["type"]
        if type?.equals("message_start") ?? false, let started = root.filled("message") {
            facts.modelResponded = started.name("model")
            takeUsage(started)
        } else if type?.equals("content_block_start") ?? false {
            if root["content_block"]?["type"]?.equals("tool_use") ?? false { facts.toolCalls += 1 }
        } else if type?.equals("content_block_delta") ?? false {
            return root["delta"].flatMap(AnthropicMessagesReader.kind)
        } else if type?.equals("message_delta") ?? false {
            takeUsage(root)
            if let reason = root["delta"]?.name("stop_reason") {
                facts.finishReason = reason
                facts.isUsageFinal = facts.usage != nil
            }
        } else if type?.equals("message_stop") ?? false {
            facts.isUsageFinal = facts.usage != nil
        } else if type?.equals("error") ?? false {
            facts.error = ErrorClassifier.classify(inBand: root.filled("error") ?? root)
        }
        return nil
    }

    private mutating func takePlain(_ root: JSONNode) {
        facts.modelResponded = root.name("model")
        facts.finishReason = root.name("stop_reason")
        facts.toolCalls = root["content"]?.countElements { $0["type"]?.equals("tool_use") ?? false } ?? 0
        takeUsage(root)
        facts.isUsageFinal = facts.usage != nil
        if root["type"]?.equals("error") ?? false { facts.error = ErrorClassifier.classify(inBand: root.filled("error") ?? root) }
    }

    private mutating func takeUsage(_ holder: JSONNode) {
        guard let object = holder.filled("usage"), object.kind == .object else { return }
        usage.merge(object)
        facts.usage = usage.tokens
        if let tier = object.name("service_tier") { facts.serviceTier = tier }
        facts.costNanousd = NanoDollars.reported(in: object) ?? facts.costNanousd
    }

    private static func kind(_ delta: JSONNode) -> ContentKind? {
        if delta.filled("thinking") != nil || delta.filled("signature") != nil { return .hidden }
        return ["text", "partial_json", "citation", "content"].contains { delta.filled($0) != nil } ? .visible : nil
    }
}
