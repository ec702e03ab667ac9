// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Datasets

@Suite struct FormatGoldenTests {
    struct Golden: Sendable {
        let format: ExportFormat
        var profile = ExportProfile.strictVendor
        var options = ExportOptions()
        var row = SampleRows.text
        let line: String
    }

    static func options(preference: Bool = false, weights: Bool = false, shareTools: Bool = false) -> ExportOptions {
        var options = ExportOptions()
        (options.preference, options.weights, options.toolsInShareGPT) = (preference, weights, shareTools)
        return options
    }

    static let toolList = #"[{"type":"function","function":{"name":"w","description":"Weather","parameters":{"type":"object"}}}]"#
    static let toolText =
        #""[{\"type\":\"function\",\"function\":{\"name\":\"w\",\"description\":\"Weather\",\"parameters\":{\"type\":\"object\"}}}]""#
    static let plainText = #"{"role":"system","content":"Be brief."},{"role":"user","content":"Hi {{x}}"}"#
    static let hello = #"{"role":"assistant","content":"Hello \"you\""}"#

    static func called(
        _ id: String, arguments: String, weights: Bool = true, key: String = "weight", no: String = "0", yes: String = "1"
    )
        -> String
    {
        let (first, last) = weights ? (",\"\(key)\":\(no)", ",\"\(key)\":\(yes)") : ("", "")
        return
            #"{"role":"user","content":"Sun?"},{"role":"assistant","content":"","tool_calls":[{"id":"\#(id)","type":"function","function":{"name":"w","arguments":\#(arguments)}}]\#(first)},{"role":"tool","tool_call_id":"\#(id)","content":"yes"},{"role":"assistant","content":"It shines."\#(last)}"#
    }

    static let argumentText = #""{\"x\": 1.0}""#
    static let pair =
        #"{"input":{"messages":[\#(plainText)]},"preferred_output":[\#(hello)],"non_preferred_output":[{"role":"assistant","content":"No"}]}"#

    static func uniform(_ role: String, _ content: String, calls: String = "[]", id: String = "") -> String {
        #"{"role":"\#(role)","content":"\#(content)","tool_calls":"\#(calls)","tool_call_id":"\#(id)"}"#
    }

    static let uniformCalled =
        [
            uniform("user", "Sun?"),
            uniform(
                "assistant", "",
                calls: #"[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"w\",\"arguments\":\"{\\\"x\\\": 1.0}\"}}]"#
            ),
            uniform("tool", "yes", id: "a"), uniform("assistant", "It shines."),
        ].joined(separator: ",")

    static let metadata = #"{"task":"greet","model":"m-1","provider":"openai","attached":{"user":"u"}}"#

