// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import Datasets
import FactStore
import Platform

/// A data set by its name in the data directory, or by its own directory.
struct DatasetPlace {
    let data: DataDirectory

    /// The data set that somebody named.
    func entry(_ named: String) throws -> CatalogEntry {
        let files = PosixFileSystem()
        let inside = PathText.join(data.datasets, named)
        let isName = !named.contains("/")
        let place = try isName && files.status(of: inside) != nil ? inside : named
        do { return try DatasetCatalog(files: files).entry(at: place) } catch let error as DatasetError {
            throw VerbFailure.usage("\(error) `weir dataset list` shows those in \(data.datasets).")
        }
    }
}

struct DatasetListVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the data sets in the data directory.",
        discussion: "EXAMPLES:\n  weir dataset list\n  weir dataset list --json | jq -r .name")

    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        let entries = try DatasetCatalog(files: PosixFileSystem()).list(in: data.directory.datasets)
        if json { return try Terminal.data(entries.flatMap(CatalogText.json)) }
        guard !entries.isEmpty else {
            return Terminal.say("no data set in \(data.directory.datasets); build one with `weir dataset build`")
        }
        let table = AnswerTable(
            QueryResult(
                columns: ["name", "train_rows", "eval_rows", "seen", "recipe", "manifest"],
                rows: entries.map {
                    [
                        .text($0.name), .integer($0.trainRows), .integer($0.evalRows), .integer($0.seen),
                        .text(String($0.recipeSHA256.prefix(12))), .text(String($0.manifestSHA256.prefix(12))),
                    ]
                }))
        try Terminal.data(table.terminalText())
    }
}

struct DatasetShowVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what a data set holds and where every exchange went.",
        discussion: "EXAMPLES:\n  weir dataset show support\n  weir dataset show ./sets/v1 --json")

    @Argument(help: "Its name, or its directory.") var set: String
    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
        let entry = try DatasetPlace(data: data.directory).entry(set)
        try Terminal.data(json ? CatalogText.json(entry) : Array(CatalogText.page(entry).utf8))
    }
}

struct DatasetVerifyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that a data set's files are those that its manifest names.",
        discussion: """
            Exit code 1 where they are not. Whether train and eval are apart is another question: `weir dataset check`.

            EXAMPLES:
              weir dataset verify support
            """)

    @Argument(help: "Its name, or its directory.") var set: String
    @OptionGroup var data: DataOption

    func run() throws {
        let entry = try DatasetPlace(data: data.directory).entry(set)
        let faults = try DatasetCatalog(files: PosixFileSystem()).faults(of: entry) {
            Terminal.progress("verify: \(HumanUnits.bytes($0))")
        }
        Terminal.endProgress()
        guard faults.isEmpty else {
            for fault in faults { Terminal.say(fault) }
            throw VerbFailure.found("\(entry.name): \(faults.count) of its files are not what the manifest says")
        }
        try Terminal.data(
            "\(entry.name): \(entry.files.count) files, \(entry.trainRows) training and \(entry.evalRows) eval rows, as built\n")
    }
}

struct DatasetDiffVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Compare two data sets: rows by side, and exchanges that changed sides.",
        discussion: """
            Exit code 1 where an exchange is on the eval side of one and the training side of the other.

            EXAMPLES:
              weir dataset diff support-v1 support-v2
            """)

    @Argument(help: "A name, or a directory.") var first: String
    @Argument(help: "A name, or a directory.") var second: String
    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
        let place = DatasetPlace(data: data.directory)
        let (a, b) = (try place.entry(first), try place.entry(second))
        let difference = try DatasetDifference(a, b, files: PosixFileSystem())
        try Terminal.data(json ? CatalogText.json(difference) : Array(CatalogText.page(difference, a, b).utf8))
        if difference.movedCount > 0 {
            throw VerbFailure.found(
                "\(difference.movedCount) exchanges are on one side of \(a.name) and on the other of \(b.name)")
        }
    }
}

/// Data sets and their differences for people and for programs.
enum CatalogText {
    static func page(_ entry: CatalogEntry) -> String {
        var out = "\(entry.name), in \(entry.directory)\n"
        out += "  \(entry.trainRows) training rows, \(entry.evalRows) eval rows, from \(entry.seen) exchanges\n"
        out += "  built by \(entry.tool); manifest \(entry.manifestSHA256)\n"
        for drop in entry.dropped { out += "  not a row: \(HumanUnits.grouped(drop.count)) \(drop.reason)\n" }
        for file in entry.files {
            out += "  \(file.name): \(HumanUnits.grouped(file.rows)) lines, \(HumanUnits.bytes(file.bytes))\n"
        }
        return out
    }

    static func json(_ entry: CatalogEntry) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for (key, text) in [
            ("name", entry.name), ("directory", entry.directory), ("tool", entry.tool), ("recipe_sha256", entry.recipeSHA256),
            ("manifest_sha256", entry.manifestSHA256),
        ] {
            json.key(key)
            json.value(text)
        }
        for (key, count) in [("train_rows", entry.trainRows), ("eval_rows", entry.evalRows), ("seen", entry.seen)] {
            json.key(key)
            json.value(count)
        }
        json.key("dropped")
        json.beginObject()
        for drop in entry.dropped {
            json.key(drop.reason)
            json.value(drop.count)
        }
        json.endObject()
        json.endObject()
        json.newline()
        return json.bytes
    }

    static func page(_ difference: DatasetDifference, _ a: CatalogEntry, _ b: CatalogEntry) -> String {
        let rows = DatasetSide.allCases.compactMap { side in
            difference.counts[side].map {
                [SQLValue.text(side.rawValue), .integer($0.both), .integer($0.onlyFirst), .integer($0.onlySecond)]
            }
        }
        let table = AnswerTable(QueryResult(columns: ["side", "in_both", "only_in_first", "only_in_second"], rows: rows))
        var out = "first: \(a.name) (\(a.directory)), second: \(b.name) (\(b.directory))\n" + table.terminalText()
        for record in difference.moved { out += "changed sides: \(record)\n" }
        return out
    }

    static func json(_ difference: DatasetDifference) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for side in DatasetSide.allCases {
            let counts = difference.counts[side] ?? DatasetDifference.Counts()
            json.key(side.rawValue)
            json.beginObject()
            for (key, count) in [("both", counts.both), ("only_first", counts.onlyFirst), ("only_second", counts.onlySecond)] {
                json.key(key)
                json.value(count)
            }
            json.endObject()
        }
        json.key("moved")
        json.value(difference.movedCount)
        json.key("moved_exchanges")
        json.beginArray()
        for record in difference.moved { json.value(record) }
        json.endArray()
        json.endObject()
        json.newline()
        return json.bytes
    }
}
