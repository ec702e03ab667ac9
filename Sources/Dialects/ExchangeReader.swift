// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel

/// Reads what a recorded exchange says: models, tokens, finish, errors, reported cost, and when the output came.
package enum ExchangeReader {
    /// Reads one record by the reader of its API; a record of an API without a reader yields no more than the class of its error.
    ///
    /// Whether the answer was a stream was decided at capture (`head.responseStream`), yet bodies are read by what they look
    /// like: a body that starts with a field of an event stream is read as events whatever its label, one that starts with
    /// a bracket as JSON, and only where it starts with neither does `head.responseStream` decide.
    ///
    /// `ttftUs` and `firstVisibleUs` are the arrival times of the chunk that holds the last byte of the first event with
    /// output (with visible output). A plain answer has none, and no `tokensPerSecond` either: a blended rate is left out.
    /// `usageSource` is `partial` where the body ended before the provider's final figures.
    /// - Parameter record: any record; any bytes in its bodies.
    /// - Returns: what was found; nil members where the wire did not say.
    /// - Complexity: O(size of both bodies + chunks).
    package static func read(_ record: ExchangeRecord) -> ExchangeReading {
        switch record.head.api {
        case .some(.openaiChat): read(record, with: OpenAIChatReader())
        case .some(.openaiResponses): read(record, with: OpenAIResponsesReader())
        case .some(.openaiEmbeddings): read(record, with: OpenAIEmbeddingsReader())
        case .some(.anthropicMessages): read(record, with: AnthropicMessagesReader())
        default: readOpaque(record)
        }
    }

    private static func read(_ record: ExchangeRecord, with reader: some DialectReader) -> ExchangeReading {
        var reading = ExchangeReading()
        readRequest(record, into: &reading)
        var answer = AnswerWalk(record: record, reader: reader)
        answer.walk()
        let facts = answer.reader.facts
        reading.modelResponded = facts.modelResponded
        reading.finishReason = facts.finishReason
        reading.serviceTier = facts.serviceTier
        reading.toolCalls = record.responseBody.content == nil ? nil : facts.toolCalls
        reading.usage = facts.usage ?? TokenUsage()
        reading.usageSource = facts.usage == nil ? .absent : facts.isUsageFinal ? .reported : .partial
        reading.reportedCostNanousd = facts.costNanousd
        reading.ttftUs = answer.timing.firstUs
        reading.firstVisibleUs = answer.timing.firstVisibleUs
        if facts.isUsageFinal { reading.tokensPerSecond = answer.timing.tokensPerSecond(outputTotal: reading.usage.outputTotal) }
        reading.providerError = errorClass(record, firstMessage: answer.firstMessage, inBand: facts.error)
        return reading
    }

    private static func readOpaque(_ record: ExchangeRecord) -> ExchangeReading {
        var reading = ExchangeReading()
        guard (record.head.status ?? 0) >= 400 else { return reading }
        let message = record.responseBody.content.flatMap(JSONDocument.read)
        reading.providerError = errorClass(record, firstMessage: message?.root, inBand: nil)
        return reading
    }

    /// The provider's error, by its status or from inside the answer; nil where Weir itself gave the answer.
    private static func errorClass(_ record: ExchangeRecord, firstMessage: JSONNode?, inBand: ProviderErrorClass?) -> String? {
        guard record.head.errorSource != .gateway else { return nil }
        guard let status = record.head.status, status >= 400 else { return inBand?.rawValue }
        return ErrorClassifier.classify(status: status, root: firstMessage).rawValue
    }

    private static func readRequest(_ record: ExchangeRecord, into reading: inout ExchangeReading) {
        guard let body = record.requestBody.content, let document = JSONDocument.read(body) else { return }
        reading.modelRequested = document.root.name("model")
        reading.streamRequested = document.root["stream"]?.bool ?? false
    }
}

/// One walk over an answer's messages with the reader of its API.
private struct AnswerWalk<Reader: DialectReader> {
    private let body: [UInt8]
    private let isEvents: Bool
    private var clock: ArrivalClock
    private(set) var reader: Reader
    private(set) var timing = ContentTiming()
    /// The first message that is JSON.
    private(set) var firstMessage: JSONNode?

    init(record: ExchangeRecord, reader: Reader) {
        body = record.responseBody.content ?? []
        isEvents =
            switch BodyPrefixShape(body) {
            case .serverSentEvents: true
            case .json: false
            case .unknown: record.head.responseStream
            }
        clock = ArrivalClock(record.responseChunks)
        self.reader = reader
    }

    mutating func walk() {
        guard isEvents else {
            guard let document = JSONDocument.read(body) else { return }
            firstMessage = document.root
            _ = reader.take(AnswerMessage(root: document.root, eventName: nil, isEvent: false))
            return
        }
        for event in ServerSentEvents(body) { take(event) }
    }

    private mutating func take(_ event: ServerSentEvent) {
        if event.data.elementsEqual("[DONE]".utf8) { return reader.takeEndMark() }
        guard let document = JSONDocument.read(event.data) else { return }
        if firstMessage == nil { firstMessage = document.root }
        let message = AnswerMessage(root: document.root, eventName: event.name, isEvent: true)
        guard let kind = reader.take(message) else { return }
        timing.note(kind, at: clock.time(ofByteAt: event.endOffset - 1))
    }
}
