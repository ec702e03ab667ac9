// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Remembers what was looked up: the exchanges of a minute ask for few models, again and again.
///
/// Any thread; holds its lock for a look into a dictionary, never while something is looked up.
final class LookupMemo: Sendable {
    private let known = Mutex<[PriceQuery: PriceLookup]>([:])
    /// Answers kept, some hundred bytes each; then all are forgotten.
    private static let most = 1_024

    /// The answer to a query, searched for where it is not known.
    ///
    /// - Parameters:
    ///   - query: all that the answer depends on.
    ///   - search: finds it.
    /// - Returns: the answer.
    func value(of query: PriceQuery, search: () -> PriceLookup) -> PriceLookup {
        if let found = known.withLock({ $0[query] }) { return found }
        let found = search()
        known.withLock { known in
            if known.count >= LookupMemo.most { known = [:] }
            known[query] = found
        }
        return found
    }
}
