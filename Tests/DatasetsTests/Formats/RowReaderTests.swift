// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Datasets

@Suite struct RowReaderTests {
    /// Roles and texts of a line, `role:text` and `role>call(arguments)`, one a piece.
    static func read(_ line: String) -> (shape: RowShape, said: [String], reference: String?)? {
        var reader = RowReader()
        guard let read = try? reader.read(line.utf8) else { return nil }
        let said = read.row.turns.map { turn in
            let calls = turn.toolCalls.map { ">\($0.name)(\($0.arguments))" }.joined()
            return "\(turn.role.rawValue):\(turn.joinedText)\(calls)"
        }
        return (read.shape, said, read.row.reference)
    }

    struct Line: Sendable {
        let line: String
        let shape: RowShape
        let said: [String]
        var reference: String?
    }

    static let lines: [Line] = [
        Line(
            line:
                #"{"messages":[{"role":"developer","content":"d"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"r"}]}"#,
            shape: .openaiMessages, said: ["system:d", "user:a\n\nb", "assistant:>f({})", "tool:r"]),
        Line(
            line:
                #"{"system":"s","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r"},{"type":"text","text":"q"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"h"},{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{"x": 1.0}}]}]}"#,
            shape: .openaiMessages, said: ["system:s", "tool:r", "user:q", #"assistant:a>f({"x":1.0})"#]),
        Line(line: #"{"messages":[{"role":"user","content":"q"}],"id":"x"}"#, shape: .catalystHF, said: ["user:q"]),
        Line(
            line: FormatGoldenTests.pair, shape: .openaiDPO,
            said: ["system:Be brief.", "user:Hi {{x}}", "assistant:Hello \"you\""]),
        Line(line: #"{"prompt":"q","chosen":"good","rejected":"bad"}"#, shape: .promptPair, said: ["user:q", "assistant:good"]),
        Line(
            line: #"{"conversations":[{"from":"system","value":"s"},{"from":"human","value":"q"},{"from":"gpt","value":"a"}]}"#,
            shape: .sharegpt, said: ["system:s", "user:q", "assistant:a"]),
        Line(
            line:
                #"{"system_instruction":{"parts":[{"text":"s"}]},"contents":[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"text":"t","thought":true},{"functionCall":{"name":"f","args":{"a":1}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"o"}}}]}]}"#,
            shape: .gemini, said: ["system:s", "user:q", #"assistant:>f({"a":1})"#, "tool:o"]),
        Line(line: #"{"prompt":"q","completion":"a"}"#, shape: .promptCompletion, said: ["user:q", "assistant:a"]),
        Line(
            line: #"{"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}]}"#,
            shape: .promptCompletion, said: ["user:q", "assistant:a"]),
        Line(line: #"{"input":"q","ideal":["a","b"]}"#, shape: .inputIdeal, said: ["user:q"], reference: "a"),
        Line(
            line: #"{"instruction":"Sum up.","input":"long","output":"short"}"#, shape: .inputIdeal,
            said: ["user:Sum up.\n\nlong"], reference: "short"),
        Line(
            line: #"{"input":[{"role":"user","content":"q"}],"target":"a"}"#, shape: .inputIdeal, said: ["user:q"], reference: "a"
        ),
        Line(line: #"{"text":"only","label":3}"#, shape: .text, said: ["user:only"]),
        Line(
            line: #"{"vars":{"question":"q","more":["x"]},"assert":[{"type":"equals","value":"{{ \"{\" }}{a}}"}]}"#,
            shape: .promptfoo, said: ["user:q\n\nx"], reference: "{{a}}"),
        Line(
            line: #"{"question":"q","choices":["one","two"],"n":{"deep":"three"},"k":1}"#, shape: .strings,
            said: ["user:q\n\none\n\ntwo\n\nthree"]),
        Line(
            line:
                #"{"request":{"model":"claude","system":"s","max_tokens":1,"messages":[{"role":"user","content":"q"}]},"response":{"type":"message","role":"assistant","stop_reason":"end_turn","content":[{"type":"text","text":"a"}]}}"#,
            shape: .catalystSource, said: ["system:s", "user:q", "assistant:a"]),
        Line(
            line:
                #"{"request":{"model":"g","contents":[{"role":"user","parts":[{"text":"q"}]}]},"response":{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}}]}}"#,
            shape: .catalystSource, said: ["user:q", "assistant:a"]),
        Line(
            line: #"{"request":{"model":"m","messages":[{"role":"user","content":"q"}]},"response":null}"#,
            shape: .catalystSource, said: ["user:q"]),
        Line(
            line:
                #"{"request":{"model":"m","input":"q"},"response":{"status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}}"#,
            shape: .catalystSource, said: ["user:q", "assistant:a"]),
    ]

    @Test(arguments: lines.indices) func knowsARowByItsKeys(_ index: Int) throws {
        let line = Self.lines[index]
        let read = try #require(Self.read(line.line), "\(line.line)")
        #expect(read.shape == line.shape && read.said == line.said && read.reference == line.reference, "\(read)")
    }

    @Test func everyShapeIsRead() { #expect(Set(Self.lines.map(\.shape)) == Set(RowShape.allCases)) }

    static let broken: [(line: String, reason: String)] = [
        ("{", "line-not-json"), ("[1]", "row-not-object"), (#"{"a":1}"#, "no-text"),
        (#"{"messages":[{"content":"x"}]}"#, "role-missing"),
        (#"{"messages":[{"role":"boss","content":"x"}]}"#, "role-unknown"), (#"{"messages":7}"#, "messages-not-list"),
        (#"{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}"#, "content-unknown"),
        (#"{"messages":[{"role":"assistant","tool_calls":[{}]}]}"#, "tool-call-malformed"),
        (#"{"messages":[{"role":"user","content":"x"}],"tools":[{}]}"#, "tool-malformed"),
        (#"{"conversations":[{"from":"x","value":"y"}]}"#, "role-unknown"),
        (#"{"conversations":[{"value":"y"}]}"#, "turn-malformed"),
        (#"{"contents":[{"role":"user"}]}"#, "parts-missing"), (#"{"request":{"messages":[]}}"#, "model-missing"),
        (#"{"request":{"model":"m","messages":[]},"response":null}"#, "request_malformed"),
        (#"{"input":{"messages":[{"role":"user","content":"x"}]},"preferred_output":[]}"#, "answer-missing"),
        ("\u{FEFF}{}", "line-not-json"),
    ]

    @Test(arguments: broken.indices) func namesTheLineThatIsNoRow(_ index: Int) throws {
        var reader = RowReader()
        _ = try reader.read(#"{"text":"first"}"#.utf8)
        #expect(try reader.read(" ".utf8) == nil)
        do {
            _ = try reader.read(Self.broken[index].line.utf8)
            Issue.record("\(Self.broken[index].line) was read")
        } catch {
            // A row of the source-backed shape may also be refused for the mixture.
            #expect(error.line == 3)
            #expect(error.reason == Self.broken[index].reason || error.reason == "shapes-mixed", "\(error)")
            #expect(error.description.hasPrefix("line 3: "))
        }
    }

    @Test func catalystShapesExcludeEachOther() throws {
        var reader = RowReader()
        _ = try reader.read(#"{"request":{"model":"m","messages":[{"role":"user","content":"q"}]},"response":null}"#.utf8)
        #expect(throws: RowReadError.self) { try reader.read(#"{"messages":[{"role":"user","content":"q"}],"id":"x"}"#.utf8) }
    }

    @Test func anyBytesGiveARowOrAnError() {
        var generator = SplitMix64(seed: 3)
        func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }
        let seeds = Self.lines.map { Array($0.line.utf8) } + FormatGoldenTests.goldens.map { Array($0.line.utf8) }
        for round in 0..<4_000 {
            var line = seeds[round % seeds.count]
            for _ in 0..<3 where !line.isEmpty {
                let place = below(line.count)
                switch below(3) {
                case 0: line[place] = UInt8(below(256))
                case 1: line.remove(at: place)
                default: line.insert(contentsOf: line[place..<min(line.count, place + 9)], at: place)
                }
            }
            var reader = RowReader()
            _ = try? reader.read(line)
            for format in [ExportFormat.openaiSFT, .vertexGemini, .promptfoo, .catalystSource, .inspect, .sharegpt] {
                for profile in ExportProfile.allCases {
                    var validator = FormatValidator(format, profile: profile)
                    #expect(validator.check(line).count <= FormatLimits.violationsPerLine)
                }
            }
        }
    }
}
