// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Datasets

@Suite struct FormatValidatorTests {
    /// A good line with one thing changed, and the rule that this breaks.
    struct Bad: Sendable {
        let format: ExportFormat
        var profile = ExportProfile.strictVendor
        var options = ExportOptions()
        var row = SampleRows.tools
        let from: String
        let to: String
        let rule: FormatRule
    }

    static let chats: [ExportFormat] = [.openaiSFT, .mistral, .together, .fireworks, .axolotl, .catalystHF, .trl]

    /// What every list of messages refuses, tried on each format that has one.
    static let chatCases: [Bad] = chats.flatMap { format -> [Bad] in
        func bad(_ from: String, _ to: String, _ rule: FormatRule) -> Bad { Bad(format: format, from: from, to: to, rule: rule) }
        return [
            bad(#"{"role":"user","content":"Sun?"}"#, #"{"role":"boss","content":"Sun?"}"#, .roleUnknown),
            bad(#"{"role":"user","content":"Sun?"}"#, #"{"role":"user","content":"Sun?","name":"x"}"#, .keyUnknown),
            bad(#"{"role":"user","content":"Sun?"}"#, #"{"role":"user"}"#, .keyMissing),
            bad(#"{"role":"user","content":"Sun?"}"#, #"{"role":"user","role":"user","content":"Sun?"}"#, .keyRepeated),
            bad(#"{"role":"user","content":"Sun?"}"#, #"{"role":"user","content":null}"#, .valueNull),
            bad(#"{"role":"user","content":"Sun?"}"#, #"{"role":"user","content":7}"#, .contentNotString),
            bad(#"{"role":"user","content":"Sun?"}"#, #"{"role":"assistant","content":"Sun?"}"#, .noUserMessage),
            bad(#""content":"yes""#, #""content":[{"type":"text","text":"yes"}]"#, .contentNotString),
            bad(
                #"{"role":"assistant","content":"It shines."}"#, #"{"role":"user","content":"It shines."}"#,
                .lastMessageNotAssistant),
            bad(#""type":"function","function":{"name":"w","arg"#, #""type":"code","function":{"name":"w","arg"#, .toolCallForm),
            bad(#"{"role":"tool","#, #"{"role":"tool","x":1,"#, .keyUnknown), bad(#","content":"yes""#, "", .keyMissing),
            bad(#""tool_call_id":""#, #""tool_call_id":"z"#, .toolResultOrphan),
            bad(#"{"role":"tool","#, #"{"role":"user","content":"wait"},{"role":"tool","#, .toolCallUnanswered),
            bad(#""tools":"#, #""tool":"#, .keyUnknown),
        ]
    }

    static func sft(_ from: String, _ to: String, _ rule: FormatRule, _ format: ExportFormat = .openaiSFT) -> Bad {
        Bad(format: format, from: from, to: to, rule: rule)
    }

    static func text(
        _ format: ExportFormat, _ from: String, _ to: String, _ rule: FormatRule, _ options: ExportOptions = ExportOptions(),
        _ profile: ExportProfile = .strictVendor
    ) -> Bad {
        Bad(format: format, profile: profile, options: options, row: SampleRows.text, from: from, to: to, rule: rule)
    }

    static let pairs = FormatGoldenTests.options(preference: true)
    static let shared = FormatGoldenTests.options(shareTools: true)

    static let lineCases: [Bad] = [
        sft(#"{"messages""#, #"{"messages"#, .lineNotJSON), sft(#"{"messages":"#, #"[{"messages":"#, .lineNotJSON),
        sft(#"{"role":"user","content":"Sun?"}"#, #""Sun?""#, .valueType), sft(#""weight":0"#, #""weight":0.5"#, .weightForm),
        sft(#""content":"Sun?""#, #""content":"Sun?","weight":1"#, .weightMisplaced),
        sft(#""train":false"#, #""train":0"#, .weightForm, .axolotl),
        sft(#""content":"Sun?""#, #""content":[]"#, .partsEmpty),
        sft(#""content":"Sun?""#, #""content":[{"type":"audio"}]"#, .partForm),
        sft(#""content":"Sun?""#, #""content":[{"type":"image_url","image_url":{"url":"http://x"}}]"#, .imageForm),
        sft(#""content":"It shines.""#, #""content":[{"type":"image_url","image_url":{"url":"https://x"}}]"#, .imageMisplaced),
        sft(
            #""content":"Sun?""#,
            #""content":["#
                + Array(repeating: #"{"type":"image_url","image_url":{"url":"https://x"}}"#, count: 11).joined(separator: ",")
                + "]",
            .tooManyImages),
        sft(#""{\"x\": 1.0}""#, #"{"x":1.0}"#, .argumentsNotString), sft(#""{\"x\": 1.0}""#, #""[1]""#, .argumentsNotObject),
        sft(#"{"x":1.0}"#, #""x""#, .argumentsNotObject, .trl), sft(#""id":"a""#, #""id":"""#, .toolCallIDForm),
        sft(#""id":"m2WfvneMd""#, #""id":"m2WfvneM_""#, .toolCallIDForm, .mistral),
        sft(
            #"[{"id":"a","type":"function","function":{"name":"w","arguments":"{\"x\": 1.0}"}}]"#,
            #"[{"id":"a","type":"function","function":{"name":"w","arguments":"{}"}},{"id":"a","type":"function","function":{"name":"w","arguments":"{}"}}]"#,
            .toolCallIDRepeated),
        sft(#""function":{"name":"w","arguments""#, #""function":{"name":"w x","arguments""#, .toolNameForm),
        sft(#""name":"w","description""#, #""name":"","description""#, .toolNameForm),
        sft(#""parameters":{"type":"object"}"#, #""parameters":[]"#, .toolForm),
        sft(#""description":"Weather","#, "", .toolForm, .mistral),
        sft(
            #"[{"type":"function","function":{"name":"w","description""#,
            #"[{"type":"function","function":{"name":"w"}},{"type":"function","function":{"name":"w","description""#,
            .toolNameRepeated),
        sft(#""content":"","tool_calls""#, #""content":"So","tool_calls""#, .contentBesideToolCalls, .mistral),
        sft(
            #"{"role":"user","content":"Sun?"}"#, #"{"role":"user","content":"Sun?"},{"role":"system","content":"x"}"#,
            .systemNotFirst, .fireworks),
        sft(
            #"{"role":"user","content":"Sun?"}"#, #"{"role":"user","content":"Sun?"},{"role":"user","content":"x"}"#,
            .rolesDoNotAlternate, .together),
        sft(#""content":"It shines.""#, #""content":"""#, .contentEmpty, .mistral),
        text(.openaiDPO, #"[{"role":"assistant","content":"No"}]"#, "[]", .outputNotOneMessage),
        text(.openaiDPO, #"{"role":"assistant","content":"No"}"#, #"{"role":"user","content":"No"}"#, .outputNotAssistant),
        text(.openaiDPO, #""content":"No""#, #""content":"Hello \"you\"""#, .outputsEqual),
        text(
            .together, #"{"role":"user","content":"Hi {{x}}"}"#, #"{"role":"assistant","content":"x"}"#, .lastMessageAssistant,
            pairs),
        text(.trl, #""rejected":"#, #""refused":"#, .keyMissing, pairs),
        text(.openaiRFT, #"{"role":"user","content":"Hi {{x}}"}"#, #"{"role":"assistant","content":"x"}"#, .lastMessageNotUser),
        text(.openaiRFT, #""reference_answer":"Hello \"you\"""#, #""reference_answer":null"#, .valueNull),
        text(.sharegpt, #""from":"gpt""#, #""from":"function_call""#, .roleUnknown),
        text(.sharegpt, #""value":"Hi {{x}}""#, #""value":"""#, .contentEmpty),
        text(.sharegpt, #""from":"gpt""#, #""from":"human""#, .rolesDoNotAlternate),
        text(.sharegpt, #""from":"gpt","value":"Hello \"you\"""#, #""from":"function_call","value":"x""#, .jsonText, shared),
        text(
            .sharegpt, #""from":"gpt","value":"Hello \"you\"""#, #""from":"function_call","value":"[]""#, .parallelCalls, shared),
        text(.sharegpt, #""from":"gpt","value":"Hello \"you\"""#, #""from":"function_call","value":"{}""#, .toolCallForm, shared),
        text(
            .sharegpt, #""from":"gpt","value":"Hello \"you\"""#, #""from":"function_call","value":"{\"name\":\"w\"}""#,
            .argumentsNotObject, shared),
        text(.bedrockAnthropic, #"{"role":"user","content":"Hi {{x}}"},"#, "", .tooFewMessages),
        text(.bedrockAnthropic, #"{"role":"user","content":"Hi {{x}}"},"#, "", .firstMessageNotUser),
        text(
            .bedrockAnthropic, #""content":"Hi {{x}}"}"#, #""content":"Hi"},{"role":"user","content":"x"}"#, .rolesDoNotAlternate),
        text(.bedrockAnthropic, #""role":"assistant""#, #""role":"user""#, .lastMessageNotAssistant),
        text(.bedrockAnthropic, #""role":"user""#, #""role":"tool""#, .roleUnknown),
        text(.bedrockAnthropic, #""content":"Hi {{x}}""#, #""content":["x"]"#, .contentNotString),
        text(.bedrockAnthropic, #""system":"Be brief.""#, #""system":"""#, .contentEmpty),
        text(.bedrockAnthropic, #""system":"Be brief.""#, #""id":"x""#, .keyUnknown),
        text(.openaiEvals, #""ideal":"Hello \"you\"""#, #""ideal":[]"#, .valueType),
        text(.openaiEvals, #""role":"user""#, #""role":"tool""#, .roleUnknown),
        text(.inspect, #""id":"r1""#, #""id":1.5"#, .valueType),
        text(.inspect, #""target":"Hello \"you\"""#, #""target":[1]"#, .valueType),
        text(.inspect, #""content":"Hi {{x}}""#, #""content":null"#, .valueNull),
        sft(#""function":"w","arguments""#, #""function":{"name":"w"},"arguments""#, .toolCallForm, .inspect),
        sft(#""arguments":{"x":1.0}"#, #""arguments":"{}""#, .argumentsNotObject, .inspect),
        text(.promptfoo, #"\\u007b{x}}"#, #"{{x}}"#, .templateSign),
        text(.promptfoo, #""conversation":"#, #""list":["x"],"conversation":"#, .variableNotText),
        text(.promptfoo, #""conversation":"["#, #""conversation":"x"#, .jsonText),
        text(.promptfoo, #""type":"equals","#, "", .assertForm),
        text(.promptfoo, #""value":"Hello"#, #""value":"file://Hello"#, .templateSign),
        text(.lmEval, #""prompt":"Hi {{x}}""#, #""prompt":["Hi"]"#, .valueType), text(.lmEval, #""id":"r1","#, "", .keyMissing),
        text(.plain, #""ideal":"Hello \"you\"""#, #""ideal":{}"#, .valueType),
        text(.plain, #""metadata":{"#, #""metadata":[{"#, .lineNotJSON),
        text(.catalystSource, #""model":"m-1","messages""#, #""model":"","messages""#, .modelMissing),
        text(.catalystSource, #""choices":[{"#, #""choice":[{"#, .responseForm),
        text(.catalystSource, #""response":{"#, #""answer":{"#, .keyMissing),
        text(.catalystHF, #""id":"r1""#, #""id":1"#, .valueType),
        text(.vertexGemini, #"[{"text":"Hi {{x}}"}]"#, "[]", .partsEmpty),
        text(.vertexGemini, #"{"text":"Hi {{x}}"}"#, #"{"audio":1}"#, .partForm),
        text(.vertexGemini, #"{"text":"Hi {{x}}"}"#, #"{"text":""}"#, .contentEmpty),
        text(.vertexGemini, #"{"text":"Hi {{x}}"}"#, #"{"fileData":{"fileUri":"data:x"}}"#, .imageForm),
        text(
            .vertexGemini, #"{"text":"Hello \"you\""}"#, #"{"fileData":{"fileUri":"gs://x","mimeType":"image/png"}}"#,
            .imageMisplaced),
        text(.vertexGemini, #""role":"model""#, #""role":"assistant""#, .roleUnknown),
        text(.vertexGemini, #""role":"model""#, #""role":"user""#, .lastMessageNotAssistant),
        text(.vertexGemini, #""role":"user""#, #""role":"model""#, .noUserMessage),
        text(.vertexGemini, #"[{"text":"Be brief."}]"#, "[]", .partsEmpty),
        sft(#""args":{"x":1.0}"#, #""args":"{}""#, .argumentsNotObject, .vertexGemini),
        sft(#""functionResponse":{"name":"w""#, #""functionResponse":{"name":"v""#, .toolResultOrphan, .vertexGemini),
        sft(#""functionCall":{"name":"w""#, #""functionCall":{"name":"""#, .toolNameForm, .vertexGemini),
        sft(#""functionDeclarations":["#, #""functions":["#, .toolForm, .vertexGemini),
        sft(#""name":"w","description":"Weather""#, #""name":"9w","description":"Weather""#, .toolNameForm, .vertexGemini),
        sft(
            #""description":"Weather""#, #""description":"Weather","parameters":{"type":"object"}"#, .toolSchemaForm,
            .vertexGemini),
        sft(#""parameters":{"type":"object"}"#, #""parameters":{"type":"any"}"#, .toolSchemaForm, .mistral),
        sft(#""tools":["#, #""tools":[],"tool":["#, .toolsEmpty),
        sft(
            #""tools":["#,
            #""tools":["# + (0..<128).map { #"{"type":"function","function":{"name":"t\#($0)"}},"# }.joined(), .tooManyTools),
        text(.openaiSFT, #""role":"user""#, #""role":"user","x":"#, .lineNotJSON),
    ]

    @Test(arguments: ["shared", "own"]) func badLinesBreakTheirRule(_ table: String) throws {
        for bad in table == "shared" ? Self.chatCases : Self.lineCases {
            let good = String(decoding: try bad.format.encode(bad.row, profile: bad.profile, options: bad.options), as: UTF8.self)
            let adapted = Self.adapt(good, bad)
            #expect(good.contains(adapted), "\(bad.format.rawValue): \(adapted) is not in \(good)")
            guard let range = good.firstRange(of: adapted) else { continue }
            let line = good[..<range.lowerBound] + bad.to + good[range.upperBound...]
            var validator = FormatValidator(bad.format, profile: bad.profile, options: bad.options)
            #expect(validator.check(good.utf8).isEmpty)
            let found = validator.check(line.utf8)
            #expect(
                found.contains { $0.rule == bad.rule && $0.row == 2 },
                "\(bad.format.rawValue) \(bad.rule.rawValue): \(found) in \(line)")
        }
    }

    /// The same place in formats that write it otherwise.
    private static func adapt(_ good: String, _ bad: Bad) -> String {
        if bad.from.contains(#""It shines."}"#), !good.contains(bad.from) {
            return good.firstRange(of: #"{"role":"assistant","content":"It shines.""#).map { range in
                String(good[range.lowerBound...].prefix { $0 != "}" }) + "}"
            } ?? bad.from
        }
        return bad.from
    }

    @Test func everyRuleIsHit() throws {
        var hit = Set((Self.chatCases + Self.lineCases).map(\.rule))
        hit.formUnion(Self.uniformCases.map(\.rule))
        hit.formUnion([
            .rowNotObject, .messagesEmpty, .noAssistantMessage, .lineTooLong, .tooFewRows, .tooManyRows, .shapesMixed, .tooDeep,
            .uniformEmptyList,
        ])
        #expect(FormatRule.allCases.filter { !hit.contains($0) } == [])
        for rule in FormatRule.allCases { #expect(!rule.remedy.isEmpty) }
        #expect(Self.rules(.openaiSFT, ["7"]) == [.rowNotObject])
        #expect(Self.rules(.openaiSFT, [#"{"messages":[]}"#]) == [.messagesEmpty])
        #expect(
            Self.rules(.openaiSFT, [#"{"messages":[{"role":"user","content":"x"}]}"#]) == [
                .lastMessageNotAssistant, .noAssistantMessage,
            ])
        var validator = FormatValidator(.lmEval, profile: .strictVendor)
        let long = repeatElement(UInt8(ascii: " "), count: FormatLimits.lineBytes + 1)
        #expect(validator.check(long).map(\.rule) == [.lineTooLong])
    }

    static func rules(_ format: ExportFormat, _ lines: [String], _ profile: ExportProfile = .strictVendor) -> [FormatRule] {
        var validator = FormatValidator(format, profile: profile)
        return lines.flatMap { validator.check($0.utf8) }.map(\.rule)
    }

    struct Uniform: Sendable {
        let second: String
        let rule: FormatRule
    }

    static let first = #"{"id":"r","system":"s","prompt":"p","target":"t"}"#
    static let uniformCases: [Uniform] = [
        Uniform(second: #"{"id":"r","prompt":"p","system":"s","target":"t"}"#, rule: .uniformKeys),
        Uniform(second: #"{"id":"r","system":"s","prompt":"p","target":"t","more":"x"}"#, rule: .uniformKeys),
        Uniform(second: #"{"id":"r","system":"s","prompt":"p","target":1}"#, rule: .uniformType),
        Uniform(second: #"{"id":"r","system":"s","prompt":"p","target":"2024-05-01"}"#, rule: .timestampValue),
        Uniform(second: #"{"id":"r","system":"s","prompt":"p","target":null}"#, rule: .valueNull),
    ]

    @Test func uniformFilesKeepToRowOne() throws {
        for one in Self.uniformCases {
            #expect(Self.rules(.lmEval, [Self.first, one.second], .arrowUniform).contains(one.rule), "\(one.second)")
        }
        #expect(Self.rules(.lmEval, [Self.first, Self.first], .arrowUniform) == [])
        let head = #"{"messages":[{"role":"user","content":"u","tool_calls":"[]","tool_call_id":""},"#
        let tail = #"{"role":"assistant","content":"a","tool_calls":"[]","tool_call_id":""}],"tools":"[]"}"#
        #expect(Self.rules(.openaiSFT, [head + tail], .arrowUniform) == [])
        let other = #"{"role":"assistant","tool_calls":"[]","content":"a","tool_call_id":""}],"tools":"[]"}"#
        #expect(Self.rules(.openaiSFT, [head + other], .arrowUniform) == [.uniformKeys])
        let times = (head + tail).replacing(#""u""#, with: #""2024-05-01""#).replacing(#""a""#, with: #""2024-05-01T10:00:00Z""#)
        #expect(Self.rules(.openaiSFT, [times], .arrowUniform) == [.timestampValue])
        #expect(
            Self.rules(.openaiSFT, [(head + tail).replacing(#""[]"}"#, with: #"[]}"#)], .arrowUniform).contains(.uniformEmptyList)
        )
        let deep = String(repeating: #"{"a":"#, count: 40) + "1" + String(repeating: "}", count: 40)
        #expect(Self.rules(.lmEval, [deep], .arrowUniform).contains(.tooDeep))
    }

    @Test func filesHaveTheirBounds() {
        var few = FormatValidator(.openaiSFT, profile: .strictVendor)
        _ = few.check(#"{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"x"}]}"#.utf8)
        #expect(few.finish().map(\.rule) == [.tooFewRows])
        #expect(few.finish().first?.description == "file: the file has too few rows for the service: add some [too-few-rows]")
        #expect(FormatValidator.rowCounts(.fireworks, isPairs: false) == 3...3_000_000)
        let mixed = [FormatGoldenTests.pair, #"{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"x"}]}"#]
        #expect(Self.rules(.together, mixed) == [.shapesMixed])
    }

    @Test func aViolationNamesRowPlaceAndRemedy() {
        var validator = FormatValidator(.mistral, profile: .strictVendor)
        let line =
            #"{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[{"id":"call_1","type":"function","function":{"name":"w","arguments":"{}"}}]}]}"#
        let found = validator.check(line.utf8)
        #expect(found.count == 1)
        #expect(
            found.first?.description
                == "row 1, messages[1].tool_calls[0].id: an id is a text that is not empty (OpenAI: of at most 40 characters; Mistral: exactly nine letters and digits) [tool-call-id-form]"
        )
    }

    @Test func findingsAreBounded() {
        let line = #"{"messages":["# + Array(repeating: "1", count: 1_000).joined(separator: ",") + "]}"
        #expect(Self.rules(.openaiSFT, [line]).count == FormatLimits.violationsPerLine)
    }
}
