// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// Writes the request body of a conversation's next turn in the shape of its API.
struct ConversationBody {
    let conversation: Conversation

    func bytes() -> [UInt8] {
        JSONWriter.objectBytes(capacity: 4_096) { writer in
            writer.field("model", conversation.model)
            switch conversation.kind {
            case .chat: writeChat(&writer)
            case .responses: writeResponses(&writer)
            case .messages: writeMessages(&writer)
            case .embeddings: writeEmbeddings(&writer)
            }
        }
    }

    private var wantsJSON: Bool { conversation.task == .extractInvoice }
    private var instructions: String { PromptBook.instructions(conversation.task) }

    private func writeChat(_ writer: inout JSONWriter) {
        writer.array("messages") { writer in
            writer.object { writer in
                writer.field("role", "system")
                writer.field("content", instructions)
            }
            for item in conversation.said { writer.object { Self.writeChatItem(item, &$0) } }
        }
        if !conversation.model.hasPrefix("o") { writer.field("temperature", 0.2) }
        if wantsJSON { writer.object("response_format") { $0.field("type", "json_object") } }
        if conversation.offersTools {
            writer.array("tools") { writer in
                for tool in Self.tools {
                    writer.object { writer in
                        writer.field("type", "function")
                        writer.object("function") { Self.writeTool(tool, schema: "parameters", &$0) }
                    }
                }
            }
        }
        writeStream(&writer)
    }

    private func writeStream(_ writer: inout JSONWriter) {
        guard conversation.isStream else { return }
        writer.field("stream", true)
        if conversation.kind == .chat, conversation.asksForUsage {
            writer.object("stream_options") { $0.field("include_usage", true) }
        }
    }

    private static func writeChatItem(_ item: Said, _ writer: inout JSONWriter) {
        switch item {
        case .user(let text):
            writer.field("role", "user")
            writer.field("content", text)
        case .assistant(let text):
            writer.field("role", "assistant")
            writer.field("content", text)
        case .toolCall(let id, let name, let arguments):
            writer.field("role", "assistant")
            writer.nullField("content")
            writer.array("tool_calls") { writer in
                writer.object { writer in
                    writer.field("id", id)
                    writer.field("type", "function")
                    writer.object("function") { writer in
                        writer.field("name", name)
                        writer.field("arguments", arguments)
                    }
                }
            }
        case .toolResult(let id, let text):
            writer.field("role", "tool")
            writer.field("tool_call_id", id)
            writer.field("content", text)
        }
    }

    private func writeResponses(_ writer: inout JSONWriter) {
        writer.field("instructions", instructions)
        writer.array("input") { writer in
            for item in conversation.said { writer.object { Self.writeInputItem(item, &$0) } }
        }
        if wantsJSON { writer.object("text") { $0.object("format") { $0.field("type", "json_object") } } }
        if conversation.offersTools {
            writer.array("tools") { writer in
                for tool in Self.tools {
                    writer.object { writer in
                        writer.field("type", "function")
                        Self.writeTool(tool, schema: "parameters", &writer)
                        writer.field("strict", false)
                    }
                }
            }
        }
        writeStream(&writer)
    }

    private static func writeInputItem(_ item: Said, _ writer: inout JSONWriter) {
        switch item {
        case .user(let text):
            writer.field("role", "user")
            writer.field("content", text)
        case .assistant(let text):
            writer.field("role", "assistant")
            writer.field("content", text)
        case .toolCall(let id, let name, let arguments):
            writer.field("type", "function_call")
            writer.field("call_id", id)
            writer.field("name", name)
            writer.field("arguments", arguments)
        case .toolResult(let id, let text):
            writer.field("type", "function_call_output")
            writer.field("call_id", id)
            writer.field("output", text)
        }
    }

    private func writeMessages(_ writer: inout JSONWriter) {
        writer.field("max_tokens", 1_024)
        writer.array("system") { writer in
            writer.object { writer in
                writer.field("type", "text")
                writer.field("text", instructions)
                writer.object("cache_control") { $0.field("type", "ephemeral") }
            }
        }
        writer.array("messages") { writer in
            for (role, blocks) in turns() {
                writer.object { writer in
                    writer.field("role", role)
                    writer.array("content") { writer in
                        for item in blocks { writer.object { Self.writeBlock(item, &$0) } }
                    }
                }
            }
        }
        if conversation.offersTools {
            writer.array("tools") { writer in
                for tool in Self.tools { writer.object { Self.writeTool(tool, schema: "input_schema", &$0) } }
            }
        }
        writeStream(&writer)
    }

    /// What was said, grouped by role, as Anthropic wants a tool call in one message with the text before it.
    private func turns() -> [(role: String, blocks: [Said])] {
        var turns: [(role: String, blocks: [Said])] = []
        for item in conversation.said {
            let role: String
            switch item {
            case .user, .toolResult: role = "user"
            case .assistant, .toolCall: role = "assistant"
            }
            if let last = turns.indices.last, turns[last].role == role {
                turns[last].blocks.append(item)
            } else {
                turns.append((role, [item]))
            }
        }
        return turns
    }

    private static func writeBlock(_ item: Said, _ writer: inout JSONWriter) {
        switch item {
        case .user(let text), .assistant(let text):
            writer.field("type", "text")
            writer.field("text", text)
        case .toolCall(let id, let name, let arguments):
            writer.field("type", "tool_use")
            writer.field("id", id)
            writer.field("name", name)
            writer.key("input")
            writer.raw(JSONDocument.read(arguments.utf8) == nil ? Array("{}".utf8) : Array(arguments.utf8))
        case .toolResult(let id, let text):
            writer.field("type", "tool_result")
            writer.field("tool_use_id", id)
            writer.field("content", text)
        }
    }

    private func writeEmbeddings(_ writer: inout JSONWriter) {
        let texts = conversation.said.compactMap { item -> String? in
            if case .user(let text) = item { return text }
            return nil
        }
        writer.array("input") { writer in
            for text in texts { writer.value(text) }
        }
        writer.field("encoding_format", conversation.number.isMultiple(of: 2) ? "base64" : "float")
        writer.field("dimensions", 256)
    }

    private static let tools: [(name: String, description: String, parameters: [(String, String)])] = [
        ("lookup_order", "Looks up an order and its delivery status.", [("order_id", "string"), ("include_history", "boolean")]),
        (
            "issue_refund", "Refunds an order or a part of it.",
            [("order_id", "string"), ("amount", "number"), ("reason", "string")]
        ),
    ]

    private static func writeTool(
        _ tool: (name: String, description: String, parameters: [(String, String)]), schema: String, _ writer: inout JSONWriter
    ) {
        writer.field("name", tool.name)
        writer.field("description", tool.description)
        writer.object(schema) { writer in
            writer.field("type", "object")
            writer.object("properties") { writer in
                for (name, type) in tool.parameters { writer.object(name) { $0.field("type", type) } }
            }
            writer.array("required") { $0.value("order_id") }
        }
    }
}
