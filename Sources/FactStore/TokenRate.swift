// SPDX-License-Identifier: Apache-2.0

/// Pico-dollars a token, found again from tokens and their cost, so that the cost need not be stored with every row.
///
/// `record.md`: cost of a class = tokens x price, rounded half to even to nano-dollars. Of all prices that give the cost the roundest
/// is taken, for prices are round; which one it is does not matter, since the cost that comes back is the same.
enum TokenRate {
    /// Prices that are no multiple of this are not looked for: a mixture of two prices has no rate of its own, and would fill the
    /// dictionary with one for each row.
    private static let grain: Int64 = 25
    private static let steps: [Int64] = [
        1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 500, 250, 100, 50, grain,
    ]

    /// More tokens than any exchange has; beyond, the search would not fit.
    private static let mostTokens: Int64 = 1 << 50

    /// What tokens cost at a rate; nil where it does not fit.
    ///
    /// - Parameters:
    ///   - tokens: not negative.
    ///   - rate: pico-dollars a token, not negative.
    /// - Returns: nano-dollars, rounded half to even.
    static func cost(of tokens: Int64, at rate: Int64) -> Int64? {
        let (pico, isOver) = tokens.multipliedReportingOverflow(by: rate)
        guard !isOver, pico >= 0 else { return nil }
        let (whole, rest) = pico.quotientAndRemainder(dividingBy: 1_000)
        return whole + (rest > 500 || (rest == 500 && whole % 2 == 1) ? 1 : 0)
    }

    /// A rate at which tokens cost just so much; nil where there is none worth keeping.
    static func rate(of cost: Int64, for tokens: Int64) -> Int64? {
        guard tokens >= 0, cost >= 0 else { return nil }
        guard cost > 0 else { return 0 }
        guard tokens > 0, tokens <= mostTokens, cost <= Int64.max / 2_000 else { return nil }
        let low = (cost * 1_000 - 500 + tokens - 1) / tokens
        let high = (cost * 1_000 + 500) / tokens
        for step in steps {
            let rate = (low + step - 1) / step * step
            if rate <= high, self.cost(of: tokens, at: rate) == cost { return rate }
        }
        return nil
    }
}
