// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import FactStore
import NamedQueries

/// A percentile in per-mille, as a person writes it: `50`, `99`, `99.9`.
package struct Percentile: Equatable, Sendable {
    /// From 1 to 1000.
    package let perMille: Int64

    /// A percentile, or nil where it is none: above 0, at most 100, one decimal.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let whole = ASCIIInteger.parse(first.utf8), (0...100).contains(whole)
        else {
            return nil
        }
        var tenths: Int64 = 0
        if parts.count == 2 {
            guard parts[1].utf8.count == 1, let digit = ASCIIInteger.parse(parts[1].utf8), digit >= 0 else { return nil }
            tenths = digit
        }
        guard (1...1_000).contains(whole * 10 + tenths) else { return nil }
        perMille = whole * 10 + tenths
    }

    /// As it stands in the name of a column: `p50`, `p99_9`.
    var columnWord: String { perMille.isMultiple(of: 10) ? "p\(perMille / 10)" : "p\(perMille / 10)_\(perMille % 10)" }

    /// As a person reads it: `p50`, `p99.9`.
    var word: String { perMille.isMultiple(of: 10) ? "p\(perMille / 10)" : "p\(perMille / 10).\(perMille % 10)" }
}

/// How a question is put, beside the filter; nil means the question's own default.
package struct AnswerOptions: Equatable, Sendable {
    /// What the rows are for: one of `groupings`, or `meta.NAME`.
    package private(set) var by: String?
    /// One to four.
    package private(set) var percentiles: [Percentile]?
    /// Rows at most.
    package var limit: Int?
    /// Whether percentiles may be taken from rollups: at most 0.4 % away from the exact ones.
    package var isApproximate = false
    /// The present, microseconds since the epoch.
    package var nowUs: Int64?

    /// The question's own defaults.
    package init() {}

    /// The names that `by` takes, beside `meta.NAME`.
    package static let groupings = ["model", "task", "environment", "key", "provider", "status", "day", "hour"]
    /// Percentiles where none are asked for.
    package static let usualPercentiles = ["50", "75", "90", "99"].compactMap { Percentile($0) }

    /// Sets what the rows are for.
    ///
    /// - Parameter text: as a person typed it.
    /// - Throws: `AnswersError.badGrouping`.
    package mutating func setBy(_ text: String) throws(AnswersError) {
        let name = text.lowercased()
        if AnswerOptions.groupings.contains(name) {
            by = name
            return
        }
        for prefix in ["meta.", "metadata."] where name.hasPrefix(prefix) && name.count > prefix.count {
            by = "meta." + name.dropFirst(prefix.count)
            return
        }
        let names = AnswerOptions.groupings.joined(separator: ", ")
        throw AnswersError(code: .badGrouping, message: "--by takes \(names) or meta.NAME, not `\(text)`")
    }

    /// Sets the percentiles.
    ///
    /// - Parameter text: as a person typed it: one to four, in rising order, between commas.
    /// - Throws: `AnswersError.badPercentiles`.
    package mutating func setPercentiles(_ text: String) throws(AnswersError) {
        let read = text.split(separator: ",", omittingEmptySubsequences: false).map { Percentile(String($0)) }
        let known = read.compactMap { $0 }
        let isRising = zip(known, known.dropFirst()).allSatisfy { $0.perMille < $1.perMille }
        guard known.count == read.count, isRising, (1...4).contains(known.count) else {
            throw AnswersError(
                code: .badPercentiles,
                message: "--percentiles takes one to four of 0.1 to 100 in rising order, such as 50,90,99.9; not `\(text)`")
        }
        percentiles = known
    }

    /// What a statement is bound to, for the options and for a filter.
    ///
    /// - Parameter filter: which exchanges it is about.
    /// - Returns: values by name, absent ones as NULL.
    package func parameters(with filter: FactFilter) -> [String: SQLValue] {
        var values = filter.parameters
        values["by"] = SQLValue(by)
        values["now_us"] = SQLValue(nowUs)
        values["top"] = SQLValue(limit.map(Int64.init))
        let ranks = percentiles ?? AnswerOptions.usualPercentiles
        for i in 1...4 { values["p\(i)"] = SQLValue(i <= ranks.count ? ranks[i - 1].perMille : nil) }
        return values
    }

    /// Refuses what the question cannot heed, rather than answering another one.
    ///
    /// - Parameter query: the question.
    /// - Throws: `AnswersError.optionUnknown`.
    func check(against query: NamedQuery) throws(AnswersError) {
        if by != nil, !query.parameters.contains("by") {
            throw AnswersError(code: .optionUnknown, message: "`\(query.name)` has fixed rows: it takes no --by")
        }
        if isApproximate, !NativeAnswer.approximable.contains(query.name) {
            let names = NativeAnswer.approximable.joined(separator: ", ")
            throw AnswersError(code: .optionUnknown, message: "`\(query.name)` is always exact: --approximate is for \(names)")
        }
        if percentiles != nil, !query.parameters.contains("p1") {
            throw AnswersError(code: .optionUnknown, message: "`\(query.name)` has no percentiles: it takes no --percentiles")
        }
    }
}
