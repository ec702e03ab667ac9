// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads OpenAI chat completions, and the many providers that speak them.
///
/// In a stream the usage may come in a last chunk without choices, on the chunk with the finish reason (Cerebras), under
/// `x_groq` (Groq), or on every chunk (Perplexity, xAI): the last one wins. The older completions have `text` in a choice where
/// a chat has a message; routes that end in `/completions` answer with either.
struct OpenAIChatReader: DialectReader {
    private(set) var facts = AnswerFacts()
    private var calls = ToolCallCounter()
    private var hasEnded = false

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        if facts.modelResponded == nil { facts.modelResponded = root.name("model") }
        if let tier = root.name("service_tier") { facts.serviceTier = tier }
        if let error = root.filled("error") { facts.takeError(error) }
        var kind: ContentKind?
        var position: Int64 = 0
        for choice in root["choices"]?.elements ?? JSONNode.noElements {
            kind = takeChoice(choice, number: choice.count("index") ?? position, isEvent: message.isEvent) ?? kind
            position += 1
        }
        takeUsage(root, isEvent: message.isEvent)
        facts.toolCalls = calls.count
        return kind
    }

    mutating func takeEndMark() {
        hasEnded = true
        facts.isUsageFinal = facts.usage != nil
    }

    private mutating func takeUsage(_ root: JSONNode, isEvent: Bool) {
        if let usage = root.filled("usage") ?? root["x_groq"]?.filled("usage"), usage.kind == .object {
            facts.usage = UsageRules.chat(usage)
            facts.takeCost(usage)
            ProviderTimes.seconds(usage, into: &facts.timings)
            if let tools = usage.filled("server_tool_use") ?? usage.filled("server_side_tool_usage_details") {
                facts.takeServerTools(tools)
            }
        }
        ProviderTimes.seconds(root.present("time_info"), into: &facts.timings)
        ProviderTimes.llama(root.present("timings"), into: &facts.timings)
        if !isEvent { hasEnded = true }
        facts.isUsageFinal = facts.usage != nil && (hasEnded || facts.finishReason != nil)
    }

    private mutating func takeChoice(_ choice: JSONNode, number: Int64, isEvent: Bool) -> ContentKind? {
        if facts.finishReason == nil { facts.finishReason = choice.name("finish_reason") }
        if let error = choice.filled("error") { facts.takeError(error) }
        guard let part = (isEvent ? choice.filled("delta") : nil) ?? choice.filled("message") else {
            return choice.filled("text") == nil ? nil : .visible
        }
        if part.filled("refusal") != nil { facts.isRefusal = true }
        var position: Int64 = 0
        for call in part["tool_calls"]?.elements ?? JSONNode.noElements {
            calls.note(choice: number, index: isEvent ? call.count("index") ?? position : position, id: call.name("id"))
            position += 1
        }
        let hasFunction = part["function_call"]?.hasText ?? false
        if hasFunction { calls.note(choice: number, index: -1, id: nil) }
        if hasFunction || OpenAIChatReader.isVisible(part) { return .visible }
        return OpenAIChatReader.isHidden(part) ? .hidden : nil
    }

    private static func isVisible(_ part: JSONNode) -> Bool {
        if let content = part.filled("content") {
            guard content.kind == .array else { return true }
            if content.elements.contains(where: { !($0["type"]?.equals("thinking") ?? false) }) { return true }
        }
        if part.filled("tool_calls") != nil || part.filled("refusal") != nil || part.filled("images") != nil { return true }
        return part["audio"]?.hasText ?? false
    }

    private static func isHidden(_ part: JSONNode) -> Bool {
        part.filled("content") != nil
            || ["reasoning", "reasoning_content", "reasoning_details"].contains { part.filled($0) != nil }
    }
}

/// Tells the tool calls of a streamed answer apart: by choice and index, and by id where several calls share an index.
struct ToolCallCounter {
    private struct Place: Hashable {
        let choice: Int64
        let index: Int64
    }
    /// The id last seen at each place; empty where none was given.
    private var ids: [Place: String] = [:]
    private(set) var count: Int64 = 0

    /// Notes a part of a call.
    mutating func note(choice: Int64, index: Int64, id: String?) {
        let place = Place(choice: choice, index: index)
        guard let known = ids[place] else {
            guard ids.count < DialectLimits.toolCalls else { return }
            ids[place] = id ?? ""
            count += 1
            return
        }
        guard let id, id != known else { return }
        ids[place] = id
        if !known.isEmpty { count += 1 }
    }
}

extension JSONNode {
    /// Whether any text that is not empty lies in this value, at any depth.
    var hasText: Bool {
        switch kind {
        case .string: isFilled
        case .array: elements.contains { $0.hasText }
        case .object: members.contains { $0.value.hasText }
        case .null, .bool, .number: false
        }
    }
}
