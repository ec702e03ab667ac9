// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Capture

@Suite struct ArenaTests {
    private static let pattern = (0..<410_000).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8) ^ ($0 >> 13)) }

    /// Bytes that differ from salt to salt.
    static func bytes(_ count: Int, _ salt: Int) -> [UInt8] {
        let start = salt % 9_973
        return Array(pattern[start..<start + count])
    }

    @Test(arguments: [0, 1, 31, 32, 4_047, 4_048, 4_049, 4_063, 4_064, 4_065, 8_128, 20_000, 400_000])
    func givesBackEveryByteOverPageEnds(count: Int) throws {
        let lone = try LoneLane()
        let tap = lone.lane.begin()
        tap.heads(request: "POST / HTTP/1.1\r\n\r\n")
        let (request, response) = (Self.bytes(count, 1), Self.bytes(count / 2, 2))
        tap.request(request)
        for start in stride(from: 0, to: response.count, by: 777) {
            tap.response(Array(response[start..<min(start + 777, response.count)]))
        }
        tap.commit(.completed)
        _ = try #require(try lone.take())
        #expect(lone.view.requestBody.array == request && lone.view.responseBody.array == response)
        #expect(lone.view.requestHead.text == "POST / HTTP/1.1\r\n\r\n")
        #expect(lone.view.arrivals.items.map(\.offset) == stride(from: 0, to: Int64(response.count), by: 777).map { $0 })
        #expect(lone.view.facts.isFinal && lone.view.facts.requestKept == .full)
    }

    @Test func longStreamsPinNobodyElse() throws {
        let lone = try LoneLane(arenaBytes: 1 << 20)
        let long = lone.lane.begin()
        long.request(Self.bytes(30_000, 9))
        for number in 0..<2_000 {
            let tap = lone.lane.begin()
            tap.request(Self.bytes(3_000, number))
            long.response([UInt8(truncatingIfNeeded: number)])
            tap.commit(.completed)
            let slot = try #require(try lone.take())
            #expect(lone.view.requestBody.array == Self.bytes(3_000, number))
            lone.giveBack(slot)
        }
        long.commit(.completed)
        _ = try #require(try lone.take())
        #expect(lone.view.requestBody.array == Self.bytes(30_000, 9))
        #expect(lone.view.responseBody.array == (0..<2_000).map { UInt8(truncatingIfNeeded: $0) })
        #expect(lone.counters.dropped == 0 && lone.counters.reduced == 0)
    }

    @Test func everyPageComesBack() throws {
        let lone = try LoneLane(arenaBytes: 1 << 20)
        let all = lone.arena.freePages
        var random = SplitMix64(seed: 5)
        for _ in 0..<300 {
            let taps = (0..<Int.random(in: 1...6, using: &random)).map { _ in lone.lane.begin() }
            for tap in taps { tap.request(Self.bytes(Int.random(in: 0...20_000, using: &random), 3)) }
            for tap in taps.shuffled(using: &random) { tap.commit(.completed) }
            var slots: [UInt32] = []
            while let slot = try lone.take() { slots.append(slot) }
            for slot in slots.shuffled(using: &random) { lone.giveBack(slot) }
        }
        // The next exchange takes back what was returned.
        lone.lane.begin().commit(.completed)
        #expect(lone.arena.freePages == all - 1)
        #expect(lone.arena.slotsInUse == 1)
    }

    @Test func dropsTheNewestWhereNoPageIsLeft() throws {
        let lone = try LoneLane(CaptureLimits(), arenaBytes: 1 << 20)
        let running = (0..<lone.arena.memory.pageCount + 5).map { _ in lone.lane.begin() }
        for tap in running { tap.commit(.completed) }
        #expect(lone.counters.dropped(.arenaFull) == 5)
        #expect(lone.counters.waiting == lone.arena.memory.pageCount)
        while let slot = try lone.take() { lone.giveBack(slot) }
        #expect(lone.counters.waiting == 0)
        lone.lane.begin().commit(.completed)
        #expect(lone.counters.waiting == 1)
    }

    @Test func dropsAnExchangeWhoseHeadFoundNoRoom() throws {
        let lone = try LoneLane(CaptureLimits(), arenaBytes: 1 << 20)
        let first = lone.lane.begin()
        let others = (0..<lone.arena.memory.pageCount - 1).map { _ in lone.lane.begin() }
        Self.bytes(10_000, 1).withUnsafeBytes { first.requestHead($0) }
        for tap in others { tap.commit(.completed) }
        while let slot = try lone.take() { lone.giveBack(slot) }
        // There is room for the facts now: half a head must not pass for a whole one.
        first.commit(.completed)
        #expect(lone.counters.dropped(.arenaFull) == 1)
        #expect(try lone.take() == nil)
    }

    /// One producer, one consumer, many exchanges at once; every byte is checked.
    @Test func handsOverAcrossThreadsWithoutALock() throws {
        let lone = try LoneLane(arenaBytes: 1 << 20)
        let arena = lone.arena
        let total = 8_000
        let tally = Tally()
        let consumer = try OwnedThread(name: "checker") {
            let view = ExchangeView()
            while true {
                guard let slot = arena.committed.pop() else {
                    if tally.stop.load(ordering: .acquiring), arena.committed.isEmpty { return }
                    sched_yield()
                    continue
                }
                let isRead = view.read(arena.memory, slot: slot, spill: arena.spill(slot))
                let salt = Int(view.facts.status ?? -1)
                let isRight = view.facts.requestKept != .full || view.requestBody.array == ArenaTests.bytes(salt % 9_000, salt)
                if !isRead || !isRight { tally.wrong.wrappingAdd(1, ordering: .relaxed) }
                _ = arena.takeSpill(slot)
                arena.giveBack(slot)
                tally.seen.wrappingAdd(1, ordering: .relaxed)
            }
        }
        var open: [CaptureTap] = []
        for number in 0..<total {
            let tap = lone.lane.begin()
            tap.exchange.status = number
            tap.request(Self.bytes(number % 9_000, number))
            open.append(tap)
            if open.count > 7 { open.remove(at: number % 7).commit(.completed) }
        }
        for tap in open { tap.commit(.completed) }
        tally.stop.store(true, ordering: .releasing)
        consumer.join()
        #expect(tally.wrong.load(ordering: .relaxed) == 0)
        #expect(tally.seen.load(ordering: .relaxed) + lone.counters.dropped == total)
    }
}

/// What the checking thread tells its test.
private final class Tally: Sendable {
    let seen = Atomic<Int>(0)
    let wrong = Atomic<Int>(0)
    let stop = Atomic<Bool>(false)
}
