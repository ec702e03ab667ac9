// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import Datasets
import ExchangeModel
import FactStore
import Platform
import SegmentLog

struct DatasetPreviewVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Count what a recipe takes, what each filter leaves out, and show a few examples.",
        discussion: """
            Counts are the index's. What quality filters drop is told of up to 2,000 exchanges, whose payloads are read. Nothing is built.

            EXAMPLES:
              weir dataset preview support.yaml
              weir dataset preview support.yaml --json | jq .dropped
            """)

    @Argument(help: ArgumentHelp("The recipe.", valueName: "recipe")) var path: String
    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object on standard output.") var json = false

    func run() throws {
        try data.directory.require(PosixFileSystem())
        let recipe = try RecipeFile.read(
            path: path, environment: ProgramEnvironment.all, files: PosixFileSystem(), nowUs: SystemClock().wallUs)
        let store = try FactStore.open(path: data.directory.index, mode: .readOnly)
        let preview = try SelectionPreview(recipe, facts: store) { Terminal.progress("preview: \($0) exchanges") }
        let sample = QualityPreview.sample(of: recipe)
        let source = SegmentSource(facts: store, segments: try data.directory.log, recipe: sample)
        let quality = try QualityPreview(sample, source: source) { Terminal.progress("preview: \($0) payloads") }
        Terminal.endProgress()
        try Terminal.data(
            json ? PreviewText.json(preview, quality, recipe) : Array(PreviewText.text(preview, quality, recipe).utf8))
        if preview.admitted == 0 {
            throw VerbFailure.found("the recipe takes no exchange; the counts say which filter leaves them out")
        }
    }
}

/// A preview for people and for programs.
enum PreviewText {
    static func text(_ preview: SelectionPreview, _ quality: QualityPreview, _ recipe: DatasetRecipe) -> String {
        var out =
            "\(HumanUnits.grouped(preview.seen)) exchanges in the window, \(HumanUnits.grouped(preview.admitted)) pass every filter"
        if let limit = recipe.selection.limit, limit < preview.admitted {
            out += "; the limit keeps \(HumanUnits.grouped(limit))"
        }
        out += "\n"
        for drop in preview.dropped { out += "  left out by \(drop.filter.rawValue): \(HumanUnits.grouped(drop.count))\n" }
        out += text(quality)
        if !preview.groups.isEmpty {
            out += "\n" + table(preview).terminalText(bars: BarPicture.bars(table(preview), column: "exchanges"))
        }
        for fact in preview.examples { out += "\n" + example(fact) }
        return out
    }

    private static func text(_ quality: QualityPreview) -> String {
        guard quality.read > 0 else { return "" }
        var out = "\nof \(HumanUnits.grouped(quality.read)) payloads read, \(HumanUnits.grouped(quality.usable)) may become rows"
        if quality.waiting > 0 {
            out += "; \(HumanUnits.grouped(quality.waiting)) continue an earlier response, which only a build looks for"
        }
        out += "\n"
        for drop in quality.dropped { out += "  not a row: \(HumanUnits.grouped(drop.count)) \(drop.reason.rawValue)\n" }
        for flag in quality.flagged { out += "  flagged: \(HumanUnits.grouped(flag.count)) \(flag.rule.rawValue)\n" }
        return out
    }

    private static func table(_ preview: SelectionPreview) -> AnswerTable {
        AnswerTable(
            QueryResult(
                columns: ["task", "model", "exchanges"],
                rows: preview.groups.map { [.text($0.task), .text($0.model), .integer($0.count)] }))
    }

    private static func example(_ fact: ExchangeFact) -> String {
        let usage = fact.reading.usage
        let counts = [("in", usage.inputTotal), ("out", usage.outputTotal)].compactMap { name, count in
            count.map { "\(HumanUnits.grouped($0)) tokens \(name)" }
        }
        let model = fact.reading.modelResponded ?? fact.reading.modelRequested ?? "no model"
        let parts = [fact.head.attribution.task, model, fact.reading.finishReason ?? "no finish reason"] + counts
        return "example \(fact.head.id)\n  \(parts.joined(separator: ", "))\n  weir segment get \(fact.head.id) --pretty\n"
    }

    static func json(_ preview: SelectionPreview, _ quality: QualityPreview, _ recipe: DatasetRecipe) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for (key, count) in [("seen", preview.seen), ("admitted", preview.admitted), ("limit", recipe.selection.limit)]
            as [(String, Int64?)]
        {
            json.key(key)
            json.value(count)
        }
        json.key("dropped")
        json.beginObject()
        for drop in preview.dropped {
            json.key(drop.filter.rawValue)
            json.value(drop.count)
        }
        json.endObject()
        write(quality, to: &json)
        json.key("groups")
        json.beginArray()
        for group in preview.groups {
            json.beginObject()
            json.key("task")
            json.value(group.task)
            json.key("model")
            json.value(group.model)
            json.key("exchanges")
            json.value(group.count)
            json.endObject()
        }
        json.endArray()
        json.key("examples")
        json.beginArray()
        for fact in preview.examples { json.value(fact.head.id.description) }
        json.endArray()
        json.endObject()
        json.newline()
        return json.bytes
    }

    private static func write(_ quality: QualityPreview, to json: inout JSONWriter) {
        json.key("quality")
        json.beginObject()
        for (key, count) in [("read", quality.read), ("usable", quality.usable), ("waiting", quality.waiting)] {
            json.key(key)
            json.value(count)
        }
        let tables: [(String, [(DropReason, Int64)])] = [
            ("dropped", quality.dropped.map { ($0.reason, $0.count) }), ("flagged", quality.flagged.map { ($0.rule, $0.count) }),
            ("violated", quality.violated.map { ($0.rule, $0.count) }),
        ]
        for (key, counts) in tables {
            json.key(key)
            json.beginObject()
            for (reason, count) in counts {
                json.key(reason.rawValue)
                json.value(count)
            }
            json.endObject()
        }
        json.endObject()
    }
}
