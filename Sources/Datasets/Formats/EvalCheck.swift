// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Formats of evaluators.
extension RowCheck {
    private static let sampleKeys = ["choices", "sandbox", "files", "setup"]

    mutating func inspect(_ root: JSONNode, _ found: inout LineFindings) {
        let required = isUniform ? ["id", "input", "target", "metadata"] : ["input"]
        let optional = isUniform ? [] : ["id", "target", "metadata"] + RowCheck.sampleKeys
        guard found.object(root, required: required, optional: optional, "") else { return }
        if let input = root.present("input"), isUniform || input.kind != .string { messages(input, "input", &found) }
        if let id = root.present("id"), id.string == nil, isUniform || id.int == nil { found.add(.valueType, "id") }
        if let target = root.present("target"), target.string == nil {
            let isList = target.kind == .array && target.elements.allSatisfy { $0.kind == .string }
            if isUniform || !isList { found.add(.valueType, "target") }
        }
        _ = found.json(root, "metadata", asText: isUniform, kind: .object, "")
    }

    mutating func promptfoo(_ root: JSONNode, _ found: inout LineFindings) {
        let required = isUniform ? ["description", "vars", "assert", "metadata"] : ["vars"]
        let optional = isUniform ? [] : ["description", "assert", "metadata", "options", "threshold"]
        guard found.object(root, required: required, optional: optional, "") else { return }
        if let text = found.text(root, "description", "") { checkTemplate(text, "description", &found) }
        checkVariables(root.present("vars"), &found)
        if let list = root.present("assert") {
            guard list.kind == .array else { return found.add(.valueType, "assert") }
            for (position, item) in list.elements.enumerated() { checkAssert(item, "assert[\(position)]", &found) }
        }
        _ = found.json(root, "metadata", asText: isUniform, kind: .object, "")
    }

    private mutating func checkVariables(_ vars: JSONNode?, _ found: inout LineFindings) {
        guard let vars else { return }
        guard vars.kind == .object else { return found.add(.valueType, "vars") }
        for (key, value) in vars.members {
            let place = "vars.\(key.string ?? "")"
            guard let text = value.string else {
                found.add(.variableNotText, place)
                continue
            }
            if TemplateText.isLive(Array(text.utf8)) { found.add(.templateSign, place) }
            guard key.string == "conversation" else { continue }
            guard let list = JSONDocument.read(text.utf8)?.root, list.kind == .array else {
                found.add(.jsonText, place)
                continue
            }
            messages(list, place, &found) { $0.isUniform = false }
        }
    }

    private func checkAssert(_ item: JSONNode, _ place: String, _ found: inout LineFindings) {
        guard item.kind == .object, item.filledText("type") != nil else { return found.add(.assertForm, place) }
        guard let value = item["value"]?.string else { return found.add(.assertForm, place) }
        checkTemplate(value, "\(place).value", &found)
    }

    /// A text that is rendered once: signs are allowed where we escaped them.
    private func checkTemplate(_ text: String, _ place: String, _ found: inout LineFindings) {
        if !TemplateText.once(TemplateText.undo(text)).utf8.elementsEqual(text.utf8) { found.add(.templateSign, place) }
    }
}
