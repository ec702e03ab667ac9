// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The keywords one by one.
extension SchemaRun {
    /// Keywords that decide nothing.
    private static let annotations: Set<String> = [
        "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment", "$schema",
        "$id", "id",
        "$anchor", "$defs", "definitions", "$vocabulary", "format", "contentEncoding", "contentMediaType", "contentSchema",
        "propertyOrdering",
        "strict", "name", "nullable", "minContains", "maxContains", "then", "else", "additionalItems", "discriminator",
        "externalDocs", "xml",
    ]
    /// Keywords that would decide something, and are not known.
    private static let undecided: Set<String> = [
        "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "dependencies", "disallow", "extends",
        "divisibleBy",
    ]

    /// Checks one keyword of a schema.
    mutating func check(_ value: JSONNode, keyword: String, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        switch keyword {
        case "type", "enum", "const":
            // What is read of the rule, and of a value that is compared with it.
            guard spend(bytes: rule.range.count + (keyword == "type" ? 0 : value.range.count)) else { return skip("(limit)") }
            if keyword == "type" { return unless(SchemaRun.isOfType(value, rule), keyword) }
            let form = SchemaEquality.form(value)
            if keyword == "const" { return unless(SchemaEquality.form(rule) == form, keyword) }
            return unless(rule.elements.contains { $0.kind == value.kind && SchemaEquality.form($0) == form }, keyword)
        case "$ref": return reference(value, rule)
        case "allOf", "anyOf", "oneOf", "not", "if": return combination(value, keyword, rule, schema)
        default: break
        }
        if SchemaRun.annotations.contains(keyword) { return .valid }
        if let verdict = byKind(value, keyword, rule, schema) { return verdict }
        if SchemaRun.undecided.contains(keyword) { return skip(keyword) }
        note(keyword)
        return .valid
    }

    /// Keywords for one kind of value, which say nothing of others; nil for a keyword that is none of them.
    private mutating func byKind(_ value: JSONNode, _ keyword: String, _ rule: JSONNode, _ schema: JSONNode) -> Verdict? {
        switch keyword {
        case "properties", "patternProperties", "additionalProperties", "propertyNames", "required", "minProperties",
            "maxProperties",
            "dependentRequired", "dependentSchemas":
            return value.kind == .object ? object(value, keyword, rule, schema) : .valid
        case "prefixItems", "items", "contains", "minItems", "maxItems", "uniqueItems":
            return value.kind == .array ? array(value, keyword, rule, schema) : .valid
        case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
            guard value.kind == .number, let number = SchemaNumber(value.lexeme) else { return .valid }
            return self.number(number, keyword, rule, schema)
        case "minLength", "maxLength", "pattern":
            guard let text = value.string else { return .valid }
            return self.text(text, keyword, rule)
        default: return nil
        }
    }

    // MARK: Type

    private static func isOfType(_ value: JSONNode, _ rule: JSONNode) -> Bool {
        if rule.kind == .array { return rule.elements.contains { isOfType(value, $0) } }
        // Google writes them in capitals.
        switch rule.string?.lowercased() {
        case "null": return value.isNull
        case "boolean": return value.kind == .bool
        case "object": return value.kind == .object
        case "array": return value.kind == .array
        case "string": return value.kind == .string
        case "number": return value.kind == .number
        case "integer": return value.kind == .number && SchemaNumber(value.lexeme)?.isInteger == true
        case "any", "type_unspecified": return true
        default: return false
        }
    }

    // MARK: Numbers and texts

    private mutating func number(_ value: SchemaNumber, _ keyword: String, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        // In older drafts a flag beside the limit.
        if rule.kind == .bool { return .valid }
        guard rule.kind == .number, let limit = SchemaNumber(rule.lexeme) else { return skip(keyword) }
        switch keyword {
        case "minimum":
            let isExclusive = schema["exclusiveMinimum"]?.bool == true
            return unless(isExclusive ? limit < value : !(value < limit), keyword)
        case "maximum":
            let isExclusive = schema["exclusiveMaximum"]?.bool == true
            return unless(isExclusive ? value < limit : !(limit < value), keyword)
        case "exclusiveMinimum": return unless(limit < value, keyword)
        case "exclusiveMaximum": return unless(value < limit, keyword)
        default:
            guard !limit.isNegative, let isMultiple = value.isMultiple(of: limit) else { return skip(keyword) }
            return unless(isMultiple, keyword)
        }
    }

