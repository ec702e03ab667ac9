// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
package import FactStore
package import Platform

/// Prices what is in the index by the prices in force now.
///
/// Thread world; owned by one thread. What a provider does not bill, and what was never priced, has no price version and stays so.
package struct Repricing {
    private let store: FactStore
    private let lock: IndexLock
    private let clock: any Clock
    private let pricer: any FactPricer

    /// A repricing that has not begun.
    ///
    /// - Parameters:
    ///   - store: the index, opened for writing.
    ///   - lock: the lock of those who write it.
    ///   - clock: measures it.
    ///   - pricer: says what an exchange costs.
    package init(store: FactStore, lock: IndexLock, clock: any Clock = SystemClock(), pricer: any FactPricer) {
        self.store = store
        self.lock = lock
        self.clock = clock
        self.pricer = pricer
    }

    /// Prices a range anew, giving the lock up for a moment after every turn.
    ///
    /// - Parameters:
    ///   - sinceUs: exchanges that began at or after; nil for all.
    ///   - untilUs: exchanges that began before; nil for all.
    ///   - options: time and stopping; where it cannot finish, calling again does.
    ///   - progress: told between transactions what was done so far.
    /// - Returns: what was done.
    /// - Throws: `IndexingError` of code `locked` where the lock never came, `FactStoreError`.
    package func run(
        sinceUs: Int64?, untilUs: Int64?, options: IndexPassOptions, progress: (RepriceReport) -> Void = { _ in }
    ) throws -> RepriceReport {
        let startedUs = clock.monotonicUs
        func leftUs() -> Int64 { options.maxDurationUs - (clock.monotonicUs - startedUs) }
        try lock.acquire(waitUs: options.maxDurationUs)
        defer { lock.release() }
        var turnStartedUs = clock.monotonicUs
        return try store.reprice(sinceUs: sinceUs, untilUs: untilUs) { fact in
            fact.priceVersion == nil ? nil : pricer.price(fact)
        } shouldStop: { report in
            progress(report)
            if options.shouldStop() || leftUs() <= 0 { return true }
            if clock.monotonicUs - turnStartedUs >= IndexingLimits.turnUs {
                lock.release()
                clock.sleep(us: IndexingLimits.pauseUs)
                try lock.acquire(waitUs: max(0, leftUs()))
                turnStartedUs = clock.monotonicUs
            }
            return false
        }
    }
}
