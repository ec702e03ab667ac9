// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import Dialects
import FactStore
import Indexing
import Platform
import Pricing
import SegmentLog

struct IndexVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "Read new records into the index, once.",
        discussion: """
            Rerunnable and exactly once: goes on from its checkpoint. Waits for another indexer up to --max-duration, then exits 3. --rebuild reads all segments and sidecars into a new index, which takes the place of the old one once it is whole; until then the old one answers. --reprice prices what is in the index by the prices in force now, from --since to --until, and writes the sidecars anew whose costs changed; what is held is named, and the exit code is 1 then.

            EXAMPLES:
              weir index
              weir index --data /var/lib/weir --max-duration 30 --json
              weir index --metadata-dimensions team,feature
              weir index --rebuild
              weir index --reprice --since 2026-11-01
              weir index --dump | sha256sum
            """)

    @OptionGroup var data: DataOption
    @Option(help: ArgumentHelp("How long the pass may take, waiting included.", valueName: "seconds")) var maxDuration = 600
    @Flag(help: "Build the index anew from segments and sidecars.") var rebuild = false
    @Flag(help: "Price what is in the index anew.") var reprice = false
    @Flag(help: "Write what is in the index as JSON lines by which two indexes are compared; index nothing.") var dump = false
    @Option(help: ArgumentHelp("With --reprice: exchanges that began then or later; 7d, a date, a time.", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("With --reprice: exchanges that began before.", valueName: "time")) var until: String?
    @Option(
        help: ArgumentHelp(
            "Metadata keys with few values by which hours, days and weeks are rolled up from now on, or none.",
            valueName: "keys"))
    var metadataDimensions: String?
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        guard (1...86_400).contains(maxDuration) else { throw VerbFailure.usage("--max-duration takes 1 to 86400 seconds") }
        guard [rebuild, reprice, dump].count(where: \.self) <= 1 else {
            throw VerbFailure.usage("--rebuild, --reprice and --dump: only one of them can be had")
        }
        guard reprice || (since == nil && until == nil) else { throw VerbFailure.usage("--since and --until go with --reprice") }
        guard metadataDimensions == nil || !(reprice || dump) else {
            throw VerbFailure.usage("--metadata-dimensions goes with indexing and with --rebuild")
        }
        let declared = try metadataDimensions.map { text in
            let keys = text.split(separator: ",").map { $0.trimmingBlanks }.filter { !$0.isEmpty }
            return try MetadataDimensions.checked(keys == ["none"] ? [] : keys, setting: "--metadata-dimensions")
        }
        try data.directory.require(PosixFileSystem())
        let maxDurationUs = Int64(maxDuration) * 1_000_000
        if reprice { return try runRepricing(maxDurationUs) }
        if dump {
            let store = try FactStore.open(path: data.directory.index, mode: .readOnly)
            return try Answers.writeDump(store: store) { try Terminal.data($0) }
        }
        let report =
            try rebuild
            ? IndexRun.rebuild(data.directory, declared: declared, maxDurationUs: maxDurationUs)
            : IndexRun.run(data.directory, declared: declared, maxDurationUs: maxDurationUs, showsProgress: true)
        Terminal.endProgress()
        if json { try Terminal.data(IndexRun.json(report)) }
        Terminal.say(report.summary)
        if report.exitCode != 0 { throw VerbFailure(exitCode: report.exitCode, message: "") }
    }

    private func runRepricing(_ maxDurationUs: Int64) throws {
        let clock = SystemClock()
        let startedUs = clock.monotonicUs
        let sinceUs = try since.map { try TimeArgument.parse($0, nowUs: clock.wallUs) }
        let untilUs = try until.map { try TimeArgument.parse($0, nowUs: clock.wallUs) }
        let pricer = BookPricer(try PriceFiles(data.directory).book())
        let store = try data.directory.paths.openForWriting(waitUs: maxDurationUs)
        let repricing = Repricing(store: store, lock: IndexLock(path: data.directory.paths.lock), pricer: pricer)
        let options = IndexPassOptions(maxDurationUs: maxDurationUs)
        let report = try repricing.run(sinceUs: sinceUs, untilUs: untilUs, options: options) { done in
            if done.facts > 0 { Terminal.progress("repricing: \(done.facts) facts, \(done.changed) changed") }
        }
        Terminal.endProgress()
        let leftUs = maxDurationUs - (clock.monotonicUs - startedUs)
        let sidecars = report.isComplete ? try rewriteSidecars(store, sinceUs, untilUs, leftUs: leftUs) : KeepingReport()
        if json { try Terminal.data(IndexRun.json(report, sidecars, version: pricer.version)) }
        let isComplete = report.isComplete && sidecars.isFinished && sidecars.waiting == 0
        for text in sidecars.failures { Terminal.say("weir: \(text)") }
        for name in sidecars.held { Terminal.say("weir: \(name) is held and keeps its costs; see `weir segment release`") }
        Terminal.say(
            "\(report.changed) of \(report.facts) facts have another cost or price version now: "
                + "\(HumanUnits.dollars(nanousd: report.beforeNanousd)) before, \(HumanUnits.dollars(nanousd: report.afterNanousd)) now; "
                + "\(sidecars.rewritten) sidecars written anew" + (isComplete ? "" : "; not finished, run it again"))
        if !isComplete { throw VerbFailure(exitCode: 3, message: "") }
        if !sidecars.failures.isEmpty || !sidecars.held.isEmpty { throw VerbFailure(exitCode: 1, message: "") }
    }

    /// The sidecars follow the index; a gateway that seals has the segments to itself for a while.
    private func rewriteSidecars(_ store: FactStore, _ sinceUs: Int64?, _ untilUs: Int64?, leftUs: Int64) throws -> KeepingReport
    {
        let clock = SystemClock()
        let endUs = clock.monotonicUs + leftUs
        let feedback = FeedbackErasing(control: data.directory.control)
        let keeper = SegmentKeeper(
            store: store, directory: try data.directory.log, lock: IndexLock(path: data.directory.paths.lock),
            forgetting: feedback.forget)
        defer { Terminal.endProgress() }
        do {
            let report = try keeper.repriceFacts(
                sinceUs: sinceUs, untilUs: untilUs, waitUs: leftUs, whileWaiting: { Terminal.progress(Terminal.waitsForSealer) },
                shouldStop: { clock.monotonicUs >= endUs }, progress: { Terminal.progress("repricing: \($0.name)") })
            try feedback.tell()
            return report
        } catch let error as IndexingError where error.code == .locked {
            // The index is done, and what was done in it is still to be said.
            Terminal.endProgress()
            Terminal.say("weir: \(error.message)")
            var report = KeepingReport()
            report.isFinished = false
            return report
        }
    }
}

