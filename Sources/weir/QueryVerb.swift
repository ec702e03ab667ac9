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
    @OptionGroup var filters: FilterOptions
    @Option(help: "At most so many exchanges (for `exchanges`).") var limit: Int?
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        guard let name else {
            for entry in Answers.list { try Terminal.data("\(entry.name)\t\(entry.summary)\n") }
            return
        }
        try Answers.check(name)
        try data.directory.require(PosixFileSystem())
        let filter = try filters.filter()
        let store = try FactStore.open(path: data.directory.index, mode: .readOnly)
        try Answers.write(name, filter: filter, isJSON: json, limit: limit, store: store) { try Terminal.data($0) }
    }
}
