// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import ExchangeModel
import Foundation
import Platform
import TestSupport
import Testing

@testable import Datasets

/// Builds that write more than one format.
@Suite struct ExportBuildTests {
    static let call = #"{"id":"call_1","type":"function","function":{"name":"w","arguments":"{\"x\": 1.0}"}}"#

    /// A conversation in which a tool is called and answers.
    static func tools(_ number: UInt64, name: String = "w", system: String = "") -> ExchangeRecord {
        let first = system.isEmpty ? "" : #"{"role":"system","content":\#(TestRecords.quoted(system))},"#
        let tool = #"{"type":"function","function":{"name":"\#(name)","description":"d","parameters":{"type":"object"}}}"#
        let request = #"""
            {"model":"m","messages":[\#(first){"role":"user","content":\#(TestRecords.quoted(TestRecords.long("tools \(number)")))},
            {"role":"assistant","content":null,"tool_calls":[\#(call.replacing("\"w\"", with: "\"\(name)\""))]},
            {"role":"tool","tool_call_id":"call_1","content":"rain {{x}}"}],"tools":[\#(tool)]}
            """#
        return TestRecords.record(
            number, api: .openaiChat, request: request, answer: TestRecords.chatAnswer("It rains \(number)."))
    }

    /// Texts, several turns, tools, names that OpenAI refuses, signs of templates, and turns that do not alternate.
    static func traffic() -> [DatasetInput] {
        var records: [ExchangeRecord] = []
        for number in UInt64(0)..<60 {
            let text = TestRecords.long("question \(number) {{ x }}")
            var record: ExchangeRecord
            switch number % 6 {
            case 0: record = TestRecords.chat(number, system: "You help.", [text], answer: "answer \(number) {% y %}")
            case 1: record = TestRecords.chat(number, [text, "hm", "more \(number)"], answer: "answer \(number)")
            case 2: record = tools(number)
            case 3: record = tools(number, name: "a.b", system: "Call.")
            case 4: record = twice(number, text)
            default: record = TestRecords.chat(number, [text], answer: "2024-05-01")
            }
            record.head.attribution.task = "t\(number % 2)"
            records.append(record)
        }
        return records.map { TestRecords.input($0) }
    }

    /// The user speaks twice.
    private static func twice(_ number: UInt64, _ text: String) -> ExchangeRecord {
        let request =
            #"{"model":"m","messages":[{"role":"user","content":\#(TestRecords.quoted(text))},{"role":"user","content":"Well?"}]}"#
        return TestRecords.record(
            number, api: .openaiChat, request: request, answer: TestRecords.chatAnswer("twice \(number)"))
    }

    static func recipe(_ formats: [ExportChoice] = ExportChoice.all) -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 400_000
        recipe.train.formats = formats
        recipe.eval.formats = formats
        return recipe
    }

    private static func object(_ line: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    private static func counts(_ member: Any?) -> [String: Int64] {
        (member as? [String: Any] ?? [:]).compactMapValues { $0 as? Int64 }
    }

    /// What a reader of ours makes of a file.
    private static func rows(_ scratch: Scratch, _ file: String) throws -> [DatasetRow] {
        var reader = RowReader()
        return try scratch.lines(file).map { try #require(try reader.read($0.utf8)).row }
    }

    private static func said(_ row: DatasetRow) -> [String] {
        row.prompt.map { "\($0.role.rawValue): \($0.joinedText) \($0.toolCalls.map(\.name))" } + ["ideal: \(row.ideal ?? "-")"]
    }

    /// A line of lineage: the usual file, the row in it, and the places by their files.
    private static func lineage(_ line: String) throws -> (file: String, row: Int, places: [String: [[String: Any]]]) {
        let object = try Self.object(line)
        let places = try #require(object["formats"] as? [[String: Any]])
        return (
            try #require(object["file"] as? String), try #require(object["row"] as? Int),
            Dictionary(grouping: places) { $0["file"] as? String ?? "" }
        )
    }

    @Test func everyFileSaysWhatTheUsualOneSays() throws {
        let scratch = try Scratch()
        let report = try scratch.build(Self.recipe(), Self.traffic())
        #expect(report.trainRows > 20 && report.evalRows > 10)
        #expect(report.files.count == 2 * (ExportChoice.all.count + 1))
        let lineage = try scratch.lines("lineage.jsonl").map(Self.lineage)
        let said = try Dictionary(
            uniqueKeysWithValues: ["train", "eval"].map { ($0, try Self.rows(scratch, "\($0).jsonl").map(Self.said)) })
        for figure in report.files where !figure.isUsual {
            let usual = try #require(said[figure.side.rawValue])
            let rows = try Self.rows(scratch, figure.file)
            #expect(Int64(rows.count) == figure.rows)
            #expect(figure.rows + figure.left == Int64(usual.count), "\(figure.file)")
            var (numbers, refused): ([Int], [String: Int64]) = ([], [:])
            for line in lineage where line.file == "\(figure.side.rawValue).jsonl" {
                let places = line.places[figure.file] ?? []
                let place = try #require(places.count == 1 ? places[0] : nil)
                guard let number = place["row"] as? Int else {
                    refused[try #require(place["refused"] as? String), default: 0] += 1
                    continue
                }
                numbers.append(number)
                #expect(Self.said(rows[number - 1]) == usual[line.row - 1], "\(figure.file)")
            }
            // In the same order, without a gap.
            #expect(numbers == Array(1...max(1, rows.count)).prefix(rows.count).map { $0 }, "\(figure.file)")
            #expect(figure.refused.map { [$0.label: $0.count] } == refused.sorted { $0.key < $1.key }.map { [$0.key: $0.value] })
        }
    }

    @Test func whatAFormatRefusesIsCountedUnderItsReason() throws {
        let scratch = try Scratch()
        let report = try scratch.build(Self.recipe(), Self.traffic())
        func refused(_ name: String) -> [String: Int64] {
            var counts: [String: Int64] = [:]
            for figure in report.files where figure.choice.name == name {
                for bar in figure.refused { counts[bar.label, default: 0] += bar.count }
            }
            return counts
        }
        // Ten of each kind of exchange, none of them dropped.
        #expect(report.trainRows + report.evalRows == 60)
        #expect(refused("openai-sft") == ["tool_name_form": 10])
        #expect(refused("trl").isEmpty)
        #expect(refused("together") == ["turns_do_not_alternate": 10])
        #expect(refused("bedrock-anthropic") == ["turns_do_not_alternate": 10, "tool_content": 20])
        #expect(refused("lm-eval") == ["several_turns": 40])
        #expect(refused("lm-eval.arrow-uniform") == ["several_turns": 40, "timestamp_value": 10])
        #expect(refused("openai-dpo") == ["rejected_missing": 60])
        let manifest = try Self.object(try scratch.text("manifest.json"))
        let formats = try #require(manifest["formats"] as? [[String: Any]])
        #expect(formats.compactMap { $0["file"] as? String } == report.files.map(\.file))
        for (format, figure) in zip(formats, report.files) {
            #expect(format["rows"] as? Int64 == figure.rows)
            #expect(Self.counts(format["refused"]).values.reduce(0, +) == figure.left)
            #expect(format["profile"] as? String == figure.choice.profile.rawValue)
            #expect(Self.counts(format["changes"]).count == figure.changes.count)
        }
        let plain = Self.counts(formats.first { $0["file"] as? String == "eval.plain.jsonl" }?["changes"])
        #expect(plain["answer_as_ideal"] == report.evalRows)
        let page = try scratch.text("report.html")
        #expect(page.contains("train.together.jsonl, left out: turns_do_not_alternate"))
    }

    @Test func theUsualFilesAreTheSameWhateverElseIsWritten() throws {
        let scratch = try Scratch()
        _ = try scratch.build(Self.recipe([]), Self.traffic(), to: "a")
        _ = try scratch.build(Self.recipe(), Self.traffic(), to: "b")
        for file in ["train.jsonl", "eval.jsonl", "excluded.jsonl"] {
            #expect(try scratch.text(file, in: "a") == scratch.text(file, in: "b"))
        }
        #expect(try !scratch.text("lineage.jsonl", in: "a").contains("formats"))
    }

    @Test func anyOrderOfRecordsGivesTheSameBytesInEveryFile() throws {
        let scratch = try Scratch()
        var generator = SplitMix64(seed: 3)
        var recipe = Self.recipe()
        _ = try scratch.build(recipe, Self.traffic(), to: "a")
        recipe.train.formats.reverse()
        recipe.eval.formats.shuffle(using: &generator)
        _ = try scratch.build(recipe, Self.traffic().shuffled(using: &generator), to: "b")
        let names = try scratch.files.list(scratch.path + "/a")
        #expect(names.count == DatasetOutput.files.count + 2 * ExportChoice.all.count + 4)
        #expect(try scratch.files.list(scratch.path + "/b") == names)
        for name in names { #expect(try scratch.text(name, in: "a") == scratch.text(name, in: "b"), "\(name)") }
    }

    private static let python = ProcessInfo.processInfo.environment["WEIR_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }

    /// Rules written down apart, in Python; with more libraries there the campaign asks more (`SET=...`).
    @Test(.enabled(if: python != nil, "WEIR_PYTHON names no Python; `make test` sets it"))
    func rulesThatWereWrittenDownApartHoldInEveryFile() throws {
        let scratch = try Scratch()
        _ = try scratch.build(Self.recipe(), Self.traffic())
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Campaigns/dataset_formats.py").standardizedFileURL.path
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(Self.python))
        process.arguments = ["-B", script, scratch.path + "/set"]
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let faults = output.split(separator: "\n").filter { !$0.contains("\"problem\": null") }.joined(separator: "\n")
        #expect(process.terminationStatus == 0, "\(faults.suffix(4_000))")
        // Whoever finds no file finds no fault.
        #expect(output.split(separator: "\n").count { $0.contains("\"check\": \"rules\"") } > 20)
    }

    @Test func everyFileIsInTheManifestAndTheTaskOfLMEvalBesideItsRows() throws {
        let scratch = try Scratch()
        _ = try scratch.build(Self.recipe([try #require(ExportChoice(name: "lm-eval"))]), Self.traffic())
        let entry = try DatasetCatalog(files: scratch.files).entry(at: scratch.path + "/set")
        #expect(try DatasetCatalog(files: scratch.files).faults(of: entry) == [])
        #expect(Set(entry.files.map(\.name) + ["manifest.json"]) == Set(try scratch.files.list(scratch.path + "/set")))
        let yaml = try scratch.text("eval.lm-eval.yaml")
        #expect(yaml == String(decoding: LMEvalTask.yaml(name: "demo_eval", file: "eval.lm-eval.jsonl"), as: UTF8.self))
    }

    @Test func anotherRecipeTakesTheFilesOfTheOldOneAway() throws {
        let scratch = try Scratch()
        let inputs = Self.traffic()
        _ = try scratch.build(Self.recipe([try #require(ExportChoice(name: "trl"))]), inputs)
        _ = try scratch.build(Self.recipe([]), inputs)
        #expect(try scratch.files.list(scratch.path + "/set") == DatasetOutput.files)
        // A file of a format that the manifest does not name is nobody's.
        try Data("mine".utf8).write(to: URL(fileURLWithPath: scratch.path + "/set/train.trl.jsonl"))
        let error = #expect(throws: DatasetError.self) { try scratch.build(Self.recipe([]), inputs) }
        #expect(error?.code == .outputTaken)
    }

    @Test func aFileThatBreaksItsFormatFailsTheBuildBeforeAnythingKnowsOfIt() throws {
        let scratch = try Scratch()
        let ledger = try scratch.ledger()
        let inputs = Self.traffic()
        _ = try scratch.build(Self.recipe([]), Array(inputs.prefix(30)), ledger: ledger)
        let (head, before) = (try ledger.head(of: "default"), try scratch.text("manifest.json"))
        let recipe = Self.recipe([try #require(ExportChoice(name: "trl"))])
        for (broken, wanted) in [
            ("{}\n", "train.trl.jsonl, row 1, messages: the key is missing"), ("", "0 rows can be read of"),
        ] {
            let files = SpoiltFiles(name: "train.trl.jsonl", content: broken)
            let error = #expect(throws: DatasetError.self) {
                try DatasetBuild.run(
                    recipe: recipe, source: MemorySource(inputs), output: scratch.path + "/set", files: files,
                    tool: "weir test", ledger: try DatasetLedger(ledger, name: "default"))
            }
            #expect(error?.code == .formatBroken)
            #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
            #expect(try scratch.text("manifest.json") == before)
            #expect(try ledger.head(of: "default") == head)
            #expect(!FileManager.default.fileExists(atPath: scratch.path + "/.set.building"))
        }
        _ = try scratch.build(recipe, inputs, ledger: ledger)
        #expect(try ledger.head(of: "default") != head)
    }

    @Test func aServiceThatWantsMoreRowsIsNamedInTheWarnings() throws {
        let scratch = try Scratch()
        let report = try scratch.build(
            Self.recipe([try #require(ExportChoice(name: "openai-sft"))]), Array(Self.traffic().prefix(4)))
        #expect(report.warnings.contains { $0.hasPrefix("train.openai-sft.jsonl: the file has too few rows") })
        #expect(try scratch.text("manifest.json").contains("train.openai-sft.jsonl: the file has too few rows"))
    }

    /// Requests that are legal for somebody, and that a line cannot hold or a format does not take.
    @Test func hostileToolsNeverFailABuild() throws {
        let scratch = try Scratch()
        func record(_ number: UInt64, tools: String) -> DatasetInput {
            let text = TestRecords.quoted(TestRecords.long("hostile \(number)"))
            return TestRecords.input(
                TestRecords.record(
                    number, api: .openaiChat,
                    request: #"{"model":"m","messages":[{"role":"user","content":\#(text)}],"tools":[\#(tools)]}"#,
                    answer: TestRecords.chatAnswer("a")))
        }
        func tool(_ parameters: String) -> String { #"{"type":"function","function":{"name":"w","parameters":\#(parameters)}}"# }
        let deep = String(repeating: #"{"a":"#, count: 245) + "1" + String(repeating: "}", count: 245)
        let inputs = [
            record(1, tools: tool(deep)), record(2, tools: "\(tool("{}")),\(tool("{}"))"), record(3, tools: tool("{}")),
        ]
        let report = try scratch.build(Self.recipe(), inputs)
        #expect(report.drops.map(\.reason) == [.requestMalformed] && report.drops.map(\.count) == [1])
        for name in ["openai-sft", "trl.arrow-uniform", "vertex-gemini"] {
            let refused = report.files.filter { $0.choice.name == name }.flatMap(\.refused)
            #expect(refused == [FigureBar("tool_name_repeated", 1)])
        }
    }
}

/// The real file system, in which one file of a build has been written over by the time that it is read back.
struct SpoiltFiles: DirectoryFileSystem {
    let name: String
    let content: String
    private let real = PosixFileSystem()

    init(name: String, content: String) { (self.name, self.content) = (name, content) }

    func open(_ path: String, _ mode: OpenMode) throws(PlatformError) -> any OpenFile {
        if mode == .read, path.hasSuffix(name) { try real.replaceFile(path, with: Array(content.utf8)) }
        return try real.open(path, mode)
    }
    func createDirectories(_ path: String) throws(PlatformError) { try real.createDirectories(path) }
    func list(_ path: String) throws(PlatformError) -> [String] { try real.list(path) }
    func status(of path: String) throws(PlatformError) -> FileStatus? { try real.status(of: path) }
    func rename(_ from: String, to: String) throws(PlatformError) { try real.rename(from, to: to) }
    func link(_ from: String, to: String) throws(PlatformError) { try real.link(from, to: to) }
    func unlink(_ path: String) throws(PlatformError) { try real.unlink(path) }
    func truncate(_ path: String, to size: Int64) throws(PlatformError) { try real.truncate(path, to: size) }
    func syncDirectory(_ path: String) throws(PlatformError) { try real.syncDirectory(path) }
    func freeBytes(at path: String) throws(PlatformError) -> Int64 { try real.freeBytes(at: path) }
    func createMapped(_ path: String, bytes: Int) throws(PlatformError) -> MappedFile {
        try real.createMapped(path, bytes: bytes)
    }
    func openMapped(_ path: String) throws(PlatformError) -> MappedFile? { try real.openMapped(path) }
    func tryLock(_ path: String) throws(PlatformError) -> (any HeldLock)? { try real.tryLock(path) }
    func exchange(_ first: String, _ second: String) throws(PlatformError) { try real.exchange(first, second) }
    func removeDirectory(_ path: String) throws(PlatformError) { try real.removeDirectory(path) }
}
