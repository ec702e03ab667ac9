// SPDX-License-Identifier: Apache-2.0

/// A sign that a row is hard, in the order of their weights.
package enum HardnessSign: String, CaseIterable, Sendable {
    /// Other answers to the same prompt say or call something else.
    case disagreement
    /// How many answers to the same prompt, or in the conversation before it, were called bad or corrected.
    case feedback
    /// The answer came after retries or from a fallback.
    case retries
    /// How often the same prompt was asked again.
    case regenerations
    /// Calls of tools in the conversation.
    case toolCalls = "tool_calls"
    /// Turns of the conversation.
    case turns
    /// How few others are like it.
    case rarity
    /// How long the answer took for its tokens.
    case slowness
    /// Tokens of the prompt.
    case promptTokens = "prompt_tokens"

    /// What the sign counts for; all together 1,000.
    var weight: Int64 {
        switch self {
        case .disagreement: 260
        case .feedback: 200
        case .retries: 120
        case .regenerations: 100
        case .toolCalls: 90
        case .turns: 80
        case .rarity: 60
        case .slowness: 50
        case .promptTokens: 40
        }
    }
}

/// The signs of one row: whole numbers, larger is harder.
package struct HardnessSigns: Equatable, Sendable {
    private var values = Array(repeating: Int64(0), count: HardnessSign.allCases.count)

    /// No sign.
    package init() {}

    /// One sign.
    package subscript(sign: HardnessSign) -> Int64 {
        get { values[HardnessSign.allCases.firstIndex(of: sign) ?? 0] }
        set { values[HardnessSign.allCases.firstIndex(of: sign) ?? 0] = newValue }
    }
}

/// A row's hardness and what it is made of.
package struct HardnessScore: Equatable, Sendable {
    /// From 0 to 1,000,000.
    package let millionths: Int64
    /// What each sign that counted gave, the most first.
    package let parts: [(sign: HardnessSign, millionths: Int64)]

    /// What is told of it: the three that gave the most, and feedback wherever it gave anything.
    var shown: [(sign: HardnessSign, millionths: Int64)] {
        parts.prefix(3) + parts.dropFirst(3).filter { $0.sign == .feedback }
    }

    /// Equal in all.
    package static func == (a: HardnessScore, b: HardnessScore) -> Bool {
        a.millionths == b.millionths && a.parts.elementsEqual(b.parts) { $0 == $1 }
    }
}

/// Scores rows against the others of their task.
///
/// A sign gives its weight times the share of the task's rows that have less of it, half of those with as much (without the row itself) counted in; a sign of 0
/// gives nothing. Integers throughout.
package enum Hardness {
    /// The scores of rows, in their order.
    ///
    /// - Parameters:
    ///   - signs: one set a row.
    ///   - tasks: the task of each row.
    /// - Returns: one score a row.
    /// - Complexity: O(n log n) for each sign.
    package static func scores(_ signs: [HardnessSigns], tasks: [String]) -> [HardnessScore] {
        var members: [SpelledText: [Int]] = [:]
        for (row, task) in tasks.enumerated() { members[SpelledText(task), default: []].append(row) }
        var parts = Array(repeating: [(sign: HardnessSign, millionths: Int64)](), count: signs.count)
        for rows in members.values {
            for sign in HardnessSign.allCases { rank(rows, sign, signs, into: &parts) }
        }
        return parts.map { parts in
            let sorted = parts.sorted { ($1.millionths, $0.sign.rank) < ($0.millionths, $1.sign.rank) }
            return HardnessScore(millionths: parts.reduce(0) { $0 + $1.millionths }, parts: sorted)
        }
    }

    private static func rank(
        _ rows: [Int], _ sign: HardnessSign, _ signs: [HardnessSigns],
        into parts: inout [[(sign: HardnessSign, millionths: Int64)]]
    ) {
        let sorted = rows.sorted { signs[$0][sign] < signs[$1][sign] }
        let others = Int64(rows.count - 1)
        var start = 0
        while start < sorted.count {
            let value = signs[sorted[start]][sign]
            var end = start
            while end < sorted.count, signs[sorted[end]][sign] == value { end += 1 }
            if value > 0 {
                let halves = Int64(2 * start + (end - start - 1))
                let share = others == 0 ? 1_000 : halves * 1_000 / (2 * others)
                let millionths = sign.weight * share
                for place in start..<end where millionths > 0 { parts[sorted[place]].append((sign, millionths)) }
            }
            start = end
        }
    }
}

extension HardnessSign {
    /// The place in the order of weights.
    fileprivate var rank: Int { HardnessSign.allCases.firstIndex(of: self) ?? 0 }
}
