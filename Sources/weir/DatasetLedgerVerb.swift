// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import ControlStore
import Platform

struct DatasetLedgerVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "What was ever in an eval set, and what was exported to training.",
        discussion: """
            EXAMPLES:
              weir dataset ledger show
              weir dataset ledger verify --head 12:4f1d...
              weir dataset ledger export ledger.jsonl
            """,
        subcommands: [LedgerShowVerb.self, LedgerVerifyVerb.self, LedgerExportVerb.self, LedgerImportVerb.self])
}

/// Which ledger of which data directory.
struct LedgerChoice: ParsableArguments {
    @Option(help: ArgumentHelp("The ledger's name.", valueName: "name")) var ledger = "default"
    @OptionGroup var data: DataOption

    func open() throws -> ControlStore {
        try data.directory.require(PosixFileSystem())
        return try ControlStore.open(path: data.directory.control, mode: .readOnly)
    }
}

struct LedgerShowVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The head, the data sets and versions, and what training has touched.",
        discussion: "EXAMPLES:\n  weir dataset ledger show\n  weir dataset ledger show --ledger support --json | jq .taints")

    @OptionGroup var choice: LedgerChoice
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
        let store = try choice.open()
        let picture = LedgerPicture(
            name: choice.ledger, head: try store.head(of: choice.ledger), ledgers: try store.ledgers(),
            counts: try store.entryCounts(in: choice.ledger), versions: try store.versions(in: choice.ledger),
            taints: try store.taints(in: choice.ledger))
        guard picture.ledgers.contains(where: { $0.name == choice.ledger }) else {
            let names = picture.ledgers.map(\.name).joined(separator: ", ")
            throw VerbFailure.usage("there is no ledger `\(choice.ledger)`; there are: \(names.isEmpty ? "none" : names)")
        }
        try Terminal.data(json ? picture.json : Array(picture.text.utf8))
    }
}

/// What `show` shows.
struct LedgerPicture {
    let name: String
    let head: LedgerHead
    let ledgers: [LedgerSummary]
    let counts: [(kind: LedgerEntry.Kind, count: Int64)]
    let versions: [LedgerVersion]
    let taints: [LedgerTaintItem]

    var text: String {
        var lines = ["ledger \(name), head \(head)"]
        lines.append("entries: " + counts.map { "\($0.count) \($0.kind.rawValue)" }.joined(separator: ", "))
        for version in versions { lines.append("  " + LedgerPicture.words(version)) }
        for item in taints {
            lines.append(
                "  eval item \(item.taint.item) touched by train build \(item.taint.training), \(item.taint.groups.count) groups")
        }
        let others = ledgers.filter { $0.name != name }
        if !others.isEmpty { lines.append("other ledgers: " + others.map(\.name).joined(separator: ", ")) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A version in words: what entered eval, and what was trained on that was not before.
    static func words(_ version: LedgerVersion) -> String {
        func rows(_ count: Int64, _ kind: String) -> String { "\(count) \(kind) row\(count == 1 ? "" : "s")" }
        let eval = version.evalRows == 0 ? "no new eval row" : "\(rows(version.evalRows, "new eval"))"
        let exports = version.trainings == 1 ? "one export" : "\(version.trainings) exports"
        let train = version.trainings == 0 ? "no new training" : "\(rows(version.trainRows, "training")) in \(exports)"
        let entries =
            version.firstSeq == version.lastSeq
            ? "entry \(version.firstSeq)" : "entries \(version.firstSeq) to \(version.lastSeq)"
        return "\(version.dataset) \(version.version): \(eval), \(train) (\(entries))"
    }

    var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("ledger")
        json.value(name)
        json.key("head")
        json.value(head.description)
        json.key("entries")
        json.beginObject()
        for (kind, count) in counts {
            json.key(kind.rawValue)
            json.value(count)
        }
        json.endObject()
        json.key("versions")
        json.beginArray()
        for version in versions { LedgerPicture.write(version, to: &json) }
        json.endArray()
        json.key("taints")
        json.beginArray()
        for item in taints { LedgerPicture.write(item, to: &json) }
        json.endArray()
        json.endObject()
        json.newline()
        return json.bytes
    }

    private static func write(_ version: LedgerVersion, to json: inout JSONWriter) {
        json.beginObject()
        for (key, text) in [("dataset", version.dataset), ("version", version.version)] {
            json.key(key)
            json.value(text)
        }
        let numbers = [
            ("eval_rows", version.evalRows), ("train_rows", version.trainRows), ("trainings", version.trainings),
            ("first_seq", version.firstSeq), ("last_seq", version.lastSeq),
        ]
        for (key, number) in numbers {
            json.key(key)
            json.value(number)
        }
        json.endObject()
    }

    private static func write(_ item: LedgerTaintItem, to json: inout JSONWriter) {
        json.beginObject()
        json.key("seq")
        json.value(item.seq)
        json.key("item")
        json.value(item.taint.item.description)
        json.key("training")
        json.value(item.taint.training)
        json.key("groups")
        json.beginArray()
        for key in item.taint.groups { json.value(key.hex) }
        json.endArray()
        json.endObject()
    }
}

struct LedgerVerifyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Walk the chain and name the first broken entry.",
        discussion: """
            Exit code 1 where something is not as it was written. A ledger whose tail was cut off is an older ledger: give a head that a manifest or an export holds, and it is found.

            EXAMPLES:
              weir dataset ledger verify
              weir dataset ledger verify --head 12:4f1d... --json
            """)

    @OptionGroup var choice: LedgerChoice
    @Option(help: ArgumentHelp("A head that must be in the chain; repeatable.", valueName: "count:hash")) var head: [String] = []
    @Flag(help: "The verdict as one JSON object.") var json = false

    func run() throws {
        let anchors = try head.map { text in
            guard let head = LedgerHead(text: text) else {
                throw VerbFailure.usage("--head takes a number of entries and a hash, as `show` gives them: COUNT:HASH")
            }
            return head
        }
        let found = try choice.open().verify(ledger: choice.ledger, anchors: anchors)
        if json { try Terminal.data(LedgerVerifyVerb.line(found, ledger: choice.ledger)) }
        if let fault = found.fault {
            throw VerbFailure.found(
                "the ledger `\(choice.ledger)` is broken: \(fault). \(found.entries) entries before are as they were written")
        }
        if !json { Terminal.say("\(found.entries) entries are as they were written; the head is \(found.head)") }
    }

    private static func line(_ found: LedgerVerification, ledger: String) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("ledger")
        json.value(ledger)
        json.key("entries")
        json.value(found.entries)
        json.key("head")
        json.value(found.head.description)
        json.key("fault")
        if let fault = found.fault {
            json.beginObject()
            json.key("kind")
            json.value(fault.kind.rawValue)
            json.key("seq")
            json.value(fault.seq)
            json.key("message")
            json.value(fault.message)
            json.endObject()
        } else {
            json.null()
        }
        json.endObject()
        json.newline()
        return json.bytes
    }
}

