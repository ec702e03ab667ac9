// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// What tells a better answer from a worse one, the strongest first.
package enum PairSource: String, CaseIterable, Sendable {
    /// Somebody wrote what the answer should have been.
    case correction
    /// One source gave the one a higher score than the other.
    case feedback
    /// The same caller asked again, and stayed with the last answer.
    case regeneration
    /// The one came from the deployment that is asked first, the other from one that is asked after a failure.
    case fallback
}

/// Two answers to the same prompt, one better than the other.
///
/// The chosen one is that of a training row, the rejected one that of any exchange with the same prompt and the same tools. Of
/// `PairSource.correction` both ids are the row's: the correction is chosen, the recorded answer rejected.
package struct PreferencePair: Hashable, Sendable {
    /// The exchange of the row.
    package let chosen: ExchangeID
    /// The exchange whose recorded answer is worse.
    package let rejected: ExchangeID
    /// What tells so.
    package let source: PairSource

    /// A pair.
    package init(chosen: ExchangeID, rejected: ExchangeID, source: PairSource) {
        self.chosen = chosen
        self.rejected = rejected
        self.source = source
    }
}

extension PairSource {
    /// The place in the order of strength: smaller is stronger.
    var rank: Int { PairSource.allCases.firstIndex(of: self) ?? 0 }
}
