// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Opens the frames of Amazon's event stream: Converse's events, or the model's own, base64 inside `bytes` (InvokeModel).
enum BedrockStream {
    static func answer(_ body: [UInt8], dialect: ConversationDialect) throws(DropReason) -> CanonicalAnswer {
        guard EventStreamFrames.begins(body) else { throw body.count < 16 ? .streamCut : .answerMalformed }
        var frames = EventStreamFrames(body)
        var message = BedrockMessage(dialect: dialect)
        while let frame = frames.next() {
            // What was lost before this message may have been part of the answer.
            if frames.isDamaged, !message.isStopped { throw .streamCut }
            if frame.exception != nil { throw .inBandError }
            guard let root = JSONDocument.read(body[frame.payload])?.root else { throw .answerNotJSON }
            try message.take(root, name: frame.name)
        }
        if frames.isDamaged, !message.isStopped { throw .streamCut }
        return try message.finished()
    }
}

/// The message that the frames carry, in the form of its model.
private struct BedrockMessage {
    private var anthropic: AnthropicStream?
    private var chat: ChatStream?
    private var converse = ConverseStream()

    init(dialect: ConversationDialect) {
        if dialect == .anthropic { anthropic = AnthropicStream() }
        if dialect == .chat { chat = ChatStream() }
    }

    var isStopped: Bool { anthropic?.isStopped ?? chat?.isStopped ?? converse.isStopped }

    mutating func take(_ root: JSONNode, name: String?) throws(DropReason) {
        guard let coded = root["bytes"] else { return try converse.take(root, name: name) }
        guard let bytes = Base64.decode(coded.unescapedBytes[...]), let inner = JSONDocument.read(bytes)?.root else {
            throw .answerNotJSON
        }
        if anthropic != nil {
            try anthropic?.take(inner, type: inner.text("type"))
        } else if chat != nil {
            try chat?.take(inner)
        } else {
            try converse.take(inner, name: nil)
        }
    }

    func finished() throws(DropReason) -> CanonicalAnswer {
        if let anthropic { return try anthropic.finished() }
        if let chat { return try chat.finished() }
        return try converse.finished()
    }
}

/// Which form the body of an InvokeModel request has: that of its model.
enum InvokeBody {
    static func dialect(_ root: JSONNode) throws(DropReason) -> ConversationDialect {
        guard let messages = root.present("messages"), messages.kind == .array else { throw other(root) }
        if root.present("anthropic_version") != nil { return .anthropic }
        if root.present("schemaVersion") != nil || root.present("inferenceConfig") != nil { return .converse }
        // Nova's parts have no type.
        let first = messages[0]?["content"]?[0]
        return first?.kind == .object && first?["type"] == nil ? .converse : .chat
    }

    /// Why a body without messages is none of ours.
    private static func other(_ root: JSONNode) -> DropReason {
        if root.present("prompt") != nil || root.present("textGenerationConfig") != nil { return .textCompletion }
        if root.present("message") != nil { return .apiNotSupported }
        let keys = ["inputText", "inputImage", "texts", "images", "taskType", "query"]
        return keys.contains { root.present($0) != nil } ? .notAConversation : .requestMalformed
    }
}
