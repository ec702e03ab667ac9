// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Reads Bedrock's Converse: plain, and as events whose name the framing has or, in Nova's own bodies, a key around them.
///
/// Calls of tools that the provider ran itself are counted with the others, as the answer lists them.
struct ConverseReader: DialectReader {
    private(set) var facts = AnswerFacts()
    private static let names = [
        "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata",
    ]

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        if message.isException {
            facts.takeError(root, name: message.eventName)
            return nil
        }
        guard message.isEvent else {
            takePlain(root)
            return nil
        }
        for name in ConverseReader.names {
            if let inner = root.filled(name), inner.kind == .object { return take(name, inner) }
        }
        return message.eventName.flatMap { take($0, root) }
    }

    private mutating func take(_ name: String, _ event: JSONNode) -> ContentKind? {
        switch name {
        case "contentBlockStart":
            guard let call = event["start"]?.filled("toolUse") else { return nil }
            note(call)
            return .announced
        case "contentBlockDelta": return event["delta"].flatMap(ConverseReader.kind)
        case "messageStop":
            takeReason(event)
            facts.isUsageFinal = facts.usage != nil
        case "metadata": takeFigures(event)
        default: break
        }
        return nil
    }

    private mutating func takePlain(_ root: JSONNode) {
        takeReason(root)
        for part in root["output"]?["message"]?["content"]?.elements ?? JSONNode.noElements {
            if let call = part.filled("toolUse") { note(call) }
        }
        takeFigures(root)
    }

    private mutating func takeReason(_ root: JSONNode) {
        guard let reason = root.name("stopReason") else { return }
        facts.finishReason = reason
        facts.isRefusal = reason == "guardrail_intervened" || reason == "content_filtered"
    }

    private mutating func note(_ call: JSONNode) {
        facts.toolCalls += 1
        guard call["type"]?.equals("server_tool_use") ?? false, let name = call.name("name") else { return }
        facts.noteServerTool(name)
    }

    private mutating func takeFigures(_ root: JSONNode) {
        if let tier = root["serviceTier"]?.name("type") ?? root.name("serviceTier") { facts.serviceTier = tier }
        ProviderTimes.bedrock(total: root["metrics"]?["latencyMs"], into: &facts.timings)
        guard let usage = root.filled("usage"), usage.kind == .object else { return }
        facts.usage = UsageRules.bedrock(usage)
        facts.isUsageFinal = true
    }

    private static func kind(_ delta: JSONNode) -> ContentKind? {
        if delta.filled("reasoningContent") != nil { return .hidden }
        if delta.filled("text") != nil { return .visible }
        return delta["toolUse"]?.filled("input") != nil || delta.filled("image") != nil ? .visible : nil
    }
}

/// Reads Bedrock's InvokeModel: the model's own JSON, whole or base64 inside the chunks of an event stream.
///
/// Which dialect that is, the first message tells by its shape. Where the model reports no usage of its own, Bedrock's does:
/// `amazon-bedrock-invocationMetrics` in the last chunk, or headers of a plain answer.
struct InvokeReader: DialectReader {
    private var native: (any DialectReader)?
    private var own = AnswerFacts()
    private var metered: TokenUsage?

    init(headers: [HeaderPair]) {
        metered = InvokeReader.metered(headers)
        if let milliseconds = InvokeReader.count("invocation-latency", in: headers) {
            let (total, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000)
            own.timings.totalUs = overflow ? nil : total
        }
    }

