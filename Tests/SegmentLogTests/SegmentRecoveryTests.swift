// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import TestSupport
import Testing

@testable import SegmentLog

@Suite struct SegmentRecoveryTests {
    @Test func tornTailIsCutAtEveryLengthAndTheRestStays() throws {
        let small = try SegmentBench.small()
        let ends = small.offsets + [Int64(small.bytes.count)]
        for length in 0...small.bytes.count {
            let (files, file) = try SegmentBench.place(Array(small.bytes[0..<length]))
            let report = try SegmentRecovery.recover(directory: SegmentBench.directory, files: files)
            let kept = ends.last { $0 <= Int64(length) } ?? 0
            #expect(try files.size(of: file.path) == kept)
            #expect(report.truncatedBytes == Int64(length) - kept && report.damageCount == 0 && report.problems.isEmpty)
        }
    }

    @Test func damageIsCopiedAsideAndTheSegmentStaysAsItIs() throws {
        let small = try SegmentBench.small()
        var bytes = small.bytes
        bytes[100] ^= 0xFF
        let (files, file) = try SegmentBench.place(bytes)
        for _ in 0..<2 {
            let report = try SegmentRecovery.recover(directory: SegmentBench.directory, files: files)
            #expect(report.damageCount == 1 && report.records == 4 && report.problems.isEmpty)
            let copy = try #require(report.segments.first?.setAside.first)
            #expect(files.contents(copy) == Array(bytes[0..<Int(small.offsets[1])]))
        }
        #expect(files.contents(file.path) == bytes)
        #expect(try SegmentDirectory(files: files, path: SegmentBench.directory).list().count == 1)
    }

    @Test func anyNoiseUnderASegmentsNameLetsTheStartGoOn() throws {
        for seed in 0..<300 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let noise = (0..<Int.random(in: 0...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let (files, file) = try SegmentBench.place(noise)
            let report = try SegmentRecovery.recover(directory: SegmentBench.directory, files: files)
            #expect(report.segments.count == 1 && report.records == 0)
            #expect(files.contents(file.path)?.starts(with: noise.prefix(Int(file.size - report.truncatedBytes))) == true)
            let writer = try SegmentWriter(directory: SegmentBench.directory, node: "n1", files: files, clock: ManualClock())
            try writer.append([65], startedAtUs: 1)
            try writer.close()
        }
    }

    @Test func failingDeviceIsReportedAndNotThrown() throws {
        let small = try SegmentBench.small()
        for operation in [FileOperation.open, .read, .truncate, .sync] {
            let (files, _) = try SegmentBench.place(Array(small.bytes.dropLast()))
            files.fail(operation, nth: 1, times: 100, errno: 5)
            let report = try SegmentRecovery.recover(directory: SegmentBench.directory, files: files)
            #expect(!report.problems.isEmpty)
        }
    }

    @Test func onlyAnUnusableDirectoryThrows() throws {
        for operation in [FileOperation.list, .createDirectories] {
            let files = MemoryFileSystem()
            files.fail(operation, nth: 1, errno: 13)
            let error = #expect(throws: SegmentError.self) {
                _ = try SegmentRecovery.recover(directory: SegmentBench.directory, files: files)
            }
            #expect(error?.code == .directoryUnusable && error?.cause?.code == .permissionDenied)
        }
    }

    @Test func onlyTheLatestSegmentsAreRead() throws {
        let small = try SegmentBench.small()
        let files = MemoryFileSystem()
        for number in 0..<20 as Range<UInt64> {
            files.put("\(SegmentBench.directory)/" + SegmentFile.name(node: "n", epoch: 1, sequence: number), small.bytes)
        }
        let report = try SegmentRecovery.recover(directory: SegmentBench.directory, files: files)
        #expect(
            report.segments.count == 16 && report.skippedSegments == 4
                && report.segments.last?.found.name.hasSuffix("19.hot") == true)
    }

    @Test func verifyAddsUpToTheFile() throws {
        let small = try SegmentBench.small()
        var bytes = small.bytes
        bytes[Int(small.offsets[1]) + 90] ^= 1
        let (files, _) = try SegmentBench.place(bytes + [0x51, 0x2A])
        let found = try SegmentVerify.verify(directory: SegmentBench.directory, files: files)
        let one = try #require(found.first)
        #expect(found.count == 1 && one.batches == 2 && one.records == 5 && !one.isClean)
        #expect(one.damage == [SegmentDamage(range: small.offsets[1]..<small.offsets[2], reason: .badChecksum)])
        #expect(one.incompleteAt == Int64(small.bytes.count))
        #expect(Int64(one.compressedBytes) + one.damagedBytes + 2 == one.fileBytes)
        let raw = small.lines.enumerated().filter { $0.offset != 2 }.reduce(0) { $0 + $1.element.count + 1 }
        #expect(one.rawBytes == UInt64(raw))
    }
}
