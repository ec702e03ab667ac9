// SPDX-License-Identifier: Apache-2.0
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
