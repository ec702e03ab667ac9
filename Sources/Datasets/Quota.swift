// SPDX-License-Identifier: Apache-2.0

/// How rows are shared out among strata.
package enum Quota: String, CaseIterable, Sendable {
    /// As large as the strata are.
    case proportional
    /// As the square roots of their sizes: small strata get more than their share.
    case squareRoot = "square_root"
    /// The same to each.
    case uniform

    /// How many rows each stratum gives.
    ///
    /// No stratum gives more than it has; what one cannot give the others give. Whole numbers by largest remainders, the earlier stratum first
    /// among equal ones; integers throughout, so that every machine counts alike.
    /// - Parameters:
    ///   - total: how many rows are wanted; at least 0.
    ///   - sizes: how many rows each stratum has, in the strata's order.
    /// - Returns: as many numbers as there are sizes; their sum is `min(total, sum of sizes)`.
    /// - Complexity: O(n² log n) at worst for n strata, as each round fills at least one.
    package func shares(of total: Int64, sizes: [Int64]) -> [Int64] {
        var shares = Array(repeating: Int64(0), count: sizes.count)
        var left = min(total, sizes.reduce(0, +))
        while left > 0 {
            let open = sizes.indices.filter { shares[$0] < sizes[$0] }
            let given = apportion(left, weights: open.map { weight(sizes[$0]) })
            var used: Int64 = 0
            for (place, stratum) in open.enumerated() {
                let share = min(given[place], sizes[stratum] - shares[stratum])
                shares[stratum] += share
                used += share
            }
            left -= used
        }
        return shares
    }

    private func weight(_ size: Int64) -> UInt64 {
        switch self {
        case .proportional: UInt64(clamping: size)
        case .squareRoot: Quota.root(of: UInt64(clamping: size) << 20)  // Sizes are at most `DatasetLimits.records`.
        case .uniform: 1
        }
    }

    /// The largest integer whose square is not larger.
    private static func root(of value: UInt64) -> UInt64 {
        guard value > 1 else { return value }
        var low: UInt64 = 1
        var high: UInt64 = 1 << 32
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if middle.multipliedFullWidth(by: middle).high == 0, middle * middle <= value { low = middle } else { high = middle }
        }
        return low
    }

    /// Splits a total by weights; what whole numbers leave over goes to the largest remainders.
    private func apportion(_ total: Int64, weights: [UInt64]) -> [Int64] {
        let sum = weights.reduce(0, &+)
        guard sum > 0 else { return weights.map { _ in total } }
        var shares: [Int64] = []
        var rests: [(rest: UInt64, place: Int)] = []
        for (place, weight) in weights.enumerated() {
            // A weight is at most the sum, so that the quotient is at most the total.
            let (quotient, rest) = sum.dividingFullWidth(UInt64(clamping: total).multipliedFullWidth(by: weight))
            shares.append(Int64(clamping: quotient))
            rests.append((rest, place))
        }
        var left = total - shares.reduce(0, +)
        for entry in rests.sorted(by: { ($1.rest, $0.place) < ($0.rest, $1.place) }) where left > 0 {
            shares[entry.place] += 1
            left -= 1
        }
        return shares
    }
}
