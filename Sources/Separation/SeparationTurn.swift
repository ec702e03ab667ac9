// SPDX-License-Identifier: Apache-2.0

/// One turn of a conversation, as far as separation looks at it; an immutable value.
package struct SeparationTurn: Equatable, Sendable {
    /// Who speaks; `developer` is `system`.
    package enum Role: String, Sendable, CaseIterable {
        case system, user, assistant, tool
    }

    /// One call of a tool.
    package struct ToolCall: Equatable, Sendable {
        /// As it was written.
        package var name: String
        /// JSON as a rule, as it was written.
        package var arguments: String

        /// A call from its parts.
        package init(name: String, arguments: String) {
            self.name = name
            self.arguments = arguments
        }
    }

    /// Who speaks.
    package var role: Role
    /// The texts of the turn in order, joined by one line feed; of a tool's turn its result.
    package var text: String
    /// The calls of the turn in order.
    package var calls: [ToolCall]

    /// A turn from its parts.
    package init(role: Role, text: String, calls: [ToolCall] = []) {
        self.role = role
        self.text = text
        self.calls = calls
    }
}
