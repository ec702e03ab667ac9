// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ExchangeModel
import Indexing
import Platform
import SegmentLog

struct SegmentEraseVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase records from segments, facts and index; there is no way back.",
        discussion: """
            The wish is written down first (erasures.ndjson) and outlives this verb: what is in the segment being written now is erased when that one is sealed, minutes later. Metadata covers what began before now. Segments on hold stay as they are and are named; exit code 1 then.

            EXAMPLES:
              weir segment erase --metadata user=42 --yes
              weir segment erase --exchange 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10 --yes
            """)

    @Option(help: ArgumentHelp("An exchange to be erased; repeatable.", valueName: "id")) var exchange: [String] = []
    @Option(help: ArgumentHelp("All exchanges with this metadata; repeatable, each for itself.", valueName: "name=value"))
    var metadata: [String] = []
    @OptionGroup var data: DataOption
    @Flag(help: "Do it without asking.") var yes = false
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        let targets = try self.targets()
        guard !targets.isEmpty else {
            throw VerbFailure.usage("say what is to be erased: --exchange ID or --metadata NAME=VALUE")
        }
        guard yes else { throw VerbFailure.usage("erasing cannot be undone: say --yes") }
        let run = try KeeperRun(data.directory)
        var erasures = try Erasures(of: run.log)
        let nowUs = SystemClock().wallUs
        try erasures.append(targets.map { Erasure($0, atUs: nowUs) }, in: run.log)
        let report = try run.keeper.erase { Terminal.progress("searching \($0.name)") }
        Terminal.endProgress()
        let hot = try run.log.list().filter { !$0.isSealed }.count
        if hot > 0 {
            Terminal.say(
                "weir: \(hot) segments are still being written or not indexed; what they hold of it goes when they are sealed")
        }
        try KeeperRun.finish(report, json: json)
    }

    private func targets() throws -> [Erasure.Target] {
        var targets: [Erasure.Target] = []
        for text in exchange {
            guard let id = ExchangeID(text: text) else { throw VerbFailure.usage("`\(text)` is no exchange id") }
            targets.append(.exchange(id))
        }
        for text in metadata {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw VerbFailure.usage("--metadata takes NAME=VALUE, not `\(text)`")
            }
            targets.append(
                .metadata(name: text[..<equals].lowercased(), value: String(text[text.index(after: equals)...])))
        }
        return targets
    }
}

struct SegmentHoldVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Keep segments from being removed or written anew (legal hold).",
        discussion:
            "EXAMPLES:\n  weir segment hold --reason \"case 7\" NODE-EPOCH-SEQ.1.records.ndjson.zst\n  weir segment hold --reason audit"
    )

    @Option(help: "Why.") var reason: String
    @OptionGroup var choice: SegmentChoice

    func run() throws {
        let log = try choice.log
        let segments = try choice.segments()
        let hold = SegmentHold(reason: reason, atUs: SystemClock().wallUs)
        for segment in segments { try log.set(hold, on: segment.stem) }
        Terminal.say("\(segments.count) segments are held")
    }
}

struct SegmentReleaseVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Lift holds.",
        discussion: "EXAMPLES:\n  weir segment release NODE-EPOCH-SEQ.1.records.ndjson.zst\n  weir segment release")

    @OptionGroup var choice: SegmentChoice

    func run() throws {
        let log = try choice.log
        let held = try choice.segments().filter { log.hold(of: $0.stem) != nil }
        for segment in held { try log.liftHold(on: segment.stem) }
        Terminal.say("\(held.count) holds lifted")
    }
}
