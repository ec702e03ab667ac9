// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// The one arithmetic of money: units times pico-dollars, summed exactly, rounded half to even once for each cost class.
package enum CostRule {
    /// Of what sums are counted in: a 3,600th of a pico-dollar, so that seconds at a price by the hour are exact too.
    private static let partsPerPico: Int64 = 3_600
    private static let partsPerNano: Int128 = 3_600_000

    /// Nano-dollars of one class by itself.
    ///
    /// - Parameters:
    ///   - tokens: how many.
    ///   - pico: pico-dollars for each.
    /// - Returns: the product rounded half to even; nil where it does not fit 64 bits.
    package static func nanousd(tokens: Int64, pico: Int64) -> Int64? {
        let (product, isOver) = Int128(tokens).multipliedReportingOverflow(by: Int128(pico))
        return isOver ? nil : rounded(product, by: 1_000)
    }

    /// Costs by class.
    ///
    /// A class that is not known has no cost and is not part of the total.
    /// - Parameters:
    ///   - usage: what was used.
    ///   - row: the prices.
    ///   - offPerMille: taken off each price before it is multiplied, of a thousand parts.
    /// - Returns: the costs, or why there are none.
    package static func cost(_ usage: PricedUsage, _ row: PriceRow, offPerMille: Int64 = 0) -> Result<CostBreakdown, UnpricedCost>
    {
        guard usage.isKnown else { return .failure(UnpricedCost(.usageAbsent)) }
        guard var counts = usage.disjoint(for: row) else { return .failure(UnpricedCost(.usageInconsistent)) }
        if row.rates[.request] != nil, counts[.request] == nil { counts[.request] = 1 }
        if !row.sellsTokens, let kind = PriceClass.measures.first(where: { row.rates[$0] != nil && counts[$0] == nil }) {
            return .failure(UnpricedCost(.usageAbsent, kind))
        }
        let prompt = usage.promptTokens ?? 0
        var sums = CostSums()
        for kind in PriceClass.allCases {
            guard let count = counts[kind] else { continue }
            guard let rate = row.rate(of: kind) else {
                guard count == 0 else { return .failure(UnpricedCost(.classUnpriced, kind)) }
                sums.know(kind)
                continue
            }
            guard let parts = parts(count, kind, rate, prompt: prompt, offPerMille: offPerMille), sums.add(parts, kind) else {
                return .failure(UnpricedCost(.overflow, kind))
            }
        }
        guard let cost = sums.breakdown({ rounded($0, by: partsPerNano) }) else { return .failure(UnpricedCost(.overflow)) }
        return .success(cost)
    }

    /// A price with a discount taken off, rounded half to even to the pico-dollar.
    package static func discounted(_ pico: Int64, offPerMille: Int64) -> Int64 {
        guard offPerMille != 0 else { return pico }
        return rounded(Int128(pico) * Int128(max(0, 1_000 - offPerMille)), by: 1_000) ?? pico
    }

    private static func parts(
        _ count: Int64, _ kind: PriceClass, _ rate: PriceRate, prompt: Int64, offPerMille: Int64
    ) -> Int128? {
        func parts(_ units: Int64, _ pico: Int64) -> Int128? {
            let price = Int128(discounted(pico, offPerMille: offPerMille)) * Int128(partsPerPico / kind.unit.divisor)
            let (product, isOver) = Int128(units).multipliedReportingOverflow(by: price)
            return isOver ? nil : product
        }
        guard !rate.tiers.isEmpty else { return parts(count, rate.pico) }
        var total: Int128 = 0
        for (units, pico) in steps(count, rate, prompt: prompt) {
            guard let product = parts(units, pico) else { return nil }
            let (sum, isOver) = total.addingReportingOverflow(product)
            if isOver { return nil }
            total = sum
        }
        return total
    }

    /// How many units take which price: one for the whole request, or the part within each step.
    private static func steps(_ count: Int64, _ rate: PriceRate, prompt: Int64) -> [(Int64, Int64)] {
        guard let last = rate.tiers.last(where: { $0.isReached(by: $0.isWholeRequest ? prompt : count) }) else {
            return [(count, rate.pico)]
        }
        guard !last.isWholeRequest else { return [(count, last.pico)] }
        var steps: [(Int64, Int64)] = []
        var pico = rate.pico
        var done: Int64 = 0
        for tier in rate.tiers where !tier.isWholeRequest && tier.isReached(by: count) {
            let end = tier.comparison == .above ? tier.threshold : tier.threshold - 1
            steps.append((end - done, pico))
            done = end
            pico = tier.pico
        }
        steps.append((count - done, pico))
        return steps
    }

    private static func rounded(_ value: Int128, by divisor: Int128) -> Int64? {
        var (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        if rest < 0 {
            quotient -= 1
            rest += divisor
        }
        let twice = rest * 2
        if twice > divisor || (twice == divisor && quotient % 2 != 0) { quotient += 1 }
        return Int64(exactly: quotient)
    }
}

/// Why there is no cost, and by which class.
package struct UnpricedCost: Error, Equatable, Sendable {
    /// The reason.
    package let reason: UnpricedReason
    /// The class that is to blame, where it is one.
    package let kind: PriceClass?

    init(_ reason: UnpricedReason, _ kind: PriceClass? = nil) {
        self.reason = reason
        self.kind = kind
    }
}

/// Exact sums by cost class.
private struct CostSums {
    private var sums: [Int128?] = Array(repeating: nil, count: PriceClass.costFields.count)

    /// A class of which nothing was used costs nothing.
    mutating func know(_ kind: PriceClass) {
        sums[kind.costIndex] = sums[kind.costIndex] ?? 0
    }

    mutating func add(_ parts: Int128, _ kind: PriceClass) -> Bool {
        let (sum, isOver) = (sums[kind.costIndex] ?? 0).addingReportingOverflow(parts)
        sums[kind.costIndex] = sum
        return !isOver
    }

    func breakdown(_ round: (Int128) -> Int64?) -> CostBreakdown? {
        var cost = CostBreakdown()
        var total: Int64?
        for (field, sum) in zip(PriceClass.costFields, sums) {
            guard let sum else { continue }
            guard let nano = round(sum) else { return nil }
            cost[keyPath: field] = nano
            let (next, isOver) = (total ?? 0).addingReportingOverflow(nano)
            if isOver { return nil }
            total = next
        }
        cost.totalNanousd = total
        return cost
    }
}
