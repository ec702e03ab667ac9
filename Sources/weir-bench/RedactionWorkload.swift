// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Datasets
import Foundation
import Platform
import Redaction

/// Where detectors find something, for comparisons with other tools: places and kinds, never values.
struct RedactWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redact",
        abstract:
            "Read JSON lines with a member `text`; print for each line what is found in it: kind, and offsets of UTF-8 bytes.")

    @Argument(help: "A file of JSON lines.") var file: String

    func run() throws {
        var scrubber = PersonalDataScrubber(detectors: Set(DetectorKind.allCases), key: SystemRandom.bytes(32))
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        for (number, line) in bytes.split(separator: 0x0A).enumerated() {
            guard let text = JSONDocument.read(line)?.root["text"], text.kind == .string else {
                throw ValidationError("line \(number + 1) of \(file) is no JSON object with a member `text`")
            }
            let edits = text.unescapedBytes.withUnsafeBytes { scrubber.edits(in: ByteRun($0), as: .body) }
            try FileHandle.standardOutput.write(contentsOf: Data(RedactWorkload.line(edits)))
        }
    }

    private static func line(_ edits: RedactionEdits) -> [UInt8] {
        var json = JSONWriter()
        json.beginArray()
        for edit in edits.items {
            json.beginObject()
            json.key("kind")
            json.value(edit.kind.rawValue)
            json.key("start")
            json.value(Int64(edit.start))
            json.key("end")
            json.value(Int64(edit.end))
            json.endObject()
        }
        json.endArray()
        json.newline()
        return json.bytes
    }
}

/// Texts looked through for secrets and personal data, as they are and as turns of a data set.
struct RedactionWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redaction",
        abstract:
            "Look for secrets and personal data in the texts of JSON lines (`text`); megabytes a second of CPU time, and finds.")

    @Argument(help: "A file of JSON lines.") var file: String
    @Option(help: "How often the file is gone through.") var rounds = 5

    func run() throws {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        let texts = bytes.split(separator: 0x0A).compactMap { JSONDocument.read($0)?.root["text"]?.string }
        guard rounds > 0, !texts.isEmpty else {
            throw ValidationError("\(file) holds no JSON lines with a member `text`, or no rounds")
        }
        let size = texts.reduce(0) { $0 + $1.utf8.count }
        var redactor = DatasetRedactor(key: RedactionKey(salt: "bench"))
        var values = 0
        let started = CPUTime.ofProcess
        for _ in 0..<rounds {
            for text in texts where redactor.redacted(text) != nil { values += 1 }
        }
        let seconds = Double(max(1, CPUTime.ofProcess - started)) / 1e9
        let speed = Double(size * rounds) / 1e6 / seconds
        let line = "{\"bytes\":\(size * rounds),\"seconds\":\(seconds),\"mb_s\":\(Int(speed)),\"changed_texts\":\(values),"
        let tail = "\"values\":\(redactor.report.counts.total)}\n"
        try FileHandle.standardOutput.write(contentsOf: Data((line + tail).utf8))
    }
}
