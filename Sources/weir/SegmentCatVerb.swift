// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

struct SegmentCatVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat", abstract: "Print records as NDJSON.",
        discussion: """
            Lines come as they were written, in write order. Exit code 1 where something was damaged; the rest is printed.

            EXAMPLES:
              weir segment cat | jq .id
              weir segment cat NODE-EPOCH-SEQ.hot
              weir segment cat --since 1h --status 429 --provider openai
              weir segment cat --model gpt-4o-mini --outcome client_closed | jq .response_body
            """)

    @OptionGroup var choice: SegmentChoice
    @OptionGroup var filters: FilterOptions

    func run() throws {
        var walk = SegmentWalk(
            try choice.log, segments: try choice.segments(), filter: try filters.filter(),
            progress: Terminal.quiet("reading"))
        try walk.forEachRun { try Terminal.data(Array($0)) }
        try walk.checkWhole()
    }
}
