// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Puts the chunks of a streamed chat completion together to the messages that a plain answer would have carried.
struct ChatStream {
    private var choices: [ChatChoice] = []
    private var responseID: String?
    private var sawChunk = false
    /// Whether the provider said that there is no more.
    private var isDone = false

    /// Whether the answer has ended: what comes after is not part of it.
    var isStopped: Bool { choices.contains { $0.index == 0 && $0.isStopped } }

    static func answer(_ body: [UInt8]) throws(DropReason) -> CanonicalAnswer {
        var stream = ChatStream()
        for event in ServerSentEvents(body) {
            if event.data.elementsEqual("[DONE]".utf8) {
                stream.isDone = true
                break
            }
            guard let chunk = JSONDocument.read(event.data)?.root else {
                if event.isTerminated { throw .answerNotJSON }
                throw .streamCut
            }
            if event.name == "error" { throw .inBandError }
            try stream.take(chunk)
        }
        return try stream.finished()
    }

    mutating func take(_ chunk: JSONNode) throws(DropReason) {
        if chunk.present("error") != nil { throw .inBandError }
        if chunk["search_results"]?.isFilled == true || chunk["citations"]?.isFilled == true { throw .builtinToolItem }
        if responseID == nil { responseID = chunk.filledText("id") }
        guard let list = chunk.present("choices") else { return }
        sawChunk = true
        for choice in list.elements { try take(choice: choice) }
    }

    private mutating func take(choice: JSONNode) throws(DropReason) {
        let index = choice["index"]?.int ?? 0
        if let at = choices.firstIndex(where: { $0.index == index }) { return try choices[at].take(choice) }
        guard choices.count < DatasetLimits.choices else { throw .answerMalformed }
        choices.append(ChatChoice(index: index))
        try choices[choices.count - 1].take(choice)
    }

    func finished() throws(DropReason) -> CanonicalAnswer {
        guard sawChunk else { throw .answerMalformed }
        guard let first = choices.first(where: { $0.index == 0 }) else { throw isDone ? .answerMalformed : .streamCut }
        if isDone, !first.isStopped { throw .finishReasonMissing }
        var answer = try first.answer()
        answer.responseID = responseID
        let others = choices.filter { $0.index != 0 }.sorted { $0.index < $1.index }
        if !others.isEmpty { answer.changes.insert(.extraChoicesIgnored) }
        for other in others {
            guard let one = other.alternative else { continue }
            answer.alternatives.append(one)
        }
        return answer
    }
}

/// One of the answers in a streamed chat completion.
struct ChatChoice {
    private struct PartialCall {
        var index: Int64
        var id: String
        var name: String
        var arguments = StreamedText()
    }

    let index: Int64
    private var reasoning = StreamedText()
    /// What came as content, neighbours of one kind joined.
    private var pieces: [(isReasoning: Bool, text: StreamedText)] = []
    private var refusal = StreamedText()
    private var calls: [PartialCall] = []
    private var finish: String?
    private var changes: RowChanges = []
    /// Why it is none: told only where it is not the answer.
    private var failure: DropReason?

    init(index: Int64) { self.index = index }

    /// Whether it has ended.
    var isStopped: Bool { finish != nil }

    /// Takes the choice of one chunk.
    ///
    /// - Throws: what is wrong with the answer; what is wrong with another than the first is only remembered.
    mutating func take(_ choice: JSONNode) throws(DropReason) {
        guard failure == nil else { return }
        do throws(DropReason) {
            if choice.present("error") != nil { throw .inBandError }
            if let delta = choice.present("delta") { try take(delta: delta) }
            if let word = choice.filledText("finish_reason") { finish = word }
        } catch {
            if index == 0 { throw error }
            failure = error
        }
    }

