// SPDX-License-Identifier: Apache-2.0
package import Redaction

/// Takes secrets and personal data out of conversations: what is found becomes a pseudonym with its kind.
///
/// Belongs to whoever owns it; its memory is used again. Prompt and answer, train and eval go through the same walk with the same key.
/// What it never touches: roles, ids of calls, names of tools, names of models, images in `data:` URLs, and the structure of JSON.
package struct DatasetRedactor: ~Copyable, Sendable {
    private var texts: RedactionText
    private var json = RedactionJSON()

    /// A redactor.
    ///
    /// - Parameters:
    ///   - kinds: what to look for; none finds nothing, at no cost.
    ///   - key: decides the pseudonyms.
    package init(kinds: Set<DetectorKind> = Set(DetectorKind.allCases), key: RedactionKey) {
        texts = RedactionText(kinds: kinds, key: key)
    }

    /// What was replaced so far.
    package var report: RedactionReport { texts.report }

    /// Replaces what is found in a request: all its turns, the prefill, and what it says of its tools.
    package mutating func redact(_ request: inout CanonicalRequest) {
        for i in request.turns.indices { redact(&request.turns[i]) }
        if var prefill = request.prefill {
            redact(&prefill)
            request.prefill = prefill
        }
        for i in request.tools.indices { redact(&request.tools[i]) }
        if let schema = request.responseFormat?.schema, !texts.isOff, let changed = json.redacted(schema: schema, by: &texts) {
            request.responseFormat?.schema = changed
        }
    }

    /// Replaces what is found in an answer and in the others to the same request.
    package mutating func redact(_ answer: inout CanonicalAnswer) {
        redact(&answer.turn)
        for i in answer.alternatives.indices { redact(&answer.alternatives[i]) }
    }

    /// Replaces what is found in one turn.
    ///
    /// An assistant's texts are one text in every row, so a value may begin in one and end in the next: they are searched as one.
    package mutating func redact(_ turn: inout CanonicalTurn) {
        if turn.role == .assistant, let joined = joined(turn.blocks) { turn.blocks = joined }
        redact(&turn.blocks)
    }

    /// The blocks with all texts in the place of the first where something is found across them; nil where nothing is.
    private mutating func joined(_ blocks: [ContentBlock]) -> [ContentBlock]? {
        let texts = blocks.compactMap { block in if case .text(let text) = block { text } else { nil } }
        guard texts.count > 1, let found = redacted(texts.joined()) else { return nil }
        var isPlaced = false
        return blocks.compactMap { block in
            guard case .text = block else { return block }
            defer { isPlaced = true }
            return isPlaced ? nil : .text(found)
        }
    }

    private mutating func redact(_ blocks: inout [ContentBlock]) {
        for i in blocks.indices {
            if let block = redacted(blocks[i]) { blocks[i] = block }
        }
    }

    /// A block with what is found replaced; nil where nothing is.
    private mutating func redacted(_ block: ContentBlock) -> ContentBlock? {
        switch block {
        case .text(let text): return redacted(text).map { .text($0) }
        case .reasoning(let text): return redacted(text).map { .reasoning($0) }
        case .image(let reference): return texts.redactedReference(reference).map { .image($0) }
        case .toolCall(var call):
            guard let arguments = redacted(call.arguments) else { return nil }
            call.arguments = arguments
            return .toolCall(call)
        case .toolResult(let callID, var content, let isError):
            redact(&content)
            return .toolResult(callID: callID, content: content, isError: isError)
        }
    }

    private mutating func redact(_ tool: inout ToolDefinition) {
        if let description = redacted(tool.description) { tool.description = description }
        if !texts.isOff, let parameters = json.redacted(schema: tool.parameters, by: &texts) { tool.parameters = parameters }
    }

    /// A text with what is found replaced, or nil where nothing is; one that is JSON is walked value by value, so that it stays JSON.
    ///
    /// - Parameter text: of a turn, or the arguments of a call.
    /// - Returns: nil where it stays as it is.
    package mutating func redacted(_ text: String) -> String? {
        guard !texts.isOff, RedactionJSON.mayBeJSON(text.utf8) else { return texts.redacted(text) }
        switch json.redacted(Array(text.utf8), by: &texts) {
        case .notJSON: return texts.redacted(text)
        case .unchanged: return nil
        case .changed(let bytes): return String(decoding: bytes, as: UTF8.self)
        }
    }
}
