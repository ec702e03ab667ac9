// SPDX-License-Identifier: Apache-2.0
package import Platform

/// The lock of those who write the index: one at a time, over processes and threads.
///
/// Waits by asking every `IndexingLimits.lockPollUs`, which is shorter than the pause of a yielding pass.
package final class IndexLock: Sendable {
    private let lock: FileLock
    private let clock: any Clock

    /// A lock that is not held yet.
    ///
    /// - Parameters:
    ///   - path: the lock file; made where it is not there, never removed.
    ///   - clock: measures the wait.
    package init(path: String, clock: any Clock = SystemClock()) {
        lock = FileLock(path: path)
        self.clock = clock
    }

    /// Takes the lock, waiting for it where another holds it.
    ///
    /// Blocks its thread.
    ///
    /// - Parameter waitUs: how long at most, microseconds; 0 asks once.
    /// - Throws: `IndexingError` of code `locked` when the time is over, or `lockUnusable`.
    package func acquire(waitUs: Int64) throws(IndexingError) {
        let start = clock.monotonicUs
        while true {
            if try isTaken() { return }
            let left = waitUs - (clock.monotonicUs - start)
            guard left > 0 else {
                let message =
                    "another process is indexing and did not finish within \(waitUs / 1_000) ms; try again or wait longer"
                throw IndexingError(code: .locked, message: message, path: lock.path)
            }
            clock.sleep(us: min(left, IndexingLimits.lockPollUs))
        }
    }

    private func isTaken() throws(IndexingError) -> Bool {
        do { return try lock.tryAcquire() } catch {
            let message = "the lock cannot be opened (\(error.message)); check that the data directory exists and may be written"
            throw IndexingError(code: .lockUnusable, message: message, path: lock.path)
        }
    }

    /// Gives the lock back; harmless where it is not held.
    package func release() { lock.release() }
}
