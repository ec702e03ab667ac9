// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Synchronization

/// What a thread gets of a core that others want too.
package enum ThreadPriority: Equatable, Sendable {
    /// Its share, as every thread.
    case normal
    /// What others leave: a thread of normal priority that wakes up takes the core at once (`SCHED_IDLE`, sched(7)).
    case idle

    fileprivate var policy: CInt { self == .normal ? SCHED_OTHER : PlatformLimits.schedIdle }
}

/// A named system thread that runs one closure; for work that blocks and must not run on an event loop.
///
/// Owned by whoever started it: `join()` before letting go, or the thread is detached and runs on alone.
package final class OwnedThread: Sendable {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Unchecked: the state was sent here by its only owner and is touched by the new thread alone.
    private final class Handover<State>: @unchecked Sendable {
        let state: State

        init(_ state: State) { self.state = state }
    }

    private let handle: Mutex<pthread_t?>

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: shown by `top -H`; cut at 15 bytes.
    ///   - run: the work; the thread ends with it.
    /// - Throws: `PlatformError` where the system has no more threads.
    package init(name: String, run: @escaping @Sendable () -> Void) throws(PlatformError) {
        let shortName = String(decoding: Array(name.utf8.prefix(PlatformLimits.threadNameBytes)), as: UTF8.self)
        let body = unsafe Unmanaged.passRetained(Body(name: shortName, run: run))
        var thread = pthread_t()
        let failed = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                OwnedThread.nameCurrentThread(body.name)
                body.run()
                return nil
            }, body.toOpaque())
        guard failed == 0 else {
            unsafe body.release()
            throw PlatformError(errno: failed, operation: "pthread_create", path: "")
        }
        handle = Mutex(thread)
    }

    /// Starts a thread that owns state which need not be `Sendable`, such as a writer.
    ///
    /// - Parameters:
    ///   - name: shown by `top -H`; cut at 15 bytes.
    ///   - state: handed over for good; the caller keeps no reference.
    ///   - run: the work.
    /// - Returns: the thread.
    /// - Throws: `PlatformError` where the system has no more threads.
    package static func start<State>(
        name: String, owning state: sending State, run: @escaping @Sendable (State) -> Void
    ) throws(PlatformError) -> OwnedThread {
        let handover = Handover(state)
        return try OwnedThread(name: name) { run(handover.state) }
    }

    /// Lets the calling thread give way to others where the cores are busy, as `nice` does a process; for work behind traffic.
    ///
    /// - Returns: whether the system did so; where it does not, the thread runs on as before.
    @discardableResult
    package static func giveWay() -> Bool {
        // On Linux 0 means the calling thread alone (setpriority(2), "C library/kernel differences").
        setpriority(CInt(PRIO_PROCESS.rawValue), 0, PlatformLimits.backgroundNiceness) == 0
    }

    /// Gives this thread another priority; from any thread.
    ///
    /// - Parameter priority: a thread that was made idle comes back to normal only where the system allows it; see `IdleObstacle.noWayBack`.
    /// - Returns: whether the system did so; false also once the thread is being joined.
    package func setPriority(_ priority: ThreadPriority) -> Bool {
        handle.withLock { held in
            guard let thread = held else { return false }
            var parameters = sched_param(sched_priority: 0)
            return unsafe pthread_setschedparam(thread, priority.policy, &parameters) == 0
        }
    }

    /// Keeps the calling thread's reads, writes and syncs from becoming idle with it: without a priority of their own they take that of the
    /// thread (ioprio_set(2)), and a busy disk then lets them wait for seconds.
    ///
    /// - Returns: whether the system did so.
    package static func keepDiskPriority() -> Bool { weir_ioprio_best_effort() == 0 }

    deinit {
        if let thread = take() { pthread_detach(thread) }
    }

    /// Waits for the closure to end; a second call returns at once.
    ///
    /// Never call it from the thread itself.
    package func join() {
        if let thread = take() { _ = pthread_join(thread, nil) }
    }

    /// The name is a convenience for operators: a system without `/proc` leaves the thread unnamed.
    private static func nameCurrentThread(_ name: String) {
        guard let file = try? PosixFileSystem.openDescriptor("/proc/thread-self/comm", O_WRONLY) else { return }
        _ = WriteLoop.run(Array(name.utf8)[...]) { slice in
            let count = unsafe slice.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            return count < 0 ? .failed(errno) : .wrote(count)
        }
        _ = Glibc.close(file)
    }

    private func take() -> pthread_t? {
        handle.withLock { held in
            defer { held = nil }
            return held
        }
    }
}
