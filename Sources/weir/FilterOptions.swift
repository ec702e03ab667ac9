// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import FactStore
import Platform

/// Which exchanges a verb is about; the same filters for questions, segments and replays.
struct FilterOptions: ParsableArguments {
    @Option(help: "Start: 30m, 24h, 7d, a date or time in UTC, or microseconds since 1970.") var since: String?
    @Option(help: "End, exclusive; as --since.") var until: String?
    @Option(help: "Only this model, asked for or answered.") var model: String?
    @Option(help: "Only this provider.") var provider: String?
    @Option(help: "Only this task.") var task: String?
    @Option(help: "Only this environment.") var environment: String?
    @Option(help: "Only this status.") var status: String?
    @Option(help: "Only this outcome.") var outcome: String?
    @Option(help: "Only this API family, as openai-chat.") var api: String?
    @Option(help: "Only this key id.") var key: String?
    @Option(
        name: [.customLong("metadata"), .customLong("meta")],
        help: ArgumentHelp("Only exchanges with this metadata; repeatable.", valueName: "name=value")) var metadata: [String] = []

    /// The filter as of a present, from which ages count back; nil: the clock's.
    func filter(nowUs: Int64? = nil) throws -> FactFilter {
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
        return try arguments.filter(nowUs: nowUs ?? SystemClock().wallUs)
    }
}
