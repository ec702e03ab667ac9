// SPDX-License-Identifier: Apache-2.0

/// Why an exchange has no cost; a closed list, so that unpriced traffic can be counted by reason.
package enum UnpricedReason: String, CaseIterable, Sendable {
    /// No usage came: there is nothing to multiply.
    case usageAbsent = "usage_absent"
    /// Neither the answer nor the request names a model.
    case modelAbsent = "model_absent"
    /// The price book has no row of the provider.
    case providerUnknown = "provider_unknown"
    /// The price book has no row of the model at its provider.
    case modelUnknown = "model_unknown"
    /// The model has rows, none of them for the time of the exchange.
    case notValidThen = "not_valid_then"
    /// The model has rows, none of them for the service tier, batch or region of the exchange.
    case conditionUnpriced = "condition_unpriced"
    /// A class was used that the row has no price for.
    case classUnpriced = "class_unpriced"
    /// The classes of the usage contradict each other.
    case usageInconsistent = "usage_inconsistent"
    /// The product does not fit 64 bits.
    case overflow
}

/// What an exchange costs, or why that is not known.
package struct FactPrice: Equatable, Sendable {
    /// Money by class; `totalNanousd` is nil where the exchange is unpriced, `reportedNanousd` is what the provider said.
    package var cost: CostBreakdown
    /// Which prices were applied, also where they had none for the exchange.
    package var version: String?
    /// Why there is no total; nil where there is one.
    package var reason: UnpricedReason?

    /// A price from its parts.
    package init(cost: CostBreakdown = CostBreakdown(), version: String? = nil, reason: UnpricedReason? = nil) {
        self.cost = cost
        self.version = version
        self.reason = reason
    }
}

/// Says what exchanges cost: pure, total, and equal for equal facts as long as `version` is equal.
package protocol FactPricer: Sendable {
    /// Names everything the answers depend on: tables, discounts, and which cost is preferred.
    var version: String { get }

    /// What an exchange costs.
    ///
    /// - Parameter fact: its provider, models, usage, service tier, start, key and reported cost are looked at.
    /// - Returns: the price; never traps, whatever the figures are.
    func price(_ fact: ExchangeFact) -> FactPrice
}
