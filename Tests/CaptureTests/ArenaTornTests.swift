// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import CZstd
import ExchangeModel
import Foundation
import Platform
import Redaction
import SegmentLog
import TestSupport
import Testing

@testable import Capture

/// Pages of which a disk holds sectors of two moments, and entries that bear no check value.
@Suite struct ArenaTornTests {
    private static let sector = 512

    /// An arena's file of which images are taken while exchanges pass.
    private final class Live {
        let folder: TemporaryFolder
        let arena: CaptureArena
        let lane: CaptureLane
        private let path: String
        private var open: [CaptureTap] = []
        /// Ended and not drained.
        private var waiting = 0
        private var random = SplitMix64(seed: 5)
        /// The bodies so far, by exchange.
        private(set) var request: [ExchangeID: [UInt8]] = [:]
        private(set) var response: [ExchangeID: [UInt8]] = [:]

        init() throws {
            folder = try TemporaryFolder()
            path = folder.path + "/live.arena"
            let clock = ManualClock(wallUs: 1_764_000_000_000_000)
            let identity = ArenaIdentity(node: "n1", epoch: 7, loop: 0, createdAtUs: clock.wallUs, bootID: Array("before".utf8))
            arena = CaptureArena(
                mapping: try PosixFileSystem().createMapped(path, bytes: 1 << 20), path: path, identity: identity)
            let counters = CaptureCounters(clock: clock)
            counters.add(arena)
            lane = CaptureLane(clock: clock, limits: CaptureLimits(), counters: counters, arena: arena, signal: CaptureSignal())
        }

        /// One thing happens to one exchange; those that end are drained but for the last few, so that their pages go to others.
        func step() {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<2 where open.count < 12:
                let tap = lane.begin()
                tap.heads(request: "POST /\(tap.id) HTTP/1.1\r\nHost: h\r\n\r\n", response: "")
                open.append(tap)
            case 2 where !open.isEmpty:
                open.remove(at: Int.random(in: 0..<open.count, using: &random)).commit(.completed)
                waiting += 1
                while waiting > 4, let slot = arena.takeCommitted() {
                    arena.giveBack(slot)
                    waiting -= 1
                }
            case _ where !open.isEmpty:
                let tap = open[Int.random(in: 0..<open.count, using: &random)]
                let bytes = (0..<Int.random(in: 1...3_000, using: &random)).map { _ in UInt8.random(in: 32..<127, using: &random)
                }
                if Bool.random(using: &random) {
                    tap.request(bytes)
                    request[tap.id, default: []] += bytes
                } else {
                    tap.response(bytes)
                    response[tap.id, default: []] += bytes
                }
            default: break
            }
        }

        func image() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

