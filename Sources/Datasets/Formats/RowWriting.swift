// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Writes one row that has passed its format's demands.
struct RowWriting {
    let format: ExportFormat
    let row: DatasetRow
    let isUniform: Bool
    let options: ExportOptions

    /// The manner of the format's messages.
    func messages(_ calls: MessageWriting.Calls = .nested) throws(FormatRefusal) -> MessageWriting {
        var writing = MessageWriting(
            calls: calls, isUniform: isUniform, writesAllWeights: options.weights && format != .trl && format != .chat)
        if format == .axolotl { (writing.weightKey, writing.weightsAreFlags) = ("train", true) }
        if format == .mistral { writing.callIDs = try MistralCallIDs.table(row.turns + row.rejected) }
        if format.isOpenAI { writing.callIDs = try OpenAICallIDs.table(row.turns + row.rejected) }
        writing.namesTools = format == .inspect
        return writing
    }

    /// Appends `tools` as the file has it.
    func writeTools(to json: inout JSONWriter) {
        let isWanted: Bool =
            switch options.toolsKey {
            case .whereOffered: !row.tools.isEmpty
            case .always: true
            case .never: false
            }
        if isUniform || isWanted {
            json.member("tools", json: ToolDefinition.list(row.tools), asText: isUniform || format == .trl)
        }
    }

    /// `{messages, tools}`.
    func conversation() throws(FormatRefusal) -> [UInt8] {
        let writing = try messages(format == .trl ? .nestedObject : .nested)
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.key("messages")
        let isWeighted = format != .trl && format != .chat
        writing.write(
            row.turns, weight: isWeighted ? row.historyWeight : nil, answerWeight: isWeighted ? row.answerWeight : nil, to: &json)
        writeTools(to: &json)
        json.endObject()
        return json.bytes
    }

    /// `{input: {messages, tools}, preferred_output, non_preferred_output}`.
    func pair() throws(FormatRefusal) -> [UInt8] {
        let writing = try unweighted(.nested)
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.key("input")
        json.beginObject()
        json.key("messages")
        writing.write(row.prompt, to: &json)
        writeTools(to: &json)
        json.endObject()
        for (key, turn) in [("preferred_output", row.answer), ("non_preferred_output", row.rejected.first)] {
            json.key(key)
            writing.write(turn.map { [$0] } ?? [], to: &json)
        }
        json.endObject()
        return json.bytes
    }

    /// `{prompt, chosen, rejected, tools}` of TRL.
    func promptPair() throws(FormatRefusal) -> [UInt8] {
        let writing = try unweighted(.nestedObject)
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        let lists: [(String, [CanonicalTurn])] = [
            ("prompt", row.prompt), ("chosen", row.answer.map { [$0] } ?? []), ("rejected", Array(row.rejected.prefix(1))),
        ]
        for (key, turns) in lists {
            json.key(key)
            writing.write(turns, to: &json)
        }
        writeTools(to: &json)
        json.endObject()
        return json.bytes
    }

    private func unweighted(_ calls: MessageWriting.Calls) throws(FormatRefusal) -> MessageWriting {
        var writing = try messages(calls)
        writing.writesAllWeights = false
        return writing
    }

    /// `{messages, tools, reference_answer, id, metadata}`: what is beside the messages is for the grader, as `item.…`.
    func graded() throws(FormatRefusal) -> [UInt8] {
        let writing = try unweighted(.nested)
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.key("messages")
        writing.write(row.prompt, to: &json)
        writeTools(to: &json)
        json.member("reference_answer", row.ideal ?? "")
        json.member("id", row.id)
        writeMetadata(to: &json)
        json.endObject()
        return json.bytes
    }

    /// Appends `metadata`: where the row comes from, what was attached, and where it is asked for, tools and schema.
    func writeMetadata(withTools: Bool = false, to json: inout JSONWriter) {
        var inner = JSONWriter(capacity: 256)
        inner.beginObject()
        let known = [
            ("task", row.meta.task), ("environment", row.meta.environment), ("model", row.meta.model),
            ("provider", row.meta.provider),
        ]
        for (key, text) in known {
            if let text { inner.member(key, text) }
        }
        if !row.metadata.isEmpty {
            inner.key("attached")
            inner.beginObject()
            for pair in row.metadata { inner.member(pair.name, pair.value) }
            inner.endObject()
        }
        if withTools, !row.tools.isEmpty { inner.member("tools", json: ToolDefinition.list(row.tools), asText: false) }
        if withTools, let schema = row.compactSchema { inner.member("response_schema", json: schema, asText: false) }
        inner.endObject()
        json.member("metadata", json: inner.bytes, asText: isUniform)
    }
}

extension DatasetRow {
    /// The schema of the answer without white space.
    var compactSchema: [UInt8]? {
        guard let responseSchema, let root = JSONDocument.read(responseSchema)?.root else { return nil }
        return JSONText.compact(root)
    }
}