    private mutating func take(delta: JSONNode) throws(DropReason) {
        if ChatReader.hasLegacyCall(delta) { throw .legacyFunctions }
        if delta["executed_tools"]?.isFilled == true { throw .builtinToolItem }
        if ChatReader.hasSound(delta) { throw .audioContent }
        if delta["images"]?.isFilled == true { throw .imageContent }
        if delta["annotations"]?.isFilled == true { changes.insert(.annotationsRemoved) }
        refusal.append(delta["refusal"])
        reasoning.append(delta.filledText("reasoning_content") != nil ? delta["reasoning_content"] : delta["reasoning"])
        if let content = delta["content"], content.kind == .string {
            piece(isReasoning: false) { $0.append(content) }
        } else {
            for block in try ChatReader.content(delta["content"], changes: &changes) { try append(block) }
        }
        for call in delta.present("tool_calls")?.elements ?? JSONNode.noElements { try take(call: call) }
    }

    private mutating func append(_ block: ContentBlock) throws(DropReason) {
        switch block {
        case .text(let text): piece(isReasoning: false) { $0.append(text) }
        case .reasoning(let text): piece(isReasoning: true) { $0.append(text) }
        case .image: throw .imageContent
        case .toolCall, .toolResult: throw .unknownContent
        }
    }

    /// Lets the text under way go on, or begins one of another kind.
    private mutating func piece(isReasoning: Bool, _ append: (inout StreamedText) -> Void) {
        if pieces.last?.isReasoning != isReasoning { pieces.append((isReasoning, StreamedText())) }
        append(&pieces[pieces.count - 1].text)
    }

    /// Calls are told apart by their index; a new id under a known index is a new call (seen from servers that number all calls 0).
    private mutating func take(call: JSONNode) throws(DropReason) {
        if let type = call.filledText("type"), type != "function" { throw .builtinToolItem }
        let id = call.filledText("id")
        let index = call["index"]?.int ?? (id == nil ? calls.last?.index : nil) ?? Int64(calls.count)
        let name = call["function"]?.filledText("name")
        let arguments = call["function"]?["arguments"]
        if let at = calls.lastIndex(where: { $0.index == index }), id == nil || calls[at].id.isEmpty || calls[at].id == id {
            if let id { calls[at].id = id }
            if calls[at].name.isEmpty { calls[at].name = name ?? "" }
            calls[at].arguments.append(arguments: arguments)
            return
        }
        guard calls.count < DatasetLimits.callsPerTurn else { throw .answerMalformed }
        calls.append(PartialCall(index: index, id: id ?? "", name: name ?? ""))
        calls[calls.count - 1].arguments.append(arguments: arguments)
    }

    /// What came, where it is whole.
    func answer() throws(DropReason) -> CanonicalAnswer {
        if let failure { throw failure }
        guard let finish else { throw .streamCut }
        let isRefusal = try FinishReason.check(finish)
        var all: [ContentBlock] = reasoning.isEmpty ? [] : [.reasoning(reasoning.text)]
        all += pieces.map { $0.isReasoning ? .reasoning($0.text.text) : .text($0.text.text) }
        let ordered = calls.enumerated().sorted { ($0.element.index, $0.offset) < ($1.element.index, $1.offset) }
        for (_, call) in ordered {
            guard !call.id.isEmpty, !call.name.isEmpty else { throw .answerMalformed }
            let arguments = ChatReader.callArguments(call.arguments.text)
            all.append(.toolCall(ToolCall(id: call.id, name: call.name, arguments: arguments)))
        }
        if !refusal.isEmpty { all.append(.text(refusal.text)) }
        return CanonicalAnswer(
            turn: CanonicalTurn(role: .assistant, blocks: all), changes: changes, isRefusal: isRefusal || !refusal.isEmpty,
            finishReason: finish)
    }

    /// The turn, where it is a good answer.
    var alternative: CanonicalTurn? {
        do throws(DropReason) {
            let answer = try answer()
            return answer.isRefusal ? nil : answer.turn
        } catch {
            return nil
        }
    }
}
