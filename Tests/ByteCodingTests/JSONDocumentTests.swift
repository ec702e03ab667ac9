// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import ByteCoding

@Suite struct JSONDocumentTests {
    static let accepted = [
        "0", "-0", "1.5e+10", "\"\"", "null", "true", " [1, 2 ,{\"a\":[]}] ", "{}", "[]", "[[[]]]", "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "{\"a\":1,\"a\":2}", "\"\u{7F}\"", "\"héllo 😀\"", "-12", "[1e5]",
    ]
    static let refused = [
        "", " ", "01", "1.", ".5", "+1", "1e", "nul", "tru", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "\"",
        "\"\\x\"", "\"\\u12g4\"",
        "[1 2]", "1 2", "[", "{", "]", "\"\n\"", "'a'", "[1}", "{\"a\":1]", "NaN", "Infinity", "--1",
    ]

    @Test(arguments: accepted) func acceptsWhatFoundationAccepts(_ text: String) throws {
        #expect(
            (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil
                || text.contains("\\ud83d\""))
        _ = try JSONDocument(Array(text.utf8))
    }

    @Test(arguments: refused) func refusesWithAnErrorAndNoTrap(_ text: String) {
        #expect(throws: JSONError.self) { try JSONDocument(Array(text.utf8)) }
    }

    @Test func refusesIllFormedUTF8() {
        for bad: [UInt8] in [
            [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80], [0xF0, 0x8F, 0xBF, 0xBF],
        ] {
            #expect(throws: JSONError.self) { try JSONDocument([0x22] + bad + [0x22]) }
            #expect(String(validating: bad, as: UTF8.self) == nil)
        }
    }

    @Test func depthIsLimited() throws {
        let limit = JSONLimits.depth
        _ = try JSONDocument(Array((String(repeating: "[", count: limit) + String(repeating: "]", count: limit)).utf8))
        #expect(throws: JSONError.self) {
            try JSONDocument(Array(String(repeating: "[", count: 100_000).utf8))
        }
    }

