// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The keywords of objects.
extension SchemaRun {
    /// Checks one keyword of a schema against an object.
    mutating func object(_ value: JSONNode, _ keyword: String, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        switch keyword {
        case "properties": return properties(value, rule)
        case "required", "dependentRequired", "dependentSchemas":
            // Members are found by their names, where there are not too many.
            guard spend(bytes: rule.range.count + value.range.count) else { return skip("(limit)") }
            return required(JSONFields(value), keyword, rule, of: value)
        case "minProperties", "maxProperties":
            guard spend(bytes: value.range.count) else { return skip("(limit)") }
            return count(SchemaRun.lastMembers(value).count, keyword, rule)
        case "propertyNames": return propertyNames(value, rule)
        case "patternProperties": return patternProperties(value, rule)
        default: return additionalProperties(value, rule, schema)
        }
    }

    /// Names that must be there: always, or where another is.
    private mutating func required(_ fields: JSONFields, _ keyword: String, _ rule: JSONNode, of value: JSONNode) -> Verdict {
        if keyword == "required" { return all(rule, in: fields, keyword) }
        var verdict = Verdict.valid
        for (key, part) in rule.members {
            guard let isThere = has(key, in: fields) else { return skip("(limit)") }
            guard isThere else { continue }
            let own = keyword == "dependentRequired" ? all(part, in: fields, keyword) : check(value, by: part)
            verdict = SchemaRun.both(verdict, own)
            if verdict == .invalid { return .invalid }
        }
        return verdict
    }

    private mutating func all(_ names: JSONNode, in fields: JSONFields, _ keyword: String) -> Verdict {
        for name in names.elements where name.string != nil {
            guard let isThere = has(name, in: fields) else { return skip("(limit)") }
            if !isThere { return fail(keyword) }
        }
        return .valid
    }

    /// Whether a member has a name; nil where the budget does not allow to look: an object of many members has no table of them.
    private mutating func has(_ name: JSONNode, in fields: JSONFields) -> Bool? {
        guard spend(fields.lookupCost), let name = name.string else { return nil }
        return fields[name] != nil
    }

    private mutating func properties(_ value: JSONNode, _ rule: JSONNode) -> Verdict {
        guard spend(bytes: value.range.count + rule.range.count) else { return skip("(limit)") }
        let fields = JSONFields(value)
        var verdict = Verdict.valid
        for (key, part) in SchemaRun.lastMembers(rule) {
            guard spend(fields.lookupCost) else { return skip("(limit)") }
            guard let member = fields[key] else { continue }
            verdict = SchemaRun.both(verdict, check(member, at: key, by: part))
            if verdict == .invalid { return .invalid }
        }
        return verdict
    }

    private mutating func propertyNames(_ value: JSONNode, _ rule: JSONNode) -> Verdict {
        var verdict = Verdict.valid
        for (key, _) in value.members { verdict = SchemaRun.both(verdict, check(key, by: rule)) }
        return verdict
    }

    private mutating func patternProperties(_ value: JSONNode, _ rule: JSONNode) -> Verdict {
        var verdict = Verdict.valid
        for (expression, part) in SchemaRun.lastMembers(rule) {
            guard let pattern = pattern(expression) else {
                verdict = SchemaRun.both(verdict, skip("patternProperties"))
                continue
            }
            guard spend(bytes: value.range.count) else { return skip("(limit)") }
            for (key, member) in SchemaRun.lastMembers(value) {
                guard let isMatch = matches(pattern, key) else { return skip("(limit)") }
                if isMatch { verdict = SchemaRun.both(verdict, check(member, at: key, by: part)) }
                if verdict == .invalid { return .invalid }
            }
        }
        return verdict
    }

    /// Members that no other keyword of the same schema names.
    private mutating func additionalProperties(_ value: JSONNode, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        if rule.bool == true { return .valid }
        var patterns: [SchemaPattern] = []
        for (expression, _) in schema["patternProperties"]?.members ?? JSONNode.noMembers {
            guard let pattern = pattern(expression.string ?? "") else { return skip("patternProperties") }
            patterns.append(pattern)
        }
        let named = schema["properties"].map { JSONFields($0) }
        guard spend(bytes: value.range.count + (named?.node.range.count ?? 0)) else { return skip("(limit)") }
        var verdict = Verdict.valid
        for (key, member) in SchemaRun.lastMembers(value) {
            guard spend(named?.lookupCost ?? 0) else { return skip("(limit)") }
            if named?[key] != nil { continue }
            guard let isNamed = anyMatches(patterns, key) else { return skip("(limit)") }
            if isNamed { continue }
            if rule.bool == false { return fail("additionalProperties") }
            verdict = SchemaRun.both(verdict, check(member, at: key, by: rule))
        }
        return verdict
    }
}

