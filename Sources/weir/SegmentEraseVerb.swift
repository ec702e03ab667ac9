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
            The wish is written down first (erasures.ndjson) and outlives this verb: what is in the segment being written now is erased when that one is sealed, minutes later. Metadata covers what began before now. Feedback goes with the exchanges that it is about. Segments on hold stay as they are and are named, and so are those that cannot be searched; exit code 1 then. Once a hold is lifted, or a key is back, --pending does what was left.

            EXAMPLES:
              weir segment erase --metadata user=42 --yes
              weir segment erase --exchange 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10 --yes
              weir segment erase --pending --yes
            """)

    @Option(help: ArgumentHelp("An exchange to be erased; repeatable.", valueName: "id")) var exchange: [String] = []
    @Option(help: ArgumentHelp("All exchanges with this metadata; repeatable, each for itself.", valueName: "name=value"))
    var metadata: [String] = []
    @Flag(help: "Nothing new: do what was written down before and could not be done then.") var pending = false
    @OptionGroup var data: DataOption
    @Flag(help: "Do it without asking.") var yes = false
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        let targets = try self.targets()
        guard targets.isEmpty == pending else {
            throw VerbFailure.usage("say what is to be erased: --exchange ID, --metadata NAME=VALUE, or --pending alone")
        }
        guard yes else { throw VerbFailure.usage("erasing cannot be undone: say --yes") }
        let run = try KeeperRun(data.directory)
        let nowUs = SystemClock().wallUs
        let report = try run.keeper.erase(targets.map { Erasure($0, atUs: nowUs) }) { Terminal.progress("searching \($0.name)") }
        Terminal.endProgress()
        // Also behind a run that found nothing: an earlier one may not have come to an end.
        try run.feedback.forget([])
        try run.feedback.tell()
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
        let held = try log.waitForSealersLock()
        defer { held.release() }
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
        let lock = try log.waitForSealersLock()
        defer { lock.release() }
        let held = try choice.segments().filter { log.hold(of: $0.stem) != nil }
        for segment in held { try log.liftHold(on: segment.stem) }
        Terminal.say("\(held.count) holds lifted; what was to be erased meanwhile goes by `weir segment erase --pending`")
    }
}

extension SegmentDirectory {
    /// The sealer's lock: what is held or released while one works would be so too late.
    ///
    /// - Returns: the lock.
    /// - Throws: `VerbFailure` where another process keeps it for a minute.
    fileprivate func waitForSealersLock() throws -> any HeldLock {
        defer { Terminal.endProgress() }
        let held = try sealersLock(waitUs: 60_000_000) { Terminal.progress(Terminal.waitsForSealer) }
        guard let held else { throw VerbFailure.unfinished("another process seals or erases there; try again when it is done") }
        return held
    }
}
