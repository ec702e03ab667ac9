// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Platform
import Synchronization
import Testing

@testable import Datasets

/// Builds from records, and on disks, that mean no good.
@Suite struct HostileBuildTests {
    private static func input(_ number: UInt64, _ text: String, answer: String = "a", model: String = "m") -> DatasetInput {
        TestRecords.input(TestRecords.chat(number, [text], answer: answer, model: model))
    }

    private static func run(
        _ scratch: Scratch, _ source: some DatasetSource, files: any DirectoryFileSystem
    ) throws -> DatasetReport {
        try DatasetBuild.run(
            recipe: DatasetRecipe(name: "x"), source: source, output: scratch.path + "/set", files: files, tool: "weir test")
    }

    // MARK: Records

    @Test func sharedOpeningsAreCountedAndNotNamedInEveryRow() throws {
        let scratch = try Scratch()
        let (opening, count) = (TestRecords.long("opening"), UInt64(60))
        let openings = (0..<count).map { Self.input($0, opening, answer: "so") }
        let rows = (0..<count).map { number in
            TestRecords.input(
                TestRecords.chat(1_000 + number, [opening, "so", TestRecords.long("more \(number)")], answer: "b"))
        }
        let report = try scratch.build(DatasetRecipe(name: "x"), openings + rows)
        #expect(report.trainRows == Int64(count))
        for line in try scratch.lines("lineage.jsonl") {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(row["records"] as? [String] == [TestRecords.id(0).description, try #require(row["record"] as? String)])
            #expect(row["repetitions"] as? Int == Int(count) - 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func equalExchangesAreCountedInOneGo() throws {
        var (trie, chain) = (ConversationTrie(), TurnChain())
        let prompt = try trie.extend(ConversationTrie.root, by: CanonicalTurn(role: .user, blocks: [.text("q")]), chain: &chain)
        let end = try trie.extend(prompt, by: CanonicalTurn(role: .assistant, blocks: [.text("a")]), chain: &chain)
        let ids = (0..<40_000).map { TestRecords.id(UInt64(($0 * 17 + 5) % 40_000)) }
        let candidates = ids.map { Candidate(id: $0, prompt: prompt, end: end) }
        let grouping = Grouping(candidates: candidates, trie: trie, keys: [])
        let (rows, dropped) = grouping.leaves()
        #expect(rows.map { ids[Int($0)] } == [TestRecords.id(0)])
        #expect(dropped == [.duplicateConversation: 39_999])
        #expect(grouping.recordsWithTheAnswer(of: rows[0]) == ids.sorted())
        #expect(grouping.records(in: rows[0]).repetitions == 39_999)
        #expect(grouping.records(inAnyOf: rows + rows).sorted() == ids.sorted())
    }

    @Test func spellingsOfAStratumStayApartInAnyOrder() throws {
        let scratch = try Scratch()
        let models = ["caf\u{E9}", "cafe\u{301}"]
        let inputs = (UInt64(0)..<12).map {
            Self.input($0, TestRecords.long("text \($0)"), model: models[Int($0 % 2)])
        }
        var recipe = DatasetRecipe(name: "x")
        recipe.train.maximum = 6
        recipe.train.quota = .uniform
        _ = try scratch.build(recipe, inputs, to: "a")
        _ = try scratch.build(recipe, inputs.reversed(), to: "b")
        for file in DatasetOutput.files { #expect(try scratch.text(file, in: "a") == scratch.text(file, in: "b"), "\(file)") }
        let lineage = Array(try scratch.text("lineage.jsonl", in: "a").utf8)
        for model in models { #expect(lineage.firstRange(of: Array(model.utf8)) != nil) }
    }

    @Test func aWordingThatAllSystemPromptsDifferAroundIsBoilerplate() throws {
        let scratch = try Scratch()
        var recipe = DatasetRecipe(name: "x")
        recipe.eval.sharePPM = 0
        let wording = (0..<8).map { TestRecords.long("wording \($0)") }.joined(separator: " ")
        let inputs = (UInt64(0)..<60).map { number in
            TestRecords.input(
                TestRecords.chat(
                    number, system: "It is \(number) o'clock.", [wording + " " + TestRecords.long("text \(number)")], answer: "a")
            )
        }
        #expect(try scratch.build(recipe, inputs).groups == 60)
    }

    @Test func timesBeyondAllMeasureAreNoTrap() throws {
        let scratch = try Scratch()
        var record = TestRecords.chat(1, [TestRecords.long("one")], answer: "a")
        record.head.firstByteUs = Int64.min
        record.head.endedUs = Int64.max
        #expect(try scratch.build(DatasetRecipe(name: "x"), [TestRecords.input(record)]).trainRows == 1)
    }

    @Test func examplesAreShortHoweverLongTheirCharactersAre() throws {
        let scratch = try Scratch()
        let long = "a" + String(repeating: "\u{301}", count: 20_000)
        var recipe = DatasetRecipe(name: "x")
        recipe.quality[.repetitionLoop] = .off
        _ = try scratch.build(recipe, [Self.input(1, TestRecords.long("one") + long, answer: long)])
        #expect(try scratch.text("report.html").utf8.count < 50_000)
    }

    @Test func recordsWhoseKeyIsGoneAreCountedByThemselves() throws {
        let scratch = try Scratch()
        let place = PayloadLocation(segment: "s", frame: 0, offset: 0)
        let report = try scratch.build(
            DatasetRecipe(name: "x"), [Self.input(1, TestRecords.long("one")), .locked(TestRecords.id(2), place)])
        #expect(report.trainRows == 1)
        #expect(report.drops.map(\.reason) == [.keyMissing])
        #expect(report.warnings.contains { $0.hasPrefix("1 exchanges are encrypted with keys") })
    }

    /// Gives other records after the first visit.
    private final class Changing: DatasetSource, Sendable {
        let first: [DatasetInput]
        let later: [DatasetInput]
        let visits = Mutex(0)

        init(_ first: [DatasetInput], _ later: [DatasetInput]) { (self.first, self.later) = (first, later) }

        func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
            let visit = visits.withLock { count in
                count += 1
                return count
            }
            try MemorySource(visit == 1 ? first : later).forEachRecord(where: isWanted, body)
        }

        func forEachResponse(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) {}
    }

    @Test func aRecordThatReadsOtherwiseTheSecondTimeIsSaidToHaveChanged() throws {
        let scratch = try Scratch()
        let good = TestRecords.chat(1, [TestRecords.long("one")], answer: "a")
        var bad = good
        bad.requestBody = RecordedBody(content: Array("{".utf8), wireByteCount: 1)
        let error = #expect(throws: DatasetError.self) {
            try Self.run(
                scratch, Changing([TestRecords.input(good)], [TestRecords.input(bad)]), files: scratch.files)
        }
        #expect(error?.code == .sourceChanged)
    }

    // MARK: Disks

    @Test func aSetThatIsPublishedIsPublishedAlsoWhereTheOldOneCannotBeCleared() throws {
        let scratch = try Scratch()
        _ = try Self.run(scratch, MemorySource([Self.input(1, TestRecords.long("one"))]), files: scratch.files)
        let before = try scratch.text("manifest.json")
        let files = FailingFiles { operation, path in
            operation == "unlink" && path.contains(".set.building/") && !path.hasSuffix(".spill") ? 5 : nil
        }
        let later = [Self.input(1, TestRecords.long("one")), Self.input(2, TestRecords.long("two"))]
        #expect(try Self.run(scratch, MemorySource(later), files: files).trainRows == 2)
        #expect(try scratch.text("manifest.json") != before)
        // The next build clears it.
        _ = try Self.run(scratch, MemorySource(later), files: scratch.files)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == [".set.lock", "set"])
    }

    @Test func theOldSetComesBackWhereTheNewOneCannotBePut() throws {
        let scratch = try Scratch()
        _ = try Self.run(scratch, MemorySource([Self.input(1, TestRecords.long("one"))]), files: scratch.files)
        let before = try scratch.text("manifest.json")
        let files = FailingFiles { operation, path in
            operation == "renameat2" ? 22 : operation == "rename" && path.hasSuffix(".set.building") ? 5 : nil
        }
        #expect(throws: PlatformError.self) {
            try Self.run(scratch, MemorySource([Self.input(2, TestRecords.long("two"))]), files: files)
        }
        #expect(try scratch.text("manifest.json") == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == [".set.lock", "set"])
    }

    @Test func bothSetsStayWhereItIsNotKnownWhichOneLasts() throws {
        let scratch = try Scratch()
        _ = try Self.run(scratch, MemorySource([Self.input(1, TestRecords.long("one"))]), files: scratch.files)
        let before = try scratch.text("manifest.json")
        let files = FailingFiles { [path = scratch.path] operation, asked in operation == "fsync" && asked == path ? 5 : nil }
        #expect(throws: PlatformError.self) {
            try Self.run(scratch, MemorySource([Self.input(2, TestRecords.long("two"))]), files: files)
        }
        #expect(try scratch.text("manifest.json", in: ".set.building") == before)
        #expect(try scratch.text("manifest.json") != before)
    }
}
