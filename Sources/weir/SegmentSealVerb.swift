// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Indexing
import Platform
import SegmentLog

struct SegmentSealVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "Seal finished segments: dense, ordered, with facts and a manifest.",
        discussion: """
            Indexes first, then seals every segment that nobody writes to any more. A running gateway does the same by itself (`segments.seal`). Exit code 1 where a segment could not be sealed, 3 where another process is sealing.

            EXAMPLES:
              weir segment seal
              weir segment seal --data /var/lib/weir --json
            """)

    @OptionGroup var data: DataOption
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        let run = try KeeperRun(data.directory)
        let report = try run.keeper.seal(progress: { Terminal.progress("sealing \($0.name)") })
        Terminal.endProgress()
        try run.feedback.tell()
        try KeeperRun.finish(report, json: json)
    }
}

/// What the verbs that keep segments share: an index up to date, a keeper, and how its report is told.
struct KeeperRun {
    let keeper: SegmentKeeper
    let log: SegmentDirectory
    let feedback: FeedbackErasing

    private static let indexUs: Int64 = 600_000_000

    init(_ data: DataDirectory, indexing: Bool = true) throws {
        try data.require(PosixFileSystem())
        if indexing {
            let indexed = try IndexRun.run(data, maxDurationUs: KeeperRun.indexUs, showsProgress: true)
            if indexed.exitCode != 0 { Terminal.say(indexed.summary) }
        }
        log = try data.log
        let feedback = FeedbackErasing(control: data.control)
        self.feedback = feedback
        keeper = SegmentKeeper(
            store: try data.paths.openForWriting(waitUs: KeeperRun.indexUs), directory: log,
            lock: IndexLock(path: data.paths.lock), forgetting: feedback.forget)
    }

    /// Tells the report.
    ///
    /// - Throws: `VerbFailure` where something could not be done.
    static func finish(_ report: KeepingReport, manifests: [String] = [], json: Bool) throws {
        if json { try Terminal.data(Self.json(report, manifests: manifests)) }
        for text in report.failures { Terminal.say("weir: \(text)") }
        for name in report.held { Terminal.say("weir: \(name) is held and stays as it is; see `weir segment release`") }
        for name in manifests { Terminal.say("made anew: \(name)") }
        Terminal.say(summary(report))
        if !report.failures.isEmpty || !report.held.isEmpty { throw VerbFailure(exitCode: 1, message: "") }
    }

    private static func summary(_ report: KeepingReport) -> String {
        var text = "\(report.sealed) segments sealed, \(report.rewritten) written anew"
        if report.records > 0 {
            text += ": \(report.records) records, \(report.bytesBefore) bytes became \(report.bytesAfter)"
            let ratio = SegmentText.ratio(raw: report.rawBytes, compressed: UInt64(clamping: report.bytesAfter))
            text += " (\(ratio) with facts)"
        }
        if report.erased > 0 { text += "; \(report.erased) records erased" }
        if report.erasedFacts > 0 { text += "; \(report.erasedFacts) facts without records erased from the index" }
        if report.waiting > 0 { text += "; \(report.waiting) finished ones are not wholly in the index yet" }
        return text
    }

    private static func json(_ report: KeepingReport, manifests: [String]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let numbers: [(String, Int64)] = [
            ("sealed", Int64(report.sealed)), ("rewritten", Int64(report.rewritten)),
            ("records", Int64(clamping: report.records)),
            ("erased", Int64(clamping: report.erased)), ("erased_facts", Int64(report.erasedFacts)),
            ("raw_bytes", Int64(clamping: report.rawBytes)),
            ("bytes_before", report.bytesBefore), ("bytes_after", report.bytesAfter), ("waiting", Int64(report.waiting)),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        for (key, texts) in [("held", report.held), ("failures", report.failures), ("manifests", manifests)] {
            json.key(key)
            json.beginArray()
            for text in texts { json.value(text) }
            json.endArray()
        }
        json.endObject()
        json.newline()
        return json.bytes
    }
}
