// SPDX-License-Identifier: Apache-2.0

/// Why a data set could not be built, and what to do.
package struct DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A low-cardinality name, usable as a metric label.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The name.
        package let description: String

        /// The recipe breaks a rule.
        package static let badRecipe = Code(description: "bad_recipe")
        /// The output directory holds something else.
        package static let outputTaken = Code(description: "output_taken")
        /// Another build writes to the same place.
        package static let outputBusy = Code(description: "output_busy")
        /// The source gave other records in its second pass than in its first.
        package static let sourceChanged = Code(description: "source_changed")
        /// A directory that is no data set, or a damaged one.
        package static let damagedSet = Code(description: "damaged_set")
        /// A file that was written breaks a rule of its format.
        package static let formatBroken = Code(description: "format_broken")
        /// A line of a file that is no row.
        package static let badRow = Code(description: "bad_row")
        /// A file of rows that has none.
        package static let noRows = Code(description: "no_rows")
        /// No exchange became a row.
        package static let emptySet = Code(description: "empty_set")
        /// The gate leaves no row to train on.
        package static let narrowSelection = Code(description: "narrow_selection")
        /// The ledger does not hold what it held when the data set that is to be replaced was built.
        package static let ledgerLost = Code(description: "ledger_lost")
        /// More records than one build can hold.
        package static let tooLarge = Code(description: "too_large")
        /// The key of pseudonyms is missing, or its file holds something else.
        package static let redactionKeyUnusable = Code(description: "redaction_key_unusable")
    }

    /// The kind of failure.
    package let code: Code
    /// What happened and what to do.
    package let message: String
    /// The recipe's key, the path or the record id concerned; empty where there is none.
    package let subject: String

    /// An error.
    package init(_ code: Code, subject: String = "", _ message: String) {
        self.code = code
        self.subject = subject
        self.message = message
    }

    /// The message.
    package var description: String { message }
}
