// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Reads the server's side of an OpenAI realtime connection.
///
/// A connection holds many responses, each with its own usage when it is done: the usage here is their sum, and it is final
/// while no response is open. Model and finish are those of the last one.
struct RealtimeReader: DialectReader {
    private(set) var facts = AnswerFacts()
    private var openCount = 0

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        switch root.name("type") {
        case "session.created", "session.updated":
            facts.modelResponded = root["session"]?.name("model") ?? facts.modelResponded
        case "response.created":
            openCount += 1
            facts.isUsageFinal = false
        case "response.done": takeDone(root)
        case "error": facts.takeError(root.filled("error") ?? root)
        default: return RealtimeReader.kind(root)
        }
        return nil
    }

    private mutating func takeDone(_ root: JSONNode) {
        openCount = max(0, openCount - 1)
        guard let response = root.filled("response"), response.kind == .object else { return }
        let details = response.present("status_details")
        facts.finishReason = details?.name("reason") ?? response.name("status") ?? facts.finishReason
        if let error = details?.filled("error") { facts.takeError(error) }
        let calls = response["output"]?.countElements { $0["type"]?.equals("function_call") ?? false } ?? 0
        facts.toolCalls = sum(facts.toolCalls, calls) ?? facts.toolCalls
        if let usage = response.filled("usage"), usage.kind == .object {
            facts.usage = RealtimeReader.adding(UsageRules.media(usage), to: facts.usage)
        }
        facts.isUsageFinal = facts.usage != nil && openCount == 0
    }

    /// Sums class by class; a class that one side does not report is the other's.
    private static func adding(_ tokens: TokenUsage, to earlier: TokenUsage?) -> TokenUsage {
        guard var total = earlier else { return tokens }
        for field in TokenUsage.fields + TokenUsage.detailFields {
            guard let count = tokens[keyPath: field.path] else { continue }
            total[keyPath: field.path] = sum(total[keyPath: field.path], count)
        }
        return total
    }

    private static func kind(_ root: JSONNode) -> ContentKind? {
        guard let type = root.name("type"), type.hasPrefix("response."), type.hasSuffix(".delta"), root.filled("delta") != nil
        else {
            return nil
        }
        return type.contains("reasoning") ? .hidden : .visible
    }
}
