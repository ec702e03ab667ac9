// SPDX-License-Identifier: Apache-2.0

/// Why capture cannot begin, and what to do about it.
package struct CaptureError: Error, Sendable, CustomStringConvertible {
    /// A low-cardinality name for the kind of error.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name, usable as a metric label.
        package let description: String

        /// Another process captures into the directory.
        package static let directoryInUse = Code(description: "capture_directory_in_use")
        /// The lock or the directory for arenas cannot be used.
        package static let directoryUnusable = Code(description: "capture_directory_unusable")
    }

    /// The kind of error.
    package let code: Code
    /// What happened and what to do.
    package let message: String

    /// Code and message in one line.
    package var description: String { "\(code): \(message)" }
}
