// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension RowWriting {
    /// `{systemInstruction, contents, tools}` of Gemini.
    ///
    /// Results of tools name the tool and follow in the order of the calls, as there are no ids. In a uniform file every part has all its
    /// keys, and what is JSON is a text.
    func gemini() throws(FormatRefusal) -> [UInt8] {
        let system = row.prompt.first { $0.role == .system }
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        if isUniform || system != nil {
            json.key("systemInstruction")
            json.beginObject()
            json.member("role", "system")
            json.key("parts")
            json.beginArray()
            writePart(text: system?.joinedText ?? "", to: &json)
            json.endArray()
            json.endObject()
        }
        json.key("contents")
        json.beginArray()
        var called: [ToolCall] = []
        for group in GeminiContents.groups(row.turns.filter { $0.role != .system }) {
            writeContent(group, answering: called, to: &json)
            called = group.flatMap(\.toolCalls)
        }
        json.endArray()
        writeDeclarations(to: &json)
        json.endObject()
        return json.bytes
    }

    private func writeContent(_ turns: [CanonicalTurn], answering calls: [ToolCall], to json: inout JSONWriter) {
        json.beginObject()
        json.member("role", turns.first?.role == .assistant ? "model" : "user")
        json.key("parts")
        json.beginArray()
        for turn in turns {
            if turn.role == .tool { writeResult(turn, of: calls, to: &json) } else { writeParts(turn, to: &json) }
        }
        json.endArray()
        json.endObject()
    }

    private func writeParts(_ turn: CanonicalTurn, to json: inout JSONWriter) {
        for block in turn.blocks {
            switch block {
            case .text(let text): if !text.utf8.isEmpty { writePart(text: text, to: &json) }
            case .image(let link):
                json.beginObject()
                json.key("fileData")
                json.beginObject()
                json.member("mimeType", ImageLink.fileType(link) ?? "")
                json.member("fileUri", link)
                json.endObject()
                json.endObject()
            case .toolCall(let call):
                var inner = JSONWriter()
                inner.beginObject()
                inner.member("name", call.name)
                inner.member(
                    "args", json: JSONDocument.read(call.arguments.utf8).map { JSONText.compact($0.root) } ?? [], asText: false)
                inner.endObject()
                writePart(call: inner.bytes, to: &json)
            case .toolResult, .reasoning: break
            }
        }
    }

    private func writeResult(_ turn: CanonicalTurn, of calls: [ToolCall], to json: inout JSONWriter) {
        var inner = JSONWriter()
        inner.beginObject()
        inner.member("name", calls.name(of: turn.answeredCall) ?? "")
        inner.member("response", json: GeminiContents.response(turn), asText: false)
        inner.endObject()
        writePart(response: inner.bytes, to: &json)
    }

    private func writePart(text: String? = nil, call: [UInt8]? = nil, response: [UInt8]? = nil, to json: inout JSONWriter) {
        json.beginObject()
        if isUniform || text != nil { json.member("text", text ?? "") }
        if isUniform || call != nil { json.member("functionCall", json: call ?? [], asText: isUniform) }
        if isUniform || response != nil { json.member("functionResponse", json: response ?? [], asText: isUniform) }
        json.endObject()
    }

    private func writeDeclarations(to json: inout JSONWriter) {
        guard isUniform || (!row.tools.isEmpty && options.toolsKey != .never) else { return }
        var inner = JSONWriter()
        inner.beginArray()
        if !row.tools.isEmpty {
            inner.beginObject()
            inner.key("functionDeclarations")
            inner.beginArray()
            for tool in row.tools { inner.raw(GeminiToolSchema.declaration(of: tool)) }
            inner.endArray()
            inner.endObject()
        }
        inner.endArray()
        json.member("tools", json: inner.bytes, asText: isUniform)
    }
}

/// Turns as Gemini's contents.
enum GeminiContents {
    /// Results of one turn's calls belong in one content; any other turn is its own.
    static func groups(_ turns: [CanonicalTurn]) -> [[CanonicalTurn]] {
        var groups: [[CanonicalTurn]] = []
        for turn in turns {
            if turn.role == .tool, groups.last?.first?.role == .tool {
                groups[groups.count - 1].append(turn)
            } else {
                groups.append([turn])
            }
        }
        return groups
    }

    /// What a tool said, as an object: itself where it is one, else under `output`, or under `error` where the tool failed.
    ///
    /// An object that would be taken for such a wrapping is wrapped itself.
    static func response(_ turn: CanonicalTurn) -> [UInt8] {
        let text = turn.joinedText
        let failed = turn.hasFailed
        if !failed, let root = JSONDocument.read(text.utf8)?.root, root.kind == .object, !isWrapping(root),
            JSONText.depth(root.lexeme) <= FormatLimits.valueDepth
        {
            return JSONText.compact(root)
        }
        var json = JSONWriter()
        json.beginObject()
        json.member(failed ? "error" : "output", text)
        json.endObject()
        return json.bytes
    }
}

extension GeminiContents {
    /// Whether an object has one member, and that is `output` or `error`.
    private static func isWrapping(_ object: JSONNode) -> Bool {
        var members = object.members
        guard let only = members.next(), members.next() == nil else { return false }
        return only.key.equals("output") || only.key.equals("error")
    }
}

extension CanonicalTurn {
    /// Whether this is the result of a tool that failed.
    var hasFailed: Bool {
        if case .toolResult(_, _, let isError) = blocks.first { return isError }
        return false
    }
}
