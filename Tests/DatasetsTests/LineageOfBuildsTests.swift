// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Foundation
import Platform
import Redaction
import Testing

@testable import Datasets

/// Builds after builds: what was measured with stays as it is, and is apart from what was trained on, also by an earlier build.
@Suite struct LineageOfBuildsTests {
    private static func recipe(_ name: String = "demo", evalPPM: Int64 = 1_000_000) -> DatasetRecipe {
        var recipe = DatasetRecipe(name: name)
        recipe.eval.sharePPM = evalPPM
        return recipe
    }

    private static func input(_ number: UInt64, _ text: String, answer: String? = nil, model: String = "m") -> DatasetInput {
        TestRecords.input(TestRecords.chat(number, [text], answer: answer ?? "a\(number)", model: model))
    }

    /// A text that shares two thirds of another's words: near for the gate, no near duplicate for the groups.
    private static func near(_ text: String, _ mark: String) -> String {
        let words = text.split(separator: " ").map(String.init)
        let own = TestRecords.long(mark).split(separator: " ").map(String.init)
        return (words.prefix(21) + own.suffix(11)).joined(separator: " ")
    }

    private static func count(_ report: DatasetReport, _ reason: DropReason) -> Int64 {
        report.drops.first { $0.reason == reason }?.count ?? 0
    }

    private static func addsUp(_ report: DatasetReport) -> Bool {
        report.seen + report.carriedRows == report.trainRows + report.evalRows + report.drops.reduce(0) { $0 + $1.count }
    }

    // MARK: What was trained on

