// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Logging
import Platform
import Redaction
import SegmentLog
import Synchronization
import TestSupport
import Testing

@testable import Capture

/// A folder that goes with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("weir-arena-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct ArenaRecoveryTests {
    private static let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

    private static func engine(
        _ folder: String, files: any FileSystem = PosixFileSystem(), clock: any Clock = SystemClock(), arenaBytes: Int = 1 << 20,
        shares: Bool = false, keys: SegmentKeys = .none
    ) throws -> CaptureEngine {
        var segments = CaptureSegments()
        segments.keys = keys
        var limits = CaptureLimits()
        limits.arenaBytes = arenaBytes
        limits.arenaShareBytes = 200_000
        return try CaptureEngine(
            places: CapturePlaces(segments: folder + "/segments", arenas: folder + "/arenas", lock: folder + "/lock"),
            node: "n1", hasherSecret: [UInt8](repeating: 7, count: 32), files: files, clock: clock, limits: limits,
            segments: segments, sharesDirectory: shares, logger: logger)
    }

    private static func records(_ folder: String, keys: SegmentKeys = .none) throws -> [ExchangeRecord] {
        let files = PosixFileSystem()
        var records: [ExchangeRecord] = []
        for file in try SegmentDirectory(files: files, path: folder + "/segments").list() {
            let reader = try SegmentReader(file: file, files: files, keys: keys)
            var offset: Int64 = 0
            while case .batch(let batch) = try reader.next(after: offset) {
                for range in batch.lineRanges { records.append(try ExchangeRecord(line: batch.raw[range])) }
                offset = batch.next
            }
        }
        return records
    }

    /// What a kill at this moment would leave: the files as they are, without the locks.
    private static func copy(_ from: String, to folder: String) throws {
        for part in ["segments", "arenas"] {
            try FileManager.default.createDirectory(atPath: folder + "/" + part, withIntermediateDirectories: true)
            for name in try FileManager.default.contentsOfDirectory(atPath: from + "/" + part) where !name.hasSuffix(".lock") {
                let data = try Data(contentsOf: URL(fileURLWithPath: from + "/\(part)/" + name))
                try data.write(to: URL(fileURLWithPath: folder + "/\(part)/" + name))
            }
        }
    }

    /// An exchange as the test remembers it.
    private struct Known {
        let tap: CaptureTap
        var request: [UInt8] = []
        var response: [UInt8] = []
    }

    @Test func everythingCommittedAndInFlightIsThereAfterACrashAtAnyMoment() throws {
        let live = try TemporaryFolder()
        let clock = HeldClock()
        let engine = try Self.engine(live.path, clock: clock)
        let lane = engine.makeLane()
        clock.hold()
        lane.begin().commit(.completed)
        try #require(clock.waitForPause())
        var random = SplitMix64(seed: 11)
        var open: [Known] = []
        var committed: [Known] = []
        for step in 0..<240 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<3:
                let tap = lane.begin()
                tap.heads(request: "POST /v1/chat/completions?n=\(step) HTTP/1.1\r\nHost: h\r\n\r\n", response: "")
                tap.exchange.provider = "openai"
                if step % 2 == 0 { tap.checkpoint() }
                open.append(Known(tap: tap))
            case 3..<8 where !open.isEmpty:
                let at = Int.random(in: 0..<open.count, using: &random)
                let bytes = (0..<Int.random(in: 1...5_000, using: &random)).map { UInt8(97 + $0 % 26) }
                if Bool.random(using: &random) {
                    open[at].tap.request(bytes)
                    open[at].request += bytes
                } else {
                    open[at].tap.response(bytes)
                    open[at].response += bytes
                }
            case 8 where !open.isEmpty:
                let done = open.remove(at: Int.random(in: 0..<open.count, using: &random))
                done.tap.exchange.status = 200
                done.tap.commit(.completed)
                committed.append(done)
            default: break
            }
            if step % 20 == 19 { try Self.check(live.path, open: open, committed: committed) }
        }
        for known in open { known.tap.commit(.completed) }
        clock.letGo()
        engine.stop()
        #expect(engine.counters.dropped == 0)
        let arenas = try FileManager.default.contentsOfDirectory(atPath: live.path + "/arenas")
        #expect(arenas.isEmpty)
    }

    private static func check(_ live: String, open: [Known], committed: [Known]) throws {
        let folder = try TemporaryFolder()
        try copy(live, to: folder.path)
        for pass in 0..<2 {
            let again = try engine(folder.path)
            #expect(again.counters.damaged == 0)
            if pass == 1 { #expect(again.counters.recovered == 0) }
            again.stop()
        }
        let found = Dictionary(grouping: try records(folder.path)) { $0.head.id }
        for known in committed {
            let record = try #require(found[known.tap.id]?.first)
            #expect(found[known.tap.id]?.count == 1 && record.head.outcome == .completed && record.head.status == 200)
            #expect((record.requestBody.content ?? []) == known.request && (record.responseBody.content ?? []) == known.response)
        }
        for known in open {
            let record = try #require(found[known.tap.id]?.first)
            #expect(found[known.tap.id]?.count == 1 && record.head.outcome == .gatewayCrashed)
            #expect(record.head.endedUs == nil && record.head.path == "/v1/chat/completions")
            #expect((record.requestBody.content ?? []) == known.request && (record.responseBody.content ?? []) == known.response)
        }
        #expect(found.count == open.count + committed.count + 1)
    }

    /// What a kill leaves in the moment after a batch was appended, while its slots are still taken: the capture thread itself takes
    /// the copies, so that it stands still, and what the test's thread adds meanwhile only lies in slots that were free.
    @Test func aRecordThatReachedASegmentIsNotWrittenTwice() throws {
        struct Moment {
            let folder: TemporaryFolder
            let committed: Set<ExchangeID>
        }
        let live = try TemporaryFolder()
        let path = live.path
        let committed = Mutex<Set<ExchangeID>>([])
        let moments = Mutex<[Result<Moment, any Error>]>([])
        let files = WatchedFiles(appended: { file in
            guard file.hasSuffix(SegmentFormat.hotExtension) else { return }
            moments.withLock { moments in
                guard moments.count < 6 else { return }
                moments.append(
                    Result {
                        let before = committed.withLock { $0 }
                        let folder = try TemporaryFolder()
                        try Self.copy(path, to: folder.path)
                        return Moment(folder: folder, committed: before)
                    })
            }
        })
        let engine = try Self.engine(live.path, files: files, arenaBytes: 16 << 20)
        let lane = engine.makeLane()
        // Six batches, closed by their size.
        for _ in 0..<300 {
            let tap = lane.begin()
            tap.request([UInt8](repeating: 0x61, count: 20_000))
            tap.commit(.completed)
            committed.withLock { _ = $0.insert(tap.id) }
        }
        engine.stop()
        let ids = committed.withLock { $0 }
        #expect(try Self.records(live.path).map(\.head.id).sorted() == ids.sorted())
        var alreadyWritten = 0
        for moment in moments.withLock({ $0 }) {
            let moment = try moment.get()
            let report = try Self.recoverAlone(moment.folder.path)
            #expect(report.damagedSlots == 0 && report.problems.isEmpty)
            alreadyWritten += report.alreadyWritten
            let found = Dictionary(grouping: try Self.records(moment.folder.path).map(\.head.id)) { $0 }
            #expect(found.values.allSatisfy { $0.count == 1 })
            #expect(moment.committed.allSatisfy { found[$0] != nil })
        }
        #expect(alreadyWritten > 0)
    }

    /// Recovery as the engine does it at its start, with its report.
    private static func recoverAlone(_ folder: String, bootID: [UInt8] = Host.bootID()) throws -> ArenaRecoveryReport {
        let files = PosixFileSystem()
        let segments = SegmentDirectory(files: files, path: folder + "/segments")
        _ = try SegmentRecovery.recover(directory: segments.path, files: files) { _ in false }
        let writer = try SegmentWriter(directory: segments.path, node: "n1", files: files, clock: SystemClock())
        let making = RecordMaking(
            node: "n1", hasher: KeyHasher(secret: [UInt8](repeating: 7, count: 32)), limits: CaptureLimits())
        var recovery = ArenaRecovery(
            directory: folder + "/arenas", segments: segments, files: files, writer: writer, limits: CaptureLimits(),
            making: making)
        recovery.bootID = bootID
        let report = recovery.run()
        try writer.close()
        return report
    }

    /// What a power cut leaves: an arena as the kernel wrote it some time before the log.
    @Test func anArenaOlderThanTheLogDoublesNothing() throws {
        let live = try TemporaryFolder()
        let clock = HeldClock()
        let engine = try Self.engine(live.path, clock: clock)
        let lane = engine.makeLane()
        clock.hold()
        lane.begin().commit(.completed)
        try #require(clock.waitForPause())
        let taps = (0..<20).map { _ in lane.begin() }
        for (number, tap) in taps.enumerated() {
            tap.heads(request: "POST /v1/chat/completions?n=\(number) HTTP/1.1\r\nHost: h\r\n\r\n", response: "")
            if number < 10 { tap.commit(.completed) }
        }
        let old = try TemporaryFolder()
        try Self.copy(live.path, to: old.path)
        for tap in taps.suffix(10) { tap.commit(.completed) }
        clock.letGo()
        engine.stop()
        let cut = try TemporaryFolder()
        try Self.copy(live.path, to: cut.path)
        for name in try FileManager.default.contentsOfDirectory(atPath: old.path + "/arenas") {
            try FileManager.default.copyItem(atPath: old.path + "/arenas/" + name, toPath: cut.path + "/arenas/" + name)
        }
        let report = try Self.recoverAlone(cut.path, bootID: Array("another".utf8))
        #expect(report.records == 0 && report.alreadyWritten == 21 && report.damagedSlots == 0 && report.damagedArenas == 0)
        let found = try Self.records(cut.path)
        #expect(found.count == 21 && Set(found.map(\.head.id)).count == 21)
        #expect(found.allSatisfy { $0.head.outcome == .completed })
    }

    /// The same where the log is encrypted: with its key nothing is doubled, and without it the arena is kept.
    @Test func anArenaOlderThanAnEncryptedLogDoublesNothing() throws {
        let keys = SegmentKeys([try #require(SegmentKey([UInt8](repeating: 3, count: SegmentKey.bytes)))])
        let live = try TemporaryFolder()
        let engine = try Self.engine(live.path, keys: keys)
        let lane = engine.makeLane()
        let taps = (0..<20).map { _ in lane.begin() }
        let old = try TemporaryFolder()
        try Self.copy(live.path, to: old.path)
        for tap in taps { tap.commit(.completed) }
        engine.stop()
        let cut = try TemporaryFolder()
        try Self.copy(live.path, to: cut.path)
        let names = try FileManager.default.contentsOfDirectory(atPath: old.path + "/arenas")
        for name in names {
            let path = cut.path + "/arenas/" + name
            try FileManager.default.copyItem(atPath: old.path + "/arenas/" + name, toPath: path)
            // As another run of the machine left it.
            let mapping = try #require(try PosixFileSystem().openMapped(path))
            var (identity, memory) = try #require(ArenaIdentity.read(mapping))
            identity.bootID = Array("another".utf8)
            identity.write(to: memory)
            withExtendedLifetime(mapping) {}
        }
        let blind = try Self.engine(cut.path)
        blind.stop()
        #expect(blind.counters.recovered == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cut.path + "/arenas") == names)
        let again = try Self.engine(cut.path, keys: keys)
        again.stop()
        #expect(again.counters.recovered == 0)
        let found = try Self.records(cut.path, keys: keys)
        #expect(found.count == 20 && Set(found.map(\.head.id)) == Set(taps.map(\.id)))
        #expect(try FileManager.default.contentsOfDirectory(atPath: cut.path + "/arenas").isEmpty)
    }

    /// The same where the slots are newer than the pages.
    @Test func aPageOfAnEarlierExchangeIsNotTakenForALaterOnes() throws {
        let live = try TemporaryFolder()
        let engine = try Self.engine(live.path)
        let lane = engine.makeLane()
        func begun(_ name: String) -> CaptureTap {
            let tap = lane.begin()
            tap.heads(request: "POST /\(name) HTTP/1.1\r\nHost: h\r\n\r\n", response: "")
            tap.request(Array("body of \(name)".utf8))
            return tap
        }
        let first = begun("first")
        let old = try TemporaryFolder()
        try Self.copy(live.path, to: old.path)
        first.commit(.completed)
        while engine.counters.inFlight > 0 { SystemClock().sleep(us: 10_000) }
        let second = begun("second")
        let new = try TemporaryFolder()
        try Self.copy(live.path, to: new.path)
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: new.path + "/arenas").first)
        let (before, after) = try (
            Array(Data(contentsOf: URL(fileURLWithPath: old.path + "/arenas/" + name))),
            Array(Data(contentsOf: URL(fileURLWithPath: new.path + "/arenas/" + name)))
        )
        // Header and slots of the later moment, pages of the earlier one; the second exchange has the first one's slot and page.
        let pages = ArenaMemory.pageCount(fitting: after.count)
        let table = ArenaMemory.fileBytes(pages: pages) - pages * ArenaFormat.pageBytes
        try Data(after[..<table] + before[table...]).write(to: URL(fileURLWithPath: new.path + "/arenas/" + name))
        let report = try Self.recoverAlone(new.path, bootID: Array("another".utf8))
        #expect(report.records == 1 && report.crashed == 1 && report.damagedArenas == 0)
        let found = try Self.records(new.path)
        let record = try #require(found.first { $0.head.id == second.id })
        #expect(record.head.outcome == .gatewayCrashed && record.head.path.isEmpty && record.requestBody.content == nil)
        second.commit(.completed)
        engine.stop()
    }

    @Test func aLivingProcessIsLeftAlone() throws {
        let folder = try TemporaryFolder()
        let old = try Self.engine(folder.path)
        let tap = old.makeLane().begin()
        #expect(throws: CaptureError.self) { try Self.engine(folder.path) }
        let new = try Self.engine(folder.path, shares: true)
        let second = new.makeLane().begin()
        second.commit(.completed)
        tap.commit(.completed)
        old.stop()
        new.stop()
        let records = try Self.records(folder.path)
        #expect(Set(records.map(\.head.id)) == [tap.id, second.id] && records.allSatisfy { $0.head.outcome == .completed })
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/arenas").isEmpty)
        try Self.engine(folder.path).stop()
    }

    /// A multiple of six keeps the kinds of damage even; `make fuzz` runs many more.
    private static let damageRounds = ProcessInfo.processInfo.environment["WEIR_DAMAGE_ROUNDS"].flatMap { Int($0) } ?? 60

    @Test func damagedArenasAreSetAsideAndNeverTrap() throws {
        let live = try TemporaryFolder()
        let clock = HeldClock()
        let engine = try Self.engine(live.path, clock: clock)
        let lane = engine.makeLane()
        clock.hold()
        lane.begin().commit(.completed)
        try #require(clock.waitForPause())
        var exchanges = RandomExchange(seed: 3)
        for _ in 0..<60 { exchanges.drive(lane) { clock.advance(us: $0) } }
        let open = lane.begin()
        open.request(Array("still running".utf8))
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: live.path + "/arenas").first)
        let sound = Array(try Data(contentsOf: URL(fileURLWithPath: live.path + "/arenas/" + name)))
        clock.letGo()
        open.commit(.completed)
        engine.stop()
        var random = SplitMix64(seed: 77)
        for round in 0..<Self.damageRounds {
            var bytes = sound
            switch round % 6 {
            case 0: bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
            case 1: bytes[Int.random(in: 0..<600, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes = (0..<9_000).map { _ in UInt8.random(in: 0...255, using: &random) }
            default:
                // Slots, and the pages in use: the header's checksum stays sound.
                for _ in 0..<Int.random(in: 1...200, using: &random) {
                    bytes[Int.random(in: 4_096..<400_000, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
            }
            try Self.recover(bytes, round: round)
        }
    }

    private static func recover(_ bytes: [UInt8], round: Int) throws {
        let folder = try TemporaryFolder()
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/x.arena"))
        let memory = MemoryFileSystem()
        let clock = ManualClock()
        let writer = try SegmentWriter(directory: "/s", node: "n", files: memory, clock: clock)
        let limits = CaptureLimits()
        let making = RecordMaking(node: "n", hasher: KeyHasher(secret: [UInt8](repeating: 7, count: 32)), limits: limits)
        let report = ArenaRecovery(
            directory: folder.path, segments: SegmentDirectory(files: memory, path: "/s"), files: PosixFileSystem(),
            writer: writer, limits: limits, making: making
        ).run()
        try writer.close()
        #expect(report.arenas + report.damagedArenas >= 1, "round \(round)")
        for file in try SegmentDirectory(files: memory, path: "/s").list() {
            let reader = try SegmentReader(file: file, files: memory)
            var offset: Int64 = 0
            while case .batch(let batch) = try reader.next(after: offset) {
                for range in batch.lineRanges { _ = try ExchangeRecord(line: batch.raw[range]) }
                offset = batch.next
            }
        }
        // Nothing is left to be found a second time.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { $0 == "damaged" })
    }
}
