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

    /// An address that cannot be listened on, with what to do.
    package static func cannotListen(host: String, port: Int, errno number: Int32) -> GatewayError {
        let reason =
            switch number {
            case 98: "the address is in use; stop what listens there, or choose another port"
            case 99: "this machine has no such address"
            case 13: "not permitted; ports below 1024 need the capability to bind them"
            default: "errno \(number)"
            }
        return GatewayError(.cannotListen, "cannot listen on \(host):\(port): \(reason)")
    }

    /// The message.
    package var description: String { message }
}
