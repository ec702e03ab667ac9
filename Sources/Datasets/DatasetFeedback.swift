// SPDX-License-Identifier: Apache-2.0
package import ControlStore
package import ExchangeModel

/// Where feedback comes from: an input of a build, beside the records and the ledger.
package protocol DatasetFeedback {
    /// Gives all feedback about many exchanges, piece by piece.
    ///
    /// - Parameters:
    ///   - exchanges: each once; the pieces come in this order, those of one exchange by the bytes of the source's name, then by time, then by
    ///     id.
    ///   - take: takes one piece.
    /// - Throws: the store's own failure to read, or what `take` throws.
    func forEachFeedback(of exchanges: [ExchangeID], _ take: (Feedback) throws -> Void) throws
}

extension ControlStore: DatasetFeedback {}
