// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// One message of a conversation, reduced to its text.
struct AskedMessage: Equatable {
    var role: String
    var text: String
    var isToolResult = false

    /// Estimated tokens: four bytes each, and four for the envelope.
    var tokens: Int { 4 + (text.utf8.count + 3) / 4 }
}

/// A tool on offer: its name and the properties of its JSON schema.
struct OfferedTool {
    var name: String
    var properties: [(name: String, schema: JSONNode)]
}

/// What a request asks for, the same for all APIs.
struct AskedQuestion {
    enum ToolChoice { case auto, none, required }

    var api: FakeAPI
    var model: String
    var provider = FakeProviderName.openai
    var framing = StreamFraming.events
    var isStream = false
    var wantsStreamUsage = false
    var messages: [AskedMessage] = []
    var tools: [OfferedTool] = []
    var toolChoice = ToolChoice.auto
    var maxTokens: Int?
    var wantsJSON = false
    /// Anthropic: some block carries `cache_control`; and whether for an hour.
    var asksForCache = false
    var asksForHourCache = false
    /// Anthropic: extended thinking is on.
    var wantsThinking = false
    /// Embeddings: inputs as text, and what they count as.
    var inputs: [(text: String, tokens: Int)] = []
    var dimensions: Int?
    var wantsBase64 = false
    /// Responses: the tools as written, to be echoed.
    var toolsLexeme: [UInt8] = []

    var inputTokens: Int { messages.reduce(3 + tools.count * 40) { $0 + $1.tokens } }

    /// Tokens of the part that an earlier turn of the conversation has sent already; 0 in a first turn.
    var repeatedTokens: Int {
        guard let last = messages.lastIndex(where: { $0.role == "assistant" }) else { return 0 }
        return messages[..<last].reduce(3 + tools.count * 40) { $0 + $1.tokens }
    }

    /// Tokens of all but the last message: what a cache could keep.
    var prefixTokens: Int { inputTokens - (messages.last?.tokens ?? 0) }

    /// Whether writes to a cache are counted apart, and only where a cache is asked for.
    var paysForCacheWrites: Bool {
        switch api {
        case .converse: true
        default: api.isMessages
        }
    }

    var lastIsToolResult: Bool { messages.last?.isToolResult ?? false }
}

/// Reads request bodies of each API.
enum QuestionReader {
    static func read(_ api: FakeAPI, at place: FakePlace, body: [UInt8]) throws(FakeProviderError) -> AskedQuestion {
        let root = try object(body)
        var asked = AskedQuestion(api: api, model: try model(of: api, root))
        asked.provider = place.provider
        asked.framing = place.framing
        asked.isStream = place.isStream ?? (root["stream"]?.bool ?? (api == .ollamaChat))
        switch api {
        case .chat: try readChat(root, &asked)
        case .responses: try readResponses(root, &asked)
        case .messages, .invoke: try readMessages(root, &asked)
        case .embeddings: try readEmbeddings(root, &asked)
        case .generate: try readGenerate(root, &asked)
        case .embedContent(_, let isBatch): try readEmbedContent(root, isBatch: isBatch, &asked)
        case .converse: try readConverse(root, &asked)
        case .cohereChat, .ollamaChat: try readChat(root, &asked)
        case .resource: break
        }
        return asked
    }

    /// A body that must be a JSON object.
    static func object(_ body: [UInt8]) throws(FakeProviderError) -> JSONNode {
        let root: JSONNode
        do {
            root = try JSONDocument(body).root
        } catch {
            throw bad("We could not parse the JSON body of your request: \(error)")
        }
        guard root.kind == .object else { throw bad("The request body must be a JSON object.") }
        return root
    }

    private static func model(of api: FakeAPI, _ root: JSONNode) throws(FakeProviderError) -> String {
        switch api {
        case .generate(let model), .embedContent(let model, _), .converse(let model), .invoke(let model): return model
        default: break
        }
        guard let model = root["model"]?.string, !model.isEmpty else { throw bad("you must provide a model parameter") }
        return model
    }

    static func bad(_ message: String) -> FakeProviderError { FakeProviderError(code: .badRequest, message: message) }

    private static func readChat(_ root: JSONNode, _ asked: inout AskedQuestion) throws(FakeProviderError) {
        guard let messages = root["messages"], messages.kind == .array else {
            throw bad("Missing required parameter: 'messages'.")
        }
        for message in messages.elements {
            guard let role = message["role"]?.string else { throw bad("Missing required parameter: 'messages[].role'.") }
            var text = textOf(message["content"])
            for call in elements(message["tool_calls"]) { text += textOf(call["function"]?["arguments"]) }
            asked.messages.append(AskedMessage(role: role, text: text, isToolResult: role == "tool"))
        }
        asked.wantsStreamUsage = root["stream_options"]?["include_usage"]?.bool ?? false
        asked.maxTokens = bounded(root["max_completion_tokens"] ?? root["max_tokens"])
        asked.wantsJSON = root["response_format"]?["type"]?.string?.hasPrefix("json") ?? false
        asked.tools = elements(root["tools"]).compactMap { tool in
            tool["function"].flatMap { offered($0, schema: "parameters") }
        }
        asked.toolChoice = choice(root["tool_choice"])
    }

