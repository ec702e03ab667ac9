// SPDX-License-Identifier: Apache-2.0
import ControlStore
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Rows of somebody else's that join the ledger.
@Suite struct RowImportTests {
    /// A ledger and a data set that know of external rows.
    private struct House {
        let scratch: Scratch
        let store: ControlStore

        init() throws {
            scratch = try Scratch()
            store = try scratch.ledger()
        }

        func imports(
            _ text: String, as side: DatasetSide, skipsBad: Bool = false, isDryRun: Bool = false
        ) throws -> (summary: RowImportSummary, bad: [String]) {
            var rows = RowImport(side: side, name: "external")
            (rows.skipsBad, rows.isDryRun) = (skipsBad, isDryRun)
            let input = LineInput(name: "external.jsonl") {
                var rest: [UInt8]? = Array(text.utf8)
                return {
                    defer { rest = nil }
                    return rest
                }
            }
            return try rows.run(
                input, ledger: try DatasetLedger(store, name: "default"), directory: scratch.path, files: scratch.files,
                recordedUs: 1)
        }

        var head: LedgerHead { get throws { try store.head(of: "default") } }
    }

    private static func text(_ number: Int) -> String { TestRecords.long("text \(number)") }

    private static func traffic(_ numbers: Range<Int>) -> [DatasetInput] {
        numbers.map { TestRecords.input(TestRecords.chat(UInt64($0), [text($0)], answer: "answer \($0)")) }
    }

    /// A text that shares most of its words with another: two words of it are others.
    private static func paraphrase(_ number: Int) -> String {
        var words = text(number).split(separator: " ").map(String.init)
        words[9] = "changed"
        words[20] = "altered"
        return words.joined(separator: " ")
    }

    /// One row in one of several shapes.
    private static func row(_ number: Int, _ text: String) -> String {
        switch number % 4 {
        case 0:
            #"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"\#(text)"},{"role":"assistant","content":"a"}]}"#
        case 1: #"{"input":"\#(text)","ideal":"a"}"#
        case 2: #"{"prompt":"\#(text)","completion":"a"}"#
        default: #"{"conversations":[{"from":"human","value":"\#(text)"},{"from":"gpt","value":"a"}]}"#
        }
    }

