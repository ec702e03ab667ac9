// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import ByteCoding

/// RFC 8259, rule by rule: what each lets pass and what it does not.
@Suite struct JSONGrammarTests {
    private static func read(_ bytes: [UInt8]) -> JSONError? {
        do throws(JSONError) {
            _ = try JSONDocument(bytes)
            return nil
        } catch { return error }
    }

    /// Section 2: the six structural characters, white space, any value as a text.
    @Test(arguments: [
        "0", "\"\"", "null", "true", "false", "[]", "{}", " 1 ", "\t[\n]\r", "\r\n{ \t}\n", "[ ]", "[\t1\n,\r2 ]",
        "{\t\"a\"\n:\r1 }",
        "[1] ", "[[[[]]],[]]", "{\"a\":{\"b\":{\"c\":[{}]}}}", "[{},[],{},[]]", "[null,1,\"1\",{},true]", "[1,null,null,null,2]",
        "[\"\",\"\"]", " \"a\" ", "{\"a\":[],\"b\":{}}",
    ]) func structuresThatAreAllowed(_ text: String) { #expect(Self.read(Array(text.utf8)) == nil) }

    @Test(arguments: [
        "", " ", "\n\t\r ", "[", "]", "{", "}", "[1", "[1,", "[,", "[,1]", "[1,,2]", "[1,]", "[1 ,]", "[,]", "[\"a\",\n4\n,1",
        "[1]]",
        "[1]x", "[1],", "{]", "[}", "[1}", "{\"a\":1]", "[1:2]", "[\"a\":1]", "[\"a\"", "[1 2]", "[\"a\" \"b\"]", "[1 true]",
        "[[]", "[{]",
        "[{}", "{{}}", "{[]:1}", "1 2", "[][]", "{}{}", "{}[]", "{} 1", "[]1", "null null", ",", ":", ",1", ":1", "1,", "1:2",
        "[1;2]",
        "(1)", "<1>", "[<null>]", "*", "#", "#1\n2", "/", "//\n1", "/* */1", "1/**/", "[1]//a", "[1/**/,2]", "@", "$", "`1`", "☃",
        "å", "[å]",
        "\u{2060}[]", "[\u{0C}]", "[\u{0B}1]", "\u{A0}1", "[\u{2028}]", "[\u{3000}1]", "\u{0}", "1\u{0}", "[1]\u{0}", "[\u{0}]",
        "[\u{1F}]",
        "[\u{7F}]", "\\", "\\n", "[\\n]", "[\\u0031]", "…", "[1…]",
    ]) func structuresThatAreNot(_ text: String) { #expect(Self.read(Array(text.utf8)) != nil, "\(text.debugDescription)") }

    /// Section 3: three literal names, in small letters.
    @Test(arguments: [
        "n", "nul", "nulL", "Null", "NULL", "nil", "nullx", "null0", "t", "tru", "True", "TRUE", "truth", "true1", "truefalse",
        "f", "fals",
        "False", "FALSE", "falsey", "yes", "no", "undefined", "None", "[nul]", "[tru]", "[fals]", "[true false]", "{\"a\":nul}",
        "{\"a\":truefalse}", "n ull", "tr\nue",
    ]) func namesThatAreNone(_ text: String) { #expect(Self.read(Array(text.utf8)) != nil) }

    /// Section 4: members are a string, a colon, a value; names may be there twice.
    @Test(arguments: [
        "{\"\":0}", "{\"a\":1}", "{\"a\":1,\"b\":2}", "{\"a\":1,\"a\":1}", "{\"a\":1,\"a\":2}", "{\"\\u0061\":1}", "{\"\\\"\":1}",
        "{\"\\u0000\":1}",
        "{\"é😀\":1}", "{\"a b\":1}", "{\"a\" : 1 , \"b\" : 2}", "{\"a\":\n1}", "{\"null\":null}", "{\"\\/\\\\\":1}",
    ]) func membersThatAreAllowed(_ text: String) { #expect(Self.read(Array(text.utf8)) == nil) }

    @Test(arguments: [
        "{,}", "{\"a\"}", "{\"a\":}", "{\"a\",1}", "{\"a\" 1}", "{\"a\"::1}", "{\"a\":1:2}", "{\"a\"", "{\"a\":", "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":\"b\"", "{\"a\":1,}", "{\"a\":1,,\"b\":2}", "{,\"a\":1}", "{\"a\":1 \"b\":2}", "{\"a\":1;\"b\":2}", "{:1}",
        "{1:1}", "{-1:1}",
        "{null:1}", "{true:1}", "{a:1}", "{'a':1}", "{\"a\":'b'}", "{\"a\":1}}", "{\"a\":1}#", "{\"a\":1}/**/", "{\"a\":1}//",
        "{\"a\":1} 1",
        "{\"a\":1},", "{\"a\"=1}", "{\"a\"\"b\"}", "{[1]:2}", "{\"a\":b}", "{\"a\":,}", "{\"a\":1,b}", "{\"a\":1,\"b\"}",
        "{\"a\":/*b*/1}",
    ]) func membersThatAreNot(_ text: String) { #expect(Self.read(Array(text.utf8)) != nil) }

    /// Section 6: a minus, digits without a zero in front, a fraction, an exponent.
    @Test(arguments: [
        "0", "-0", "1", "-1", "9", "10", "123", "-123", "0.0", "-0.0", "0.1", "-0.1", "1.0", "1.50", "123.456", "0e1", "0e+1",
        "0E-1", "0.0e0",
        "1e2", "1E2", "1e+2", "1E+2", "1e-2", "1E-2", "1e02", "1e00", "-1e2", "123e65", "123.456e78", "-123.456E-78",
        "1.000000000000000005",
        "12345678901234567890", "-237462374673276894279832749832423479823246327846", "1e400", "-1e400", "1e-400", "0.4e66",
        "-0.000000000000000000000000000000000000000000000000000000000000000000000000000001", "[1,-1,1.5,1e5]",
        "9223372036854775808",
    ]) func numbersThatAreAllowed(_ text: String) throws {
        let document = try JSONDocument(Array(text.utf8))
        let root = document.root
        #expect(root.kind == .array || String(decoding: root.lexeme, as: UTF8.self) == text)
        #expect(root.kind == .array || root.int == Int64(text), "an integer is one, or does not fit")
    }

    @Test(arguments: [
        "+1", "++1", "-", "--1", "-+1", "+-1", "-a", "- 1", "00", "01", "-01", "-00", "007", "0x1", "0x", "0X1", "0b1", "0o7",
        "1.", "-1.", "1.e1", ".1",
        "-.1", ".", "-.", "1..2", "1.2.3", "1.2.", "0.e1", "1e", "1e+", "1e-", "1E", "1E+", "1eE2", "1ee2", "1e++2", "1e1.5",
        "1e.5", "1e 2", "1 e2",
        "1 .5", "1. 5", "1+2", "1-2", "1a", "1a2", "0.3e", "0.3e+", "0e", "0e+", "0E", "0E+", "2.e3", "2.e-3", "2.e+3", "9.e+",
        "1_000", "1,000", "1'000",
        "１", "٣", "1٣", "1e1e1", "[-]", "[+1]", "[1e]", "[-Infinity]", "[0x42]", "[1.]", "[.5]", "[012]", "[-012]", "[1.8H-8]",
        "[- 1]", "NaN", "-NaN",
        "nan", "Infinity", "-Infinity", "inf", "-inf", "+Inf", "1n", "1f", "1L", "½", "1%", "$1", "1e٣", "--", "-e1", "e1", "E",
        "0.", "0.0.0",
    ]) func numbersThatAreNot(_ text: String) { #expect(Self.read(Array(text.utf8)) != nil) }

    /// Section 7: any character but quote, backslash and controls; eight short escapes, and four hexadecimal digits.
    @Test(arguments: [
        (#""""#, ""), (#""a""#, "a"), (#""\"""#, "\""), (#""\\""#, "\\"), (#""\/""#, "/"), (#""/""#, "/"),
        (#""\b\f\n\r\t""#, "\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u00E9""#, "Aéé"), (#""\u0000""#, "\u{0}"), (#""\uFFFF\uffff""#, "\u{FFFF}\u{FFFF}"),
        (#""\ud83d\ude00""#, "😀"),
        (#""\uD83D\uDE00""#, "😀"), (#""\udbff\udfff""#, "\u{10FFFF}"), (#""\ud800""#, "\u{FFFD}"), (#""\udc00""#, "\u{FFFD}"),
        (#""\ud800a""#, "\u{FFFD}a"), (#""\ud800\n""#, "\u{FFFD}\n"), (#""\udc00\ud800""#, "\u{FFFD}\u{FFFD}"),
        (#""\ud800\ud800\udc00""#, "\u{FFFD}\u{10000}"), (#""\\u0041""#, #"\u0041"#), (#""\\\"""#, #"\""#),
        ("\"\u{7F}\"", "\u{7F}"),
        ("\"\u{80}\"", "\u{80}"), ("\"\u{2028}\u{2029}\"", "\u{2028}\u{2029}"), ("\"\u{FEFF}\"", "\u{FEFF}"),
        ("\"\u{FFFE}\u{10FFFF}\"", "\u{FFFE}\u{10FFFF}"),
        ("\"é€😀\"", "é€😀"), (#""a/*b*/c//d#e""#, "a/*b*/c//d#e"), (#""[{,:}]""#, "[{,:}]"), (#"" a ""#, " a "), (#""'""#, "'"),
        (#""null""#, "null"),
        (#""\u0022\u005c""#, "\"\\"), (#""\u001f""#, "\u{1F}"),
    ]) func stringsThatAreAllowed(_ text: String, _ meaning: String) throws {
        let found = try #require(JSONDocument(Array(text.utf8)).root.string)
        #expect(Array(found.utf8) == Array(meaning.utf8))
    }

    @Test(arguments: [
        "\"", "\"a", "\"\\\"", "\"\\", "\"\\\\\\\"", "a\"", "a", "'a'", "\"a'", "\"a\"b", "\"a\" b", "\"a\"\"b\"", "\"\\a\"",
        "\"\\v\"", "\"\\0\"", "\"\\x41\"",
        "\"\\'\"", "\"\\e\"", "\"\\-\"", "\"\\ \"", "\"\\U0041\"", "\"\\u\"", "\"\\u0\"", "\"\\u00\"", "\"\\u000\"",
        "\"\\u00G0\"", "\"\\u 041\"", "\"\\u+041\"",
        "\"\\u-041\"", "\"\\u{41}\"", "\"\\uD800\\u\"", "\"\\uD800\\u1\"", "\"\\uD800\\u1x\"", "\"\\uD800\\\"", "\"\\uD800\\",
        "\"\\u004", "\"\\😀\"", "\"\\é\"",
        "\"\\\n\"", "\"\\\u{0}\"", "[\"]", "[\"a]", "{\"a:1}", "“a”", "\"\\u٣٣٣٣\"", "\"\\u００４１\"", "\"\\N\"", "\"\\1\"",
        "\"\\&\"",
    ]) func stringsThatAreNot(_ text: String) { #expect(Self.read(Array(text.utf8)) != nil) }

    @Test func controlsHaveToBeEscapedWhereverTheyStand() {
        for control in UInt8(0)..<0x20 {
            for length in 0..<20 {
                let before = [UInt8](repeating: 0x61, count: length)
                let broken = Self.read([0x22] + before + [control] + before + [0x22])
                #expect(broken == JSONError(code: .controlByteInString, offset: 1 + length))
                #expect(Self.read([0x7B, 0x22] + before + [control, 0x22, 0x3A, 0x31, 0x7D]) != nil)
            }
        }
    }

    /// Section 8.1: UTF-8, and nothing else; a mark in front is not taken, which is left to who reads.
    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xC3, 0xC3], [0xE0, 0x80, 0xAF],
            [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
            [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28], [0xED, 0xA0, 0x80], [0xED, 0xAF, 0xBF, 0xED, 0xB0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF0, 0x80, 0x80, 0xAF],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98], [0xF0, 0x28, 0x8C, 0xBC], [0xF0, 0x90, 0x28, 0xBC],
            [0xF0, 0x28, 0x8C, 0x28], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], [0xFE], [0xFF],
            [0xE5], [0xB9],
        ] as [[UInt8]]) func bytesThatAreNoUTF8(_ bad: [UInt8])
    {
        let wholes: [[UInt8]] = [
            bad, [0x22] + bad + [0x22], [0x22, 0x61] + bad, [0x5B, 0x22] + bad + [0x61, 0x22, 0x5D],
            [0x7B, 0x22] + bad + [0x22, 0x3A, 0x30, 0x7D],
            [0x5B] + bad + [0x5D], [0x31] + bad, [0x5B, 0x31] + bad + [0x5D], [0x22, 0x5C] + bad + [0x22],
            [0x22, 0x5C, 0x75] + bad + [0x22],
            Array("[\"a long piece of plain text in front\",\"".utf8) + bad + [0x22, 0x5D],
        ]
        for whole in wholes { #expect(Self.read(whole)?.code == .badUTF8) }
    }

    @Test func textsInOtherEncodingsAreNone() throws {
        #expect(Self.read([0xEF, 0xBB, 0xBF] + Array("{}".utf8)) == JSONError(code: .unexpectedByte, offset: 0))
        for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian, .utf16, .utf32LittleEndian, .utf32BigEndian] {
            #expect(Self.read(Array(try #require("[\"é\"]".data(using: encoding)))) != nil)
        }
        #expect(Self.read(Array(try #require("[\"é\"]".data(using: .isoLatin1)))) != nil)
    }

    /// Section 9: how deep is left to who reads.
    @Test func nestingEndsInAnErrorAndNoTrap() {
        for opening in ["[", "{\"\":", "[{\"\":"] {
            let text = Array(String(repeating: opening, count: 50_000).utf8)
            #expect(Self.read(text)?.code == .tooDeep)
            #expect(Self.read(Array(String(repeating: opening, count: 3).utf8))?.code == .unexpectedEnd)
        }
    }

    /// A text cut anywhere is none, but for a number, which may end earlier.
    @Test func whatIsCutIsNone() {
        let text = Array(#" {"a":[1,-2.5e+3,"x\u00e9\n",true,null,{"é":[]}],"b":false} "#.utf8)
        #expect(Self.read(text) == nil)
        for end in 0..<text.count - 1 { #expect(Self.read(Array(text[..<end])) != nil) }
        for start in 2..<text.count { #expect(Self.read(Array(text[start...])) != nil) }
    }
}
