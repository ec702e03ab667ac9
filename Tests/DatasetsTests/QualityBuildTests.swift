// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Redaction
import TestSupport
import Testing

@testable import Datasets

/// Builds over records of which each has one fault: the funnel says what a plain count says.
@Suite struct QualityBuildTests {
    /// One kind of fault: how to make it, and the reason under which it is dropped.
    private struct Fault: Sendable {
        let name: String
        let reason: DropReason?
        var extra = ""
        var message = #"{"role":"assistant","content":"It is sunny."}"#
        var finish = "stop"
        var usage = ""
        var change: @Sendable (inout ExchangeRecord) -> Void = { _ in }
    }

    private static let tools =
        #","tools":[{"type":"function","function":{"name":"find","description":"","parameters":{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}}}]"#

    private static func saying(_ text: String) -> String {
        #"{"role":"assistant","content":\#(TestRecords.quoted(text)),"refusal":null}"#
    }

    private static func calling(_ name: String, _ arguments: String) -> String {
        #"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"\#(name)","arguments":\#(TestRecords.quoted(arguments))}}]}"#
    }

    private static let wantsJSON = #","response_format":{"type":"json_object"}"#
    private static let wantsSchema =
        #","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","required":["a"]}}}"#
    private static let russian =
        "Правила авиакомпании таковы, что после вылета рейс изменить нельзя, и это касается всех пассажиров с таким тарифом."

