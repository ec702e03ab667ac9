// SPDX-License-Identifier: Apache-2.0
package import Platform

extension SegmentDirectory {
    /// Pause between two tries for the sealer's lock, microseconds: whoever holds it has seconds of work.
    private static let lockPollUs: Int64 = 100_000

    /// Takes the lock of whoever seals, erases or removes; waits for it where another holds it.
    ///
    /// Blocks its thread for the wait.
    ///
    /// - Parameters:
    ///   - waitUs: how long at most, microseconds; 0 asks once.
    ///   - clock: measures the wait.
    ///   - whileWaiting: called before each pause.
    /// - Returns: the lock; nil where another holds it.
    /// - Throws: `PlatformError` where its file cannot be opened or locked at all.
    package func sealersLock(
        waitUs: Int64 = 0, clock: any Clock = SystemClock(), whileWaiting: () -> Void = {}
    ) throws(PlatformError) -> (any HeldLock)? {
        let start = clock.monotonicUs
        while true {
            if let held = try files.tryLock(PathText.join(path, "seal.lock")) { return held }
            let left = waitUs - (clock.monotonicUs - start)
            guard left > 0 else { return nil }
            whileWaiting()
            clock.sleep(us: min(left, SegmentDirectory.lockPollUs))
        }
    }
}
