// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// SIGTERM and SIGINT as something to wait for, and SIGPIPE as an error of the write.
///
/// Handlers, not masks: the runtime's own threads let signals through, whatever `main` holds back.
package enum TerminationSignals {
    /// The write end of the pipe that the handler tells; -1 before `hold()`.
    private static let told = Atomic<Int32>(-1)
    private static let heard = Atomic<Int32>(-1)

    /// Takes both signals over and ignores SIGPIPE; called first thing in `main`.
    ///
    /// The second signal of a kind has its usual effect: it ends the process at once.
    ///
    /// - Throws: `PlatformError` where no pipe is to be had.
    package static func hold() throws(PlatformError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw PlatformError(errno: errno, operation: "pipe", path: "") }
        heard.store(ends[0], ordering: .releasing)
        told.store(ends[1], ordering: .releasing)
        install(SIGTERM)
        install(SIGINT)
        signal(SIGPIPE, SIG_IGN)
    }

    private static func install(_ number: Int32) {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { number in
            // Only calls that are safe within a handler: one write, to a pipe that is there already.
            var byte = UInt8(truncatingIfNeeded: number)
            _ = unsafe write(TerminationSignals.told.load(ordering: .acquiring), &byte, 1)
        }
        action.sa_flags = SA_RESTART | Int32(bitPattern: SA_RESETHAND)
        unsafe sigaction(number, &action, nil)
    }

    /// Waits for one of them; blocks the calling thread.
    ///
    /// - Returns: the name of the signal that came.
    package static func wait() -> String {
        var byte: UInt8 = 0
        let end = heard.load(ordering: .acquiring)
        while true {
            let count = unsafe read(end, &byte, 1)
            if count == 1 { return Int32(byte) == SIGINT ? "SIGINT" : "SIGTERM" }
            if count == 0 || errno != EINTR { return "no signal: the pipe is gone" }
        }
    }
}
