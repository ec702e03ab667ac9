// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads Anthropic messages.
///
/// In a stream `message_start` brings the model and the input side, each `message_delta` cumulative figures: the later one
/// wins, and the usage is final once a stop reason or `message_stop` has come. Tool calls are the `tool_use` blocks, which
/// the caller runs; server tools are not counted. A delta without text is no output; a call without arguments has no other
/// delta, and is then dated by the event that names it.
struct AnthropicMessagesReader: DialectReader {
    private(set) var facts = AnswerFacts()
    private var usage = AnthropicUsage()

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        guard message.isEvent else {
            takePlain(root)
            return nil
        }
        switch root.name("type") ?? message.eventName {
        case "message_start":
            guard let started = root.filled("message") else { return nil }
            facts.modelResponded = started.name("model") ?? facts.modelResponded
            takeUsage(started)
        case "content_block_start": return takeBlockStart(root)
        case "content_block_delta": return root["delta"].flatMap(AnthropicMessagesReader.kind)
        case "message_delta": takeEnd(root)
        case "message_stop": facts.isUsageFinal = facts.usage != nil
        case "error": facts.takeError(root.filled("error") ?? root)
        default: break
        }
        return nil
    }

    private mutating func takeEnd(_ root: JSONNode) {
        takeUsage(root)
        guard let reason = root["delta"]?.name("stop_reason") else { return }
        facts.finishReason = reason
        noteRefusal()
        facts.isUsageFinal = facts.usage != nil
    }

    private mutating func takeBlockStart(_ root: JSONNode) -> ContentKind? {
        guard root["content_block"]?["type"]?.equals("tool_use") ?? false else { return nil }
        facts.toolCalls += 1
        return .announced
    }

    private mutating func takePlain(_ root: JSONNode) {
        facts.modelResponded = root.name("model")
        facts.finishReason = root.name("stop_reason")
        facts.toolCalls = root["content"]?.countElements { $0["type"]?.equals("tool_use") ?? false } ?? 0
        takeUsage(root)
        facts.isUsageFinal = facts.usage != nil
        noteRefusal()
        if root["type"]?.equals("error") ?? false { facts.takeError(root.filled("error") ?? root) }
    }

    private mutating func takeUsage(_ holder: JSONNode) {
        guard let object = holder.filled("usage"), object.kind == .object else { return }
        usage.merge(object)
        facts.usage = usage.tokens
        if let tier = object.name("service_tier") { facts.serviceTier = tier }
        // A single iteration says what the top level says.
        facts.billed = usage.billed.count > 1 ? usage.billed : []
        if let tools = object.filled("server_tool_use") { facts.takeServerTools(tools) }
        facts.takeCost(object)
    }

    private mutating func noteRefusal() { facts.isRefusal = facts.finishReason == "refusal" }

    private static func kind(_ delta: JSONNode) -> ContentKind? {
        if delta.filled("thinking") != nil || delta.filled("signature") != nil { return .hidden }
        return ["text", "partial_json", "citation", "content"].contains { delta.filled($0) != nil } ? .visible : nil
    }
}
