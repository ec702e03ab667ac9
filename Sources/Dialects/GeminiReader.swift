// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Reads Gemini's `generateContent`, from AI Studio and Vertex, plain, as events and as a growing array.
///
/// Every message may carry usage, cumulative: the last one wins as a whole. Tool calls are the `functionCall` parts, which the
/// caller runs: those with a name, since the arguments of one call may come in many parts. What Gemini runs itself, code and
/// searches, is counted as a server tool and is no output by itself.
struct GeminiReader: DialectReader {
    private(set) var facts = AnswerFacts()
    private static let refusals = [
        "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "MODEL_ARMOR",
    ]

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        if let model = root.name("modelVersion") { facts.modelResponded = model }
        if let error = root.filled("error") { facts.takeError(error) }
        if let blocked = root["promptFeedback"]?.word("blockReason") {
            facts.finishReason = facts.finishReason ?? blocked
            facts.isRefusal = true
        }
        var kind: ContentKind?
        var position: Int64 = 0
        for candidate in root["candidates"]?.elements ?? JSONNode.noElements {
            kind = takeCandidate(candidate, isFirst: candidate.count("index") ?? position == 0) ?? kind
            position += 1
        }
        takeUsage(root, isEvent: message.isEvent)
        return kind
    }

    private mutating func takeUsage(_ root: JSONNode, isEvent: Bool) {
        if let usage = root.filled("usageMetadata"), usage.kind == .object {
            facts.usage = UsageRules.gemini(usage)
            if let tier = usage.word("serviceTier") ?? usage.word("trafficType") { facts.serviceTier = tier }
        }
        facts.isUsageFinal = facts.usage != nil && (!isEvent || facts.finishReason != nil)
    }

    private mutating func takeCandidate(_ candidate: JSONNode, isFirst: Bool) -> ContentKind? {
        if isFirst, let reason = candidate.word("finishReason") {
            facts.finishReason = reason
            if GeminiReader.refusals.contains(reason) { facts.isRefusal = true }
        }
        var kind: ContentKind?
        for part in candidate["content"]?["parts"]?.elements ?? JSONNode.noElements {
            switch takePart(part) {
            case .visible: kind = .visible
            case .some(let other): kind = kind ?? other
            case nil: break
            }
        }
        return kind
    }

    private mutating func takePart(_ part: JSONNode) -> ContentKind? {
        if part.filled("functionCall") != nil {
            if part["functionCall"]?.name("name") != nil { facts.toolCalls += 1 }
            return .visible
        }
        if let call = part.filled("toolCall") {
            facts.noteServerTool(call.name("toolType") ?? "toolCall")
            return nil
        }
        if part.filled("executableCode") != nil { facts.noteServerTool("code_execution") }
        let keys = ["text", "inlineData", "fileData", "executableCode", "codeExecutionResult"]
        guard keys.contains(where: { part.filled($0) != nil }) else { return nil }
        return part["thought"]?.bool ?? false ? .hidden : .visible
    }
}

/// Reads Gemini's interactions: an interaction, whole or inside the events of a stream.
struct InteractionsReader: DialectReader {
    private(set) var facts = AnswerFacts()
    private var streamedCalls: Int64 = 0

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        guard message.isEvent else {
            takeInteraction(root)
            return nil
        }
        if let interaction = root.filled("interaction"), interaction.kind == .object { takeInteraction(interaction) }
        if let error = root.filled("error") { facts.takeError(error) }
        switch root.name("event_type") ?? message.eventName {
        case "step.start":
            guard root["step"]?["type"]?.equals("function_call") ?? false else { return nil }
            streamedCalls += 1
            facts.toolCalls = max(facts.toolCalls, streamedCalls)
            return .announced
        case "step.delta", "content.delta": return root["delta"].flatMap(InteractionsReader.kind)
        default: return nil
        }
    }

    private mutating func takeInteraction(_ root: JSONNode) {
        facts.modelResponded = root.name("model") ?? facts.modelResponded
        facts.serviceTier = root.name("service_tier") ?? facts.serviceTier
        if let error = root.filled("error") { facts.takeError(error) }
        if let status = root.name("status") { facts.finishReason = status }
        let calls = root["steps"]?.countElements { $0["type"]?.equals("function_call") ?? false } ?? 0
        facts.toolCalls = max(facts.toolCalls, calls)
        guard let usage = root.filled("usage"), usage.kind == .object else { return }
        facts.usage = UsageRules.interactions(usage)
        facts.isUsageFinal = !(root["status"]?.equals("in_progress") ?? false)
    }

    private static func kind(_ delta: JSONNode) -> ContentKind? {
        if delta.filled("signature") != nil { return .hidden }
        guard let type = delta.name("type") else { return delta.hasText ? .visible : nil }
        if type.hasPrefix("thought") { return .hidden }
        return delta.members.contains { !$0.key.equals("type") && $0.value.isFilled } ? .visible : nil
    }
}
