// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Builds that come to nothing, or to one side only.
@Suite struct PlanJudgementTests {
    private static func texts(_ numbers: Range<UInt64>) -> [DatasetInput] {
        numbers.map { TestRecords.input(TestRecords.chat($0, [TestRecords.long("text \($0)")], answer: "a")) }
    }

    @Test func anEmptyBuildReplacesNothingAndTellsTheLedgerNothing() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        _ = try scratch.build(DatasetRecipe(name: "x"), Self.texts(0..<20), ledger: ledger)
        let head = try ledger.head(of: "default")
        let before = try DatasetOutput.files.map { try scratch.text($0) }
        var failed = TestRecords.chat(900, ["q"], answer: "a")
        failed.head.status = 500
        for (inputs, words) in [([], "takes no exchange"), ([TestRecords.input(failed)], "1 status_not_ok")] {
            let error = #expect(throws: DatasetError.self) {
                try scratch.build(DatasetRecipe(name: "x"), inputs, ledger: ledger)
            }
            #expect(error?.code == .emptySet)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("select") == true)
        }
        #expect(try ledger.head(of: "default") == head)
        #expect(try DatasetOutput.files.map { try scratch.text($0) } == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/set").count == DatasetOutput.files.count)
    }

    @Test func aSideWithoutRowsIsSaidInReportManifestAndPage() throws {
        let scratch = try Scratch()
        // One group: it is on one side, and the other has nothing.
        let report = try scratch.build(DatasetRecipe(name: "x"), Self.texts(0..<1))
        #expect(report.trainRows + report.evalRows == 1)
        let words = report.evalRows == 0 ? "There is no eval row" : "There is no training row"
        #expect(report.warnings.contains { $0.hasPrefix(words) })
        for file in ["manifest.json", "report.html"] { #expect(try scratch.text(file).contains(words)) }
    }

    @Test(arguments: [0, 1_000_000] as [Int64])
    func aSideThatNobodyAskedForIsNotMissed(share: Int64) throws {
        let scratch = try Scratch()
        var recipe = DatasetRecipe(name: "x")
        recipe.eval.sharePPM = share
        #expect(try scratch.build(recipe, Self.texts(0..<5)).warnings == [])
    }

    @Test func aSecondDataSetOverTheSameTrafficIsToldWhatToDo() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        var recipe = DatasetRecipe(name: "one")
        recipe.eval.sharePPM = 400_000
        #expect(try scratch.build(recipe, Self.texts(0..<20), to: "one", ledger: ledger).warnings == [])
        recipe.name = "two"
        let report = try scratch.build(recipe, Self.texts(0..<20), to: "two", ledger: ledger)
        #expect(report.evalRows == 0)
        #expect(report.warnings.contains { $0.contains("group_of_eval") && $0.contains("or another ledger") })
        // The same name finds its rows again; another ledger knows nothing.
        recipe.name = "one"
        #expect(try scratch.build(recipe, Self.texts(0..<20), to: "one", ledger: ledger).evalRows > 0)
        (recipe.name, recipe.ledger) = ("two", "second")
        #expect(try scratch.build(recipe, Self.texts(0..<20), to: "two", ledger: ledger).evalRows > 0)
    }

    @Test(arguments: [(19, false), (20, true)])
    func aSliceIsCalledNarrowOnlyWhereItHasEnoughRows(rows: Int, isWarned: Bool) throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        var recipe = DatasetRecipe(name: "measured")
        recipe.eval.sharePPM = 1_000_000
        let measured = (UInt64(0)..<10).map {
            TestRecords.input(TestRecords.chat($0, [TestRecords.long("text \($0)")], answer: "a"))
        }
        _ = try scratch.build(recipe, measured, to: "measured", ledger: ledger)
        // Ten of the rows are near an eval row: their texts with a word more.
        let inputs = (0..<UInt64(rows)).map {
            TestRecords.input(TestRecords.chat($0 + 500, [TestRecords.long("text \($0)") + " more"], answer: "b"))
        }
        var trained = DatasetRecipe(name: "trained")
        trained.eval.sharePPM = 0
        let report = try scratch.build(trained, inputs, to: "trained", ledger: ledger)
        #expect(report.drops.first { $0.reason == .nearEval }?.count == 10)
        #expect(report.warnings.contains { $0.contains("the slice is narrow") } == isWarned)
    }
}
