// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import ControlStore
import ExchangeModel
import FactStore
import Platform

struct FeedbackVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feedback", abstract: "Say how good an answer was, or what it should have been.",
        discussion: """
            Data sets use it: what users disliked is hard and makes pairs, a correction is a reference.

            EXAMPLES:
              weir feedback 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10 --score 1
              weir feedback --file ratings.jsonl --source review-queue
              weir feedback list --since 7d --json
            """,
        subcommands: [FeedbackAddVerb.self, FeedbackListVerb.self], defaultSubcommand: FeedbackAddVerb.self)
}

struct FeedbackAddVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Give feedback about one exchange, or many from a file (the verb that is meant where none is named).",
        discussion: """
            A score is on the source's own scale; a later piece of feedback of the same source counts instead of an earlier one. With --file, each line is one JSON object with `exchange_id` and any of `score`, `label`, `correction` (text, or any JSON), `source`, `at_us` and `id`; all lines are stored, or none. A line with an `id` that is there already is passed over, so that a file may be given again.

            An exchange that the index does not know is refused (exit code 2), unless --allow-unknown is given.

            EXAMPLES:
              weir feedback 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10 --score 1
              weir feedback 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10 --label wrong-order --correction 'Order 4711' --source support
              weir feedback --file ratings.jsonl --source review-queue --json
            """)

    @Argument(help: ArgumentHelp("The exchange (x-weir-exchange-id of its answer).", valueName: "exchange")) var exchange: String?
    @Option(parsing: .unconditional, help: "A number, such as 1, 0.5 or -1.") var score: Double?
    @Option(help: "What kind of answer it was, in a word or a few.") var label: String?
    @Option(help: "What the answer should have been, as text.") var correction: String?
    @Option(help: "The same as JSON, kept with its order and spellings.") var correctionJson: String?
    @Option(help: "Who says so.") var source = "cli"
    @Option(
        help: ArgumentHelp("Many at once: JSONL; - for standard input.", valueName: "path"),
        completion: .file(extensions: ["jsonl"]))
    var file: String?
    @Flag(help: "Store it also where the index does not know the exchange; that is said.") var allowUnknown = false
    @Flag(help: "One JSON object: added, duplicates, unknown, and the id of a single one.") var json = false
    @OptionGroup var data: DataOption

    func run() throws {
        try check()
        let files = PosixFileSystem()
        try data.directory.require(files)
        let all = try file.map { try FeedbackFile.read($0, source: source, files) } ?? [single()]
        let unknown = try FeedbackFile.unknown(all, directory: data.directory)
        if let first = unknown.first, !allowUnknown {
            let more = unknown.count > 1 ? " and \(unknown.count - 1) more" : ""
            throw VerbFailure.usage(
                "the index does not know the exchange \(first)\(more); run `weir index` where it is new, or say --allow-unknown. "
                    + "Nothing was stored")
        }
        let stored = try ControlStore.open(path: data.directory.control, mode: .readWrite).add(all)
        try tell(stored, unknown: unknown.count, id: file == nil ? all.first?.id : nil)
    }

    private func check() throws {
        guard (exchange == nil) != (file == nil) else {
            throw VerbFailure.usage("say which exchange, or give many with --file; not both")
        }
        guard file == nil || (score == nil && label == nil && correction == nil && correctionJson == nil) else {
            throw VerbFailure.usage("--file brings scores, labels and corrections with it")
        }
        guard correction == nil || correctionJson == nil else {
            throw VerbFailure.usage("--correction and --correction-json cannot both be had")
        }
    }

    private func single() throws -> Feedback {
        guard let text = exchange, let about = ExchangeID(text: text) else { throw VerbFailure.usage("that is no exchange id") }
        var feedback = Feedback(
            id: FeedbackFile.newID(), exchange: about, atUs: SystemClock().wallUs, source: source, score: score, label: label)
        if let correction { feedback.correction = .text(correction) }
        if let correctionJson {
            guard let document = JSONDocument.read(Array(correctionJson.utf8)) else {
                throw VerbFailure.usage("--correction-json is no JSON")
            }
            feedback.correction = try FeedbackCorrection(document.root)
        }
        try feedback.check()
        return feedback
    }

    private func tell(_ stored: FeedbackStored, unknown: Int, id: ExchangeID?) throws {
        if unknown > 0 {
            Terminal.say("weir: the index does not know \(unknown) of the exchanges; the feedback is stored all the same")
        }
        guard json else {
            let again = stored.duplicates > 0 ? ", \(stored.duplicates) were there already" : ""
            return Terminal.say("\(stored.added) stored\(again)")
        }
        var out = JSONWriter()
        out.beginObject()
        for (key, number) in [("added", stored.added), ("duplicates", stored.duplicates), ("unknown", unknown)] {
            out.key(key)
            out.value(Int64(number))
        }
        out.key("id")
        out.value(id?.description)
        out.endObject()
        out.newline()
        try Terminal.data(out.bytes)
    }
}

