// SPDX-License-Identifier: Apache-2.0
import Platform

/// Which priority the capture thread has: idle while its arenas have room and it does its work in time, so that an event loop on the
/// same core never waits for it, and normal while they fill or it is late, so that busy cores cannot starve it.
struct CapturePriority {
    /// An exchange that waits longer than this for its segment makes capture hurry, microseconds.
    ///
    /// In calm times a batch waits for 100,000, and the sync that follows is promised a second after the first of its writes.
    static let longestWaitUs: Int64 = 150_000
    /// A batch or a sync that is due for longer than this makes capture hurry, microseconds: it may be in the midst of a look at its arenas.
    static let longestLateUs: Int64 = 50_000
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
    ///   - lateUs: for how long something has been due.
    ///   - nowUs: of a clock that only goes on.
    /// - Returns: the priority to have from now on.
    mutating func look(_ fill: ArenaFill, waitUs: Int64, lateUs: Int64, nowUs: Int64) -> ThreadPriority {
        let hurries = !fill.isLow || waitUs >= CapturePriority.longestWaitUs || lateUs >= CapturePriority.longestLateUs
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

    private let watched: OwnedThread
    private let counters: CaptureCounters
    private let clock: any Clock
    private let ending = Parker()

    init(_ watched: OwnedThread, counters: CaptureCounters, clock: any Clock) {
        self.watched = watched
        self.counters = counters
        self.clock = clock
    }

    /// Until `end()`.
    func run() {
        var priority = CapturePriority(nowUs: clock.monotonicUs)
        var set = ThreadPriority.normal
        while true {
            let fill = ArenaFill(of: counters.allArenas)
            let wanted = priority.look(fill, waitUs: counters.lagUs, lateUs: counters.lateUs, nowUs: clock.monotonicUs)
            // Where the system refuses, the next look asks again.
            if wanted != set, watched.setPriority(wanted) { set = wanted }
            if ending.park(maxUs: fill.used > 0 ? CaptureWatch.busyRestUs : CaptureWatch.idleRestUs) { break }
        }
        if set != .normal { _ = watched.setPriority(.normal) }
    }

    func end() { ending.wake() }
}
