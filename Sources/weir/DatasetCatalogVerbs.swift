// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import Datasets
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
        discussion: """
            What lies there and is no data set, or a damaged one, is named on standard error; the exit code is then 1.

            EXAMPLES:
              weir dataset list
              weir dataset list --json | jq -r .name
            """)

    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        let files = PosixFileSystem()
        try data.directory.require(files)
        let listing = try DatasetCatalog(files: files).list(in: data.directory.datasets)
        if json {
            try Terminal.data(listing.entries.flatMap(CatalogText.json))
        } else if !listing.entries.isEmpty {
            try Terminal.data(CatalogText.table(listing.entries))
        } else {
            Terminal.say("no data set in \(data.directory.datasets); build one with `weir dataset build`")
        }
        for fault in listing.faults { Terminal.say(fault) }
        if !listing.faults.isEmpty {
            throw VerbFailure.found("\(listing.faults.count) things in \(data.directory.datasets) are no data sets")
        }
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
              weir dataset verify support --json | jq -r '.faults[]'
            """)

    @Argument(help: "Its name, or its directory.") var set: String
    @OptionGroup var data: DataOption
    @Flag(help: "The verdict as one JSON object.") var json = false

    func run() throws {
        let entry = try DatasetPlace(data: data.directory).entry(set)
        let faults = try DatasetCatalog(files: PosixFileSystem()).faults(of: entry) {
            Terminal.progress("verify: \(HumanUnits.bytes($0))")
        }
        Terminal.endProgress()
        if json { try Terminal.data(CatalogText.json(entry, faults)) }
        guard faults.isEmpty else {
            for fault in faults where !json { Terminal.say(fault) }
            throw VerbFailure.found("\(entry.name): \(faults.count) of its files are not what the manifest says")
        }
        guard !json else { return }
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
