// SPDX-License-Identifier: Apache-2.0
import Glibc

/// SIGTERM and SIGINT as something to wait for, and SIGPIPE as an error of the write.
package enum TerminationSignals {
    /// Holds both signals back in the calling thread and in every thread it starts later; ignores SIGPIPE.
    ///
    /// Called first thing in `main`, before any other thread exists.
    package static func hold() {
        var set = signalSet()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Waits for one of them; blocks the calling thread.
    ///
    /// - Returns: the name of the signal that came.
    package static func wait() -> String {
        var set = signalSet()
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
        return number == SIGINT ? "SIGINT" : "SIGTERM"
    }

    private static func signalSet() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        return set
    }
}
