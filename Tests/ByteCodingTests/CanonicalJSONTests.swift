// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Testing

/// RFC 8785, with the vectors of its text and of its appendix B.
@Suite struct CanonicalJSONTests {
    private func form(_ text: String) -> String? {
        CanonicalJSON.form(of: text.utf8).map { String(decoding: $0, as: UTF8.self) }
    }

    private func failure(_ text: String) throws -> CanonicalJSONError? {
        let document = try JSONDocument(Array(text.utf8))
        var out: [UInt8] = []
        do { try CanonicalJSON.append(document.root, to: &out) } catch { return error }
        return nil
    }

    @Test func writesTheExampleOfTheRFC() {
        let text = #"""
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """#
        let wanted =
            #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        #expect(form(text) == wanted)
    }

    @Test func sortsByUTF16CodeUnits() {
        let text = #"""
            {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}
            """#
        let wanted = [
            "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign", "Emoji: Grinning Face",
            "Hebrew Letter Dalet With Dagesh",
        ]
        let written = form(text).map { Array($0.utf8) } ?? []
        let values = JSONDocument.read(written)?.root.members.map { $0.value.string ?? "" }
        #expect(values == wanted)
    }

    /// Against Swift's own UTF-16, over strings that meet at every border of the two orders.
    @Test func ordersNamesAsUTF16Does() {
        let pieces = ["", "a", "\u{7F}", "\u{80}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}", "é"]
        let names = pieces.flatMap { a in pieces.flatMap { b in pieces.map { a + b + $0 } } }
        let unique = Array(Set(names.map { Array($0.utf16) }))
        let text = "{" + unique.map { "\"\(String(decoding: $0, as: UTF16.self))\":0" }.joined(separator: ",") + "}"
        let written = form(text).map { Array($0.utf8) } ?? []
        let order = JSONDocument.read(written)?.root.members.map { Array(($0.key.string ?? "").utf16) } ?? []
        #expect(order == unique.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"),
            (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xC340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"), (0x44B5_2D02_C7E1_4AF6, "1e+23"),
            (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"), (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
            (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"), (0x444B_1AE4_D6E2_EF50, "1e+21"),
            (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"), (0x3EB0_C6F7_A0B5_ED8D, "0.000001"),
            (0x41B3_DE43_5555_5553, "333333333.3333332"), (0x41B3_DE43_5555_5554, "333333333.33333325"),
            (0x41B3_DE43_5555_5555, "333333333.3333333"), (0x41B3_DE43_5555_5556, "333333333.3333334"),
            (0x41B3_DE43_5555_5557, "333333333.33333343"), (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
            (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func writesNumbersAsECMAScriptDoes(bits: UInt64, wanted: String) {
        #expect(form(Double(bitPattern: bits).description) == wanted)
    }

    @Test(arguments: [
        ("1", "1"), ("-0", "0"), ("-0.0", "0"), ("1.0", "1"), ("1e2", "100"), ("100e-2", "1"), ("123456789012", "123456789012"),
        ("9007199254740993", "9007199254740992"), ("18446744073709551616", "18446744073709552000"), ("1e-400", "0"),
        ("0.1", "0.1"), ("12.5e1", "125"), ("0.00001", "0.00001"), ("0.0000001", "1e-7"), ("123e20", "1.23e+22"),
        ("-1.5", "-1.5"), ("9223372036854775807", "9223372036854776000"), ("4.35", "4.35"),
    ])
    func readsNumbersByTheirLexemes(text: String, wanted: String) { #expect(form(text) == wanted) }

    /// What is written is read as the same double again, and is as short as Swift's own shortest form.
    @Test func keepsTheValueOfDoubles() throws {
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Double(bitPattern: state ^ state >> 29)
            guard value.isFinite else { continue }
            let written = try #require(form(value.description))
            #expect(Double(written) == value)
            let digits = { (text: String) in
                text.split(separator: "e")[0].filter(\.isNumber).drop { $0 == "0" }.reversed().drop { $0 == "0" }.count
            }
            #expect(digits(written) == digits(value.description))
        }
    }

    @Test func escapesWhatMustBeAndNothingElse() {
        #expect(
            form(#""\u0000\u0008\u0009\u000A\u000B\u000C\u000D\u001F\u0022\u005C\/\u007F\u00e9""#)
                == "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\/\u{7F}é\"")
        #expect(form(#""\ud83d\ude00""#) == "\"😀\"")
    }

    @Test func writesEmptyThingsAndNestedOnes() {
        #expect(form(" {} ") == "{}")
        #expect(form("[ ]") == "[]")
        #expect(form(#"{"b":[{"d":1,"c":[]}],"a":{}}"#) == #"{"a":{},"b":[{"c":[],"d":1}]}"#)
        let deep = String(repeating: "[", count: 256) + String(repeating: "]", count: 256)
        #expect(form(deep) == deep)
    }

    @Test(arguments: ["1e400", "-1e400", "[1,2e999]"]) func refusesNumbersThatNoDoubleHolds(text: String) throws {
        #expect(try failure(text)?.code == .numberOutOfRange)
        #expect(form(text) == nil)
    }

    @Test(arguments: [
        #""\ud83d""#, #""\ude00""#, #""\ude00\ud83d""#, #""\ud83dx""#, #""\ud83d\n""#, #""\ud83d\ud83d\ude00""#, #"{"\ud800":1}"#,
    ])
    func refusesHalfPairs(text: String) throws {
        #expect(try failure(text)?.code == .loneSurrogate)
    }

    @Test func refusesRepeatedNames() throws {
        #expect(try failure(#"{"a":1,"\u0061":2}"#)?.code == .repeatedName)
        #expect(try failure(#"{"a":{"a":1},"b":{"a":1}}"#) == nil)
    }

    @Test func namesTheOffset() throws {
        #expect(try failure(#"{"a": 1e999}"#)?.offset == 6)
    }

    @Test func givesNothingForWhatIsNoJSON() {
        for text in ["", "{", "nul", "{\"a\":}", "01", "'a'", "NaN"] { #expect(form(text) == nil) }
    }
}
