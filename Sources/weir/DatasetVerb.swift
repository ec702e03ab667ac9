// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import ControlStore
import Datasets
import FactStore
import Indexing
import Platform
import SegmentLog

struct DatasetVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataset", abstract: "Turn captured traffic into train and eval sets.",
        discussion: """
            EXAMPLES:
              weir dataset init support.yaml --name support
              weir dataset preview support.yaml
              weir dataset build support.yaml
              weir dataset list
            """,
        subcommands: [
            DatasetInitVerb.self, DatasetPreviewVerb.self, DatasetBuildVerb.self, DatasetListVerb.self, DatasetShowVerb.self,
            DatasetDiffVerb.self, DatasetVerifyVerb.self, DatasetCheckVerb.self, DatasetImportVerb.self, DatasetLedgerVerb.self,
        ])
}

struct DatasetBuildVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build train.jsonl, eval.jsonl, lineage.jsonl, excluded.jsonl, report.html and manifest.json.",
        discussion: """
            The same records, recipe, ledger, feedback and key of pseudonyms give the same bytes. No conversation has rows on both sides, and no training row is near a row that is, or ever was, in an eval set of the ledger.

            A second data set over the same traffic takes the same name as the first, or another ledger: what the one measures with, the others of its ledger never use. Exit code 1 where nothing can be built of what is selected; what was built before stays.

            EXAMPLES:
              weir dataset build support.yaml
              weir dataset build --name support --task support-triage
              weir dataset build --name v1 --eval-percent 10 --group-by customer --out ./sets/v1
            """)

    @Argument(
        help: ArgumentHelp("A recipe, as `weir dataset init` writes it; without one the options below.", valueName: "recipe"))
    var path: String?
    @OptionGroup var data: DataOption
    @Option(help: "The data set's name: letters, digits, dot, underscore, hyphen.") var name: String?
    @Option(help: ArgumentHelp("Where it goes (default DATA/datasets/NAME).", valueName: "dir")) var out: String?
    @Option(help: "Share of the conversation groups that go to eval, 0 to 100 (default 10).") var evalPercent: Double?
    @Option(help: "Decides the sides (default the name).") var salt: String?
    @Option(help: ArgumentHelp("Metadata whose equal values belong together; repeatable.", valueName: "metadata")) var groupBy:
        [String] = []
    @Option(help: "Start: 30m, 24h, 7d, a date or time in UTC, or microseconds since 1970.") var since: String?
    @Option(help: "End, exclusive; as --since.") var until: String?
    @Option(help: "Only this task.") var task: String?
    @Option(help: "Only this model, as requested.") var model: String?
    @Option(help: "Only this environment.") var environment: String?
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        try data.directory.require(PosixFileSystem())
        let recipe = try recipe()
        let report = try DatasetRun.run(recipe, data.directory, output: out)
        Terminal.endProgress()
        for warning in report.warnings { Terminal.say("careful: \(warning)") }
        if json {
            try Terminal.data(DatasetRun.json(report))
        } else {
            try Terminal.data(DatasetRun.text(report, output: out ?? PathText.join(data.directory.datasets, recipe.name)))
        }
    }

    private func recipe() throws -> DatasetRecipe {
        let nowUs = SystemClock().wallUs
        guard let path else { return try recipeOfOptions(nowUs) }
        let options: [(String, Bool)] = [
            ("--name", name != nil), ("--eval-percent", evalPercent != nil), ("--salt", salt != nil),
            ("--group-by", !groupBy.isEmpty),
            ("--since", since != nil), ("--until", until != nil), ("--task", task != nil), ("--model", model != nil),
            ("--environment", environment != nil),
        ]
        if let given = options.first(where: \.1)?.0 {
            throw VerbFailure.usage("\(given) and a recipe cannot be had together: write it into \(path)")
        }
        return try RecipeFile.read(path: path, environment: ProgramEnvironment.all, files: PosixFileSystem(), nowUs: nowUs)
    }

    private func recipeOfOptions(_ nowUs: Int64) throws -> DatasetRecipe {
        guard let name else { throw VerbFailure.usage("name a recipe, or the data set with --name") }
        var times = FilterArguments()
        times.since = since
        times.until = until
        let filter = try times.filter(nowUs: nowUs)
        var recipe = DatasetRecipe(name: name)
        if let salt { recipe.salt = salt }
        if let evalPercent {
            guard (0...100).contains(evalPercent) else { throw VerbFailure.usage("--eval-percent takes 0 to 100") }
            recipe.eval.sharePPM = Int64((evalPercent * 10_000).rounded())
        }
        recipe.groupBy = groupBy.map { $0.lowercased() }
        recipe.selection.sinceUs = filter.sinceUs
        recipe.selection.untilUs = filter.untilUs
        recipe.selection.tasks = task.map { [$0] } ?? []
        recipe.selection.models = model.map { [$0] } ?? []
        recipe.selection.environments = environment.map { [$0] } ?? []
        recipe.redact.keyFile = RecipeFile.keyFile(ProgramEnvironment.all)
        do { try recipe.validate() } catch { throw VerbFailure.usage("\(error)") }
        return recipe
    }
}

