// SPDX-License-Identifier: Apache-2.0
import Crypto
import ExchangeModel
import Foundation
import Platform
import TestSupport
import Testing

@testable import Datasets

@Suite struct DatasetBuildTests {
    /// Conversations of several requests with branches, regenerated answers, retries and failures, by seed.
    static func traffic(seed: UInt64) -> [DatasetInput] {
        var generator = SplitMix64(seed: seed)
        var inputs: [DatasetInput] = []
        var number: UInt64 = 0
        for conversation in 0..<30 {
            var turns = [TestRecords.long("question \(Int.random(in: 0..<60, using: &generator))")]
            for step in 0..<Int.random(in: 1...4, using: &generator) {
                let answer = "answer \(conversation) \(step)"
                var record = TestRecords.chat(
                    number, system: "You help.", turns, answer: answer, model: step % 2 == 0 ? "m" : "n")
                number += 1
                if Int.random(in: 0..<6, using: &generator) == 0 { record.head.outcome = .clientClosed }
                if Int.random(in: 0..<8, using: &generator) == 0 {
                    record.head.attribution.metadata = [("run", "\(conversation / 3)")]
                }
                inputs.append(TestRecords.input(record, segment: "s\(number % 3)"))
                if Int.random(in: 0..<4, using: &generator) == 0 {
                    inputs.append(
                        TestRecords.input(TestRecords.chat(number, system: "You help.", turns, answer: "other \(number)")))
                    number += 1
                }
                turns += [Bool.random(using: &generator) ? answer : "  " + answer + "\r\n", "more \(conversation) \(step)"]
            }
        }
        return inputs
    }

