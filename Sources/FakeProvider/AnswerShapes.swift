// SPDX-License-Identifier: Apache-2.0

/// Puts the shape of its API on a composed answer.
struct AnswerShapes {
    let script: FakeProviderScript
    let answer: ComposedAnswer
    /// Milliseconds that the provider says it took.
    let latency: Int64

    func events() -> [AnswerEvent] {
        switch answer.asked.api {
        case .responses: ResponsesShape.events(answer)
        case .messages: MessagesShape(answer: answer).events()
        case .invoke where answer.asked.framing == .eventStream:
            InvokeStreamShape.events(answer, latencyMilliseconds: latency)
        case .invoke: MessagesShape(answer: answer).events()
        case .generate: GeminiShape(answer: answer).events()
        case .converse: ConverseShape(answer: answer, latencyMilliseconds: latency).events()
        case .cohereChat: CohereShape(answer: answer).events()
        case .ollamaChat: OllamaShape(answer: answer).events()
        case .chat, .embeddings, .embedContent, .resource: ChatShape(answer: answer).events()
        }
    }

    func plain() -> [UInt8] {
        switch answer.asked.api {
        case .responses: ResponsesShape(answer: answer).plain()
        case .messages, .invoke: MessagesShape(answer: answer).plain()
        case .embeddings: EmbeddingsShape.plain(answer, seed: script.seed)
        case .generate: GeminiShape(answer: answer).plain()
        case .embedContent: GeminiShape.embeddings(answer, seed: script.seed)
        case .converse: ConverseShape(answer: answer, latencyMilliseconds: latency).plain()
        case .cohereChat: CohereShape(answer: answer).plain()
        case .ollamaChat: OllamaShape(answer: answer).plain()
        case .chat, .resource: ChatShape(answer: answer).plain()
        }
    }
}