    @Test func keepsLexemesAndOrder() throws {
        let root = try JSONDocument(Array(#"{"b":1.50,"a":[1,"x\n",true],"b":{"c":12345678901234567890}}"#.utf8)).root
        #expect(root.members.map { $0.key.string } == ["b", "a", "b"])
        #expect(root["b"]?["c"]?.int == nil)
        #expect(root["b"].map { String(decoding: $0.lexeme, as: UTF8.self) } == #"{"c":12345678901234567890}"#)
        #expect(root["a"]?[1]?.string == "x\n")
        #expect(root["a"]?[2]?.bool == true)
        #expect(root["a"]?[3] == nil)
        #expect(root["zz"] == nil)
    }

    @Test func readsStringsAsFoundationDoes() throws {
        for text in [#""a\u00e9\t\/\\\"z""#, #""\ud83d\ude00 x""#, #""日本 \u65e5""#] {
            let expected = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed) as? String
            #expect(try JSONDocument(Array(text.utf8)).root.string == expected)
        }
        #expect(try JSONDocument(Array(#""\ud83dx""#.utf8)).root.string == "\u{FFFD}x")
    }

    /// At every length and place of an escape: written as the RFC says, byte for byte, and read again.
    @Test func stringsOfAllLengthsComeBack() throws {
        var random = SystemRandomNumberGenerator()
        let odd = ["\"", "\\", "\n", "\r", "\t", "\u{0}", "\u{1F}", "\u{7F}", "/", "é", "字", "\u{1F600}"]
        for length in 0..<300 {
            let share = Int.random(in: 0...9, using: &random)
            let text = (0..<length).map { _ in
                Int.random(in: 0...9, using: &random) < share ? odd.randomElement(using: &random) ?? "" : "x"
            }.joined()
            var writer = JSONWriter()
            writer.value(text)
            let plain = text.unicodeScalars.map { scalar in
                switch scalar {
                case "\"", "\\": "\\\(scalar)"
                case "\n": "\\n"
                case "\r": "\\r"
                case "\t": "\\t"
                case _ where scalar.value < 0x20: "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                default: "\(scalar)"
                }
            }.joined()
            #expect(writer.bytes == Array("\"\(plain)\"".utf8))
            #expect(try JSONDocument(writer.bytes).root.unescapedBytes == Array(text.utf8))
            // Every scalar as its number.
            let numbers = text.utf16.map { "\\u" + String(0x10000 + Int($0), radix: 16).suffix(4) }.joined()
            #expect(try JSONDocument(Array("[\"\(numbers)\"]".utf8)).root[0]?.string.map { Array($0.utf8) } == Array(text.utf8))
        }
    }

    @Test func writerOutputIsReadByFoundation() throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("text")
        writer.value("q\"\\\n\u{1}é😀")
        writer.key("n")
        writer.value(Int64.min)
        writer.key("list")
        writer.beginArray()
        writer.value(true)
        writer.null()
        writer.value(1.5)
        writer.endArray()
        writer.endObject()
        let object = try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String: Any]
        #expect(object?["text"] as? String == "q\"\\\n\u{1}é😀")
        #expect((object?["list"] as? [Any])?.count == 3)
        #expect(try JSONDocument(writer.bytes).root["n"]?.int == Int64.min)
    }

    @Test func mutatedTextsNeverTrap() {
        var random = SystemRandomNumberGenerator()
        let seed = Array(#"{"a":[1,2.5,"x\u00e9"],"b":{"c":null,"d":[true,false]},"e":"日本"}"#.utf8)
        for _ in 0..<20_000 {
            var text = seed
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                text[Int.random(in: 0..<text.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            text = Array(text.prefix(Int.random(in: 0...text.count, using: &random)))
            guard let root = JSONDocument.read(text)?.root else { continue }
            for (key, value) in root.members {
                _ = (key.string, value.int, value.double, value.lexeme.count, value.elements.map(\.kind))
            }
        }
    }

    @Test(arguments: [
        ("", JSONError.Code.unexpectedEnd, 0), (" ", .unexpectedEnd, 1), ("[", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2),
        ("[1,", .unexpectedEnd, 3), ("[1,]", .unexpectedByte, 3), ("[,1]", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3),
        ("[1}", .unexpectedByte, 2), ("{", .unexpectedEnd, 1), ("{]", .unexpectedByte, 1), ("{,}", .unexpectedByte, 1),
        (#"{"a""#, .unexpectedEnd, 4), (#"{"a" 1}"#, .unexpectedByte, 5), (#"{"a":"#, .unexpectedEnd, 5),
        (#"{"a":}"#, .unexpectedByte, 5), (#"{"a":1,}"#, .unexpectedByte, 7), (#"{"a":1,"#, .unexpectedEnd, 7),
        (#"{"a":1]"#, .unexpectedByte, 6), (#"{"a":[1}"#, .unexpectedByte, 7), ("{1:2}", .unexpectedByte, 1),
        ("[] x", .trailingBytes, 3), ("[]]", .trailingBytes, 2), ("1 1", .trailingBytes, 2), ("tru", .unexpectedEnd, 3),
        ("trux", .unexpectedByte, 3), ("nul ", .unexpectedByte, 3), (#""a"#, .unexpectedEnd, 2), (#""\u12"#, .unexpectedEnd, 5),
        (#""\u12g4""#, .badEscape, 5), (#""\x""#, .badEscape, 2), ("\"a\u{1}\"", .controlByteInString, 2),
        ("01", .trailingBytes, 1), ("-", .unexpectedEnd, 1), ("-x", .badNumber, 1), ("1.x", .badNumber, 2),
        ("1e+", .unexpectedEnd, 3),
        (String(repeating: "[", count: 300), .tooDeep, 256),
    ]) func namesTheBrokenRuleAndItsPlace(text: String, code: JSONError.Code, offset: Int) {
        #expect(throws: JSONError(code: code, offset: offset)) { try JSONDocument(Array(text.utf8)) }
    }

    @Test func whatFollowsAClosedContainerBelongsToTheOneAroundIt() throws {
        let root = try JSONDocument(Array(#" {"a":[[],{},[{"b":[1]}]],"c":{"d":{}},"e":2} "#.utf8)).root
        #expect(root.members.map { $0.key.string } == ["a", "c", "e"])
        #expect(root["a"]?.elements.map(\.kind) == [.array, .object, .array])
        #expect(root["a"]?[2]?[0]?["b"]?[0]?.int == 1 && root["e"]?.int == 2)
        #expect(root["c"]?["d"]?.kind == .object && root["c"]?["e"] == nil)
        #expect(root["a"]?[3] == nil && root["a"]?[-1] == nil && root["a"]?[0]?[0] == nil && root[0] == nil)
    }

    @Test func searchesByWordsFindWhatSearchesByBytesDo() {
        var random = SystemRandomNumberGenerator()
        let special: [UInt8] = [0x00, 0x09, 0x0A, 0x0B, 0x0D, 0x0E, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F]
        let bytes = special + special.map { $0 | 0x80 } + [UInt8](repeating: 0x61, count: 60)
        for count in 0..<64 {
            let text = (0..<count).map { _ in bytes.randomElement(using: &random) ?? 0 }
            text.withUnsafeBytes { raw in
                let run = ByteRun(raw)
                for start in 0...count {
                    let hit = text[start...].firstIndex { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C } ?? count
                    #expect(JSONCursor.firstHit(run, from: start) == hit)
                    #expect(run.lineEnd(from: start) == text[start...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? count)
                }
            }
        }
    }
}
