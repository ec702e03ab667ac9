// SPDX-License-Identifier: Apache-2.0

extension DatasetPlan {
    /// Refuses a plan without rows, and warns of one that has a side without rows where the recipe asks for both.
    ///
    /// - Throws: `DatasetError` `.emptySet`.
    mutating func judge(_ recipe: DatasetRecipe) throws(DatasetError) {
        let (eval, train) = (rows[.eval]?.count ?? 0, rows[.train]?.count ?? 0)
        // Rows that an earlier version has, and nothing else, are no reason to replace it.
        guard selectsAny, eval + train > carried.count else { throw empty(recipe) }
        if eval == 0, recipe.eval.sharePPM > 0 {
            warnings.append(
                "There is no eval row\(words(for: [.groupOfEval, .nearTrained, .tooShortForEval, .tooLongForEval])): "
                    + remedy("select more traffic, or give eval a larger share."))
        }
        if train == 0, recipe.eval.sharePPM < 1_000_000 {
            warnings.append(
                "There is no training row\(words(for: [.groupOfEval, .lowFeedback, .nearEval])): "
                    + remedy("select more traffic, or give eval a smaller share."))
        }
    }

    private func empty(_ recipe: DatasetRecipe) -> DatasetError {
        let rest = "Nothing was built, and no data set was replaced."
        guard selectsAny else {
            return DatasetError(
                .emptySet, subject: recipe.name,
                "The recipe takes no exchange: widen what it selects; `weir dataset preview` counts what each filter leaves out. \(rest)"
            )
        }
        let reasons = words(for: Array(dropped.keys), most: 5)
        return DatasetError(
            .emptySet, subject: recipe.name,
            "Of \(seen) exchanges none became a row\(reasons): \(remedy("select others.")) \(rest)")
    }

    /// The reasons that occurred with their counts, the most frequent first, in brackets.
    private func words(for reasons: [DropReason], most: Int = .max) -> String {
        let found = reasons.compactMap { reason in dropped[reason].map { (name: reason.rawValue, count: $0) } }
            .sorted { a, b in
                a.count == b.count ? a.name.utf8.lexicographicallyPrecedes(b.name.utf8) : a.count > b.count
            }
        guard !found.isEmpty else { return "" }
        return " (" + found.prefix(most).map { "\($0.count) \($0.name)" }.joined(separator: ", ") + ")"
    }

    private func remedy(_ other: String) -> String {
        guard dropped[.groupOfEval] ?? 0 > 0 else { return other }
        return "a second data set over the same traffic takes the same name as the first, or another ledger."
    }
}