    private static func readResponses(_ root: JSONNode, _ asked: inout AskedQuestion) throws(FakeProviderError) {
        guard let input = root["input"] else { throw bad("Missing required parameter: 'input'.") }
        if let instructions = root["instructions"]?.string {
            asked.messages.append(AskedMessage(role: "system", text: instructions))
        }
        if let text = input.string {
            asked.messages.append(AskedMessage(role: "user", text: text))
        }
        for item in input.elements {
            switch item["type"]?.string ?? "message" {
            case "message":
                asked.messages.append(AskedMessage(role: item["role"]?.string ?? "user", text: textOf(item["content"])))
            case "function_call": asked.messages.append(AskedMessage(role: "assistant", text: textOf(item["arguments"])))
            case "function_call_output":
                asked.messages.append(AskedMessage(role: "tool", text: textOf(item["output"]), isToolResult: true))
            default: break
            }
        }
        asked.maxTokens = bounded(root["max_output_tokens"])
        asked.wantsJSON = root["text"]?["format"]?["type"]?.string?.hasPrefix("json") ?? false
        asked.tools = elements(root["tools"]).compactMap { offered($0, schema: "parameters") }
        asked.toolChoice = choice(root["tool_choice"])
        if let tools = root["tools"], tools.kind == .array { asked.toolsLexeme = Array(tools.lexeme) }
    }

    private static func readMessages(_ root: JSONNode, _ asked: inout AskedQuestion) throws(FakeProviderError) {
        guard let messages = root["messages"], messages.kind == .array else { throw bad("messages: Field required") }
        guard let limit = bounded(root["max_tokens"]) else { throw bad("max_tokens: Field required") }
        asked.maxTokens = limit
        noteCache(root, &asked)
        if let system = root["system"] {
            asked.messages.append(AskedMessage(role: "system", text: textOf(system)))
            for block in system.elements { noteCache(block, &asked) }
        }
        for message in messages.elements {
            guard let role = message["role"]?.string else { throw bad("messages: role: Field required") }
            let blocks = elements(message["content"])
            for block in blocks { noteCache(block, &asked) }
            let isResult = blocks.contains { $0["type"]?.string == "tool_result" }
            asked.messages.append(AskedMessage(role: role, text: textOf(message["content"]), isToolResult: isResult))
        }
        asked.wantsThinking = root["thinking"]?["type"]?.string == "enabled"
        asked.tools = elements(root["tools"]).compactMap { offered($0, schema: "input_schema") }
        asked.toolChoice = choice(root["tool_choice"]?["type"])
    }

    private static func readEmbeddings(_ root: JSONNode, _ asked: inout AskedQuestion) throws(FakeProviderError) {
        guard let input = root["input"] else { throw bad("Missing required parameter: 'input'.") }
        let isTokenList = input[0]?.kind == .number
        let texts = input.kind == .array && !isTokenList ? Array(input.elements) : [input]
        guard !texts.isEmpty, texts.count <= FakeProviderLimits.embeddingInputs else {
            throw bad("'input' must hold 1 to \(FakeProviderLimits.embeddingInputs) items.")
        }
        for node in texts {
            if let text = node.string {
                asked.inputs.append((text, max(1, (text.utf8.count + 3) / 4)))
            } else if node.kind == .array {
                asked.inputs.append(
                    (String(decoding: node.lexeme, as: UTF8.self), node.elements.reduce(0) { count, _ in count + 1 }))
            } else {
                throw bad("'input' must be a string, an array of strings or an array of tokens.")
            }
        }
        asked.wantsBase64 = root["encoding_format"]?.string == "base64"
        if let wanted = root["dimensions"]?.int {
            guard (1...Int64(FakeProviderLimits.embeddingDimensions)).contains(wanted) else {
                throw bad("'dimensions' is out of range.")
            }
            asked.dimensions = Int(wanted)
        }
    }

    static func noteCache(_ node: JSONNode, _ asked: inout AskedQuestion) {
        guard let control = node["cache_control"], control.kind == .object else { return }
        asked.asksForCache = true
        if control["ttl"]?.string == "1h" { asked.asksForHourCache = true }
    }

    static func elements(_ node: JSONNode?) -> [JSONNode] { node.map { Array($0.elements) } ?? [] }

    static func bounded(_ node: JSONNode?) -> Int? {
        guard let value = node?.int, value > 0 else { return nil }
        return Int(min(value, Int64(FakeProviderLimits.answerTokens)))
    }

    static func choice(_ node: JSONNode?) -> AskedQuestion.ToolChoice {
        guard let node, !node.isNull else { return .auto }
        switch node.string {
        case "auto": return .auto
        case "none": return .none
        default: return .required
        }
    }

    static func offered(_ node: JSONNode, schema: String) -> OfferedTool? {
        guard let name = node["name"]?.string else { return nil }
        var properties: [(name: String, schema: JSONNode)] = []
        if let members = node[schema]?["properties"]?.members {
            for (key, value) in members { properties.append((key.string ?? "", value)) }
        }
        return OfferedTool(name: name, properties: properties)
    }

    /// The text of a content value: a string, or the texts of its parts.
    static func textOf(_ node: JSONNode?) -> String {
        guard let node else { return "" }
        if let text = node.string { return text }
        var whole = ""
        for part in node.elements {
            let text = part["text"]?.string ?? part["thinking"]?.string ?? part["content"]?.string
            if let text {
                whole += text
            } else if let nested = part["content"], nested.kind == .array {
                for inner in nested.elements { whole += inner["text"]?.string ?? "" }
            } else if let input = part["input"] {
                whole += String(decoding: input.lexeme, as: UTF8.self)
            }
        }
        return whole
    }
}
