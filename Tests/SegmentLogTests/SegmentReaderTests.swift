// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform
import TestSupport
import Testing

@testable import SegmentLog

@Suite struct SegmentReaderTests {
    /// Records of the batches that lie wholly before an offset.
    private func whole(_ small: (bytes: [UInt8], lines: [[UInt8]], offsets: [Int64]), before end: Int) -> Int {
        let ends = small.offsets.dropFirst().map(Int.init) + [small.bytes.count]
        return zip([2, 1, 3], ends).filter { $0.1 <= end }.reduce(0) { $0 + $1.0 }
    }

    @Test func cutAtEveryByteGivesTheWholeBatchesBeforeTheCut() throws {
        let small = try SegmentBench.small()
        for length in 0...small.bytes.count {
            let (files, file) = try SegmentBench.place(Array(small.bytes[0..<length]))
            let steps = try SegmentBench.steps(file, files)
            #expect(SegmentBench.lines(steps) == Array(small.lines.prefix(whole(small, before: length))), "cut at \(length)")
            let isBoundary = small.offsets.contains(Int64(length)) || length == small.bytes.count
            switch steps.last {
            case .end: #expect(isBoundary, "cut at \(length)")
            case .incomplete: #expect(!isBoundary, "cut at \(length)")
            default: Issue.record("no end at \(length)")
            }
            #expect(!steps.contains { if case .damage = $0 { true } else { false } }, "cut at \(length)")
        }
    }

    @Test func everyFlippedBitCostsItsOwnBatchAndNoOther() throws {
        let small = try SegmentBench.small()
        let groups = [Array(small.lines[0..<2]), Array(small.lines[2..<3]), Array(small.lines[3..<6])]
        for index in small.bytes.indices {
            let hit = small.offsets.lastIndex { $0 <= Int64(index) } ?? 0
            let expected = groups.enumerated().filter { $0.offset != hit }.flatMap(\.element)
            for bit in 0..<8 {
                var bytes = small.bytes
                bytes[index] ^= 1 << UInt8(bit)
                let (files, file) = try SegmentBench.place(bytes)
                let steps = try SegmentBench.steps(file, files)
                #expect(SegmentBench.lines(steps) == expected, "bit \(bit) of byte \(index)")
                #expect(steps.count == 4, "bit \(bit) of byte \(index)")
            }
        }
    }

    @Test func missingBytesInTheMiddleCostOnlyTheirBatch() throws {
        let small = try SegmentBench.small()
        let second = Int(small.offsets[1])
        for (from, count) in [(second + 100, 5), (second - 10, 3), (second + 20, 30), (second - 4, 8)] {
            let bytes = Array(small.bytes[0..<from] + small.bytes[(from + count)...])
            let (files, file) = try SegmentBench.place(bytes)
            let lines = SegmentBench.lines(try SegmentBench.steps(file, files))
            #expect(lines.suffix(3) == small.lines.suffix(3))
            #expect(lines.allSatisfy { small.lines.contains($0) })
        }
    }

    @Test func zeroedTailIsIncompleteAndGarbageIsDamage() throws {
        let small = try SegmentBench.small()
        let (files, file) = try SegmentBench.place(small.bytes + [UInt8](repeating: 0, count: 5_000))
        guard case .incomplete(let offset) = try SegmentBench.steps(file, files).last else { throw Unexpected() }
        #expect(offset == Int64(small.bytes.count))
        let garbage = small.bytes + [UInt8](repeating: 0x51, count: 5_000)
        let (others, other) = try SegmentBench.place(garbage)
        let steps = try SegmentBench.steps(other, others)
        #expect(SegmentBench.lines(steps) == small.lines)
        guard case .damage(_, .badHeader, _) = steps[3] else { throw Unexpected() }
    }

