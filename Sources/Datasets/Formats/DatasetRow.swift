// SPDX-License-Identifier: Apache-2.0

/// Where a row comes from, in the words of the capture.
package struct RowMeta: Equatable, Sendable {
    /// What the exchange was for.
    package var task: String?
    /// Where it ran.
    package var environment: String?
    /// The model as requested.
    package var model: String?
    /// Who answered.
    package var provider: String?

    /// A description; everything may be missing.
    package init(task: String? = nil, environment: String? = nil, model: String? = nil, provider: String? = nil) {
        self.task = task
        self.environment = environment
        self.model = model
        self.provider = provider
    }
}

/// What every export format is written from, and what the row reader gives.
///
/// The prompt and what came of it are kept apart, because formats differ in what they take.
package struct DatasetRow: Equatable, Sendable {
    /// Unique within a data set.
    package var id: String
    /// The turns before the answer.
    package var prompt: [CanonicalTurn]
    /// The assistant's turn to learn from; nil where a row only asks.
    package var answer: CanonicalTurn?
    /// Worse answers to the same prompt; each makes a pair with `answer`.
    package var rejected: [CanonicalTurn] = []
    /// What the caller offered, in order.
    package var tools: [ToolDefinition] = []
    /// The JSON schema that the answer had to follow, as the caller wrote it.
    package var responseSchema: [UInt8]?
    /// The right answer as a text, where one is known apart from `answer`.
    package var reference: String?
    /// 1 where the answer is to be learned, 0 where it is only context; nil says nothing.
    package var answerWeight: Int?
    /// The same for the assistant's turns in the prompt.
    package var historyWeight: Int?
    /// Where the row comes from.
    package var meta = RowMeta()
    /// What the caller attached, in order.
    package var metadata: [MetadataPair] = []

    /// A row of a conversation; the rest is set where it is known.
    package init(id: String, prompt: [CanonicalTurn], answer: CanonicalTurn?) {
        self.id = id
        self.prompt = prompt
        self.answer = answer
    }

    /// A row of turns as they came: the last turn of the assistant's is the answer, where it is the last of all.
    package init(id: String, turns: [CanonicalTurn]) {
        if let last = turns.last, last.role == .assistant {
            self.init(id: id, prompt: Array(turns.dropLast()), answer: last)
        } else {
            self.init(id: id, prompt: turns, answer: nil)
        }
    }

    /// The prompt and the answer.
    package var turns: [CanonicalTurn] { answer.map { prompt + [$0] } ?? prompt }

    /// One row for each worse answer: what formats of pairs are written from.
    package var pairs: [DatasetRow] {
        rejected.map { turn in
            var pair = self
            pair.rejected = [turn]
            return pair
        }
    }

    /// The text that an answer is held against: the reference, else what the answer says.
    ///
    /// Nil where neither is a text.
    var ideal: String? {
        if let reference { return reference }
        guard let answer, answer.toolCalls.isEmpty, answer.images.isEmpty else { return nil }
        return answer.joinedText
    }

    /// Whether tools are called or answer anywhere.
    var usesTools: Bool {
        (turns + rejected).contains { turn in
            turn.blocks.contains { block in
                switch block {
                case .toolCall, .toolResult: true
                default: false
                }
            }
        }
    }
}
