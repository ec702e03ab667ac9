// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A signal that this program answers instead of dying of it.
package enum ProcessSignal: String, Sendable, CaseIterable {
    /// Drain and stop.
    case terminate = "SIGTERM"
    /// Drain and stop, from the keyboard.
    case interrupt = "SIGINT"
    /// Read the configuration and the certificates again.
    case hangUp = "SIGHUP"
    /// Hand the listening descriptors over to a new process.
    case user2 = "SIGUSR2"

    /// Whether it asks the process to end.
    package var isTermination: Bool { self == .terminate || self == .interrupt }

    var number: Int32 {
        switch self {
        case .terminate: SIGTERM
        case .interrupt: SIGINT
        case .hangUp: SIGHUP
        case .user2: SIGUSR2
        }
    }
}

/// Signals as something to wait for, one after the other, and SIGPIPE as an error of the write.
///
/// Handlers, not masks: the runtime's own threads let signals through, whatever `main` holds back.
package enum TerminationSignals {
    /// The write end of the pipe that the handler tells; -1 before `hold()`.
    private static let told = Atomic<Int32>(-1)
    private static let heard = Atomic<Int32>(-1)

    /// Makes SIGPIPE an error of the write, for as long as the process lives; called first thing in `main`.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Takes SIGTERM and SIGINT over; for a program that drains, which calls it before it starts anything.
    ///
    /// A program that nobody has told to wait for them is not to hold them: it could not be stopped. The second signal of a
    /// kind has its usual effect: it ends the process at once.
    ///
    /// - Throws: `PlatformError` where no pipe is to be had.
    package static func hold() throws(PlatformError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw PlatformError(errno: errno, operation: "pipe", path: "") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // A full pipe drops a signal that says what the ones before it said; the handler never waits.
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        heard.store(ends[0], ordering: .releasing)
        told.store(ends[1], ordering: .releasing)
        install(.terminate, once: true)
        install(.interrupt, once: true)
    }

    /// Takes SIGHUP and SIGUSR2 over as well, for as long as the process lives; for a program that serves.
    ///
    /// Called after `hold()`, before there is anything to reload: without it both end the process, as usual.
    package static func holdRequests() {
        install(.hangUp, once: false)
        install(.user2, once: false)
    }

    private static func install(_ wanted: ProcessSignal, once: Bool) {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { number in
            // Only calls that are safe within a handler: one write, to a pipe that is there already; errno stays as it was.
            let before = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = unsafe write(TerminationSignals.told.load(ordering: .acquiring), &byte, 1)
            errno = before
        }
        action.sa_flags = SA_RESTART | (once ? Int32(bitPattern: SA_RESETHAND) : 0)
        unsafe sigaction(wanted.number, &action, nil)
    }

    /// Waits for the next signal; blocks the calling thread.
    ///
    /// One thread waits at a time. Signals that came meanwhile are given in their order.
    ///
    /// - Returns: the signal that came, or nil where none can come any more.
    package static func next() -> ProcessSignal? {
        var byte: UInt8 = 0
        let end = heard.load(ordering: .acquiring)
        while true {
            let count = unsafe read(end, &byte, 1)
            if count == 1 {
                if let known = ProcessSignal.allCases.first(where: { $0.number == Int32(byte) }) { return known }
            } else if count == 0 || errno != EINTR {
                return nil
            }
        }
    }
}