    var facts: AnswerFacts {
        var facts = native?.facts ?? own
        if facts.usage == nil, let metered {
            facts.usage = metered
            facts.isUsageFinal = true
        }
        if own.timings != ProviderTimings() { facts.timings = own.timings }
        facts.error = facts.error ?? own.error
        facts.errorCode = facts.errorCode ?? own.errorCode
        return facts
    }

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        if message.isException {
            own.takeError(message.root, name: message.eventName)
            return nil
        }
        guard message.isEvent else { return takeNative(message) }
        guard let coded = message.root["bytes"], coded.kind == .string, let bytes = Base64.decode(coded.unescapedBytes[...]),
            let document = JSONDocument.read(bytes)
        else {
            return nil
        }
        takeMetrics(document.root["amazon-bedrock-invocationMetrics"])
        return takeNative(AnswerMessage(root: document.root, eventName: nil, isEvent: true))
    }

    private mutating func takeNative(_ message: AnswerMessage) -> ContentKind? {
        if native == nil { native = InvokeReader.reader(for: message.root) }
        return native?.take(message)
    }

    private mutating func takeMetrics(_ metrics: JSONNode?) {
        guard let metrics, metrics.kind == .object else { return }
        ProviderTimes.bedrock(
            total: metrics["invocationLatency"], firstByte: metrics["firstByteLatency"], into: &own.timings)
        var tokens = TokenUsage()
        tokens.inputUncached = metrics.count("inputTokenCount")
        tokens.inputCached = metrics.count("cacheReadInputTokenCount")
        tokens.cacheWriteTotal = metrics.count("cacheWriteInputTokenCount")
        tokens.outputTotal = metrics.count("outputTokenCount")
        InvokeReader.close(&tokens)
        if tokens.inputTotal != nil || tokens.outputTotal != nil { metered = tokens }
    }

    private static func metered(_ headers: [HeaderPair]) -> TokenUsage? {
        var tokens = TokenUsage()
        tokens.inputUncached = count("input-token-count", in: headers)
        tokens.inputCached = count("cache-read-input-token-count", in: headers)
        tokens.cacheWriteTotal = count("cache-write-input-token-count", in: headers)
        tokens.outputTotal = count("output-token-count", in: headers)
        close(&tokens)
        return tokens.inputTotal == nil && tokens.outputTotal == nil ? nil : tokens
    }

    /// A count in one of Bedrock's own headers.
    private static func count(_ name: String, in headers: [HeaderPair]) -> Int64? {
        let value = headers.last { $0.name.lowercased() == "x-amzn-bedrock-\(name)" }?.value
        return value.flatMap { ASCIIInteger.parse($0.utf8) }.flatMap { $0 < 0 ? nil : $0 }
    }

    private static func close(_ tokens: inout TokenUsage) {
        if let input = tokens.inputUncached { tokens.inputTotal = sum(input, tokens.inputCached, tokens.cacheWriteTotal) }
    }

    /// The reader of the dialect that a message's shape shows.
    private static func reader(for root: JSONNode) -> any DialectReader {
        func has(_ keys: String...) -> Bool { keys.contains { root[$0] != nil } }
        if has("messageStart", "contentBlockDelta", "stopReason") || root["output"]?["message"] != nil { return ConverseReader() }
        if has("choices") { return OpenAIChatReader() }
        let isAnthropic = root["type"]?.equalsAny(["message", "message_start", "ping", "error"]) ?? false
        if isAnthropic { return AnthropicMessagesReader() }
        return NativeTextReader()
    }
}

/// Reads the older text models of Bedrock: Titan, Llama, Mistral, Jurassic, Claude's completions, Cohere's generate.
struct NativeTextReader: DialectReader {
    private(set) var facts = AnswerFacts()

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        if let error = root.filled("error") { facts.takeError(error) }
        let part = root["results"]?[0] ?? root["outputs"]?[0] ?? root["generations"]?[0] ?? root["completions"]?[0] ?? root
        let reason =
            part.name("finish_reason") ?? part.name("stop_reason") ?? part.name("completionReason")
            ?? part["finishReason"]?.name("reason") ?? root.name("stop_reason") ?? root.name("finish_reason")
        if let reason { facts.finishReason = reason }
        let calls = root["tool_calls"]?.countElements { _ in true } ?? 0
        facts.toolCalls = max(facts.toolCalls, calls)
        takeFigures(root, part)
        let keys = ["outputText", "generation", "completion", "text"]
        return keys.contains { part.filled($0) != nil || root.filled($0) != nil } ? .visible : nil
    }

    private mutating func takeFigures(_ root: JSONNode, _ part: JSONNode) {
        var tokens = TokenUsage()
        tokens.inputTotal = root.count("prompt_token_count") ?? root.count("inputTextTokenCount")
        tokens.outputTotal =
            root.count("generation_token_count") ?? root.count("totalOutputTextTokenCount") ?? part.count("tokenCount")
        if let meta = root.filled("meta") ?? root.filled("usage"), meta.filled("tokens") ?? meta.filled("billed_units") != nil {
            tokens = UsageRules.cohere(meta)
            facts.billed = [UsageRules.cohereBilled(meta)].compactMap { $0 }
        }
        guard tokens.inputTotal != nil || tokens.outputTotal != nil else { return }
        tokens.inputUncached = tokens.inputTotal
        facts.usage = tokens
        facts.isUsageFinal = true
    }
}