    private static let faults: [Fault] = [
        Fault(name: "good", reason: nil),
        Fault(name: "good call", reason: nil, extra: tools, message: calling("find", #"{"q":"x"}"#)),
        Fault(name: "good JSON", reason: nil, extra: wantsSchema, message: saying(#"{"a":1}"#)),
        Fault(name: "phrase", reason: nil, message: saying("I'm sorry, but I can't help with that.")),
        Fault(name: "status", reason: .statusNotOK, change: { $0.head.status = 429 }),
        Fault(name: "outcome", reason: .outcomeNotCompleted, change: { $0.head.outcome = .clientClosed }),
        Fault(name: "cut", reason: .truncatedAnswer, finish: "length"),
        Fault(name: "filtered", reason: .contentFiltered, finish: "content_filter"),
        Fault(name: "paused", reason: .finishReasonUnaccepted, finish: "pause_turn"),
        Fault(name: "refusal", reason: .refusal, message: #"{"role":"assistant","content":null,"refusal":"I will not."}"#),
        Fault(name: "empty", reason: .emptyAnswer, message: saying(" \n ")),
        Fault(name: "arguments", reason: .toolArgumentsNotJSON, extra: tools, message: calling("find", "{\"q\":")),
        Fault(name: "unknown tool", reason: .unknownTool, extra: tools, message: calling("lose", "{}")),
        Fault(name: "schema", reason: .toolCallViolatesSchema, extra: tools, message: calling("find", #"{"n":1}"#)),
        Fault(name: "no JSON", reason: .structuredOutputNotJSON, extra: wantsJSON, message: saying("Sure: 1")),
        Fault(name: "other JSON", reason: .structuredOutputViolatesSchema, extra: wantsSchema, message: saying(#"{"b":1}"#)),
        Fault(name: "mojibake", reason: .mojibake, message: saying("GrÃ¼ÃŸe aus KÃ¶ln, sagte er â€žheuteâ€œ")),
        Fault(name: "loop", reason: .repetitionLoop, message: saying(String(repeating: "and then we go on ", count: 60))),
        Fault(name: "language", reason: .languageUnwanted, message: saying(russian)),
        Fault(name: "long", reason: .answerTooLong, usage: #","usage":{"prompt_tokens":40,"completion_tokens":5000}"#),
        Fault(name: "no prompt", reason: .promptTooShort, usage: #","usage":{"prompt_tokens":3,"completion_tokens":5}"#),
    ]

    private static func record(_ number: UInt64, _ fault: Fault) -> ExchangeRecord {
        let request =
            #"{"model":"m","messages":[{"role":"user","content":\#(TestRecords.quoted(TestRecords.long("question \(number)")))}]\#(fault.extra)}"#
        let answer =
            #"{"id":"x","model":"m","choices":[{"index":0,"message":\#(fault.message),"finish_reason":"\#(fault.finish)"}]\#(fault.usage)}"#
        var record = TestRecords.record(number, api: .openaiChat, request: request, answer: answer)
        fault.change(&record)
        return record
    }

    private static func traffic(seed: UInt64) -> (inputs: [DatasetInput], counts: [String: Int64]) {
        var generator = SplitMix64(seed: seed)
        var (inputs, counts): ([DatasetInput], [String: Int64]) = ([], [:])
        for fault in faults {
            let count = Int.random(in: 2...5, using: &generator)
            counts[fault.name] = Int64(count)
            for _ in 0..<count { inputs.append(TestRecords.input(record(UInt64(inputs.count), fault))) }
        }
        return (inputs.shuffled(using: &generator), counts)
    }

    private static func recipe() -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 300_000
        recipe.quality.languages = ["en"]
        recipe.quality.promptTokens = 5...10_000
        recipe.quality.answerTokens = 0...1_000
        return recipe
    }

    private static func manifest(_ scratch: Scratch, _ keys: String..., in name: String = "set") throws -> [String: Int64] {
        var node = try JSONSerialization.jsonObject(with: Data(try scratch.text("manifest.json", in: name).utf8))
        for key in keys { node = try #require((node as? [String: Any])?[key]) }
        return try #require(node as? [String: Int64])
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func eachFaultIsCountedUnderItsReason(seed: UInt64) throws {
        let scratch = try Scratch()
        let (inputs, counts) = Self.traffic(seed: seed)
        let report = try scratch.build(Self.recipe(), inputs)
        var wanted: [String: Int64] = [:]
        for fault in Self.faults {
            if let reason = fault.reason { wanted[reason.rawValue, default: 0] += counts[fault.name] ?? 0 }
        }
        let got = Dictionary(uniqueKeysWithValues: report.drops.map { ($0.reason.rawValue, $0.count) })
        #expect(got == wanted)
        #expect(
            report.trainRows + report.evalRows
                == Self.faults.filter { $0.reason == nil }.reduce(0) { $0 + (counts[$1.name] ?? 0) })
        #expect(report.seen == report.trainRows + report.evalRows + report.drops.reduce(0) { $0 + $1.count })
        #expect(try Self.manifest(scratch, "funnel", "dropped") == wanted)
        #expect(try Self.manifest(scratch, "quality", "flagged_rows") == ["refusal_phrase": counts["phrase"] ?? 0])
        #expect(report.flags.map(\.reason) == [.refusalPhrase])
        let page = try scratch.text("report.html")
        #expect(page.contains("refusal_phrase") && page.contains("repetition_loop"))
        // What the filters alone would take: what they took here, because no record has two faults.
        let asked: Set<DropReason> = Set(QualityFilters.settable).union([.answerTooLong, .promptTooShort])
        let alone = wanted.filter { name, _ in asked.contains { $0.rawValue == name } }
        #expect(try Self.manifest(scratch, "quality", "violated") == alone)
    }

    @Test func whatIsFlaggedOrOffIsARow() throws {
        let scratch = try Scratch()
        let (inputs, counts) = Self.traffic(seed: 4)
        var recipe = Self.recipe()
        let flagged: [(DropReason, String)] = [
            (.refusal, "refusal"), (.unknownTool, "unknown tool"), (.repetitionLoop, "loop"), (.languageUnwanted, "language"),
        ]
        for (rule, _) in flagged { recipe.quality[rule] = .flag }
        recipe.quality[.mojibake] = .off
        recipe.quality[.refusalPhrase] = .drop
        let strict = try scratch.build(Self.recipe(), inputs, to: "strict")
        let report = try scratch.build(recipe, inputs)
        var wanted = Dictionary(uniqueKeysWithValues: flagged.map { ($0.0.rawValue, counts[$0.1] ?? 0) })
        // Words of refusal say that they are no answer twice; here they are flagged as what they are.
        #expect(try Self.manifest(scratch, "quality", "flagged_rows") == wanted)
        wanted[DropReason.mojibake.rawValue] = counts["mojibake"]
        let added = wanted.values.reduce(0, +) - (counts["phrase"] ?? 0)
        #expect(report.trainRows + report.evalRows == strict.trainRows + strict.evalRows + added)
        #expect(report.drops.first { $0.reason == .refusalPhrase }?.count == counts["phrase"])
        #expect(try scratch.text("train.jsonl").contains("I will not.") || scratch.text("eval.jsonl").contains("I will not."))
    }

    @Test func aPreviewSaysWhatABuildDrops() throws {
        let scratch = try Scratch()
        var (inputs, _) = Self.traffic(seed: 5)
        inputs.append(
            TestRecords.input(
                TestRecords.record(
                    9_000, api: .openaiResponses, request: #"{"model":"m","input":"q","previous_response_id":"r"}"#, answer: "{}")
            ))
        let report = try scratch.build(Self.recipe(), inputs)
        let preview = try QualityPreview(Self.recipe(), source: MemorySource(inputs))
        #expect(preview.read == Int64(inputs.count) && preview.waiting == 1)
        #expect(preview.usable == report.trainRows + report.evalRows)
        #expect(preview.read == preview.usable + preview.waiting + preview.dropped.reduce(0) { $0 + $1.count })
        let built = Dictionary(
            uniqueKeysWithValues: report.drops.filter { $0.reason != .historyMissing }.map { ($0.reason, $0.count) })
        #expect(Dictionary(uniqueKeysWithValues: preview.dropped.map { ($0.reason, $0.count) }) == built)
        #expect(preview.flagged.map(\.rule) == [.refusalPhrase])
        let limited = QualityPreview.sample(of: Self.recipe())
        #expect(limited.selection.limit == DatasetLimits.previewRecords)
    }

    @Test func looseDuplicatesLeaveOneRowWhateverTheirOrder() throws {
        let scratch = try Scratch()
        var recipe = Self.recipe()
        func input(_ number: UInt64, _ text: String) -> DatasetInput {
            TestRecords.input(TestRecords.chat(number, [text], answer: "Yes, of course, at once."))
        }
        let text = TestRecords.long("one question")
        let inputs = [input(3, text), input(1, text.uppercased()), input(2, text + " !"), input(4, TestRecords.long("another"))]
        let exact = try scratch.build(recipe, inputs, to: "exact")
        #expect(exact.trainRows + exact.evalRows == 4)
        recipe.quality.duplicates = .loose
        recipe.eval.sharePPM = 0
        let first = try scratch.build(recipe, inputs, to: "a")
        let second = try scratch.build(recipe, inputs.reversed(), to: "b")
        #expect(first == second && first.trainRows == 2)
        #expect(first.drops.map(\.reason) == [.duplicateConversation] && first.drops.map(\.count) == [2])
        let lineage = try scratch.text("lineage.jsonl", in: "a")
        #expect(lineage.contains(#""record":"\#(TestRecords.id(1))""#) && lineage.contains(#""record":"\#(TestRecords.id(4))""#))
    }

    @Test func aRecipeThatBreaksARuleIsNamed() {
        func key(_ change: (inout DatasetRecipe) -> Void) -> String? {
            var recipe = DatasetRecipe(name: "x")
            change(&recipe)
            do throws(DatasetError) {
                try recipe.validate()
                return nil
            } catch {
                return error.subject
            }
        }
        #expect(key { _ in } == nil)
        #expect(key { $0.quality.languages = ["klingon"] } == "quality.languages")
        #expect(key { $0.redact.key = "xyz" } == "redact.key")
        #expect(key { $0.redact.keyFile = "" } == "redact.key_file")
        // What decides the rows is in the hash; where a key lies is not.
        var (one, two) = (DatasetRecipe(name: "x"), DatasetRecipe(name: "x"))
        two.redact.keyFile = "/keys"
        #expect(one.sha256 == two.sha256)
        two.redact.kinds = [.email]
        #expect(one.sha256 != two.sha256)
        one.quality[.mojibake] = .off
        #expect(one.sha256 != DatasetRecipe(name: "x").sha256)
        one.quality[.mojibake] = .drop
        #expect(one == DatasetRecipe(name: "x"))
    }
}