    static let goldens: [Golden] = [
        Golden(
            format: .chat, row: SampleRows.tools,
            line: #"{"messages":[\#(called("a", arguments: argumentText, weights: false))],"tools":\#(toolList)}"#),
        Golden(format: .openaiSFT, line: #"{"messages":[\#(plainText),\#(hello)]}"#),
        Golden(
            format: .openaiSFT, row: SampleRows.tools,
            line: #"{"messages":[\#(called("a", arguments: argumentText))],"tools":\#(toolList)}"#),
        Golden(
            format: .openaiSFT, profile: .arrowUniform, row: SampleRows.tools,
            line: #"{"messages":[\#(uniformCalled)],"tools":\#(toolText)}"#),
        Golden(format: .openaiDPO, line: pair), Golden(format: .together, options: options(preference: true), line: pair),
        Golden(format: .fireworks, options: options(preference: true), line: pair),
        Golden(
            format: .openaiRFT,
            line: #"{"messages":[\#(plainText)],"reference_answer":"Hello \"you\"","id":"r1","metadata":\#(metadata)}"#),
        Golden(
            format: .vertexGemini,
            line:
                #"{"systemInstruction":{"role":"system","parts":[{"text":"Be brief."}]},"contents":[{"role":"user","parts":[{"text":"Hi {{x}}"}]},{"role":"model","parts":[{"text":"Hello \"you\""}]}]}"#
        ),
        Golden(
            format: .vertexGemini, row: SampleRows.tools,
            line:
                #"{"contents":[{"role":"user","parts":[{"text":"Sun?"}]},{"role":"model","parts":[{"functionCall":{"name":"w","args":{"x":1.0}}}]},{"role":"user","parts":[{"functionResponse":{"name":"w","response":{"output":"yes"}}}]},{"role":"model","parts":[{"text":"It shines."}]}],"tools":[{"functionDeclarations":[{"name":"w","description":"Weather"}]}]}"#
        ),
        Golden(
            format: .mistral, row: SampleRows.tools,
            line: #"{"messages":[\#(called("m2WfvneMd", arguments: argumentText))],"tools":\#(toolList)}"#),
        Golden(
            format: .together, row: SampleRows.tools,
            line: #"{"messages":[\#(called("a", arguments: argumentText))],"tools":\#(toolList)}"#),
        Golden(format: .fireworks, line: #"{"messages":[\#(plainText),\#(hello)]}"#),
        Golden(
            format: .trl, row: SampleRows.tools,
            line: #"{"messages":[\#(called("a", arguments: #"{"x":1.0}"#, weights: false))],"tools":\#(toolText)}"#),
        Golden(
            format: .trl, options: options(preference: true),
            line: #"{"prompt":[\#(plainText)],"chosen":[\#(hello)],"rejected":[{"role":"assistant","content":"No"}]}"#),
        Golden(
            format: .axolotl, row: SampleRows.tools,
            line:
                #"{"messages":[\#(called("a", arguments: argumentText, key: "train", no: "false", yes: "true"))],"tools":\#(toolList)}"#
        ),
        Golden(
            format: .sharegpt,
            line:
                #"{"conversations":[{"from":"system","value":"Be brief."},{"from":"human","value":"Hi {{x}}"},{"from":"gpt","value":"Hello \"you\""}]}"#
        ),
        Golden(
            format: .sharegpt, options: options(shareTools: true), row: SampleRows.tools,
            line:
                #"{"conversations":[{"from":"human","value":"Sun?"},{"from":"function_call","value":"{\"name\":\"w\",\"arguments\":{\"x\":1.0}}"},{"from":"observation","value":"yes"},{"from":"gpt","value":"It shines."}],"tools":\#(toolText)}"#
        ),
        Golden(
            format: .bedrockAnthropic,
            line: #"{"system":"Be brief.","messages":[{"role":"user","content":"Hi {{x}}"},\#(hello)]}"#),
        Golden(format: .openaiEvals, line: #"{"input":[\#(plainText)],"ideal":"Hello \"you\""}"#),
        Golden(
            format: .inspect, line: #"{"id":"r1","input":[\#(plainText)],"target":"Hello \"you\"","metadata":\#(metadata)}"#),
        Golden(
            format: .inspect, row: SampleRows.tools,
            line:
                #"{"id":"r2","input":[{"role":"user","content":"Sun?"},{"role":"assistant","content":"","tool_calls":[{"id":"a","type":"function","function":"w","arguments":{"x":1.0}}]},{"role":"tool","tool_call_id":"a","content":"yes","function":"w"}],"target":"It shines.","metadata":{"model":"m-1","tools":\#(toolList)}}"#
        ),
        Golden(
            format: .promptfoo,
            line:
                #"{"description":"r1","vars":{"conversation":"[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi \\u007b{x}}\"}]"},"assert":[{"type":"equals","value":"Hello \"you\""}],"metadata":\#(metadata)}"#
        ),
        Golden(format: .lmEval, line: #"{"id":"r1","system":"Be brief.","prompt":"Hi {{x}}","target":"Hello \"you\""}"#),
        Golden(
            format: .plain, line: #"{"id":"r1","input":[\#(plainText)],"ideal":"Hello \"you\"","metadata":\#(metadata)}"#),
        Golden(
            format: .catalystSource,
            line:
                #"{"request":{"model":"m-1","messages":[\#(plainText)]},"response":{"id":"r1","object":"chat.completion","model":"m-1","choices":[{"index":0,"message":\#(hello),"finish_reason":"stop"}]}}"#
        ),
        Golden(
            format: .catalystHF, row: SampleRows.tools,
            line: #"{"messages":[\#(called("a", arguments: argumentText, weights: false))],"id":"r2","tools":\#(toolList)}"#),
    ]

    @Test func everyFormatHasItsGoldenLine() throws {
        for golden in Self.goldens {
            let line = String(
                decoding: try golden.format.encode(golden.row, profile: golden.profile, options: golden.options), as: UTF8.self)
            #expect(line == golden.line, "\(golden.format.rawValue)")
            var validator = FormatValidator(golden.format, profile: golden.profile, options: golden.options)
            #expect(validator.check(line.utf8).isEmpty, "\(golden.format.rawValue)")
        }
        #expect(Set(Self.goldens.map(\.format)) == Set(ExportFormat.allCases))
    }

    @Test func strictOpenAIHasTheBytesOfTheUsualFile() throws {
        for row in [SampleRows.text, SampleRows.tools] {
            var plain = row
            (plain.answerWeight, plain.historyWeight) = (nil, nil)
            var options = ExportOptions()
            options.toolsKey = .never
            #expect(
                try ExportFormat.openaiSFT.encode(plain, profile: .strictVendor, options: options)
                    == ExportFormat.chat.encode(row, profile: .strictVendor, options: options))
            options.toolsKey = .always
            #expect(
                try ExportFormat.openaiSFT.encode(plain, profile: .strictVendor, options: options)
                    == ExportFormat.chat.encode(row, profile: .strictVendor, options: options))
        }
    }

    @Test func mistralIDsFollowFromTheSHA256() throws {
        // Calculated apart, with big integers of Python.
        let known = [
            ("a", "m2WfvneMd"), ("call_1", "RWu906W5H"), ("toolu_01", "T4FqBgpdH"), ("", "rzWtdMwJe"), ("\u{e9}", "HglFUguf9"),
        ]
        for (id, short) in known { #expect(MistralCallIDs.rewrite(id) == short) }
        let turns = [SampleRows.call("a", "{}"), SampleRows.result("a", "x"), SampleRows.call("b", "{}")]
        #expect(throws: FormatRefusal.toolCallIDCollision) { try MistralCallIDs.table(turns) { _ in "sameSame1" } }
        #expect(try MistralCallIDs.table(turns).count == 2)
    }

    @Test func changesSayWhatALineLeavesOut() {
        var row = SampleRows.tools
        row.prompt[2] = SampleRows.result("a", "broken", failed: true)
        row.answer?.blocks.insert(.reasoning("hm"), at: 0)
        row.responseSchema = Array("{}".utf8)
        row.reference = "Yes"
        let sft = ExportFormat.openaiSFT.changes(of: row, profile: .strictVendor)
        #expect(sft == [.reasoningRemoved, .toolErrorFlagRemoved, .responseFormatRemoved, .referenceRemoved])
        #expect(ExportFormat.openaiSFT.changes(of: row, profile: .arrowUniform).contains(.weightsRemoved))
        #expect(ExportFormat.mistral.changes(of: row, profile: .strictVendor).contains(.callIDsRewritten))
        let gemini = ExportFormat.vertexGemini.changes(of: row, profile: .strictVendor)
        #expect(
            gemini.isSuperset(of: [.callIDsRemoved, .toolResultWrapped, .weightsRemoved])
                && !gemini.contains(.toolErrorFlagRemoved))
        #expect(ExportFormat.inspect.changes(of: row, profile: .strictVendor).contains(.answerRemoved))
        #expect(ExportFormat.plain.changes(of: SampleRows.text, profile: .strictVendor) == [.answerAsIdeal, .rejectedRemoved])
        #expect(ExportFormat.promptfoo.changes(of: SampleRows.text, profile: .strictVendor).contains(.templateSignsEscaped))
        #expect(RowChanges.named.map(\.name) == RowChanges.named.map(\.name).sorted())
    }

    @Test func theTaskOfLMEvalNamesItsFile() {
        let yaml = String(decoding: LMEvalTask.yaml(name: "x", file: "eval.lm-eval.jsonl"), as: UTF8.self)
        #expect(yaml.hasPrefix("task: \"x\"\ndataset_path: json\n") && yaml.contains("    test: \"eval.lm-eval.jsonl\"\n"))
        #expect(LMEvalTask.fileName(of: "eval.lm-eval.jsonl") == "eval.lm-eval.yaml")
    }

    @Test func templateTextsAreThemselvesOnceRendered() {
        #expect(TemplateText.once("a {{b}} {%c%} {d") == #"a {{ "{" }}{b}} {{ "{" }}%c%} {d"#)
        #expect(TemplateText.once("file://x") == #"{{ "f" }}ile://x"#)
        for text in SampleRows.texts { #expect(TemplateText.undo(TemplateText.once(text)) == text) }
    }
}