extension SchemaRun {
    private mutating func anyMatches(_ patterns: [SchemaPattern], _ key: String) -> Bool? {
        for pattern in patterns {
            guard let isMatch = matches(pattern, key) else { return nil }
            if isMatch { return true }
        }
        return false
    }
}

extension JSONFields {
    /// What one question costs: a step, or the members where there are too many for a table.
    fileprivate var lookupCost: Int { hasTable ? 1 : 1 + node.range.count / 16 }
}

/// The keywords of arrays.
extension SchemaRun {
    /// Checks one keyword of a schema against an array.
    mutating func array(_ value: JSONNode, _ keyword: String, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        switch keyword {
        case "prefixItems": return tuple(value, rule)
        case "items": return items(value, rule, schema)
        case "contains": return contains(value, rule, schema)
        case "uniqueItems":
            guard rule.bool == true else { return .valid }
            guard spend(bytes: value.range.count) else { return skip("(limit)") }
            var seen: Set<[UInt8]> = []
            for element in value.elements where !seen.insert(SchemaEquality.form(element)).inserted { return fail(keyword) }
            return .valid
        default: return count(value.elements.reduce(0) { count, _ in count + 1 }, keyword, rule)
        }
    }

    private mutating func tuple(_ value: JSONNode, _ rule: JSONNode) -> Verdict {
        var verdict = Verdict.valid
        for (position, (element, part)) in zip(value.elements, rule.elements).enumerated() {
            verdict = SchemaRun.both(verdict, check(element, at: String(position), by: part))
        }
        return verdict
    }

    private mutating func items(_ value: JSONNode, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        // In older drafts a list of schemas, and one for the rest.
        if rule.kind == .array {
            let verdict = tuple(value, rule)
            guard let rest = schema["additionalItems"] else { return verdict }
            return SchemaRun.both(verdict, self.rest(value, after: rule.elements.reduce(0) { count, _ in count + 1 }, rest))
        }
        return rest(
            value, after: (schema["prefixItems"]?.elements ?? JSONNode.noElements).reduce(0) { count, _ in count + 1 }, rule)
    }

    private mutating func rest(_ value: JSONNode, after first: Int, _ rule: JSONNode) -> Verdict {
        var verdict = Verdict.valid
        for (position, element) in value.elements.enumerated() where position >= first {
            verdict = SchemaRun.both(verdict, check(element, at: String(position), by: rule))
            if verdict == .invalid { return .invalid }
        }
        return verdict
    }

    private mutating func contains(_ value: JSONNode, _ rule: JSONNode, _ schema: JSONNode) -> Verdict {
        var (valid, unknown) = (0, 0)
        for element in value.elements {
            switch trial(element, by: rule) {
            case .valid: valid += 1
            case .unknown: unknown += 1
            case .invalid: break
            }
        }
        let least = schema["minContains"].flatMap { SchemaNumber($0.lexeme)?.count } ?? 1
        let most = schema["maxContains"].flatMap { SchemaNumber($0.lexeme)?.count } ?? Int.max
        if valid + unknown < least || valid > most { return fail("contains") }
        return valid >= least && valid + unknown <= most ? .valid : .unknown
    }
}

/// When two values are the same: by what they mean, not by how they are written.
enum SchemaEquality {
    /// Whether two values are equal.
    static func equal(_ a: JSONNode, _ b: JSONNode) -> Bool {
        guard a.kind == b.kind else { return false }
        switch a.kind {
        case .null: return true
        case .bool: return a.bool == b.bool
        case .string: return a.unescapedBytes == b.unescapedBytes
        default: return form(a) == form(b)
        }
    }

    /// Bytes that are equal where values are: members sorted, numbers without regard to their spelling.
    static func form(_ node: JSONNode) -> [UInt8] {
        var out: [UInt8] = []
        append(node, to: &out)
        return out
    }

    /// Depth is bounded by `JSONLimits.depth`.
    private static func append(_ node: JSONNode, to out: inout [UInt8]) {
        switch node.kind {
        case .number:
            guard let number = SchemaNumber(node.lexeme) else { return }
            out.append(contentsOf: "n\(number.isNegative ? "-" : "")".utf8)
            out.append(contentsOf: number.digits.map { $0 + 0x30 })
            out.append(contentsOf: "e\(number.exponent) ".utf8)
        case .string: JSONEscaping.appendQuoted(node.unescapedBytes[...], to: &out)
        case .array:
            out.append(UInt8(ascii: "["))
            for element in node.elements { append(element, to: &out) }
            out.append(UInt8(ascii: "]"))
        case .object:
            out.append(UInt8(ascii: "{"))
            let members = SchemaRun.lastMembers(node).sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for member in members {
                JSONEscaping.appendQuoted(Array(member.key.utf8)[...], to: &out)
                append(member.value, to: &out)
            }
            out.append(UInt8(ascii: "}"))
        default: out.append(contentsOf: node.lexeme)
        }
    }
}
