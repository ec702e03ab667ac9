// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Dialects
import FactStore
import Indexing
import Platform
import SegmentLog

struct IndexVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "Read new records into the index, once.",
        discussion: """
            Rerunnable and exactly once: goes on from its checkpoint. Waits for another indexer up to --max-duration, then exits 3.

            EXAMPLES:
              weir index
              weir index --data /var/lib/weir --max-duration 30 --json
            """)

    @OptionGroup var data: DataOption
    @Option(help: ArgumentHelp("How long the pass may take, waiting included.", valueName: "seconds")) var maxDuration = 600
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        guard (1...86_400).contains(maxDuration) else { throw VerbFailure.usage("--max-duration takes 1 to 86400 seconds") }
        try data.directory.require(PosixFileSystem())
        let report = try IndexRun.run(data.directory, maxDurationUs: Int64(maxDuration) * 1_000_000, showsProgress: true)
        if json { try Terminal.data(IndexRun.json(report)) }
        Terminal.say(report.summary)
        if report.exitCode != 0 { throw VerbFailure(exitCode: report.exitCode, message: "") }
    }
}

/// One index pass, as the verbs run it.
enum IndexRun {
    static func run(_ directory: DataDirectory, maxDurationUs: Int64, showsProgress: Bool) throws -> IndexReport {
        let paths = directory.paths
        let startedUs = SystemClock().monotonicUs
        let store = try paths.openForWriting(waitUs: maxDurationUs)
        let pass = IndexPass(
            store: store, directory: try directory.log, lock: IndexLock(path: paths.lock), reading: ExchangeReader.read)
        let leftUs = max(0, maxDurationUs - (SystemClock().monotonicUs - startedUs))
        return try pass.run(IndexPassOptions(maxDurationUs: leftUs)) { report in
            guard showsProgress, report.totalBytes > 0 else { return }
            Terminal.progress("indexing: \(report.facts) facts, \(report.bytes * 100 / report.totalBytes) %")
        }
    }

    static func json(_ report: IndexReport) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let numbers: [(String, Int64)] = [
            ("segments", Int64(report.segments)), ("batches", Int64(report.batches)), ("records", Int64(report.records)),
            ("facts", Int64(report.facts)), ("duplicates", Int64(report.duplicates)), ("damaged", Int64(report.damaged)),
            ("undecodable", Int64(report.undecodable)), ("gaps", Int64(report.gaps)),
            ("missing", Int64(clamping: report.missing)), ("incomplete_bytes", report.incompleteBytes), ("bytes", report.bytes),
            ("duration_us", report.durationUs),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        for (key, names) in [("locked", report.locked), ("unreadable", report.unreadable)] {
            json.key(key)
            json.beginArray()
            for name in names { json.value(name) }
            json.endArray()
        }
        json.key("caught_up")
        json.value(report.isCaughtUp)
        json.endObject()
        json.newline()
        return json.bytes
    }
}