struct LedgerExportVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the whole ledger as JSONL.",
        discussion: "EXAMPLES:\n  weir dataset ledger export ledger.jsonl\n  weir dataset ledger export | zstd > ledger.jsonl.zst"
    )

    @OptionGroup var choice: LedgerChoice
    @Argument(help: ArgumentHelp("A new file (default: standard output).", valueName: "file"), completion: .file())
    var file: String?

    func run() throws {
        let store = try choice.open()
        guard let file else { return try store.exportLedger(choice.ledger) { try Terminal.data($0) } }
        let files = PosixFileSystem()
        let target: any OpenFile
        do { target = try files.open(file, .createNew) } catch { throw VerbFailure.usage("\(file) cannot be made: \(error)") }
        defer { target.close() }
        do {
            try store.exportLedger(choice.ledger) { try target.append($0) }
            try target.sync()
            try files.syncDirectory(PathText.parent(of: file))
        } catch {
            try files.unlink(file)
            throw error
        }
        Terminal.say("the ledger `\(choice.ledger)` is in \(file)")
    }
}

struct LedgerImportVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Fill an empty ledger with an export.",
        discussion: """
            The ledger keeps its name and its head. Exit code 1 where the file is no whole export, or was changed; nothing is stored then.

            EXAMPLES:
              weir dataset ledger import ledger.jsonl
              zstd -dc ledger.jsonl.zst | weir dataset ledger import -
            """)

    @Argument(help: ArgumentHelp("The export; - for standard input.", valueName: "file"), completion: .file()) var file: String
    @OptionGroup var data: DataOption

    func run() throws {
        let files = PosixFileSystem()
        try data.directory.create(files)
        var next = try ChunkedInput.next(file, files)
        // Whoever writes to standard input may take as long as they like: nobody else may write to the database while it is filled.
        if file == "-" { next = try SpilledInput.next(next, in: data.directory.path, files) }
        let store = try ControlStore.open(path: data.directory.control, mode: .readWrite)
        let summary = try store.importLedger(next: next)
        Terminal.say("the ledger `\(summary.name)` is there; its head is \(summary.head)")
    }
}

/// A file or standard input, some of it at a time.
enum ChunkedInput {
    private static let chunkBytes = 1 << 20

    /// Gives the next bytes at each call, nil at the end.
    static func next(_ path: String, _ files: PosixFileSystem) throws -> () throws -> [UInt8]? {
        if path == "-" { return { try Terminal.input(chunkBytes) } }
        do { return chunks(of: try files.open(path, .read)) } catch {
            throw VerbFailure.usage("\(path) cannot be read: \(error)")
        }
    }

    /// The same of an open file.
    static func chunks(of file: any OpenFile) -> () throws -> [UInt8]? {
        var at: Int64 = 0
        return {
            let bytes = try file.read(at: at, count: chunkBytes)
            at += Int64(bytes.count)
            return bytes.isEmpty ? nil : bytes
        }
    }
}

/// Input that is read to its end before any of it is given: into a file without a name.
enum SpilledInput {
    /// Bytes of an export: far more than a ledger of a hundred million keys.
    static let limitBytes: Int64 = 64 << 30

    /// Reads all there is, and gives it again from its beginning.
    ///
    /// - Parameters:
    ///   - next: gives the next bytes, nil at the end.
    ///   - directory: where the file lies as long as the process runs.
    ///   - files: of the machine.
    ///   - limitBytes: how much is read.
    /// - Returns: the same bytes.
    /// - Throws: `VerbFailure` where it is more than that, `PlatformError` where the disk does not take it.
    static func next(
        _ next: () throws -> [UInt8]?, in directory: String, _ files: any FileSystem, limitBytes: Int64 = SpilledInput.limitBytes
    ) throws -> () throws -> [UInt8]? {
        let random = SystemRandom.bits128()
        let path = PathText.join(directory, ".spilled-\(random.high)-\(random.low)")
        let file = try files.open(path, .createNew)
        // It goes with the process, however that ends.
        try files.unlink(path)
        var count: Int64 = 0
        while let bytes = try next() {
            count += Int64(bytes.count)
            guard count <= limitBytes else {
                throw VerbFailure.usage("standard input holds more than \(limitBytes) bytes; give it as a file")
            }
            try file.append(bytes)
        }
        return ChunkedInput.chunks(of: file)
    }
}
