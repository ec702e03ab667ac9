// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
package import ExchangeModel

/// What a price is looked up by.
package struct PriceQuery: Hashable, Sendable {
    /// Catalogue name, or host.
    package var provider: String
    /// Names of the model, the most trusted first: as answered, then as asked for.
    package var models: [String]
    /// When, microseconds since the Unix epoch.
    package var atUs: Int64
    /// What conditions of rows are held against; standard tiers are left out.
    package var context: [PriceCondition: String] = [:]
    /// Id of the gateway key, for discounts.
    package var keyID: String?

    /// A query for models of a provider at an instant.
    package init(provider: String, models: [String], atUs: Int64) {
        self.provider = provider
        self.models = models
        self.atUs = atUs
    }

    /// Sets the service tier as a provider names it: names of the standard one set none, `batch` is a way of processing.
    package mutating func setServiceTier(_ name: String?) {
        guard var tier = name?.lowercased(), !PriceQuery.standardTiers.contains(tier) else { return }
        // Vertex AI says `ON_DEMAND_FLEX`.
        if tier.hasPrefix("on_demand_") { tier = String(tier.dropFirst("on_demand_".count)) }
        if tier == "batch" { context[.processing] = tier } else { context[.serviceTier] = tier }
    }

    private static let standardTiers: Set<String> = [
        "", "default", "standard", "auto", "on_demand", "on-demand", "standard_only", "1",
    ]
}

/// A row that was found, and where.
package struct PriceHit: Equatable, Sendable {
    /// The row.
    package let row: PriceRow
    /// The name of its sheet.
    package let sheet: String
    /// The name of the model that it was found by.
    package let model: String
    /// Taken off, of a thousand parts.
    package let offPerMille: Int64
}

/// What a look-up gave.
package enum PriceLookup: Equatable, Sendable {
    case found(PriceHit)
    case none(UnpricedReason)
}

/// Prices in force: sheets over one another, the last one first asked.
///
/// Immutable. A row is found by provider, then model: the most literal pattern, then the row that fits most conditions, then the one
/// with the latest begin, then the last one. A row of a later sheet hides those of earlier ones as far as it is valid.
package struct PriceBook: Sendable {
    /// In the order given; later ones are asked first.
    package let sheets: [PriceSheet]
    /// The latest day of a sheet and 12 hex digits of the SHA-256 over all of them.
    package let version: String
    /// Providers whose reported cost is preferred, as the last sheet that speaks of it says; `*` is all.
    package let preferReported: Set<String>
    private let indexes: [SheetIndex]
    private let fallbacks: [String: [String]]
    private let known = LookupMemo()
    /// Whether all begins and ends are whole minutes, so that a minute has one answer.
    private let isByTheMinute: Bool

    /// A book of sheets.
    package init(_ sheets: [PriceSheet]) {
        self.sheets = sheets
        indexes = sheets.map { SheetIndex($0) }
        var hash = SHA256()
        for sheet in sheets { hash.update(data: sheet.encoded()) }
        let day = sheets.compactMap(\.dated).max() ?? "undated"
        version = day + "." + Hex.encode(Array(hash.finalize()).prefix(6))
        preferReported = Set(sheets.last { $0.preferReported != nil }?.preferReported ?? [])
        fallbacks = sheets.reduce(into: [:]) { all, sheet in all.merge(sheet.fallbacks) { _, later in later } }
        let rows = sheets.flatMap { $0.rows.flatMap { [$0.fromUs, $0.toUs] } }
        let discounts = sheets.flatMap { $0.discounts.flatMap { [$0.fromUs, $0.toUs] } }
        isByTheMinute = (rows + discounts).allSatisfy { ($0 ?? 0) % PriceBook.minuteUs == 0 }
    }

    private static let minuteUs: Int64 = 60_000_000

    /// The row for an exchange, or why there is none.
    ///
    /// - Parameter query: provider, models, time and conditions.
    /// - Returns: the row; of several reasons, that of the first model.
    /// - Complexity: a few look-ups by name, and O(patterns of the provider) where no literal name fits.
    package func look(up query: PriceQuery) -> PriceLookup {
        guard isByTheMinute, query.atUs >= 0 else { return search(query) }
        var minute = query
        minute.atUs -= query.atUs % PriceBook.minuteUs
        return known.value(of: minute) { search(query) }
    }

    private func search(_ query: PriceQuery) -> PriceLookup {
        let models = query.models.filter { !$0.isEmpty }
        guard !models.isEmpty else { return .none(.modelAbsent) }
        var reason: UnpricedReason?
        for model in models {
            for provider in [query.provider] + (fallbacks[query.provider] ?? []) {
                switch look(up: query, provider: provider, model: model) {
                case .found(let hit): return .found(hit)
                case .none(let why): if PriceBook.rank(why) > reason.map(PriceBook.rank) ?? -1 { reason = why }
                }
                // A model that is known here but not priced so is not that of somebody else.
                if let reason, PriceBook.rank(reason) > PriceBook.rank(.modelUnknown) { break }
            }
        }
        return .none(reason ?? .modelUnknown)
    }

    private func look(up query: PriceQuery, provider: String, model: String) -> PriceLookup {
        var reason = UnpricedReason.providerUnknown
        for candidate in ModelNames.candidates(of: model) {
            var asked = query
            if let region = candidate.region { asked.context[.region] = region }
            for (index, sheet) in zip(indexes, sheets).reversed() {
                switch index.find(candidate.name, provider: provider, query: asked) {
                case .found(let row):
                    let off = discount(on: row, query, provider: provider, model: candidate.name)
                    return .found(PriceHit(row: row, sheet: sheet.name, model: candidate.name, offPerMille: off))
                case .none(let why):
                    if PriceBook.rank(why) > PriceBook.rank(reason) { reason = why }
                }
            }
        }
        return .none(reason)
    }

    /// Of several reasons the one that got furthest.
    private static func rank(_ reason: UnpricedReason) -> Int {
        switch reason {
        case .providerUnknown: 0
        case .modelUnknown: 1
        case .notValidThen: 2
        default: 3
        }
    }

    private func discount(on row: PriceRow, _ query: PriceQuery, provider: String, model: String) -> Int64 {
        let name = Array(model.utf8)
        for sheet in sheets.reversed() {
            for discount in sheet.discounts {
                guard discount.providers.isEmpty || discount.providers.contains(query.provider) else { continue }
                guard discount.models.isEmpty || discount.models.contains(where: { $0.matches(name) }) else { continue }
                guard discount.keys.isEmpty || query.keyID.map({ discount.keys.contains($0) }) == true else { continue }
                guard discount.fromUs.map({ query.atUs >= $0 }) ?? true, discount.toUs.map({ query.atUs < $0 }) ?? true else {
                    continue
                }
                return discount.offPerMille
            }
        }
        return 0
    }

    /// What use costs, by the row that fits.
    ///
    /// - Parameters:
    ///   - usage: what was used.
    ///   - query: provider, models, time and conditions.
    /// - Returns: the costs by class, or the reason why there are none; the version always.
    package func price(_ usage: PricedUsage, _ query: PriceQuery) -> FactPrice {
        guard usage.isKnown else { return FactPrice(version: version, reason: .usageAbsent) }
        switch look(up: query) {
        case .none(let reason): return FactPrice(version: version, reason: reason)
        case .found(let hit):
            switch CostRule.cost(usage, hit.row, offPerMille: hit.offPerMille) {
            case .success(let cost): return FactPrice(cost: cost, version: version)
            case .failure(let why): return FactPrice(version: version, reason: why.reason)
            }
        }
    }
}

