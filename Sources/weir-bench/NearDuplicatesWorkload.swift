// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Foundation
import Platform
import Separation

/// Near duplicates among the rows of a file, from its first byte to the list of rows that would go: what other programs are compared with.
struct NearDuplicatesWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "near-duplicates",
        abstract:
            "Read JSON lines with `text` and the lengths of its `turns`; write the numbers of rows that are not the first of their group."
    )

    @Argument(help: "JSON lines: turns of users, two line feeds between two, and the bytes of each.") var file: String
    @Option(help: "The file of numbers to write, a line each.") var removed: String
    @Option(help: "Threads.") var threads = 2
    @Option(help: "Megabytes of shingles that stay in memory.") var memory = 512
    @Option(help: "A directory for the rest of them.") var directory = "."

    /// Lines that are read at once.
    private static let batch = 2_048

    func run() throws {
        guard threads > 0, memory >= 0 else { throw ValidationError("numbers above 0, please") }
        let lines = try LineChunks(path: file)
        let path = PathText.join(directory, "weir-bench-shingles.\(ProcessInfo.processInfo.processIdentifier)")
        let spill = ShingleSpill(files: PosixFileSystem(), path: path, memory: memory << 20)
        let search = NearDuplicateSearch(spill: spill, threads: threads, expecting: lines.size)
        var bytes = 0
        var (traitsTime, addTime, joinTime) = (Stopwatch(), Stopwatch(), Stopwatch())
        while let batch = try lines.next(NearDuplicatesWorkload.batch) {
            let parts = WorkShare.parts(of: batch.count, each: 64)
            let read = traitsTime.during {
                WorkShare.map(parts.count, threads: threads) { part in batch[parts[part]].map(NearDuplicatesWorkload.row) }
            }
            let rows = read.flatMap { $0 }
            guard !rows.contains(where: { $0 == nil }) else { throw ValidationError("\(file) holds a line that is no row") }
            bytes += rows.reduce(0) { $0 + ($1?.bytes ?? 0) }
            try addTime.during { try search.add(rows.compactMap { $0?.row }) }
        }
        var sets = LeastKeySets(keys: (0..<search.count).map { SeparationKey(high: 0, low: UInt64($0)) })
        let report = try joinTime.during { try search.join(&sets) }
        let gone = (0..<sets.count).filter { sets.root(of: $0) != $0 }
        try Data(gone.map { "\($0)\n" }.joined().utf8).write(to: URL(fileURLWithPath: removed))
        let size = Double(bytes) / 1e6
        let times = [traitsTime, addTime, joinTime]
        try FigureLine.write([
            ("mb", size), ("rows", Double(sets.count)), ("removed", Double(gone.count)),
            ("traits_s", traitsTime.seconds), ("add_s", addTime.seconds), ("join_s", joinTime.seconds),
            ("mb_s", size / times.reduce(0) { $0 + $1.seconds }), ("cpu_s", times.reduce(0) { $0 + $1.cpuSeconds }),
            ("joined", Double(report.joinedSets)), ("boilerplate", Double(report.boilerplateShingles)),
            ("peak_mb", FigureLine.peakMegabytes),
        ])
    }

    /// What the search is given of a line, and the bytes of its text; nil where it is no row.
    private static func row(_ line: [UInt8]) -> (row: NearDuplicateSearch.Row, bytes: Int)? {
        guard let root = JSONDocument.read(line)?.root, let text = root["text"], text.kind == .string else { return nil }
        let bytes = text.unescapedBytes
        var (turns, at, count): ([SeparationTurn], Int, Int) = ([], 0, 0)
        for element in root["turns"]?.elements ?? JSONNode.noElements {
            guard let length = element.int.flatMap(Int.init(exactly:)), length >= 0, length <= bytes.count - at else {
                return nil
            }
            turns.append(SeparationTurn(role: .user, text: String(decoding: bytes[at..<at + length], as: UTF8.self)))
            count += length
            at = min(bytes.count, at + length + 2)
        }
        let traits = SeparationTraits(turns: turns)
        return (NearDuplicateSearch.Row(views: GroupingViews(traits: traits, turns: turns), template: 1), count)
    }
}

/// The lines of a file, some at a time.
private final class LineChunks {
    /// How large the file is.
    let size: Int
    private let handle: FileHandle
    private var held: [UInt8] = []
    private var at = 0
    private static let chunk = 4 << 20

    init(path: String) throws {
        handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        size = Int(try handle.seekToEnd())
        try handle.seek(toOffset: 0)
    }

    /// As many lines as are wanted, fewer at the end, nil behind it.
    func next(_ wanted: Int) throws -> [[UInt8]]? {
        var lines: [[UInt8]] = []
        while lines.count < wanted {
            if let end = held[at...].firstIndex(of: 0x0A) {
                lines.append(Array(held[at..<end]))
                at = end + 1
                continue
            }
            guard let more = try handle.read(upToCount: LineChunks.chunk), !more.isEmpty else {
                if at < held.count { lines.append(Array(held[at...])) }
                at = held.count
                break
            }
            held = Array(held[at...]) + Array(more)
            at = 0
        }
        return lines.isEmpty ? nil : lines
    }
}

/// One line of figures.
enum FigureLine {
    static func write(_ fields: [(String, Double)]) throws {
        let text = fields.map { "\"\($0.0)\":\(String(format: "%.1f", $0.1))" }.joined(separator: ",")
        try FileHandle.standardOutput.write(contentsOf: Data("{\(text)}\n".utf8))
    }

    /// The most memory that was resident.
    static var peakMegabytes: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) / 1_024
    }
}

/// Adds up time.
struct Stopwatch {
    private(set) var seconds = 0.0
    private(set) var cpuSeconds = 0.0

    mutating func during<Value>(_ body: () throws -> Value) rethrows -> Value {
        let clock = SystemClock()
        let (before, cpu) = (clock.monotonicUs, CPUTime.ofProcess)
        defer {
            seconds += Double(clock.monotonicUs - before) / 1e6
            cpuSeconds += Double(CPUTime.ofProcess - cpu) / 1e9
        }
        return try body()
    }
}
