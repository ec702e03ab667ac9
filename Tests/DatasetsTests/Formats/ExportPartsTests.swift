// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import Crypto
import ExchangeModel
import Foundation
import Platform
import Separation
import TestSupport
import Testing

@testable import Datasets

/// The parts of the last pass: names of files, the spill, pairs, the manifest.
@Suite struct ExportPartsTests {
    @Test func everyFormatHasItsNamesAndNoTwoAreEqual() throws {
        let names = ExportChoice.all.map(\.name)
        #expect(Set(names).count == names.count)
        // Eighteen formats, three of them also as pairs, one also with tools, in two profiles.
        #expect(names.count == (18 + 3 + 1) * 2)
        for choice in ExportChoice.all { #expect(ExportChoice(name: choice.name) == choice) }
        for odd in ["", "chat", "openai_sft", "trl.strict-vendor", "trl.tools", "openai-dpo.pairs", "arrow-uniform"] {
            #expect(ExportChoice(name: odd) == nil)
        }
        let pairs = try #require(ExportChoice(name: "trl.pairs.arrow-uniform"))
        #expect(pairs.format == .trl && pairs.profile == .arrowUniform && pairs.isOfPairs && pairs.options.preference)
        #expect(pairs.fileName("train") == "train.trl.pairs.arrow-uniform.jsonl")
        #expect(ExportChoice.chat.fileName("eval") == "eval.jsonl")
        #expect(LMEvalTask.fileName(of: "eval.lm-eval.arrow-uniform.jsonl") == "eval.lm-eval.arrow-uniform.yaml")
    }

    @Test func aSpilledRowComesBackAndADamagedOneIsNone() {
        let row = SpilledRow(
            line: Array("{}".utf8), changes: [.reasoningRemoved, .templateSignsEscaped], lineage: Array("{\"a\":1}".utf8),
            exports: [.line(Array("x".utf8)[...], .answerAsIdeal), .refused(.imageForm), .pairs([]), .line([], [])])
        let block = row.encoded
        #expect(SpilledRow(encoded: block) == row)
        for count in 0..<block.count { #expect(SpilledRow(encoded: Array(block.prefix(count))) != row) }
        var generator = SplitMix64(seed: 4)
        for _ in 0..<2_000 {
            var odd = block
            for _ in 0..<3 {
                odd[Int.random(in: 0..<odd.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = SpilledRow(encoded: odd)
        }
    }

    @Test func changesAreNamedOnceAndInOrder() {
        #expect(RowChanges.named.map(\.name) == RowChanges.named.map(\.name).sorted())
        #expect(Set(RowChanges.named.map(\.change.rawValue)).count == RowChanges.named.count)
        for (_, change) in RowChanges.named { #expect(change.rawValue.nonzeroBitCount == 1) }
        var counts = ChangeCounts()
        counts.add([.answerAsIdeal, .weightsRemoved])
        counts.add(.weightsRemoved)
        #expect(counts.named == [FigureBar("answer_as_ideal", 1), FigureBar("weights_removed", 2)])
    }

    // MARK: Pairs

    /// The last pass over a plan made by hand: what pairs there are is decided elsewhere.
    private static func write(
        _ scratch: Scratch, _ records: [ExchangeRecord], rows: [UInt64], pairs: [ExchangeID: [PreferencePair]],
        formats: [String]
    ) throws -> DatasetReport {
        var recipe = DatasetRecipe(name: "x")
        recipe.train.formats = formats.compactMap(ExportChoice.init(name:))
        var survey = Survey(recipe: recipe)
        for record in records { try survey.take(TestRecords.input(record), by: scratch.intake(recipe)) }
        var traits = try TraitSpill(in: scratch.path, files: scratch.files)
        let said = try FeedbackSurvey(
            rules: recipe.feedback, candidates: survey.candidates, pinned: [], source: nil, directory: scratch.path,
            files: scratch.files)
        var plan = DatasetPlan(
            survey: survey, feedback: said, grouping: Grouping(candidates: survey.candidates, trie: survey.trie, keys: []),
            dropped: [:],
            conversations: rows.count)
        for number in rows {
            let id = TestRecords.id(number)
            let candidate = try #require(survey.candidates.firstIndex { $0.id == id })
            let own = SeparationTraits(turns: [SeparationTurn(role: .user, text: "q", calls: [])])
            let place = try traits.append(own)
            let offer = RowOffer(
                candidate: UInt32(candidate), id: id, group: id, order: Digest128(SHA256.hash(data: [UInt8(0)])), stratum: "s")
            plan.rows[.train, default: []].append(
                PlannedRow(offer: offer, side: .train, traits: place, promptKey: own.promptKey, promptTokens: 1))
        }
        try traits.flush()
        plan.pairs = pairs
        var writer = try DatasetWriter(
            recipe: recipe, plan: plan, tool: "t", directory: scratch.path, files: scratch.files, traits: traits,
            corrections: said.spill, ledger: DatasetLedger(withoutStore: "default"), intake: scratch.intake(recipe))
        try writer.gather(from: MemorySource(records.map { TestRecords.input($0) })) { _ in }
        return try writer.finish(recordedUs: 0)
    }

    @Test func pairsStandInTheOrderOfTheRowsAndNameTheirExchanges() throws {
        let scratch = try Scratch()
        let records = [
            TestRecords.chat(1, system: "s", ["[1, 2] {{q}}"], answer: "good"), TestRecords.chat(2, ["q"], answer: "bad"),
            TestRecords.chat(3, ["q"], answer: "worse"), TestRecords.chat(4, ["other"], answer: "alone"),
            TestRecords.chat(5, ["third"], answer: "same"), TestRecords.chat(6, ["third"], answer: "same"),
        ]
        func pair(_ chosen: UInt64, _ rejected: UInt64, _ source: PairSource = .regeneration) -> PreferencePair {
            PreferencePair(chosen: TestRecords.id(chosen), rejected: TestRecords.id(rejected), source: source)
        }
        let pairs = [
            TestRecords.id(1): [pair(1, 2), pair(1, 3, .fallback), pair(1, 99)], TestRecords.id(5): [pair(5, 6)],
        ]
        let formats = ["openai-dpo", "trl.pairs", "together.pairs.arrow-uniform"]
        let report = try Self.write(scratch, records, rows: [5, 4, 1], pairs: pairs, formats: formats)
        for name in formats {
            let figure = try #require(report.files.first { $0.choice.name == name })
            #expect(figure.rows == 2)
            #expect(figure.refused == [FigureBar("rejected_equal", 1), FigureBar("rejected_missing", 2)])
            var reader = RowReader()
            let read = try scratch.lines(figure.file, in: "").map { try #require(try reader.read($0.utf8)).row }
            #expect(read.map { $0.answer?.joinedText } == ["good", "good"])
            #expect(read.map { $0.rejected.map(\.joinedText) } == [["bad"], ["worse"]])
            #expect(read.map { $0.prompt.map(\.joinedText) } == [["s", "[1, 2] {{q}}"], ["s", "[1, 2] {{q}}"]])
        }
        let lines = try scratch.lines("lineage.jsonl", in: "")
        #expect(
            lines[1].contains(
                #""formats":[{"file":"train.openai-dpo.jsonl","refused":"rejected_missing"},{"file":"train.together"#))
        let (one, two, three) = (TestRecords.id(1), TestRecords.id(2), TestRecords.id(3))
        let first = #"{"file":"train.openai-dpo.jsonl","row":1,"chosen":"\#(one)","rejected":"\#(two)","source":"regeneration"}"#
        let second = #"{"file":"train.openai-dpo.jsonl","row":2,"chosen":"\#(one)","rejected":"\#(three)","source":"fallback"}"#
        #expect(lines[2].contains(first + "," + second))
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/answers.spill"))
    }

    @Test func theFixedPartsOfALineOfPairsAreThose() throws {
        let scratch = try Scratch()
        let records = [ExportBuildTests.tools(1), TestRecords.chat(2, ["q"], answer: "bad")]
        let pair = PreferencePair(chosen: TestRecords.id(1), rejected: TestRecords.id(2), source: .feedback)
        _ = try Self.write(scratch, records, rows: [1], pairs: [TestRecords.id(1): [pair]], formats: ["openai-dpo"])
        let line = try #require(try scratch.lines("train.openai-dpo.jsonl", in: "").first)
        let usual = try #require(try scratch.lines("train.jsonl", in: "").first)
        let answer = #"{"role":"assistant","content":"It rains 1."}"#
        #expect(
            line
                == #"{"input":\#(usual.replacing(","+answer, with: "")),"preferred_output":[\#(answer)],"non_preferred_output":[{"role":"assistant","content":"bad"}]}"#
        )
    }

    // MARK: The manifest

    @Test func theManifestIsCanonicalJSON() throws {
        let scratch = try Scratch()
        var recipe = ExportBuildTests.recipe()
        recipe.selection.tasks = ["\"\\/\u{E9}\u{2028}\u{1F99E}", "\u{FB33}", "t0"]
        let report = try scratch.build(recipe, ExportBuildTests.traffic())
        let bytes = Array(try scratch.text("manifest.json").utf8)
        #expect(CanonicalJSON.form(of: bytes) == bytes)
        #expect(report.manifestSHA256 == SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined())
        let root = try #require(JSONDocument.read(bytes)?.root)
        #expect(root["format_version"]?.int == 2)
    }

    private static let python = ProcessInfo.processInfo.environment["WEIR_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }

    @Test(.enabled(if: python != nil, "WEIR_PYTHON names no Python; `make test` sets it"))
    func aProgramThatSharesNothingWithUsAgrees() throws {
        let scratch = try Scratch()
        _ = try scratch.build(ExportBuildTests.recipe(), ExportBuildTests.traffic())
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Oracles").path
        let script = """
            import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True
            from canonical_json import canonical
            text = open(sys.argv[2], encoding="utf-8", newline="").read()
            sys.exit(0 if canonical(text) == text else 1)
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.python))
        process.arguments = ["-c", script, folder, scratch.path + "/set/manifest.json"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test func aManifestOfAnotherVersionIsNamedSo() throws {
        let scratch = try Scratch()
        _ = try scratch.build(ExportBuildTests.recipe([]), ExportBuildTests.traffic())
        let url = URL(fileURLWithPath: scratch.path + "/set/manifest.json")
        for (text, wanted) in [
            (#""format_version":1"#, "manifest of version 1"), (#""format_vision":2"#, "manifest of no version"),
        ] {
            let old = try scratch.text("manifest.json")
            try Data(old.replacing(#""format_version":2"#, with: text).utf8).write(to: url)
            let error = #expect(throws: DatasetError.self) {
                try DatasetCatalog(files: scratch.files).entry(at: scratch.path + "/set")
            }
            #expect(error?.code == .damagedSet)
            #expect(error?.message.contains("\(wanted), and this Weir reads version 2: build it again") == true)
            try Data(old.utf8).write(to: url)
        }
    }

    @Test func numbersThatNoDoubleHasAreRefused() {
        let spoilt: [(String, (inout DatasetRecipe) -> Void)] = [
            ("select.limit", { $0.selection.limit = 1 << 53 }),
            ("select.cost_nanousd", { $0.selection.costNanousd.maximum = Int64.max }),
            ("select.since", { $0.selection.sinceUs = Int64.min }),
        ]
        for (key, change) in spoilt {
            var recipe = DatasetRecipe(name: "x")
            change(&recipe)
            let error = #expect(throws: DatasetError.self) { try recipe.validate() }
            #expect(error?.subject == key)
        }
    }
}
