// SPDX-License-Identifier: Apache-2.0

/// Why an answer, or a part of it, could not be read: the named reason beside whatever was read nevertheless.
package enum ReadFault: String, Sendable, CaseIterable {
    /// No bytes of the answer were kept.
    case bodyMissing = "body_missing"
    /// Only the head and the tail of the answer were kept, or its head alone.
    case bodyCut = "body_cut"
    /// The answer is labelled as JSON, or looks like it, and is none.
    case notJSON = "not_json"
    /// JSON nested deeper than is read.
    case tooDeep = "too_deep"
    /// Frames of a binary stream that are damaged or end early.
    case badFraming = "bad_framing"
    /// WebSocket messages compressed by an extension that is not undone.
    case compressedMessages = "compressed_messages"
}

/// Something counted under the provider's own name for it.
package struct NamedCount: Equatable, Sendable {
    /// As the provider writes it.
    package var name: String
    /// Never negative.
    package var count: Int64

    /// A name and how many.
    package init(name: String, count: Int64) {
        self.name = name
        self.count = count
    }
}

/// The time between one event with output and the next, over the whole of a stream.
package struct TokenGaps: Equatable, Sendable {
    /// How many gaps: one less than the events with output whose arrival is known.
    package var count: Int64
    /// The middle one, by nearest rank.
    package var p50Us: Int64
    /// The one that 99 of a hundred do not exceed, by nearest rank.
    package var p99Us: Int64
    /// The longest.
    package var maximumUs: Int64

    /// Statistics of gaps.
    package init(count: Int64, p50Us: Int64, p99Us: Int64, maximumUs: Int64) {
        self.count = count
        self.p50Us = p50Us
        self.p99Us = p99Us
        self.maximumUs = maximumUs
    }
}

/// Times that the provider itself reports, in microseconds; nil where it says nothing.
package struct ProviderTimings: Equatable, Sendable {
    /// Waiting before the prompt was read.
    package var queueUs: Int64?
    /// Loading the model.
    package var loadUs: Int64?
    /// Reading the prompt.
    package var promptUs: Int64?
    /// Generating.
    package var completionUs: Int64?
    /// Until the first byte of the answer.
    package var firstByteUs: Int64?
    /// The whole.
    package var totalUs: Int64?

    /// Nothing reported.
    package init() {}
}

/// What a provider says it bills, where that is not what the top level of its usage says.
///
/// Anthropic's iterations are one each, at their own model; Cohere's billed units are one.
package struct BilledUsage: Equatable, Sendable {
    /// The provider's own word for it: `message`, `compaction`, `advisor_message`, `billed_units`, ...
    package var kind: String
    /// The model that did it; nil means that of the answer.
    package var model: String?
    /// Tokens by class.
    package var usage = TokenUsage()
    /// Units other than tokens, under their own names: `search_units`, `images`, `seconds`, ...
    package var units: [NamedCount] = []

    /// Nothing billed yet.
    package init(kind: String, model: String? = nil) {
        self.kind = kind
        self.model = model
    }
}
