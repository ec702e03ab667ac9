// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Puts the messages of a Gemini answer together: one where it is plain, one an event or one an element of an array where it streams.
struct GeminiAnswer {
    private var candidates: [GeminiCandidate] = []
    private var responseID: String?
    private let callsBefore: Int
    private let isStream: Bool

    private init(callsBefore: Int, isStream: Bool) {
        self.callsBefore = callsBefore
        self.isStream = isStream
    }

    /// Reads an answer.
    ///
    /// - Parameters:
    ///   - body: an object, an array of them, or events.
    ///   - first: its first byte that is no white space.
    ///   - callsBefore: how many calls the request's history holds, for numbering.
    /// - Returns: what it says.
    /// - Throws: the reason why no row can hold it.
    static func answer(_ body: [UInt8], first: UInt8, callsBefore: Int) throws(DropReason) -> CanonicalAnswer {
        var answer = GeminiAnswer(callsBefore: callsBefore, isStream: first != UInt8(ascii: "{"))
        switch first {
        case UInt8(ascii: "{"):
            guard let root = JSONDocument.read(body)?.root else { throw .answerNotJSON }
            try answer.take(root)
        case UInt8(ascii: "["): try answer.take(array: body)
        default: try answer.take(events: body)
        }
        return try answer.finished()
    }

    private mutating func take(array body: [UInt8]) throws(DropReason) {
        for piece in JSONArrayElements(body) {
            guard piece.isWhole else { throw .streamCut }
            guard let root = JSONDocument.read(body[piece.range])?.root else { throw .answerNotJSON }
            try take(root)
        }
        guard body.last(where: { $0 > 0x20 }) == UInt8(ascii: "]") else { throw .streamCut }
    }

    private mutating func take(events body: [UInt8]) throws(DropReason) {
        for event in ServerSentEvents(body) {
            if event.data.elementsEqual("[DONE]".utf8) { break }
            guard let root = JSONDocument.read(event.data)?.root else {
                if event.isTerminated { throw .answerNotJSON }
                throw .streamCut
            }
            try take(root)
        }
    }

    private mutating func take(_ root: JSONNode) throws(DropReason) {
        guard root.kind == .object else { throw .answerMalformed }
        if root.present("error") != nil { throw .inBandError }
        if root["promptFeedback"]?.present("blockReason") != nil { throw .contentFiltered }
        if responseID == nil { responseID = root.filledText("responseId") }
        for (position, candidate) in (root.present("candidates")?.listed ?? []).enumerated() {
            let index = candidate["index"]?.int ?? Int64(position)
            if let at = candidates.firstIndex(where: { $0.index == index }) {
                try candidates[at].take(candidate)
                continue
            }
            guard candidates.count < DatasetLimits.choices else { throw .answerMalformed }
            candidates.append(GeminiCandidate(index: index, calls: CallNumbering(after: callsBefore)))
            try candidates[candidates.count - 1].take(candidate)
        }
    }

    private func finished() throws(DropReason) -> CanonicalAnswer {
        guard let first = candidates.first(where: { $0.index == 0 }) else { throw .answerMalformed }
        var answer = try first.answer(isStream: isStream)
        answer.responseID = responseID
        let others = candidates.filter { $0.index != 0 }.sorted { $0.index < $1.index }
        if !others.isEmpty { answer.changes.insert(.extraChoicesIgnored) }
        for other in others {
            guard let turn = other.alternative else { continue }
            answer.alternatives.append(turn)
        }
        return answer
    }
}

/// One of the candidates of a Gemini answer.
struct GeminiCandidate {
    let index: Int64
    private var calls: CallNumbering
    private var blocks: [ContentBlock] = []
    /// Text under way: neighbours of one kind are joined, which in place would copy what there is for each piece.
    private var current: (isReasoning: Bool, text: StreamedText)?
    private var finish: String?
    private var changes: RowChanges = []
    /// Why it is none: told only where it is not the answer.
    private var failure: DropReason?

    init(index: Int64, calls: CallNumbering) {
        self.index = index
        self.calls = calls
    }

    /// Takes the candidate of one message.
    ///
    /// - Throws: what is wrong with the answer; what is wrong with another than the first is only remembered.
    mutating func take(_ candidate: JSONNode) throws(DropReason) {
        guard failure == nil else { return }
        do throws(DropReason) {
            for part in candidate["content"]?.present("parts")?.listed ?? [] { try take(part: part) }
            if candidate["groundingMetadata"]?.isFilled == true || candidate["citationMetadata"]?.isFilled == true {
                changes.insert(.annotationsRemoved)
            }
            if let word = GeminiCandidate.word(candidate["finishReason"]) { finish = word }
        } catch {
            if index == 0 { throw error }
            failure = error
        }
    }

    /// The finish reason; some recorders write the enumeration by its numbers.
    private static func word(_ node: JSONNode?) -> String? {
        guard let node else { return nil }
        switch node.int {
        case 1: return "STOP"
        case 2: return "MAX_TOKENS"
        case .some(let number): return String(number)
        case nil: return node.string.flatMap { $0.utf8.isEmpty ? nil : $0 }
        }
    }

    private mutating func take(part: JSONNode) throws(DropReason) {
        switch try GeminiPart.read(part, malformed: .answerMalformed) {
        case .block(.text): append(part["text"], isReasoning: false)
        case .block(.reasoning): append(part["text"], isReasoning: true)
        case .block(let block): try append(block)
        case .call(let id, let name, let arguments):
            try append(.toolCall(ToolCall(id: calls.call(id: id, name: name), name: name, arguments: arguments)))
        case .result: throw .answerMalformed
        case .nothing: break
        }
    }

    private mutating func append(_ text: JSONNode?, isReasoning: Bool) {
        if current?.isReasoning == isReasoning {
            current?.text.append(text)
            return
        }
        blocks += closing
        current = (isReasoning, StreamedText(text))
    }

    private mutating func append(_ block: ContentBlock) throws(DropReason) {
        blocks += closing
        current = nil
        guard blocks.count < DatasetLimits.itemsPerAnswer else { throw .answerMalformed }
        blocks.append(block)
    }

    private var closing: [ContentBlock] {
        guard let current, !current.text.isEmpty else { return [] }
        return [current.isReasoning ? .reasoning(current.text.text) : .text(current.text.text)]
    }

    /// What came, where it is whole.
    func answer(isStream: Bool) throws(DropReason) -> CanonicalAnswer {
        if let failure { throw failure }
        if finish == nil, isStream { throw .streamCut }
        try FinishReason.check(finish)
        var changes = changes
        if calls.hasNumbered { changes.insert(.toolCallsNumbered) }
        return CanonicalAnswer(
            turn: CanonicalTurn(role: .assistant, blocks: blocks + closing), changes: changes, finishReason: finish)
    }

    /// The turn, where it is a good answer.
    var alternative: CanonicalTurn? {
        do throws(DropReason) { return try answer(isStream: false).turn } catch { return nil }
    }
}
