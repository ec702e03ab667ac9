// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Formats of evaluators.
extension RowWriting {
    /// A sample of Inspect AI: `{id, input, target, metadata}`; tools and the answer's schema lie in its metadata.
    func inspect() throws(FormatRefusal) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.member("id", row.id)
        json.key("input")
        try unweightedMessages(.flat).write(row.prompt, to: &json)
        if isUniform || row.ideal != nil { json.member("target", row.ideal ?? "") }
        writeMetadata(withTools: true, to: &json)
        json.endObject()
        return json.bytes
    }

    /// A test of promptfoo: the conversation is one variable, a JSON text, so that nothing in it is a matrix or a template.
    func promptfoo() throws(FormatRefusal) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.member("description", TemplateText.once(row.id))
        json.key("vars")
        json.beginObject()
        json.member("conversation", json: TemplateText.json(try promptText()), asText: true)
        json.endObject()
        json.key("assert")
        json.beginArray()
        if let ideal = row.ideal {
            json.beginObject()
            json.member("type", "equals")
            json.member("value", TemplateText.once(ideal))
            json.endObject()
        } else if isUniform {
            throw .idealMissing
        }
        json.endArray()
        writeMetadata(withTools: true, to: &json)
        json.endObject()
        return json.bytes
    }

    /// `{id, system, prompt, target}` of the task that `LMEvalTask` describes.
    func lmEval() throws(FormatRefusal) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.member("id", row.id)
        json.member("system", row.prompt.first { $0.role == .system }?.joinedText ?? "")
        json.member("prompt", row.prompt.first { $0.role != .system }?.joinedText ?? "")
        json.member("target", row.ideal ?? "")
        json.endObject()
        return json.bytes
    }

    /// `{id, input, ideal, tools, metadata}`: the input is a list of OpenAI's messages, in a uniform file as a JSON text.
    func plain() throws(FormatRefusal) -> [UInt8] {
        var json = JSONWriter(capacity: 4_096)
        json.beginObject()
        json.member("id", row.id)
        json.member("input", json: try promptText(), asText: isUniform)
        json.member("ideal", row.ideal ?? "")
        writeTools(to: &json)
        writeMetadata(to: &json)
        json.endObject()
        return json.bytes
    }

    private func unweightedMessages(_ calls: MessageWriting.Calls) throws(FormatRefusal) -> MessageWriting {
        var writing = try messages(calls)
        writing.writesAllWeights = false
        return writing
    }

    /// The prompt as a JSON list of strict messages.
    private func promptText() throws(FormatRefusal) -> [UInt8] {
        var writing = try unweightedMessages(.nested)
        writing.isUniform = false
        var json = JSONWriter(capacity: 4_096)
        writing.write(row.prompt, to: &json)
        return json.bytes
    }
}

/// The task of lm-eval that reads a file of ours.
package enum LMEvalTask {
    /// The task's YAML.
    ///
    /// - Parameters:
    ///   - name: letters, digits, `.`, `_`, `-`.
    ///   - file: the JSONL file's name or path, as lm-eval will see it.
    /// - Returns: a YAML text that ends with a newline.
    package static func yaml(name: String, file: String) -> [UInt8] {
        func quoted(_ text: String) -> String {
            var out: [UInt8] = []
            JSONEscaping.appendQuoted(text.utf8, to: &out)
            return String(decoding: out, as: UTF8.self)
        }
        let lines = [
            "task: \(quoted(name))", "dataset_path: json", "dataset_kwargs:", "  data_files:", "    test: \(quoted(file))",
            "test_split: test", "output_type: generate_until",
            #"doc_to_text: "{{system}}{% if system %}\n\n{% endif %}{{prompt}}""#, "doc_to_target: target",
            "should_decontaminate: true", "doc_to_decontamination_query: prompt", "generation_kwargs:", "  until: []",
            "  do_sample: false", "metric_list:", "  - metric: exact_match", "    aggregation: mean",
            "    higher_is_better: true",
            "metadata:", "  version: 1.0",
        ]
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// The name of the task's file beside the file of rows: `eval.lm-eval.yaml` beside `eval.lm-eval.jsonl`.
    package static func fileName(of rows: String) -> String { "\(rows.dropLast("jsonl".count))yaml" }
}
