// SPDX-License-Identifier: Apache-2.0

/// Why a metric cannot be: a fault of the program, found at start.
package struct TelemetryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package enum Code: String, Sendable, CaseIterable {
        case badName, badLabel, badBounds, duplicateName, tooManySeries, noShard
    }

    /// What is wrong.
    package let code: Code
    /// What happened and what to do.
    package let message: String

    /// Names what cannot be.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    package var description: String { "\(code.rawValue): \(message)" }
}
