// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import FactStore
import SegmentLog

struct SegmentStatVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat", abstract: "Totals over segments: bytes, time range, outcomes, providers, statuses, damage.",
        discussion: """
            The figures of files (bytes, ratio, damage) are those of the segments chosen; those of records are of the records that pass the filter. Exit code 1 where something is damaged.

            EXAMPLES:
              weir segment stat
              weir segment stat --since 24h --task support
              weir segment stat --json | jq .by_outcome
            """)

    @OptionGroup var choice: SegmentChoice
    @OptionGroup var filters: FilterOptions
    @Flag(help: "One JSON object.") var json = false

    func run() throws {
        let segments = try choice.segments()
        var stat = SegmentStat()
        let log = try choice.log
        for segment in segments { stat.add(SegmentVerify.skim(segment, in: log)) }
        var walk = SegmentWalk(
            log, segments: segments, filter: try filters.filter(),
            progress: Terminal.isInteractive ? "counting" : nil)
        try walk.forEachRecord { _, record in
            stat.totals.add(record)
            return .goOn
        }
        stat.damaged = max(stat.damaged, walk.damaged)
        stat.undecodable = walk.undecodable
        stat.locked = walk.locked
        stat.gaps = walk.gaps
        try Terminal.data(json ? stat.json : Array((stat.lines.joined(separator: "\n") + "\n").utf8))
        try walk.checkWhole()
    }
}

/// Sums over segments and the records in them.
struct SegmentStat {
    private var segments = 0
    private var fileBytes: Int64 = 0
    private var batches: UInt64 = 0
    private var rawBytes: UInt64 = 0
    private var compressedBytes: UInt64 = 0
    private var damagedBytes: Int64 = 0
    private var unfinished = 0
    var damaged = 0
    var undecodable = 0
    var locked = 0
    var gaps: [String: Int64] = [:]
    var totals = RecordTotals()

    /// Counts a segment's file.
    mutating func add(_ found: SegmentVerification) {
        segments += 1
        fileBytes += found.fileBytes
        batches += found.batches
        rawBytes += found.rawBytes
        compressedBytes += found.compressedBytes
        damaged += found.damageCount
        damagedBytes += found.damagedBytes
        if found.incompleteAt != nil { unfinished += 1 }
    }

    var lines: [String] {
        let ratio = SegmentText.ratio(raw: rawBytes, compressed: compressedBytes)
        var lines = [
            "segments        \(segments)" + (unfinished > 0 ? "; \(unfinished) unfinished" : ""),
            "bytes           \(HumanUnits.bytes(fileBytes)) in files, \(HumanUnits.bytes(Int64(clamping: rawBytes))) of lines, \(ratio)",
        ]
        if damaged > 0 { lines.append("damage          \(damaged) ranges, \(HumanUnits.bytes(damagedBytes))") }
        if undecodable > 0 { lines.append("no records      \(undecodable) lines") }
        if locked > 0 { lines.append("locked          \(locked) batches, encrypted with keys that are not at hand") }
        for gap in gaps.sorted(by: { $0.key < $1.key }) {
            lines.append("gaps            \(HumanUnits.grouped(gap.value)) exchanges have no record: \(gap.key)")
        }
        return lines + totals.lines
    }

    var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        let numbers: [(String, Int64)] = [
            ("segments", Int64(segments)), ("file_bytes", fileBytes), ("batches", Int64(clamping: batches)),
            ("raw_bytes", Int64(clamping: rawBytes)), ("compressed_bytes", Int64(clamping: compressedBytes)),
            ("damaged", Int64(damaged)), ("damaged_bytes", damagedBytes), ("undecodable", Int64(undecodable)),
            ("unfinished", Int64(unfinished)), ("locked_batches", Int64(locked)),
            ("missing_records", gaps.values.reduce(0, &+)),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        totals.writeMembers(to: &json)
        json.key("by_gap_reason")
        json.beginObject()
        for gap in gaps.sorted(by: { $0.key < $1.key }) {
            json.key(gap.key)
            json.value(gap.value)
        }
        json.endObject()
        json.endObject()
        json.newline()
        return json.bytes
    }
}
