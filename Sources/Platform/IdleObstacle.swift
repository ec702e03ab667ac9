// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Why a thread of this process should not be made idle (`ThreadPriority.idle`).
package enum IdleObstacle: Equatable, Sendable {
    /// It could not be tried: the system has no more threads.
    case noThread
    /// An idle thread's reads, writes and syncs would be idle too, and a busy disk lets those wait for seconds (ioprio_set(2)).
    case diskPriority
    /// It could not come back: that needs `CAP_SYS_NICE`, or a limit of niceness (`RLIMIT_NICE`) that covers it (sched(7)).
    case noWayBack

    /// Tries it, on a thread that ends with the try; blocks the calling thread for it.
    ///
    /// - Parameter keepDisk: gives the thread that calls it a disk priority of its own, and says whether the system did so.
    /// - Returns: nil where a thread can be idle, keep its place at the disk and come back.
    package static func ofThisProcess(
        keepDisk: @escaping @Sendable () -> Bool = { OwnedThread.keepDiskPriority() }
    ) -> IdleObstacle? {
        let attempt = Attempt()
        let run: @Sendable () -> Void = {
            attempt.keepsDisk.store(keepDisk(), ordering: .relaxed)
            attempt.hasAsked.wake()
            attempt.ending.park(maxUs: PlatformLimits.longestParkUs)
        }
        guard let thread = try? OwnedThread(name: "weir-try", run: run) else { return .noThread }
        defer {
            attempt.ending.wake()
            thread.join()
        }
        attempt.hasAsked.park(maxUs: PlatformLimits.longestParkUs)
        guard attempt.keepsDisk.load(ordering: .relaxed) else { return .diskPriority }
        return thread.setPriority(.idle) && thread.setPriority(.normal) ? nil : .noWayBack
    }

    private final class Attempt: Sendable {
        let keepsDisk = Atomic<Bool>(false)
        let hasAsked = Parker()
        let ending = Parker()
    }
}