/// One index pass, as the verbs run it.
enum IndexRun {
    static func run(
        _ directory: DataDirectory, declared: [String]? = nil, maxDurationUs: Int64, showsProgress: Bool
    ) throws -> IndexReport {
        let paths = directory.paths
        let startedUs = SystemClock().monotonicUs
        let store = try paths.openForWriting(waitUs: maxDurationUs)
        let pass = IndexPass(
            store: store, directory: try directory.log, lock: IndexLock(path: paths.lock),
            pricer: BookPricer(try PriceFiles(directory).book()), reading: ExchangeReader.read)
        func options() -> IndexPassOptions {
            IndexPassOptions(maxDurationUs: max(0, maxDurationUs - (SystemClock().monotonicUs - startedUs)))
        }
        var report = try pass.run(options()) { if showsProgress { show($0) } }
        guard report.isCaughtUp else { return report }
        let building = ColumnBuilding(store: store, lock: IndexLock(path: paths.lock), declared: declared)
        report.built = try building.run(options()) { built in
            if showsProgress, built.chunks + built.hours + built.weeks > 0 {
                Terminal.progress(
                    "rolling up: \(built.chunks) chunks, \(built.hours) hours, \(built.days) days, \(built.weeks) weeks")
            }
        }
        return report
    }

    static func rebuild(_ directory: DataDirectory, declared: [String]?, maxDurationUs: Int64) throws -> IndexReport {
        let pricer = BookPricer(try PriceFiles(directory).book())
        let rebuild = IndexRebuild(
            paths: directory.paths, directory: try directory.log, pricer: pricer, declared: declared, reading: ExchangeReader.read
        )
        return try rebuild.run(IndexPassOptions(maxDurationUs: maxDurationUs)) { show($0) }
    }

    private static func show(_ report: IndexReport) {
        guard report.totalBytes > 0 else { return }
        Terminal.progress("indexing: \(report.facts) facts, \(report.bytes * 100 / report.totalBytes) %")
    }

    static func json(_ report: RepriceReport, _ sidecars: KeepingReport, version: String) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let numbers: [(String, Int64)] = [
            ("facts", Int64(report.facts)), ("changed", Int64(report.changed)), ("before_nanousd", report.beforeNanousd),
            ("after_nanousd", report.afterNanousd), ("sidecars", Int64(sidecars.rewritten)), ("waiting", Int64(sidecars.waiting)),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        json.key("price_version")
        json.value(version)
        for (key, texts) in [("held", sidecars.held), ("failures", sidecars.failures)] {
            json.key(key)
            json.beginArray()
            for text in texts { json.value(text) }
            json.endArray()
        }
        json.key("complete")
        json.value(report.isComplete && sidecars.isFinished && sidecars.waiting == 0)
        json.endObject()
        json.newline()
        return json.bytes
    }

    static func json(_ report: IndexReport) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let numbers: [(String, Int64)] = [
            ("segments", Int64(report.segments)), ("batches", Int64(report.batches)), ("records", Int64(report.records)),
            ("facts", Int64(report.facts)), ("duplicates", Int64(report.duplicates)), ("damaged", Int64(report.damaged)),
            ("undecodable", Int64(report.undecodable)), ("gaps", Int64(report.gaps)),
            ("missing", Int64(clamping: report.missing)), ("incomplete_bytes", report.incompleteBytes), ("bytes", report.bytes),
            ("late", Int64(report.late)), ("future", Int64(report.future)), ("chunks", Int64(report.built.chunks)),
            ("hours", Int64(report.built.hours)), ("days", Int64(report.built.days)), ("weeks", Int64(report.built.weeks)),
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
