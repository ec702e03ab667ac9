// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import SegmentLog

struct SegmentVerifyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read every segment through and say what is damaged; exit 1 where something is.",
        discussion: "EXAMPLES:\n  weir segment verify\n  weir segment verify NODE-EPOCH-SEQ.hot --json")

    @OptionGroup var choice: SegmentChoice
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        var damaged = 0
        let segments = try choice.segments()
        let log = try choice.log
        for (i, segment) in segments.enumerated() {
            Terminal.progress("verifying \(segment.name), \(i + 1) of \(segments.count)")
            let entry = SegmentVerify.verify(segment, in: log)
            Terminal.endProgress()
            if entry.damageCount > 0 || entry.error != nil { damaged += 1 }
            try Terminal.data(json ? SegmentText.json(entry, segment) : SegmentText.line(entry, segment))
            SegmentText.sayWhatIsWrong(entry)
        }
        guard damaged == 0 else { throw VerbFailure.found("something is damaged") }
        Terminal.say("\(segments.count) segments: sound")
    }
}
