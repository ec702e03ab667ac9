// SPDX-License-Identifier: Apache-2.0

/// Why a question could not be put.
package struct AnswersError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of fault; all of them are bad usage (exit code 2).
    package enum Code: String, Sendable {
        /// No question has this name.
        case unknownQuery = "query_unknown"
        /// A time is in none of the forms that are read.
        case badTime = "query_bad_time"
        /// A filter's value cannot be meant.
        case badFilter = "query_bad_filter"
        /// Rows cannot be made for this.
        case badGrouping = "query_bad_by"
        /// No list of percentiles.
        case badPercentiles = "query_bad_percentiles"
        /// The question has no use for an option.
        case optionUnknown = "query_option_unknown"
        /// A statement of somebody's own has a parameter that nothing sets.
        case parameterUnknown = "query_parameter_unknown"
        /// A provider's export cannot be read.
        case badExport = "reconcile_bad_export"
        /// Exports cannot be compared as they are: they hold the same figure twice, or none of what was asked for.
        case badComparison = "reconcile_bad_comparison"
    }

    /// The kind of fault.
    package let code: Code
    /// What happened and what to do.
    package let message: String

    /// A fault.
    package init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// What happened and what to do.
    package var description: String { "\(code.rawValue): \(message)" }
}

/// Limits of answers for a terminal.
package enum AnswersLimits {
    /// Characters of a text cell; longer ones are cut, so that one name cannot push a table off the screen.
    package static let cellCharacters = 40
    /// Characters between the ends of a picture's axis.
    package static let pictureCharacters = 50
    /// Characters of the longest bar behind a row.
    package static let barCharacters = 20
    /// Points of a line of small bars; the newest are shown.
    package static let linePoints = 60
    /// Bytes of a statement of somebody's own.
    package static let statementBytes = 1 << 20
    /// Rows of a picture; a page of a terminal.
    package static let pictureRows = 40
    /// Exchanges a terminal lists where nobody asked for more.
    package static let listedExchanges = 20
    /// Bytes of JSON lines handed over at a time.
    package static let chunkBytes = 64 * 1_024
    /// Microseconds since the epoch below which a bare number is refused: it is more likely seconds or milliseconds (1973-03-03).
    package static let leastEpochUs: Int64 = 100_000_000_000_000
}
