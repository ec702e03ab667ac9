// SPDX-License-Identifier: Apache-2.0

/// Wraps bytes into playbacks with the headers of the provider at hand.
struct ErrorDesk {
    let provider: FakeProviderName
    var ids: SeededRandom
    var order = FakeOrder()

    private func headers(type: String, requestID: String, due: Int64) -> [SeenHeader] {
        let kind = SeenHeader(name: "Content-Type", value: type)
        switch provider {
        case .anthropic: return [kind, SeenHeader(name: "request-id", value: requestID)]
        case .bedrock: return [kind, SeenHeader(name: "x-amzn-RequestId", value: requestID)]
        case .gemini, .vertex: return [kind, SeenHeader(name: "Server-Timing", value: "gfet4t7; dur=\(due / 1_000)")]
        case .mistral: return [kind, SeenHeader(name: "mistral-correlation-id", value: requestID)]
        case .azure: return [kind, SeenHeader(name: "apim-request-id", value: requestID)]
        case .groq: return [kind, SeenHeader(name: "x-request-id", value: requestID)]
        case .cerebras, .cohere, .ollama, .openrouter: return [kind]
        case .openai:
            return [
                kind, SeenHeader(name: "x-request-id", value: requestID),
                SeenHeader(name: "openai-processing-ms", value: String(due / 1_000)),
                SeenHeader(name: "openai-version", value: "2020-10-01"),
            ]
        }
    }

    /// The shape of an error with a request id of its own.
    mutating func shape(_ status: Int, message: String? = nil) -> ErrorShape {
        ErrorShape(provider: provider, status: status, message: message, requestID: ids.identifier("req_", length: 24))
    }

    mutating func error(_ status: Int, due: Int64, message: String? = nil, amazonType: String? = nil) -> Playback {
        let shape = shape(status, message: message)
        let type = provider.isGoogle ? "application/json; charset=UTF-8" : "application/json"
        var playback = Playback(
            status: status, headers: headers(type: type, requestID: shape.requestID, due: due),
            chunks: [TimedChunk(dueMicroseconds: due, bytes: shape.body())], isChunked: false)
        if provider == .bedrock {
            playback.headers.append(SeenHeader(name: "x-amzn-ErrorType", value: amazonType ?? shape.amazonType))
        }
        if let seconds = order.retryAfter { playback.headers.append(SeenHeader(name: "retry-after", value: String(seconds))) }
        return playback
    }

    mutating func plain(_ json: [UInt8], due: Int64) -> Playback {
        content(
            ResourceShape.Content(
                bytes: json, type: provider.isGoogle ? "application/json; charset=UTF-8" : "application/json"), due: due)
    }

    mutating func content(_ content: ResourceShape.Content, due: Int64) -> Playback {
        let head = headers(type: content.type, requestID: ids.identifier("req_", length: 24), due: due)
        guard content.isStreamed else {
            return Playback(
                status: 200, headers: head, chunks: [TimedChunk(dueMicroseconds: due, bytes: content.bytes)], isChunked: false)
        }
        var chunks: [TimedChunk] = []
        var left = content.bytes[...]
        while !left.isEmpty {
            chunks.append(TimedChunk(dueMicroseconds: due, bytes: Array(left.prefix(4_096))))
            left = left.dropFirst(4_096)
        }
        return Playback(status: 200, headers: head, chunks: chunks, isChunked: true, headDueMicroseconds: due)
    }

    /// An answer without a body.
    mutating func bare(_ status: Int, due: Int64) -> Playback {
        var playback = Playback(
            status: status, headers: [SeenHeader(name: "x-request-id", value: ids.identifier("req_", length: 24))], chunks: [],
            isChunked: false, headDueMicroseconds: due)
        if status == 304 { playback.headers.append(SeenHeader(name: "ETag", value: "\"fake\"")) }
        playback.omitsBody = status != 205
        return playback
    }

    mutating func stream(_ chunks: [TimedChunk], headDue: Int64, framing: StreamFraming) -> Playback {
        let hasCharset = provider == .anthropic || provider == .mistral
        let type = framing.contentType + (framing == .events && hasCharset ? "; charset=utf-8" : "")
        var head = headers(type: type, requestID: ids.identifier("req_", length: 24), due: headDue)
        if framing == .events { head.append(SeenHeader(name: "Cache-Control", value: "no-cache")) }
        return Playback(status: 200, headers: head, chunks: chunks, isChunked: true, headDueMicroseconds: headDue)
    }

    /// The counts that Bedrock puts into headers of a plain InvokeModel.
    func countTokens(_ answer: ComposedAnswer, latency: Int64, _ playback: inout Playback) {
        guard let usage = answer.usage else { return }
        for (name, value) in [
            ("Invocation-Latency", Int(latency / 1_000)), ("Input-Token-Count", usage.uncached),
            ("Output-Token-Count", usage.output),
        ] {
            playback.headers.append(SeenHeader(name: "X-Amzn-Bedrock-" + name, value: String(value)))
        }
    }
}
