// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// The two times a program needs, and a pause.
package protocol Clock: Sendable {
    /// Microseconds since the Unix epoch, UTC; may jump.
    var wallUs: Int64 { get }
    /// Microseconds since some start; never goes back.
    var monotonicUs: Int64 { get }
    /// Holds the calling thread for about this long; returns at once for 0 or less.
    func sleep(us: Int64)
}

/// The clocks of the machine.
package struct SystemClock: Clock {
    /// The one there is.
    package init() {}

    /// `CLOCK_REALTIME`, microseconds.
    package var wallUs: Int64 { SystemClock.read(CLOCK_REALTIME) }

    /// `CLOCK_MONOTONIC`, microseconds.
    package var monotonicUs: Int64 { SystemClock.read(CLOCK_MONOTONIC) }

    /// Sleeps; a signal may end it early.
    package func sleep(us: Int64) {
        guard us > 0 else { return }
        var wanted = timespec(tv_sec: Int(us / 1_000_000), tv_nsec: Int(us % 1_000_000) * 1_000)
        _ = unsafe nanosleep(&wanted, nil)
    }

    /// CPU time the calling thread has used, nanoseconds; for measurements.
    package static var threadCPUNs: Int64 {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    private static func read(_ id: clockid_t) -> Int64 {
        var now = timespec()
        _ = unsafe clock_gettime(id, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }
}

/// A clock that stands still until it is told to move; for tests.
///
/// Safe to use from several threads.
package final class ManualClock: Clock {
    private let times: Mutex<(wall: Int64, monotonic: Int64)>

    /// A clock at a wall time, its monotonic time at 0.
    package init(wallUs: Int64 = 1_700_000_000_000_000) {
        times = Mutex((wallUs, 0))
    }

    /// The wall time set so far.
    package var wallUs: Int64 { times.withLock { $0.wall } }

    /// The monotonic time passed so far.
    package var monotonicUs: Int64 { times.withLock { $0.monotonic } }

    /// Moves both times on.
    package func advance(us: Int64) {
        times.withLock { now in
            now.wall &+= us
            now.monotonic &+= max(0, us)
        }
    }

    /// Moves the wall time alone, as an administrator or a leap does.
    package func jumpWall(byUs us: Int64) {
        times.withLock { $0.wall &+= us }
    }

    /// Advances instead of sleeping.
    package func sleep(us: Int64) {
        if us > 0 { advance(us: us) }
    }
}
