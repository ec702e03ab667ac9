// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import FactStore
import Gateway
import Outbound
import Platform
import SegmentLog

struct ReplayVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Send captured requests again, to an address of your choice, and compare.",
        discussion: """
            Method, path, query and body go as they were captured; a body that had a content coding goes without it. Captured credentials are redacted and never sent: --key-env names a variable with the key to send instead. Records without the whole request are left out and counted.
            An address where requests cost money (a known provider's, the one that was recorded, a gateway's) is refused without --yes-spend-money.
            Exit codes: 0 every answer's status is of the recorded class, 1 some are not or none came, 2 bad usage, 3 could not finish.

            EXAMPLES:
              weir replay --to http://127.0.0.1:9000 --since 1h
              weir replay --to http://127.0.0.1:9000 --task support --pace max --concurrency 32 --repeat 10
              weir replay --to http://10.0.0.5:8000/v1 --file picked.jsonl --key-env TEST_KEY --out ./answers
              weir replay --to http://127.0.0.1:8080 --through-weir --yes-spend-money --pace 2x --limit 100 --json
            """)

    @Option(help: ArgumentHelp("Where to send: scheme, host, port, and a base path where there is one.", valueName: "url"))
    var to: String
    @OptionGroup var data: DataOption
    @Option(help: ArgumentHelp("Take records from a file of JSON lines instead of the segments.", valueName: "file"))
    var file: String?
    @OptionGroup var filters: FilterOptions
    @Option(help: "recorded: the pauses between starts as they were; a factor such as 4x or 0.5x; max: as fast as answers come.")
    var pace = "recorded"
    @Option(help: "Requests at once, 1 to 1024 (default 64, with --pace max 8).") var concurrency: Int?
    @Option(help: "At most so many exchanges, the earliest.") var limit: Int?
    @Option(name: .customLong("repeat"), help: "Send all of them so many times, one round after the other.") var rounds = 1
    @Option(help: ArgumentHelp("The environment variable that holds the key to send.", valueName: "name")) var keyEnv: String?
    @Option(help: ArgumentHelp("How long one answer may take.", valueName: "seconds")) var timeout = 600
    @Option(help: ArgumentHelp("Keep the answers as records in DIR/answers.jsonl, the report beside them.", valueName: "dir"))
    var out: String?
    @Flag(help: "The address is a Weir: send control headers and path prefixes too, and name the exchange in metadata replay-of.")
    var throughWeir = false
    @Flag(help: "Allow an address where requests cost money.") var yesSpendMoney = false
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        let settings = try checked()
        var plan = try plan()
        if !yesSpendMoney {
            try ReplaySafety.check(settings.maker.base, recordedHosts: plan.recordedHosts, isThroughWeir: throughWeir)
        }
        if plan.unreadable > 0 { Terminal.say("weir: \(plan.unreadable) damaged ranges or lines could not be read") }
        if let limit { plan.limit(to: limit) }
        guard !plan.entries.isEmpty else {
            let left = plan.skipped.values.reduce(0, +)
            throw VerbFailure.found("there is nothing to send" + (left > 0 ? "; \(left) records were left out" : ""))
        }
        let answers = try out.map { try ReplayAnswers(directory: $0, files: PosixFileSystem()) }
        let desk = ReplayDesk(
            plan: plan, rounds: rounds, pace: settings.pace,
            source: try ReplaySource(try data.directory.log, segments: plan.segments, lines: file))
        try stopAtSignal(desk)
        let run = ReplayRun(desk: desk, maker: settings.maker, limits: settings.limits, answers: answers)
        let (tally, elapsedUs) = try run.run(concurrency: settings.concurrency) { sent, differing in
            Terminal.progress("replay: \(sent) of \(desk.total) sent, \(differing) with another status")
        }
        Terminal.endProgress()
        let report = ReplayReport(
            tally: tally, plan: plan, elapsedUs: elapsedUs, pace: settings.pace, concurrency: settings.concurrency,
            rounds: rounds, wasStopped: desk.isStopped)
        try answers?.finish(report: report.json)
        try Terminal.data(json ? report.json : Array((report.lines.joined(separator: "\n") + "\n").utf8))
        if tally.unsent > 0 { throw VerbFailure.unfinished("\(tally.unsent) exchanges could not be sent") }
        if tally.differing > 0 { throw VerbFailure.found("\(tally.differing) exchanges were not answered as recorded") }
    }

    private struct Settings {
        let maker: ReplayRequestMaker
        let pace: ReplayPace
        let concurrency: Int
        let limits: OutboundLimits
    }

    private func checked() throws -> Settings {
        let base: BaseURL
        do { base = try BaseURL(to) } catch {
            throw VerbFailure.usage("--to takes an http or https URL without user, query and fragment")
        }
        guard let pace = ReplayPace(pace) else {
            throw VerbFailure.usage("--pace takes recorded, max, or a factor such as 4x or 0.5x")
        }
        let concurrency = concurrency ?? (pace == .unbounded ? 8 : 64)
        guard (1...1_024).contains(concurrency) else { throw VerbFailure.usage("--concurrency takes 1 to 1024") }
        guard (1...1_000_000).contains(rounds) else { throw VerbFailure.usage("--repeat takes 1 to 1000000") }
        guard limit ?? 1 >= 1 else { throw VerbFailure.usage("--limit takes 1 or more") }
        guard (1...86_400).contains(timeout) else { throw VerbFailure.usage("--timeout takes 1 to 86400 seconds") }
        var key: String?
        if let keyEnv {
            guard let value = ProgramEnvironment.value(keyEnv) else {
                throw VerbFailure.usage("the environment variable \(keyEnv) holds nothing")
            }
            key = value
        }
        var limits = OutboundLimits()
        limits.totalMilliseconds = timeout * 1_000
        limits.bodyBytes = 256 << 20
        return Settings(
            maker: ReplayRequestMaker(base: base, key: key, isThroughWeir: throughWeir), pace: pace, concurrency: concurrency,
            limits: limits)
    }

    /// What is to be sent.
    private func plan() throws -> ReplayPlan {
        let files = PosixFileSystem()
        let filter = try filters.filter()
        guard let file else {
            try data.directory.require(files)
            return try ReplayPlan(try data.directory.log, filter: filter)
        }
        guard try files.status(of: file)?.isDirectory == false else { throw VerbFailure.usage("there is no file \(file)") }
        return try ReplayPlan(lines: try JSONLinesFile(path: file), filter: filter)
    }

    /// The first Ctrl-C ends the sending and shows the report; the second ends the program.
    private func stopAtSignal(_ desk: ReplayDesk) throws {
        try TerminationSignals.hold()
        _ = try OwnedThread(name: "weir-signals") { if TerminationSignals.next() != nil { desk.stop() } }
    }
}
