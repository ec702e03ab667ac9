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
    /// Whether the framing says that this is an error.
    var isException = false
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
    /// The provider's own word for that error.
    var errorCode: String?
    /// Whether the model refused.
    var isRefusal = false
    /// What the provider says of its own time.
    var timings = ProviderTimings()
    /// Tools that the provider ran.
    var serverTools: [NamedCount] = []
    /// What it bills apart.
    var billed: [BilledUsage] = []

    /// Takes an error from inside the answer.
    ///
    /// - Parameters:
    ///   - error: the error object.
    ///   - name: what the framing calls it, where the object does not name itself.
    mutating func takeError(_ error: JSONNode, name: String? = nil) {
        let failure = ErrorClassifier.failure(inBand: error, name: name)
        self.error = failure.errorClass
        errorCode = failure.code ?? errorCode
    }

    /// Takes a usage object's own cost.
    mutating func takeCost(_ usage: JSONNode) { costNanousd = NanoDollars.reported(in: usage) ?? costNanousd }

    /// Counts one use of a tool that the provider ran.
    mutating func noteServerTool(_ name: String) {
        if let known = serverTools.firstIndex(where: { $0.name == name }) {
            serverTools[known].count += 1
        } else if serverTools.count < DialectLimits.listEntries {
            serverTools.append(NamedCount(name: name, count: 1))
        }
    }

    /// Takes the counts of an object as uses of tools, those above zero.
    mutating func takeServerTools(_ object: JSONNode) {
        var tools: [NamedCount] = []
        for (key, value) in object.members where tools.count < DialectLimits.listEntries {
            guard let count = value.int, count > 0, let name = key.string, name.utf8.count <= DialectLimits.nameBytes else {
                continue
            }
            tools.append(NamedCount(name: name, count: count))
        }
        serverTools = tools
    }
}

/// Reads the answer of one API, message by message.
///
/// Pure; any message is allowed at any time.
protocol DialectReader {
    /// What has been gathered so far.
    var facts: AnswerFacts { get }

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
