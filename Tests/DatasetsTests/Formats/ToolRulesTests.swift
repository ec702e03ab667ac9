// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Datasets

/// What services ask of tools, calls and results.
@Suite struct ToolRulesTests {
    private static func tool(_ parameters: String, name: String = "w") -> ToolDefinition {
        ToolDefinition(name: name, description: "", parameters: Array(parameters.utf8))
    }

    private static func line(_ format: ExportFormat, _ row: DatasetRow, _ options: ExportOptions = ExportOptions()) throws
        -> String
    {
        String(decoding: try format.encode(row, profile: .strictVendor, options: options), as: UTF8.self)
    }

    private static func refusal(_ format: ExportFormat, _ row: DatasetRow) -> FormatRefusal? {
        do throws(FormatRefusal) {
            _ = try format.encode(row, profile: .strictVendor)
            return nil
        } catch { return error }
    }

    private static func rules(_ format: ExportFormat, _ lines: String...) -> [FormatRule] {
        FormatValidatorTests.rules(format, lines)
    }

    private static func offering(_ tools: [ToolDefinition], _ row: DatasetRow = SampleRows.text) -> DatasetRow {
        var row = row
        row.tools = tools
        return row
    }

    @Test(
        arguments: [
            (#"{"type":"object","properties":{}}"#, nil), ("{}", nil),
            (#"{"type":"object","required":[],"additionalProperties":false}"#, nil),
            (
                #"{"type":"object","properties":{"a":{"type":"string","enum":["x"],"description":"d"}},"required":["a"]}"#,
                "parameters"
            ),
            (
                #"{"type":"object","properties":{"$schema":{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"null"}]}}}}"#,
                "parameters"
            ),
            (
                #"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"type":"string"}}}"#,
                "parametersJsonSchema"
            ),
            (#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#, "parametersJsonSchema"),
            (#"{"type":"object","properties":{"a":{"const":"x"}}}"#, "parametersJsonSchema"),
            (#"{"type":"object","properties":{"a":{"type":["string","null"]}}}"#, "parametersJsonSchema"),
            (#"{"type":"object","properties":{"a":{"type":"integer","enum":[1,2]}}}"#, "parametersJsonSchema"),
            (#"{"type":"object","properties":{"a":{"type":"object"}}}"#, "parametersJsonSchema"),
            (#"{"type":"object","properties":{"a":{"type":"array"}}}"#, "parametersJsonSchema"),
            (#"{"type":"object","properties":{"a":{"type":"string","format":"uri"}}}"#, "parametersJsonSchema"),
            (#"{"type":"object","additionalProperties":{"type":"string"}}"#, "parametersJsonSchema"),
        ] as [(String, String?)])
    func schemasOfGeminiStandUnderTheirKey(schema: String, key: String?) throws {
        let line = try Self.line(.vertexGemini, Self.offering([Self.tool(schema)]))
        let member = key.map { #","\#($0)":\#(schema)"# } ?? ""
        #expect(line.hasSuffix(#""tools":[{"functionDeclarations":[{"name":"w","description":""\#(member)}]}]}"#), "\(line)")
        #expect(Self.rules(.vertexGemini, line) == [])
        var reader = RowReader()
        let tools = try #require(try reader.read(line.utf8)).row.tools
        #expect(tools.map(\.parameters) == [key == nil ? ToolDefinition.noParameters : Array(schema.utf8)])
        guard key != "parameters" else { return }
        // What the writer keeps out of `parameters`, the validator refuses there.
        let moved = try Self.line(
            .vertexGemini, Self.offering([Self.tool(#"{"type":"object","properties":{"a":{"type":"string"}}}"#)])
        )
        .replacing(#"{"type":"object","properties":{"a":{"type":"string"}}}"#, with: schema)
        let isFormat = schema.contains("uri")
        #expect(Self.rules(.vertexGemini, moved) == (isFormat ? [] : [.toolSchemaForm]), "\(moved)")
    }

    @Test(arguments: [
        ("_a.b-c9", true), ("9a", false), ("-a", false), ("a b", false), ("a:b", false),
        (String(repeating: "a", count: 65), false),
    ])
    func namesOfGemini(name: String, isGood: Bool) throws {
        let row = Self.offering([Self.tool("{}", name: name)])
        #expect(Self.refusal(.vertexGemini, row) == (isGood ? nil : .toolNameForm))
        let good = try Self.line(.vertexGemini, Self.offering([Self.tool("{}")]))
        #expect(
            Self.rules(.vertexGemini, good.replacing(#""name":"w""#, with: #""name":"\#(name)""#))
                == (isGood ? [] : [.toolNameForm]))
    }

    @Test func resultsAreNamedByTheTurnBeforeThem() throws {
        func call(_ name: String) -> CanonicalTurn {
            CanonicalTurn(role: .assistant, blocks: [.toolCall(ToolCall(id: "a", name: name, arguments: "{}"))])
        }
        let turns = [
            SampleRows.turn(.user, "q"), call("first"), SampleRows.result("a", "1"), call("second"), SampleRows.result("a", "2"),
            SampleRows.turn(.assistant, "so"),
        ]
        let row = DatasetRow(id: "r", turns: turns)
        for (format, key) in [(ExportFormat.inspect, #""function":""#), (.vertexGemini, #""functionResponse":{"name":""#)] {
            let line = try Self.line(format, row)
            let names = line.split(separator: format == .inspect ? #""role":"tool""# : "functionResponse").dropFirst().compactMap
            { piece in
                ["first", "second"].first { piece.contains(format == .inspect ? key + $0 : #"{"name":"\#($0)"#) }
            }
            #expect(names == ["first", "second"], "\(line)")
            #expect(Self.rules(format, line) == [])
        }
    }

    @Test func twoToolsOfOneNameAreRefused() {
        let twice = Self.offering([Self.tool("{}"), Self.tool("{}")])
        for format in ExportFormat.allCases {
            let refusal = Self.refusal(format, twice)
            // Those without tools, and the one that repeats whatever a caller offered.
            let hasNone: Set<ExportFormat> = [.chat, .sharegpt, .bedrockAnthropic, .openaiEvals, .lmEval, .openaiRFT]
            if !hasNone.contains(format) { #expect(refusal == .toolNameRepeated, "\(format.rawValue)") }
        }
        #expect(Self.refusal(.openaiRFT, twice) == .toolNameRepeated)
        #expect(Self.refusal(.lmEval, twice) == nil)
    }

    @Test func openAITakesSoManyTools() throws {
        func tools(_ count: Int) -> [ToolDefinition] { (0..<count).map { Self.tool("{}", name: "w\($0)") } }
        for format in [ExportFormat.openaiSFT, .openaiDPO, .openaiRFT] {
            #expect(Self.rules(format, try Self.line(format, Self.offering(tools(128)))) == [])
            #expect(Self.refusal(format, Self.offering(tools(129))) == .tooManyTools)
            // One more by hand: the first one, once again under another name.
            let line = try Self.line(format, Self.offering(tools(128)))
            let one = #"{"type":"function","function":{"name":"w0","description":"","parameters":{}}}"#
            let more = line.replacing(one, with: one + "," + one.replacing("w0", with: "other"))
            #expect(Self.rules(format, more) == [.tooManyTools])
        }
        #expect(Self.refusal(.axolotl, Self.offering(tools(129))) == nil)
    }

    @Test func openAIRefusesAnEmptyList() throws {
        for format in [ExportFormat.openaiSFT, .openaiDPO, .openaiRFT] {
            let line = try Self.line(format, SampleRows.text)
            #expect(!line.contains(#""tools""#) && Self.rules(format, line) == [])
            let pair = #"],"tools":[]},"preferred_output""#
            let empty =
                format == .openaiDPO
                ? line.replacing(#"]},"preferred_output""#, with: pair) : String(line.dropLast()) + #","tools":[]}"#
            #expect(Self.rules(format, empty) == [.toolsEmpty], "\(empty)")
        }
        let other = try Self.line(.axolotl, SampleRows.text).dropLast() + #","tools":[]}"#
        #expect(Self.rules(.axolotl, String(other)) == [])
    }

    @Test func longIDsAreRewrittenForOpenAI() throws {
        let long = String(repeating: "x", count: 41)
        var row = SampleRows.tools
        row.prompt[1] = SampleRows.call(long, "{}")
        row.prompt[2] = SampleRows.result(long, "yes")
        let line = try Self.line(.openaiSFT, row)
        let short = MistralCallIDs.rewrite(long)
        #expect(line.contains(#""id":"\#(short)""#) && line.contains(#""tool_call_id":"\#(short)""#) && !line.contains(long))
        #expect(Self.rules(.openaiSFT, line) == [])
        #expect(Self.rules(.openaiSFT, line.replacing(short, with: long)) == [.toolCallIDForm, .toolCallIDForm])
        #expect(ExportFormat.openaiSFT.changes(of: row, profile: .strictVendor).contains(.callIDsRewritten))
        #expect(try Self.line(.together, row).contains(long))
        let longest = String(long.dropLast())
        row.prompt[1] = SampleRows.call(longest, "{}")
        row.prompt[2] = SampleRows.result(longest, "yes")
        #expect(try Self.line(.openaiSFT, row).contains(longest))
        #expect(!ExportFormat.openaiSFT.changes(of: row, profile: .strictVendor).contains(.callIDsRewritten))
        // An id of the row that is just what another one would become.
        let turns = [SampleRows.call(long, "{}"), SampleRows.result(long, "x"), SampleRows.call(short, "{}")]
        #expect(throws: FormatRefusal.toolCallIDCollision) { try OpenAICallIDs.table(turns) }
    }

    @Test(
        arguments: [
            (
                #"{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]}},"required":["a"],"additionalProperties":false}"#,
                true
            ),
            (#"{"type":"object","properties":{"a":true},"items":[{},{}],"minLength":1.0,"x":{"type":7}}"#, true),
            (#"{"type":"strong"}"#, false), (#"{"type":[]}"#, false), (#"{"type":["string","string"]}"#, false),
            (#"{"required":"a"}"#, false),
            (#"{"required":["a","a"]}"#, false), (#"{"required":[1]}"#, false), (#"{"enum":"x"}"#, false),
            (#"{"properties":{"a":{"type":"any"}}}"#, false),
            (#"{"properties":[]}"#, false), (#"{"properties":{"a":"string"}}"#, false), (#"{"items":"string"}"#, false),
            (#"{"anyOf":[]}"#, false),
            (#"{"minimum":"1"}"#, false), (#"{"minLength":-1}"#, false), (#"{"exclusiveMinimum":true}"#, false),
            (#"{"description":1}"#, false),
            (#"{"not":{"properties":{"a":{"type":"String"}}}}"#, false), (#"{"uniqueItems":"true"}"#, false),
            (#"{"multipleOf":0}"#, false),
        ] as [(String, Bool)])
    func schemasOfMistralAreDraft7(schema: String, isGood: Bool) throws {
        let row = Self.offering([Self.tool(schema)])
        #expect(Self.refusal(.mistral, row) == (isGood ? nil : .toolSchemaForm))
        let good = try Self.line(.mistral, Self.offering([Self.tool("{}")]))
        let line = good.replacing(#""parameters":{}"#, with: #""parameters":\#(schema)"#)
        #expect(Self.rules(.mistral, line) == (isGood ? [] : [.toolSchemaForm]))
        #expect(Self.refusal(.openaiSFT, row) == nil)
    }

    /// Every answer of a tool comes back from Gemini's form as it was.
    @Test(
        arguments: [
            "yes", "", #"{"output":"x"}"#, #"{"error":"x"}"#, #"{"output":{"a":1}}"#, #"{"output":"x","error":"y"}"#,
            #"{"a":"é\n"}"#, "[1]", "{}", "null",
            #"{"output":"{\"output\":\"x\"}"}"#,
        ], [false, true])
    func resultsComeBackFromGemini(text: String, failed: Bool) throws {
        var row = SampleRows.tools
        row.prompt[2] = SampleRows.result("a", text, failed: failed)
        let line = try Self.line(.vertexGemini, row)
        var reader = RowReader()
        let read = try #require(try reader.read(line.utf8)).row
        #expect(read.turns[2].joinedText == text && read.turns[2].hasFailed == failed, "\(line)")
        #expect(read.turns[1].toolCalls.map(\.name) == ["w"])
    }

    @Test func catalystIsLookedAtAsAWhole() throws {
        let good = try Self.line(.catalystSource, SampleRows.text)
        #expect(Self.rules(.catalystSource, good) == [])
        let choice = #"{"index":0,"message":\#(FormatGoldenTests.hello),"finish_reason":"stop"}"#
        let request = good.prefix { $0 != "}" }
        #expect(!request.isEmpty && good.contains(choice))
        for (from, to, rules) in [
            (choice, choice + "," + choice, [FormatRule.responseForm]),
            (#""content":"Hello \"you\"""#, #""content":null"#, [.valueNull]),
            (FormatGoldenTests.hello, #"{"role":"user","content":"x"}"#, [.responseForm]),
            (FormatGoldenTests.hello, #"{"role":"assistant","content":"x","name":"n"}"#, [.keyUnknown]),
            (
                FormatGoldenTests.hello,
                #"{"role":"assistant","content":"","tool_calls":[{"id":"a","type":"function","function":{"name":"w","arguments":"[]"}}]}"#,
                [.argumentsNotObject]
            ),
        ] {
            let line = good.replacing(from, with: to)
            #expect(line != good && Self.rules(.catalystSource, line) == rules, "\(line)")
        }
        let unanswered = #"{"request":{"model":"m","messages":[{"role":"user","content":"q"}]},"response":null}"#
        #expect(Self.rules(.catalystSource, unanswered) == [])
        #expect(Self.rules(.catalystSource, unanswered.dropLast() + #","more":1}"#) == [.keyUnknown])
        #expect(Self.rules(.catalystSource, #"{"response":null}"#) == [.keyMissing])
    }

    @Test func callsMadeTogetherAreReadFromShareGPT() throws {
        let calls = TestRecords.quoted(#"[{"name":"f","arguments":{"a":1}},{"name":"g"}]"#)
        let line =
            #"{"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":\#(calls)},{"from":"observation","value":"1"},{"from":"observation","value":"2"},{"from":"gpt","value":"a"}]}"#
        var reader = RowReader()
        let turns = try #require(try reader.read(line.utf8)).row.turns
        #expect(
            turns[1].toolCalls == [
                ToolCall(id: "call_1_0", name: "f", arguments: #"{"a":1}"#), ToolCall(id: "call_1_1", name: "g", arguments: "{}"),
            ])
        #expect(turns.map(\.answeredCall) == [nil, nil, "call_1_0", "call_1_1", nil])
        #expect(RowReaderTests.read(line.replacing(#"{\"name\":\"g\"}"#, with: "7")) == nil)
        #expect(RowReaderTests.read(line.replacing(calls, with: "\"[]\"")) == nil)
    }

    @Test func callsOfRowsWithoutArgumentsHaveEmptyOnes() throws {
        let calls = [
            #""tool_calls":[{"id":"a","function":{"name":"f","arguments":""}},{"id":"b","function":{"name":"f"}},{"id":"c","function":{"name":"f","arguments":null}}]"#,
            #""content":[{"type":"tool_use","id":"a","name":"f"},{"type":"tool_use","id":"b","name":"f","input":null}]"#,
            #""function_call":{"name":"f","arguments":""}"#,
        ]
        for member in calls {
            var reader = RowReader()
            let line = #"{"messages":[{"role":"user","content":"q"},{"role":"assistant",\#(member)}]}"#
            let found = try #require(try reader.read(line.utf8)).row.turns[1].toolCalls
            #expect(!found.isEmpty && found.allSatisfy { $0.arguments == "{}" }, "\(line)")
        }
    }

    @Test func targetsOfLMEvalAreNoTemplates() {
        let lines = String(decoding: LMEvalTask.yaml(name: "x", file: "f"), as: UTF8.self).split(separator: "\n")
        // A rendered template would be read as a Python value: "[1]" would become a list.
        #expect(lines.contains("doc_to_target: target") && lines.contains("doc_to_decontamination_query: prompt"))
    }
}