    static func recipe() -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 400_000
        recipe.groupBy = ["run"]
        return recipe
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func anyOrderOfRecordsGivesTheSameBytes(seed: UInt64) throws {
        let scratch = try Scratch()
        var inputs = Self.traffic(seed: seed)
        var generator = SplitMix64(seed: seed)
        let first = try scratch.build(Self.recipe(), inputs, to: "a")
        inputs.shuffle(using: &generator)
        let second = try scratch.build(Self.recipe(), inputs, to: "b")
        #expect(first == second)
        for file in DatasetOutput.files { #expect(try scratch.text(file, in: "a") == scratch.text(file, in: "b")) }
        #expect(first.trainRows > 0 && first.evalRows > 0)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func noGroupHasRowsOnBothSides(seed: UInt64) throws {
        let scratch = try Scratch()
        let report = try scratch.build(Self.recipe(), Self.traffic(seed: seed))
        var sides: [String: Set<String>] = [:]
        var prompts: [String: Set<String>] = [:]
        for line in try scratch.lines("lineage.jsonl") {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            sides[try #require(row["group"] as? String), default: []].insert(try #require(row["file"] as? String))
        }
        // An oracle of its own: each history at which an assistant speaks in a row, by its text.
        for file in ["train.jsonl", "eval.jsonl"] {
            for line in try scratch.lines(file) {
                let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                let messages = try #require(row["messages"] as? [[String: Any]])
                var history = ""
                for message in messages {
                    let text = (message["content"] as? String ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
                    if message["role"] as? String == "assistant" { prompts[history, default: []].insert(file) }
                    history += "\(message["role"] ?? ""): \(text)\n"
                }
            }
        }
        #expect(sides.values.allSatisfy { $0.count == 1 })
        #expect(prompts.values.allSatisfy { $0.count == 1 })
        #expect(Int64(sides.count) == report.groups)
    }

    @Test(arguments: [7, 8, 9] as [UInt64])
    func funnelAddsUpExactly(seed: UInt64) throws {
        let scratch = try Scratch()
        var recipe = Self.recipe()
        recipe.train.maximum = 3
        var inputs = Self.traffic(seed: seed)
        inputs.append(.unreadable(TestRecords.id(9_999), PayloadLocation(segment: "gone", frame: 0, offset: 0)))
        inputs.append(inputs[0])
        let report = try scratch.build(recipe, inputs)
        #expect(report.seen == Int64(inputs.count))
        #expect(report.seen == report.trainRows + report.evalRows + report.drops.reduce(0) { $0 + $1.count })
        #expect(report.trainRows == 3)
        #expect(report.drops.contains { $0.reason == .payloadUnreadable && $0.count == 1 })
        #expect(report.drops.contains { $0.reason == .duplicateRecord && $0.count == 1 })
        #expect(report.drops.contains { $0.reason == .overLimit })
    }

    @Test func keepsOnlyTheLastRequestOfAConversation() throws {
        let scratch = try Scratch()
        let inputs = [
            TestRecords.chat(1, system: "s", ["hi"], answer: "hello"),
            TestRecords.chat(2, system: "s", ["hi", " hello\r\n", "how?"], answer: "so"),
            TestRecords.chat(3, system: "s", ["hi", "hello", "how?", "so", "thanks"], answer: "bye"),
        ].map { TestRecords.input($0) }
        let report = try scratch.build(DatasetRecipe(name: "x"), inputs)
        #expect(report.trainRows + report.evalRows == 1)
        #expect(report.drops.map(\.count) == [2])
        #expect(report.drops.map(\.reason) == [.superseded])
        let line = try #require(try scratch.lines("lineage.jsonl").first)
        for number in [1, 2, 3] as [UInt64] { #expect(line.contains(TestRecords.id(number).description)) }
        #expect(line.contains(#""group":"\#(TestRecords.id(1))""#))
    }

    @Test func branchesStayInOneGroup() throws {
        let scratch = try Scratch()
        let inputs = [
            TestRecords.chat(1, ["hi"], answer: "hello"), TestRecords.chat(2, ["hi", "hello", "a"], answer: "1"),
            TestRecords.chat(3, ["hi", "hello", "b"], answer: "2"), TestRecords.chat(4, ["hi"], answer: "hey", model: "other"),
            // The answer kept here was never captured, but its prompt was.
            TestRecords.chat(5, ["hi", "edited", "c"], answer: "3"),
        ].map { TestRecords.input($0) }
        let report = try scratch.build(DatasetRecipe(name: "x"), inputs)
        #expect(report.groups == 1)
        #expect(report.conversations == 4)
    }

    @Test func aFailedAnswerStillJoinsWhatFollowedIt() throws {
        let scratch = try Scratch()
        var failed = TestRecords.chat(1, ["hi"], answer: "hello")
        failed.head.outcome = .clientClosed
        let inputs = [
            failed, TestRecords.chat(2, ["hi", "hel", "a"], answer: "1"), TestRecords.chat(3, ["hi", "hello", "b"], answer: "2"),
        ]
        let report = try scratch.build(DatasetRecipe(name: "x"), inputs.map { TestRecords.input($0) })
        #expect(report.groups == 1)
        #expect(report.conversations == 2)
    }

    @Test func systemPromptsJoinNothingButAnEqualFirstTurnDoes() throws {
        let scratch = try Scratch()
        func build(_ first: (Int) -> [String]) throws -> Int64 {
            let inputs = (0..<20).map { number in
                TestRecords.input(TestRecords.chat(UInt64(number), system: "same", first(number), answer: "a"))
            }
            return try scratch.build(DatasetRecipe(name: "x"), inputs).groups
        }
        #expect(try build { [TestRecords.long("question \($0)")] } == 20)
        #expect(try build { ["example", "so", TestRecords.long("question \($0)")] } == 1)
    }

    @Test func metadataOfTheRecipeJoins() throws {
        let scratch = try Scratch()
        let inputs = (0..<20).map { number in
            var record = TestRecords.chat(UInt64(number), [TestRecords.long("question \(number)")], answer: "a")
            record.head.attribution.metadata = [("session", "\(number % 5)")]
            return TestRecords.input(record)
        }
        var recipe = DatasetRecipe(name: "x")
        #expect(try scratch.build(recipe, inputs, to: "a").groups == 20)
        recipe.groupBy = ["session"]
        #expect(try scratch.build(recipe, inputs, to: "b").groups == 5)
    }

    @Test func splitFollowsTheHashAsWrittenDown() throws {
        var recipe = DatasetRecipe(name: "x")
        recipe.salt = "pepper"
        for ppm in [0, 1, 100_000, 500_000, 999_999, 1_000_000] as [Int64] {
            recipe.eval.sharePPM = ppm
            let split = Split(recipe: recipe)
            for number in 0..<200 as Range<UInt64> {
                let id = TestRecords.id(number)
                let digest = Array(SHA256.hash(data: Data("pepper\0\(id)".utf8)))
                let u = digest[0..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                // u * 10^6 < ppm * 2^64, by another road: 128-bit integers.
                let isEval = UInt128(u) * 1_000_000 < UInt128(ppm) << 64
                #expect(split.side(ofGroup: id) == (isEval ? .eval : .train))
            }
        }
    }

    @Test func manifestTellsTheTruthAboutEachFile() throws {
        let scratch = try Scratch()
        let report = try scratch.build(Self.recipe(), Self.traffic(seed: 1))
        let text = try scratch.text("manifest.json")
        let manifest = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let files = try #require(manifest["files"] as? [[String: Any]])
        #expect(
            files.compactMap { $0["name"] as? String } == [
                "eval.jsonl", "excluded.jsonl", "lineage.jsonl", "report.html", "train.jsonl",
            ])
        for file in files {
            let content = try scratch.text(try #require(file["name"] as? String))
            #expect(file["bytes"] as? Int == content.utf8.count)
            #expect(file["rows"] as? Int == content.split(separator: "\n").count)
            let digest = SHA256.hash(data: Data(content.utf8)).map { String(format: "%02x", $0) }.joined()
            #expect(file["sha256"] as? String == digest)
        }
        let sum = SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined()
        #expect(report.manifestSHA256 == sum)
        #expect(!text.contains(scratch.path))
        let inputs = try #require(manifest["inputs"] as? [String: Any])
        #expect(inputs["records"] as? Int64 == report.seen)
        #expect((inputs["records_sha256"] as? String)?.count == 64)
    }

    @Test func anotherRecordIsAnotherInput() throws {
        let scratch = try Scratch()
        var inputs = Self.traffic(seed: 1)
        func digest(_ inputs: [DatasetInput]) throws -> String {
            _ = try scratch.build(DatasetRecipe(name: "x"), inputs)
            let object = try JSONSerialization.jsonObject(with: Data(try scratch.text("manifest.json").utf8)) as? [String: Any]
            return try #require((object?["inputs"] as? [String: Any])?["records_sha256"] as? String)
        }
        let before = try digest(inputs)
        #expect(try digest(inputs.reversed()) == before)
        guard case .record(var record, let place) = inputs[0] else { return }
        record.head.endedUs = 77
        inputs[0] = .record(record, place)
        #expect(try digest(inputs) != before)
    }

    @Test func replacesOnlyADataSetOfTheSameName() throws {
        let scratch = try Scratch()
        let inputs = Self.traffic(seed: 1)
        _ = try scratch.build(DatasetRecipe(name: "x"), inputs)
        let before = try scratch.text("train.jsonl")
        _ = try scratch.build(DatasetRecipe(name: "x"), inputs)
        #expect(try scratch.text("train.jsonl") == before)
        let refusal = #expect(throws: DatasetError.self) { try scratch.build(DatasetRecipe(name: "y"), inputs) }
        #expect(refusal?.code == .outputTaken)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: scratch.path + "/set/notes.txt"))
        let second = #expect(throws: DatasetError.self) { try scratch.build(DatasetRecipe(name: "x"), inputs) }
        #expect(second?.code == .outputTaken)
        #expect(try scratch.text("train.jsonl") == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == [".set.lock", "set"])
    }

    @Test func aFailingSourceLeavesTheOldDataSet() throws {
        struct Failing: DatasetSource {
            struct Failure: Error {}
            let inputs: [DatasetInput]
            func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
                if !isWanted(TestRecords.id(123_456)) { throw Failure() }
                for input in inputs { try body(input) }
            }

            func forEachResponse(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) {}
        }
        let scratch = try Scratch()
        let inputs = Self.traffic(seed: 1)
        _ = try scratch.build(DatasetRecipe(name: "x"), inputs)
        let before = try scratch.text("manifest.json")
        #expect(throws: Failing.Failure.self) {
            try DatasetBuild.run(
                recipe: DatasetRecipe(name: "x"), source: Failing(inputs: inputs), output: scratch.path + "/set",
                files: scratch.files,
                tool: "weir test")
        }
        #expect(try scratch.text("manifest.json") == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == [".set.lock", "set"])
    }

    @Test func aBuildThatDiedIsCleared() throws {
        let scratch = try Scratch()
        let inputs = Self.traffic(seed: 1)
        _ = try scratch.build(DatasetRecipe(name: "x"), inputs)
        let manager = FileManager.default
        try manager.moveItem(atPath: scratch.path + "/set", toPath: scratch.path + "/.set.retired")
        try manager.createDirectory(atPath: scratch.path + "/.set.building", withIntermediateDirectories: true)
        try Data("half".utf8).write(to: URL(fileURLWithPath: scratch.path + "/.set.building/train.jsonl"))
        _ = try scratch.build(DatasetRecipe(name: "x"), inputs)
        #expect(try manager.contentsOfDirectory(atPath: scratch.path).sorted() == [".set.lock", "set"])
    }

    @Test func toolsKeyIsInEveryRow() throws {
        let scratch = try Scratch()
        let plain = TestRecords.chat(1, ["q"], answer: "a")
        let withTools = TestRecords.record(
            2, api: .openaiChat, request: ConversationReaderTests.chatRequest, answer: ConversationReaderTests.good)
        _ = try scratch.build(DatasetRecipe(name: "x"), [TestRecords.input(plain)])
        #expect(try scratch.lines("train.jsonl").map { $0.hasSuffix(#","tools":[]}"#) } == [true])
        _ = try scratch.build(DatasetRecipe(name: "x"), [TestRecords.input(plain), TestRecords.input(withTools)])
        #expect(try scratch.lines("train.jsonl").count == 2)
        for file in ["train.jsonl", "eval.jsonl"] { #expect(try scratch.lines(file).allSatisfy { $0.contains(#""tools":["#) }) }
    }

    /// A recipe spoilt in one field.
    struct BadRecipe: Sendable, CustomTestStringConvertible {
        let key: String
        let change: @Sendable (inout DatasetRecipe) -> Void
        var testDescription: String { key }

        init(_ key: String, _ change: @escaping @Sendable (inout DatasetRecipe) -> Void) {
            self.key = key
            self.change = change
        }
    }

    @Test(arguments: [
        BadRecipe("name") { $0.name = "" }, BadRecipe("name") { $0.name = "../x" }, BadRecipe("name") { $0.name = ".x" },
        BadRecipe("name") { $0.name = "\u{E4}" }, BadRecipe("salt") { $0.salt = "" }, BadRecipe("ledger") { $0.ledger = "" },
        BadRecipe("ledger") { $0.ledger = "a b" },
        BadRecipe("ledger") { $0.ledger = "x/y" }, BadRecipe("ledger") { $0.ledger = "\u{E4}" },
        BadRecipe("eval.share") { $0.eval.sharePPM = -1 },
        BadRecipe("eval.share") { $0.eval.sharePPM = 1_000_001 }, BadRecipe("group_by") { $0.groupBy = [""] },
        BadRecipe("group_by") { $0.groupBy = Array(repeating: "a", count: 17) },
        BadRecipe("select.task") { $0.selection.tasks = ["a\nb"] },
        BadRecipe("select.until") { ($0.selection.sinceUs, $0.selection.untilUs) = (5, 5) },
        BadRecipe("train.max_rows") { $0.train.maximum = 0 }, BadRecipe("feedback.sources") { $0.feedback.sources = [""] },
        BadRecipe("feedback.bad_below") { $0.feedback.badBelowMillionths = .max },
        BadRecipe("feedback.min_score") { $0.feedback.minimumMillionths = .min },
    ])
    func badRecipesAreRefusedByKey(bad: BadRecipe) {
        var recipe = DatasetRecipe(name: "x")
        bad.change(&recipe)
        let error = #expect(throws: DatasetError.self) { try recipe.validate() }
        #expect(error?.code == .badRecipe)
        #expect(error?.subject == bad.key)
    }
}