/// Feedback out of a file, and what the index says of it.
enum FeedbackFile {
    /// Bytes of a file: what is read is held in memory, and stored in one transaction.
    private static let limitBytes = 256 << 20
    private static let lookupsAtOnce = 1_000

    static func newID() -> ExchangeID {
        ExchangeID(milliseconds: UInt64(clamping: SystemClock().wallUs / 1_000), random: SystemRandom.bits128())
    }

    /// Reads every line; the first that is wrong is named by its number, and its content is not told.
    static func read(_ path: String, source: String, _ files: PosixFileSystem) throws -> [Feedback] {
        var bytes: [UInt8] = []
        let next = try ChunkedInput.next(path, files)
        while let chunk = try next() {
            guard bytes.count + chunk.count <= limitBytes else {
                throw VerbFailure.usage("--file takes at most \(limitBytes) bytes; give it in parts")
            }
            bytes += chunk
        }
        let nowUs = SystemClock().wallUs
        var all: [Feedback] = []
        for (place, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
        where line.contains(where: { $0 != 0x20 && $0 != 0x0D }) {
            do throws(ControlStoreError) {
                all.append(try FeedbackJSON.read(Array(line), id: newID(), atUs: nowUs, source: source))
            } catch {
                throw VerbFailure.usage("line \(place + 1): \(error.message). Nothing was stored")
            }
            guard all.count <= ControlStoreLimits.feedbackABatch else {
                throw VerbFailure.usage("--file takes at most \(ControlStoreLimits.feedbackABatch) lines; give it in parts")
            }
        }
        guard !all.isEmpty else { throw VerbFailure.usage("the file holds no feedback") }
        return all
    }

    /// The exchanges that the index does not know, each once, in the order of the feedback.
    static func unknown(_ all: [Feedback], directory: DataDirectory) throws -> [ExchangeID] {
        var seen: Set<ExchangeID> = []
        let asked = all.map(\.exchange).filter { seen.insert($0).inserted }
        let store: FactStore
        do { store = try FactStore.open(path: directory.index, mode: .readOnly) } catch let error as FactStoreError
            where error.code == .notFound
        {
            return asked
        }
        var known: Set<ExchangeID> = []
        for from in stride(from: 0, to: asked.count, by: lookupsAtOnce) {
            let part = Array(asked[from..<min(from + lookupsAtOnce, asked.count)])
            known.formUnion(try store.facts(of: part).map(\.head.id))
        }
        return asked.filter { !known.contains($0) }
    }
}

struct FeedbackListVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show feedback, the latest first.",
        discussion: """
            EXAMPLES:
              weir feedback list --limit 20
              weir feedback list --exchange 019a2b6e-7c1d-7e55-9a41-2f9d3c5b8e10
              weir feedback list --source review-queue --since 7d --json > ratings.jsonl
            """)

    @Option(help: ArgumentHelp("Only about this exchange.", valueName: "id")) var exchange: String?
    @Option(help: "Only from this source.") var source: String?
    @Option(help: "Start: 30m, 24h, 7d, a date or time in UTC, or microseconds since 1970.") var since: String?
    @Option(help: "End, exclusive; as --since.") var until: String?
    @Option(help: "At most so many.") var limit = 100
    @Flag(help: "One JSON object a line, as --file takes them.") var json = false
    @OptionGroup var data: DataOption

    func run() throws {
        guard (1...ControlStoreLimits.feedbackListed).contains(limit) else {
            throw VerbFailure.usage("--limit takes 1 to \(ControlStoreLimits.feedbackListed)")
        }
        let filter = try filter()
        try data.directory.require(PosixFileSystem())
        let store = try ControlStore.open(path: data.directory.control, mode: .readOnly)
        var count = 0
        try store.forEachFeedback(filter, limit: limit) { feedback in
            count += 1
            try Terminal.data(json ? FeedbackJSON.line(feedback) : Array(FeedbackListVerb.text(feedback).utf8))
        }
        if !json, count == 0 { Terminal.say("no feedback passes the filter") }
    }

    private func filter() throws -> FeedbackFilter {
        var times = FilterArguments()
        times.since = since
        times.until = until
        let parsed = try times.filter(nowUs: SystemClock().wallUs)
        var filter = FeedbackFilter()
        if let exchange {
            guard let id = ExchangeID(text: exchange) else { throw VerbFailure.usage("`--exchange` takes an exchange id") }
            filter.exchange = id
        }
        filter.source = source
        filter.sinceUs = parsed.sinceUs
        filter.untilUs = parsed.untilUs
        return filter
    }

    /// One line for a person; how long a correction is, not what it says.
    private static func text(_ feedback: Feedback) -> String {
        var words = [CalendarTime.isoText(us: feedback.atUs), feedback.exchange.description, feedback.source]
        if let score = feedback.score { words.append("score \(score)") }
        if let label = feedback.label { words.append("label \(TerminalCell.shown(label))") }
        switch feedback.correction {
        case .text(let text): words.append("correction of \(text.utf8.count) bytes")
        case .json(let bytes): words.append("correction of \(bytes.count) bytes of JSON")
        case nil: break
        }
        return words.joined(separator: "  ") + "\n"
    }
}
