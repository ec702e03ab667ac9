// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension RowCheck {
    /// Checks `tools`: a list, or in a uniform file and for TRL the JSON text of one.
    func checkTools(_ root: JSONNode, _ place: String, _ found: inout LineFindings) {
        checkTools(root, place, asText: isUniform || format == .trl || format == .sharegpt, &found)
    }

    func checkTools(_ root: JSONNode, _ place: String, asText: Bool, _ found: inout LineFindings) {
        guard let tools = found.json(root, "tools", asText: asText, kind: .array, place) else { return }
        var names: Set<String> = []
        for (position, tool) in tools.elements.enumerated() {
            let at = "\(LineFindings.place(place, "tools"))[\(position)]"
            guard tool.text("type") == "function", let function = tool["function"] else {
                found.add(.toolForm, at)
                continue
            }
            checkDeclaration(function, &names, "\(at).function", &found)
        }
    }

    /// Checks `{name, description, parameters}`.
    func checkDeclaration(_ function: JSONNode, _ names: inout Set<String>, _ place: String, _ found: inout LineFindings) {
        guard function.kind == .object, let name = function.text("name") else { return found.add(.toolForm, place) }
        if let parameters = function["parameters"], parameters.kind != .object { found.add(.toolForm, "\(place).parameters") }
        if format == .mistral, function.text("description") == nil || function["parameters"] == nil {
            found.add(.toolForm, place)
        }
        let rules = MessageRules(format, isUniform: isUniform, options: options)
        if name.utf8.isEmpty || (rules.hasOpenAINames && !ToolName.isOpenAI(name.utf8)) {
            found.add(.toolNameForm, "\(place).name")
        }
        if !names.insert(name).inserted { found.add(.toolNameRepeated, "\(place).name") }
    }
}
