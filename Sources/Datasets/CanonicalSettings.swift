// SPDX-License-Identifier: Apache-2.0

/// In which form a request and its answer are written.
///
/// Not the API: InvokeModel of Bedrock has the form of its model.
package enum ConversationDialect: String, Sendable {
    case chat, responses, anthropic, gemini, converse, cohere, ollama
}

/// Where a provider keeps the history of a request.
package enum HistoryLink: Equatable, Sendable {
    /// In the response with this id: what it was asked, and what it answered.
    case response(String)
    /// In a conversation with this id, to which others may write too.
    case conversation(String)
}

/// A form that the caller demands of the answer.
package struct ResponseFormat: Equatable, Sendable {
    /// How much is demanded.
    package enum Kind: String, Sendable {
        /// Any JSON.
        case json
        /// JSON by a schema.
        case schema
        /// A grammar, an expression, one of a few words.
        case other
    }

    /// How much is demanded.
    package var kind: Kind
    /// What the caller calls it; nil where the API has no name for it or none was given.
    package var name: String?
    /// Whether the provider binds the model to the schema; nil where the request does not say.
    package var strict: Bool?
    /// The caller's lexemes in their order, without white space between them; nil without a schema.
    ///
    /// Of Gemini's `responseSchema` with its types in small letters, as everyone else writes them.
    package var schema: [UInt8]?
}

/// What a request says on how its answer is drawn: JSON texts as the caller wrote them, nil where the request says nothing.
package struct SamplingParameters: Equatable, Sendable {
    /// Of the drawing.
    package var temperature: String?
    /// The share of the likeliest tokens that is drawn from.
    package var topP: String?
    /// The bound on the answer's tokens, whatever its name.
    package var maxTokens: String?
    /// For drawing the same again.
    package var seed: String?
    /// In the API's own words.
    package var toolChoice: String?
    /// Whether one turn may hold several calls.
    package var parallelToolCalls: String?
}
