// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import Redaction
import TestSupport
import Testing

@testable import Datasets

/// Values planted wherever a conversation may hold them: none is in any file of the set.
@Suite struct RedactedBuildTests {
    private static let values = [
        ("email", "maria.lopez@example.com"), ("phone", "+49 30 1234567"), ("card", "4111 1111 1111 1111"),
        ("iban", "DE89370400440532013000"), ("ssn", "536-12-3456"), ("ip", "10.81.2.33"),
        ("secret", "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"),
    ]

    private static func quoted(_ text: String) -> String { TestRecords.quoted(text) }

    /// A conversation with one value in each of its places.
    private static func record(_ number: UInt64, _ value: String) -> ExchangeRecord {
        let inner = #"{"note":\#(quoted("about \(value) again")),"n":1.50}"#
        let arguments = #"{"who":\#(quoted(value)),"raw":\#(quoted(inner))}"#
        let result = #"[{"found":\#(quoted("it is \(value)")),"nested":\#(quoted(quoted(inner)))}]"#
        let call =
            #"{"id":"c1","type":"function","function":{"name":"find","arguments":\#(quoted(arguments))}}"#
        let tool =
            #"{"type":"function","function":{"name":"find","description":\#(quoted("as \(value)")),"parameters":{"type":"object","properties":{"who":{"type":"string","description":\#(quoted("for example \(value)"))},"raw":{}}}}}"#
        let messages = [
            #"{"role":"system","content":\#(quoted("You serve \(value)."))}"#,
            #"{"role":"user","content":\#(quoted("I am \(value), " + TestRecords.long("question \(number)")))}"#,
            #"{"role":"assistant","content":null,"tool_calls":[\#(call)]}"#,
            #"{"role":"tool","tool_call_id":"c1","content":\#(quoted(result))}"#,
        ]
        let request =
            #"{"model":"m","n":2,"messages":[\#(messages.joined(separator: ","))],"tools":[\#(tool)],"response_format":{"type":"text"}}"#
        let choices = ["Written to \(value)!", "Not to \(value)?"].enumerated().map { place, text in
            #"{"index":\#(place),"message":{"role":"assistant","content":\#(quoted(text))},"finish_reason":"stop"}"#
        }
        return TestRecords.record(
            number, api: .openaiChat, request: request, answer: #"{"choices":[\#(choices.joined(separator: ","))]}"#)
    }

    /// The assistant's words begin in the caller's prefill and end in the answer.
    private static func prefilled(_ number: UInt64) -> ExchangeRecord {
        let request =
            #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":\#(quoted(TestRecords.long("whom \(number)")))},{"role":"assistant","content":"Write to maria.lopez@exa"}]}"#
        let answer =
            #"{"type":"message","role":"assistant","content":[{"type":"text","text":"mple.com"},{"type":"text","text":" at once."}],"stop_reason":"end_turn"}"#
        return TestRecords.record(number, api: .anthropicMessages, request: request, answer: answer)
    }

    private static func traffic() -> [DatasetInput] {
        var records: [ExchangeRecord] = []
        for (kind, (_, value)) in values.enumerated() {
            for number in 0..<10 { records.append(record(UInt64(kind * 100 + number), value)) }
        }
        return (records + (0..<6).map { prefilled(UInt64(1_000 + $0)) }).map { TestRecords.input($0) }
    }

    private static func recipe(_ keyFile: String?) -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 500_000
        recipe.redact.keyFile = keyFile
        return recipe
    }

