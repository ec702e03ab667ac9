// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Whose manners an answer has; the raw value, as the first segment of a path, asks for them (`/mistral/v1/...`).
enum FakeProviderName: String {
    case openai, anthropic, gemini, groq, cerebras, openrouter, mistral, cohere, bedrock, ollama
    case vertex = "vertex-ai"
    case azure = "azure-openai"

    /// Whether errors have Google's shape.
    var isGoogle: Bool { self == .gemini || self == .vertex }
}

/// How a stream is framed.
enum StreamFraming {
    case events, array, eventStream, lines

    var contentType: String {
        switch self {
        case .events: "text/event-stream"
        case .array: "application/json; charset=UTF-8"
        case .eventStream: "application/vnd.amazon.eventstream"
        case .lines: "application/x-ndjson"
        }
    }
}

/// What is not a conversation: answered from the request line and the body's outline.
enum FakeResource: Equatable {
    case models, model(String)
    case images, speech, transcription, moderation
    case upload, files, file(String), fileContent(String), deletedFile(String)
    case newBatch, batches, batch(String)
    case tokenCount, newMessageBatch, messageBatches, messageBatch(String), messageBatchResults(String)
    case realtime
    case geminiTokenCount, geminiModels, geminiModel(String)
}

/// The APIs that are answered.
enum FakeAPI: Equatable {
    case chat, responses, embeddings, messages
    /// Gemini; the model is named by the path.
    case generate(model: String)
    case embedContent(model: String, isBatch: Bool)
    case converse(model: String)
    /// Anthropic's messages with the model in the path, at Bedrock or Vertex.
    case invoke(model: String)
    case cohereChat, ollamaChat
    case resource(FakeResource)

    /// Whether questions and answers have the shape of Anthropic's messages.
    var isMessages: Bool {
        switch self {
        case .messages, .invoke: true
        default: false
        }
    }

    /// Whether vectors are answered.
    var isEmbedding: Bool {
        switch self {
        case .embeddings, .embedContent: true
        default: false
        }
    }
}

/// Where a request points: whose manners, which API, and how a stream would be framed.
struct FakePlace {
    var provider: FakeProviderName
    var api: FakeAPI?
    /// Set where the path alone says whether the answer is streamed.
    var isStream: Bool?
    var framing = StreamFraming.events

