// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel

/// Which exchanges a question is about; nil means no filter.
///
/// The same meaning as the parameters of `queries/*.sql`.
package struct FactFilter: Equatable, Sendable {
    /// Started at or after, microseconds since the Unix epoch.
    package var sinceUs: Int64?
    /// Started before, microseconds since the Unix epoch.
    package var untilUs: Int64?
    /// Asked for or answered by this model.
    package var model: String?
    /// Catalogue name, or host.
    package var provider: String?
    /// The caller's task.
    package var task: String?
    /// The caller's environment.
    package var environment: String?
    /// Status sent to the caller.
    package var status: Int?
    /// How the exchange ended.
    package var outcome: Outcome?
    /// API family, such as `openai-chat`.
    package var api: String?
    /// Id of the gateway key (`key_id`).
    package var key: String?
    /// Every pair must be there.
    package var metadata: [(name: String, value: String)] = []

    /// No filter.
    package init() {}

    /// Filters are equal where they bind equal parameters.
    package static func == (a: FactFilter, b: FactFilter) -> Bool {
        a.parameters == b.parameters
    }

    /// The filter as the parameters of a named query, absent ones as NULL.
    package var parameters: [String: SQLValue] {
        [
            "since_us": SQLValue(sinceUs), "until_us": SQLValue(untilUs), "model": SQLValue(model),
            "provider": SQLValue(provider),
            "task": SQLValue(task), "environment": SQLValue(environment), "status": SQLValue(status.map(Int64.init)),
            "outcome": SQLValue(outcome?.rawValue), "api": SQLValue(api), "key": SQLValue(key),
            "metadata": SQLValue(FactRow.object(of: metadata)),
        ]
    }

    /// The clause over `fact`, `shape` and `dimension`, and what its question marks stand for, in order.
    var clause: (sql: String, arguments: [SQLValue]) {
        var terms: [String] = []
        var arguments: [SQLValue] = []
        func add(_ term: String, _ values: SQLValue...) {
            terms.append(term)
            arguments += values
        }
        if let sinceUs { add("fact.start >= ?", .integer(FactKey.start(at: sinceUs))) }
        if let untilUs { add("fact.start < ?", .integer(FactKey.start(at: untilUs))) }
        if let model { add("? IN (dimension.model_requested, dimension.model_responded)", .text(model)) }
        if let status { add("dimension.status = ?", .integer(Int64(status))) }
        if let outcome { add("dimension.outcome = ?", .text(outcome.rawValue)) }
        let names: [(String, String?)] = [
            ("provider", provider), ("task", task), ("environment", environment), ("api", api), ("key_id", key),
        ]
        for (column, value) in names {
            if let value { add("dimension.\(column) = ?", .text(value)) }
        }
        for pair in metadata {
            add(
                "fact.metadata_id IN (SELECT metadata_id FROM metadata WHERE key = ? AND value = ?)", .text(pair.name),
                .text(pair.value))
        }
        return (terms.isEmpty ? "1" : terms.joined(separator: " AND "), arguments)
    }
}
