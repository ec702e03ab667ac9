// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Schemas of tools as services read them.
enum ToolSchemaCheck {
    /// Where a schema leaves what Gemini takes as `parameters`, as a path behind the schema's own; nil where it does not.
    ///
    /// Depth is bounded by `JSONLimits.depth`.
    static func fault(inParameters schema: JSONNode) -> String? {
        guard schema.kind == .object else { return "" }
        let known: Set<String> = [
            "type", "format", "title", "description", "nullable", "default", "example", "items", "minItems", "maxItems", "enum",
            "properties", "propertyOrdering", "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength",
            "maxLength", "pattern", "anyOf",
        ]
        for (key, _) in schema.members {
            guard let name = key.string, known.contains(name) else { return ".\(key.string ?? "")" }
        }
        let type = schema.text("type")?.uppercased()
        switch type {
        case "STRING", "NUMBER", "INTEGER", "BOOLEAN", "NULL": break
        case "OBJECT": if schema["properties"]?.isFilled != true { return ".properties" }
        case "ARRAY": if schema["items"] == nil { return ".items" }
        default: if schema["type"] != nil || schema["anyOf"] == nil { return ".type" }
        }
        for value in schema["enum"]?.elements ?? JSONNode.noElements where value.kind != .string { return ".enum" }
        for (key, value) in schema["properties"]?.members ?? JSONNode.noMembers {
            if let inside = fault(inParameters: value) { return ".properties.\(key.string ?? "")\(inside)" }
        }
        if let items = schema["items"], let inside = fault(inParameters: items) { return ".items\(inside)" }
        for (position, one) in (schema["anyOf"]?.elements ?? JSONNode.noElements).enumerated() {
            if let inside = fault(inParameters: one) { return ".anyOf[\(position)]\(inside)" }
        }
        return nil
    }

    /// Whether a schema has the form of JSON Schema, draft 7, which Mistral's own validator asks for.
    ///
    /// Depth is bounded by `JSONLimits.depth`.
    static func isDraft7(_ schema: JSONNode) -> Bool {
        if schema.kind == .bool { return true }
        guard schema.kind == .object else { return false }
        // Of keys that stand twice the last counts.
        return SchemaRun.lastMembers(schema).allSatisfy { isDraft7($0.key, $0.value) }
    }

    private static func isDraft7(_ key: String, _ value: JSONNode) -> Bool {
        switch key {
        case "type": return isType(value) || (isList(value) && value.isFilled && value.elements.allSatisfy(isType))
        case "required": return isList(value) && value.elements.allSatisfy { $0.kind == .string }
        case "enum", "examples": return value.kind == .array
        case "properties", "patternProperties", "definitions":
            return value.kind == .object && value.members.allSatisfy { isDraft7($0.value) }
        case "items": return isDraft7(value) || isSchemas(value)
        case "additionalItems", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else":
            return isDraft7(value)
        case "allOf", "anyOf", "oneOf": return isSchemas(value)
        case "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum": return value.kind == .number
        case "multipleOf": return (value.double ?? 0) > 0
        case "maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties":
            return (value.double ?? -1) >= 0 && value.double?.rounded() == value.double
        case "uniqueItems", "readOnly": return value.kind == .bool
        case "$id", "$schema", "$ref", "$comment", "title", "description", "pattern", "format", "contentMediaType",
            "contentEncoding":
            return value.kind == .string
        default: return true
        }
    }

    private static func isType(_ value: JSONNode) -> Bool {
        ["string", "number", "integer", "boolean", "array", "object", "null"].contains { value.equals($0) }
    }

    private static func isSchemas(_ value: JSONNode) -> Bool {
        value.kind == .array && value.isFilled && value.elements.allSatisfy { isDraft7($0) }
    }

    /// A list of texts, each once, or of anything else.
    private static func isList(_ value: JSONNode) -> Bool {
        guard value.kind == .array else { return false }
        var seen: Set<[UInt8]> = []
        return value.elements.allSatisfy { $0.kind != .string || seen.insert($0.unescapedBytes).inserted }
    }
}
