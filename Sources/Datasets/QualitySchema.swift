// SPDX-License-Identifier: Apache-2.0
package import ByteCoding

/// What a value is by a schema.
package struct SchemaOutcome: Equatable, Sendable {
    /// Whether a value obeys.
    package enum Verdict: String, Sendable {
        case valid
        /// Nothing speaks against it, but a keyword that could is not known, or a limit was reached.
        case unknown
        case invalid
    }

    /// The answer.
    package var verdict: Verdict
    /// The keyword that the value violates first, and the JSON pointer of the part that does; never the value.
    package var violation: (keyword: String, path: String)?
    /// Keywords that were met and not looked at, sorted by bytes.
    package var ignored: [String] = []

    /// Field by field.
    package static func == (a: SchemaOutcome, b: SchemaOutcome) -> Bool {
        a.verdict == b.verdict && a.ignored == b.ignored && a.violation?.keyword == b.violation?.keyword
            && a.violation?.path == b.violation?.path
    }
}

/// Checks values against JSON Schema, draft 2020-12 as schemas of tools use it, with what older drafts and OpenAPI's dialect spell otherwise.
///
/// Known: `type` (in capitals too), `nullable`, `enum`, `const`, `properties`, `patternProperties`, `additionalProperties`, `propertyNames`,
/// `required`, `minProperties`, `maxProperties`, `dependentRequired`, `dependentSchemas`, `prefixItems`, `items` (a list too),
/// `additionalItems`, `contains`, `minContains`, `maxContains`, `minItems`, `maxItems`, `uniqueItems`, `minimum`, `maximum`, `exclusiveMinimum`,
/// `exclusiveMaximum` (flags too), `multipleOf`, `minLength`, `maxLength`, `pattern` (`SchemaPattern`), `allOf`, `anyOf`, `oneOf`, `not`, `if`, `then`,
/// `else`, `$ref` to a place in the same schema. Annotations, `format` among them, decide nothing. What else there is, is counted by name and
/// makes the answer unknown at most where it could have decided.
package struct SchemaValidator: Sendable {
    /// The schema.
    let root: JSONNode

    /// A validator; nil where the bytes are no JSON.
    package init?(_ schema: some Collection<UInt8>) {
        guard let document = JSONDocument.read(schema) else { return nil }
        root = document.root
    }

    /// Checks a value.
    ///
    /// - Parameter value: of any kind.
    /// - Returns: the verdict, and why.
    /// - Complexity: bounded by `DatasetLimits.schemaSteps`; beyond, the verdict is unknown.
    package func check(_ value: JSONNode) -> SchemaOutcome {
        var run = SchemaRun(root: root)
        let verdict = run.check(value, by: root)
        return SchemaOutcome(
            verdict: verdict, violation: verdict == .invalid ? run.violation : nil,
            ignored: run.ignored.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }
}

/// One check of one value.
struct SchemaRun {
    typealias Verdict = SchemaOutcome.Verdict

    let root: JSONNode
    private(set) var ignored: Set<String> = []
    private(set) var violation: (keyword: String, path: String)?
    private var steps = 0
    private var path: [String] = []
    /// Above 0 a failure need not be one of the whole.
    private var trials = 0
    private var depth = 0
    private var open: Set<Pair> = []
    private var patterns: [[UInt8]: SchemaPattern?] = [:]

    /// A value at a schema that is being looked at: met again, it would be for ever.
    private struct Pair: Hashable {
        let schema: Int
        let value: Int
    }

    private static let depthMax = 200

    init(root: JSONNode) { self.root = root }

    /// Checks a value by a schema within the root's.
    mutating func check(_ value: JSONNode, by schema: JSONNode) -> Verdict {
        if let flag = schema.bool { return flag ? .valid : fail("false") }
        guard schema.kind == .object else { return skip("(schema)") }
        steps += 1
        guard steps <= DatasetLimits.schemaSteps, depth < SchemaRun.depthMax else { return skip("(limit)") }
        let pair = Pair(schema: schema.range.lowerBound, value: value.range.lowerBound)
        guard open.insert(pair).inserted else { return skip("$ref") }
        depth += 1
        defer {
            depth -= 1
            open.remove(pair)
        }
        let members = SchemaRun.lastMembers(schema)
        guard spend(members.count / 4) else { return skip("(limit)") }
        if value.isNull, schema["nullable"]?.bool == true { return .valid }
        var verdict = Verdict.valid
        for (key, rule) in members {
            verdict = SchemaRun.both(verdict, check(value, keyword: key, rule, schema))
            // The first failure is enough.
            if verdict == .invalid { return .invalid }
        }
        return verdict
    }

    /// Members by key, the last of those that share one.
    static func lastMembers(_ object: JSONNode) -> [(key: String, value: JSONNode)] {
        var places: [[UInt8]: Int] = [:]
        var out: [(key: String, value: JSONNode)] = []
        for (key, value) in object.members {
            let bytes = key.unescapedBytes
            if let place = places[bytes] {
                out[place].value = value
            } else {
                places[bytes] = out.count
                out.append((String(decoding: bytes, as: UTF8.self), value))
            }
        }
        return out
    }

    static func both(_ a: Verdict, _ b: Verdict) -> Verdict {
        if a == .invalid || b == .invalid { return .invalid }
        return a == .unknown || b == .unknown ? .unknown : .valid
    }

    // MARK: Outcomes

    /// Notes the first violation that nothing else can make good.
    mutating func fail(_ keyword: String) -> Verdict {
        if trials == 0, violation == nil { violation = (keyword, pointer) }
        return .invalid
    }

    mutating func unless(_ isFulfilled: Bool, _ keyword: String) -> Verdict { isFulfilled ? .valid : fail(keyword) }

    /// Notes a keyword that is not looked at and could have decided.
    mutating func skip(_ keyword: String) -> Verdict {
        note(keyword)
        return .unknown
    }

    mutating func note(_ keyword: String) {
        if ignored.count < 100 { ignored.insert(String(keyword.prefix(64))) }
    }

    private var pointer: String {
        path.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    }

    /// Checks a part of a value.
    mutating func check(_ value: JSONNode, at step: @autoclosure () -> String, by schema: JSONNode) -> Verdict {
        path.append(step())
        defer { path.removeLast() }
        return check(value, by: schema)
    }

    /// Checks something whose failure need not be one of the whole.
    mutating func trial(_ value: JSONNode, by schema: JSONNode) -> Verdict {
        trials += 1
        defer { trials -= 1 }
        return check(value, by: schema)
    }

    /// The compiled pattern, or nil where it is not known.
    mutating func pattern(_ text: String) -> SchemaPattern? {
        let key = Array(text.utf8)
        if let known = patterns[key] { return known }
        let pattern = spend(bytes: key.count) ? SchemaPattern(text) : nil
        steps += (pattern?.stepCount ?? 0) / 16
        patterns[key] = pattern
        return pattern
    }

    /// Whether a pattern matches; nil where the budget does not allow to look: a text costs its length times the pattern's.
    mutating func matches(_ pattern: SchemaPattern, _ text: String) -> Bool? {
        guard spend((text.utf8.count + 1) * (pattern.stepCount + 16) / 256 + 1) else { return nil }
        return pattern.matches(text)
    }

    /// Counts work that is not a visit of a schema.
    mutating func spend(_ count: Int) -> Bool {
        steps += count
        return steps <= DatasetLimits.schemaSteps
    }

    /// Counts the reading of JSON, of which a step takes some members.
    mutating func spend(bytes: Int) -> Bool { spend(bytes / 32) }
}
