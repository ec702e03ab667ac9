// SPDX-License-Identifier: Apache-2.0
import ByteCoding

extension RowCheck {
    /// Checks `tools`: a list, or in a uniform file and for TRL the JSON text of one.
    func checkTools(_ root: JSONNode, _ place: String, _ found: inout LineFindings) {
        checkTools(root, place, asText: isUniform || format == .trl || format == .sharegpt, &found)
    }

    func checkTools(_ root: JSONNode, _ place: String, asText: Bool, _ found: inout LineFindings) {
        guard let tools = found.json(root, "tools", asText: asText, kind: .array, place) else { return }
        let count = tools.elements.reduce(0) { count, _ in count + 1 }
        if format.isOpenAI, !asText, count == 0 { found.add(.toolsEmpty, LineFindings.place(place, "tools")) }
        if format.isOpenAI, count > FormatLimits.toolsPerRow { found.add(.tooManyTools, LineFindings.place(place, "tools")) }
        var names: Set<[UInt8]> = []
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
    func checkDeclaration(_ function: JSONNode, _ names: inout Set<[UInt8]>, _ place: String, _ found: inout LineFindings) {
        guard function.kind == .object, let name = function.text("name") else { return found.add(.toolForm, place) }
        if let parameters = function["parameters"], parameters.kind != .object { found.add(.toolForm, "\(place).parameters") }
        if format == .mistral { checkMistral(function, place, &found) }
        if format == .vertexGemini { checkGemini(function, place, &found) }
        let rules = MessageRules(format, isUniform: isUniform, options: options)
        let isGood =
            rules.hasOpenAINames
            ? ToolName.isOpenAI(name.utf8) : format == .vertexGemini ? ToolName.isGemini(name.utf8) : !name.utf8.isEmpty
        if !isGood { found.add(.toolNameForm, "\(place).name") }
        if !names.insert(Array(name.utf8)).inserted, format != .chat { found.add(.toolNameRepeated, "\(place).name") }
    }

    private func checkMistral(_ function: JSONNode, _ place: String, _ found: inout LineFindings) {
        guard function.text("description") != nil, let schema = function["parameters"] else { return found.add(.toolForm, place) }
        if schema.kind == .object, !ToolSchemaCheck.isDraft7(schema) { found.add(.toolSchemaForm, "\(place).parameters") }
    }

    /// Parameters are in Gemini's subset of OpenAPI; any other schema stands under the other key.
    private func checkGemini(_ function: JSONNode, _ place: String, _ found: inout LineFindings) {
        let optional = ["description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"]
        guard found.object(function, required: ["name"], optional: optional, place) else { return }
        if let schema = function["parametersJsonSchema"] {
            if schema.kind != .object || function["parameters"] != nil { found.add(.toolForm, "\(place).parametersJsonSchema") }
        }
        if let schema = function["parameters"], schema.kind == .object, let fault = ToolSchemaCheck.fault(inParameters: schema) {
            found.add(.toolSchemaForm, "\(place).parameters\(fault)")
        }
    }
}
