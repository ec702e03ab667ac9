// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Formats that are of texts.
extension RowCheck {
    func shareGPT(_ root: JSONNode, _ found: inout LineFindings) {
        let optional = options.toolsInShareGPT ? ["tools"] : []
        let required = isUniform ? optional : []
        guard found.object(root, required: ["conversations"] + required, optional: optional, "") else { return }
        guard let list = root.present("conversations") else { return }
        guard list.kind == .array else { return found.add(.valueType, "conversations") }
        guard list.isFilled else { return found.add(.messagesEmpty, "conversations") }
        var roles: [String] = []
        for (position, turn) in list.elements.enumerated() {
            let place = "conversations[\(position)]"
            guard found.object(turn, required: ["from", "value"], place) else { continue }
            guard let role = shareRole(turn.text("from")) else {
                found.add(.roleUnknown, "\(place).from")
                continue
            }
            roles.append(role)
            guard let text = found.text(turn, "value", place) else { continue }
            if text.utf8.isEmpty, role != "tool" { found.add(.contentEmpty, "\(place).value") }
            if turn.text("from") == "function_call" { checkShareCall(text, "\(place).value", &found) }
        }
        order(roles, "conversations", &found)
        checkTools(root, "", &found)
    }

    private func shareRole(_ name: String?) -> String? {
        switch name {
        case "system": "system"
        case "human": "user"
        case "gpt": "assistant"
        case "function_call": options.toolsInShareGPT ? "assistant" : nil
        case "observation": options.toolsInShareGPT ? "tool" : nil
        default: nil
        }
    }

    private func checkShareCall(_ text: String, _ place: String, _ found: inout LineFindings) {
        guard let call = JSONDocument.read(text.utf8)?.root else { return found.add(.jsonText, place) }
        if call.kind == .array { return found.add(.parallelCalls, place) }
        guard call.filledText("name") != nil else { return found.add(.toolCallForm, place) }
        if call["arguments"]?.kind != .object { found.add(.argumentsNotObject, place) }
    }

    /// The order of roles in a conversation that ends with the assistant and takes turns.
    private func order(_ roles: [String], _ place: String, _ found: inout LineFindings) {
        if roles.dropFirst().contains("system") { found.add(.systemNotFirst, place) }
        if !RoleOrder.alternates(roles) { found.add(.rolesDoNotAlternate, place) }
        if roles.last != "assistant" { found.add(.lastMessageNotAssistant, place) }
    }

    func anthropicText(_ root: JSONNode, _ found: inout LineFindings) {
        let required = isUniform ? ["system", "messages"] : ["messages"]
        guard found.object(root, required: required, optional: ["system"], "") else { return }
        if let system = found.text(root, "system", ""), system.utf8.isEmpty, !isUniform { found.add(.contentEmpty, "system") }
        guard let list = root.present("messages") else { return }
        guard list.kind == .array else { return found.add(.valueType, "messages") }
        var roles: [String] = []
        for (position, message) in list.elements.enumerated() {
            let place = "messages[\(position)]"
            guard found.object(message, required: ["role", "content"], place) else { continue }
            guard let role = message.text("role"), role == "user" || role == "assistant" else {
                found.add(.roleUnknown, "\(place).role")
                continue
            }
            roles.append(role)
            guard let content = message.present("content") else { continue }
            guard let text = content.string else {
                found.add(.contentNotString, "\(place).content")
                continue
            }
            if text.utf8.isEmpty { found.add(.contentEmpty, "\(place).content") }
        }
        if roles.count < 2 { found.add(.tooFewMessages, "messages") }
        if let first = roles.first, first != "user" { found.add(.firstMessageNotUser, "messages[0]") }
        if !RoleOrder.alternates(roles), roles.first == "user" { found.add(.rolesDoNotAlternate, "messages") }
        if roles.last != "assistant" { found.add(.lastMessageNotAssistant, "messages") }
    }

    mutating func openaiEvals(_ root: JSONNode, _ found: inout LineFindings) {
        guard found.object(root, required: ["input", "ideal"], "") else { return }
        // The repository also takes a bare text for the input, and several right answers.
        if let input = root.present("input"), isUniform || input.kind != .string { messages(input, "input", &found) }
        guard let ideal = root.present("ideal"), ideal.kind != .string else { return }
        guard !isUniform, ideal.kind == .array, ideal.isFilled, ideal.elements.allSatisfy({ $0.kind == .string }) else {
            return found.add(.valueType, "ideal")
        }
    }

    func lmEval(_ root: JSONNode, _ found: inout LineFindings) {
        let keys = ["id", "system", "prompt", "target"]
        guard found.object(root, required: keys, "") else { return }
        for key in keys { _ = found.text(root, key, "") }
    }
}
