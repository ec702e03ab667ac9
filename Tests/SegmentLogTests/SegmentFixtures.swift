// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform
import Testing

@testable import SegmentLog

/// A writer on a faulty disk in memory, with a clock that stands still.
final class SegmentBench {
    static let directory = "/data/segments"
    let files: MemoryFileSystem
    let clock = ManualClock(wallUs: 1_764_000_000_000_000)
    private(set) var appended: [[UInt8]] = []

    init(seed: UInt64 = 1, shortWrites: Bool = false) {
        files = MemoryFileSystem(seed: seed, shortWrites: shortWrites)
    }

    func writer(
        node: String = "n1", sync: SegmentSyncPolicy = .interval(us: 1_000_000), limits: SegmentLimits = .standard,
        keys: SegmentKeys = .none
    ) throws -> SegmentWriter {
        try SegmentWriter(
            directory: Self.directory, node: node, files: files, clock: clock, sync: sync, limits: limits, keys: keys)
    }

    /// Appends records with running ids and remembers those that were taken.
    func append(_ count: Int, to writer: SegmentWriter, padding: Int = 20) throws {
        for _ in 0..<count {
            let line = SegmentBench.line(appended.count, padding: padding)
            try writer.append(line, startedAtUs: 1_764_000_000_000_000 + Int64(appended.count))
            appended.append(line)
        }
    }

    static func line(_ id: Int, padding: Int = 20) -> [UInt8] {
        Array("{\"v\":1,\"id\":\"r\(id)\",\"text\":\"\(String(repeating: "é\(id % 7)", count: padding / 3))\"}".utf8)
    }

    func list() throws -> [SegmentFile] { try SegmentDirectory(files: files, path: Self.directory).list() }

    /// All records in write order, each batch once.
    func records() throws -> [[UInt8]] {
        var seen: Set<UInt64> = []
        var found: [(UInt64, [[UInt8]])] = []
        for file in try list() {
            for case .batch(let batch) in try SegmentBench.steps(file, files) where seen.insert(batch.header.firstRecord).inserted
            {
                found.append((batch.header.firstRecord, batch.lineRanges.map { Array(batch.raw[$0]) }))
            }
        }
        return found.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }

    /// All steps of a segment; the accounting of its bytes is checked on the way.
    static func steps(_ file: SegmentFile, _ files: any FileSystem, keys: SegmentKeys = .none) throws -> [SegmentStep] {
        let reader = try SegmentReader(file: file, files: files, keys: keys)
        let size = try files.size(of: file.path)
        var steps: [SegmentStep] = []
        var offset: Int64 = 0
        while true {
            let step = try reader.next(after: offset)
            steps.append(step)
            switch step {
            case .batch(let batch):
                #expect(batch.offset == offset && batch.next > offset && batch.next <= size)
                #expect(batch.lineRanges.count == Int(batch.header.recordCount))
                offset = batch.next
            case .gap(let gap):
                #expect(gap.offset == offset && gap.next > offset && gap.next <= size)
                offset = gap.next
            case .locked(let at, let next, _):
                #expect(at == offset && next > offset && next <= size)
                offset = next
            case .damage(let range, _, let next):
                #expect(range.lowerBound == offset && range.upperBound == next && next > offset && next <= size)
                offset = next
            case .incomplete(let at):
                #expect(at == offset && at < size)
                return steps
            case .end(let at):
                // Behind the last batch of a sealed segment lies its seek table.
                #expect(at == offset && (at == size || file.isSealed))
                return steps
            }
        }
    }

    /// A small segment of three batches in a memory of its own, and its bytes.
    static func small() throws -> (bytes: [UInt8], lines: [[UInt8]], offsets: [Int64]) {
        let bench = SegmentBench()
        let writer = try bench.writer()
        for count in [2, 1, 3] {
            try bench.append(count, to: writer, padding: 9)
            try writer.flush()
        }
        try writer.close()
        let file = try #require(try bench.list().first)
        let offsets = try steps(file, bench.files).compactMap { if case .batch(let batch) = $0 { batch.offset } else { nil } }
        return (try #require(bench.files.contents(file.path)), bench.appended, offsets)
    }

    static let smallName = "n1-0000000000000001-00000000.hot"

    static func place(_ bytes: [UInt8]) throws -> (MemoryFileSystem, SegmentFile) {
        let files = MemoryFileSystem()
        files.put("\(directory)/\(smallName)", bytes)
        return (files, try #require(try SegmentDirectory(files: files, path: directory).list().first))
    }

    static func lines(_ steps: [SegmentStep]) -> [[UInt8]] {
        steps.flatMap { step -> [[UInt8]] in
            if case .batch(let batch) = step { batch.lineRanges.map { Array(batch.raw[$0]) } } else { [] }
        }
    }
}
