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

    /// What has to be allowed, for the operator.
    package var needs: String {
        switch self {
        case .noThread: "one thread more than the system gives"
        case .diskPriority: "ioprio_set, which the system refuses (a seccomp profile?)"
        case .noWayBack: "CAP_SYS_NICE, or a limit of niceness of 20 (systemd: LimitNICE=+0)"
        }
    }

    /// Tries it, on a thread that ends with the try; blocks the calling thread for it.
    ///
    /// - Parameter keepDisk: gives the thread that calls it a disk priority of its own, and says whether the system did so.
    /// - Returns: nil where a thread can be idle, keep its place at the disk and come back.
    package static func ofThisProcess(
        keepDisk: @escaping @Sendable () -> Bool = { OwnedThread.keepDiskPriority() }
    ) -> IdleObstacle? {
        let trial = Trial()
        let run: @Sendable () -> Void = {
            trial.keepsDisk.store(keepDisk(), ordering: .relaxed)
            trial.hasAsked.wake()
            trial.ending.park(maxUs: PlatformLimits.longestParkUs)
        }
        guard let thread = try? OwnedThread(name: "weir-try", run: run) else { return .noThread }
        defer {
            trial.ending.wake()
            thread.join()
        }
        trial.hasAsked.park(maxUs: PlatformLimits.longestParkUs)
        guard trial.keepsDisk.load(ordering: .relaxed) else { return .diskPriority }
        return thread.setPriority(.idle) && thread.setPriority(.normal) ? nil : .noWayBack
    }

    private final class Trial: Sendable {
        let keepsDisk = Atomic<Bool>(false)
        let hasAsked = Parker()
        let ending = Parker()
    }
}