        func end() { for tap in open { tap.commit(.completed) } }
    }

    /// What recovery makes of an arena's bytes, on a machine that was started anew.
    private static func recovered(_ bytes: [UInt8]) throws -> (report: ArenaRecoveryReport, records: [ExchangeRecord]) {
        let folder = try TemporaryFolder()
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/x.arena"))
        let log = MemoryFileSystem()
        let writer = try SegmentWriter(directory: "/s", node: "n", files: log, clock: ManualClock())
        let making = RecordMaking(node: "n", hasher: KeyHasher(secret: [UInt8](repeating: 7, count: 32)), limits: CaptureLimits())
        var recovery = ArenaRecovery(
            directory: folder.path, segments: SegmentDirectory(files: log, path: "/s"), files: PosixFileSystem(), writer: writer,
            limits: CaptureLimits(), making: making)
        recovery.bootID = Array("after".utf8)
        let report = recovery.run()
        try writer.close()
        var records: [ExchangeRecord] = []
        for file in try SegmentDirectory(files: log, path: "/s").list() {
            let reader = try SegmentReader(file: file, files: log)
            var offset: Int64 = 0
            while case .batch(let batch) = try reader.next(after: offset) {
                for range in batch.lineRanges { records.append(try ExchangeRecord(line: batch.raw[range])) }
                offset = batch.next
            }
        }
        return (report, records)
    }

    @Test func sectorsOfTwoMomentsNeverMakeARecord() throws {
        let live = try Live()
        var random = SplitMix64(seed: 6)
        var before = try live.image()
        var (records, cutShort, whole) = (0, 0, 0)
        for _ in 0..<60 {
            for _ in 0..<Int.random(in: 1...60, using: &random) { live.step() }
            let after = try live.image()
            var torn = after
            for at in stride(from: 0, to: torn.count, by: Self.sector) where Bool.random(using: &random) {
                torn.replaceSubrange(at..<at + Self.sector, with: before[at..<at + Self.sector])
            }
            for record in try Self.recovered(torn).records {
                let id = record.head.id
                #expect(record.head.path.isEmpty || record.head.path == "/\(id)")
                let isWhole = record.head.outcome != .gatewayCrashed
                whole += isWhole ? 1 : 0
                for (body, sent) in [(record.requestBody, live.request[id]), (record.responseBody, live.response[id])] {
                    let held = body.content ?? []
                    let isTrue = isWhole ? (sent ?? []) == held : (sent ?? []).starts(with: held)
                    #expect(isTrue, "\(id): \(held.count) bytes differ")
                    records += 1
                    cutShort += held.count < sent?.count ?? 0 ? 1 : 0
                }
            }
            before = after
        }
        live.end()
        // The images were torn, and not all that they hold was thrown away.
        #expect(cutShort > 100 && records - cutShort > 100, "\(cutShort) of \(records) cut short")
        #expect(whole > 20)
    }

    @Test func anyOtherBitOrSaltIsAnotherEntry() {
        var random = SplitMix64(seed: 9)
        for length in Array(0...70) + [4_064] {
            var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            let (head, time, salt) = (UInt32(length), Int64(length) * 1_000, random.next())
            func value(_ head: UInt32, _ time: Int64, _ salt: UInt64) -> UInt32 {
                bytes.withUnsafeBytes { EntryCheck.value(of: ByteRun($0), head: head, timeUs: time, salt: salt) }
            }
            let own = value(head, time, salt)
            for bit in 0..<64 {
                #expect(value(head, time, salt ^ 1 << UInt64(bit)) != own)
                #expect(value(head, time ^ 1 << Int64(bit), salt) != own)
                if bit < 32 { #expect(value(head ^ 1 << UInt32(bit), time, salt) != own) }
            }
            for bit in 0..<length * 8 {
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(value(head, time, salt) != own, "bit \(bit) of \(length) bytes")
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            #expect(value(head, time, salt) == own)
        }
    }

    /// `fixtures/arenas/v1.arena.zst`: a gateway of version 1 of the format, killed with three exchanges in flight; the answers to two
    /// had begun, of the third half of the request had come.
    @Test func anArenaOfVersion1IsDrained() throws {
        var path = #filePath
        for _ in 0..<3 { path = PathText.parent(of: path) }
        let packed = Array(try Data(contentsOf: URL(fileURLWithPath: path + "/fixtures/arenas/v1.arena.zst")))
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        #expect(unsafe ZSTD_decompress(&bytes, bytes.count, packed, packed.count) == bytes.count)
        let (report, records) = try Self.recovered(bytes)
        #expect(report.arenas == 1 && report.crashed == 3 && report.damagedSlots == 0 && report.problems.isEmpty)
        let bodies = records.map { String(decoding: $0.requestBody.content ?? [], as: UTF8.self) }.sorted { $0.count < $1.count }
        let opening = #"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":""#
        let short = opening + #"short"}]}"#
        let long = opening + String(repeating: "0123456789abcdef", count: 600) + #""}]}"#
        #expect(bodies == [String(short.prefix(40)), short, long])
        for record in records where record.requestBody.content?.count != 40 {
            let answer = String(decoding: record.responseBody.content ?? [], as: UTF8.self)
            let count = record.requestBody.content?.count ?? 0
            let parts = (0..<3).map {
                #"data: {"choices":[{"delta":{"content":"part \#($0) of an answer to \#(count) bytes"}}]}"# + "\n\n"
            }
            #expect(answer == parts.joined() && record.head.status == 200)
        }
    }
}
