// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Crypto
import ExchangeModel
import Foundation
import TestSupport
import Testing

@testable import Datasets

@Suite struct FeedbackBuildTests {
    /// Questions that have nothing in common, each asked once.
    private static func questions(_ numbers: Range<UInt64>) -> [DatasetInput] {
        numbers.map { TestRecords.input(TestRecords.chat($0, [TestRecords.long("question \($0)")], answer: "answer \($0)")) }
    }

    private static func recipe(evalPPM: Int64 = 0) -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "said")
        recipe.eval.sharePPM = evalPPM
        return recipe
    }

    private static func manifest(_ scratch: Scratch, _ name: String = "set") throws -> [String: Any] {
        let text = try scratch.text("manifest.json", in: name)
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// The text of each row's last message, by the exchange that it was made of.
    private static func answers(_ scratch: Scratch, in name: String = "set") throws -> [String: String] {
        var rows: [String: [String]] = [:]
        for file in ["train.jsonl", "eval.jsonl"] { rows[file] = try scratch.lines(file, in: name) }
        var answers: [String: String] = [:]
        for line in try scratch.lines("lineage.jsonl", in: name) {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let (file, number) = (try #require(row["file"] as? String), try #require(row["row"] as? Int))
            let text = try #require(rows[file]?[number - 1])
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let last = try #require((object["messages"] as? [[String: Any]])?.last)
            answers[try #require(row["record"] as? String)] = last["content"] as? String
        }
        return answers
    }

    private static func stored(_ scratch: Scratch, _ name: String, _ pieces: [Feedback]) throws -> ControlStore {
        let store = try scratch.ledger(name)
        try store.add(pieces)
        return store
    }

    // MARK: What counts

    @Test(arguments: [1, 2, 3] as [UInt64])
    func sameFeedbackInAnyOrderGivesTheSameBytes(seed: UInt64) throws {
        let scratch = try Scratch()
        var generator = SplitMix64(seed: seed)
        var recipe = Self.recipe(evalPPM: 300_000)
        recipe.feedback.minimumMillionths = 250_000
        let inputs = Self.questions(0..<40)
        let pieces = (0..<90 as Range<UInt64>).map { number in
            TestRecords.feedback(
                number, about: UInt64.random(in: 0..<40, using: &generator), at: Int64.random(in: 0..<3, using: &generator),
                from: ["a", "B", "b"][Int.random(in: 0..<3, using: &generator)],
                score: number % 4 == 0 ? nil : Double(Int.random(in: 0...4, using: &generator)) / 4,
                correction: number % 5 == 0 ? .text("better \(number)") : nil)
        }
        let first = try scratch.build(recipe, inputs, to: "a", feedback: try Self.stored(scratch, "one", pieces))
        let second = try scratch.build(
            recipe, inputs.shuffled(using: &generator), to: "b",
            feedback: try Self.stored(scratch, "two", pieces.shuffled(using: &generator)))
        #expect(first == second)
        for file in DatasetOutput.files { #expect(try scratch.text(file, in: "a") == scratch.text(file, in: "b")) }
        let from = try scratch.build(recipe, inputs, to: "c", feedback: MemoryFeedback(pieces: pieces))
        #expect(from.manifestSHA256 == first.manifestSHA256)
        #expect(first.drops.contains { $0.reason == .lowFeedback })
        #expect(first.files.contains { $0.changes.contains { $0.label == "answer_corrected" } })
    }

    @Test func manifestHoldsAHashOverTheFeedbackOfItsExchangesAlone() throws {
        let scratch = try Scratch()
        let pieces = [
            TestRecords.feedback(1, about: 2, at: 5, score: 1), TestRecords.feedback(2, about: 1, at: 9, score: 0),
            TestRecords.feedback(3, about: 2, at: 4, from: "a", correction: .text("x")),
            TestRecords.feedback(4, about: 77, score: 1),
        ]
        _ = try scratch.build(Self.recipe(), Self.questions(0..<4), feedback: MemoryFeedback(pieces: pieces))
        let inputs = try #require(try Self.manifest(scratch)["inputs"] as? [String: Any])
        #expect(inputs["feedback"] as? Int == 3)
        let lines = [pieces[1], pieces[2], pieces[0]].flatMap { FeedbackJSON.line($0) }
        let wanted = SHA256.hash(data: Data(lines)).map { String(format: "%02x", $0) }.joined()
        #expect(inputs["feedback_sha256"] as? String == wanted)
        // None is none, whether there is a store or not.
        let without = try scratch.build(Self.recipe(), Self.questions(0..<4), to: "b")
        let empty = try scratch.build(Self.recipe(), Self.questions(0..<4), to: "c", feedback: try scratch.ledger("empty"))
        #expect(without.manifestSHA256 == empty.manifestSHA256)
    }

    // MARK: Hardness

    @Test func whatWasCalledBadIsHarderAndTheReasonSaysSo() throws {
        let scratch = try Scratch()
        var recipe = Self.recipe(evalPPM: 1_000_000)
        recipe.eval.anchorPPM = 0
        let pieces = [
            TestRecords.feedback(1, about: 3, score: 0), TestRecords.feedback(2, about: 4, correction: .text("so")),
            TestRecords.feedback(3, about: 5, score: 1), TestRecords.feedback(4, about: 6, at: 1, score: 0),
            TestRecords.feedback(5, about: 6, at: 2, score: 1),
        ]
        _ = try scratch.build(recipe, Self.questions(0..<12), feedback: MemoryFeedback(pieces: pieces))
        var reasons: [String: String] = [:]
        for line in try scratch.lines("lineage.jsonl") {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            reasons[try #require(row["record"] as? String)] = row["reason"] as? String
        }
        #expect(reasons.count == 12)
        for number in 0..<12 as Range<UInt64> {
            // Two of twelve have it: ten of eleven others have less, and one has as much.
            let isHard = number == 3 || number == 4
            let reason = try #require(reasons[TestRecords.id(number).description])
            #expect(reason.contains("feedback") == isHard)
            if isHard { #expect(reason.contains("feedback 190")) }
        }
    }

    @Test func earlierAnswersAndOtherAnswersCountToo() throws {
        let scratch = try Scratch()
        let question = TestRecords.long("q")
        let inputs = [
            TestRecords.chat(1, [question], answer: "a"), TestRecords.chat(2, [question, "a", "more"], answer: "b"),
            TestRecords.chat(3, [question, "a", "more"], answer: "c"),
            TestRecords.chat(4, [TestRecords.long("other")], answer: "d"),
        ].map { TestRecords.input($0) }
        let pieces = [
            TestRecords.feedback(1, about: 1, score: 0), TestRecords.feedback(2, about: 3, score: 0),
            TestRecords.feedback(3, about: 3, from: "queue", correction: .text("e")),
        ]
        var survey = Survey(recipe: Self.recipe())
        let intake = scratch.intake(Self.recipe())
        for input in inputs { try survey.take(input, by: intake) }
        let said = try FeedbackSurvey(
            rules: FeedbackRules(), candidates: survey.candidates, pinned: [], source: MemoryFeedback(pieces: pieces),
            directory: scratch.path, files: scratch.files)
        let rows = RowFeedback(rules: FeedbackRules(), survey: survey, feedback: said)
        // The first answer, and that of the third exchange, whatever was said of it twice.
        #expect(survey.candidates.map { rows.badCount($0) } == [1, 2, 2, 0])
    }

    // MARK: Corrections

    @Test func correctionsAreTheAnswersOfRows() throws {
        let scratch = try Scratch()
        let message =
            #"{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}}]}"#
        let pieces = [
            TestRecords.feedback(1, about: 1, at: 1, correction: .text("old")),
            TestRecords.feedback(2, about: 1, at: 2, correction: .text("new")),
            TestRecords.feedback(3, about: 2, correction: .json(Array(#"{"a": 1.0}"#.utf8))),
            TestRecords.feedback(4, about: 3, correction: .json(Array(message.utf8))),
            // Taken back by the same source.
            TestRecords.feedback(5, about: 4, at: 1, correction: .text("gone")),
            TestRecords.feedback(6, about: 4, at: 2, score: 1),
            // No answers.
            TestRecords.feedback(7, about: 5, correction: .text(" ")),
            TestRecords.feedback(8, about: 6, correction: .json(Array(#"{"role":"assistant","content":3}"#.utf8))),
            // As it was.
            TestRecords.feedback(9, about: 7, correction: .text(" answer  7\n")),
        ]
        for ppm in [0, 1_000_000] as [Int64] {
            let report = try scratch.build(
                Self.recipe(evalPPM: ppm), Self.questions(0..<9), feedback: MemoryFeedback(pieces: pieces))
            #expect(report.trainRows == (ppm == 0 ? 9 : 0))
            let answers = try Self.answers(scratch)
            let wanted = [
                "answer 0", "new", #"{"a": 1.0}"#, "", "answer 4", "answer 5", "answer 6", "answer 7", "answer 8",
            ]
            #expect((0..<9).map { answers[TestRecords.id($0).description] } == wanted)
            #expect(report.files.flatMap(\.changes) == [FigureBar("answer_corrected", 3)])
            #expect(report.warnings == ["2 corrections are no answers that a row can hold, and are not used."])
        }
        var recipe = Self.recipe(evalPPM: 500_000)
        recipe.feedback.corrections = .ignore
        _ = try scratch.build(
            recipe, Self.questions(0..<40), to: "b",
            feedback: MemoryFeedback(
                pieces: (0..<40).map {
                    TestRecords.feedback($0, about: $0, correction: .text("right"))
                }))
        let lines = try (scratch.lines("train.jsonl", in: "b"), scratch.lines("eval.jsonl", in: "b"))
        #expect(lines.0.count > 5 && lines.1.count > 5)
        #expect(lines.0.allSatisfy { !$0.contains("right") })
        #expect(lines.1.allSatisfy { $0.contains("right") })
    }

    @Test func onlyTheRecipesSourcesCount() throws {
        let scratch = try Scratch()
        var recipe = Self.recipe()
        recipe.feedback.sources = ["queue"]
        recipe.feedback.minimumMillionths = 0
        let pieces = [
            TestRecords.feedback(1, about: 1, correction: .text("no")), TestRecords.feedback(2, about: 1, score: -1),
            TestRecords.feedback(3, about: 2, from: "queue", correction: .text("yes")),
            TestRecords.feedback(4, about: 3, from: "queue", score: -1),
        ]
        let report = try scratch.build(recipe, Self.questions(0..<5), feedback: MemoryFeedback(pieces: pieces))
        let answers = try Self.answers(scratch)
        #expect(answers[TestRecords.id(1).description] == "answer 1")
        #expect(answers[TestRecords.id(2).description] == "yes")
        #expect(answers[TestRecords.id(3).description] == nil)
        #expect(report.drops.map(\.reason) == [.lowFeedback])
    }

    @Test func aRepetitionsCorrectionIsTheRowsToo() throws {
        let scratch = try Scratch()
        let question = TestRecords.long("q")
        let inputs = [1, 2, 3].map { TestRecords.input(TestRecords.chat($0, [question], answer: "same")) }
        let pieces = [
            TestRecords.feedback(1, about: 3, at: 1, correction: .text("old")),
            TestRecords.feedback(2, about: 2, at: 2, correction: .text("new")),
        ]
        _ = try scratch.build(Self.recipe(), inputs, feedback: MemoryFeedback(pieces: pieces))
        #expect(try Self.answers(scratch) == [TestRecords.id(1).description: "new"])
    }

    @Test func evalRowsOfEarlierVersionsStayWhateverIsSaidLater() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let recipe = Self.recipe(evalPPM: 1_000_000)
        var pieces = [TestRecords.feedback(1, about: 1, at: 1, correction: .text("first"))]
        func eval(_ count: UInt64) throws -> [String] {
            _ = try scratch.build(
                recipe, Self.questions(0..<count), feedback: MemoryFeedback(pieces: pieces), ledger: ledger)
            return try scratch.lines("eval.jsonl")
        }
        let before = try eval(6)
        #expect(before.count == 6 && before.count { $0.contains("first") } == 1)
        // One that was there is corrected again, by the same source and by another, and one that was not.
        pieces += [
            TestRecords.feedback(2, about: 1, at: 2, correction: .text("second")),
            TestRecords.feedback(3, about: 1, at: 3, from: "queue", correction: .text("third")),
            TestRecords.feedback(4, about: 2, at: 3, correction: .text("fourth")),
            TestRecords.feedback(5, about: 7, at: 3, correction: .text("fifth")),
        ]
        let after = try eval(9)
        #expect(Array(after.prefix(6)) == before)
        #expect(after.count == 9 && after.dropFirst(6).count { $0.contains("fifth") } == 1)
        let head = try ledger.head(of: recipe.ledger)
        #expect(try eval(9) == after)
        #expect(try ledger.head(of: recipe.ledger) == head)
    }

    // MARK: Low scores

    /// Conversations of one to three requests with scores here and there, against the rule over lists.
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func rowsWithOnlyLowScoresAreNotTrainedOnAndTheFunnelAddsUp(seed: UInt64) throws {
        let scratch = try Scratch()
        var generator = SplitMix64(seed: seed)
        var recipe = Self.recipe(evalPPM: seed % 2 == 0 ? 0 : 300_000)
        recipe.feedback.minimumMillionths = 500_000
        recipe.feedback.corrections = seed % 3 == 0 ? .ignore : .answer
        var inputs: [DatasetInput] = []
        var pieces: [Feedback] = []
        var low: Set<String> = []
        for conversation in 0..<30 as Range<UInt64> {
            var turns = [TestRecords.long("question \(conversation)")]
            var scores: [Double] = []
            var isCorrected = false
            let steps = UInt64.random(in: 1...3, using: &generator)
            for step in 0..<steps {
                let number = conversation * 10 + step
                inputs.append(TestRecords.input(TestRecords.chat(number, turns, answer: "answer \(step)")))
                turns += ["answer \(step)", "more \(step)"]
                if Int.random(in: 0..<3, using: &generator) == 0 {
                    scores.append(Double(Int.random(in: 0...4, using: &generator)) / 4)
                    pieces.append(TestRecords.feedback(number * 2, about: number, score: scores.last))
                }
                if Int.random(in: 0..<6, using: &generator) == 0 {
                    isCorrected = step == steps - 1
                    pieces.append(TestRecords.feedback(number * 2 + 1, about: number, from: "queue", correction: .text("right")))
                }
            }
            let isReplaced = isCorrected && recipe.feedback.corrections == .answer
            if !scores.isEmpty, scores.allSatisfy({ $0 < 0.5 }), !isReplaced {
                low.insert(TestRecords.id(conversation * 10 + steps - 1).description)
            }
        }
        let report = try scratch.build(recipe, inputs.shuffled(using: &generator), feedback: MemoryFeedback(pieces: pieces))
        #expect(report.seen == Int64(inputs.count))
        #expect(report.seen == report.trainRows + report.evalRows + report.drops.reduce(0) { $0 + $1.count })
        let late: Set<DropReason> = [.lowFeedback, .superseded]
        #expect(report.drops.allSatisfy { late.contains($0.reason) })
        #expect(report.kept == report.seen)
        var trained: Set<String> = []
        var measured: Set<String> = []
        for line in try scratch.lines("lineage.jsonl") {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let record = try #require(row["record"] as? String)
            if row["file"] as? String == "train.jsonl" { trained.insert(record) } else { measured.insert(record) }
        }
        let count = report.drops.first { $0.reason == .lowFeedback }?.count ?? 0
        #expect(trained.isDisjoint(with: low))
        #expect(count == Int64(low.subtracting(measured).count))
        #expect(trained.count + measured.count + Int(count) == 30)
        #expect(low.count > 1)
    }
}