    @Test func mutantsNeverTrapAndNeverInventRecords() throws {
        let small = try SegmentBench.small()
        let known = Set(small.lines)
        for seed in 0..<1_500 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var bytes = small.bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(at..<min(bytes.count - 1, at + Int.random(in: 1...40, using: &random)))
                case 2: bytes.insert(contentsOf: bytes[0..<min(bytes.count, 100)], at: at)
                default: bytes.replaceSubrange(at..., with: [UInt8](repeating: 0, count: bytes.count - at))
                }
                if bytes.count < 2 { break }
            }
            let (files, file) = try SegmentBench.place(bytes)
            for line in SegmentBench.lines(try SegmentBench.steps(file, files)) { #expect(known.contains(line), "seed \(seed)") }
        }
    }

    @Test func headerThatLiesAboutLengthsIsDamageWithoutAllocation() throws {
        let small = try SegmentBench.small()
        guard case .header(let sound) = SegmentBatchHeader.read(small.bytes, at: 0) else { throw Unexpected() }
        let frame = Array(small.bytes[88..<Int(small.offsets[1])])
        let cases: [(DamageReason, (inout SegmentBatchHeader) -> Void)] = [
            (.impossibleLength, { $0.rawLength = UInt32.max }),
            (.impossibleLength, { $0.recordCount = 0 }),
            (.impossibleLength, { $0.recordCount = UInt32.max }),
            (.impossibleLength, { $0.minStartedAtUs = Int64.max }),
            (.badFrame, { $0.rawLength += 1 }),
            (.badFrame, { $0.rawLength = 1 << 20 }),
            (.badContent, { $0.recordCount += 1 }),
            (.badContent, { $0.recordCount -= 1 }),
        ]
        for (reason, lie) in cases {
            var header = sound
            lie(&header)
            let (files, file) = try SegmentBench.place(header.encoded() + frame)
            guard case .damage(_, let found, _) = try SegmentBench.steps(file, files)[0] else { throw Unexpected() }
            #expect(found == reason)
        }
    }

    @Test func laterVersionIsSkippedByItsLengths() throws {
        let small = try SegmentBench.small()
        var bytes = small.bytes
        bytes[12] = 3
        var sum: [UInt8] = []
        FixedInts.append(CRC32C.checksum(bytes[0..<84]), to: &sum)
        bytes.replaceSubrange(84..<88, with: sum)
        let (files, file) = try SegmentBench.place(bytes)
        let steps = try SegmentBench.steps(file, files)
        guard case .damage(let range, .unsupportedVersion, _) = steps[0] else { throw Unexpected() }
        #expect(range == 0..<small.offsets[1])
        #expect(SegmentBench.lines(steps) == Array(small.lines.dropFirst(2)))
    }

    @Test func growingSegmentIsReadAsItGrows() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(3, to: writer)
        try writer.flush()
        let file = try #require(try bench.list().first)
        let reader = try SegmentReader(file: file, files: bench.files)
        guard case .batch(let first) = try reader.next(after: 0) else { throw Unexpected() }
        guard case .end(let end) = try reader.next(after: first.next) else { throw Unexpected() }
        try bench.append(2, to: writer)
        try writer.flush()
        guard case .batch(let second) = try reader.next(after: end) else { throw Unexpected() }
        #expect(second.header.firstRecord == 3 && second.header.batchSequence == 1 && second.lineRanges.count == 2)
        #expect(second.header.minStartedAtUs == 1_764_000_000_000_003 && second.header.maxStartedAtUs == 1_764_000_000_000_004)
    }

    @Test func recordsAreFetchedByTheirPlace() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        for _ in 0..<3 {
            try bench.append(40, to: writer)
            try writer.flush()
        }
        let file = try #require(try bench.list().first)
        let fetcher = SegmentRecordReader(directory: SegmentDirectory(files: bench.files, path: SegmentBench.directory))
        let reader = try SegmentReader(file: file, files: bench.files)
        var number = 0
        for case .batch(let batch) in try SegmentBench.steps(file, bench.files) {
            for range in batch.lineRanges {
                #expect(try reader.record(frame: batch.offset, offset: range.lowerBound) == bench.appended[number])
                #expect(
                    try fetcher.record(segment: file.name, frame: batch.offset, offset: range.lowerBound)
                        == bench.appended[number])
                number += 1
            }
        }
        #expect(number == 120)
        for (segment, frame, offset) in [
            (file.name, 0, 1), (file.name, 1, 0), (file.name, -1, -1), (file.name, Int64.max, 0), ("x", 0, 0),
        ] {
            let error = #expect(throws: SegmentError.self) {
                _ = try fetcher.record(segment: segment, frame: frame, offset: offset)
            }
            #expect(error?.code == .recordNotFound)
        }
    }

    @Test func unreadableDeviceIsAnErrorWithPlace() throws {
        let small = try SegmentBench.small()
        let (files, file) = try SegmentBench.place(small.bytes)
        files.fail(.read, nth: 2, errno: 5)
        let error = #expect(throws: SegmentError.self) { _ = try SegmentBench.steps(file, files) }
        #expect(error?.code == .readFailed && error?.segment == SegmentBench.smallName && error?.cause?.errno == 5)
    }

    struct Unexpected: Error {}
}
