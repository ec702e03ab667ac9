// SPDX-License-Identifier: Apache-2.0

/// How an exchange ended (`record.md`, `outcome`); a closed list.
package enum Outcome: String, Sendable, CaseIterable {
    /// The provider's answer, whatever its status, reached the caller whole.
    case completed
    /// The caller went away first.
    case clientClosed = "client_closed"
    /// The provider could not be reached, or its answer broke.
    case upstreamFailed = "upstream_failed"
    /// A time limit of Weir's ran out.
    case timedOut = "timed_out"
    /// Weir refused before any attempt.
    case refused
    /// Weir itself failed.
    case gatewayFailed = "gateway_failed"
    /// The process died; written at the next start.
    case gatewayCrashed = "gateway_crashed"
    /// Weir ended the answer after its first byte.
    case truncated
}

/// Who caused an error (`record.md`, `error_source`).
package enum ErrorSource: String, Sendable {
    case gateway, provider
}

/// The shape of an API, told by its route (`record.md`, `api`).
///
/// Open-ended: a new family is a new static.
package struct APIFamily: RawRepresentable, Hashable, Sendable {
    /// The name in records.
    package let rawValue: String

    /// Wraps a name.
    package init(rawValue: String) { self.rawValue = rawValue }

    /// OpenAI chat completions.
    package static let openaiChat = APIFamily(rawValue: "openai-chat")
    /// OpenAI Responses.
    package static let openaiResponses = APIFamily(rawValue: "openai-responses")
    /// OpenAI embeddings.
    package static let openaiEmbeddings = APIFamily(rawValue: "openai-embeddings")
    /// OpenAI completions, the older ones, with the fill-in-the-middle and agent routes of others.
    package static let openaiCompletions = APIFamily(rawValue: "openai-completions")
    /// OpenAI image generations, edits and variations.
    package static let openaiImages = APIFamily(rawValue: "openai-images")
    /// OpenAI speech, transcriptions and translations.
    package static let openaiAudio = APIFamily(rawValue: "openai-audio")
    /// OpenAI moderations.
    package static let openaiModerations = APIFamily(rawValue: "openai-moderations")
    /// OpenAI Realtime over a WebSocket.
    package static let openaiRealtime = APIFamily(rawValue: "openai-realtime")
    /// Routes beside Responses that generate nothing to bill as one: compact, input_tokens.
    package static let openaiResponsesAux = APIFamily(rawValue: "openai-responses-aux")
    /// Anthropic messages.
    package static let anthropicMessages = APIFamily(rawValue: "anthropic-messages")
    /// Gemini generateContent, streamed or not.
    package static let geminiGenerate = APIFamily(rawValue: "gemini-generate")
    /// Anthropic count_tokens.
    package static let anthropicCountTokens = APIFamily(rawValue: "anthropic-count-tokens")
    /// Gemini embedContent, one or many.
    package static let geminiEmbed = APIFamily(rawValue: "gemini-embed")
    /// Gemini countTokens.
    package static let geminiCountTokens = APIFamily(rawValue: "gemini-count-tokens")
    /// Gemini interactions.
    package static let geminiInteractions = APIFamily(rawValue: "gemini-interactions")
    /// Vertex AI predict, for models of no other shape.
    package static let vertexPredict = APIFamily(rawValue: "vertex-predict")
    /// Cohere chat.
    package static let cohereChat = APIFamily(rawValue: "cohere-chat")
    /// Cohere embed.
    package static let cohereEmbed = APIFamily(rawValue: "cohere-embed")
    /// Rerankings of Cohere and those that took its shape.
    package static let rerank = APIFamily(rawValue: "rerank")
    /// Ollama's own chat and generate.
    package static let ollama = APIFamily(rawValue: "ollama")
    /// Bedrock Converse, streamed or not.
    package static let bedrockConverse = APIFamily(rawValue: "bedrock-converse")
    /// Bedrock InvokeModel, streamed or not.
    package static let bedrockInvoke = APIFamily(rawValue: "bedrock-invoke")

    /// Every family with a name here.
    package static let known: [APIFamily] = [
        .openaiChat, .openaiResponses, .openaiEmbeddings, .openaiCompletions, .openaiImages, .openaiAudio, .openaiModerations,
        .openaiRealtime, .openaiResponsesAux, .anthropicMessages, .geminiGenerate, .anthropicCountTokens, .geminiEmbed,
        .geminiCountTokens, .geminiInteractions, .vertexPredict, .cohereChat, .cohereEmbed, .rerank, .ollama, .bedrockConverse,
        .bedrockInvoke,
    ]
}
