// SPDX-License-Identifier: Apache-2.0
import Separation

extension CanonicalTurn {
    /// The turn as separation looks at it: without ids of calls, images and reasoning.
    var separated: SeparationTurn {
        let role: SeparationTurn.Role =
            switch role {
            case .system: .system
            case .user: .user
            case .assistant: .assistant
            case .tool: .tool
            }
        return SeparationTurn(
            role: role, text: joinedText,
            calls: toolCalls.map { SeparationTurn.ToolCall(name: $0.name, arguments: $0.arguments) })
    }
}

extension SeparationTraits {
    /// The traits of a row: its prompt and its answer, as they stand in the row.
    init(_ turns: [CanonicalTurn], groupKeys: [String]) {
        self.init(turns: turns.map(\.separated), groupKeys: groupKeys)
    }
}