    private static func recipe(share: Int64) -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "own")
        recipe.eval.sharePPM = share
        return recipe
    }

    @Test func noTrainingRowIsNearAnExternalEvalRow() throws {
        let external = (0..<12).map(Self.paraphrase)
        let lines = external.enumerated().map { Self.row($0, $1) }.joined(separator: "\n")
        func near(_ scratch: Scratch) throws -> Int {
            try WordOracle.rows(scratch, "train.jsonl").count { row in
                external.contains { WordOracle.isNear(row, WordOracle.words($0)) }
            }
        }
        // Without the import they are trained on.
        let without = try House()
        _ = try without.scratch.build(Self.recipe(share: 200_000), Self.traffic(0..<40), ledger: without.store)
        #expect(try near(without.scratch) > 5)

        let house = try House()
        let found = try house.imports(lines, as: .eval)
        #expect(found.summary.rows == 12 && found.summary.added == 12 && found.summary.short == 0 && found.bad.isEmpty)
        #expect(try house.store.verify(ledger: "default").fault == nil)
        let report = try house.scratch.build(Self.recipe(share: 200_000), Self.traffic(0..<40), ledger: house.store)
        #expect(try near(house.scratch) == 0)
        #expect(report.trainRows > 10 && report.evalRows > 0)
        #expect(report.seen == report.trainRows + report.evalRows + report.drops.reduce(0) { $0 + $1.count })
        // The checker that knows no ledger says the same.
        let summary = try SeparationCheck.run(
            train: LineInput(path: house.scratch.path + "/set/train.jsonl", files: house.scratch.files),
            eval: [
                LineInput(name: "external") {
                    var rest: [UInt8]? = Array(lines.utf8);
                    return {
                        defer { rest = nil }; return rest
                    }
                }
            ],
            isStrict: false, found: { _ in })
        #expect(summary.violations == 0 && summary.evalRows == 12)
    }

    @Test func anEqualPromptIsOfNoTrainingGroupEvenWhereItIsShort() throws {
        let house = try House()
        let found = try house.imports(#"{"input":"Where is my order?","ideal":"x"}"#, as: .eval)
        #expect(found.summary.short == 1)
        var inputs = Self.traffic(0..<10)
        inputs.append(TestRecords.input(TestRecords.chat(700, ["Where is  my order?"], answer: "b")))
        let report = try house.scratch.build(Self.recipe(share: 0), inputs, ledger: house.store)
        #expect(report.trainRows == 10)
        #expect(report.drops.first { $0.reason == .groupOfEval }?.count == 1)
    }

    @Test func rowsThatWereTrainedOnAreNeverChosenForEval() throws {
        let house = try House()
        let lines = (0..<10).map { Self.row($0, Self.text($0)) }.joined(separator: "\n")
        #expect(try house.imports(lines, as: .train).summary.added == 10)
        let report = try house.scratch.build(Self.recipe(share: 1_000_000), Self.traffic(0..<20), ledger: house.store)
        #expect(report.evalRows == 10 && report.trainRows == 10)
        let trained = Set((0..<10).map { WordOracle.words(Self.text($0)).joined(separator: " ") })
        for row in try WordOracle.rows(house.scratch, "eval.jsonl") { #expect(!trained.contains(row.joined(separator: " "))) }
    }

    @Test(arguments: DatasetSide.allCases)
    func theSameRowsAgainAddNothing(side: DatasetSide) throws {
        let house = try House()
        let lines = (0..<6).map { Self.row($0, Self.text($0)) }
        let first = try house.imports(lines.joined(separator: "\n"), as: side)
        let head = try house.head
        #expect(first.summary.added == 6 && first.summary.version == "1" && head.entries == (side == .eval ? 7 : 1))
        // Other line ends, another order, rows twice, an end without a line end: no other rows.
        let again = "\u{FEFF}" + (lines.reversed() + [lines[0]]).joined(separator: "\r\n")
        let second = try house.imports(again, as: side)
        #expect(second.summary.added == 0 && second.summary.known == 7)
        #expect(try house.head == head)
        // One more row is one more.
        let third = try house.imports((lines + [Self.row(7, Self.text(7))]).joined(separator: "\n"), as: side)
        #expect(third.summary.added == 1 && third.summary.version == "2")
        #expect(try house.head.entries == head.entries + (side == .eval ? 2 : 1))
    }

    @Test func whatABuildHasMeasuredWithIsKnownWhenItsFileComesBack() throws {
        let house = try House()
        _ = try house.scratch.build(Self.recipe(share: 400_000), Self.traffic(0..<30), ledger: house.store)
        let head = try house.head
        let eval = try house.scratch.text("eval.jsonl")
        #expect(try house.imports(eval, as: .eval).summary.added == 0)
        #expect(try house.head == head)
        // Who says that it was trained on says that training has touched it.
        let found = try house.imports(eval, as: .train).summary
        #expect(found.added == found.rows && found.nearEval == found.rows && found.tainted == found.rows && found.rows > 0)
        let taints = try house.store.taints(in: "default")
        #expect(Int64(taints.count) == found.rows)
        #expect(taints.allSatisfy { $0.taint.training == head.entries + 1 })
        #expect(try house.imports(eval, as: .train).summary.added == 0)
    }

    @Test func evalRowsThatWereTrainedOnAreTainted() throws {
        let house = try House()
        let report = try house.scratch.build(Self.recipe(share: 0), Self.traffic(0..<9), ledger: house.store)
        #expect(report.trainRows == 9)
        let found = try house.imports(Self.row(1, Self.text(3)) + "\n" + Self.row(1, Self.text(30)), as: .eval).summary
        #expect(found.added == 2 && found.tainted == 1)
        #expect(try house.store.taints(in: "default").count == 1)
        // Eval wins.
        let second = try house.scratch.build(Self.recipe(share: 0), Self.traffic(0..<9), ledger: house.store)
        #expect(second.trainRows == 8)
    }

    @Test func oneBadRowRefusesTheFileUnlessBadOnesAreLeftOut() throws {
        let house = try House()
        let lines = [Self.row(1, Self.text(1)), "{", #"{"input":"","ideal":"x"}"#, Self.row(1, Self.text(2))].joined(
            separator: "\n")
        let before = try house.head
        let error = #expect(throws: DatasetError.self) { try house.imports(lines, as: .eval) }
        #expect(error?.code == .badRow)
        for words in ["2 of 4 rows", "line 2:", "line 3:", "--skip-bad"] {
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
        #expect(try house.head == before)
        let found = try house.imports(lines, as: .eval, skipsBad: true)
        #expect(found.summary.added == 2 && found.summary.bad == 2)
        #expect(found.bad.count == 2 && found.bad[0].hasPrefix("line 2:"))
        #expect(try house.head.entries == 3)
    }

    @Test func aDryRunTellsTheLedgerNothing() throws {
        let house = try House()
        let before = try house.head
        let found = try house.imports(Self.row(1, Self.text(1)), as: .eval, isDryRun: true)
        #expect(found.summary.added == 1 && found.summary.version.isEmpty)
        #expect(try house.head == before)
    }

    @Test func aFileWithoutRowsIsRefusedAndNothingIsLeftOnDisk() throws {
        let house = try House()
        let error = #expect(throws: DatasetError.self) { try house.imports("\n \n", as: .eval) }
        #expect(error?.code == .noRows)
        _ = try house.imports(Self.row(1, Self.text(1)), as: .eval)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: house.scratch.path).allSatisfy { $0.hasPrefix("control.sqlite") })
    }
}