    private static func keyFile(_ scratch: Scratch, _ name: String, _ digits: String) throws -> String {
        let path = "\(scratch.path)/\(name)"
        try Data((String(repeating: digits, count: 32) + "\n").utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private static func names(_ text: String, _ kind: String) throws -> [String] {
        try text.matches(of: Regex("<\(kind):[0-9a-f]{12}>")).map { String(text[$0.range]) }
    }

    @Test func noPlantedValueIsInAnyFile() throws {
        let scratch = try Scratch()
        let keys = try Self.keyFile(scratch, "keys", "0a")
        let report = try scratch.build(Self.recipe(keys), Self.traffic())
        #expect(report.trainRows > 20 && report.evalRows > 20)
        var all = ""
        for file in try FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/set") { all += try scratch.text(file) }
        for (kind, value) in Self.values {
            #expect(!all.contains(value), "\(kind)")
            // Nor any longer piece of it.
            for start in 0..<max(1, value.utf8.count - 8) {
                let piece = String(value.dropFirst(start).prefix(9))
                #expect(!all.contains(piece), "\(kind): \(piece)")
            }
        }
        #expect(!all.contains("maria"))
        #expect(!all.contains(String(repeating: "0a", count: 8)) && !all.contains(keys))
        // The same value has one name, on both sides.
        let (train, eval) = (try scratch.text("train.jsonl"), try scratch.text("eval.jsonl"))
        for (kind, _) in Self.values {
            let (own, other) = (Set(try Self.names(train, kind)), Set(try Self.names(eval, kind)))
            #expect(own.count == 1 && own == other, "\(kind): \(own) \(other)")
        }
    }

    /// What the manifest counts is what the rows hold, and the answers beside them.
    @Test func countsAreThoseOfTheRows() throws {
        let scratch = try Scratch()
        let report = try scratch.build(Self.recipe(try Self.keyFile(scratch, "keys", "0a")), Self.traffic())
        let rows = try scratch.text("train.jsonl") + scratch.text("eval.jsonl")
        let manifest = try #require(
            try JSONSerialization.jsonObject(with: Data(try scratch.text("manifest.json").utf8)) as? [String: Any])
        let redaction = try #require(manifest["redaction"] as? [String: Any])
        let counts = try #require(redaction["values"] as? [String: Int64])
        let perRow: Int64 = 1
        for (kind, value) in Self.values {
            // Each row has a second answer that its line does not hold.
            let lines = rows.split(separator: "\n").filter { $0.contains("<\(kind):") && $0.contains("tool_call_id") }
            let inRows = Int64(try Self.names(rows, kind).count)
            #expect(counts[kind] == inRows + perRow * Int64(lines.count), "\(kind) \(value.utf8.count)")
        }
        let key = try #require(RedactionKey(Array(repeating: 0x0A, count: 32)))
        #expect(redaction["key"] as? String == key.id && report.redactionKey == key.id)
        #expect(report.warnings.isEmpty)
        #expect(try scratch.text("report.html").contains("Redacted values"))
    }

    @Test func theKeyDecidesTheBytes() throws {
        let scratch = try Scratch()
        let (one, two) = (try Self.keyFile(scratch, "one", "0a"), try Self.keyFile(scratch, "two", "f1"))
        let copy = try Self.keyFile(scratch, "copy", "0a")
        let inputs = Self.traffic()
        let first = try scratch.build(Self.recipe(one), inputs, to: "a")
        let again = try scratch.build(Self.recipe(copy), inputs.reversed(), to: "b")
        #expect(first == again)
        for file in DatasetOutput.files { #expect(try scratch.text(file, in: "a") == scratch.text(file, in: "b")) }
        let other = try scratch.build(Self.recipe(two), inputs, to: "c")
        #expect(other.redactionKey != first.redactionKey && other.redactions == first.redactions)
        let (a, c) = (
            try scratch.text("train.jsonl", in: "a") + scratch.text("eval.jsonl", in: "a"),
            try scratch.text("train.jsonl", in: "c") + scratch.text("eval.jsonl", in: "c")
        )
        for (kind, _) in Self.values {
            #expect(Set(try Self.names(a, kind)).isDisjoint(with: try Self.names(c, kind)), "\(kind)")
        }
        // A key that the recipe names has to be there.
        var named = Self.recipe(two)
        named.redact.key = first.redactionKey
        let error = #expect(throws: DatasetError.self) { try scratch.build(named, inputs, to: "d") }
        #expect(error?.code == .redactionKeyUnusable)
        // Without a file the salt's key is taken, and said to be weak.
        let weak = try scratch.build(Self.recipe(nil), inputs, to: "e")
        #expect(weak.redactionKey == "salt" && weak.warnings.count == 1)
        #expect(try scratch.text("manifest.json", in: "e").contains("redact.key_file"))
    }

    /// An eval row stays byte for byte; where another key changes it, that is said.
    @Test func anotherKeyInOneLedgerIsWarnedOf() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let (one, two) = (try Self.keyFile(scratch, "one", "0a"), try Self.keyFile(scratch, "two", "f1"))
        let first = try scratch.build(Self.recipe(one), Self.traffic(), ledger: ledger)
        #expect(try scratch.build(Self.recipe(one), Self.traffic(), ledger: ledger).warnings.isEmpty)
        let other = try scratch.build(Self.recipe(two), Self.traffic(), ledger: ledger)
        #expect(other.evalRows == first.evalRows)
        #expect(other.warnings.contains { $0.hasPrefix("\(first.evalRows) eval rows") })
    }

    @Test func nothingIsTakenOutWhereNothingIsAskedFor() throws {
        let scratch = try Scratch()
        var recipe = Self.recipe(nil)
        recipe.redact.kinds = []
        let report = try scratch.build(recipe, Self.traffic())
        #expect(report.redactions.counts.total == 0 && report.warnings.isEmpty)
        #expect(try scratch.text("train.jsonl").contains("maria.lopez@example.com"))
        recipe.redact.kinds = [.email]
        _ = try scratch.build(recipe, Self.traffic())
        let rows = try scratch.text("train.jsonl") + scratch.text("eval.jsonl")
        #expect(!rows.contains("maria") && rows.contains("536-12-3456"))
    }
}
