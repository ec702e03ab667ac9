// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// An exclusive advisory lock on a path, of this process or another; the kernel frees it when the process dies.
///
/// Two `FileLock`s on one path exclude each other within a process too. Safe to use from several threads.
package final class FileLock: Sendable {
    /// The file that is locked, created with mode 0600; whoever holds the lock may remove it.
    package let path: String
    private let descriptor = Mutex<Int32>(-1)

    /// A lock that is not held yet.
    package init(path: String) {
        self.path = path
    }

    deinit { release() }

    /// Whether this object holds the lock.
    package var isHeld: Bool { descriptor.withLock { $0 >= 0 } }

    /// Takes the lock if it is free.
    ///
    /// - Returns: whether it is held now; true also where this object held it before.
    /// - Throws: `PlatformError` where the file cannot be opened or locked at all.
    package func tryAcquire() throws(PlatformError) -> Bool {
        try descriptor.withLock { held throws(PlatformError) -> Bool in
            if held >= 0 { return true }
            // A file that lost its name between the opening and the locking excludes nobody any more.
            for _ in 0..<FileLock.tries {
                guard let locked = try FileLock.lock(path) else { return false }
                if PosixFileSystem.isNamed(locked, path) {
                    held = locked
                    return true
                }
                _ = Glibc.close(locked)
            }
            return false
        }
    }

    private static let tries = 64

    /// A descriptor of the file with the lock on it, or nil where somebody else holds it.
    private static func lock(_ path: String) throws(PlatformError) -> Int32? {
        let opened = try PosixFileSystem.openDescriptor(path, O_RDWR | O_CREAT)
        while flock(opened, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            if number == EINTR { continue }
            _ = Glibc.close(opened)
            if number == EWOULDBLOCK { return nil }
            throw PlatformError(errno: number, operation: "flock", path: path)
        }
        return opened
    }

    /// Takes the lock, asking again with growing pauses until it is free or the time is over.
    ///
    /// Blocks its thread.
    ///
    /// - Parameters:
    ///   - timeoutUs: how long to wait at most, microseconds; 0 asks once.
    ///   - clock: what measures the wait.
    /// - Returns: whether it is held now.
    /// - Throws: `PlatformError` where the file cannot be opened or locked at all.
    package func acquire(timeoutUs: Int64, clock: any Clock = SystemClock()) throws(PlatformError) -> Bool {
        let start = clock.monotonicUs
        var pause = PlatformLimits.lockPollUs.lowerBound
        while true {
            if try tryAcquire() { return true }
            let waited = clock.monotonicUs &- start
            if waited >= timeoutUs { return false }
            clock.sleep(us: min(pause, timeoutUs - waited))
            pause = min(pause * 2, PlatformLimits.lockPollUs.upperBound)
        }
    }

    /// Gives the lock back; harmless where it is not held.
    package func release() {
        descriptor.withLock { held in
            guard held >= 0 else { return }
            _ = Glibc.close(held)
            held = -1
        }
    }
}
