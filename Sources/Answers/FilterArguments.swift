// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
package import FactStore

/// The filters of a verb as they were typed; nil means not given.
package struct FilterArguments: Sendable {
    package var since: String?
    package var until: String?
    package var model: String?
    package var provider: String?
    package var task: String?
    package var environment: String?
    package var status: String?
    package var outcome: String?
    package var api: String?
    package var key: String?
    /// `name=value` each; names in any case.
    package var metadata: [String] = []

    /// Nothing given.
    package init() {}

    /// Reads the filters.
    ///
    /// - Parameter nowUs: the present, from which ages count back; microseconds since the epoch.
    /// - Returns: the filter.
    /// - Throws: `AnswersError` for the first value that cannot be meant.
    package func filter(nowUs: Int64) throws(AnswersError) -> FactFilter {
        var filter = FactFilter()
        if let since { filter.sinceUs = try TimeArgument.parse(since, nowUs: nowUs) }
        if let until { filter.untilUs = try TimeArgument.parse(until, nowUs: nowUs) }
        if let from = filter.sinceUs, let to = filter.untilUs, from >= to {
            throw AnswersError(code: .badFilter, message: "--since must be before --until")
        }
        filter.model = model
        filter.provider = provider
        filter.task = task
        filter.environment = environment
        filter.api = api
        filter.key = key
        if let status {
            guard let number = Int(status), (100...999).contains(number) else {
                throw AnswersError(code: .badFilter, message: "`\(status)` is no status; write a number such as 429")
            }
            filter.status = number
        }
        if let outcome {
            guard let known = Outcome(rawValue: outcome) else {
                let names = Outcome.allCases.map(\.rawValue).joined(separator: ", ")
                throw AnswersError(code: .badFilter, message: "`\(outcome)` is no outcome; there are \(names)")
            }
            filter.outcome = known
        }
        for pair in metadata {
            guard let sign = pair.firstIndex(of: "="), sign != pair.startIndex else {
                throw AnswersError(code: .badFilter, message: "`\(pair)` is no metadata filter; write `name=value`")
            }
            filter.metadata.append((name: pair[..<sign].lowercased(), value: String(pair[pair.index(after: sign)...])))
        }
        return filter
    }
}
