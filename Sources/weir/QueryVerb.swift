// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import FactStore
import Platform

struct QueryVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Answer a named question; without a name, list the names.",
        discussion: """
            EXAMPLES:
              weir query
              weir query tail-latency --since 1h
              weir query errors --provider openai --json
              weir query exchanges --since 2026-01-01 --json | jq .ttft_us
            """)

    @Argument(help: "The question.") var name: String?
    @OptionGroup var data: DataOption
    @Option(help: "Start: 30m, 24h, 7d, a date or time in UTC, or microseconds since 1970.") var since: String?
    @Option(help: "End, exclusive; as --since.") var until: String?
    @Option(help: "Only this model.") var model: String?
    @Option(help: "Only this provider.") var provider: String?
    @Option(help: "Only this task.") var task: String?
    @Option(help: "Only this environment.") var environment: String?
    @Option(help: "Only this status.") var status: String?
    @Option(help: "Only this outcome.") var outcome: String?
    @Option(help: "Only this API family, as openai-chat.") var api: String?
    @Option(help: "Only this key id.") var key: String?
    @Option(help: ArgumentHelp("Only exchanges with this metadata; repeatable.", valueName: "name=value")) var metadata:
        [String] = []
    @Option(help: "At most so many exchanges (for `exchanges`).") var limit: Int?
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        guard let name else {
            for entry in Answers.list { try Terminal.data("\(entry.name)\t\(entry.summary)\n") }
            return
        }
        try Answers.check(name)
        try data.directory.require(PosixFileSystem())
        let filter = try arguments.filter(nowUs: SystemClock().wallUs)
        let store = try FactStore.open(path: data.directory.index, mode: .readOnly)
        try Answers.write(name, filter: filter, isJSON: json, limit: limit, store: store) { try Terminal.data($0) }
    }

    private var arguments: FilterArguments {
        var arguments = FilterArguments()
        arguments.since = since
        arguments.until = until
        arguments.model = model
        arguments.provider = provider
        arguments.task = task
        arguments.environment = environment
        arguments.status = status
        arguments.outcome = outcome
        arguments.api = api
        arguments.key = key
        arguments.metadata = metadata
        return arguments
    }
}