/// The rows of one sheet by provider and model.
private struct SheetIndex: Sendable {
    private struct Provider: Sendable {
        var literal: [String: [Int]] = [:]
        /// The most literal first.
        var patterns: [(pattern: ModelPattern, row: Int)] = []
    }

    enum Found {
        case found(PriceRow)
        case none(UnpricedReason)
    }

    private let rows: [PriceRow]
    private var providers: [String: Provider] = [:]

    init(_ sheet: PriceSheet) {
        rows = sheet.rows
        for (index, row) in rows.enumerated() {
            for provider in row.providers {
                for pattern in row.models {
                    if pattern.isLiteral {
                        providers[provider, default: Provider()].literal[pattern.text, default: []].append(index)
                    } else {
                        providers[provider, default: Provider()].patterns.append((pattern, index))
                    }
                }
            }
        }
        for key in providers.keys {
            providers[key]?.patterns.sort { ($1.pattern.literalCount, $0.row) < ($0.pattern.literalCount, $1.row) }
        }
    }

    /// The row for a model: among the most literal patterns of which a row is valid, the one that fits best.
    func find(_ model: String, provider: String, query: PriceQuery) -> Found {
        guard let entry = providers[provider] else { return .none(.providerUnknown) }
        let name = Array(model.utf8)
        var reason = UnpricedReason.modelUnknown
        if let literal = entry.literal[model] {
            switch best(literal, name, query) {
            case .found(let row): return .found(row)
            case .none(let why) where why == .conditionUnpriced: return .none(why)
            case .none(let why): if why != .modelUnknown { reason = why }
            }
        }
        var at = 0
        while at < entry.patterns.count {
            let count = entry.patterns[at].pattern.literalCount
            var group: [Int] = []
            while at < entry.patterns.count, entry.patterns[at].pattern.literalCount == count {
                if entry.patterns[at].pattern.matches(name) { group.append(entry.patterns[at].row) }
                at += 1
            }
            guard !group.isEmpty else { continue }
            switch best(group, name, query) {
            case .found(let row): return .found(row)
            case .none(let why) where why == .conditionUnpriced: return .none(why)
            case .none(let why): if why != .modelUnknown { reason = why }
            }
        }
        return .none(reason)
    }

    private func best(_ indexes: [Int], _ name: [UInt8], _ query: PriceQuery) -> Found {
        var best: (row: PriceRow, fit: Int)?
        var reason = UnpricedReason.modelUnknown
        for index in indexes {
            let row = rows[index]
            if row.except.contains(where: { $0.matches(name) }) { continue }
            guard row.isValid(atUs: query.atUs) else {
                if reason == .modelUnknown { reason = .notValidThen }
                continue
            }
            guard let fit = SheetIndex.fit(row, query) else {
                reason = .conditionUnpriced
                continue
            }
            if let held = best {
                let isBetter = (fit, row.fromUs ?? Int64.min) >= (held.fit, held.row.fromUs ?? Int64.min)
                if !isBetter { continue }
            }
            best = (row, fit)
        }
        return best.map { .found($0.row) } ?? .none(reason)
    }

    /// How well a row fits the conditions of an exchange, or nil where it does not.
    ///
    /// A service tier, batch or speed that is not the standard one needs a row that names it; a region or route need not be named.
    private static func fit(_ row: PriceRow, _ query: PriceQuery) -> Int? {
        for (condition, values) in row.when {
            guard let value = query.context[condition], values.contains(value) || values.contains("*") else { return nil }
        }
        for condition in [PriceCondition.serviceTier, .processing, .speed] {
            if query.context[condition] != nil, row.when[condition] == nil { return nil }
        }
        return row.when.count * 2 + (row.hours == nil ? 0 : 1)
    }
}
