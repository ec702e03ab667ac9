// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import FactStore
import NamedQueries
import Platform

struct QueryVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Answer a named question; without a name, list the names.",
        discussion: """
            `weir query NAME --help` says what a question answers, its options and its columns.

            EXAMPLES:
              weir query
              weir query tail-latency --since 90d --approximate
              weir query tail-latency --since 1h --by task --percentiles 50,90,99.9
              weir query spend --since 7d --by meta.team --csv
              weir query errors --provider openai --json
              weir query --sql mine.sql --since 24h
              weir query exchanges --since 2026-01-01 --json | jq .ttft_us
            """,
        helpNames: [])

    @Argument(help: "The question.", completion: .list(Answers.list.map(\.name))) var name: String?
    @OptionGroup var data: DataOption
    @OptionGroup var filters: FilterOptions
    @Option(
        help: ArgumentHelp(
            "What the rows are for: model, task, environment, key, provider, status, day, hour, or meta.NAME.", valueName: "name"),
        completion: .list(AnswerOptions.groupings)) var by: String?
    @Option(help: ArgumentHelp("One to four percentiles, such as 50,90,99.9.", valueName: "list")) var percentiles: String?
    @Flag(help: "Take percentiles from rollups of hours, days and weeks: fast over months, at most 0.4 % off (tail-latency).")
    var approximate = false
    @Option(help: "At most so many rows.") var limit: Int?
    @Option(help: ArgumentHelp("The present, for ages and for what is asked of today.", valueName: "time")) var now: String?
    @Option(
        help: ArgumentHelp("A question of your own: one SELECT over the view facts.", valueName: "file"),
        completion: .file(extensions: ["sql"])) var sql: String?
    @Flag(help: "One JSON object a line.") var json = false
    @Flag(help: "Comma-separated, with a header (RFC 4180).") var csv = false
    @Flag(inversion: .prefixedNo, help: "Bars and lines beside the table (default: on a terminal).") var picture: Bool?
    @Flag(help: "List the names.") var list = false
    @Flag(name: .shortAndLong, help: "Show help; of a question, where one is named.") var help = false

    func run() throws {
        if help { return try showHelp() }
        guard !(json && csv) else { throw VerbFailure.usage("--json and --csv cannot both be had") }
        if list || (name == nil && sql == nil) { return try writeList() }
        let question = try question()
        let clock = SystemClock()
        let nowUs = try now.map { try TimeArgument.parse($0, nowUs: clock.wallUs) } ?? clock.wallUs
        let options = try options(nowUs: nowUs)
        try data.directory.require(PosixFileSystem())
        let filter = try filters.filter(nowUs: nowUs)
        let store = try FactStore.open(path: data.directory.index, mode: .readOnly)
        let form: AnswerForm = json ? .jsonLines : csv ? .csv : .table(hasPicture: picture ?? Terminal.isOutputTerminal)
        guard let question else {
            // Facts stream: they may be more than fit in memory.
            return try Answers.write(Answers.exchangesName, filter: filter, options: options, form: form, store: store) {
                try Terminal.data($0)
            }
        }
        var answer: [UInt8] = []
        try SlowAnswer.run(question.name, store: store) {
            try Answers.write(question, filter: filter, options: options, form: form, store: store) { answer += $0 }
        }
        try Terminal.data(answer)
    }

    private func options(nowUs: Int64) throws -> AnswerOptions {
        var options = AnswerOptions()
        options.nowUs = nowUs
        options.isApproximate = approximate
        if let limit {
            guard limit > 0 else { throw VerbFailure.usage("--limit takes a number of rows above 0") }
            options.limit = limit
        }
        if let by {
            do { try options.setBy(by) } catch {
                let meant = Suggestion.closest(to: by, among: AnswerOptions.groupings).map { "; did you mean `\($0)`?" } ?? ""
                throw VerbFailure.usage(error.description + meant)
            }
        }
        if let percentiles { try options.setPercentiles(percentiles) }
        return options
    }

    /// The question that is asked; nil for the exchanges themselves.
    private func question() throws -> NamedQuery? {
        if let sql {
            guard name == nil else { throw VerbFailure.usage("a name and --sql cannot both be had") }
            do {
                return NamedQuery(name: sql, file: try PosixFileSystem().readFile(sql, limit: AnswersLimits.statementBytes))
            } catch { throw VerbFailure.usage("--sql: \(sql) cannot be read: \(error)") }
        }
        guard let name, name != Answers.exchangesName else { return nil }
        do { try Answers.check(name) } catch {
            let meant = Suggestion.closest(to: name, among: Answers.list.map(\.name)).map { "; did you mean `\($0)`?" } ?? ""
            throw VerbFailure.usage(error.description + meant)
        }
        return NamedQueries.find(name)
    }

    private func showHelp() throws {
        guard name != nil, let query = try question() else { throw CleanExit.helpRequest(self) }
        try Terminal.data(QueryHelp.text(query))
    }

    private func writeList() throws {
        let isAligned = Terminal.isOutputTerminal
        let width = Answers.list.reduce(0) { max($0, $1.name.count) }
        for entry in Answers.list {
            let gap = isAligned ? String(repeating: " ", count: width - entry.name.count + 2) : "\t"
            try Terminal.data("\(entry.name)\(gap)\(entry.summary)\n")
        }
    }
}
