// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Foundation
import Platform

/// One JSON text read again and again, beside Foundation on the same bytes.
struct JSONWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "json",
        abstract: "Validate and list the tokens of one JSON text; megabytes a second of CPU time, and Foundation's.")

    @Argument(help: "A file that holds one JSON text.") var file: String
    @Option(help: "How often.") var rounds = 200

    func run() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        let bytes = Array(data)
        guard rounds > 0, JSONDocument.read(bytes) != nil else { throw ValidationError("\(file) is no JSON text, or no rounds") }
        var read = 0
        let ours = speed(of: bytes.count) { read += JSONDocument.read(bytes) == nil ? 0 : 1 }
        let theirs = speed(of: bytes.count) {
            read += (try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)) == nil ? 0 : 1
        }
        let line = "{\"bytes\":\(bytes.count),\"mb_s\":\(Int(ours)),\"foundation_mb_s\":\(Int(theirs)),\"read\":\(read)}\n"
        try FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
    }

    /// Of the best of five turns.
    private func speed(of count: Int, _ body: () -> Void) -> Double {
        (0..<5).map { _ in
            let before = CPUTime.ofProcess
            for _ in 0..<max(1, rounds / 5) { body() }
            return Double(count * max(1, rounds / 5)) / Double(max(1, CPUTime.ofProcess - before)) * 1_000
        }.max() ?? 0
    }
}
