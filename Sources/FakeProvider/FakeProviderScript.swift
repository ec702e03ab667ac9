// SPDX-License-Identifier: Apache-2.0

/// How often the fake provider misbehaves on its own; each a probability from 0 to 1, drawn per attempt.
package struct FakeFaultRates: Sendable, Equatable {
    /// Answered with HTTP 500.
    package var serverError: Double
    /// Answered with HTTP 429 and `retry-after`.
    package var rateLimited: Double
    /// Answered with HTTP 529 (Anthropic messages only).
    package var overloaded: Double
    /// Cut somewhere in the body: half of them closed, half reset.
    package var cut: Double
    /// Stalled in the middle for the script's stall time.
    package var stall: Double

    /// Rates of each fault; none unless given.
    ///
    /// - Parameters:
    ///   - serverError: share answered with 500.
    ///   - rateLimited: share answered with 429.
    ///   - overloaded: share of Anthropic requests answered with 529.
    ///   - cut: share cut in the body.
    ///   - stall: share stalled in the middle.
    package init(
        serverError: Double = 0, rateLimited: Double = 0, overloaded: Double = 0, cut: Double = 0, stall: Double = 0
    ) {
        self.serverError = serverError
        self.rateLimited = rateLimited
        self.overloaded = overloaded
        self.cut = cut
        self.stall = stall
    }

    /// No faults at all.
    package static let none = FakeFaultRates()
    /// About what a provider shows on a middling day: three per cent of everything together.
    package static let everyday = FakeFaultRates(
        serverError: 0.006, rateLimited: 0.01, overloaded: 0.008, cut: 0.004, stall: 0.003)
}

/// An answer that a test prescribes byte for byte.
package struct FixedAnswer: Sendable {
    /// HTTP status.
    package var status: Int
    /// Answer headers in order; framing headers are added by the server.
    package var headers: [SeenHeader]
    /// Body bytes; each element is written and flushed on its own.
    package var chunks: [[UInt8]]
    /// Whether the body goes out with chunked framing rather than a content length.
    package var isChunked: Bool
    /// Microseconds before the first and between later chunks.
    package var gapMicroseconds: Int64

    /// An answer from its parts.
    ///
    /// - Parameters:
    ///   - status: HTTP status.
    ///   - headers: answer headers, framing excluded.
    ///   - chunks: body bytes by write.
    ///   - isChunked: whether to use chunked framing.
    ///   - gapMicroseconds: pause before each chunk.
    package init(
        status: Int = 200, headers: [SeenHeader] = [], chunks: [[UInt8]], isChunked: Bool = true, gapMicroseconds: Int64 = 0
    ) {
        self.status = status
        self.headers = headers
        self.chunks = chunks
        self.isChunked = isChunked
        self.gapMicroseconds = gapMicroseconds
    }
}

/// What the fake provider does: a value, so that a run can be repeated exactly.
package struct FakeProviderScript: Sendable {
    /// Everything drawn follows from this and from the request's target and body.
    package var seed: UInt64
    /// Drawn delays are divided by this; infinity means no delay.
    ///
    /// Delays forced by `x-fake` are exact.
    package var speed: Double
    /// Median of visible output tokens where neither request nor `x-fake` says otherwise.
    package var medianAnswerTokens: Int
    /// Share of requests with tools that are answered with a tool call (when the last message is not a tool's result).
    package var toolCallFraction: Double
    /// What goes wrong by itself.
    package var faults: FakeFaultRates
    /// Length of a stall in milliseconds, before division by `speed`.
    package var stallMilliseconds: Int64
    /// Seconds since 1970 that answers bear as their creation time; fixed, so that answers repeat byte for byte.
    package var createdAt: Int64
    /// The provider key that every request must bear, where its provider wants it and nowhere else; nil asks for none.
    package var demandedKey: String?
    /// The key with which requests to Bedrock may be signed (SigV4) instead; a signature is checked only where this is set.
    package var awsKey: FakeAWSKey?
    /// Whether answers are compressed as `Accept-Encoding` allows.
    package var compresses = false
    /// Asked first for every request; nil from it means: answer by the script.
    package var fixedAnswer: (@Sendable (SeenRequest) -> FixedAnswer?)?

    /// A script; the defaults are realistic in pace and free of faults.
    ///
    /// - Parameters:
    ///   - seed: source of everything drawn.
    ///   - speed: divisor of drawn delays.
    ///   - faults: what goes wrong by itself.
    package init(seed: UInt64 = 1, speed: Double = 1, faults: FakeFaultRates = .none) {
        self.seed = seed
        self.speed = speed
        self.faults = faults
        medianAnswerTokens = 90
        toolCallFraction = 0.35
        stallMilliseconds = 20_000
        createdAt = 1_767_225_600
    }

    /// No delays and no faults: for tests and throughput benchmarks.
    package static let instant = FakeProviderScript(speed: .infinity)

    /// Divides a drawn delay by the speed.
    func scaled(_ microseconds: Double) -> Int64 {
        guard speed > 0 else { return Int64(clamped(microseconds)) }
        return Int64(clamped(microseconds / speed))
    }

    private func clamped(_ microseconds: Double) -> Double {
        min(max(0, microseconds), Double(FakeProviderLimits.delayMilliseconds) * 1_000)
    }
}

/// How fast a model is: medians before spread and speed.
struct ModelPace: Equatable {
    var ttftMilliseconds: Double
    var gapMilliseconds: Double
    /// Whether the model thinks before it writes, unasked.
    var isReasoning: Bool

    static func of(_ model: String) -> ModelPace {
        if model.hasPrefix("text-embedding") { return ModelPace(ttftMilliseconds: 60, gapMilliseconds: 0, isReasoning: false) }
        let isReasoning = ["o1", "o3", "o4", "gpt-5", "gemini-2.5-pro", "gemini-3"].contains { model.hasPrefix($0) }
        if isReasoning { return ModelPace(ttftMilliseconds: 700, gapMilliseconds: 8, isReasoning: true) }
        if model.contains("haiku") { return ModelPace(ttftMilliseconds: 450, gapMilliseconds: 7, isReasoning: false) }
        if model.hasPrefix("claude") { return ModelPace(ttftMilliseconds: 900, gapMilliseconds: 16, isReasoning: false) }
        if model.contains("mini") || model.contains("nano") {
            return ModelPace(ttftMilliseconds: 380, gapMilliseconds: 9, isReasoning: false)
        }
        return ModelPace(ttftMilliseconds: 550, gapMilliseconds: 14, isReasoning: false)
    }
}
