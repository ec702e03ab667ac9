// SPDX-License-Identifier: Apache-2.0

/// Limits of the fake provider and of the traffic driver.
package struct FakeProviderLimits {
    /// Requests remembered by the server; older ones are forgotten first.
    package static let seenRequests = 4_096
    /// Body bytes kept for one remembered request; the rest is counted only.
    package static let seenBodyBytes = 1 << 20
    /// Body bytes kept over all remembered requests; older bodies make room first.
    package static let seenTotalBytes = 256 << 20
    /// Request body bytes accepted; more is answered with 413.
    package static let requestBodyBytes = 32 << 20
    /// Output tokens of one answer, at most.
    package static let answerTokens = 32_768
    /// Embedding inputs in one request, at most (as OpenAI).
    package static let embeddingInputs = 2_048
    /// Dimensions of one embedding, at most.
    package static let embeddingDimensions = 4_096
    /// Distinct request bodies whose repetitions are counted; then counting starts over.
    package static let countedBodies = 65_536
    /// Forced or drawn delay of one step in milliseconds, at most (ten minutes).
    package static let delayMilliseconds: Int64 = 600_000
    /// Bytes of the `x-fake` header's value.
    package static let orderBytes = 512
    /// Parts of one multipart form, at most.
    static let formParts = 64
    /// Pieces that `write_bytes` cuts an answer into, at most; the rest goes out whole.
    static let writePieces = 1 << 20
    /// Payload bytes of one WebSocket message, at most.
    package static let messageBytes = 16 << 20
    /// Events of one WebSocket connection that wait for their time, at most.
    static let waitingEvents = 65_536
    /// Milliseconds between the last byte and a reset, so that the client can read what was sent.
    static let resetDelayMilliseconds: Int64 = 5
    /// Connections waiting to be accepted.
    static let backlog: Int32 = 1_024

    /// Answer bytes that the driver keeps of one exchange; a longer answer counts as failed.
    package static let driverAnswerBytes = 16 << 20
    /// Seconds the driver waits for one exchange to end.
    package static let driverExchangeSeconds: Int64 = 120
    /// Exchanges of one drive, at most.
    package static let driverExchanges = 10_000_000
    /// Concurrent connections of one drive, at most.
    package static let driverConcurrency = 4_096
}
