// SPDX-License-Identifier: Apache-2.0

/// Why the fake provider or the traffic driver could not do what was asked.
package struct FakeProviderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    package struct Code: Equatable, Sendable {
        /// Low-cardinality name of the failure.
        package let name: String
        /// The address could not be bound.
        package static let bindFailed = Code(name: "bind_failed")
        /// Certificate or key cannot be used.
        package static let badCertificate = Code(name: "bad_certificate")
        /// The server was started twice, or stopped before.
        package static let wrongState = Code(name: "wrong_state")
        /// The `x-fake` header could not be read.
        package static let badOrder = Code(name: "bad_order")
        /// The request body is not what the API demands.
        package static let badRequest = Code(name: "bad_request")
        /// The traffic plan is out of bounds.
        package static let badPlan = Code(name: "bad_plan")
    }

    /// What kind of failure.
    package let code: Code
    /// What happened and what to do.
    package let message: String

    /// The code's name and the message.
    package var description: String { "\(code.name): \(message)" }
}
