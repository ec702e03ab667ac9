// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Files of every format for readers that are not ours, and a short round of them.
///
/// The campaign names a folder in `WEIR_FORMATS_OUT` and the least size of a file in `WEIR_FORMATS_BYTES`; each file's last row has the
/// rarest shape that its format takes.
@Suite struct FormatFilesTests {
    static let environment = ProcessInfo.processInfo.environment
    /// A Python that has `datasets`, or nil.
    static let python: String? = [environment["WEIR_DATASETS_PYTHON"], environment["WEIR_PYTHON"]].compactMap { $0 }
        .first { (try? FormatFilesTests.run($0, ["-c", "import datasets"]))?.status == 0 }

    @Test(.enabled(if: environment["WEIR_FORMATS_OUT"] != nil, "WEIR_FORMATS_OUT names no folder: this is the campaign's part"))
    func writesFilesForTheCampaign() throws {
        try Self.write(
            to: Self.environment["WEIR_FORMATS_OUT"] ?? "",
            bytes: Int(Self.environment["WEIR_FORMATS_BYTES"] ?? "") ?? 11_000_000,
            seed: UInt64(Self.environment["SEED"] ?? "") ?? 1)
    }

    @Test(.enabled(if: python != nil, "no Python with `datasets`: set WEIR_DATASETS_PYTHON"))
    func readersInPythonTakeEveryFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-formats-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.write(to: folder, bytes: 60_000, seed: 5)
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Campaigns/dataset_formats.py").standardizedFileURL.path
        let done = try Self.run(Self.python ?? "", [script, folder])
        #expect(done.status == 0, "\(done.output.suffix(4_000))")
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    static func write(to folder: String, bytes: Int, seed: UInt64) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var index: [String] = []
        for format in ExportFormat.allCases {
            for profile in ExportProfile.allCases {
                for isPairs in [ExportFormat.together, .fireworks, .trl].contains(format) ? [false, true] : [false] {
                    let options = FormatGoldenTests.options(preference: isPairs)
                    let name = "\(format.rawValue).\(profile.rawValue)\(isPairs ? ".pairs" : "").jsonl"
                    let rows = try write("\(folder)/\(name)", format, profile, options, bytes: bytes, seed: seed)
                    index.append(
                        #"{"file":"\#(name)","format":"\#(format.rawValue)","profile":"\#(profile.rawValue)","pairs":\#(isPairs),"rows":\#(rows)}"#
                    )
                }
            }
        }
        try Data(LMEvalTask.yaml(name: "weir_eval", file: "lm-eval.strict-vendor.jsonl")).write(
            to: URL(fileURLWithPath: "\(folder)/\(LMEvalTask.fileName(of: "task.lm-eval.jsonl"))"))
        try Data((index.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/files.jsonl"))
    }

    private static func write(
        _ path: String, _ format: ExportFormat, _ profile: ExportProfile, _ options: ExportOptions, bytes: Int, seed: UInt64
    ) throws -> Int {
        var generator = SplitMix64(seed: seed)
        var validator = FormatValidator(format, profile: profile, options: options)
        var out: [UInt8] = []
        func add(_ row: DatasetRow) throws -> Bool {
            guard let line = try? format.encode(row, profile: profile, options: options) else { return false }
            #expect(validator.check(line).isEmpty)
            out += line + [0x0A]
            return true
        }
        var number = 0
        let filler = String(repeating: "A plain sentence of nothing. ", count: max(bytes / 20_000, 4))
        while out.count < bytes {
            number += 1
            #expect(try add(plain(number, filler)))
        }
        for extra in 1...200 { _ = try add(SampleRows.random(&generator, number: number + extra)) }
        #expect(try rarest(options).contains { try add($0) })
        #expect(validator.finish().isEmpty)
        try Data(out).write(to: URL(fileURLWithPath: path))
        return Int(validator.rows)
    }

    private static func plain(_ number: Int, _ filler: String) -> DatasetRow {
        var row = DatasetRow(
            id: "plain-\(number)",
            turns: [SampleRows.turn(.user, "\(number) \(filler)"), SampleRows.turn(.assistant, "answer \(number) \(filler)")])
        row.rejected = [SampleRows.turn(.assistant, "worse")]
        row.meta.model = "m"
        return row
    }

    /// Rows with as much as any format can say, the richest first.
    private static func rarest(_ options: ExportOptions) -> [DatasetRow] {
        var rich = SampleRows.tools
        rich.id = "last"
        rich.rejected = [SampleRows.turn(.assistant, "It rains.")]
        rich.metadata = [MetadataPair("at", "2024-05-01T10:00:00Z")]
        rich.meta = RowMeta(task: "t", environment: "prod", model: "m", provider: "p")
        rich.reference = "Sun"
        rich.prompt.insert(SampleRows.turn(.system, "s {{ x }}"), at: 0)
        var asked = rich
        asked.prompt += [SampleRows.turn(.assistant, "So?"), SampleRows.turn(.user, "Why? {{ x }}")]
        var text = SampleRows.text
        text.metadata = rich.metadata
        text.reference = "file://x"
        return [asked, rich, text]
    }
}
