// SPDX-License-Identifier: Apache-2.0
package import Platform

/// What went wrong in this room, and what to do about it.
package struct SeparationError: Error, Sendable, CustomStringConvertible {
    /// A low-cardinality name for the kind of error.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name, usable as a metric label.
        package let description: String

        /// Stored traits of a row cannot be what was stored.
        package static let damagedTraits = Code(description: "damaged_traits")
        /// Stored traits are of a version that this program does not know.
        package static let unknownVersion = Code(description: "unknown_version")
        /// More rows, or larger ones, than a limit allows.
        package static let tooMuch = Code(description: "too_much")
        /// The file for shingles cannot be written or read.
        package static let spillFailed = Code(description: "spill_failed")
    }

    /// The kind of error.
    package let code: Code
    /// What happened, and what to do.
    package let message: String
    /// What the system said.
    package let cause: PlatformError?

    /// An error from its parts.
    package init(_ code: Code, _ message: String, cause: PlatformError? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// All of it as a text.
    package var description: String {
        "\(code.description): \(message)" + (cause.map { " (\($0))" } ?? "")
    }
}
