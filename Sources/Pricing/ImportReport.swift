// SPDX-License-Identifier: Apache-2.0

/// What an importer took, and what it had to leave.
package struct ImportReport: Equatable, Sendable {
    /// Models that have at least one row now.
    package var models = 0
    /// Models of which nothing could be taken, by reason.
    package var skippedModels: [String: Int] = [:]
    /// Prices that have no place in our format, by the name they have there.
    package var skippedPrices: [String: Int] = [:]
    /// Prices finer than a pico-dollar, which were rounded half to even.
    package var roundedPrices = 0

    mutating func skip(model reason: String) { skippedModels[reason, default: 0] += 1 }

    mutating func skip(price name: String) { skippedPrices[name, default: 0] += 1 }
}

/// A table of somebody else's in our format.
package struct ImportedPrices: Sendable {
    /// The rows.
    package let sheet: PriceSheet
    /// What was taken and left.
    package let report: ImportReport
}
