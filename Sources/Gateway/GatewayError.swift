// SPDX-License-Identifier: Apache-2.0

/// Why the gateway cannot start, or cannot take new settings: for the operator, never for a caller.
package struct GatewayError: Error, Sendable, CustomStringConvertible {
    /// The kind of refusal.
    package enum Code: String, Sendable {
        /// A certificate or key file is missing, unreadable, empty, or does not belong to the other.
        case badCertificate
        /// An address cannot be listened on.
        case cannotListen
        /// Settings that cannot be used.
        case badSettings
    }

    /// The kind of refusal.
    package let code: Code
    /// What is wrong, with the file or address it is about, and what to do.
    package let message: String

    /// Names a refusal.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    package var description: String { message }
}
