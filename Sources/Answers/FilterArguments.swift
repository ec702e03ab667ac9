// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
package import FactStore

/// The filters of a verb as they were typed; nil means not given.
package struct FilterArguments: Sendable {
    /// The value of `--since`.
    package var since: String?
    /// The value of `--until`.
    package var until: String?
    /// The value of `--model`.
    package var model: String?
    /// The value of `--provider`.
    package var provider: String?
    /// The value of `--task`.
    package var task: String?
    /// The value of `--environment`.
    package var environment: String?
    /// The value of `--status`.
    package var status: String?
    /// The value of `--outcome`.
    package var outcome: String?
    /// The value of `--api`.
    package var api: String?
    /// The value of `--key`.
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
