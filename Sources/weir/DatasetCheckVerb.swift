// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import Datasets
import Platform

struct DatasetCheckVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Prove that no row to train on is near a row to measure with, for any JSONL files.",
        discussion: """
            Reads rows of OpenAI, Gemini, ShareGPT, TRL, Catalyst, promptfoo and {input, ideal} shapes; of any other the texts in their order. Counts
            exactly, as notebooks-docs/separation.md says. Exit code 0 where none is near, 1 where some are, 2 for input that cannot be read or has no row.

            EXAMPLES:
              weir dataset check train.jsonl eval.jsonl
              weir dataset check train.jsonl eval-v1.jsonl eval-v2.jsonl --strict
              weir dataset check train.jsonl eval.jsonl --json | jq -r .train_line > near.txt
              zstd -dc train.jsonl.zst | weir dataset check - eval.jsonl
            """)

    @Argument(help: "The rows to train on; - for standard input.") var train: String
    @Argument(help: "Rows to measure with, in one file or several; - for standard input.") var eval: [String]
    @Flag(help: "Also ask for shared runs of 13 tokens and for cover by runs of 8 (G4).") var strict = false
    @Flag(help: "One JSON object a row that is near, then one with the counts.") var json = false

    func run() throws {
        let files = PosixFileSystem()
        guard ([train] + eval).count(where: { $0 == "-" }) < 2 else {
            throw VerbFailure.usage("standard input can be read once: name a file for the other")
        }
        let inputs = try ([train] + eval).map { try RowFile.input($0, files) }
        let summary: SeparationSummary
        do {
            summary = try SeparationCheck.run(
                train: inputs[0], eval: Array(inputs.dropFirst()), isStrict: strict,
                progress: { Terminal.progress("check: \($0) rows") },
                found: { try Terminal.data(json ? CheckText.json($0, eval) : Array(CheckText.line($0, eval).utf8)) })
        } catch let error as DatasetError { throw VerbFailure.usage("\(error)") }
        Terminal.endProgress()
        try Terminal.data(json ? CheckText.json(summary) : Array(CheckText.line(summary).utf8))
        if summary.violations > 0 {
            throw VerbFailure.found("\(summary.violations) of \(summary.trainRows) training rows are too near to an eval row")
        }
    }
}

/// A file of rows that somebody named.
enum RowFile {
    /// Its lines; `-` is standard input.
    ///
    /// - Throws: `VerbFailure` where there is no such file.
    static func input(_ path: String, _ files: PosixFileSystem) throws -> LineInput {
        guard try path == "-" || files.status(of: path)?.isDirectory == false else {
            throw VerbFailure.usage("\(path) is no file; name the JSONL files themselves")
        }
        return LineInput(name: path == "-" ? "standard input" : path) { try ChunkedInput.next(path, files) }
    }
}

/// Findings for people and for programs.
enum CheckText {
    static func line(_ finding: SeparationFinding, _ eval: [String]) -> String {
        let share = "\(finding.shared) of \(finding.trainSize) here and \(finding.evalSize) there"
        return "line \(finding.trainLine): \(finding.rule) with \(eval[finding.evalFile]) line \(finding.evalLine) (\(share))\n"
    }

    static func line(_ summary: SeparationSummary) -> String {
        var out =
            "\(HumanUnits.grouped(summary.trainRows)) training rows against \(HumanUnits.grouped(summary.evalRows)) eval rows: "
        out += summary.violations == 0 ? "none is near\n" : "\(HumanUnits.grouped(summary.violations)) are near\n"
        if summary.shortEvalRows > 0 {
            out +=
                "\(HumanUnits.grouped(summary.shortEvalRows)) eval rows have fewer than 20 tokens in a view: too short to tell them from others\n"
        }
        return out
    }

    static func json(_ finding: SeparationFinding, _ eval: [String]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("train_line")
        json.value(finding.trainLine)
        json.key("eval_file")
        json.value(eval[finding.evalFile])
        json.key("eval_line")
        json.value(finding.evalLine)
        json.key("rule")
        json.value(finding.rule)
        for (key, count) in [("shared", finding.shared), ("train_size", finding.trainSize), ("eval_size", finding.evalSize)] {
            json.key(key)
            json.value(Int64(count))
        }
        json.endObject()
        json.newline()
        return json.bytes
    }

    static func json(_ summary: SeparationSummary) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let counts: [(String, Int64)] = [
            ("train_rows", summary.trainRows), ("eval_rows", summary.evalRows), ("short_eval_rows", summary.shortEvalRows),
            ("violations", summary.violations),
        ]
        for (key, count) in counts {
            json.key(key)
            json.value(count)
        }
        json.endObject()
        json.newline()
        return json.bytes
    }
}
