// SPDX-License-Identifier: Apache-2.0

extension JSONNode {
    /// The member where it is there and not null.
    package func present(_ key: String) -> JSONNode? {
        guard let node = self[key], !node.isNull else { return nil }
        return node
    }

    /// Whether there is anything in this value: not null, `""`, `[]` or `{}`.
    package var isFilled: Bool {
        switch kind {
        case .null: false
        case .bool, .number: true
        case .string: range.count > 2
        case .array: elements.first { _ in true } != nil
        case .object: members.first { _ in true } != nil
        }
    }
}
