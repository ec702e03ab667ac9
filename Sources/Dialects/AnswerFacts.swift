// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// One JSON message of an answer: an event of a stream, or the whole of a plain answer.
struct AnswerMessage {
    let root: JSONNode
    /// The event's own name; nil for a plain answer.
    let eventName: String?
    /// Whether this is one event of a stream.
    let isEvent: Bool
}

/// What one API's reader has gathered from an answer.
struct AnswerFacts {
    var modelResponded: String?
    var finishReason: String?
    var serviceTier: String?
    var toolCalls: Int64 = 0
    var usage: TokenUsage?
    /// Whether the usage is the final one, so that nothing can follow that changes it.
    var isUsageFinal = false
    var costNanousd: Int64?
    /// An error inside the answer.
    var error: ProviderErrorClass?
}

/// Reads the answer of one API, message by message.
///
/// Pure; any message is allowed at any time.
protocol DialectReader {
    /// What has been gathered so far.
    var facts: AnswerFacts { get }

    /// A reader that has seen nothing.
    init()

    /// Takes the next message.
    ///
    /// - Parameter message: in the order of the body.
    /// - Returns: what the message brings of the model's output; nil for none.
    mutating func take(_ message: AnswerMessage) -> ContentKind?

    /// Takes the mark by which some APIs end a stream (`data: [DONE]`).
    mutating func takeEndMark()
}

extension DialectReader {
    mutating func takeEndMark() {}
}
