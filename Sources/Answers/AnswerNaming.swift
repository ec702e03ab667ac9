// SPDX-License-Identifier: Apache-2.0
import NamedQueries

/// How the columns of a question's statement are named in its answer.
struct AnswerNaming {
    /// What stands for `by_value`; nil where the name must stay.
    private let grouping: String?
    /// What stands for `p1` to `p4`, as far as the statement has them; nil: the column is left out.
    private let ranks: [String: Percentile?]

    /// - Parameters:
    ///   - query: the question.
    ///   - options: how it is put.
    ///   - taken: the statement's columns: no other one is given their names.
    init(query: NamedQuery, options: AnswerOptions, taken: [String]) {
        let name = options.by ?? query.header.options.first { $0.name == "by" }?.fallback
        grouping = name.flatMap { taken.contains($0) ? nil : $0 }
        let asked = options.percentiles ?? AnswerOptions.usualPercentiles
        var ranks: [String: Percentile?] = [:]
        for i in 1...4 where query.parameters.contains("p\(i)") {
            ranks["p\(i)"] = .some(i <= asked.count ? asked[i - 1] : nil)
        }
        self.ranks = ranks
    }

    /// The column for a statement's, or nil where it was not asked for.
    func column(_ name: String) -> AnswerColumn? {
        if name == "by_value", let grouping { return AnswerColumn(name: grouping, statementName: name) }
        let parts = name.split(separator: "_").map(String.init)
        guard let word = parts.first(where: { ranks[$0] != nil }), let rank = ranks[word] else { return AnswerColumn(name) }
        guard let rank else { return nil }
        let shown = parts.map { $0 == word ? rank.columnWord : $0 }.joined(separator: "_")
        return AnswerColumn(name: shown, statementName: name, words: [word: rank.word])
    }
}
