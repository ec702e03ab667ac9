// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Foundation
import Platform
import Separation
import TestSupport
import Testing

@testable import Datasets

/// Builds whose rows are near to each other, and builds after builds.
@Suite struct SeparatedBuildTests {
    /// Texts in families: members of one share most of their words, and no two families any.
    private static func traffic(families: Range<Int>, seed: UInt64) -> [DatasetInput] {
        var generator = SplitMix64(seed: seed)
        var inputs: [DatasetInput] = []
        for family in families {
            let words = TestRecords.long("family \(family)").split(separator: " ").map(String.init)
            for member in 0..<Int.random(in: 1...4, using: &generator) {
                var own = words
                // From a near duplicate (one word) to a text that only the gate sees (a third of the words).
                for _ in 0..<Int.random(in: 0...10, using: &generator) {
                    let place = Int.random(in: 2..<own.count, using: &generator)
                    own[place] = "other\(UnicodeScalar(UInt8(97 + member)))\(UnicodeScalar(UInt8(97 + place % 26)))"
                }
                let number = UInt64(family * 10 + member)
                inputs.append(
                    TestRecords.input(
                        TestRecords.chat(number, system: "You help.", [own.joined(separator: " ")], answer: "a\(number)")))
            }
        }
        return inputs
    }

    private static func recipe() -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 300_000
        return recipe
    }

    /// The words of the first user turn of each row of a file.
    private static func words(_ scratch: Scratch, _ file: String, in name: String) throws -> [[String]] {
        try scratch.lines(file, in: name).map { line in
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let messages = try #require(row["messages"] as? [[String: Any]])
            let user = try #require(messages.first { $0["role"] as? String == "user" }?["content"] as? String)
            return user.split(separator: " ").map { $0.lowercased().map { $0.isNumber ? "0" : String($0) }.joined() }
        }
    }

    /// The definition of G3, word by word, apart from `Separation`.
    private static func isNear(_ a: [String], _ b: [String]) -> Bool {
        func shingles(_ words: [String]) -> Set<String> {
            guard words.count >= 5 else { return words.isEmpty ? [] : [words.joined(separator: " ")] }
            return Set((0...words.count - 5).map { words[$0..<$0 + 5].joined(separator: " ") })
        }
        let (x, y) = (shingles(a), shingles(b))
        return !x.isEmpty && !y.isEmpty && 2 * x.intersection(y).count >= min(x.count, y.count)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func noTrainingRowIsNearAnEvalRow(seed: UInt64) throws {
        let scratch = try Scratch()
        let report = try scratch.build(Self.recipe(), Self.traffic(families: 0..<60, seed: seed))
        let train = try Self.words(scratch, "train.jsonl", in: "set")
        let eval = try Self.words(scratch, "eval.jsonl", in: "set")
        #expect(train.count > 10 && eval.count > 5)
        for row in train { #expect(!eval.contains { Self.isNear(row, $0) }) }
        #expect(report.seen == report.trainRows + report.evalRows + report.drops.reduce(0) { $0 + $1.count })
        let excluded = try scratch.lines("excluded.jsonl").count
        #expect(Int64(excluded) == report.drops.first { $0.reason == .nearEval }?.count ?? 0)
    }

    @Test(arguments: [5, 6] as [UInt64])
    func evalRowsStayAndTrainingNeverMeetsWhatWasEverInEval(seed: UInt64) throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        var inputs: [DatasetInput] = []
        var everEval: [[String]] = []
        var last: [String] = []
        for build in 0..<5 {
            inputs += Self.traffic(families: build * 15..<(build + 1) * 15, seed: seed + UInt64(build))
            var generator = SplitMix64(seed: seed + UInt64(build))
            inputs.shuffle(using: &generator)
            _ = try scratch.build(Self.recipe(), inputs, ledger: ledger)
            let lines = try scratch.lines("eval.jsonl")
            #expect(Array(lines.prefix(last.count)) == last)
            #expect(lines.count > last.count)
            last = lines
            everEval += try Self.words(scratch, "eval.jsonl", in: "set")
            for row in try Self.words(scratch, "train.jsonl", in: "set") { #expect(!everEval.contains { Self.isNear(row, $0) }) }
        }
        #expect(try ledger.verify(ledger: "default").fault == nil)
    }

    @Test func theSameBuildAgainChangesNothing() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let inputs = Self.traffic(families: 0..<40, seed: 9)
        let first = try scratch.build(Self.recipe(), inputs, to: "a", ledger: ledger)
        let head = try ledger.head(of: "default")
        #expect(head.entries > 0)
        let second = try scratch.build(Self.recipe(), inputs.reversed(), to: "a", ledger: ledger)
        #expect(try ledger.head(of: "default") == head)
        #expect(first.evalRows == second.evalRows && first.trainRows == second.trainRows)
        // Elsewhere, from nothing: the same bytes.
        let third = try scratch.build(Self.recipe(), inputs, to: "b", ledger: try scratch.ledger("other"))
        #expect(third.manifestSHA256 == first.manifestSHA256)
    }

    @Test func trainingOfAnEarlierBuildThatComesToBelongToEvalLeavesAndIsReported() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        var recipe = Self.recipe()
        recipe.groupBy = ["session"]
        func input(_ number: UInt64, session: String?) -> DatasetInput {
            var record = TestRecords.chat(number, [TestRecords.long("text \(number)")], answer: "a")
            if let session { record.head.attribution.metadata = [("session", session)] }
            return TestRecords.input(record)
        }
        let apart = (UInt64(0)..<40).map { input($0, session: nil) }
        let first = try scratch.build(recipe, apart, ledger: ledger)
        #expect(first.trainRows > 0 && first.evalRows > 0)
        // Now everything shares a session.
        let together = (UInt64(0)..<40).map { input($0, session: "one") }
        let second = try scratch.build(recipe, together, ledger: ledger)
        #expect(second.trainRows == 0)
        #expect(second.evalRows == first.evalRows)
        #expect(second.drops.first { $0.reason == .groupOfEval }?.count == first.trainRows)
        #expect(Int64(try ledger.taints(in: "default").count) == first.evalRows)
        #expect(try scratch.text("manifest.json").contains("earlier builds trained on"))
        // It is said once.
        _ = try scratch.build(recipe, together, ledger: ledger)
        #expect(Int64(try ledger.taints(in: "default").count) == first.evalRows)
    }

    @Test func shortRowsAreTrainedOnAndNeverMeasuredWith() throws {
        let scratch = try Scratch()
        var recipe = Self.recipe()
        recipe.eval.sharePPM = 1_000_000
        let inputs = (UInt64(0)..<12).map { number in
            TestRecords.input(TestRecords.chat(number, [String(TestRecords.long("\(number)").suffix(60))], answer: "a"))
        }
        let report = try scratch.build(recipe, inputs)
        #expect(report.evalRows == 0)
        #expect(report.trainRows == 12)
    }

    @Test func aSelectionThatTheGateEmptiesIsRefused() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        var recipe = Self.recipe()
        recipe.eval.sharePPM = 1_000_000
        let inputs = (UInt64(0)..<5).map {
            TestRecords.input(TestRecords.chat($0, [TestRecords.long("text \($0)")], answer: "a"))
        }
        #expect(try scratch.build(recipe, inputs, ledger: ledger).evalRows == 5)
        // The same texts as other exchanges of another data set of the ledger: nothing is left to train on.
        var other = DatasetRecipe(name: "other")
        other.eval.sharePPM = 0
        let copies = (UInt64(0)..<5).map {
            TestRecords.input(TestRecords.chat($0 + 500, [TestRecords.long("text \($0)").uppercased()], answer: "b"))
        }
        let error = #expect(throws: DatasetError.self) { try scratch.build(other, copies, to: "other", ledger: ledger) }
        #expect(error?.code == .narrowSelection)
    }

    @Test func theReportIsAPageOfItsOwn() throws {
        let scratch = try Scratch()
        var inputs = Self.traffic(families: 0..<30, seed: 3)
        inputs.append(
            TestRecords.input(TestRecords.chat(999, [TestRecords.long("<script>alert(1)</script> & text")], answer: "<b>")))
        _ = try scratch.build(Self.recipe(), inputs)
        let page = try scratch.text("report.html")
        #expect(page.hasPrefix("<!doctype html>"))
        #expect(page.contains("<svg"))
        #expect(!page.contains("<script>"))
    }
}
