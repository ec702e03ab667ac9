// SPDX-License-Identifier: Apache-2.0
import Platform
import Synchronization

/// How the loops reach the sleeping capture thread: a system call only where it sleeps.
final class CaptureSignal: Sendable {
    private let parker = Parker()
    private let sleeps = Atomic<Bool>(false)
    private let closed = Atomic<Bool>(false)

    /// Whether capture has ended: nothing is taken any more.
    var isClosed: Bool { closed.load(ordering: .acquiring) }

    func close() {
        closed.store(true, ordering: .sequentiallyConsistent)
        parker.wake()
    }

    /// After a push: the thread that looked at the rings before the push has said that it sleeps before it looked.
    func wakeIfAsleep() {
        guard sleeps.load(ordering: .sequentiallyConsistent),
            sleeps.exchange(false, ordering: .sequentiallyConsistent)
        else { return }
        parker.wake()
    }

    /// Sleeps until woken or the time is over, unless there is something to do after all.
    func park(maxUs: Int64, unless hasWork: () -> Bool) {
        sleeps.store(true, ordering: .sequentiallyConsistent)
        if !hasWork(), !isClosed { parker.park(maxUs: maxUs) }
        sleeps.store(false, ordering: .relaxed)
    }
}
