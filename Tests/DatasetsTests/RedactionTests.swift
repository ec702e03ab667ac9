// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform
import Redaction
import TestSupport
import Testing

@testable import Datasets

/// Redaction of conversations: what is found leaves, JSON stays JSON, the same value has the same name everywhere.
@Suite struct RedactionTests {
    private static let key = RedactionKey(salt: "test")

    private static func redacted(_ text: String, key: RedactionKey = key) -> (text: String, report: RedactionReport) {
        var redactor = DatasetRedactor(key: key)
        let out = redactor.redacted(text) ?? text
        return (out, redactor.report)
    }

    /// The text with each pseudonym shown as its kind in brackets.
    private static func marked(_ text: String) -> String {
        redacted(text).text.replacing(/<([a-z]+):[0-9a-f]{12}>/) { "[\($0.1)]" }
    }

    @Test(arguments: [
        ("write to bob@example.com now", "write to [email] now"),
        (#"{"to":"bob@example.com", "n" : 1.50e0}"#, #"{"to":"[email]", "n" : 1.50e0}"#),
        (#"{"a":"caf\u00e9","to":"bob\u0040example.com","b":"\/x"}"#, #"{"a":"caf\u00e9","to":"[email]","b":"\/x"}"#),
        (#"{"q":"{\"to\":\"bob@example.com\",\"k\":1.0}"}"#, #"{"q":"{\"to\":\"[email]\",\"k\":1.0}"}"#),
        (#"{"card":4111111111111111,"id":4111111111111112}"#, #"{"card":"[card]","id":4111111111111112}"#),
        (#"{"phones":["4155550123",4155550123]}"#, #"{"phones":["[phone]","[phone]"]}"#),
        (#"{"ids":["4155550123",4155550123]}"#, #"{"ids":["4155550123",4155550123]}"#),
        (#"{"bob@example.com":{"ssn":"536-12-3456"}}"#, #"{"[email]":{"ssn":"[ssn]"}}"#),
        (#"{"api_key":"0123456789abcdef0123456789abcdef"}"#, #"{"api_key":"[secret]"}"#),
        (#"{"password":"hunter2"}"#, #"{"password":"[secret]"}"#),
        (#"["line one\nbob@example.com\tx"]"#, #"["line one\n[email]\tx"]"#),
        ("not json {\"card\": 4111111111111111}", "not json {\"card\": [card]}"),
        ("{\"card\": 4111111111111111} and words", "{\"card\": \"[card]\"} and words"),
        (#"{"cut": "bob@example.com", "x"#, #"{"cut": "[email]", "x"#),
    ])
    func replacesWhatIsFoundAndNothingElse(text: String, wanted: String) { #expect(RedactionTests.marked(text) == wanted) }

    @Test func looksIntoJSONWithinStringsDownToALimit() throws {
        var text = #"{"to":"bob@example.com","n":1.0}"#
        for level in 1...12 {
            text = #"{"args":\#(TestRecords.quoted(text))}"#
            let (out, report) = RedactionTests.redacted(text)
            #expect(!out.contains("bob"), "level \(level)")
            #expect(report.beyondDepth == (level > RedactionJSON.nestingMax ? 1 : 0))
            var inner = out
            for _ in 1...level { inner = try #require(JSONDocument.read(inner.utf8)?.root.text("args")) }
            #expect(JSONDocument.read(inner.utf8)?.root["n"].map { String(decoding: $0.lexeme, as: UTF8.self) } == "1.0")
        }
    }

    @Test func goesThroughEveryPartOfAConversation() {
        let mail = "bob@example.com"
        var request = CanonicalRequest()
        request.turns = [
            CanonicalTurn(role: .system, blocks: [.text("You serve \(mail).")]),
            CanonicalTurn(
                role: .user,
                blocks: [
                    .text("I am \(mail)"), .image("https://h/x.png?token=abcdefghij&w=1"), .image("data:image/png;base64,QUtJ"),
                ]),
            CanonicalTurn(
                role: .assistant,
                blocks: [
                    .reasoning("it is \(mail)"), .toolCall(ToolCall(id: "c1", name: "find", arguments: #"{"who":"\#(mail)"}"#)),
                ]),
            CanonicalTurn(
                role: .tool, blocks: [.toolResult(callID: "c1", content: [.text(#"[{"mail":"\#(mail)"}]"#)], isError: false)]),
        ]
        request.prefill = CanonicalTurn(role: .assistant, blocks: [.text("Dear \(mail)")])
        request.tools = [
            ToolDefinition(
                name: "find", description: "Ask \(mail) first.",
                parameters: Array(
                    #"{"type":"object","properties":{"who":{"type":"string","description":"such as \#(mail)","pattern":"^a@b.com$"},"type":{"description":"\#(mail)"}}}"#
                        .utf8))
        ]
        var answer = CanonicalAnswer(turn: CanonicalTurn(role: .assistant, blocks: [.text("Written to \(mail)!")]))
        var redactor = DatasetRedactor(key: RedactionTests.key)
        redactor.redact(&request)
        redactor.redact(&answer)
        let all = "\(request) \(answer)" + String(decoding: request.tools[0].parameters, as: UTF8.self)
        #expect(!all.contains("bob") && !all.contains("abcdefghij"))
        #expect(Set(all.matches(of: /<email:[0-9a-f]{12}>/).map { String($0.0) }).count == 1)
        #expect(redactor.report.counts[.email] == 10)
        #expect(redactor.report.counts[.secret] == 1)
        #expect(request.turns[1].images == ["https://h/x.png?token=[redacted]&w=1", "data:image/png;base64,QUtJ"])
        #expect(request.turns[2].toolCalls.first?.id == "c1")
        #expect(String(decoding: request.tools[0].parameters, as: UTF8.self).contains("^a@b.com$"))
    }

    @Test func namesAValueByItsKey() {
        let text = #"{"to":"bob@example.com"} "#
        #expect(RedactionTests.redacted(text).text == RedactionTests.redacted(text).text)
        #expect(RedactionTests.redacted(text).text != RedactionTests.redacted(text, key: RedactionKey(salt: "other")).text)
        #expect(RedactionTests.redacted("bob@example.com").text == RedactionTests.redacted("Bob@Example.com").text)
    }

    @Test func reportsNumbersAndNoValues() {
        var json = JSONWriter()
        RedactionTests.redacted("bob@example.com, 10.1.2.3 and 10.1.2.4").report.write(to: &json, keyID: RedactionTests.key.id)
        #expect(
            String(decoding: json.bytes, as: UTF8.self)
                == #"{"beyond_depth":0,"changed_texts":1,"key":"salt","numbers_as_text":0,"values":{"card":0,"email":1,"iban":0,"ip":2,"phone":0,"secret":0,"ssn":0}}"#
        )
    }

    @Test func findsNothingWhereNothingIsLookedFor() {
        var redactor = DatasetRedactor(kinds: [], key: RedactionTests.key)
        #expect(redactor.redacted("bob@example.com") == nil)
        #expect(redactor.redacted(#"{"to":"bob@example.com"}"#) == nil)
    }

    // MARK: JSON of any kind

    /// Random documents keep their shape and every lexeme but those of strings and numbers that hold a value; none of them is left.
    @Test(arguments: [1, 2, 3] as [UInt64]) func keepsEveryOtherLexeme(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let values = [
            "bob@example.com", "4111 1111 1111 1111", "536-12-3456", "+49 30 1234567", "10.1.2.3", "DE89370400440532013000",
        ]
        for _ in 0..<1_500 {
            var planted: Set<String> = []
            func string(_ random: inout SplitMix64) -> String {
                var text = ["a", "é \"q\"", "x\\y", "line\n", "字", "", "{no json"].randomElement(using: &random) ?? ""
                if Int.random(in: 0..<4, using: &random) == 0, let value = values.randomElement(using: &random) {
                    planted.insert(value)
                    text += " \(value) "
                }
                return text
            }
            func node(_ random: inout SplitMix64, _ depth: Int) -> String {
                switch Int.random(in: 0..<(depth > 3 ? 4 : 7), using: &random) {
                case 0:
                    return ["1", "-0.50", "1E+2", "12345678901234567890", "true", "null"].randomElement(using: &random) ?? "0"
                case 1, 2, 3: return TestRecords.quoted(string(&random))
                case 4: return "[" + (0..<3).map { _ in node(&random, depth + 1) }.joined(separator: " , ") + "]"
                case 5: return TestRecords.quoted(#"{"k":\#(node(&random, depth + 1))}"#)
                default:
                    return "{" + (0..<3).map { "\"k\($0)\" :" + node(&random, depth + 1) }.joined(separator: ",\n") + "}"
                }
            }
            let text = "[\(node(&random, 0)),\(node(&random, 0))]"
            let (out, report) = RedactionTests.redacted(text)
            let (before, after) = (try JSONDocument(Array(text.utf8)), try JSONDocument(Array(out.utf8)))
            for value in planted { #expect(!out.contains(value), "seed \(seed): \(text)") }
            #expect((report.counts.total > 0) == !planted.isEmpty, "seed \(seed): \(text)")
            RedactionTests.compare(before.root, after.root)
            #expect(RedactionTests.redacted(out).text == out, "seed \(seed): twice")
        }
    }

    private static func compare(_ a: JSONNode, _ b: JSONNode) {
        #expect(a.kind == b.kind)
        switch a.kind {
        case .array: for (x, y) in zip(a.elements, b.elements) { compare(x, y) }
        case .object:
            for (x, y) in zip(a.members, b.members) {
                #expect(x.key.lexeme.elementsEqual(y.key.lexeme))
                compare(x.value, y.value)
            }
        case .string:
            let isChanged = b.lexeme.contains(UInt8(ascii: "<"))
            #expect(isChanged || a.lexeme.elementsEqual(b.lexeme))
        default: #expect(a.lexeme.elementsEqual(b.lexeme))
        }
    }

    // MARK: Keys

    @Test func readsAKeyFileAndChoosesByID() throws {
        let files = MemoryFileSystem()
        let (one, two) = (String(repeating: "0a", count: 32), String(repeating: "f1", count: 32))
        let file = try files.open("/keys", .createNew)
        try file.append(Array("# pseudonyms\n\(one)\r\n\n\(two)\n".utf8))
        file.close()
        let first = try RedactionKey.choose(id: nil, file: "/keys", salt: "s", files: files)
        let second = try #require(RedactionKey(Array(repeating: 0xF1, count: 32)))
        #expect(first.id != second.id && first.id.utf8.count == 8 && !first.isFromSalt)
        #expect(try RedactionKey.choose(id: second.id, file: "/keys", salt: "s", files: files).bytes == second.bytes)
        #expect(try RedactionKey.choose(id: nil, file: nil, salt: "s", files: files).isFromSalt)
        #expect("\(first)".contains(first.id) && !"\(first)".contains("0a0a"))
        for (id, path) in [("0badc0de", "/keys"), (second.id, nil), (nil, "/none")] as [(String?, String?)] {
            #expect(throws: DatasetError.self) { try RedactionKey.choose(id: id, file: path, salt: "s", files: files) }
        }
        let broken = try files.open("/broken", .createNew)
        try broken.append(Array("\(one)\nsecret words\n".utf8))
        broken.close()
        do {
            _ = try RedactionKey.choose(id: nil, file: "/broken", salt: "s", files: files)
            Issue.record("no error")
        } catch {
            #expect(error.code == .redactionKeyUnusable && error.message.contains("Line 2") && !error.message.contains("words"))
        }
    }
}
