// SPDX-License-Identifier: Apache-2.0
package import FactStore
package import Platform

/// Packs columns and rolls hours, days and weeks up, under the lock of those who write the index.
///
/// Thread world; owned by one thread. Answers are right without it: it makes them fast.
package struct ColumnBuilding {
    private let store: FactStore
    private let lock: IndexLock
    private let declared: [String]?
    private let clock: any Clock

    /// A builder.
    ///
    /// - Parameters:
    ///   - store: the index, opened for writing.
    ///   - lock: the lock of those who write it.
    ///   - declared: metadata keys that rollups are told apart by; nil leaves them as the index has them.
    ///   - clock: tells what is old enough.
    package init(store: FactStore, lock: IndexLock, declared: [String]? = nil, clock: any Clock = SystemClock()) {
        self.store = store
        self.lock = lock
        self.declared = declared
        self.clock = clock
    }

    /// Builds what is due: what began more than `IndexingLimits.settlingUs` ago.
    ///
    /// - Parameters:
    ///   - options: time, yielding, stopping.
    ///   - progress: told after every turn what was built so far.
    /// - Returns: what was built.
    /// - Throws: `IndexingError` of code `locked` where the lock never came, `FactStoreError`.
    package func run(_ options: IndexPassOptions, progress: (BuildReport) -> Void = { _ in }) throws -> BuildReport {
        let startedUs = clock.monotonicUs
        var report = BuildReport()
        func leftUs() -> Int64 { options.maxDurationUs - (clock.monotonicUs - startedUs) }
        repeat {
            try lock.acquire(waitUs: max(0, leftUs()))
            defer { lock.release() }
            let turnEndUs = clock.monotonicUs + min(leftUs(), IndexingLimits.turnUs)
            let built = try store.build(horizonUs: clock.wallUs - IndexingLimits.settlingUs, declared: declared) {
                options.shouldStop() || clock.monotonicUs >= turnEndUs
            }
            report.add(built)
            progress(report)
        } while !report.isComplete && !options.shouldStop() && leftUs() > 0 && pause(options)
        return report
    }

    /// Lets others have their turn.
    private func pause(_ options: IndexPassOptions) -> Bool {
        if options.isYielding { clock.sleep(us: IndexingLimits.pauseUs) }
        return true
    }
}
