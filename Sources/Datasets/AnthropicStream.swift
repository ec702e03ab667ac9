// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Puts the events of a streamed Anthropic message together to the content that a plain answer would have carried.
struct AnthropicStream {
    private struct PartialBlock {
        let index: Int64
        let start: JSONNode
        var text: StreamedText
        var input = StreamedText()
    }

    private var blocks: [PartialBlock] = []
    private var stopReason: String?
    private var changes: RowChanges = []
    private var sawStart = false
    private var responseID: String?

    /// Whether the model has stopped: what comes after is not part of the message.
    var isStopped: Bool { stopReason != nil }

    static func answer(_ body: [UInt8]) throws(DropReason) -> CanonicalAnswer {
        var stream = AnthropicStream()
        for event in ServerSentEvents(body) {
            if event.data.elementsEqual("[DONE]".utf8) { break }
            guard let node = JSONDocument.read(event.data)?.root else {
                if event.isTerminated { throw .answerNotJSON }
                throw .streamCut
            }
            try stream.take(node, type: node.text("type") ?? event.name)
        }
        return try stream.finished()
    }

    mutating func take(_ node: JSONNode, type: String?) throws(DropReason) {
        switch type {
        case "message_start":
            guard !sawStart else { throw .answerMalformed }
            sawStart = true
            responseID = node["message"]?.filledText("id")
        case "content_block_start":
            guard blocks.count < DatasetLimits.itemsPerAnswer, let block = node.present("content_block") else {
                throw .answerMalformed
            }
            let text = StreamedText(block.text("text") == nil ? block["thinking"] : block["text"])
            blocks.append(PartialBlock(index: node["index"]?.int ?? Int64(blocks.count), start: block, text: text))
        case "content_block_delta":
            guard let delta = node.present("delta") else { throw .answerMalformed }
            try take(delta: delta, index: node["index"]?.int ?? 0)
        case "message_delta":
            if let word = node["delta"]?.filledText("stop_reason") { stopReason = word }
            let edits = node["context_management"] ?? node["delta"]?["context_management"]
            if edits?["applied_edits"]?.isFilled == true { throw .serverEditedContext }
        case "error": throw .inBandError
        default: break
        }
    }

    private mutating func take(delta: JSONNode, index: Int64) throws(DropReason) {
        guard let at = blocks.lastIndex(where: { $0.index == index }) else { throw .answerMalformed }
        switch delta.text("type") {
        case "text_delta": blocks[at].text.append(delta["text"])
        case "thinking_delta": blocks[at].text.append(delta["thinking"])
        case "input_json_delta": blocks[at].input.append(delta["partial_json"])
        case "citations_delta": changes.insert(.annotationsRemoved)
        default: break
        }
    }

    func finished() throws(DropReason) -> CanonicalAnswer {
        guard sawStart else { throw .answerMalformed }
        guard let stopReason else { throw .streamCut }
        let isRefusal = try FinishReason.check(stopReason)
        var out: [ContentBlock] = []
        for block in blocks {
            switch block.start.text("type") {
            case "text": out.append(.text(block.text.text))
            case "thinking": out.append(.reasoning(block.text.text))
            default:
                out.append(
                    try AnthropicReader.assistantBlock(block.start, streamedInput: block.input.text, malformed: .answerMalformed))
            }
        }
        return CanonicalAnswer(
            turn: CanonicalTurn(role: .assistant, blocks: out), changes: changes, isRefusal: isRefusal, finishReason: stopReason,
            responseID: responseID)
    }
}
