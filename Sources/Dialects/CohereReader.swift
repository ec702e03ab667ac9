// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Reads Cohere's chat: version 2 (events), version 1 (lines or a plain answer), and the older generate.
///
/// Cohere names no model in its answers. What it bills is less than what went through the model and stands apart.
struct CohereReader: DialectReader {
    private(set) var facts = AnswerFacts()

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        guard message.isEvent, let type = root.name("type") ?? root.name("event_type") ?? message.eventName else {
            takePlain(root)
            return message.isEvent && root.filled("text") != nil ? .visible : nil
        }
        switch type {
        case "content-delta": return CohereReader.kind(root["delta"]?["message"]?["content"])
        case "tool-plan-delta": return root["delta"]?["message"]?.filled("tool_plan") == nil ? nil : .hidden
        case "tool-call-start":
            facts.toolCalls += 1
            return .announced
        case "tool-call-delta": return root["delta"]?["message"]?["tool_calls"]?.hasText ?? false ? .visible : nil
        case "message-end": takeEnd(root["delta"] ?? root)
        case "text-generation": return root.filled("text") == nil ? nil : .visible
        case "tool-calls-chunk": return root["tool_call_delta"]?.hasText ?? false ? .visible : nil
        case "tool-calls-generation":
            facts.toolCalls = Int64(root["tool_calls"]?.countElements { _ in true } ?? 0)
            return facts.toolCalls > 0 ? .announced : nil
        case "stream-end":
            if let response = root.filled("response") { takePlain(response) }
            facts.finishReason = root.name("finish_reason") ?? facts.finishReason
        default: if let error = root.filled("error") { facts.takeError(error) }
        }
        return nil
    }

    private mutating func takePlain(_ root: JSONNode) {
        facts.finishReason = root.name("finish_reason") ?? facts.finishReason
        let calls = root["message"]?["tool_calls"] ?? root["tool_calls"]
        facts.toolCalls = max(facts.toolCalls, calls?.countElements { _ in true } ?? 0)
        if let error = root.filled("error") { facts.takeError(error) }
        takeUsage(root.filled("usage") ?? root.filled("meta"))
    }

    private mutating func takeEnd(_ delta: JSONNode) {
        facts.finishReason = delta.name("finish_reason") ?? facts.finishReason
        if let error = delta.filled("error") { facts.takeError(error) }
        takeUsage(delta.filled("usage"))
    }

    private mutating func takeUsage(_ usage: JSONNode?) {
        guard let usage, usage.filled("tokens") != nil || usage.filled("billed_units") != nil else { return }
        facts.usage = UsageRules.cohere(usage)
        facts.isUsageFinal = true
        facts.billed = [UsageRules.cohereBilled(usage)].compactMap { $0 }
    }

    private static func kind(_ content: JSONNode?) -> ContentKind? {
        guard let content else { return nil }
        if content.filled("text") != nil { return .visible }
        return content.filled("thinking") != nil ? .hidden : nil
    }
}

/// Reads Ollama's chat and generate: one object, or a line for each piece with the figures on the last.
///
/// `prompt_eval_count` is what was evaluated; how much of the prompt came from a cache is not said.
struct OllamaReader: DialectReader {
    private(set) var facts = AnswerFacts()

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        if let model = root.name("model") { facts.modelResponded = model }
        if let reason = root.name("done_reason") { facts.finishReason = reason }
        if let error = root.filled("error") { facts.takeError(error) }
        let part = root["message"] ?? root
        let calls = part["tool_calls"]?.countElements { _ in true } ?? 0
        facts.toolCalls = sum(facts.toolCalls, calls) ?? facts.toolCalls
        takeFigures(root)
        if calls > 0 || part.filled("content") != nil || root.filled("response") != nil { return .visible }
        return part.filled("thinking") != nil ? .hidden : nil
    }

    private mutating func takeFigures(_ root: JSONNode) {
        let input = root.count("prompt_eval_count")
        let output = root.count("eval_count")
        guard input != nil || output != nil else { return }
        var tokens = facts.usage ?? .init()
        tokens.inputTotal = input ?? tokens.inputTotal
        tokens.outputTotal = output ?? tokens.outputTotal
        facts.usage = tokens
        facts.isUsageFinal = root["done"]?.bool ?? true
        ProviderTimes.ollama(root, into: &facts.timings)
    }
}