    private mutating func text(_ text: String, _ keyword: String, _ rule: JSONNode) -> Verdict {
        guard keyword == "pattern" else { return count(text.unicodeScalars.count, keyword, rule) }
        guard let expression = rule.string, let pattern = pattern(expression) else { return skip(keyword) }
        guard let isMatch = matches(pattern, text) else { return skip("(limit)") }
        return unless(isMatch, keyword)
    }

    /// A keyword that begins with `min` or `max` and bounds a count.
    mutating func count(_ count: Int, _ keyword: String, _ rule: JSONNode) -> Verdict {
        // Google writes counts as texts.
        let lexeme = rule.kind == .string ? rule.unescapedBytes : Array(rule.lexeme)
        guard rule.kind == .number || rule.kind == .string, let number = SchemaNumber(lexeme), !number.isNegative,
            number.isInteger
        else {
            return skip(keyword)
        }
        let limit = number.count ?? Int.max
        return unless(keyword.hasPrefix("min") ? count >= limit : count <= limit, keyword)
    }

    // MARK: References

    private mutating func reference(_ value: JSONNode, _ rule: JSONNode) -> Verdict {
        guard let text = rule.string, let target = SchemaReference.resolve(text, in: root) else { return skip("$ref") }
        return check(value, by: target)
    }

    // MARK: Combinations

    private mutating func combination(_ value: JSONNode, _ keyword: String, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        switch keyword {
        case "allOf":
            var verdict = Verdict.valid
            for part in rule.elements { verdict = SchemaRun.both(verdict, check(value, by: part)) }
            return verdict
        case "not":
            switch trial(value, by: rule) {
            case .valid: return fail(keyword)
            case .invalid: return .valid
            case .unknown: return .unknown
            }
        case "if": return condition(value, rule, schema)
        default: return choice(value, keyword, rule)
        }
    }

    private mutating func choice(_ value: JSONNode, _ keyword: String, _ rule: JSONNode) -> Verdict {
        var (valid, unknown) = (0, 0)
        for part in rule.elements {
            switch trial(value, by: part) {
            case .valid: valid += 1
            case .unknown: unknown += 1
            case .invalid: break
            }
            if valid > 0, keyword == "anyOf" { return .valid }
        }
        if keyword == "oneOf", valid > 1 { return fail(keyword) }
        if valid == 1 { return unknown > 0 ? .unknown : .valid }
        return unknown > 0 ? .unknown : fail(keyword)
    }

    private mutating func condition(_ value: JSONNode, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        switch trial(value, by: rule) {
        case .valid: return schema["then"].map { check(value, by: $0) } ?? .valid
        case .invalid: return schema["else"].map { check(value, by: $0) } ?? .valid
        case .unknown: return .unknown
        }
    }
}

/// Places within a schema that `$ref` names.
enum SchemaReference {
    /// The schema at a reference, or nil where it is not in the same document.
    static func resolve(_ reference: String, in root: JSONNode) -> JSONNode? {
        guard reference.utf8.first == UInt8(ascii: "#") else { return nil }
        let fragment = PercentDecoding.decoded(reference.dropFirst())
        if fragment.isEmpty { return root }
        guard fragment.utf8.first == UInt8(ascii: "/") else { return anchor(fragment, in: root) }
        var node = root
        for part in fragment.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            let key = part.replacing("~1", with: "/").replacing("~0", with: "~")
            guard let next = node.kind == .array ? Int(key).flatMap({ node[$0] }) : node[String(key)] else { return nil }
            node = next
        }
        return node
    }

    /// A named place directly under the definitions, where generators put them.
    private static func anchor(_ name: String, in root: JSONNode) -> JSONNode? {
        for holder in ["$defs", "definitions"] {
            for (_, definition) in root[holder]?.members ?? JSONNode.noMembers where definition["$anchor"]?.equals(name) == true {
                return definition
            }
        }
        return nil
    }
}
