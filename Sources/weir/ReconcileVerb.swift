// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ExchangeModel
import FactStore
import Outbound
import Platform

extension ExportProvider: ExpressibleByArgument {}
extension ReconcileCost: ExpressibleByArgument {}

struct ReconcileVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile", abstract: "Compare tokens and cost with a provider's own report, by model and day.",
        discussion: """
            The report comes from files that were exported (JSON of the reporting APIs, CSV of the consoles), or is fetched with --fetch. The key for that is read from OPENAI_ADMIN_KEY, ANTHROPIC_ADMIN_KEY or OPENROUTER_API_KEY, and shown nowhere. Days are whole days in UTC. Exit code 1 where something differs by more than the tolerance, 2 where a report cannot be read, 3 where it cannot be fetched.

            EXAMPLES:
              weir reconcile --provider openai --file completions_usage.csv --file cost.csv
              weir reconcile --provider anthropic --file usage.json --since 2026-11-01 --until 2026-11-08
              weir reconcile --provider openai --fetch --since 7d --tolerance 0.5
              weir reconcile --provider openrouter --fetch --cost reported --json | jq 'select(.agrees == 0)'
            """)

    @Option(help: "Whose report it is.") var provider: ExportProvider
    @Option(
        name: .customLong("file"), help: ArgumentHelp("A report in JSON or CSV; repeatable.", valueName: "path"),
        completion: .file(extensions: ["csv", "json"])) var files: [String] = []
    @Flag(help: "Fetch the reports from the provider.") var fetch = false
    @Option(help: "With --fetch: the base address, with its version (default: the provider's own).") var url: String?
    @Option(help: "With --fetch: give up a request after so many seconds.") var timeout: Int = 60
    @Option(help: "With --fetch: at most so many pages of each report.") var pages: Int = 100
    @Option(help: "First day: a date, or 7d (default: the first of the report; with --fetch, seven days ago).") var since: String?
    @Option(help: "End, exclusive: a date (default: the last day of the report; with --fetch, today).") var until: String?
    @Option(help: "Only our exchanges of this key id.") var key: String?
    @Option(help: "Only our exchanges of this environment.") var environment: String?
    @Option(help: ArgumentHelp("Only this API key of the report, as it names it; repeatable.", valueName: "id"))
    var exportKey: [String] = []
    @Option(help: ArgumentHelp("Only this project or workspace of the report, as it names it; repeatable.", valueName: "id"))
    var exportProject: [String] = []
    @Option(help: ArgumentHelp("Differences of at most so many per cent of theirs are none.", valueName: "percent"))
    var tolerance: String = "1"
    @Option(help: "Our cost: priced, by the price book, or reported, as the provider said in its answers.")
    var cost: ReconcileCost = .priced
    @Flag(help: "Both sides of rows that agree, too.") var all = false
    @Flag(help: "One JSON object a line.") var json = false
    @Flag(help: "Comma-separated, with a header (RFC 4180).") var csv = false
    @OptionGroup var data: DataOption

    func run() async throws {
        try check()
        let tolerancePpm = try ReconcileVerb.ppm(tolerance)
        let nowUs = SystemClock().wallUs
        var filter = try filter(nowUs: nowUs)
        let fetching = fetch ? try fetcher() : nil
        try data.directory.require(PosixFileSystem())
        let store = try FactStore.open(path: data.directory.index, mode: .readOnly)
        let exports: [ProviderExport]
        let days: ClosedRange<Int64>
        if let fetching {
            days = try period(filter, firstUs: nowUs - 7 * ReconcilePeriod.startUs(1), lastUs: dayStart(nowUs) - 1)
            guard days.count <= 366 else { throw VerbFailure.usage("--fetch takes at most 366 days; give --since and --until") }
            exports = try await fetching.exports(days: days, byKey: !exportKey.isEmpty, byProject: !exportProject.isEmpty)
        } else {
            exports = try read()
            days = try period(filter, exports)
        }
        filter.sinceUs = ReconcilePeriod.startUs(days.lowerBound)
        filter.untilUs = ReconcilePeriod.startUs(days.upperBound + 1)
        var options = ReconcileOptions(days: days)
        options.tolerancePpm = tolerancePpm
        options.keys = Set(exportKey)
        options.projects = Set(exportProject)
        options.today = ReconcilePeriod.day(us: nowUs)
        var ours: [OurLine] = []
        try SlowAnswer.run("reconcile", store: store) { ours = try OurSide.lines(store, filter: filter, cost: cost) }
        let result = try Reconciliation.compare(ours: ours, exports: exports, options: options)
        try write(result)
        tell(result, exports, days: days, tolerancePpm: tolerancePpm)
        if !result.isEqual { throw VerbFailure(exitCode: 1, message: "") }
    }

    // MARK: What was asked

    private func check() throws {
        guard !(json && csv) else { throw VerbFailure.usage("--json and --csv cannot both be had") }
        guard fetch != !files.isEmpty else {
            throw VerbFailure.usage("give the provider's report: either --file PATH, which may be repeated, or --fetch")
        }
        guard fetch || url == nil else { throw VerbFailure.usage("--url is of use with --fetch alone") }
        guard (1...3_600).contains(timeout) else { throw VerbFailure.usage("--timeout takes 1 to 3600 seconds") }
        guard (1...10_000).contains(pages) else { throw VerbFailure.usage("--pages takes 1 to 10000") }
        guard files.count <= ReconcileLimits.files else {
            throw VerbFailure.usage("at most \(ReconcileLimits.files) files can be compared at once")
        }
    }

    /// A tolerance in per cent as millionths.
    static func ppm(_ text: String) throws -> Int64 {
        guard let nano = NanoDollars.parse(text.utf8), (0...100_000_000_000).contains(nano), nano.isMultiple(of: 100_000) else {
            throw VerbFailure.usage("--tolerance takes 0 to 100 per cent with at most four decimals, such as 0.5; not \(text)")
        }
        return nano / 100_000
    }

    private func filter(nowUs: Int64) throws -> FactFilter {
        var arguments = FilterArguments()
        arguments.since = since
        arguments.until = until
        arguments.provider = provider.rawValue
        arguments.key = key
        arguments.environment = environment
        let filter = try arguments.filter(nowUs: nowUs)
        try ReconcilePeriod.check(filter.sinceUs, flag: "--since")
        try ReconcilePeriod.check(filter.untilUs, flag: "--until")
        return filter
    }

    private func dayStart(_ us: Int64) -> Int64 { ReconcilePeriod.startUs(ReconcilePeriod.day(us: us)) }

    /// Whole days from what was asked for, else from what there is.
    private func period(_ filter: FactFilter, firstUs: Int64, lastUs: Int64) throws -> ClosedRange<Int64> {
        let sinceUs = filter.sinceUs ?? min(firstUs, filter.untilUs.map { $0 - 1 } ?? firstUs)
        let untilUs = filter.untilUs ?? max(lastUs + 1, sinceUs + 1)
        guard sinceUs >= 0, sinceUs < untilUs else { throw VerbFailure.usage("--since must be before --until") }
        return ReconcilePeriod.days(sinceUs: sinceUs, untilUs: untilUs)
    }

    private func period(_ filter: FactFilter, _ exports: [ProviderExport]) throws -> ClosedRange<Int64> {
        let days = exports.reduce(into: Set<Int64>()) { $0.formUnion($1.days) }
        if let first = days.min(), let last = days.max() {
            return try period(filter, firstUs: ReconcilePeriod.startUs(first), lastUs: ReconcilePeriod.startUs(last))
        }
        guard let sinceUs = filter.sinceUs, let untilUs = filter.untilUs else {
            throw VerbFailure.usage("the report names no day: say which days are meant with --since and --until")
        }
        return ReconcilePeriod.days(sinceUs: sinceUs, untilUs: untilUs)
    }

    // MARK: The report

    private func read() throws -> [ProviderExport] {
        var seen: [[UInt8]: String] = [:]
        return try files.map { path in
            let bytes: [UInt8]
            do { bytes = try PosixFileSystem().readFile(path, limit: ReconcileLimits.fileBytes + 1) } catch {
                throw VerbFailure.usage("--file: \(path) cannot be read: \(error)")
            }
            if let other = seen.updateValue(path, forKey: bytes) {
                throw VerbFailure.usage("\(other) and \(path) hold the same bytes: every figure would count twice")
            }
            let export = try ExportReading.read(bytes, name: path, provider: provider)
            if export.hasMore { Terminal.say("\(path) is one page of several: it says that there is more") }
            if !export.isKindKnown { Terminal.say("\(path) holds no result: it does not say whether it is of usage or of costs") }
            return export
        }
    }

    private func fetcher() throws -> ReconcileFetch {
        var base = url ?? provider.standardURL
        while base.hasSuffix("/") { base.removeLast() }
        guard PricesRefreshVerb.isSafe(base), !base.contains(where: { "?#@".contains($0) }) else {
            throw VerbFailure.usage(
                "--url must begin with https:// (http:// is for this machine only) and hold no user and no query: a key is sent there"
            )
        }
        let key = try ReportKey(provider, environment: ProgramEnvironment.all)
        return ReconcileFetch(provider: provider, base: base, key: key, timeoutSeconds: timeout, pagesMax: pages)
    }

    // MARK: The answer

    private func write(_ result: ReconcileResult) throws {
        if json { return try Terminal.data(result.table().jsonLines()) }
        if csv { return try Terminal.data(result.table().csv()) }
        guard !result.rows.isEmpty || !result.batch.isEmpty else { return }
        try Terminal.data(ReconcileText.table(result, showsAll: all))
    }

    /// Says for a person what was compared, what it came to, and what explains it.
    private func tell(_ result: ReconcileResult, _ exports: [ProviderExport], days: ClosedRange<Int64>, tolerancePpm: Int64) {
        let period = "\(ReconcilePeriod.text(days.lowerBound)) to \(ReconcilePeriod.text(days.upperBound)) (UTC)"
        let kinds = exports.map { $0.isKindKnown ? $0.format.rawValue : "a report of unknown kind" }
        let formats = Set(kinds).sorted().joined(separator: ", ")
        Terminal.say("\(provider.rawValue), \(period), against \(formats)")
        for note in result.notes { Terminal.say(note) }
        for hint in ReconcileHint.allCases where result.rows.contains(where: { $0.hints.contains(hint) }) {
            Terminal.say("\(hint.rawValue): \(hint.meaning)")
        }
        let tolerance = HumanUnits.percent(ppm: tolerancePpm)
        let differing = result.rows.count { !$0.isWithin }
        if result.rows.isEmpty {
            Terminal.say("neither side has anything in these days")
        } else if result.isEqual {
            Terminal.say("\(result.rows.count) rows and the total agree within \(tolerance)")
        } else {
            let total = result.total.isWithin ? "the total agrees" : "the total differs, too"
            Terminal.say("\(differing) of \(result.rows.count) rows differ by more than \(tolerance); \(total)")
        }
    }
}