/// One build, as the verbs run it.
enum DatasetRun {
    /// Brings the index up to date, then builds.
    static func run(_ recipe: DatasetRecipe, _ directory: DataDirectory, output: String?) throws -> DatasetReport {
        let files = PosixFileSystem()
        let indexed = try IndexRun.run(directory, maxDurationUs: 600_000_000, showsProgress: true)
        guard indexed.isCaughtUp else {
            throw VerbFailure.unfinished("the index is not up to date yet; run `weir index`, then build again")
        }
        let place = output ?? PathText.join(directory.datasets, recipe.name)
        try files.createDirectories(PathText.parent(of: place))
        let store = try FactStore.open(path: directory.index, mode: .readOnly)
        let control = try ControlStore.open(path: directory.control, mode: .readWrite)
        let ledger = try DatasetLedger(control, name: recipe.ledger)
        let source = SegmentSource(
            facts: store, segments: try directory.log, recipe: recipe, pinned: try ledger.pinnedExchanges(of: recipe.name))
        return try DatasetBuild.run(
            recipe: recipe, source: source, output: place, files: files, tool: Program.tool, feedback: control, ledger: ledger,
            recordedUs: SystemClock().wallUs
        ) { progress in
            let total = progress.total.map { " of \($0)" } ?? ""
            Terminal.progress("data set: \(progress.phase.rawValue), \(progress.records)\(total) records")
        }
    }

    static func text(_ report: DatasetReport, output: String) -> String {
        var lines = [
            "train \(report.trainRows) rows in \(report.trainGroups) groups, eval \(report.evalRows) rows in \(report.evalGroups) groups",
            "from \(report.seen) exchanges: \(report.kept) usable, \(report.conversations) conversations",
        ]
        for drop in report.drops { lines.append("  not a row: \(drop.count) \(drop.reason.rawValue)") }
        for flag in report.flags { lines.append("  flagged: \(flag.rows) rows \(flag.reason.rawValue)") }
        let redacted = report.redactions.named.filter { $0.count > 0 }.map { "\($0.count) \($0.kind)" }
        if !redacted.isEmpty { lines.append("  redacted with key \(report.redactionKey): \(redacted.joined(separator: ", "))") }
        for file in report.files where !file.isUsual {
            let reasons = file.refused.map { ", \($0.count) \($0.label)" }.joined()
            lines.append("  \(file.file): \(file.rows) \(file.choice.isOfPairs ? "pairs" : "rows")\(reasons)")
        }
        lines.append("written to \(output); manifest sha256 \(report.manifestSHA256.prefix(16))")
        return lines.joined(separator: "\n") + "\n"
    }

    static func json(_ report: DatasetReport) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let numbers: [(String, Int64)] = [
            ("seen", report.seen), ("kept", report.kept), ("conversations", report.conversations), ("groups", report.groups),
            ("train_groups", report.trainGroups), ("eval_groups", report.evalGroups), ("train_rows", report.trainRows),
            ("eval_rows", report.evalRows), ("carried_rows", report.carriedRows), ("largest_group", report.largestGroup),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        json.key("drops")
        json.beginObject()
        for drop in report.drops {
            json.key(drop.reason.rawValue)
            json.value(drop.count)
        }
        json.endObject()
        json.key("flagged_rows")
        json.beginObject()
        for flag in report.flags {
            json.key(flag.reason.rawValue)
            json.value(flag.rows)
        }
        json.endObject()
        json.key("redaction")
        report.redactions.write(to: &json, keyID: report.redactionKey)
        json.key("formats")
        json.beginArray()
        for file in report.files { write(file, to: &json) }
        json.endArray()
        json.key("warnings")
        json.beginArray()
        for warning in report.warnings { json.value(warning) }
        json.endArray()
        json.key("manifest_sha256")
        json.value(report.manifestSHA256)
        json.endObject()
        json.newline()
        return json.bytes
    }

    private static func write(_ file: ExportFigure, to json: inout JSONWriter) {
        json.beginObject()
        json.key("file")
        json.value(file.file)
        json.key("rows")
        json.value(file.rows)
        for (key, bars) in [("refused", file.refused), ("changes", file.changes)] {
            json.key(key)
            json.beginObject()
            for bar in bars {
                json.key(bar.label)
                json.value(bar.count)
            }
            json.endObject()
        }
        json.endObject()
    }
}
