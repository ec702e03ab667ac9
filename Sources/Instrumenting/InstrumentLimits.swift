// SPDX-License-Identifier: Apache-2.0

/// The bounds of this room, with units.
package enum InstrumentLimits {
    /// Bytes of a file that is read; larger ones are counted as skipped: nobody writes such a source file by hand.
    package static let fileBytes = 1 << 20
    /// Entries of all directories in one run.
    package static let entries = 1_000_000
    /// Depth of directories below the given path.
    package static let depth = 64
    /// Files that one run may change.
    package static let changedFiles = 20_000
    /// Undecided places that one run names; further ones are counted.
    package static let undecided = 10_000
    /// Nesting of templates, format strings and command substitutions that is followed.
    static let nesting = 16
    /// Bytes of one file gone over in vain for an end that is not there: after an apostrophe of JSX text, for instance.
    static let wastedBytes = 4 << 20
    /// Clients of one file that are looked at; each may cost the length of its line.
    static let clientsPerFile = 500
    /// Arguments of one call, or entries of one dictionary.
    static let entriesPerBracket = 2_000
    /// Bytes of an expression that is moved or looked into.
    static let expressionBytes = 2_000
    /// Columns beyond which a call is written on several lines.
    static let columns = 100
    /// Unchanged lines around a change in a diff.
    static let contextLines = 3
    /// Characters of a task or environment name.
    package static let nameCharacters = 100
    /// Entries between two reports of progress.
    static let entriesPerReport = 500
    /// Bytes looked at for a NUL, which tells a binary file.
    static let sniffedBytes = 8_192
}

/// Why a run could not be made.
package struct InstrumentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of fault.
    package enum Code: String, Sendable {
        /// An option cannot be meant: bad usage.
        case badOption = "instrument_bad_option"
        /// The given path cannot be read.
        case badPath = "instrument_bad_path"
        /// The tree is larger than one run may read.
        case treeTooLarge = "instrument_tree_too_large"
    }

    /// The kind of fault.
    package let code: Code
    /// What happened and what to do.
    package let message: String

    /// What happened and what to do.
    package var description: String { "\(code.rawValue): \(message)" }
}
