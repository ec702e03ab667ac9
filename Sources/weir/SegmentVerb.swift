// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Platform
import SegmentLog

struct SegmentVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segment", abstract: "Look into the segment log.",
        discussion: "EXAMPLES:\n  weir segment ls\n  weir segment cat | jq .id\n  weir segment verify",
        subcommands: [SegmentListVerb.self, SegmentCatVerb.self, SegmentVerifyVerb.self])
}

struct SegmentListVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the segments.", discussion: "EXAMPLES:\n  weir segment ls\n  weir segment ls --json")

    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        let files = PosixFileSystem()
        try data.directory.require(files)
        var total: (records: UInt64, bytes: Int64) = (0, 0)
        let list = try SegmentVerify.verify(directory: data.directory.segments, files: files)
        for entry in list {
            total.records += entry.records
            total.bytes += entry.fileBytes
            try Terminal.data(json ? SegmentText.json(entry) : Array((SegmentText.line(entry) + "\n").utf8))
        }
        Terminal.say("\(list.count) segments, \(total.records) records, \(total.bytes) bytes")
    }
}

struct SegmentCatVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat", abstract: "Print records as NDJSON.",
        discussion: "EXAMPLES:\n  weir segment cat | jq .id\n  weir segment cat NODE-EPOCH-SEQ.hot")

    @Argument(help: "Segments by name; all without one.") var names: [String] = []
    @OptionGroup var data: DataOption

    func run() throws {
        let files = PosixFileSystem()
        try data.directory.require(files)
        let directory = SegmentDirectory(files: files, path: data.directory.segments)
        var segments = try directory.list()
        if !names.isEmpty {
            let known = Set(segments.map(\.name))
            for name in names where !known.contains(name) {
                throw VerbFailure.found("there is no segment \(name); see `weir segment ls`")
            }
            segments = segments.filter { names.contains($0.name) }
        }
        var damage = 0
        for segment in segments { damage += try SegmentCatVerb.write(segment, in: directory) }
        if damage > 0 { throw VerbFailure.found("\(damage) damaged ranges were skipped; see `weir segment verify`") }
    }

    /// Writes one segment's records; returns how many damaged ranges were passed over.
    private static func write(_ segment: SegmentFile, in directory: SegmentDirectory) throws -> Int {
        let reader = try directory.reader(of: segment)
        var offset: Int64 = 0
        var damage = 0
        while true {
            switch try reader.next(after: offset) {
            case .batch(let batch):
                try Terminal.data(batch.raw)
                offset = batch.next
            case .gap(let gap):
                offset = gap.next
            case .locked(_, let next, _):
                damage += 1
                offset = next
            case .damage(let range, let reason, let next):
                damage += 1
                Terminal.say(
                    "weir: \(segment.name): bytes \(range.lowerBound)..<\(range.upperBound) are damaged (\(reason.rawValue)), skipped"
                )
                offset = next
            case .incomplete, .end:
                return damage
            }
        }
    }
}

struct SegmentVerifyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read every segment through and say what is damaged; exit 1 where something is.",
        discussion: "EXAMPLES:\n  weir segment verify\n  weir segment verify --json")

    @OptionGroup var data: DataOption
    @Flag(help: "One JSON object a line.") var json = false

    func run() throws {
        let files = PosixFileSystem()
        try data.directory.require(files)
        var isSound = true
        let list = try SegmentVerify.verify(directory: data.directory.segments, files: files) { entry in
            Terminal.progress("verifying \(entry.name)")
        }
        for entry in list {
            if entry.damageCount > 0 || entry.error != nil { isSound = false }
            try Terminal.data(json ? SegmentText.json(entry) : Array((SegmentText.line(entry) + "\n").utf8))
            for damage in entry.damage {
                let remedy = "the records around it can be read; what it held is lost"
                Terminal.say(
                    "weir: \(entry.name): bytes \(damage.range.lowerBound)..<\(damage.range.upperBound): \(damage.reason.rawValue); \(remedy)"
                )
            }
            if let error = entry.error { Terminal.say("weir: \(entry.name): \(error)") }
            if let torn = entry.incompleteAt {
                Terminal.say(
                    "weir: \(entry.name): unfinished from byte \(torn) on: being written, or cut at the next start of `weir serve`"
                )
            }
        }
        guard isSound else { throw VerbFailure.found("something is damaged") }
        Terminal.say("\(list.count) segments: sound")
    }
}

/// A segment's figures as text and as JSON.
enum SegmentText {
    static func line(_ entry: SegmentVerification) -> String {
        let ratio = entry.compressedBytes > 0 ? entry.rawBytes * 10 / entry.compressedBytes : 0
        let state =
            entry.error != nil ? "unreadable" : entry.damageCount > 0 ? "damaged" : entry.incompleteAt != nil ? "open" : "sound"
        return
            "\(entry.name)\t\(entry.records) records\t\(entry.batches) batches\t\(entry.fileBytes) bytes\tx\(ratio / 10).\(ratio % 10)\t\(state)"
    }

    static func json(_ entry: SegmentVerification) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("segment")
        json.value(entry.name)
        let numbers: [(String, Int64?)] = [
            ("file_bytes", entry.fileBytes), ("batches", Int64(clamping: entry.batches)),
            ("records", Int64(clamping: entry.records)),
            ("raw_bytes", Int64(clamping: entry.rawBytes)), ("compressed_bytes", Int64(clamping: entry.compressedBytes)),
            ("min_started_at_us", entry.minStartedAtUs), ("max_started_at_us", entry.maxStartedAtUs),
            ("damaged", Int64(entry.damageCount)),
            ("damaged_bytes", entry.damagedBytes), ("incomplete_at", entry.incompleteAt),
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
