// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Glibc
import Logging
import Platform
import SegmentLog
import Synchronization
import Testing

@testable import Capture

/// A disk that takes nothing, and callers who never pause.
@Suite struct FullDiskTests {
    private static let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

    private static func engine(
        _ folder: String, files: any FileSystem, segments: CaptureSegments = CaptureSegments()
    ) throws -> CaptureEngine {
        var limits = CaptureLimits()
        limits.arenaBytes = 1 << 20
        return try CaptureEngine(
            places: CapturePlaces(segments: folder + "/segments", arenas: folder + "/arenas", lock: folder + "/lock"),
            node: "n1", hasherSecret: [UInt8](repeating: 7, count: 32), files: files, limits: limits, segments: segments,
            logger: logger)
    }

    private final class Switch: Sendable {
        private let flag: Atomic<Bool>
        init(_ isOn: Bool) { flag = Atomic(isOn) }
        var isOn: Bool { flag.load(ordering: .relaxed) }
        func set(_ isOn: Bool) { flag.store(isOn, ordering: .relaxed) }
    }

    /// What a process said of itself when it ended.
    private struct Told {
        let (admitted, written, dropped, refused, waiting): (Int, Int, Int, Int, Int)

        init(_ counters: CaptureCounters) {
            (admitted, written, dropped) = (counters.admitted, counters.written, counters.dropped)
            (refused, waiting) = (counters.dropped(.logRefused), counters.waiting)
        }
    }

    /// A process that meets a full disk: as a kill would leave it, copied to a second folder, and as a stop leaves it.
    private static func filled(_ folder: String, killed: String) throws -> Told {
        let files = WatchedFiles(refusing: { step, path in
            step == .append && path.hasSuffix(SegmentFormat.hotExtension) ? ENOSPC : nil
        })
        let engine = try engine(folder, files: files)
        let lane = engine.makeLane()
        for _ in 0..<60 {
            for _ in 0..<8 {
                let tap = lane.begin()
                tap.request([UInt8](repeating: 0x61, count: 3_000))
                tap.commit(.completed)
            }
            usleep(15_000)
        }
        // From now on the capture thread has nothing to do but to ask the disk now and then.
        usleep(300_000)
        for part in ["segments", "arenas"] {
            try PosixFileSystem().createDirectories(killed + "/" + part)
            for name in try PosixFileSystem().list(folder + "/" + part) where !name.hasSuffix(".lock") {
                try FileManager.default.copyItem(atPath: folder + "/\(part)/" + name, toPath: killed + "/\(part)/" + name)
            }
        }
        engine.stop()
        return Told(engine.counters)
    }

    /// Slots are given back while records wait in memory, for new exchanges come first; then the process is told to stop, or dies.
    @Test func anEndOnAFullDiskLosesNothingUncounted() throws {
        let (stopped, killed) = (try TemporaryFolder(), try TemporaryFolder())
        let told = try Self.filled(stopped.path, killed: killed.path)
        // No more slots were given back than half the arena asked for.
        #expect(told.admitted == 480 && told.refused > 50 && told.waiting > 50 && told.written == 0)
        #expect(told.admitted == told.written + told.dropped + told.waiting)
        for place in [stopped.path, killed.path] {
            let again = try Self.engine(place, files: PosixFileSystem())
            #expect(again.counters.recovered == told.waiting)
            again.stop()
            let log = try LogContent(PosixFileSystem(), place + "/segments")
            let ids = try log.lines.map { try ExchangeRecord(line: $0).head.id }
            #expect(Set(ids).count == ids.count && ids.count == told.waiting)
            #expect(log.gaps.reduce(0) { $0 + Int($1.count) } == told.dropped)
            #expect(log.gaps.contains { $0.reason == "log_refused" && Int($0.count) == told.refused })
            #expect(try PosixFileSystem().list(place + "/arenas").isEmpty)
        }
    }

    /// What waited while the disk was full is written once it has room, and nothing is counted as lost.
    @Test func aDiskThatHasRoomAgainGetsAllThatWaited() throws {
        let folder = try TemporaryFolder()
        let isFull = Switch(true)
        let files = WatchedFiles(refusing: { step, path in
            step == .append && path.hasSuffix(SegmentFormat.hotExtension) && isFull.isOn ? ENOSPC : nil
        })
        let engine = try Self.engine(folder.path, files: files)
        let lane = engine.makeLane()
        for round in 0..<40 {
            for _ in 0..<8 {
                let tap = lane.begin()
                tap.request([UInt8](repeating: 0x61, count: 3_000))
                tap.commit(.completed)
            }
            if round == 30 { isFull.set(false) }
            usleep(15_000)
        }
        engine.stop()
        let counters = engine.counters
        #expect(counters.admitted == counters.written + counters.dropped && counters.dropped(.logRefused) == 0)
        #expect(try LogContent(PosixFileSystem(), folder.path + "/segments").lines.count == counters.written)
    }

    /// Takes the part of a loop whose callers send the next exchange as soon as one is in a segment.
    private final class Endless: Sendable {
        nonisolated(unsafe) var lane: CaptureLane?
        let runs = Switch(true)
        func next() { if runs.isOn { lane?.begin().commit(.completed) } }
    }

    @Test func whatIsDueDoesNotWaitForALull() throws {
        let folder = try TemporaryFolder()
        let endless = Endless()
        let syncs = Atomic<Int>(0)
        let files = WatchedFiles(
            refusing: { step, path in
                if step == .sync, path.hasSuffix(SegmentFormat.hotExtension) { syncs.wrappingAdd(1, ordering: .relaxed) }
                return nil
            }, appended: { if $0.hasSuffix(SegmentFormat.hotExtension) { endless.next() } })
        var segments = CaptureSegments()
        segments.limits.batchBytes = 1
        segments.sync = .interval(us: 50_000)
        let engine = try Self.engine(folder.path, files: files, segments: segments)
        let lane = engine.makeLane()
        // More than an eighth of the arena is held by exchanges that run: a look has no portion then.
        let running = (0..<80).map { _ in lane.begin() }
        endless.lane = lane
        lane.begin().commit(.completed)
        usleep(700_000)
        let (lag, synced) = (engine.counters.lagUs, syncs.load(ordering: .relaxed))
        endless.runs.set(false)
        for _ in 0..<2_000 where engine.counters.waiting > 0 { usleep(1_000) }
        for tap in running { tap.commit(.completed) }
        engine.stop()
        #expect(engine.counters.written > 200)
        #expect(lag < 500_000, "the gauge stands still: \(lag) us")
        #expect(synced >= 3, "\(synced) syncs in 700 ms")
    }
}
