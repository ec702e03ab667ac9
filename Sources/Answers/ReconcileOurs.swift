// SPDX-License-Identifier: Apache-2.0
package import FactStore

/// What the index holds of one day and one model.
package struct OurLine: Equatable, Sendable {
    /// Days since 1970-01-01, UTC, by the start of the exchange.
    package var day: Int64
    /// The model that answered, else the one that was asked for.
    package var model: String?
    /// Sums; requests are exchanges that were answered with a status of 200 to 299.
    package var counts = ReconcileCounts()
    /// Of `cost`, what the provider's tools took.
    package var toolsNanousd: Int64?
    /// Answered exchanges of which no usage came.
    package var absent: Int64 = 0
    /// Exchanges whose answer broke off before the final usage.
    package var partial: Int64 = 0
    /// Exchanges with usage and without a cost.
    package var unpriced: Int64 = 0

    /// Whether nothing of it could be in a report: only exchanges that failed.
    var isEmpty: Bool { counts.known.allSatisfy { counts[$0] == 0 } && absent == 0 && partial == 0 }

    /// Nothing yet.
    package init(day: Int64, model: String?) {
        self.day = day
        self.model = model
    }
}

/// Which cost of an exchange is meant.
package enum ReconcileCost: String, CaseIterable, Sendable {
    /// That of the price book.
    case priced
    /// That which the provider said in its answer.
    case reported
}

/// The sums of our own side, exactly, over the `facts` view.
package enum OurSide {
    /// Sums by UTC day and model.
    ///
    /// - Parameters:
    ///   - store: the index.
    ///   - filter: provider, time, key, environment and the other filters; metadata is not heeded.
    ///   - cost: which cost is summed.
    /// - Returns: by day and model.
    /// - Throws: `FactStoreError`.
    package static func lines(
        _ store: FactStore, filter: FactFilter, cost: ReconcileCost = .priced
    ) throws -> [OurLine] {
        let wanted = ["since_us", "until_us", "provider", "key", "environment", "task", "model"]
        let parameters = filter.parameters.filter { wanted.contains($0.key) }
        return try store.runQuery(sql(cost), parameters: parameters).rows.compactMap(line)
    }

    private static func line(_ row: [SQLValue]) -> OurLine? {
        guard row.count == 13, let day = row[0].integer else { return nil }
        var line = OurLine(day: day, model: row[1].text)
        for (i, metric) in ReconcileMetric.allCases.enumerated() { line.counts[metric] = row[i + 2].integer }
        line.toolsNanousd = row[9].integer
        line.absent = row[10].integer ?? 0
        line.partial = row[11].integer ?? 0
        line.unpriced = row[12].integer ?? 0
        return line
    }

    /// What providers do not count is left out: counting tokens, and looking up what was answered before.
    private static func sql(_ cost: ReconcileCost) -> String {
        let column = cost == .priced ? "cost_total_nanousd" : "cost_reported_nanousd"
        return """
            SELECT started_at_us / 86400000000 AS day, coalesce(model_responded, model_requested) AS model,
                sum(coalesce(status BETWEEN 200 AND 299, 0)),
                sum(usage_input_total),
                sum(coalesce(usage_input_uncached,
                    max(0, usage_input_total - coalesce(usage_input_cached, 0) - coalesce(usage_cache_write_total, 0)))),
                sum(usage_input_cached), sum(usage_cache_write_total), sum(usage_output_total), sum(\(column)),
                sum(CASE WHEN \(column) IS NOT NULL THEN cost_tools_nanousd END),
                sum(usage_source = 'absent' AND coalesce(status BETWEEN 200 AND 299, 0)),
                sum(usage_source = 'partial'),
                sum(usage_source <> 'absent' AND \(column) IS NULL)
            FROM facts
            WHERE provider = :provider
                AND (:since_us IS NULL OR started_at_us >= :since_us) AND (:until_us IS NULL OR started_at_us < :until_us)
                AND (:key IS NULL OR key_id = :key) AND (:environment IS NULL OR environment = :environment)
                AND (:task IS NULL OR task = :task) AND (:model IS NULL OR :model IN (model_requested, model_responded))
                AND (usage_source <> 'absent' OR api IS NOT NULL AND coalesce(model_responded, model_requested) IS NOT NULL)
                AND coalesce(api, '') NOT IN ('anthropic-count-tokens', 'gemini-count-tokens')
                AND NOT (coalesce(api, '') = 'openai-responses-aux' AND path LIKE '%/input_tokens')
                AND (method = 'POST' OR coalesce(api, '') = 'openai-realtime')
            GROUP BY 1, 2
            ORDER BY 1, 2
            """
    }
}
