// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import Platform

/// What an export is written as.
enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
    case jsonl, har
}

struct SegmentExportVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write exchanges for other tools: JSON lines or an HTTP Archive (HAR 1.2).",
        discussion: """
            Everything is redacted as it is stored. With --out the file appears whole or not at all. Exit code 1 where something was damaged; the rest is exported.

            EXAMPLES:
              weir segment export --since 1h > last-hour.jsonl
              weir segment export --format har --task support --status 500 --out failures.har
              weir segment export --format har --since 1d --out day.har --json | jq .records
            """)

    @OptionGroup var choice: SegmentChoice
    @OptionGroup var filters: FilterOptions
    @Option(help: "jsonl or har.") var format: ExportFormat = .jsonl
    @Option(help: ArgumentHelp("Where it goes (default standard output).", valueName: "file")) var out: String?
    @Option(help: "At most so many exchanges.") var limit: Int?
    @Flag(help: "What was exported as one JSON object on standard output; needs --out.") var json = false

    func run() throws {
        if json, out == nil { throw VerbFailure.usage("--json needs --out: standard output holds the export itself") }
        if let limit, limit < 1 { throw VerbFailure.usage("--limit takes 1 or more") }
        var walk = SegmentWalk(
            try choice.log, segments: try choice.segments(), filter: try filters.filter(),
            progress: out == nil ? Terminal.quiet("exporting") : Terminal.isInteractive ? "exporting" : nil)
        let target = try ExportTarget(out, files: PosixFileSystem())
        do {
            try write(&walk, to: target)
            try target.finish()
        } catch {
            target.discard()
            throw error
        }
        if json { try Terminal.data(report(walk, target)) }
        Terminal.say("\(walk.given) exchanges, \(target.bytes) bytes" + (out.map { ", in \($0)" } ?? ""))
        try walk.checkWhole()
    }

    private func write(_ walk: inout SegmentWalk, to target: ExportTarget) throws {
        var har = HARWriter()
        if format == .har { try target.write(har.begin(version: Program.version)) }
        var left = limit ?? Int.max
        try walk.forEachRecord { line, record in
            try target.write(format == .har ? har.entry(record) : Array(line.bytes))
            left -= 1
            return left > 0 ? .goOn : .stop
        }
        if format == .har { try target.write(har.end()) }
    }

    private func report(_ walk: SegmentWalk, _ target: ExportTarget) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let numbers: [(String, Int64)] = [
            ("records", walk.given), ("bytes", target.bytes), ("damaged", Int64(walk.damaged)),
            ("undecodable", Int64(walk.undecodable)),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        json.endObject()
        json.newline()
        return json.bytes
    }
}

/// Standard output, or a file that is written beside its name and then takes it.
final class ExportTarget {
    private let path: String?
    private let files: any FileSystem
    private let file: (any OpenFile)?
    private var held: [UInt8] = []
    private(set) var bytes: Int64 = 0

    private static let heldMax = 256 << 10

    init(_ path: String?, files: any FileSystem) throws {
        self.path = path
        self.files = files
        guard let path else {
            file = nil
            return
        }
        let temporary = ExportTarget.temporary(path)
        if try files.status(of: temporary) != nil { try files.unlink(temporary) }
        file = try files.open(temporary, .createNew)
    }

    private static func temporary(_ path: String) -> String { path + ".part" }

    func write(_ more: [UInt8]) throws {
        held += more
        bytes += Int64(more.count)
        if held.count >= ExportTarget.heldMax { try flush() }
    }

    private func flush() throws {
        guard !held.isEmpty else { return }
        if let file { try file.append(held) } else { try Terminal.data(held) }
        held.removeAll(keepingCapacity: true)
    }

    /// Gives the file its name.
    func finish() throws {
        try flush()
        guard let file, let path else { return }
        try file.sync()
        file.close()
        try files.rename(ExportTarget.temporary(path), to: path)
        try files.syncDirectory(PathText.parent(of: path))
    }

    /// Removes what was written, as far as the file system lets it.
    func discard() {
        guard let path else { return }
        file?.close()
        try? files.unlink(ExportTarget.temporary(path))
    }
}
