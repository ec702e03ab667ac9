// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform
import Testing

@testable import SegmentLog

@Suite struct GapAndKeyTests {
    struct Unexpected: Error {}

    private static let gap = SegmentGap(
        reason: "arena_full", count: 7, firstAtUs: 1_764_000_000_000_001, lastAtUs: 1_764_000_000_000_009, firstID: "a\"b",
        lastID: nil)

    private static func key(_ byte: UInt8) throws -> SegmentKey {
        try #require(SegmentKey([UInt8](repeating: byte, count: SegmentKey.bytes)))
    }

    @Test func keepsAGapInItsPlace() throws {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(2, to: writer)
        try writer.append(gap: Self.gap)
        try bench.append(3, to: writer)
        try writer.close()
        #expect(writer.counters.gaps == 1 && writer.counters.records == 5)
        let steps = try SegmentBench.steps(try #require(try bench.list().first), bench.files)
        guard steps.count == 4, case .batch(let before) = steps[0], case .gap(let read) = steps[1],
            case .batch(let after) = steps[2]
        else { throw Unexpected() }
        #expect(read.gap == Self.gap)
        #expect(before.header.recordCount == 2 && after.header.firstRecord == 2 && after.header.recordCount == 3)
        #expect(try bench.records() == bench.appended)
        let found = SegmentVerify.verify(try #require(try bench.list().first), files: bench.files)
        #expect(found.isClean && found.records == 5 && found.gaps == 1 && found.missingRecords == 7)
    }

    @Test func refusesAGapWhileTheBacklogIsFullAndAfterClosing() throws {
        let bench = SegmentBench()
        var limits = SegmentLimits()
        limits.backlogBytes = 10
        let writer = try bench.writer(limits: limits)
        bench.files.setCapacity(0)
        try bench.append(1, to: writer)
        #expect(throws: SegmentError.self) { try writer.flush() }
        #expect { try writer.append(gap: Self.gap) } throws: { ($0 as? SegmentError)?.code == .backlogFull }
        bench.files.setCapacity(nil)
        try writer.flush()
        try writer.append(gap: Self.gap)
        try writer.close()
        #expect { try writer.append(gap: Self.gap) } throws: { ($0 as? SegmentError)?.code == .closed }
        #expect(try bench.records() == bench.appended)
    }

    @Test func readsEncryptedRecordsWithTheirKeyOnly() throws {
        let (mine, other) = (try Self.key(1), try Self.key(2))
        let bench = SegmentBench()
        let writer = try bench.writer(keys: SegmentKeys([mine]))
        try bench.append(4, to: writer)
        try writer.append(gap: Self.gap)
        try writer.close()
        let file = try #require(try bench.list().first)
        let bytes = try #require(bench.files.contents(file.path))
        #expect(!bytes.contains(Array("\"text\"".utf8)))
        let steps = try SegmentBench.steps(file, bench.files, keys: SegmentKeys([other, mine]))
        #expect(SegmentBench.lines(steps) == bench.appended)
        for keys in [SegmentKeys.none, SegmentKeys([other])] {
            guard case .locked(0, _, mine.id) = try SegmentBench.steps(file, bench.files, keys: keys)[0] else {
                throw Unexpected()
            }
        }
        let reader = SegmentRecordReader(directory: SegmentDirectory(files: bench.files, path: SegmentBench.directory))
        #expect { try reader.record(segment: file.name, frame: 0, offset: 0) } throws: {
            ($0 as? SegmentError)?.code == .keyMissing
        }
        let found = SegmentVerify.verify(file, files: bench.files)
        #expect(found.records == 0 && found.lockedBatches == 1 && found.missingKeys == [mine.name] && found.damageCount == 0)
    }

    /// A batch that cannot be read may hold what is looked for: that is no answer.
    @Test func aSearchSaysWhereItCouldNotLook() throws {
        let mine = try Self.key(1)
        let bench = SegmentBench()
        let writer = try bench.writer(keys: SegmentKeys([mine]))
        try bench.append(4, to: writer)
        try writer.close()
        func found(_ time: Int64, _ keys: SegmentKeys) throws -> Int {
            var lines = 0
            let directory = SegmentDirectory(files: bench.files, path: SegmentBench.directory, keys: keys)
            try SegmentSearch.lines(startedAtUs: [time], since: 0, directory: directory) { _ in lines += 1 }
            return lines
        }
        let within: Int64 = 1_764_000_000_000_002
        #expect(try found(within, SegmentKeys([mine])) == 4 && found(5, .none) == 0)
        #expect { _ = try found(within, .none) } throws: { ($0 as? SegmentError)?.code == .keyMissing }
    }

    @Test func anEncryptedFrameVouchesForItsHeader() throws {
        let mine = try Self.key(1)
        let bench = SegmentBench()
        let writer = try bench.writer(keys: SegmentKeys([mine]))
        try bench.append(2, to: writer)
        try writer.close()
        let file = try #require(try bench.list().first)
        let bytes = try #require(bench.files.contents(file.path))
        // Another first record, with checksums that fit: only the seal can tell.
        guard case .header(var header) = SegmentBatchHeader.read(bytes, at: 0) else { throw Unexpected() }
        header.firstRecord = 99
        let (files, forged) = try SegmentBench.place(header.encoded() + bytes.dropFirst(SegmentFormat.headerBytes))
        guard case .damage(_, .badSeal, _) = try SegmentBench.steps(forged, files, keys: SegmentKeys([mine]))[0] else {
            throw Unexpected()
        }
    }

    @Test func readsKeyFilesAndRefusesBadOnesWithoutShowingThem() throws {
        let files = MemoryFileSystem()
        let hex = String(repeating: "0f", count: 32)
        files.put("/keys", Array("# the first one writes\n\n\(hex)\r\n  \(String(repeating: "a0", count: 32))\n".utf8))
        let keys = try SegmentKeys(file: "/keys", files: files)
        #expect(keys.current?.id == SegmentKey([UInt8](repeating: 0x0F, count: 32))?.id)
        let second = try #require(SegmentKey([UInt8](repeating: 0xA0, count: 32)))
        #expect(keys[second.id] != nil && keys[1] == nil && keys.current?.description.contains("0f0f") == false)
        for bad in ["", "# nothing\n", "\(hex.dropLast())\n", "\(hex.dropLast())g\n", hex + "00\n"] {
            files.put("/bad", Array(bad.utf8))
            #expect { _ = try SegmentKeys(file: "/bad", files: files) } throws: { error in
                guard let error = error as? SegmentError else { return false }
                return error.code == .keyFileUnusable && !error.description.contains("0f0f0f0f")
            }
        }
        #expect(throws: SegmentError.self) { _ = try SegmentKeys(file: "/absent", files: files) }
    }
}
