// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ByteCoding

@Suite struct JSONFieldsTests {
    @Test(arguments: [0, 1, 2, 7, 52, 300, 1_024, 1_025, 3_000])
    func fieldsAreTheMembersOfTheObject(count: Int) throws {
        var random = SystemRandomNumberGenerator()
        let pieces = ["request_", "response_", "body", "a", "", "é", "_bytes", "\u{1F600}", "x\"y", "\\", "\n"]
        var json = JSONWriter()
        var keys: [String] = []
        json.beginObject()
        for value in 0..<count {
            let key = (0..<Int.random(in: 0...4, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            keys.append(key)
            json.key(key)
            json.value(Int64(value))
        }
        json.endObject()
        let root = try JSONDocument(json.bytes).root
        let fields = JSONFields(root)
        // Of a key that is repeated the last value counts.
        var wanted: [String: Int64] = [:]
        for (value, key) in keys.enumerated() { wanted[key] = Int64(value) }
        for (key, value) in wanted { #expect(fields[key]?.int == value) }
        for other in ["none", "request_none", "body_bytes_"] where wanted[other] == nil { #expect(fields[other] == nil) }
    }

    @Test func keysWithEscapesAreFoundByWhatTheyStandFor() throws {
        let fields = JSONFields(try JSONDocument(Array(#"{"\u0061":1,"a\"":2,"\ud83d\ude00":3,"a":4}"#.utf8)).root)
        #expect(fields["a"]?.int == 4 && fields["a\""]?.int == 2 && fields["\u{1F600}"]?.int == 3)
    }

    @Test(arguments: ["[1]", "7", "null", #""a""#, "{}"]) func whatHasNoMembersHasNoFields(text: String) throws {
        let fields = JSONFields(try JSONDocument(Array(text.utf8)).root)
        #expect(fields["a"] == nil && fields[""] == nil)
    }

    @Test func keysThatMeetInTheTableAreToldApart() throws {
        // Of one length, with the same eight bytes at either end.
        let keys = (10..<99).map { "response_\($0)_encoding" }
        let text = "{" + keys.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",") + "}"
        let fields = JSONFields(try JSONDocument(Array(text.utf8)).root)
        for (value, key) in keys.enumerated() { #expect(fields[key]?.int == Int64(value)) }
        #expect(fields["response_99_encoding"] == nil)
    }
}
