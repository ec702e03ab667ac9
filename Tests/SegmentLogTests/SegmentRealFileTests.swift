// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Synchronization
import Testing

@testable import SegmentLog

@Suite struct SegmentRealFileTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let files = PosixFileSystem()
        let path = "\(P_tmpdir)/weir-segments-\(SystemRandom.bits128().high)"
        try files.createDirectories(path)
        defer {
            for name in (try? files.list(path)) ?? [] { try? files.unlink(path + "/" + name) }
            rmdir(path)
        }
        try body(path)
    }

    @Test func readerFollowsAWriterOnAnotherThreadWithoutEverSeeingDamage() throws {
        try withDirectory { path in
            let failed = Atomic<Bool>(false)
            let thread = try OwnedThread(name: "writer") {
                do {
                    var limits = SegmentLimits()
                    limits.segmentBytes = 200_000
                    let writer = try SegmentWriter(
                        directory: path, node: "live", files: PosixFileSystem(), clock: SystemClock(), sync: .never,
                        limits: limits)
                    for id in 0..<3_000 {
                        try writer.append(SegmentBench.line(id, padding: 300), startedAtUs: Int64(id))
                        if id % 7 == 0 { try writer.flush() }
                    }
                    try writer.close()
                } catch {
                    failed.store(true, ordering: .releasing)
                }
            }
            var (next, place, offset) = (0, 0, Int64(0))
            let clock = SystemClock()
            let deadline = clock.monotonicUs + 60_000_000
            let directory = SegmentDirectory(files: PosixFileSystem(), path: path)
            follow: while next < 3_000, !failed.load(ordering: .acquiring), clock.monotonicUs < deadline {
                let files = try directory.list()
                guard place < files.count else { continue }
                let reader = try SegmentReader(file: files[place], files: PosixFileSystem())
                while true {
                    let step = try reader.next(after: offset)
                    guard case .batch(let batch) = step else {
                        if case .damage = step { Issue.record("damage in a segment being written: \(step)") }
                        // A later segment was there before this one was found to end: it will not grow again.
                        if case .end = step, place + 1 < files.count { (place, offset) = (place + 1, 0) }
                        continue follow
                    }
                    for range in batch.lineRanges {
                        #expect(Array(batch.raw[range]) == SegmentBench.line(next, padding: 300))
                        next += 1
                    }
                    offset = batch.next
                }
            }
            thread.join()
            #expect(next == 3_000 && !failed.load(ordering: .acquiring))
            #expect(try directory.list().count > 1)
        }
    }

    /// Without its lock in the new directory a living writer's segment would be sealed under its hands.
    @Test(arguments: ["directory", "lock"]) func aWriterTakesItsLockAnewWhereItIsGone(what: String) throws {
        try withDirectory { parent in
            let files = PosixFileSystem()
            let (path, taken) = (parent + "/segments", parent + "/taken")
            try files.createDirectories(path)
            let directory = SegmentDirectory(files: files, path: path)
            let epoch = try SegmentEpoch.take(in: directory, clock: SystemClock())
            let writer = try SegmentWriter(
                directory: path, node: "n", files: files, clock: SystemClock(), sync: .always, lock: epoch)
            defer {
                for folder in [path, taken] {
                    for name in (try? files.list(folder)) ?? [] { try? files.unlink(folder + "/" + name) }
                    rmdir(folder)
                }
            }
            try writer.append(SegmentBench.line(0), startedAtUs: 0)
            try writer.flush()
            if what == "directory" {
                try files.rename(path, to: taken)
            } else {
                for name in try files.list(path) where name.hasSuffix(".lock") { try files.unlink(path + "/" + name) }
            }
            try writer.append(SegmentBench.line(1), startedAtUs: 1)
            try writer.flush()
            #expect(try SegmentEpoch.live(in: directory) == [epoch.number])
            #expect(try directory.list().count == 1)
            try writer.close()
            epoch.release(files: files)
        }
    }

    /// What was made durable is not written twice because the lock cannot be had.
    @Test func aLockThatCannotBeTakenAnewFailsNoSync() throws {
        try withDirectory { path in
            let files = PosixFileSystem()
            let directory = SegmentDirectory(files: files, path: path)
            let epoch = try SegmentEpoch.take(in: directory, clock: SystemClock())
            let writer = try SegmentWriter(
                directory: path, node: "n", files: files, clock: SystemClock(), sync: .always, lock: epoch)
            try writer.append(SegmentBench.line(0), startedAtUs: 0)
            try writer.flush()
            let lock = try #require(try files.list(path).first { $0.hasSuffix(".lock") })
            try files.unlink(path + "/" + lock)
            // Nothing is there, and nothing can be made.
            #expect(symlink("/nowhere/at/all", path + "/" + lock) == 0)
            try writer.append(SegmentBench.line(1), startedAtUs: 1)
            try writer.flush()
            let counted = writer.counters
            #expect(
                counted.writeFailures == 1 && counted.syncFailures == 0 && counted.rewrittenBatches == 0 && counted.segments == 1)
            try files.unlink(path + "/" + lock)
            try writer.append(SegmentBench.line(2), startedAtUs: 2)
            try writer.flush()
            #expect(try SegmentEpoch.live(in: directory) == [epoch.number])
            try writer.close()
            #expect(SegmentVerify.verify(try #require(try directory.list().first), files: files).records == 3)
            epoch.release(files: files)
        }
    }

    @Test func recoveryCutsATornFileOnDiskAndItsCopyReads() throws {
        try withDirectory { path in
            let small = try SegmentBench.small()
            let name = path + "/" + SegmentBench.smallName
            let file = try PosixFileSystem().open(name, .createNew)
            try file.append(Array(small.bytes.dropLast(3)))
            file.close()
            let report = try SegmentRecovery.recover(directory: path, files: PosixFileSystem())
            #expect(report.records == 3 && report.truncatedBytes == Int64(small.bytes.count) - 3 - small.offsets[2])
            let found = try SegmentVerify.verify(directory: path, files: PosixFileSystem())
            #expect(found.count == 1 && found[0].isClean && found[0].records == 3)
            #expect(SegmentReport.lines(found[0]).count == 1)
        }
    }

    @Test func reportNamesPlaceReasonAndRemedy() throws {
        let small = try SegmentBench.small()
        var bytes = small.bytes
        bytes[95] ^= 4
        let (files, file) = try SegmentBench.place(bytes + [0x51])
        let lines = SegmentReport.lines(SegmentVerify.verify(file, files: files))
        #expect(lines.count == 3 && lines[0].contains("DAMAGED") && lines[0].contains("2 batches  4 records"))
        #expect(lines[1].contains("damage bad_checksum at bytes 0..<\(small.offsets[1]): "))
        #expect(lines[2].contains("incomplete from byte \(small.bytes.count)"))
        #expect(SegmentReport.line(file).contains(SegmentBench.smallName))
    }
}
