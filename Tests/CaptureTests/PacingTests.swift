// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Platform
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
    }
}

/// The capture thread of a whole engine, as the kernel shows it.
@Suite struct WatchTests {
    /// The threads of this process by a name, with their policies: field 41 of `stat` (proc_pid_stat(5)).
    private static func policies(of name: String) throws -> [String] {
        try PosixFileSystem().list("/proc/self/task").compactMap { thread in
            // A thread may end meanwhile.
            guard let file = try? PosixFileSystem().open("/proc/self/task/\(thread)/stat", .read),
                let stat = try? file.read(at: 0, count: 1_024)
            else { return nil }
            defer { file.close() }
            let parts = String(decoding: stat, as: UTF8.self).split(separator: ")")
            guard parts.first?.hasSuffix("(" + name) == true, let fields = parts.last?.split(separator: " "), fields.count > 38
            else {
                return nil
            }
            return String(fields[38])
        }
    }

    private static func waits(for isSo: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<1_000 {
            if try isSo() { return true }
            SystemClock().sleep(us: 10_000)
        }
        return false
    }

    private static let idle = "5"

    @Test func givesWayUntilItEnds() throws {
        var limits = CaptureLimits()
        limits.givesWay = true
        let bench = try CaptureBench(limits)
        let mayBeIdle = IdleObstacle.ofThisProcess() == nil
        // No other test asks for it.
        #expect(try Self.waits { try Self.policies(of: "weir-capture").contains(Self.idle) == mayBeIdle })
        #expect(try Self.policies(of: "weir-watch").count == (mayBeIdle ? 1 : 0))
        let tap = bench.engine.makeLane().begin()
        tap.request(Array("{}".utf8))
        tap.commit(.completed)
        #expect(try bench.lines().count == 1)
        // A thread that was joined is gone from /proc a moment later.
        #expect(
            try Self.waits {
                try Self.policies(of: "weir-watch").isEmpty && !Self.policies(of: "weir-capture").contains(Self.idle)
            })
    }

    @Test func hurriesWhereTheThreadDoesNotGetToASyncThatIsDue() throws {
        let bench = try CaptureBench()
        let lane = bench.engine.makeLane()
        bench.clock.hold()
        let tap = lane.begin()
        tap.request(Array("{}".utf8))
        tap.commit(.completed)
        // The thread sleeps on, as one that gets no core, while its batch becomes due.
        try #require(bench.clock.waitForPause())
        #expect(bench.engine.counters.lateUs == 0)
        bench.clock.advance(us: 10_000_000)
        #expect(bench.engine.counters.lateUs > CapturePriority.longestLateUs)
        bench.clock.letGo()
        #expect(Self.waits { bench.engine.counters.lateUs == 0 })
        #expect(try bench.lines().count == 1)
    }
}

@Suite struct PriorityTests {
    private let room = ArenaFill(used: 10, pages: 1_000)
    private let filling = ArenaFill(used: 200, pages: 1_000)
    private let second: Int64 = 1_000_000

    @Test func isIdleWhileThereIsRoomAndHurriesWhereThereIsNone() {
        var priority = CapturePriority(nowUs: 0)
        #expect(priority.look(room, waitUs: 110_000, lateUs: 0, nowUs: second) == .idle)
        #expect(priority.look(filling, waitUs: 0, lateUs: 0, nowUs: 2 * second) == .normal)
        #expect(priority.look(room, waitUs: 0, lateUs: 0, nowUs: 3 * second - 1) == .normal)
        #expect(priority.look(room, waitUs: 0, lateUs: 0, nowUs: 3 * second) == .idle)
    }

    @Test func hurriesForOneThatWaitsLong() {
        var priority = CapturePriority(nowUs: 0)
        #expect(priority.look(room, waitUs: CapturePriority.longestWaitUs - 1, lateUs: 0, nowUs: second) == .idle)
        #expect(priority.look(room, waitUs: CapturePriority.longestWaitUs, lateUs: 0, nowUs: second) == .normal)
    }

    @Test func hurriesForWorkThatIsLate() {
        var priority = CapturePriority(nowUs: 0)
        #expect(priority.look(room, waitUs: 0, lateUs: CapturePriority.longestLateUs - 1, nowUs: second) == .idle)
        #expect(priority.look(room, waitUs: 0, lateUs: CapturePriority.longestLateUs, nowUs: second) == .normal)
    }

    /// A load that never ends would have it change back and forth.
    @Test func changesMoreAndMoreSeldomUnderASteadyLoad() {
        var priority = CapturePriority(nowUs: 0)
        var changes: [Int64] = []
        for look in 0..<60_000 as Range<Int64> {
            // Idle capture starves: its arena fills within 100 ms.
            let before = priority.current
            let starves = before == .idle && look % 10 == 0
            if priority.look(starves ? filling : room, waitUs: 0, lateUs: 0, nowUs: look * 10_000) != before {
                changes.append(look)
            }
        }
        #expect(changes.count >= 200 && changes.count <= 300, "\(changes.count) changes in ten minutes")
    }

    @Test func forgetsAHurryAfterALongCalm() {
        var priority = CapturePriority(nowUs: 0)
        var now: Int64 = 0
        for _ in 0..<8 {
            _ = priority.look(filling, waitUs: 0, lateUs: 0, nowUs: now)
            while priority.look(room, waitUs: 0, lateUs: 0, nowUs: now) == .normal { now += second / 10 }
        }
        now += 2 * CapturePriority.mostCalmUs
        #expect(priority.look(filling, waitUs: 0, lateUs: 0, nowUs: now) == .normal)
        #expect(priority.look(room, waitUs: 0, lateUs: 0, nowUs: now + CapturePriority.leastCalmUs) == .idle)
    }
}
