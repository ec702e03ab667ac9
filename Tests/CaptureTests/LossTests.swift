// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Glibc
import Platform
import Redaction
import SegmentLog
import Synchronization
import TestSupport
import Testing

@testable import Capture

@Suite struct LossNoteTests {
    private static func id(_ number: Int) -> ExchangeID { ExchangeID(high: UInt64(number), low: UInt64(number) &* 7) }

    @Test func tellsCountTimesAndIDsOfWhatNoGapCovers() throws {
        let lone = try LoneLane(arenaBytes: 1 << 20)
        let notes = LossNotes(lone.arena.memory, .full)
        #expect(notes.uncovered(.arenaFull) == nil && GapKeeper.isSettled(lone.arena.memory))
        for number in 1...5 { notes.note(Self.id(number), startedAtUs: Int64(number) * 10) }
        let run = try #require(notes.uncovered(.arenaFull))
        #expect(run.count == 5 && run.firstAtUs == 10 && run.lastAtUs == 50)
        #expect(run.firstID == Self.id(1) && run.lastID == Self.id(5))
        notes.promise(run, epoch: 3)
        #expect(notes.covered == 0 && notes.promised == 5 && notes.promisedID == Self.id(5) && notes.promisedEpoch == 3)
        // One that comes between the promise and its settling belongs to the next gap.
        notes.note(Self.id(6), startedAtUs: 60)
        notes.keepPromise()
        #expect(notes.covered == 5)
        let next = try #require(notes.uncovered(.arenaFull))
        #expect(next.count == 1 && next.firstID == Self.id(6) && next.lastID == Self.id(6) && next.lastAtUs == 60)
        notes.promise(next, epoch: 3)
        notes.withdraw()
        #expect(notes.promised == notes.covered && notes.uncovered(.arenaFull)?.count == 1)
        #expect(!GapKeeper.isSettled(lone.arena.memory))
    }

    /// One side loses, the other covers: every loss is in one run, and no note is torn.
    @Test func losesAndCoversAtTheSameTime() throws {
        let lone = try LoneLane(arenaBytes: 1 << 20)
        let notes = LossNotes(lone.arena.memory, .full)
        let total: UInt64 = 200_000
        let memory = lone.arena.memory
        // Both sides touch atomics of the mapping alone.
        nonisolated(unsafe) let shared = memory
        let tally = Tally()
        let reader = try OwnedThread(name: "coverer") {
            let notes = LossNotes(shared, .full)
            while notes.covered < total {
                guard let run = notes.uncovered(.arenaFull) else { continue }
                let isWhole = run.lastID.low == run.lastID.high &* 7 && run.lastAtUs == Int64(run.lastID.high) * 10
                if !isWhole || run.lastID.high != notes.covered + run.count { tally.torn.wrappingAdd(1, ordering: .relaxed) }
                tally.covered.wrappingAdd(Int(run.count), ordering: .relaxed)
                notes.promise(run, epoch: 1)
                notes.keepPromise()
            }
        }
        for number in 1...Int(total) { notes.note(Self.id(number), startedAtUs: Int64(number) * 10) }
        reader.join()
        #expect(tally.covered.load(ordering: .relaxed) == Int(total) && tally.torn.load(ordering: .relaxed) == 0)
    }
}

@Suite struct GapTests {
    private static let making = RecordMaking(
        node: "n", hasher: KeyHasher(secret: [UInt8](repeating: 7, count: 32)), limits: CaptureLimits())

    /// An arena on disk whose process lost some exchanges and died.
    private final class Died {
        let folder: TemporaryFolder
        let arena: CaptureArena
        let ids: [ExchangeID]

        init(lost: Int) throws {
            folder = try TemporaryFolder()
            let path = folder.path + "/a.arena"
            let mapping = try PosixFileSystem().createMapped(path, bytes: 1 << 20)
            arena = CaptureArena(
                mapping: mapping, path: path, identity: ArenaIdentity(node: "n1", epoch: 7, loop: 0, createdAtUs: 1))
            ids = (1...max(1, lost)).map { ExchangeID(high: UInt64($0), low: 9) }
            for id in ids.prefix(lost) { arena.lost(.full, id, startedAtUs: Int64(id.high) * 100) }
        }

        var file: String { folder.path + "/a.arena" }

