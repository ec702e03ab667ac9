// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Reads OpenAI Responses: a response object, whole or inside the events of a stream.
///
/// The finish reason is the reason why the response is incomplete, else its status. In a stream a status counts once it is
/// final; tool calls are counted in the final output, or from the items' own events where that output is left empty.
struct OpenAIResponsesReader: DialectReader {
    private(set) var facts = AnswerFacts()
    /// Positions of the tool calls announced by events.
    private var callPositions: Set<Int64> = []
    private static let callTypes = ["function_call", "custom_tool_call"]

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        guard message.isEvent else {
            takeResponse(root, isEvent: false)
            return nil
        }
        let type = root.name("type") ?? message.eventName ?? ""
        if let response = root.filled("response"), response.kind == .object { takeResponse(response, isEvent: true) }
        if type == "error" { facts.takeError(root.filled("error") ?? root) }
        if type.hasPrefix("response.output_item.") { takeItem(root) }
        if type == "response.refusal.delta" || type == "response.refusal.done" { facts.isRefusal = true }
        guard type.hasSuffix(".delta"), root.filled("delta") != nil else { return nil }
        return type.contains("reasoning") ? .hidden : .visible
    }

    private mutating func takeItem(_ root: JSONNode) {
        guard let type = root["item"]?["type"], type.equalsAny(OpenAIResponsesReader.callTypes) else { return }
        guard callPositions.count < DialectLimits.toolCalls else { return }
        callPositions.insert(root.count("output_index") ?? Int64(callPositions.count))
        facts.toolCalls = max(facts.toolCalls, Int64(callPositions.count))
    }

    private mutating func takeResponse(_ response: JSONNode, isEvent: Bool) {
        if let model = response.name("model") { facts.modelResponded = model }
        if let tier = response.name("service_tier") { facts.serviceTier = tier }
        let isOpen = response["status"]?.equalsAny(["queued", "in_progress"]) ?? false
        if !isOpen || !isEvent {
            facts.finishReason = response["incomplete_details"]?.name("reason") ?? response.name("status")
        }
        if let usage = response.filled("usage"), usage.kind == .object {
            facts.usage = UsageRules.responses(usage)
            facts.isUsageFinal = !isOpen
            facts.takeCost(usage)
        }
        if let error = response.filled("error") { facts.takeError(error) }
        let calls = response["output"]?.countElements { $0["type"]?.equalsAny(OpenAIResponsesReader.callTypes) ?? false } ?? 0
        facts.toolCalls = max(facts.toolCalls, calls)
        takeOutput(response)
    }

    /// Refusals, and the tools that the provider ran: items that end in `_call` and are not the caller's to run.
    private mutating func takeOutput(_ response: JSONNode) {
        var ran = AnswerFacts()
        for item in response["output"]?.elements ?? JSONNode.noElements {
            if item["content"]?.countElements(where: { $0["type"]?.equals("refusal") ?? false }) ?? 0 > 0 {
                facts.isRefusal = true
            }
            guard let type = item.name("type"), type.hasSuffix("_call"), !OpenAIResponsesReader.callTypes.contains(type) else {
                continue
            }
            ran.noteServerTool(type)
        }
        if !ran.serverTools.isEmpty { facts.serverTools = ran.serverTools }
    }
}
