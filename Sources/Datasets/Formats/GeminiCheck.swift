// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Gemini's contents.
extension RowCheck {
    func gemini(_ root: JSONNode, _ found: inout LineFindings) {
        let varying = ["systemInstruction", "tools"]
        let required = ["contents"] + (isUniform ? varying : [])
        guard found.object(root, required: required, optional: isUniform ? [] : varying, "") else { return }
        checkInstruction(root.present("systemInstruction"), &found)
        checkFunctions(root, &found)
        guard let contents = root.present("contents") else { return }
        guard contents.kind == .array else { return found.add(.valueType, "contents") }
        guard contents.isFilled else { return found.add(.messagesEmpty, "contents") }
        var roles: [String] = []
        var waiting: [String] = []
        for (position, content) in contents.elements.enumerated() {
            let place = "contents[\(position)]"
            guard found.object(content, required: ["role", "parts"], place) else { continue }
            guard let role = content.text("role"), role == "user" || role == "model" else {
                found.add(.roleUnknown, "\(place).role")
                continue
            }
            roles.append(role)
            let parts = checkParts(content.present("parts"), role, "\(place).parts", &found)
            if parts.responses != waiting { found.add(parts.responses.isEmpty ? .toolCallUnanswered : .toolResultOrphan, place) }
            waiting = parts.calls
        }
        if roles.last != "model" { found.add(.lastMessageNotAssistant, "contents") }
        if !roles.contains("user") { found.add(.noUserMessage, "contents") }
    }

    private func checkInstruction(_ node: JSONNode?, _ found: inout LineFindings) {
        guard let node else { return }
        guard found.object(node, required: ["parts"], optional: ["role"], "systemInstruction") else { return }
        guard let parts = node.present("parts") else { return }
        guard parts.isFilled, parts.kind == .array else { return found.add(.partsEmpty, "systemInstruction.parts") }
        for (position, part) in parts.elements.enumerated() where part.text("text") == nil {
            found.add(.partForm, "systemInstruction.parts[\(position)]")
        }
    }

    private func checkParts(
        _ parts: JSONNode?, _ role: String, _ place: String, _ found: inout LineFindings
    ) -> (calls: [String], responses: [String]) {
        var calls: [String] = []
        var responses: [String] = []
        guard let parts else { return ([], []) }
        guard parts.kind == .array, parts.isFilled else {
            found.add(.partsEmpty, place)
            return ([], [])
        }
        for (position, part) in parts.elements.enumerated() {
            let at = "\(place)[\(position)]"
            guard let kind = partKind(part) else {
                found.add(.partForm, at)
                continue
            }
            switch kind {
            case "text": if part.text("text")?.utf8.isEmpty ?? true { found.add(.contentEmpty, at) }
            case "functionCall":
                if role != "model" { found.add(.partForm, at) }
                if let call = named(part, kind, object: "args", .argumentsNotObject, at, &found) { calls.append(call) }
            case "functionResponse":
                if role != "user" { found.add(.partForm, at) }
                if let response = named(part, kind, object: "response", .partForm, at, &found) { responses.append(response) }
            default: checkFile(part["fileData"], role, at, &found)
            }
        }
        return (calls, responses)
    }

    /// What the part holds: its one key, or in a uniform file the one that is not empty.
    private func partKind(_ part: JSONNode) -> String? {
        let known =
            isUniform ? ["text", "functionCall", "functionResponse"] : ["text", "functionCall", "functionResponse", "fileData"]
        var kinds: [String] = []
        for (key, value) in part.members {
            guard let name = key.string, known.contains(name) else { return nil }
            if !isUniform || value.isFilled { kinds.append(name) }
        }
        return kinds.count == 1 ? kinds.first : nil
    }

    private func named(
        _ part: JSONNode, _ key: String, object: String, _ rule: FormatRule, _ place: String, _ found: inout LineFindings
    ) -> String? {
        guard let node = found.json(part, key, asText: isUniform, kind: .object, place) else { return nil }
        guard let name = node.filledText("name"), ToolName.isGemini(name.utf8) else {
            found.add(.toolNameForm, place)
            return nil
        }
        if node[object]?.kind != .object { found.add(rule, place) }
        return name
    }

    private func checkFile(_ file: JSONNode?, _ role: String, _ place: String, _ found: inout LineFindings) {
        if role != "user" { found.add(.imageMisplaced, place) }
        guard let uri = file?.text("fileUri"), uri.utf8.starts(with: "gs://".utf8) || uri.utf8.starts(with: "https://".utf8),
            file?.filledText("mimeType") != nil
        else { return found.add(.imageForm, place) }
    }

    private func checkFunctions(_ root: JSONNode, _ found: inout LineFindings) {
        guard let tools = found.json(root, "tools", asText: isUniform, kind: .array, "") else { return }
        var names: Set<[UInt8]> = []
        for (position, tool) in tools.elements.enumerated() {
            guard let list = tool["functionDeclarations"], list.kind == .array else {
                found.add(.toolForm, "tools[\(position)]")
                continue
            }
            for (place, function) in list.elements.enumerated() {
                checkDeclaration(function, &names, "tools[\(position)].functionDeclarations[\(place)]", &found)
            }
        }
    }
}