    /// Reads a request line; the two marks are headers that tell the providers of `/v1/models` apart.
    init(method: String, target: String, hasAnthropicVersion: Bool = false, hasGoogleKey: Bool = false) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? parts[1] : ""
        var segments = (parts.first ?? "").split(separator: "/").map(String.init)
        var named: FakeProviderName?
        if let first = segments.first, segments.count > 1, let name = FakeProviderName(rawValue: first),
            !(first == "openai" && ["deployments", "v1"].contains(segments[1]))
        {
            named = name
            segments.removeFirst()
        }
        // A HEAD is answered as the GET of its path, or as a POST where there is none.
        let methods = method == "HEAD" ? ["GET", "POST"] : [method]
        provider = named ?? .openai
        for method in methods where api == nil {
            if hasGoogleKey, method == "GET", segments.first == "v1" { segments[0] = "v1beta" }
            read(method, segments, query: String(query), named: named, hasAnthropicVersion)
        }
    }

    private mutating func read(
        _ method: String, _ segments: [String], query: String, named: FakeProviderName?, _ hasAnthropicVersion: Bool
    ) {
        let isSSE = query.split(separator: "&").contains("alt=sse")
        switch (segments.first, segments.count) {
        case ("model", 3) where method == "POST": readBedrock(segments)
        case ("openai", 4...) where segments[1] == "deployments":
            provider = .azure
            api = Self.openAI(method, Array(segments[3...]))
        case ("openai", 3...) where segments[1] == "v1":
            provider = named ?? .groq
            api = Self.openAI(method, Array(segments[2...]))
        case ("api", 2) where segments[1] == "chat" && method == "POST":
            (provider, api, framing) = (named ?? .ollama, .ollamaChat, .lines)
        case ("api", 3...) where segments[1] == "v1":
            provider = named ?? .openrouter
            api = Self.openAI(method, Array(segments[2...]))
        case ("v2", 2) where segments[1] == "chat" && method == "POST": (provider, api) = (named ?? .cohere, .cohereChat)
        case ("v1beta", 2...), ("v1beta1", 2...), ("v1", 2...):
            if readGoogle(method, segments, isSSE: isSSE, named: named) { return }
            guard segments[0] == "v1" else { return }
            let isAnthropic = segments[1] == "messages" || (segments[1] == "models" && hasAnthropicVersion)
            if isAnthropic { provider = named ?? .anthropic }
            api = isAnthropic ? Self.anthropic(method, Array(segments[1...])) : Self.openAI(method, Array(segments[1...]))
        default: api = Self.openAI(method, segments)
        }
    }

    private mutating func readBedrock(_ segments: [String]) {
        provider = .bedrock
        let model = PercentDecoding.decoded(segments[1])
        switch segments[2] {
        case "converse": (api, isStream) = (.converse(model: model), false)
        case "converse-stream": (api, isStream) = (.converse(model: model), true)
        case "invoke": (api, isStream) = (.invoke(model: model), false)
        case "invoke-with-response-stream": (api, isStream) = (.invoke(model: model), true)
        default: break
        }
        framing = .eventStream
    }

    /// Takes the paths of Gemini and Vertex AI; false for any other.
    private mutating func readGoogle(_ method: String, _ segments: [String], isSSE: Bool, named: FakeProviderName?) -> Bool {
        if segments.suffix(2) == ["chat", "completions"], segments.contains("openapi") || segments.contains("openai") {
            (provider, api) = (segments.contains("openapi") ? .vertex : .gemini, method == "POST" ? .chat : nil)
            return true
        }
        let isVertex = segments.contains("publishers")
        let last = PercentDecoding.decoded(segments[segments.count - 1])
        if method == "GET", segments[0] != "v1", segments[1] == "models" {
            provider = .gemini
            if segments.count == 2 { api = .resource(.geminiModels) }
            if segments.count == 3 { api = .resource(.geminiModel(last)) }
            return true
        }
        guard method == "POST", segments.count > 2, segments[segments.count - 2] == "models",
            let colon = last.lastIndex(of: ":")
        else { return false }
        let model = String(last[..<colon])
        let isFramed = isVertex || segments[0] != "v1" || segments[1] == "models"
        guard isFramed else { return false }
        switch last[last.index(after: colon)...] {
        case "generateContent": (api, isStream) = (.generate(model: model), false)
        case "streamGenerateContent":
            (api, isStream, framing) = (.generate(model: model), true, isSSE ? .events : .array)
        case "embedContent": api = .embedContent(model: model, isBatch: false)
        case "batchEmbedContents": api = .embedContent(model: model, isBatch: true)
        case "countTokens": api = .resource(.geminiTokenCount)
        case "rawPredict": (api, isStream) = (.invoke(model: model), false)
        case "streamRawPredict": (api, isStream) = (.invoke(model: model), true)
        default: return false
        }
        provider = isVertex ? .vertex : named ?? .gemini
        return true
    }

    private static func anthropic(_ method: String, _ path: [String]) -> FakeAPI? {
        switch (method, path.count) {
        case ("GET", 1) where path[0] == "models": .resource(.models)
        case ("GET", 2) where path[0] == "models": .resource(.model(path[1]))
        case ("POST", 1): .messages
        case ("POST", 2) where path[1] == "count_tokens": .resource(.tokenCount)
        case ("POST", 2) where path[1] == "batches": .resource(.newMessageBatch)
        case ("GET", 2) where path[1] == "batches": .resource(.messageBatches)
        case ("GET", 3) where path[1] == "batches": .resource(.messageBatch(path[2]))
        case ("GET", 4) where path[1] == "batches" && path[3] == "results": .resource(.messageBatchResults(path[2]))
        case ("POST", 4) where path[1] == "batches" && path[3] == "cancel": .resource(.messageBatch(path[2]))
        default: nil
        }
    }

    private static func openAI(_ method: String, _ path: [String]) -> FakeAPI? {
        let first = path.joined(separator: "/")
        if method == "POST" {
            switch first {
            case "chat/completions": return .chat
            case "responses": return .responses
            case "embeddings": return .embeddings
            case "images/generations", "images/edits": return .resource(.images)
            case "audio/speech": return .resource(.speech)
            case "audio/transcriptions", "audio/translations": return .resource(.transcription)
            case "moderations": return .resource(.moderation)
            case "files": return .resource(.upload)
            case "batches": return .resource(.newBatch)
            default: return path.count == 3 && path[0] == "batches" ? .resource(.batch(path[1])) : nil
            }
        }
        guard let kind = path.first, path.count <= 3 else { return nil }
        switch (method, kind, path.count) {
        case ("GET", "models", 1): return .resource(.models)
        case ("GET", "models", _): return .resource(.model(PercentDecoding.decoded(path[1...].joined(separator: "/"))))
        case ("GET", "realtime", 1): return .resource(.realtime)
        case ("GET", "files", 1): return .resource(.files)
        case ("GET", "files", 2): return .resource(.file(path[1]))
        case ("GET", "files", 3) where path[2] == "content": return .resource(.fileContent(path[1]))
        case ("DELETE", "files", 2): return .resource(.deletedFile(path[1]))
        case ("GET", "batches", 1): return .resource(.batches)
        case ("GET", "batches", 2): return .resource(.batch(path[1]))
        default: return nil
        }
    }
}
