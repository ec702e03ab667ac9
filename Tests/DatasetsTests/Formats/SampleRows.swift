// SPDX-License-Identifier: Apache-2.0
import TestSupport

@testable import Datasets

/// Rows for the tests of formats: two by hand, any number by seed.
enum SampleRows {
    static let tool = ToolDefinition(name: "w", description: "Weather", parameters: Array(#"{"type":"object"}"#.utf8))

    static func turn(_ role: TurnRole, _ text: String) -> CanonicalTurn { CanonicalTurn(role: role, blocks: [.text(text)]) }

    static func call(_ id: String, _ arguments: String, text: String = "") -> CanonicalTurn {
        let call = ContentBlock.toolCall(ToolCall(id: id, name: "w", arguments: arguments))
        return CanonicalTurn(role: .assistant, blocks: (text.isEmpty ? [] : [.text(text)]) + [call])
    }

    static func result(_ id: String, _ text: String, failed: Bool = false) -> CanonicalTurn {
        CanonicalTurn(role: .tool, blocks: [.toolResult(callID: id, content: [.text(text)], isError: failed)])
    }

    static let text: DatasetRow = {
        var row = DatasetRow(
            id: "r1", turns: [turn(.system, "Be brief."), turn(.user, "Hi {{x}}"), turn(.assistant, "Hello \"you\"")])
        row.rejected = [turn(.assistant, "No")]
        row.meta = RowMeta(task: "greet", environment: nil, model: "m-1", provider: "openai")
        row.metadata = [MetadataPair("user", "u")]
        return row
    }()

    static let tools: DatasetRow = {
        var row = DatasetRow(
            id: "r2", turns: [turn(.user, "Sun?"), call("a", #"{"x": 1.0}"#), result("a", "yes"), turn(.assistant, "It shines.")])
        row.tools = [tool]
        row.meta.model = "m-1"
        row.answerWeight = 1
        row.historyWeight = 0
        return row
    }()

    /// Texts that break careless writers.
    static let texts = [
        "plain", "", "{{ x }} {% if %} {# no #}", "2024-05-01", "2024-05-01T10:00:00Z", "file:///etc/passwd", "package:x",
        "\"\\\u{0}\n\r\t",
        "日本語 🦞", "e\u{301} \u{e9}", "<|im_start|>", "{\"json\": [1, 2]}", "[]", "null", "\u{2028}\u{FEFF}", "{{ \"{\" }}",
    ]

    /// Any row, good or bad.
    static func random(_ generator: inout SplitMix64, number: Int) -> DatasetRow {
        var turns: [CanonicalTurn] = []
        if chance(2, &generator) { turns.append(turn(.system, pick(texts, &generator))) }
        for step in 0..<Int.random(in: 1...3, using: &generator) {
            turns.append(userTurn(&generator))
            if chance(3, &generator) { turns += exchange(step, &generator) }
            if step < 2, chance(2, &generator) { turns.append(turn(.assistant, pick(texts, &generator))) }
        }
        if turns.last?.role != .assistant || chance(8, &generator) { turns.append(answer(&generator)) }
        var row = DatasetRow(id: "row-\(number)", turns: turns)
        if chance(10, &generator) { row.answer = nil }
        if chance(2, &generator) { row.rejected = [turn(.assistant, pick(texts, &generator) + "!")] }
        if chance(2, &generator) { row.tools = [tool] }
        if chance(4, &generator) { row.reference = pick(texts, &generator) }
        if chance(4, &generator) { row.answerWeight = Int.random(in: 0...1, using: &generator) }
        if chance(4, &generator) {
            row.responseSchema = Array(#"{ "type": "object", "properties": {"a": {"type": "string"}} }"#.utf8)
        }
        if !chance(5, &generator) { row.meta.model = "m" }
        if chance(3, &generator) { row.metadata = [MetadataPair("k", pick(texts, &generator))] }
        return row
    }

    private static func userTurn(_ generator: inout SplitMix64) -> CanonicalTurn {
        var blocks: [ContentBlock] = [.text(pick(texts, &generator))]
        if chance(6, &generator) { blocks.append(.text("more")) }
        if chance(8, &generator) { blocks.append(.image("https://example.org/a.png")) }
        if chance(30, &generator) { blocks.append(.image("ftp://x")) }
        return CanonicalTurn(role: .user, blocks: blocks)
    }

    private static func exchange(_ step: Int, _ generator: inout SplitMix64) -> [CanonicalTurn] {
        let arguments = pick([#"{"x":1}"#, "{}", #"{ "a" : [1.0, "{{y}}"] }"#], &generator)
        let id = "call-\(step)"
        var turns = [call(id, arguments, text: chance(3, &generator) ? "Let me see." : "")]
        turns.append(result(id, pick(texts, &generator), failed: chance(5, &generator)))
        if chance(8, &generator) { turns.removeLast() }
        return turns
    }

    private static func answer(_ generator: inout SplitMix64) -> CanonicalTurn {
        if chance(5, &generator) { return call("last", #"{"x":2}"#) }
        var answer = turn(.assistant, pick(texts, &generator))
        if chance(5, &generator) { answer.blocks.insert(.reasoning("hm"), at: 0) }
        return answer
    }

    static func chance(_ one: Int, _ generator: inout SplitMix64) -> Bool { Int.random(in: 0..<one, using: &generator) == 0 }

    private static func pick<T>(_ list: [T], _ generator: inout SplitMix64) -> T {
        list[Int.random(in: 0..<list.count, using: &generator)]
    }
}
