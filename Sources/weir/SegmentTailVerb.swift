// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import Dialects
import ExchangeModel
import FactStore
import Platform
import SegmentLog

struct SegmentTailVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "The last exchanges; with -f, those to come as they are written.",
        discussion: """
            One line an exchange: start, task, provider, model, status, duration, bytes of both bodies, id. Records are written when an exchange has ended, a moment after its last byte. Following ends with Ctrl-C.

            EXAMPLES:
              weir segment tail
              weir segment tail -f --task support
              weir segment tail -f -n 0 --json | jq -r .outcome
            """)

    @OptionGroup var data: DataOption
    @Flag(name: .shortAndLong, help: "Go on as the log grows.") var follow = false
    @Option(name: [.customShort("n"), .long], help: "How many of the last exchanges come first.") var lines = 10
    @OptionGroup var filters: FilterOptions
    @Flag(help: "The whole record, one a line.") var json = false

    private static let pauseUs: Int64 = 200_000

    func run() throws {
        guard (0...1_000_000).contains(lines) else { throw VerbFailure.usage("-n takes 0 to 1000000") }
        try data.directory.require(PosixFileSystem())
        let filter = try filters.filter()
        let follower = SegmentFollow(try data.directory.log)
        let last = try follower.begin(lines) { line in
            filter.isEmpty || (try? ExchangeRecord(line: line)).map { filter.passes($0, reading: ExchangeReader.read) } ?? false
        }
        for line in last { try show(line[...], filter: FactFilter()) }
        guard follow else { return }
        let clock = SystemClock()
        while true {
            let hasFound = try follower.look { segment, event in
                switch event {
                case .batch(let batch): for range in batch.lineRanges { try show(batch.raw[range], filter: filter) }
                case .damage(let range, let reason): SegmentText.say(range, reason, of: segment)
                case .gap(let gap): Terminal.say("weir: \(segment): \(gap.count) exchanges have no record: \(gap.reason)")
                case .locked: Terminal.say("weir: \(segment): a batch is encrypted with a key that is not at hand")
                }
            }
            if !hasFound { clock.sleep(us: SegmentTailVerb.pauseUs) }
        }
    }

    private func show(_ line: ArraySlice<UInt8>, filter: FactFilter) throws {
        if json, filter.isEmpty { return try Terminal.data(Array(line) + [0x0A]) }
        guard let record = try? ExchangeRecord(line: line) else {
            return Terminal.say("weir: a line is no record that this version reads")
        }
        guard filter.passes(record, reading: ExchangeReader.read) else { return }
        if json { return try Terminal.data(Array(line) + [0x0A]) }
        try Terminal.data(RecordText.line(record, reading: ExchangeReader.read(record)) + "\n")
    }
}
