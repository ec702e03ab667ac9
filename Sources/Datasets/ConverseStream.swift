// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Puts the events of a streamed Converse message together to the content that a plain answer would have carried.
struct ConverseStream {
    private enum Kind { case text, reasoning, call }
    private struct PartialBlock {
        let index: Int64
        let kind: Kind
        /// Of a call.
        let head: JSONNode?
        var text = StreamedText()
    }

    private static let names = [
        "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata",
    ]
    private var blocks: [PartialBlock] = []
    private var stopReason: String?
    private var changes: RowChanges = []
    private var sawStart = false

    /// Whether the message is whole: what comes after is not part of it.
    var isStopped: Bool { stopReason != nil }

    /// Takes an event whose name lies around it, as Nova's own bodies have it, or in its frame.
    mutating func take(_ root: JSONNode, name: String?) throws(DropReason) {
        for name in ConverseStream.names {
            if let inner = root.present(name), inner.kind == .object { return try take(inner, event: name) }
        }
        if let name { try take(root, event: name) }
    }

    private mutating func take(_ node: JSONNode, event: String) throws(DropReason) {
        switch event {
        case "messageStart":
            guard !sawStart else { throw .answerMalformed }
            sawStart = true
        case "contentBlockStart":
            guard let start = node.present("start") else { return }
            if start.present("toolResult") != nil { throw .builtinToolItem }
            if start.present("image") != nil { throw .imageContent }
            if let head = start.present("toolUse") { try open(.call, index(node), head: head) }
        case "contentBlockDelta":
            guard let delta = node.present("delta") else { throw .answerMalformed }
            try take(delta: delta, index: index(node))
        case "messageStop": stopReason = node.filledText("stopReason") ?? stopReason
        default: break
        }
    }

    private func index(_ node: JSONNode) -> Int64 { node["contentBlockIndex"]?.int ?? 0 }

    private mutating func open(_ kind: Kind, _ index: Int64, head: JSONNode? = nil) throws(DropReason) {
        guard blocks.count < DatasetLimits.itemsPerAnswer else { throw .answerMalformed }
        blocks.append(PartialBlock(index: index, kind: kind, head: head))
    }

    private mutating func take(delta: JSONNode, index: Int64) throws(DropReason) {
        if delta.text("text") != nil {
            try append(delta["text"], .text, index)
        } else if let reasoning = delta.present("reasoningContent") {
            try append(reasoning["text"], .reasoning, index)
        } else if let call = delta.present("toolUse") {
            guard blocks.last?.kind == .call, blocks.last?.index == index else { throw .answerMalformed }
            blocks[blocks.count - 1].text.append(arguments: call["input"])
        } else if delta.present("citation") != nil {
            changes.insert(.annotationsRemoved)
        } else if delta.present("image") != nil {
            throw .imageContent
        } else if delta.present("toolResult") != nil {
            throw .builtinToolItem
        } else {
            throw .unknownContent
        }
    }

    /// Blocks come one after another; one of text has no beginning of its own.
    private mutating func append(_ text: JSONNode?, _ kind: Kind, _ index: Int64) throws(DropReason) {
        if blocks.last?.index != index || blocks.last?.kind != kind { try open(kind, index) }
        blocks[blocks.count - 1].text.append(text)
    }

    func finished() throws(DropReason) -> CanonicalAnswer {
        guard sawStart else { throw .answerMalformed }
        guard let stopReason else { throw .streamCut }
        let isRefusal = try FinishReason.check(stopReason)
        var out: [ContentBlock] = []
        for block in blocks {
            switch block.kind {
            case .text: out.append(.text(block.text.text))
            case .reasoning: out.append(.reasoning(block.text.text))
            case .call:
                guard let head = block.head else { throw .answerMalformed }
                out.append(.toolCall(try call(head, block.text.text)))
            }
        }
        return CanonicalAnswer(
            turn: CanonicalTurn(role: .assistant, blocks: out), changes: changes, isRefusal: isRefusal, finishReason: stopReason)
    }

    /// The input as the model spelled it, but for white space between tokens and needless escapes, as in a plain answer.
    private func call(_ head: JSONNode, _ input: String) throws(DropReason) -> ToolCall {
        guard let document = JSONDocument.read(ChatReader.callArguments(input).utf8) else { throw .toolArgumentsNotJSON }
        return try ConverseReader.toolCall(head, arguments: JSONText.plainText(document.root), malformed: .answerMalformed)
    }
}