        /// The file as it is, to be recovered elsewhere.
        func copy() throws -> TemporaryFolder {
            let copy = try TemporaryFolder()
            try Data(contentsOf: URL(fileURLWithPath: file)).write(to: URL(fileURLWithPath: copy.path + "/a.arena"))
            return copy
        }
    }

    private static func recover(_ folder: String, _ log: MemoryFileSystem, _ writer: SegmentWriter) -> ArenaRecoveryReport {
        ArenaRecovery(
            directory: folder, segments: SegmentDirectory(files: log, path: "/s"), files: PosixFileSystem(), writer: writer,
            limits: CaptureLimits(), making: making
        ).run()
    }

    private static func writer(_ log: MemoryFileSystem) throws -> SegmentWriter {
        try SegmentWriter(directory: "/s", node: "n", files: log, clock: ManualClock())
    }

    @Test func whatADeadProcessLostBecomesOneGapAtTheNextStart() throws {
        let died = try Died(lost: 5)
        let copy = try died.copy()
        let log = MemoryFileSystem()
        let writer = try Self.writer(log)
        let report = Self.recover(copy.path, log, writer)
        try writer.close()
        #expect(report.arenas == 1 && report.problems.isEmpty)
        let gaps = try LogContent(log, "/s").gaps
        #expect(
            gaps == [
                SegmentGap(
                    reason: "arena_full", count: 5, firstAtUs: 100, lastAtUs: 500, firstID: "\(died.ids[0])",
                    lastID: "\(died.ids[4])")
            ])
    }

    /// The process dies before the gap reached a segment, and after.
    @Test(arguments: [false, true]) func aGapOnItsWayIsWrittenOnceWhereverTheProcessDied(isWritten: Bool) throws {
        let died = try Died(lost: 3)
        let log = MemoryFileSystem()
        let live = try Self.writer(log)
        if !isWritten { log.fail(.write, nth: 1, times: 1_000, errno: 5) }
        try GapKeeper(writer: live).write(died.arena.memory)
        let notes = LossNotes(died.arena.memory, .full)
        #expect(notes.promised == 3 && notes.covered == (isWritten ? 3 : 0))
        // What a kill in the moment before the settling leaves.
        if isWritten { died.arena.memory.word(at: ArenaFormat.Loss.full.coverage).pointee.store(0, ordering: .relaxed) }
        died.arena.lost(.full, ExchangeID(high: 77, low: 1), startedAtUs: 7)
        let copy = try died.copy()
        log.clearFaults()
        let writer = try Self.writer(log)
        let report = Self.recover(copy.path, log, writer)
        try writer.close()
        #expect(report.problems.isEmpty)
        let gaps = try LogContent(log, "/s").gaps
        #expect(gaps.map(\.count) == (isWritten ? [3, 1] : [4]))
        #expect(gaps.last?.lastID == "\(ExchangeID(high: 77, low: 1))")
    }

    /// After a power cut the arena's header may be older than the log.
    @Test func aGapThatSpansOlderNotesIsNotWrittenAgain() throws {
        let died = try Died(lost: 3)
        let old = try died.copy()
        died.arena.lost(.full, ExchangeID(high: 9, low: 9), startedAtUs: 900)
        let log = MemoryFileSystem()
        let live = try SegmentWriter(directory: "/s", node: "n", files: log, clock: ManualClock(), epoch: 7)
        try GapKeeper(writer: live).write(died.arena.memory)
        try live.close()
        let writer = try Self.writer(log)
        let report = Self.recover(old.path, log, writer)
        try writer.close()
        #expect(report.problems.isEmpty && report.arenas == 1)
        #expect(try LogContent(log, "/s").gaps.map(\.count) == [4])
    }

    @Test func anArenaIsKeptWhereTheLogRefusesItsGap() throws {
        let died = try Died(lost: 2)
        let copy = try died.copy()
        let log = MemoryFileSystem()
        let writer = try Self.writer(log)
        log.fail(.write, nth: 1, times: 1_000, errno: 28)
        #expect(Self.recover(copy.path, log, writer).problems.count == 1)
        #expect(FileManager.default.fileExists(atPath: copy.path + "/a.arena"))
        log.clearFaults()
        let again = try Self.writer(log)
        let report = Self.recover(copy.path, log, again)
        try again.close()
        #expect(report.problems.isEmpty)
        #expect(try LogContent(log, "/s").gaps.map(\.count) == [2])
        #expect(!FileManager.default.fileExists(atPath: copy.path + "/a.arena"))
    }

    @Test func eachReasonHasAGapOfItsOwn() throws {
        let died = try Died(lost: 0)
        died.arena.lost(.refused, ExchangeID(high: 3, low: 4), startedAtUs: 30)
        died.arena.lost(.full, ExchangeID(high: 5, low: 6), startedAtUs: 50)
        died.arena.lost(.refused, ExchangeID(high: 7, low: 8), startedAtUs: 70)
        died.arena.lost(.stopped, ExchangeID(high: 9, low: 1), startedAtUs: 90)
        let log = MemoryFileSystem()
        let live = try Self.writer(log)
        let keeper = GapKeeper(writer: live)
        try keeper.write(died.arena.memory)
        // Covered is covered: asked again, nothing more is written.
        try keeper.write(died.arena.memory)
        died.arena.lost(.refused, ExchangeID(high: 11, low: 1), startedAtUs: 110)
        try keeper.write(died.arena.memory)
        try live.close()
        #expect(GapKeeper.isSettled(died.arena.memory))
        let gaps = try LogContent(log, "/s").gaps
        #expect(gaps.map(\.reason) == ["arena_full", "stopped", "log_refused", "log_refused"])
        #expect(gaps.map(\.count) == [1, 1, 2, 1])
        #expect(gaps[2].firstAtUs == 30 && gaps[2].lastAtUs == 70 && gaps[3].firstAtUs == 110)
    }

    /// Records that waited in memory for a full disk: what was written of them is no loss, the rest went with the process.
    @Test func whatWaitedInMemoryIsLostWithTheProcess() throws {
        let died = try Died(lost: 0)
        for number in 1...5 { died.arena.lost(.early, ExchangeID(high: UInt64(number), low: 1), startedAtUs: Int64(number)) }
        LossNotes(died.arena.memory, .early).cover(2)
        let log = MemoryFileSystem()
        // Not while it lives.
        let live = try Self.writer(log)
        try GapKeeper(writer: live).write(died.arena.memory)
        try live.close()
        #expect(try LogContent(log, "/s").gaps.isEmpty && !GapKeeper.isSettled(died.arena.memory))
        let copy = try died.copy()
        let writer = try Self.writer(log)
        #expect(Self.recover(copy.path, log, writer).problems.isEmpty)
        try writer.close()
        let gaps = try LogContent(log, "/s").gaps
        #expect(gaps.map(\.count) == [3] && gaps.first?.reason == "log_refused" && gaps.first?.lastAtUs == 5)
        LossNotes(died.arena.memory, .early).cover(9)
        #expect(GapKeeper.isSettled(died.arena.memory))
    }

    /// Every exchange that was admitted is a record or stands in a gap, whatever found no room.
    @Test func everyDropStandsInAGap() throws {
        var limits = CaptureLimits()
        limits.arenaBytes = 1 << 20
        limits.spillBytes = 0
        let bench = try CaptureBench(limits)
        let lane = bench.engine.makeLane()
        for round in 0..<3 {
            bench.clock.hold()
            lane.begin().commit(.completed)
            try #require(bench.clock.waitForPause())
            for _ in 0..<300 + round * 50 {
                let tap = lane.begin()
                tap.request([UInt8](repeating: 0x61, count: 5_000))
                tap.commit(.completed)
            }
            bench.clock.letGo()
            for _ in 0..<4_000 where bench.engine.counters.inFlight > 0 {
                bench.clock.advance(us: 300_000)
                usleep(500)
            }
            #expect(bench.engine.counters.inFlight == 0)
        }
        let records = try bench.records()
        let gaps = try bench.gaps()
        let counters = bench.engine.counters
        #expect(counters.dropped > 0 && gaps.reduce(0) { $0 + $1.count } == UInt64(counters.dropped))
        #expect(counters.admitted == records.count + counters.dropped && counters.admitted == 1_053)
        #expect(gaps.allSatisfy { $0.reason == "arena_full" && $0.firstID != nil && $0.lastID != nil })
        #expect(try bench.files.list(Self.arenas).isEmpty)
    }

    private static let arenas = CaptureBench.directory + "/arenas"
}

private final class Tally: Sendable {
    let covered = Atomic<Int>(0)
    let torn = Atomic<Int>(0)
}
