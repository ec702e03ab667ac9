// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Platform
import Synchronization
import Testing

@testable import Capture

@Suite struct PacingTests {
    private let room = ArenaFill(used: 10, pages: 1_000)

    @Test func restsLongWhereLittleComes() {
        var pacing = CapturePacing(longestUs: 10_000)
        for _ in 0..<10 { _ = pacing.rest(after: 1_000, room) }
        #expect(pacing.rest(after: 1_000, room) == CapturePacing.shortestUs)
        var rest: Int64 = 0
        for _ in 0..<10 { rest = pacing.rest(after: 1, room) }
        #expect(rest == 10_000)
    }

    /// Whatever the rate, a look finds about a portion once the rests have settled.
    @Test(arguments: [5_000, 14_000, 30_000] as [Int64]) func settlesAtAPortionForEachLook(perSecond: Int64) {
        var pacing = CapturePacing(longestUs: 10_000)
        var rest: Int64 = 10_000
        var taken: Int64 = 0
        for _ in 0..<50 {
            taken = max(1, perSecond * rest / 1_000_000)
            rest = pacing.rest(after: Int(taken), room)
        }
        #expect(taken >= 15 && taken <= 40, "\(taken) for each look")
    }

    @Test func aFullArenaIsEmptiedWithoutARest() {
        var pacing = CapturePacing(longestUs: 10_000)
        let half = ArenaFill(used: 500, pages: 1_000)
        #expect(pacing.rest(after: 1_000, half) == 0 && pacing.portion(of: half) == Int.max)
        #expect(pacing.portion(of: room) == CapturePacing.most)
        // Full of exchanges that run: nothing is gained by looking without end.
        #expect(pacing.rest(after: 1, half) > 0)
        #expect(pacing.rest(after: 1, ArenaFill(used: 200, pages: 1_000)) <= CapturePacing.shortestUs)
    }

    @Test func theFullestArenaCounts() {
        let fullest = ArenaFill().fuller(room).fuller(ArenaFill(used: 5, pages: 10)).fuller(ArenaFill(used: 400, pages: 1_000))
        #expect(fullest.used == 5 && fullest.isHigh && !fullest.isLow && !ArenaFill(used: 1, pages: 1_000).isHigh)
        #expect(ArenaFill(of: []).isLow && !ArenaFill(of: []).isHigh)
    }
}

@Suite struct WatchTests {
    private static func waits(for isSo: () -> Bool) -> Bool {
        for _ in 0..<1_000 {
            if isSo() { return true }
            SystemClock().sleep(us: 10_000)
        }
        return false
    }

    @Test func hurriesWhileAnExchangeWaitsAndEndsAtNormalPriority() throws {
        let bench = try CaptureBench()
        let counters = bench.engine.counters
        let lane = bench.engine.makeLane()
        bench.clock.hold()
        let tap = lane.begin()
        tap.request(Array("{}".utf8))
        tap.commit(.completed)
        // The capture thread sleeps on, as one that gets no core.
        try #require(bench.clock.waitForPause())
        let changes = Mutex<[ThreadPriority]>([])
        let watch = CaptureWatch(counters: counters, clock: bench.clock) { priority in
            changes.withLock { $0.append(priority) }
            return true
        }
        let thread = try OwnedThread(name: "watch") { watch.run() }
        #expect(Self.waits { changes.withLock { $0 } == [.idle] })
        bench.clock.advance(us: CapturePriority.longestWaitUs)
        #expect(Self.waits { changes.withLock { $0 } == [.idle, .normal] })
        bench.clock.letGo()
        #expect(Self.waits { counters.lagUs == 0 })
        bench.clock.advance(us: CapturePriority.mostCalmUs)
        #expect(Self.waits { changes.withLock { $0 } == [.idle, .normal, .idle] })
        watch.end()
        thread.join()
        #expect(changes.withLock { $0 } == [.idle, .normal, .idle, .normal])
        #expect(try bench.lines().count == 1)
    }

    @Test func asksAgainWhereTheSystemRefuses() throws {
        let asked = Mutex(0)
        let bench = try CaptureBench()
        let watch = CaptureWatch(counters: bench.engine.counters, clock: bench.clock) { _ in
            asked.withLock { $0 += 1 }
            return false
        }
        let thread = try OwnedThread(name: "watch") { watch.run() }
        #expect(Self.waits { asked.withLock { $0 } >= 3 })
        watch.end()
        thread.join()
        #expect(try bench.lines().isEmpty)
    }
}

@Suite struct PriorityTests {
    private let room = ArenaFill(used: 10, pages: 1_000)
    private let filling = ArenaFill(used: 200, pages: 1_000)
    private let second: Int64 = 1_000_000

    @Test func isIdleWhileThereIsRoomAndHurriesWhereThereIsNone() {
        var priority = CapturePriority(nowUs: 0)
        #expect(priority.look(room, waitUs: 110_000, nowUs: second) == .idle)
        #expect(priority.look(filling, waitUs: 0, nowUs: 2 * second) == .normal)
        #expect(priority.look(room, waitUs: 0, nowUs: 3 * second - 1) == .normal)
        #expect(priority.look(room, waitUs: 0, nowUs: 3 * second) == .idle)
    }

    @Test func hurriesForOneThatWaitsLong() {
        var priority = CapturePriority(nowUs: 0)
        #expect(priority.look(room, waitUs: CapturePriority.longestWaitUs - 1, nowUs: second) == .idle)
        #expect(priority.look(room, waitUs: CapturePriority.longestWaitUs, nowUs: second) == .normal)
    }

    /// A load that never ends would have it change back and forth.
    @Test func changesMoreAndMoreSeldomUnderASteadyLoad() {
        var priority = CapturePriority(nowUs: 0)
        var changes: [Int64] = []
        for look in 0..<60_000 as Range<Int64> {
            // Idle capture starves: its arena fills within 100 ms.
            let before = priority.current
            let starves = before == .idle && look % 10 == 0
            if priority.look(starves ? filling : room, waitUs: 0, nowUs: look * 10_000) != before {
                changes.append(look)
            }
        }
        #expect(changes.count >= 200 && changes.count <= 300, "\(changes.count) changes in ten minutes")
    }

    @Test func forgetsAHurryAfterALongCalm() {
        var priority = CapturePriority(nowUs: 0)
        var now: Int64 = 0
        for _ in 0..<8 {
            _ = priority.look(filling, waitUs: 0, nowUs: now)
            while priority.look(room, waitUs: 0, nowUs: now) == .normal { now += second / 10 }
        }
        now += 2 * CapturePriority.mostCalmUs
        #expect(priority.look(filling, waitUs: 0, nowUs: now) == .normal)
        #expect(priority.look(room, waitUs: 0, nowUs: now + CapturePriority.leastCalmUs) == .idle)
    }
}
