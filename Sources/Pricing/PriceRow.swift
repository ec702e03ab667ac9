// SPDX-License-Identifier: Apache-2.0

/// A step of a price.
package struct PriceTier: Hashable, Sendable {
    /// How the threshold is compared.
    package enum Operator: String, Sendable {
        /// More than the threshold.
        case above = ">"
        /// The threshold or more.
        case atLeast = ">="
    }

    /// Of all prompt tokens, cached ones and cache writes included.
    package let threshold: Int64
    /// How it is compared.
    package let comparison: Operator
    /// Whether all units of the request take this price, or only those of the class beyond the threshold.
    package let isWholeRequest: Bool
    /// Pico-dollars a unit.
    package let pico: Int64

    /// A step from its parts.
    package init(threshold: Int64, comparison: Operator, isWholeRequest: Bool = true, pico: Int64) {
        self.threshold = threshold
        self.comparison = comparison
        self.isWholeRequest = isWholeRequest
        self.pico = pico
    }

    /// Whether a number of tokens reaches the step.
    package func isReached(by tokens: Int64) -> Bool {
        comparison == .above ? tokens > threshold : tokens >= threshold
    }
}

/// The price of one class.
package struct PriceRate: Hashable, Sendable {
    /// Pico-dollars a unit (for `second`: an hour).
    package var pico: Int64
    /// By threshold, rising.
    package var tiers: [PriceTier]

    /// A price.
    package init(pico: Int64, tiers: [PriceTier] = []) {
        self.pico = pico
        self.tiers = tiers
    }
}

/// What a row may be limited to, beside provider, model and time.
package enum PriceCondition: String, CaseIterable, Sendable {
    /// As served: `flex`, `priority`, ...
    case serviceTier = "service_tier"
    /// `batch`.
    case processing
    /// A cloud's region, or `us`, `eu`, `global` before a model's name.
    case region
    /// `fast`.
    case speed
    /// Of a provider that passes on to others.
    case route
    /// Of a search model.
    case searchType = "search_type"
}

/// A daily span of time in UTC, in minutes of the day; it may run over midnight.
package struct DayWindow: Hashable, Sendable {
    /// First minute.
    package let fromMinute: Int
    /// The minute after the last.
    package let toMinute: Int

    /// A span from its ends, or nil where one is no minute of a day.
    package init?(fromMinute: Int, toMinute: Int) {
        guard (0..<1_440).contains(fromMinute), (0...1_440).contains(toMinute), fromMinute != toMinute else { return nil }
        self.fromMinute = fromMinute
        self.toMinute = toMinute
    }

    /// Whether an instant lies within.
    package func contains(us: Int64) -> Bool {
        let day: Int64 = 86_400_000_000
        let minute = Int(((us % day + day) % day) / 60_000_000)
        if fromMinute < toMinute { return (fromMinute..<toMinute).contains(minute) }
        return minute >= fromMinute || minute < toMinute
    }
}

/// Prices of some models of some providers for a span of time.
package struct PriceRow: Equatable, Sendable {
    /// Catalogue names.
    package var providers: [String]
    /// Which models; one that matches is enough.
    package var models: [ModelPattern]
    /// Which of them not.
    package var except: [ModelPattern] = []
    /// From then on, microseconds since the Unix epoch; nil: always.
    package var fromUs: Int64?
    /// Before then; nil: to this day.
    package var toUs: Int64?
    /// Only within this span of each day.
    package var hours: DayWindow?
    /// Each condition with the values of which the exchange must have one.
    package var when: [PriceCondition: [String]] = [:]
    /// Prices by class.
    package var rates: [PriceClass: PriceRate]
    /// The key of the sheet's source, or a URL.
    package var source: String?
    /// The day on which the row was held against its source, as `2026-11-29`.
    package var checked: String?
    /// Words for a person.
    package var note: String?
    /// Where it stands in its file; not part of what it says.
    package var line = 0

    /// A row of providers, models and prices.
    package init(providers: [String], models: [ModelPattern], rates: [PriceClass: PriceRate]) {
        self.providers = providers
        self.models = models
        self.rates = rates
    }

    /// Whether the row is valid at an instant, days and hours.
    package func isValid(atUs: Int64) -> Bool {
        (fromUs.map { atUs >= $0 } ?? true) && (toUs.map { atUs < $0 } ?? true) && (hours?.contains(us: atUs) ?? true)
    }

    /// Whether tokens cost anything.
    var sellsTokens: Bool { rates.contains { $0.key.isTokens && $0.value.pico > 0 } }

    /// The price that a class takes, its parents' where it has none; nil where none of them has one.
    package func rate(of kind: PriceClass) -> PriceRate? {
        if let own = rates[kind] { return own }
        for parent in kind.parents {
            if let rate = rates[parent] { return rate }
        }
        return nil
    }
}

/// A part of the price that is not paid.
package struct PriceDiscount: Equatable, Sendable {
    /// Catalogue names; empty: all.
    package var providers: [String] = []
    /// Which models; empty: all.
    package var models: [ModelPattern] = []
    /// Ids of gateway keys; empty: all.
    package var keys: [String] = []
    /// From then on.
    package var fromUs: Int64?
    /// Before then.
    package var toUs: Int64?
    /// Of a thousand parts, how many are taken off, 0 to 1,000.
    package var offPerMille: Int64
    /// Words for a person.
    package var note: String?

    /// A discount on everything.
    package init(offPerMille: Int64) {
        self.offPerMille = offPerMille
    }
}

/// Where prices were read.
package struct PriceSource: Equatable, Sendable {
    /// The provider's own page.
    package var url: String
    /// Through which table it was read, where it was.
    package var via: String?
    /// The day on which it was looked at.
    package var checked: String?

    /// A source from its parts.
    package init(url: String, via: String? = nil, checked: String? = nil) {
        self.url = url
        self.via = via
        self.checked = checked
    }
}
