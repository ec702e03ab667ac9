// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import ControlStore
import Datasets
import Platform

struct DatasetImportVerb: ParsableCommand {
    /// What the rows were, or are, used for.
    enum Side: String, ExpressibleByArgument, CaseIterable {
        case eval, train
    }

    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take rows of somebody else's JSONL into a ledger, to eval or to training.",
        discussion: """
            Eval rows keep everything that is near them out of all later training sets of the ledger; training rows are never chosen for eval. Reads the shapes that `weir dataset check` reads. A row that cannot be read refuses the whole file, unless --skip-bad is given. A row is known by the bytes of its line: a file that was imported adds nothing again.

            An import cannot be taken back: a ledger only grows. See first with --dry-run. Exit code 2 for rows that cannot be read.

            EXAMPLES:
              weir dataset import benchmark.jsonl --as eval
              weir dataset import old-training.jsonl --as train --name tuned-2025 --ledger support
              zstd -dc benchmark.jsonl.zst | weir dataset import - --as eval --name benchmark --dry-run
            """)

    @Argument(help: ArgumentHelp("The rows; - for standard input.", valueName: "file"), completion: .file(extensions: ["jsonl"]))
    var file: String
    @Option(name: .customLong("as"), help: "What they are for: eval or train.") var side: Side
    @Option(help: "The name by which the ledger knows them (default the file's).") var name: String?
    @Option(help: ArgumentHelp("The ledger's name.", valueName: "name")) var ledger = "default"
    @Flag(help: "Leave out rows that cannot be read, and name the first of them.") var skipBad = false
    @Flag(help: "Read and compare, and tell the ledger nothing.") var dryRun = false
    @Flag(help: "One JSON object on standard output.") var json = false
    @OptionGroup var data: DataOption

    func run() throws {
        let files = PosixFileSystem()
        try data.directory.require(files)
        let name = try givenName()
        let input = try RowFile.input(file, files)
        let place = try ImportPlace(data.directory, files)
        defer { place.clear() }
        var rows = RowImport(side: side == .eval ? .eval : .train, name: name)
        (rows.skipsBad, rows.isDryRun) = (skipBad, dryRun)
        let found = try rows.run(
            input, ledger: try openLedger(files), directory: place.path, files: files, recordedUs: SystemClock().wallUs
        ) { Terminal.progress("import: \(HumanUnits.grouped($0)) rows") }
        Terminal.endProgress()
        for words in found.bad { Terminal.say("left out: \(words)") }
        for words in ImportText.warnings(found.summary, side) { Terminal.say("careful: \(words)") }
        guard json else { return Terminal.say(ImportText.line(found.summary, name, self)) }
        try Terminal.data(ImportText.json(found.summary, name, self))
    }

    private func givenName() throws -> String {
        guard let name else {
            let stem = PathText.name(of: file).split(separator: ".").first.map(String.init) ?? ""
            let plain = String(stem.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) ? $0 : "-" })
            guard file != "-", !plain.isEmpty else { throw VerbFailure.usage("say with --name what the rows are called") }
            return String(plain.prefix(DatasetLimits.nameBytes))
        }
        do { try DatasetRecipe(name: name).validate() } catch {
            throw VerbFailure.usage("--name takes letters, digits, dots, underscores and hyphens, and no dot first")
        }
        return name
    }

    /// The ledger; a dry run makes no database where there is none.
    private func openLedger(_ files: PosixFileSystem) throws -> DatasetLedger {
        var recipe = DatasetRecipe(name: "import")
        recipe.ledger = ledger
        do { try recipe.validate() } catch {
            throw VerbFailure.usage("--ledger takes letters, digits, dots, underscores and hyphens")
        }
        let path = data.directory.control
        if dryRun, try files.status(of: path) == nil { return DatasetLedger(withoutStore: ledger) }
        return try DatasetLedger(ControlStore.open(path: path, mode: dryRun ? .readOnly : .readWrite), name: ledger)
    }
}

/// Where traits wait while rows are imported; one import at a time.
private struct ImportPlace {
    let path: String
    private let files: PosixFileSystem
    private let lock: FileLock

    init(_ directory: DataDirectory, _ files: PosixFileSystem) throws {
        path = PathText.join(directory.path, ".import.working")
        self.files = files
        lock = FileLock(path: PathText.join(directory.path, ".import.lock"))
        guard try lock.tryAcquire() else {
            throw VerbFailure.unfinished("another import is running on \(directory.path): wait for it to end")
        }
        try files.createDirectories(path)
    }

    /// Removes the directory; what cannot be removed, the next import uses.
    func clear() {
        try? files.removeDirectory(path)
        lock.release()
    }
}

/// What an import came to, for people and for programs.
enum ImportText {
    static func line(_ summary: RowImportSummary, _ name: String, _ verb: DatasetImportVerb) -> String {
        var out = "\(HumanUnits.grouped(summary.rows)) rows read"
        if summary.bad > 0 { out += ", \(HumanUnits.grouped(summary.bad)) left out" }
        let side = verb.side == .eval ? "eval" : "training"
        let new = summary.added == 1 ? "one is new to \(side)" : "\(HumanUnits.grouped(summary.added)) are new to \(side)"
        out += "; \(new) in the ledger `\(verb.ledger)`"
        if verb.dryRun { return out + "; nothing was told to it" }
        return summary.added == 0 ? out : out + " as \(name) \(summary.version); its head is \(summary.head)"
    }

    static func warnings(_ summary: RowImportSummary, _ side: DatasetImportVerb.Side) -> [String] {
        var out: [String] = []
        if summary.short > 0 {
            out.append(
                "\(HumanUnits.grouped(summary.short)) eval rows have fewer than 20 tokens in a view: whatever holds half of one stays out of training"
            )
        }
        if summary.nearEval > 0 {
            out.append(
                "\(HumanUnits.grouped(summary.nearEval)) of the training rows are too near to a row that is, or ever was, in an eval set of the ledger"
            )
        }
        if summary.tainted > 0 {
            out.append(
                "training has touched \(HumanUnits.grouped(summary.tainted)) eval rows; `weir dataset ledger show` names them")
        }
        return out
    }

    static func json(_ summary: RowImportSummary, _ name: String, _ verb: DatasetImportVerb) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for (key, text) in [
            ("name", name), ("version", summary.version), ("as", verb.side.rawValue), ("ledger", verb.ledger),
            ("head", summary.head),
        ] {
            json.key(key)
            json.value(text)
        }
        for (key, count) in [
            ("rows", summary.rows), ("added", summary.added), ("known", summary.known), ("bad", summary.bad),
            ("short", summary.short),
            ("near_eval", summary.nearEval), ("tainted", summary.tainted),
        ] {
            json.key(key)
            json.value(count)
        }
        json.key("dry_run")
        json.value(verb.dryRun)
        json.endObject()
        json.newline()
        return json.bytes
    }
}
