// SPDX-License-Identifier: Apache-2.0

/// Why bytes are no histogram, or two histograms cannot be added.
package struct HistogramError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package enum Code: String, Sendable, CaseIterable {
        /// The bytes end too early.
        case truncated
        /// The first byte names a version this program does not know.
        case unknownVersion
        /// A bucket lies beyond the scale.
        case badIndex
        /// A number is longer than it may be, or than it need be.
        case badVarint
        /// Bytes follow the end.
        case trailingBytes
        /// The counts do not fit 64 bits.
        case overflow
    }

    /// What is wrong.
    package let code: Code
    /// What happened and what to do.
    package let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    static let overflow = HistogramError(.overflow, "the counts do not fit 64 bits; rebuild the rollup they come from")

    /// The code and the message.
    package var description: String { "\(code.rawValue): \(message)" }
}
