// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Glibc
import Platform
import Redaction
import SegmentLog
import TestSupport
import Testing

@testable import Capture

/// Recovery where the disk refuses: nothing is lost, nothing comes twice, and one bad file stops no other.
@Suite struct ArenaFaultTests {
    /// The arena of a process that died with committed exchanges in it.
    private static func crash(_ folder: String, _ name: String, exchanges: Int, bytes: Int = 100) throws -> Set<ExchangeID> {
        let clock = ManualClock(wallUs: 1_764_000_000_000_000)
        let mapping = try PosixFileSystem().createMapped(folder + "/" + name, bytes: 1 << 20)
        let identity = ArenaIdentity(node: "n1", epoch: 7, loop: 0, createdAtUs: clock.wallUs)
        let arena = CaptureArena(mapping: mapping, path: folder + "/" + name, identity: identity)
        let counters = CaptureCounters(clock: clock)
        counters.add(arena)
        let lane = CaptureLane(
            clock: clock, limits: CaptureLimits(), counters: counters, arena: arena, signal: CaptureSignal())
        var ids: Set<ExchangeID> = []
        for number in 0..<exchanges {
            let tap = lane.begin()
            ids.insert(tap.id)
            // Bytes that do not compress, so that a backlog is what it says.
            var random = SplitMix64(seed: UInt64(number + 1))
            tap.request((0..<bytes).map { _ in UInt8.random(in: 0...255, using: &random) })
            tap.commit(.completed)
        }
        return ids
    }

    private static let making = RecordMaking(
        node: "n", hasher: KeyHasher(secret: [UInt8](repeating: 7, count: 32)), limits: CaptureLimits())

    private static func recover(_ folder: String, _ writer: SegmentWriter, _ log: any FileSystem, _ arenas: any FileSystem)
        -> ArenaRecoveryReport
    {
        ArenaRecovery(
            directory: folder, segments: SegmentDirectory(files: log, path: "/s"), files: arenas, writer: writer,
            limits: CaptureLimits(), making: making
        ).run()
    }

    private static func ids(_ files: any FileSystem) throws -> [ExchangeID] {
        var found: [ExchangeID] = []
        for file in try SegmentDirectory(files: files, path: "/s").list() {
            let reader = try SegmentReader(file: file, files: files)
            var offset: Int64 = 0
            while case .batch(let batch) = try reader.next(after: offset) {
                for range in batch.lineRanges { found.append(try ExchangeRecord(line: batch.raw[range]).head.id) }
                offset = batch.next
            }
        }
        return found
    }

    @Test func aRecordThatTheLogRefusedIsNotTakenForWritten() throws {
        let folder = try TemporaryFolder()
        let ids = try Self.crash(folder.path, "a.arena", exchanges: 40, bytes: 1_000)
        let log = MemoryFileSystem()
        let clock = ManualClock()
        var limits = SegmentLimits()
        limits.batchBytes = 3_000
        limits.backlogBytes = 8_000
        let writer = try SegmentWriter(directory: "/s", node: "n", files: log, clock: clock, limits: limits)
        log.fail(.write, nth: 1, times: 1_000_000, errno: ENOSPC)
        let first = Self.recover(folder.path, writer, log, PosixFileSystem())
        #expect(first.problems.count == 1 && first.records > 0 && first.records < ids.count)
        // Room again: live traffic takes the numbers that the refused records would have had.
        log.clearFaults()
        clock.advance(us: 1_000_000)
        try writer.flush()
        let live = try LoneLane()
        for _ in 0..<5 {
            live.lane.begin().commit(.completed)
            _ = try #require(try live.take())
            try writer.append(live.encoder.line(of: live.view), startedAtUs: 0)
        }
        try writer.close()
        let again = try SegmentWriter(directory: "/s", node: "n", files: log, clock: clock)
        let second = Self.recover(folder.path, again, log, PosixFileSystem())
        try again.close()
        #expect(second.problems.isEmpty && second.alreadyWritten == first.records)
        let found = try Self.ids(log)
        #expect(found.count == ids.count + 5 && Set(found).isSuperset(of: ids))
    }

    @Test func anUnfinishedArenaThatCannotBeRemovedStopsNoOther() throws {
        let folder = try TemporaryFolder()
        for name in ["a.arena.new", "c.arena.new"] {
            try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path + "/" + name))
        }
        let ids = try Self.crash(folder.path, "b.arena", exchanges: 5)
        let log = MemoryFileSystem()
        let writer = try SegmentWriter(directory: "/s", node: "n", files: log, clock: ManualClock())
        let watched = WatchedFiles(refusing: { call, path in
            switch (call, PathText.name(of: path)) {
            case (.unlink, "a.arena.new"): EACCES
            case (.tryLock, "c.arena.new"): EIO
            default: nil
            }
        })
        let report = Self.recover(folder.path, writer, log, watched)
        try writer.close()
        #expect(report.arenas == 1 && report.records == 5)
        #expect(report.problems.count == 2 && report.problems[0].contains("a.arena.new"))
        #expect(Set(try Self.ids(log)) == ids)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/b.arena"))
    }

    @Test(arguments: [EMFILE, ENOMEM, EIO, EACCES]) func aSoundArenaThatCannotBeOpenedNowIsKept(number: Int32) throws {
        let folder = try TemporaryFolder()
        let ids = try Self.crash(folder.path, "a.arena", exchanges: 5)
        let log = MemoryFileSystem()
        let writer = try SegmentWriter(directory: "/s", node: "n", files: log, clock: ManualClock())
        let refused = Self.recover(
            folder.path, writer, log, WatchedFiles(refusing: { call, _ in call == .openMapped ? number : nil }))
        #expect(refused.damagedArenas == 0 && refused.problems.count == 1)
        #expect(FileManager.default.fileExists(atPath: folder.path + "/a.arena"))
        let report = Self.recover(folder.path, writer, log, PosixFileSystem())
        try writer.close()
        #expect(report.records == 5)
        #expect(try Set(Self.ids(log)) == ids)
    }

    @Test func aDrainedArenaThatStaysIsReported() throws {
        let folder = try TemporaryFolder()
        let ids = try Self.crash(folder.path, "a.arena", exchanges: 5)
        let log = MemoryFileSystem()
        let writer = try SegmentWriter(directory: "/s", node: "n", files: log, clock: ManualClock())
        let report = Self.recover(
            folder.path, writer, log, WatchedFiles(refusing: { call, _ in call == .unlink ? EACCES : nil }))
        #expect(report.arenas == 1 && report.problems.count == 1 && report.problems[0].contains("a.arena"))
        // It is empty: the next start writes nothing again.
        let second = Self.recover(folder.path, writer, log, PosixFileSystem())
        try writer.close()
        #expect(second.records == 0 && second.problems.isEmpty)
        #expect(try Self.ids(log).sorted() == ids.sorted())
    }
}
