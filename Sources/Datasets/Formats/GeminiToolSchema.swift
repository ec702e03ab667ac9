// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Tools as Gemini's API takes them: parameters in its subset of OpenAPI, any other JSON schema under another key, none where there are none.
enum GeminiToolSchema {
    /// `{name, description}`, and `parameters` or `parametersJsonSchema` where the tool takes any.
    static func declaration(of tool: ToolDefinition) -> [UInt8] {
        var json = JSONWriter(capacity: 256)
        json.beginObject()
        json.member("name", tool.name)
        json.member("description", tool.description)
        if let schema = JSONDocument.read(tool.parameters)?.root, !isEmpty(schema) {
            json.key(isOpenAPI(schema) ? "parameters" : "parametersJsonSchema")
            json.raw(tool.parameters)
        }
        json.endObject()
        return json.bytes
    }

    /// Whether a schema asks for an object and knows no member of it; as parameters the API refuses such a one.
    static func isEmpty(_ schema: JSONNode) -> Bool {
        for (key, value) in schema.members {
            switch key.string {
            case "type": if !value.equals("object") { return false }
            case "properties", "required": if value.isFilled { return false }
            case "additionalProperties": if value.bool != false { return false }
            case "$schema", "title", "description": break
            default: return false
            }
        }
        return true
    }

    private static let types = ["string", "number", "integer", "boolean", "array", "object", "null"]
    private static let formats = [
        "string": ["enum", "date-time"], "number": ["float", "double"], "integer": ["int32", "int64"],
    ]
    private static let numbers: Set<String> = [
        "minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength", "minimum", "maximum",
    ]

    /// Whether a schema is in the subset of OpenAPI 3.0 that the API knows, all parts of it.
    ///
    /// Depth is bounded by `JSONLimits.depth`.
    static func isOpenAPI(_ schema: JSONNode) -> Bool {
        guard schema.kind == .object else { return false }
        let type = schema.text("type")?.lowercased()
        guard type.map(types.contains) ?? (schema["type"] == nil && schema["anyOf"] != nil) else { return false }
        if type == "object", schema["properties"]?.isFilled != true { return false }
        if type == "array", schema["items"] == nil { return false }
        return schema.members.allSatisfy { key, value in isOpenAPI(key.string ?? "", value, type) }
    }

    private static func isOpenAPI(_ key: String, _ value: JSONNode, _ type: String?) -> Bool {
        if numbers.contains(key) { return value.kind == .number }
        switch key {
        case "type", "default", "example": return true
        case "title", "description", "pattern": return value.kind == .string
        case "nullable": return value.kind == .bool
        case "format": return formats[type ?? ""]?.contains(value.string ?? "") == true
        case "enum": return type == "string" && isTexts(value) && value.isFilled
        case "required", "propertyOrdering": return isTexts(value)
        case "items": return isOpenAPI(value)
        case "properties": return value.kind == .object && value.members.allSatisfy { isOpenAPI($0.value) }
        case "anyOf": return value.kind == .array && value.isFilled && value.elements.allSatisfy(isOpenAPI)
        default: return false
        }
    }

    private static func isTexts(_ value: JSONNode) -> Bool {
        value.kind == .array && value.elements.allSatisfy { $0.kind == .string }
    }
}
