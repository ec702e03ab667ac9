// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// A column that follows from others in nearly every row: only where it does not, it is stored, in `fact_more`.
struct DerivedColumn: Sendable {
    let column: FactColumn
    /// What follows from the columns of `FactColumns.own`; the same formula stands in the view.
    let derive: @Sendable (ExchangeFact) -> SQLValue
}

/// The derived columns in the order of their letters in `shape.derived`.
///
/// The first ten come before costs, costs before their total.
enum DerivedColumns {
    /// The letter of NULL.
    static let null = UInt8(ascii: "n")
    /// The letter of a value that follows from others.
    static let derived = UInt8(ascii: "d")
    /// The letter of a value that stands in `fact_more`.
    static let explicit = UInt8(ascii: "x")

    /// Letters 1 to 10.
    static let early: [DerivedColumn] = [
        usage("input_uncached", { $1(&$0.reading.usage.inputUncached) }) {
            difference($0.inputTotal, [$0.inputCached, $0.cacheWriteTotal])
        },
        usage("cache_write_5m", { $1(&$0.reading.usage.cacheWrite5m) }) { $0.cacheWriteTotal },
        usage("cache_write_1h", { $1(&$0.reading.usage.cacheWrite1h) }) { _ in 0 },
        usage("output_visible", { $1(&$0.reading.usage.outputVisible) }) { difference($0.outputTotal, [$0.outputReasoning]) },
        usage("input_audio", { $1(&$0.reading.usage.inputAudio) }) { _ in 0 },
        usage("output_audio", { $1(&$0.reading.usage.outputAudio) }) { _ in 0 },
        usage("input_image", { $1(&$0.reading.usage.inputImage) }) { _ in 0 },
        usage("output_image", { $1(&$0.reading.usage.outputImage) }) { _ in 0 },
        usage("tool_use_prompt", { $1(&$0.reading.usage.toolUsePrompt) }) { _ in 0 },
        DerivedColumn(column: .integer("first_visible_us") { $1(&$0.reading.firstVisibleUs) }) { SQLValue($0.reading.ttftUs) },
    ]

    /// Letters 11 to 15: each with the tokens that its rate is for.
    static let costs: [(column: FactColumn, tokens: @Sendable (TokenUsage) -> Int64?)] = [
        (.integer("cost_input_nanousd") { $1(&$0.cost.inputNanousd) }, { $0.inputUncached }),
        (.integer("cost_input_cached_nanousd") { $1(&$0.cost.inputCachedNanousd) }, { $0.inputCached }),
        (.integer("cost_cache_write_nanousd") { $1(&$0.cost.cacheWriteNanousd) }, { $0.cacheWriteTotal }),
        (.integer("cost_output_nanousd") { $1(&$0.cost.outputNanousd) }, { $0.outputVisible }),
        (.integer("cost_reasoning_nanousd") { $1(&$0.cost.reasoningNanousd) }, { $0.outputReasoning }),
    ]

    /// Letters 16 to 18; letter 19 is `tokens_per_second`, which follows from `content_span_us`.
    static let late: [DerivedColumn] = [
        DerivedColumn(column: .integer("cost_tools_nanousd") { $1(&$0.cost.toolsNanousd) }) { _ in .integer(0) },
        DerivedColumn(column: .integer("cost_total_nanousd") { $1(&$0.cost.totalNanousd) }) { SQLValue(total(of: $0.cost)) },
        DerivedColumn(column: .integer("cost_reported_nanousd") { $1(&$0.cost.reportedNanousd) }) { _ in .null },
    ]

    /// Where the letters of costs begin, from 0.
    static let firstCost = early.count
    /// Where the letters of `late` begin.
    static let firstLate = early.count + costs.count
    /// How many letters there are; the last is of `tokens_per_second`.
    static let letterCount = early.count + costs.count + late.count + 1

    /// Tokens a second over a span.
    static func rate(outputTotal: Int64?, spanUs: Int64?) -> Double? {
        guard let outputTotal, let spanUs, spanUs > 0 else { return nil }
        return Double(outputTotal - 1) * 1_000_000 / Double(spanUs)
    }

    /// The whole microseconds over which so many tokens give just this rate; nil where there are none.
    static func span(outputTotal: Int64?, rate: Double?) -> Int64? {
        guard let outputTotal, let rate, rate.isFinite, outputTotal >= 1 else { return nil }
        guard outputTotal > 1 else { return rate == 0 ? 1 : nil }
        let span = (Double(outputTotal - 1) * 1_000_000 / rate).rounded()
        guard span >= 1, span < 1e15 else { return nil }
        return self.rate(outputTotal: outputTotal, spanUs: Int64(span)) == rate ? Int64(span) : nil
    }

    private static func usage(
        _ key: String, _ access: @escaping FactColumn.Access<Int64?>, _ derive: @escaping @Sendable (TokenUsage) -> Int64?
    ) -> DerivedColumn {
        DerivedColumn(column: .integer("usage_" + key, access), derive: { SQLValue(derive($0.reading.usage)) })
    }

    private static func difference(_ whole: Int64?, _ parts: [Int64?]) -> Int64? {
        guard var left = whole else { return nil }
        for part in parts {
            let (next, isOver) = left.subtractingReportingOverflow(part ?? 0)
            guard !isOver else { return nil }
            left = next
        }
        return left
    }

    private static func total(of cost: CostBreakdown) -> Int64? {
        var sum: Int64 = 0
        for part in [
            cost.inputNanousd, cost.inputCachedNanousd, cost.cacheWriteNanousd, cost.outputNanousd, cost.reasoningNanousd,
        ] {
            let (next, isOver) = sum.addingReportingOverflow(part ?? 0)
            guard !isOver else { return nil }
            sum = next
        }
        return sum
    }
}
