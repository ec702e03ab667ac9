// SPDX-License-Identifier: Apache-2.0

/// Who speaks a turn.
///
/// `developer` is read as `system`.
package enum TurnRole: String, Sendable {
    case system, user, assistant, tool
}

/// One call of a tool.
package struct ToolCall: Equatable, Sendable {
    /// What its result names.
    package var id: String
    /// As the caller or the model wrote it.
    package var name: String
    /// JSON text as the model wrote it; where the API carries an object, its members in their order without white space and needless
    /// escapes; `{}` where there are none.
    package var arguments: String
}

/// A typed piece of a turn; what no API of ours has in common is refused by the readers and never becomes text.
package enum ContentBlock: Equatable, Sendable {
    case text(String)
    /// A `data:` URL or a link, verbatim.
    case image(String)
    case toolCall(ToolCall)
    /// What a tool gave back; `content` holds texts and images.
    case toolResult(callID: String, content: [ContentBlock], isError: Bool)
    /// Hidden or shown reasoning; never written to a row, never hashed. Signatures and encrypted blobs are not kept.
    case reasoning(String)
}

/// One turn of a conversation.
package struct CanonicalTurn: Equatable, Sendable {
    /// Who speaks.
    package var role: TurnRole
    /// What is said, in order.
    package var blocks: [ContentBlock]

    /// The calls of the turn, in order.
    var toolCalls: [ToolCall] {
        blocks.compactMap { block in
            if case .toolCall(let call) = block { return call }
            return nil
        }
    }

    /// The id that a tool's turn answers.
    var answeredCall: String? {
        if case .toolResult(let callID, _, _) = blocks.first { return callID }
        return nil
    }

    /// The non-empty texts of the turn, in order, those inside a tool's result included.
    var texts: [String] { CanonicalTurn.texts(blocks) }

    /// Whether the turn says, shows and calls nothing: white space alone says nothing.
    var saysNothing: Bool {
        toolCalls.isEmpty && images.isEmpty && !texts.contains { text in text.utf8.contains { $0 > 0x20 } }
    }

    /// The images of the turn, in order.
    var images: [String] { CanonicalTurn.images(blocks) }

    /// The text as one string: an assistant's pieces follow one another, anyone else's are set apart by an empty line.
    var joinedText: String {
        let texts = texts
        return texts.count == 1 ? texts[0] : texts.joined(separator: role == .assistant ? "" : "\n\n")
    }

    private static func texts(_ blocks: [ContentBlock]) -> [String] {
        var out: [String] = []
        for block in blocks {
            if case .text(let text) = block, !text.utf8.isEmpty { out.append(text) }
            if case .toolResult(_, let content, _) = block { out += texts(content) }
        }
        return out
    }

    private static func images(_ blocks: [ContentBlock]) -> [String] {
        var out: [String] = []
        for block in blocks {
            if case .image(let reference) = block { out.append(reference) }
            if case .toolResult(_, let content, _) = block { out += images(content) }
        }
        return out
    }
}

extension [CanonicalTurn] {
    /// Adds a message of the assistant's; behind another one the two are one turn, their texts set apart by an empty line.
    mutating func appendAssistant(_ blocks: [ContentBlock], changes: inout RowChanges) {
        guard let last, last.role == .assistant else { return append(CanonicalTurn(role: .assistant, blocks: blocks)) }
        if !last.blocks.isEmpty, !blocks.isEmpty { changes.insert(.assistantMessagesJoined) }
        let isApart = last.texts.isEmpty || CanonicalTurn(role: .assistant, blocks: blocks).texts.isEmpty
        self[count - 1].blocks += isApart ? blocks : [.text("\n\n")] + blocks
    }
}

/// A tool that the caller offered.
package struct ToolDefinition: Equatable, Sendable {
    /// As the caller or the model wrote it.
    package var name: String
    /// Empty where the caller gave none.
    package var description: String
    /// A JSON schema: the caller's lexemes in their order, without white space between them.
    package var parameters: [UInt8]

    /// The schema of a tool without parameters.
    static let noParameters: [UInt8] = Array(#"{"type":"object","properties":{}}"#.utf8)
}

/// What a request says, whatever its API.
package struct CanonicalRequest: Equatable, Sendable {
    /// Verbatim.
    package var model: String?
    /// The history, the system prompt included, without the prefill; only the end of it where `continues` is set.
    package var turns: [CanonicalTurn] = []
    /// What the caller offered, in order.
    package var tools: [ToolDefinition] = []
    /// The beginning of the answer that the caller laid into the assistant's mouth (Anthropic).
    package var prefill: CanonicalTurn?
    /// What a row of it leaves out or changes.
    package var changes: RowChanges = []
    /// The form that the answer must have; nil where any text will do.
    package var responseFormat: ResponseFormat?
    /// How the answer is drawn.
    package var sampling = SamplingParameters()
    /// Where the provider keeps what came before `turns`; nil where they are all there is.
    package var continues: HistoryLink?
    /// How many of the first turns are instructions for this request alone, which one that continues it does not inherit.
    package var instructionTurns = 0
    /// In which form request and answer are written.
    package var dialect = ConversationDialect.chat
}

/// What an answer says, whatever its API and whether it was streamed.
package struct CanonicalAnswer: Equatable, Sendable {
    /// What the assistant says and calls.
    package var turn: CanonicalTurn
    /// What a row of it leaves out or changes.
    package var changes: RowChanges = []
    /// Whether the provider marked the answer as a refusal; its words, if there are any, are the text of the turn.
    package var isRefusal = false
    /// The provider's word for why it stopped, verbatim.
    package var finishReason: String?
    /// The provider's id of the answer, which a later request may continue.
    package var responseID: String?
    /// The other answers to the same request, in the provider's order: those that ended of themselves and that a turn can hold.
    package var alternatives: [CanonicalTurn] = []
}
