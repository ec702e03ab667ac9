// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Reads APIs whose answer is a result with a usage beside it: embeddings of others, images, audio, moderations, rerankings.
///
/// Images and audio may come as events; the usage is then in the last one.
struct SmallReader: DialectReader {
    /// Which of them.
    enum Kind {
        case geminiEmbed, cohereEmbed, vertexPredict, rerank, images, audio, moderations
    }

    private let kind: Kind
    private(set) var facts = AnswerFacts()

    init(_ kind: Kind) { self.kind = kind }

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        if let model = root.name("model") ?? root.name("modelVersion") { facts.modelResponded = model }
        if let tier = root.name("service_tier") { facts.serviceTier = tier }
        if let error = root.filled("error") { facts.takeError(error) }
        takeUsage(root)
        guard message.isEvent, let type = root.name("type") ?? message.eventName else { return nil }
        let isPiece = type.hasSuffix(".delta") || type.hasSuffix(".partial_image") || type.hasSuffix(".completed")
        return isPiece && ["delta", "audio", "b64_json"].contains { root.filled($0) != nil } ? .visible : nil
    }

    private mutating func takeUsage(_ root: JSONNode) {
        switch kind {
        case .geminiEmbed:
            if let usage = root.filled("usageMetadata"), usage.kind == .object { set(UsageRules.gemini(usage)) }
        case .vertexPredict: takePredictions(root)
        case .cohereEmbed:
            guard let meta = root.filled("meta"), meta.filled("billed_units") != nil else { return }
            set(UsageRules.cohere(meta))
            facts.billed = [UsageRules.cohereBilled(meta)].compactMap { $0 }
        case .rerank: takeRerank(root)
        case .images, .audio, .moderations:
            guard let usage = root.filled("usage"), usage.kind == .object else { return }
            set(usage["prompt_tokens"] == nil ? UsageRules.media(usage) : UsageRules.plain(usage))
            facts.takeCost(usage)
            takeUnits(of: usage)
        }
    }

    private mutating func set(_ tokens: TokenUsage) {
        facts.usage = tokens
        facts.isUsageFinal = true
    }

    /// What is billed by the second.
    private mutating func takeUnits(of usage: JSONNode) {
        guard let seconds = usage.count("seconds") else { return }
        var billed = BilledUsage(kind: usage.name("type") ?? "duration")
        billed.units = [NamedCount(name: "seconds", count: seconds)]
        facts.billed = [billed]
    }

    /// Vertex: each prediction has its own count.
    private mutating func takePredictions(_ root: JSONNode) {
        var total: Int64?
        for prediction in root["predictions"]?.elements ?? JSONNode.noElements {
            if let count = prediction["embeddings"]?["statistics"]?.count("token_count") { total = sum(total, count) }
        }
        guard let total else { return }
        var tokens = TokenUsage()
        tokens.inputTotal = total
        set(tokens)
    }

    /// A reranking's total is of query and documents together and is no input by itself.
    private mutating func takeRerank(_ root: JSONNode) {
        if let usage = root.filled("usage"), usage.kind == .object {
            set(UsageRules.plain(usage))
            facts.takeCost(usage)
            if let searches = usage.count("search_units") {
                var billed = BilledUsage(kind: "search_units")
                billed.units = [NamedCount(name: "search_units", count: searches)]
                facts.billed = [billed]
            }
        } else if let meta = root.filled("meta"), let billed = UsageRules.cohereBilled(meta) {
            set(UsageRules.cohere(meta))
            facts.billed = [billed]
        }
    }
}

/// Reads what counts tokens and generates nothing: the count is an answer, not a usage.
struct CountTokensReader: DialectReader {
    private(set) var facts = AnswerFacts()

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        if let error = message.root.filled("error") { facts.takeError(error) }
        return nil
    }
}

/// Reads what belongs to no known API by the shape of its answer: a model, a usage, an error.
///
/// Objects that a known API made earlier and that are now fetched are read by its reader; they generate nothing now.
struct GenericReader: DialectReader {
    private var own = AnswerFacts()
    private var known: (any DialectReader)?

    var facts: AnswerFacts { known?.facts ?? own }

    mutating func take(_ message: AnswerMessage) -> ContentKind? {
        let root = message.root
        if known == nil { known = GenericReader.reader(for: root) }
        if known != nil { return known?.take(message) }
        if let model = root.name("model") ?? root.name("modelVersion") { own.modelResponded = model }
        if let tier = root.name("service_tier") { own.serviceTier = tier }
        if message.isException { own.takeError(root, name: message.eventName) }
        if message.isEvent, let error = root.filled("error") { own.takeError(error) }
        let usage = root.filled("usage") ?? root.filled("usageMetadata") ?? root.filled("meta").flatMap(GenericReader.counted)
        if let usage, usage.kind == .object {
            own.usage = UsageRules.byShape(usage)
            own.isUsageFinal = true
            own.takeCost(usage)
            own.billed = [UsageRules.cohereBilled(usage)].compactMap { $0 }
        }
        return nil
    }

    private static func counted(_ meta: JSONNode) -> JSONNode? {
        meta.filled("billed_units") == nil && meta.filled("tokens") == nil ? nil : meta
    }

    private static func reader(for root: JSONNode) -> (any DialectReader)? {
        switch root.name("object") {
        case "response": return OpenAIResponsesReader()
        case "chat.completion", "chat.completion.chunk", "text_completion": return OpenAIChatReader()
        default: break
        }
        let isMessage = root["type"]?.equals("message") ?? false && root["usage"] != nil && root["content"] != nil
        return isMessage || root["type"]?.equals("message_start") ?? false ? AnthropicMessagesReader() : nil
    }
}