    @Test func nothingNearToWhatWasTrainedOnIsNewlyMeasuredWith() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let old = (UInt64(0)..<20).map { Self.input($0, TestRecords.long("old \($0)")) }
        #expect(try scratch.build(Self.recipe(evalPPM: 0), old, ledger: ledger).trainRows == 20)
        let new = (UInt64(0)..<20).map { number in
            let text = TestRecords.long("new \(number)")
            return Self.input(
                100 + number, number % 2 == 0 ? Self.near(TestRecords.long("old \(number)"), "new \(number)") : text)
        }
        let report = try scratch.build(Self.recipe(), old + new, ledger: ledger)
        #expect(report.evalRows == 10)
        #expect(report.trainRows == 20)
        #expect(Self.count(report, .nearTrained) == 10)
        #expect(Self.count(report, .nearEval) == 0)
        #expect(Self.addsUp(report))
    }

    @Test func aConversationThatGoesOnWasTrainedOnToo() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let text = TestRecords.long("opening")
        _ = try scratch.build(Self.recipe(evalPPM: 0), [Self.input(1, text, answer: "so")], ledger: ledger)
        let longer = TestRecords.input(TestRecords.chat(2, [text, "so", TestRecords.long("more")], answer: "b"))
        let report = try scratch.build(
            Self.recipe(), [Self.input(1, text, answer: "so"), longer, Self.input(3, Self.near(text, "other"))], ledger: ledger)
        #expect(report.evalRows == 0 && report.trainRows == 1)
        #expect(Self.count(report, .nearTrained) == 1)
        #expect(Self.addsUp(report))
    }

    @Test func aTrainedPromptTaintsTheGroupThatItComesTo() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        func input(_ number: UInt64, _ text: String) -> DatasetInput {
            var record = TestRecords.chat(number, [TestRecords.long(text)], answer: "a\(number)")
            record.head.attribution.metadata = [("session", "s")]
            return TestRecords.input(record)
        }
        _ = try scratch.build(Self.recipe("a", evalPPM: 0), [input(1, "asked")], to: "a", ledger: ledger)
        var recipe = Self.recipe("b")
        recipe.groupBy = ["session"]
        #expect(try scratch.build(recipe, [input(5, "other")], to: "b", ledger: ledger).evalRows == 1)
        // The same prompt by another exchange; the one that was trained on is not among these.
        let report = try scratch.build(recipe, [input(5, "other"), input(6, "asked")], to: "b", ledger: ledger)
        #expect(report.evalRows == 1 && report.trainRows == 0)
        #expect(try ledger.taints(in: "default").count == 1)
    }

    // MARK: What is measured with

    @Test func evalRowsKeepTheirBytesWhenToolsCome() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let plain = Self.input(1, TestRecords.long("plain"))
        _ = try scratch.build(Self.recipe(), [plain], ledger: ledger)
        let before = try scratch.lines("eval.jsonl")
        let tools = TestRecords.record(
            2, api: .openaiChat, request: ConversationReaderTests.chatRequest, answer: ConversationReaderTests.good)
        let report = try scratch.build(Self.recipe(), [plain, TestRecords.input(tools)], ledger: ledger)
        #expect(before.count == 1)
        #expect(try scratch.lines("eval.jsonl") == before)
        #expect(report.warnings.isEmpty)
    }

    @Test func aRowThatReadsOtherwiseIsWarnedOfAndStaysInTheGateAsItWas() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let text = TestRecords.long("as published")
        _ = try scratch.build(Self.recipe(), [Self.input(1, text)], ledger: ledger)
        let report = try scratch.build(
            Self.recipe(evalPPM: 0),
            [
                Self.input(1, TestRecords.long("as it is now")), Self.input(2, text.uppercased()),
                Self.input(3, TestRecords.long("far")),
            ], ledger: ledger)
        #expect(report.evalRows == 1 && report.trainRows == 1)
        #expect(Self.count(report, .nearEval) == 1)
        #expect(report.warnings.contains { $0.hasPrefix("1 eval rows of earlier versions are written otherwise") })
        #expect(try scratch.text("manifest.json").contains("are written otherwise"))
        #expect(try scratch.text("report.html").contains("are written otherwise"))
    }

    @Test func evalRowsWhoseExchangesAreGoneAreTakenOver() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let inputs = (UInt64(0)..<8).map { Self.input($0, TestRecords.long("text \($0)")) }
        #expect(try scratch.build(Self.recipe(), inputs, ledger: ledger).evalRows == 8)
        let lines = try scratch.lines("eval.jsonl")
        let lineage = try scratch.lines("lineage.jsonl")
        // Two are left, and one is new.
        let later = [inputs[1], inputs[6], Self.input(50, TestRecords.long("new"))]
        let report = try scratch.build(Self.recipe(), later, ledger: ledger)
        #expect(report.evalRows == 9)
        #expect(Array(try scratch.lines("eval.jsonl").prefix(8)) == lines)
        #expect(report.warnings.contains { $0.hasPrefix("6 eval rows of earlier versions are taken over") })
        #expect(Self.addsUp(report) && report.seen == 3 && report.carriedRows == 6)
        for (old, new) in zip(lineage, try scratch.lines("lineage.jsonl")) {
            let place = try #require(old.range(of: #""stratum":"#)).lowerBound
            let samePlace = try #require(new.range(of: #""stratum":"#)).lowerBound
            #expect(old[place...] == new[samePlace...])
        }
        // Once more, from rows that were taken over; and then from their exchanges again.
        _ = try scratch.build(Self.recipe(), later, ledger: ledger)
        #expect(Array(try scratch.lines("eval.jsonl").prefix(8)) == lines)
        let whole = try scratch.build(Self.recipe(), inputs, ledger: ledger)
        #expect(Array(try scratch.lines("eval.jsonl").prefix(8)) == lines)
        #expect(whole.warnings.count == 1)
    }

    @Test func aLineThatIsNotTheLedgersIsNotTakenOver() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let inputs = [Self.input(1, TestRecords.long("one")), Self.input(2, TestRecords.long("two"))]
        _ = try scratch.build(Self.recipe(), inputs, ledger: ledger)
        let changed = try scratch.text("eval.jsonl").replacingOccurrences(of: "one", with: "none")
        try Data(changed.utf8).write(to: URL(fileURLWithPath: scratch.path + "/set/eval.jsonl"))
        let report = try scratch.build(Self.recipe(), [Self.input(3, TestRecords.long("three"))], ledger: ledger)
        #expect(report.evalRows == 2)
        #expect(report.warnings.contains { $0.hasPrefix("1 eval rows of earlier versions are missing") })
    }

    /// A source that has lost all trace of an exchange, as where it was erased.
    private struct Forgetful: DatasetSource {
        let source: MemorySource
        let gone: ExchangeID

        func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
            try source.forEachRecord(where: isWanted, body)
        }

        func forEachResponse(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
            try source.forEachResponse(where: isWanted, body)
        }

        func isForgotten(_ id: ExchangeID) throws -> Bool { id == gone }
    }

    @Test func whatWasErasedIsNotTakenOver() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let inputs = ["one", "two", "three"].enumerated().map { Self.input(UInt64($0.offset), TestRecords.long($0.element)) }
        #expect(try scratch.build(Self.recipe(), inputs, ledger: ledger).evalRows == 3)
        let report = try DatasetBuild.run(
            recipe: Self.recipe(), source: Forgetful(source: MemorySource([inputs[2]]), gone: TestRecords.id(0)),
            output: scratch.path + "/set", files: scratch.files, tool: "weir test",
            ledger: try DatasetLedger(ledger, name: "default"))
        #expect(report.evalRows == 2 && report.carriedRows == 1)
        #expect(report.warnings.contains { $0.hasPrefix("1 eval rows of earlier versions are missing") })
        #expect(try !scratch.text("eval.jsonl").contains("one") && scratch.text("eval.jsonl").contains("two"))
    }

    @Test func rowsThatWereNotLookedAtForWhatIsRedactedNowAreNotTakenOver() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        var recipe = Self.recipe()
        recipe.redact.kinds = [.email]
        let inputs = ["one", "two"].enumerated().map { Self.input(UInt64($0.offset), TestRecords.long($0.element)) }
        _ = try scratch.build(recipe, inputs, ledger: ledger)
        #expect(try scratch.build(recipe, [inputs[1]], ledger: ledger).carriedRows == 1)
        recipe.redact.kinds = [.email, .phone]
        let report = try scratch.build(recipe, [inputs[1]], ledger: ledger)
        #expect(report.carriedRows == 0 && report.evalRows == 1)
        #expect(report.warnings.contains { $0.hasPrefix("1 eval rows of earlier versions are missing") })
    }

    /// A row that is left out as a repetition is of the group of the one that stays: what was done with it counts.
    @Test func aLooseRepetitionOfWhatWasTrainedOnIsNotMeasuredWith() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        var recipe = Self.recipe()
        recipe.quality.duplicates = .loose
        recipe.eval.sharePPM = 0
        let old = Self.input(10, TestRecords.long("order") + " number 4711", answer: "so")
        let new = Self.input(5, TestRecords.long("order") + " NUMBER 1147", answer: "So.")
        #expect(try scratch.build(recipe, [old], ledger: ledger).trainRows == 1)
        recipe.eval.sharePPM = 1_000_000
        let report = try scratch.build(recipe, [old, new], ledger: ledger)
        #expect(report.evalRows == 0 && report.trainRows == 1)
    }

    @Test func aRowStaysKnownHoweverManyRecordsItHolds() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let text = TestRecords.long("opening")
        let openings = (UInt64(0)..<UInt64(DatasetLimits.ledgerKeys + 50)).map { Self.input($0, text, answer: "so") }
        let last = TestRecords.input(TestRecords.chat(5_000, [text, "so", TestRecords.long("more")], answer: "b"))
        #expect(try scratch.build(Self.recipe(), openings + [last], ledger: ledger).evalRows == 1)
        var keys: [LedgerKey] = []
        try ledger.forEachEval(in: "default") { keys += $0.row.groups }
        #expect(keys.first == DatasetLedger.key(of: TestRecords.id(5_000)))
        // Alone it is of another group, and would be trained on.
        let report = try scratch.build(Self.recipe(evalPPM: 0), [last], ledger: ledger)
        #expect(report.evalRows == 1 && report.trainRows == 0)
        #expect(Self.addsUp(report))
    }

    @Test func aRowHasTheGroupKeysOfAllRecordsThatItHolds() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        func input(_ number: UInt64, _ turns: [String], session: String) -> DatasetInput {
            var record = TestRecords.chat(number, turns, answer: "a\(number)")
            record.head.attribution.metadata = [("session", session)]
            return TestRecords.input(record)
        }
        var (first, second) = (Self.recipe("first"), Self.recipe("second", evalPPM: 0))
        (first.groupBy, second.groupBy) = (["session"], ["session"])
        let text = TestRecords.long("opening")
        let grown = [input(1, [text], session: "one"), input(2, [text, "a1", TestRecords.long("more")], session: "two")]
        #expect(try scratch.build(first, grown, to: "first", ledger: ledger).evalRows == 1)
        // Its records are not among these, only a session of theirs.
        let others = (UInt64(10)..<13).map {
            input($0, [TestRecords.long("other \($0)")], session: $0 == 10 ? "one" : "s\($0)")
        }
        let report = try scratch.build(second, others, to: "second", ledger: ledger)
        #expect(report.trainRows == 2)
        #expect(try scratch.lines("excluded.jsonl", in: "second").map { $0.contains("shared_group_key") } == [true])
    }

    // MARK: Strata

    @Test func aSliceThatTheGateEmptiesIsRefusedAndASmallOneIsSaid() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let measured = (UInt64(0)..<25).map { Self.input($0, TestRecords.long("text \($0)")) }
        #expect(try scratch.build(Self.recipe(), measured, ledger: ledger).evalRows == 25)
        func inputs(_ copies: UInt64) -> [DatasetInput] {
            let near = (0..<copies).map { Self.input(100 + $0, TestRecords.long("text \($0)").uppercased(), model: "copied") }
            return near + (UInt64(0)..<25).map { Self.input(200 + $0, TestRecords.long("other \($0)"), model: "own") }
        }
        let other = Self.recipe("other", evalPPM: 0)
        let error = #expect(throws: DatasetError.self) {
            try scratch.build(other, inputs(20), to: "other", ledger: ledger)
        }
        #expect(error?.code == .narrowSelection)
        #expect(error?.subject.contains("copied") == true)
        let report = try scratch.build(other, inputs(19), to: "other", ledger: ledger)
        #expect(report.trainRows == 25 && Self.count(report, .nearEval) == 19)
        #expect(report.warnings.contains { $0.hasPrefix("1 strata of fewer than 20 training rows are emptied") })
    }

    // MARK: The ledger

    @Test func aBuildThatAppendsNothingSeesThatTheLedgerGrew() throws {
        let scratch = try Scratch()
        let store = try scratch.ledger()
        let inputs = (UInt64(0)..<6).map { Self.input($0, TestRecords.long("text \($0)")) }
        _ = try scratch.build(Self.recipe(evalPPM: 400_000), inputs, ledger: store)
        let before = try scratch.text("manifest.json")
        let asked = try DatasetLedger(store, name: "default")
        _ = try scratch.build(
            Self.recipe("other"), [Self.input(90, TestRecords.long("other"))], to: "other", ledger: store)
        let error = #expect(throws: ControlStoreError.self) {
            try DatasetBuild.run(
                recipe: Self.recipe(evalPPM: 400_000), source: MemorySource(inputs), output: scratch.path + "/set",
                files: scratch.files, tool: "weir test", ledger: asked)
        }
        #expect(error?.code == .headMoved)
        #expect(try scratch.text("manifest.json") == before)
    }

    @Test func aLostLedgerIsRefusedUntilTheSetIsMovedAway() throws {
        let scratch = try Scratch()
        let inputs = (UInt64(0)..<6).map { Self.input($0, TestRecords.long("text \($0)")) }
        let recipe = Self.recipe(evalPPM: 400_000)
        let store = try scratch.ledger()
        _ = try scratch.build(recipe, Array(inputs.prefix(3)), to: "old", ledger: store)
        _ = try scratch.build(recipe, inputs, ledger: store)
        let before = try scratch.text("manifest.json")
        for empty in [true, false] {
            let other = try scratch.ledger("other")
            // Another chain, as long or longer.
            if !empty {
                for number in UInt64(0)..<10 {
                    _ = try scratch.build(
                        Self.recipe("x\(number)"), [Self.input(700 + number, TestRecords.long("x \(number)"))], to: "x\(number)",
                        ledger: other)
                }
            }
            let error = #expect(throws: DatasetError.self) { try scratch.build(recipe, inputs, ledger: other) }
            #expect(error?.code == .ledgerLost)
        }
        #expect(try scratch.text("manifest.json") == before)
        // A head of an earlier build is in the chain.
        _ = try scratch.build(recipe, inputs, to: "old", ledger: store)
        try FileManager.default.moveItem(atPath: scratch.path + "/set", toPath: scratch.path + "/away")
        _ = try scratch.build(recipe, inputs, ledger: try scratch.ledger("other"))
    }

    @Test func whatCannotBeWrittenIsNotToldToTheLedger() throws {
        let scratch = try Scratch()
        let store = try scratch.ledger()
        let files = FailingFiles { operation, path in operation == "open" && path.hasSuffix("report.html") ? 28 : nil }
        #expect(throws: PlatformError.self) {
            try DatasetBuild.run(
                recipe: Self.recipe(), source: MemorySource([Self.input(1, TestRecords.long("one"))]),
                output: scratch.path + "/set",
                files: files, tool: "weir test", ledger: try DatasetLedger(store, name: "default"))
        }
        #expect(try store.head(of: "default").entries == 0)
    }
}
