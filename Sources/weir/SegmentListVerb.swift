// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import FactStore
import Platform
import SegmentLog

struct SegmentListVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the segments.",
        discussion: """
            Headers and checksums are read, frames are not decompressed; `weir segment verify` does that.

            EXAMPLES:
              weir segment ls
              weir segment ls --since 1h --json
              weir segment ls --expired
            """)

    @OptionGroup var choice: SegmentChoice
    @Option(help: "Only segments with records from then on: 30m, 24h, 7d, a date or time in UTC, or microseconds since 1970.")
    var since: String?
    @Option(help: "Only segments with records before; as --since.") var until: String?
    @Flag(help: "Instead, those whose records were removed by age or size: their facts are there.") var expired = false
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        guard !expired else { return try listExpired() }
        var times = FilterArguments()
        times.since = since
        times.until = until
        let filter = try times.filter(nowUs: SystemClock().wallUs)
        let log = try choice.log
        var total: (segments: Int, records: UInt64, bytes: Int64) = (0, 0, 0)
        for segment in try choice.segments() {
            let entry = SegmentVerify.skim(segment, in: log)
            if !filter.isEmpty {
                guard let first = entry.minStartedAtUs, let last = entry.maxStartedAtUs,
                    filter.mayPass(earliestUs: first, latestUs: last)
                else { continue }
            }
            total.segments += 1
            total.records += entry.records
            total.bytes += entry.fileBytes
            try Terminal.data(json ? SegmentText.json(entry, segment) : SegmentText.line(entry, segment))
        }
        let gone = try log.expired().count
        let more = gone > 0 ? "; \(gone) more have expired (--expired)" : ""
        Terminal.say("\(total.segments) segments, \(total.records) records, \(total.bytes) bytes\(more)")
    }

    private func listExpired() throws {
        try choice.data.directory.require(PosixFileSystem())
        let log = try choice.log
        var unreadable = 0
        for facts in try log.expired() {
            let manifest: SegmentManifest
            do { manifest = try log.manifest(of: facts) } catch {
                unreadable += 1
                Terminal.say("weir: \(facts.name): \(error)")
                continue
            }
            try Terminal.data(json ? SegmentText.json(expired: manifest) : SegmentText.line(expired: manifest))
        }
        if unreadable > 0 { throw VerbFailure(exitCode: 1, message: "") }
    }
}
