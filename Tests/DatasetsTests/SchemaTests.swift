// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// JSON Schema keyword by keyword, and against Python's `jsonschema` on random schemas and values.
@Suite struct SchemaTests {
    private static func check(_ schema: String, _ value: String) throws -> SchemaOutcome {
        let validator = try #require(SchemaValidator(schema.utf8))
        return validator.check(try #require(JSONDocument.read(value.utf8)).root)
    }

    @Test(arguments: [
        (#"{"type":"integer"}"#, "1.0", true), (#"{"type":"integer"}"#, "1e2", true), (#"{"type":"integer"}"#, "1.5", false),
        (#"{"type":"integer"}"#, "12345678901234567890123", true), (#"{"type":["string","null"]}"#, "null", true),
        (#"{"type":"STRING"}"#, "\"a\"", true),
        (#"{"type":"STRING","nullable":true}"#, "null", true), (#"{"type":"STRING"}"#, "null", false),
        (#"{"type":"number"}"#, "true", false),
        (#"{"enum":[1,"a",null,{"a":[1]}]}"#, "1.0", true), (#"{"enum":[{"a":[1],"b":2}]}"#, #"{"b":2.0,"a":[1]}"#, true),
        (#"{"enum":[1]}"#, "true", false),
        (#"{"const":0}"#, "-0", true), (#"{"const":"a\u0062"}"#, "\"ab\"", true), (#"{"const":null}"#, "0", false),
        (#"{"multipleOf":0.01}"#, "0.1", true), (#"{"multipleOf":0.1}"#, "0.25", false), (#"{"multipleOf":3}"#, "1e30", false),
        (#"{"multipleOf":7}"#, "7e300", true),
        (#"{"minimum":9007199254740993}"#, "9007199254740992", false), (#"{"maximum":-1}"#, "-0.5", false),
        (#"{"minimum":5,"exclusiveMinimum":true}"#, "5", false),
        (#"{"exclusiveMaximum":5}"#, "5.000", false), (#"{"minLength":2}"#, "\"\\ud83d\\ude00\"", false),
        (#"{"maxLength":1}"#, "\"字\"", true),
        (#"{"items":{"type":"integer"}}"#, "[1,2,\"x\"]", false),
        (#"{"prefixItems":[true,{"type":"string"}],"items":false}"#, "[1,\"a\"]", true),
        (#"{"prefixItems":[true],"items":false}"#, "[1,2]", false),
        (#"{"items":[{"type":"string"}],"additionalItems":false}"#, "[\"a\",1]", false),
        (#"{"uniqueItems":true}"#, #"[1,{"a":1,"b":2},{"b":2,"a":1}]"#, false),
        (#"{"uniqueItems":true}"#, "[1,true,\"1\"]", true), (#"{"uniqueItems":true}"#, "[1,1.0]", false),
        (#"{"minItems":"2"}"#, "[1]", false), (#"{"contains":{"type":"string"},"maxContains":1}"#, "[\"a\",\"b\"]", false),
        (#"{"contains":{},"minContains":0}"#, "[]", true),
        (#"{"required":["a"]}"#, #"{"b":1}"#, false), (#"{"required":["a"]}"#, "[]", true),
        (#"{"additionalProperties":false,"properties":{"a":true}}"#, #"{"a":1,"b":1}"#, false),
        (#"{"additionalProperties":{"type":"string"},"patternProperties":{"^x":true}}"#, #"{"x1":1,"b":"s"}"#, true),
        (#"{"propertyNames":{"maxLength":1}}"#, #"{"ab":1}"#, false),
        (#"{"properties":{"a":{"type":"string"}}}"#, #"{"a":1,"a":"s"}"#, true),
        (#"{"dependentRequired":{"a":["b"]}}"#, #"{"a":1}"#, false),
        (#"{"dependentSchemas":{"a":{"required":["b"]}}}"#, #"{"a":1}"#, false), (#"{"minProperties":1}"#, "{}", false),
        (#"{"anyOf":[{"type":"string"},{"minimum":5}]}"#, "4", false),
        (#"{"oneOf":[{"type":"integer"},{"minimum":2}]}"#, "3", false),
        (#"{"oneOf":[{"type":"integer"},{"minimum":2}]}"#, "1", true),
        (#"{"allOf":[{"minimum":1},{"maximum":3}]}"#, "4", false), (#"{"not":{"type":"string"}}"#, "\"a\"", false),
        (#"{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":3}}"#, "\"a\"", false),
        (#"{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":3}}"#, "4", true),
        (##"{"$ref":"#/$defs/a~1b%25","$defs":{"a/b%":{"type":"string"}}}"##, "1", false),
        (##"{"$ref":"#node","$defs":{"n":{"$anchor":"node","type":"string"}}}"##, "1", false),
        (##"{"properties":{"next":{"$ref":"#"}},"required":["v"]}"##, #"{"v":1,"next":{"v":2,"next":{}}}"#, false),
        ("true", "1", true), ("false", "1", false), (#"{"pattern":"^a+$"}"#, "\"aab\"", false),
        (#"{"format":"email"}"#, "\"no\"", true),
    ])
    func decides(schema: String, value: String, isValid: Bool) throws {
        let outcome = try SchemaTests.check(schema, value)
        #expect(outcome.verdict == (isValid ? .valid : .invalid), "\(outcome)")
        #expect((outcome.violation != nil) == !isValid && outcome.ignored.isEmpty)
    }

    @Test func namesWhereAndWhatIsNotLookedAt() throws {
        let outcome = try SchemaTests.check(#"{"properties":{"a/b":{"items":{"type":"string"}}},"x-y":1}"#, #"{"a/b":["x",1]}"#)
        #expect(outcome.violation?.keyword == "type" && outcome.violation?.path == "/a~1b/1" && outcome.verdict == .invalid)
        // What is not known decides nothing, on neither side.
        for (schema, ignored) in [
            (#"{"unevaluatedProperties":false}"#, "unevaluatedProperties"),
            (#"{"not":{"$ref":"https://example.com/x"}}"#, "$ref"), (#"{"pattern":"(?=x)y"}"#, "pattern"),
            (#"{"oneOf":[{"pattern":"\\p{L}"},{"type":"null"}]}"#, "pattern"), (##"{"$ref":"#"}"##, "$ref"),
            (##"{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}}}"##, "$ref"),
        ] {
            let outcome = try SchemaTests.check(schema, schema.hasPrefix("{\"unevaluated") ? "{}" : "\"s\"")
            #expect(
                outcome.verdict == .unknown && outcome.ignored == [ignored] && outcome.violation == nil, "\(schema): \(outcome)")
        }
        #expect(try SchemaTests.check(#"{"x-y":1,"not":{"x-z":2}}"#, "1").ignored == ["x-y", "x-z"])
    }

    @Test func endsOnSchemasMadeToBeSlow() throws {
        var schema = #"{"$defs":{"a0":{"type":"string"}"#
        for i in 1...60 { schema += ##","a\##(i)":{"anyOf":[{"$ref":"#/$defs/a\##(i - 1)"},{"$ref":"#/$defs/a\##(i - 1)"}]}"## }
        let outcome = try SchemaTests.check(schema + ##"},"$ref":"#/$defs/a60"}"##, "1")
        #expect(outcome.verdict == .unknown && outcome.ignored.contains("(limit)"))
        let deep = String(repeating: "[", count: 250) + String(repeating: "]", count: 250)
        #expect(try SchemaTests.check(##"{"items":{"$ref":"#"}}"##, deep).verdict == .unknown)
        let long = "\"" + String(repeating: "a", count: 20_000) + "b\""
        let started = ContinuousClock.now
        #expect(try SchemaTests.check(#"{"pattern":"^(a+)+$"}"#, long).verdict == .invalid)
        #expect(ContinuousClock.now - started < .seconds(10))
    }

    /// Keywords that are no visits of a schema are in the budget too: the answer is that it is not known.
    @Test func countsEveryKeywordThatCanBeSlow() throws {
        let names = (0..<20_000).map { "\"n\($0)\"" }
        let members = "{" + names.map { $0 + ":1" }.joined(separator: ",") + "}"
        let list = "[" + names.joined(separator: ",") + "]"
        let many = "[" + Array(repeating: "{}", count: 50_000).joined(separator: ",") + "]"
        let forms = "[" + Array(repeating: "{\"a\":[1]}", count: 2_000).joined(separator: ",") + ",{\"a\":[2]}]"
        let slow: [(String, String)] = [
            (#"{"required":\#(list)}"#, members), (#"{"dependentRequired":{"n0":\#(list)}}"#, members),
            (#"{"items":{"enum":\#(forms)}}"#, "[" + Array(repeating: "{\"a\":[2]}", count: 2_000).joined(separator: ",") + "]"),
            (#"{"items":{"properties":\#(members)}}"#, many),
            (#"{"items":{"required":[],"dependentRequired":\#(members)}}"#, many),
            (#"{"pattern":"^(a{0,1000}b?){0,2}$"}"#, "\"" + String(repeating: "a", count: 200_000) + "\""),
            (
                "{" + #""patternProperties":{"# + (0..<400).map { "\"^x{\($0 + 1)}$\":true" }.joined(separator: ",") + "}}",
                members
            ),
            (#"{"additionalProperties":false,"properties":{},"patternProperties":{"^(n|x)[0-9]{1,900}$":true}}"#, members),
        ]
        for (place, (schema, value)) in slow.enumerated() {
            let outcome = try SchemaTests.check(schema, value)
            #expect(outcome.verdict == .unknown && outcome.ignored.contains("(limit)"), "\(place): \(outcome.verdict)")
        }
        // Large, and still within it.
        #expect(try SchemaTests.check(#"{"required":["n7"],"minProperties":20000}"#, members).verdict == .valid)
    }

    // MARK: Patterns

    @Test(arguments: [
        ("^[a-z]+$", "abc", true), ("^[a-z]+$", "aBc", false), ("b", "abc", true), ("^$", "", true), ("a{2,3}b", "aaab", true),
        ("^a{2,3}$", "a", false), ("^(?:ab|cd)+$", "abcdab", true),
        ("^\\d{3}-\\d{4}$", "555-0100", true), ("\\bfoo\\b", "a foo b", true), ("\\bfoo\\b", "afoo", false),
        ("^[^\\s]+$", "a b", false), ("^[\\w.-]+@[\\w-]+\\.[a-z]{2,}$", "a.b@c-d.org", true),
        ("^\\u00e9$", "é", true), ("^.$", "字", true), ("^.$", "\n", false), ("^(?<y>\\d{4})$", "2024", true),
        ("^a*?$", "aaa", true), ("^[\\]\\-a]+$", "]-a", true), ("^(a|b|)$", "", true), ("x*", "", true),
        ("^#[0-9a-fA-F]{6}$", "#a1B2c3", true), ("^[^a-c]$", "b", false), ("^(\\+|-)?\\d+$", "+12", true), ("\\/", "a/b", true),
        ("^[\\D]$", "1", false),
    ])
    func matches(pattern: String, text: String, isMatch: Bool) throws {
        #expect(try #require(SchemaPattern(pattern), "\(pattern)").matches(text) == isMatch)
    }

    @Test(arguments: [
        "(", "a)", "[a", "a**", "(?=a)", "(?!a)", "(?<=a)b", "\\1", "(a)\\1", "\\p{L}", "a{3,2}", "a{1001}", "*a", "\\", "(?i)a",
        "^*", "[z-a]", "(((a{50}){50}){50})",
        "(((){1000}){1000}){1000}", "((|){1000}){1000}", "(?:(?:(?:(?:)*){999}){999}){999}",
    ])
    func refuses(pattern: String) { #expect(SchemaPattern(pattern) == nil) }

    // MARK: Numbers

    @Test func comparesNumbersExactly() throws {
        let spelled = [
            "-1e400", "-12", "-1.5", "-1", "-0.001", "0", "1e-400", "0.1", "0.10000000000000000001", "1", "9.99", "10", "1e2",
            "12345678901234567891", "12345678901234567892", "1e999999",
        ]
        for (i, a) in spelled.enumerated() {
            for (j, b) in spelled.enumerated() {
                #expect((try #require(SchemaNumber(a.utf8)) < #require(SchemaNumber(b.utf8))) == (i < j), "\(a) \(b)")
            }
        }
        var random = SplitMix64(seed: 3)
        for _ in 0..<5_000 {
            let (a, e, b, f) = (
                Int.random(in: 0...5_000, using: &random), Int.random(in: 0...4, using: &random),
                Int.random(in: 1...300, using: &random), Int.random(in: 0...4, using: &random)
            )
            let scale = [10_000, 1_000, 100, 10, 1]
            let wanted = (a * scale[e]) % (b * scale[f]) == 0
            let number = try #require(SchemaNumber("\(a)e-\(e)".utf8)), step = try #require(SchemaNumber("\(b)e-\(f)".utf8))
            #expect(number.isMultiple(of: step) == wanted, "\(a)e-\(e) \(b)e-\(f)")
        }
    }

    // MARK: Against Python

    /// An interpreter that has jsonschema: that of `WEIR_PYTHON`, of `make venv`, or the system's.
    private static let python: String? = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["WEIR_PYTHON"] ?? ""
        return [named, root.appendingPathComponent(".venv/bin/python").path, "/usr/bin/python3"].first {
            FileManager.default.isExecutableFile(atPath: $0) && run($0, ["-c", "import jsonschema"]) != nil
        }
    }()

    /// Random schemas and values, decided by Python's jsonschema as well.
    @Test(
        .enabled(
            if: SchemaTests.python != nil, "no Python with jsonschema (pip install jsonschema; WEIR_PYTHON names one that has it)"
        ),
        .timeLimit(.minutes(5)))
    func agreesWithJSONSchemaInPython() throws {
        let python = try #require(SchemaTests.python)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-schema-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var random = SplitMix64(seed: 20)
        let pairs = (0..<6_000).map { _ in (RandomSchema.schema(&random, 0), RandomSchema.value(&random, 0)) }
        let file = folder.appendingPathComponent("pairs.jsonl")
        try Data(pairs.map { "[\($0.0),\($0.1)]\n" }.joined().utf8).write(to: file)
        let script = """
            import json, sys
            from jsonschema import Draft202012Validator
            for line in open(sys.argv[1], encoding="utf-8"):
                schema, value = json.loads(line)
                Draft202012Validator.check_schema(schema)
                print("1" if Draft202012Validator(schema).is_valid(value) else "0")
            """
        let answers = try #require(SchemaTests.run(python, ["-c", script, file.path])).split(separator: "\n")
        try #require(answers.count == pairs.count)
        var (valid, invalid) = (0, 0)
        for (pair, answer) in zip(pairs, answers) {
            let outcome = try SchemaTests.check(pair.0, pair.1)
            #expect(outcome.verdict == (answer == "1" ? .valid : .invalid), "\(pair.0) \(pair.1): \(outcome)")
            if answer == "1" { valid += 1 } else { invalid += 1 }
        }
        // A test of one answer alone would be none.
        #expect(valid > 1_000 && invalid > 1_000, "\(valid) \(invalid)")
    }

    private static func run(_ program: String, _ arguments: [String]) -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
    }
}

/// Random schemas that say something of random values: few names, few texts, small numbers.
enum RandomSchema {
    private static let names = ["a", "b", "c1"]
    private static let texts = ["\"\"", "\"a\"", "\"ab\"", "\"abc1\"", "\"\u{5B57}\"", "\"a b\"", "\"\\ud83d\\ude00x\""]
    private static let numbers = ["0", "1", "1.0", "2", "-1", "0.5", "3", "1e1", "2.5"]
    private static let patterns = ["^a", "b$", "^[a-c]+$", "\\\\d", "^.{1,2}$", "a|b", "^(ab)*$", "\\\\s", "^$"]

    static func value(_ random: inout SplitMix64, _ depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 2 ? 4 : 8), using: &random) {
        case 0: return ["null", "true", "false"].randomElement(using: &random) ?? "null"
        case 1, 2: return numbers.randomElement(using: &random) ?? "0"
        case 3: return texts.randomElement(using: &random) ?? "\"\""
        case 4, 5:
            return "[" + (0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth + 1) }.joined(separator: ",")
                + "]"
        default:
            return "{"
                + names.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random)).map {
                    "\"\($0)\":" + value(&random, depth + 1)
                }.joined(separator: ",") + "}"
        }
    }

    static func schema(_ random: inout SplitMix64, _ depth: Int) -> String {
        if depth > 3 || Int.random(in: 0..<12, using: &random) == 0 {
            return Bool.random(using: &random) ? "true" : #"{"type":"\#(type(&random))"}"#
        }
        var members: [String: String] = [:]
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let (key, rule) = keyword(&random, depth)
            members[key] = rule
        }
        if depth == 0 { members["$defs"] = #"{"x":\#(schema(&random, 2)),"y":{"type":["string","integer","object"]}}"# }
        return "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    private static func type(_ random: inout SplitMix64) -> String {
        ["null", "boolean", "object", "array", "string", "number", "integer"].randomElement(using: &random) ?? "null"
    }

    private static func list(_ random: inout SplitMix64, _ count: ClosedRange<Int>, _ make: (inout SplitMix64) -> String)
        -> String
    {
        "[" + (0..<Int.random(in: count, using: &random)).map { _ in make(&random) }.joined(separator: ",") + "]"
    }

    private static func map(_ random: inout SplitMix64, _ keys: [String], _ make: (inout SplitMix64) -> String) -> String {
        "{"
            + keys.shuffled(using: &random).prefix(Int.random(in: 1...2, using: &random)).map { "\"\($0)\":" + make(&random) }
            .joined(separator: ",") + "}"
    }

    private static func keyword(_ random: inout SplitMix64, _ depth: Int) -> (String, String) {
        let number = numbers.randomElement(using: &random) ?? "0"
        let count = String(Int.random(in: 0...3, using: &random))
        func sub(_ random: inout SplitMix64) -> String { schema(&random, depth + 1) }
        func name(_ random: inout SplitMix64) -> String { "\"\(names.randomElement(using: &random) ?? "a")\"" }
        func unique(_ random: inout SplitMix64) -> String {
            "["
                + names.shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random)).map { "\"\($0)\"" }.joined(
                    separator: ",") + "]"
        }
        switch Int.random(in: 0..<36, using: &random) {
        case 0, 1, 2: return ("type", "\"\(type(&random))\"")
        case 3: return ("type", "[\"\(type(&random))\"]")
        case 4: return ("enum", list(&random, 1...4) { value(&$0, 2) })
        case 5: return ("const", value(&random, 2))
        case 6, 7: return ("properties", map(&random, names, sub))
        case 8: return ("required", unique(&random))
        case 9: return ("additionalProperties", Bool.random(using: &random) ? "false" : sub(&random))
        case 10: return ("patternProperties", map(&random, ["^a", "[bc]"], sub))
        case 11: return ("propertyNames", #"{"maxLength":1}"#)
        case 12: return (Bool.random(using: &random) ? "minProperties" : "maxProperties", count)
        case 13: return ("dependentRequired", map(&random, names, unique))
        case 14: return ("dependentSchemas", map(&random, names, sub))
        case 15, 16: return ("items", sub(&random))
        case 17: return ("prefixItems", list(&random, 1...2, sub))
        case 18: return (Bool.random(using: &random) ? "minItems" : "maxItems", count)
        case 19: return ("uniqueItems", "true")
        case 20: return ("contains", sub(&random))
        case 21: return (Bool.random(using: &random) ? "minContains" : "maxContains", count)
        case 22: return ("minimum", number)
        case 23: return ("maximum", number)
        case 24: return (Bool.random(using: &random) ? "exclusiveMinimum" : "exclusiveMaximum", number)
        case 25: return ("multipleOf", ["1", "2", "0.5", "3"].randomElement(using: &random) ?? "1")
        case 26: return (Bool.random(using: &random) ? "minLength" : "maxLength", count)
        case 27, 28: return ("pattern", "\"\(patterns.randomElement(using: &random) ?? "a")\"")
        case 29: return ("allOf", list(&random, 1...2, sub))
        case 30: return ("anyOf", list(&random, 1...3, sub))
        case 31: return ("oneOf", list(&random, 1...3, sub))
        case 32: return ("not", sub(&random))
        case 33: return ("if", sub(&random))
        case 34: return (Bool.random(using: &random) ? "then" : "else", sub(&random))
        default:
            // The definition itself, which lies deeper, must not name itself.
            return ("$ref", depth > 1 || Bool.random(using: &random) ? "\"#/$defs/y\"" : "\"#/$defs/x\"")
        }
    }
}
