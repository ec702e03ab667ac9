// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel

/// Reads what a recorded exchange says: models, tokens, finish, errors, reported cost, and when the output came.
package enum ExchangeReader {
    /// Changes whenever the same bytes may be read differently; part of what a derived fact is derived by.
    package static let version = "r2"

    /// Reads one record by the reader of its API; a record of an opaque route by the shape of its answer.
    ///
    /// Whether the answer was a stream was decided at capture (`head.responseStream`), yet bodies are read by what they look
    /// like: a body that starts with a field of an event stream is read as events whatever its label, one that starts with
    /// a bracket as JSON, one that starts with a binary message as such, and only where none is there does
    /// `head.responseStream` decide.
    ///
    /// `ttftUs` and `firstVisibleUs` are the arrival times of the chunk that holds the last byte of the first event with
    /// output (with visible output). A plain answer has none, and no `tokensPerSecond` either: a blended rate is left out.
    /// `usageSource` is `partial` where the body ended before the provider's final figures. `toolCalls` is nil where bytes of
    /// the answer are missing.
    /// - Parameter record: any record; any bytes in its bodies.
    /// - Returns: what was found; nil members where the wire did not say, and in `fault` why it could not be read.
    /// - Complexity: O(size of both bodies + chunks).
    package static func read(_ record: ExchangeRecord) -> ExchangeReading {
        switch record.head.api {
        case .some(.openaiChat), .some(.openaiCompletions): read(record, with: OpenAIChatReader())
        case .some(.openaiResponses): read(record, with: OpenAIResponsesReader())
        case .some(.openaiResponsesAux): readAux(record)
        case .some(.openaiEmbeddings): read(record, with: OpenAIEmbeddingsReader())
        case .some(.openaiImages): read(record, with: SmallReader(.images))
        case .some(.openaiAudio): read(record, with: SmallReader(.audio))
        case .some(.openaiModerations): read(record, with: SmallReader(.moderations))
        case .some(.openaiRealtime): read(record, with: RealtimeReader())
        case .some(.anthropicMessages): read(record, with: AnthropicMessagesReader())
        case .some(.geminiGenerate): read(record, with: GeminiReader())
        case .some(.geminiInteractions): read(record, with: InteractionsReader())
        case .some(.geminiEmbed): read(record, with: SmallReader(.geminiEmbed))
        case .some(.vertexPredict): read(record, with: SmallReader(.vertexPredict))
        case .some(.anthropicCountTokens), .some(.geminiCountTokens): read(record, with: CountTokensReader(), isBillable: false)
        case .some(.cohereChat): read(record, with: CohereReader())
        case .some(.cohereEmbed): read(record, with: SmallReader(.cohereEmbed))
        case .some(.rerank): read(record, with: SmallReader(.rerank))
        case .some(.ollama): read(record, with: OllamaReader())
        case .some(.bedrockConverse): read(record, with: ConverseReader())
        case .some(.bedrockInvoke): read(record, with: InvokeReader(headers: record.responseHeaders))
        default: read(record, with: GenericReader(), isBillable: false)
        }
    }

    /// The model that a request asks for, verbatim: of the path for APIs that put it there, else of the body.
    ///
    /// - Parameter record: any record; its answer is not looked at.
    /// - Returns: nil where the request names none.
    package static func modelRequested(_ record: ExchangeRecord) -> String? { RequestReader.read(record).model }

    /// The model that a path names, percent-decoded.
    ///
    /// - Parameter path: as received.
    /// - Returns: nil where it names none.
    package static func modelInPath(_ path: String) -> String? { ModelFromPath.model(path) }

    /// `/responses/compact` generates; `/responses/input_tokens` counts.
    private static func readAux(_ record: ExchangeRecord) -> ExchangeReading {
        let path = record.head.path.utf8.prefix { $0 != UInt8(ascii: "?") }
        guard path.suffix(13).elementsEqual("/input_tokens".utf8) else { return read(record, with: OpenAIResponsesReader()) }
        return read(record, with: CountTokensReader(), isBillable: false)
    }

    private static func read(
        _ record: ExchangeRecord, with reader: some DialectReader, isBillable: Bool = true
    ) -> ExchangeReading {
        var reading = ExchangeReading()
        let request = RequestReader.read(record)
        reading.modelRequested = request.model
        reading.streamRequested = request.isStream
        var answer = AnswerWalk(
            record.responseBody, framing: .of(record, record.responseBody.content ?? []), headers: record.responseHeaders,
            chunks: record.responseChunks, reader: reader)
        answer.walk()
        let facts = answer.reader.facts
        reading.modelResponded = facts.modelResponded
        reading.finishReason = facts.finishReason
        reading.serviceTier = facts.serviceTier
        reading.toolCalls = isAnswerKnown(record) && !answer.isCut ? facts.toolCalls : nil
        reading.usage = facts.usage ?? TokenUsage()
        reading.usageSource = facts.usage == nil ? .absent : facts.isUsageFinal ? .reported : .partial
        reading.reportedCostNanousd = facts.costNanousd
        reading.isRefusal = facts.isRefusal
        reading.isBillable = isBillable && record.head.status.map { $0 < 400 } ?? false
        reading.timings = facts.timings
        reading.serverTools = facts.serverTools
        reading.billed = facts.billed
        reading.fault = answer.fault
        setTimes(of: answer, isFinal: facts.isUsageFinal, into: &reading)
        let failure = failure(of: record, firstMessage: answer.firstMessage, facts)
        reading.providerError = failure?.errorClass.rawValue
        reading.providerErrorCode = failure?.code
        return reading
    }

    /// Whether the bytes of the answer are there; an answer that came without a body is known to have none.
    private static func isAnswerKnown(_ record: ExchangeRecord) -> Bool {
        let body = record.responseBody
        return body.content != nil || record.head.status != nil && body.wireByteCount == 0 && body.kept == .full
    }

    private static func setTimes<Reader>(of answer: AnswerWalk<Reader>, isFinal: Bool, into reading: inout ExchangeReading) {
        let timing = answer.timing
        reading.firstEventUs = timing.firstEventUs
        reading.ttftUs = timing.firstUs
        reading.firstReasoningUs = timing.firstHiddenUs
        reading.firstVisibleUs = timing.firstVisibleUs
        reading.contentSpanUs = timing.spanUs
        // Across a joint the gap between two events is that of all the events between them.
        reading.gaps = answer.isCut ? nil : timing.gaps
        if isFinal { reading.tokensPerSecond = timing.tokensPerSecond(outputTotal: reading.usage.outputTotal) }
    }

    /// The provider's error, by its status or from inside the answer; nil where Weir itself gave the answer.
    private static func failure(of record: ExchangeRecord, firstMessage: JSONNode?, _ facts: AnswerFacts) -> ProviderFailure? {
        guard record.head.errorSource != .gateway else { return nil }
        guard let status = record.head.status, status >= 400 else {
            return facts.error.map { ProviderFailure(errorClass: $0, code: facts.errorCode) }
        }
        let named = record.responseHeaders.last { $0.name.lowercased() == "x-amzn-errortype" }
        return ErrorClassifier.failure(
            status: status, root: firstMessage, name: named.flatMap { ErrorClassifier.name(inHeader: $0.value) })
    }
}
