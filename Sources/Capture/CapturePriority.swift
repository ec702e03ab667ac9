// SPDX-License-Identifier: Apache-2.0
import Platform

/// Which priority the capture thread has: idle while its arenas have room and nothing waits for long, so that an event loop on the same
/// core never waits for it, and normal while they fill, so that a busy loop cannot starve it.
struct CapturePriority {
    /// An exchange that waits longer than this for its segment makes capture hurry, microseconds.
    ///
    /// In calm times a batch waits for 100,000, and the sync that follows is promised a second after the first of its writes.
    static let longestWaitUs: Int64 = 150_000
    /// Calm for so long before capture is idle again, microseconds: at first, and at most.
    ///
    /// Longer ones would have callers see capture long after a burst.
    static let leastCalmUs: Int64 = 1_000_000
    static let mostCalmUs: Int64 = 4_000_000

    private(set) var current: ThreadPriority = .idle
    private var calmUs = CapturePriority.leastCalmUs
    /// Of the last look at which capture had to hurry; of the last change while it is idle.
    private var sinceUs: Int64

    init(nowUs: Int64) { sinceUs = nowUs }

    /// Decides anew.
    ///
    /// Whoever has to hurry again soon after it was calm is given longer the next time: a steady load takes few changes.
    ///
    /// - Parameters:
    ///   - fill: of the fullest arena.
    ///   - waitUs: how long the oldest ended exchange has waited.
    ///   - nowUs: of a clock that only goes on.
    /// - Returns: the priority to have from now on.
    mutating func look(_ fill: ArenaFill, waitUs: Int64, nowUs: Int64) -> ThreadPriority {
        let hurries = !fill.isLow || waitUs >= CapturePriority.longestWaitUs
        switch current {
        case .idle where hurries:
            let isSoon = nowUs - sinceUs < calmUs
            calmUs = isSoon ? min(calmUs * 2, CapturePriority.mostCalmUs) : CapturePriority.leastCalmUs
            (current, sinceUs) = (.normal, nowUs)
        case .normal where hurries: sinceUs = nowUs
        case .normal where nowUs - sinceUs >= calmUs: (current, sinceUs) = (.idle, nowUs)
        default: break
        }
        return current
    }
}

/// Gives the capture thread the priority that the arenas ask for.
///
/// World: a thread of its own, for a starved thread cannot notice that it starves. It looks at counters, and makes a system call where
/// the priority changes.
final class CaptureWatch: Sendable {
    /// Between two looks while exchanges are under way, and while none are, microseconds: at 250 MB/s an eighth of an arena fills in 30,000.
    private static let busyRestUs: Int64 = 10_000
    private static let idleRestUs: Int64 = 50_000

    private let change: @Sendable (ThreadPriority) -> Bool
    private let counters: CaptureCounters
    private let clock: any Clock
    private let ending = Parker()

    /// - Parameters:
    ///   - counters: of the arenas.
    ///   - clock: that of the counters.
    ///   - change: gives the capture thread a priority, and says whether the system did so.
    init(counters: CaptureCounters, clock: any Clock, change: @escaping @Sendable (ThreadPriority) -> Bool) {
        self.counters = counters
        self.clock = clock
        self.change = change
    }

    /// Until `end()`.
    func run() {
        var priority = CapturePriority(nowUs: clock.monotonicUs)
        var set = ThreadPriority.normal
        while true {
            let fill = ArenaFill(of: counters.allArenas)
            let wanted = priority.look(fill, waitUs: counters.lagUs, nowUs: clock.monotonicUs)
            // Where the system refuses, the next look asks again.
            if wanted != set, change(wanted) { set = wanted }
            if ending.park(maxUs: fill.used > 0 ? CaptureWatch.busyRestUs : CaptureWatch.idleRestUs) { break }
        }
        if set != .normal { _ = change(.normal) }
    }

    func end() { ending.wake() }
}
