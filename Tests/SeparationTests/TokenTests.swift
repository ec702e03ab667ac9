// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Separation

/// Tokens, N1 and views, as far as traits show them.
@Suite struct TokenTests {
    private func traits(_ text: String) -> SeparationTraits {
        SeparationTraits(turns: [SeparationTurn(role: .user, text: text)])
    }

    /// The hashes of tokens given as text, each read alone.
    private func hashes(_ tokens: [String]) -> [UInt64] { tokens.flatMap { traits($0).tokens } }

    @Test(
        arguments: [
            ("", []), (" \n\t", []), ("Hello, World!", ["hello", "world"]), ("a1b22 3.14", ["a0b00", "0", "00"]),
            ("don't stop_now", ["don", "t", "stop", "now"]), ("x\u{200B}y z\u{200D}w", ["x", "y", "z", "w"]),
            ("漢字かな交じり文", ["漢", "字", "か", "な", "交", "じ", "り", "文"]), ("GPT4は強い", ["gpt0", "は", "強", "い"]),
            ("สวัสดี", ["ส", "ว", "ั", "ส", "ด", "ี"]), ("한국어 처리", ["한국어", "처리"]),
            ("e\u{301}te\u{301}", ["\u{E9}t\u{E9}"]), ("\u{C9}T\u{C9}", ["\u{E9}t\u{E9}"]), ("Straße ΣΑΣ", ["straße", "σασ"]),
            ("İstanbul", ["i\u{307}stanbul"]), ("٣٤ ५", ["00", "0"]), ("𝟜", ["0"]), ("½ Ⅻ x²", ["½", "ⅻ", "x²"]),
            ("K\u{212A}", ["kk"]), ("a\r\nb", ["a", "b"]), ("日\u{301}本", ["日", "\u{301}", "本"]),
            ("\u{1100}\u{1161}\u{11A8}", ["각"]), ("\u{AC00}\u{11A8}", ["각"]), ("हिन्दी", ["हिन्दी"]),
            ("𠀀a\u{E0100}b", ["𠀀", "a\u{E0100}b"]),
            ("🙂a🙂", ["a"]), ("か\u{3099}", ["が"]), ("q\u{307}\u{323}", ["q\u{323}\u{307}"]),
        ] as [(String, [String])])
    func findsTokens(text: String, wanted: [String]) {
        let composed = Oracle.tokens(wanted.joined(separator: " "))
        #expect(composed.map { Array($0.unicodeScalars) } == wanted.map { Array($0.unicodeScalars) }, "the oracle agrees")
        #expect(traits(text).tokens == hashes(wanted))
        #expect(Set(hashes(wanted)).count == Set(wanted.map { Array($0.unicodeScalars) }).count)
    }

    /// Random texts from an alphabet in which nothing composes, against the plain reading of the definition.
    @Test func agreesWithThePlainReading() {
        var random = SplitMix64(seed: 11)
        let alphabet: [Unicode.Scalar] = Array(
            "abzABZ0189 \n\t.,-_'\u{0}ßäÖéñŁøЖжΣσςİı１Ａａ٠९漢かナ한𝟘𐐀𐐨ⅣⓂ²½กﷺﬁ\u{A0}\u{3000}\u{200B}\u{FEFF}🙂𠀀".unicodeScalars)
        for length in [1, 2, 3, 7, 8, 9, 15, 16, 17, 30, 64, 200, 1_000] {
            for _ in 0..<60 {
                let scalars = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
                let text = String(String.UnicodeScalarView(scalars))
                let tokens = Oracle.tokens(text)
                #expect(traits(text).tokens == hashes(tokens), "\(scalars)")
                #expect(traits(text).promptShingles.count == Oracle.shingles(tokens).count)
            }
        }
    }

    /// Scalars alone, as text: the table says what the properties say.
    @Test func agreesOnEveryScalar() {
        var differences: [UInt32] = []
        for value in Array(UInt32(0)..<0x20000) + stride(from: UInt32(0x20000), to: 0x110000, by: 61) {
            guard let scalar = Unicode.Scalar(value), !scalar.properties.isFullCompositionExclusion else { continue }
            var text: [UInt8] = []
            TokenReader.append(String(scalar), asTextTo: &text)
            let wanted = Oracle.tokens(String(scalar))
            if text != Array(wanted.joined(separator: " ").utf8) { differences.append(value) }
        }
        #expect(differences.isEmpty)
    }

    @Test func hashesStayAsLedgersHaveThem() {
        #expect(traits("hello").tokens == [GoldenHashes.hello])
        #expect(traits("the quick brown fox jumps").promptShingles == [GoldenHashes.fox])
    }

    @Test func equalTextsInOtherFormsAreOne() {
        let pairs = [
            ("Cafe\u{301} du monde", "CAFÉ\tDU\r\nMONDE"), ("\u{F73}\u{301}", "\u{F71}\u{F72}\u{301}"),
            ("\u{212B}ngström", "\u{C5}ngstro\u{308}m"),
            ("\u{1E9B}\u{323}", "\u{17F}\u{323}\u{307}"), ("\u{2126}", "\u{3C9}"),
        ]
        for (a, b) in pairs { #expect(traits(a).tokens == traits(b).tokens, "\(a) \(b)") }
    }

    @Test func viewsHoldUserAndToolTurnsOfThePromptOnly() {
        let turns = [
            SeparationTurn(role: .system, text: "system words"), SeparationTurn(role: .tool, text: "tool first"),
            SeparationTurn(role: .user, text: "one two"), SeparationTurn(role: .assistant, text: "said"),
            SeparationTurn(role: .user, text: "three"), SeparationTurn(role: .assistant, text: "answer"),
        ]
        let traits = SeparationTraits(turns: turns)
        #expect(traits.tokens == hashes(["tool", "first", "one", "two", "three"]))
        #expect(Array(traits.tokens[traits.firstTokens]) == hashes(["one", "two"]))
        #expect(traits.firstShingles.count == 1)
        #expect(traits.promptShingles.count == 1)
        #expect(!traits.isLongEnoughForEval)
    }

    /// What a tool gives as JSON is read as what it says, however it is escaped and however often it is put into a string.
    @Test(
        arguments: [
            (#"{"output":"Step\nNext \u4f60\u597d"}"#, ["output", "step", "next", "你", "好"]),
            (" \n[\"a\\tb\", {\"k\": \"x\\u00e9\"}] ", ["a", "b", "k", "x\u{E9}"]),
            (#"{"n":[1.50,-2e3,true,false,null]}"#, ["n", "0", "00", "0e0", "true", "false", "null"]),
            (#"{"output":"{\"a\":\"x\\nStep \\u4f60\",\"b\":\"[1]\"}"}"#, ["output", "a", "x", "step", "你", "b", "0"]),
            (#"{"a":1,"a":"\ud83d\nb","b":"\uD83D\uDE00c"}"#, ["a", "0", "a", "b", "b", "c"]),
            (#"{"a":"x\nb""#, ["a", "x", "nb"]), (#""x\nb""#, ["x", "nb"]), (#"say {"a":"\nb"}"#, ["say", "a", "nb"]),
            (#"{"a":"e\u0301","b":"\u0301e"}"#, ["a", "\u{E9}", "b", "\u{301}e"]),
        ] as [(String, [String])])
    func toolTextsAreReadWithoutTheirEscapes(text: String, wanted: [String]) {
        let turns = [SeparationTurn(role: .tool, text: text), SeparationTurn(role: .user, text: text)]
        let tool = SeparationTraits(turns: [turns[0]])
        #expect(tool.tokens == hashes(wanted), "\(text)")
        #expect(SeparationTraits(turns: turns).tokens == hashes(wanted) + traits(text).tokens, "a user's text is as it stands")
    }

    @Test func deepToolTextsAreRead() {
        let fine = String(repeating: "[", count: 256) + #""\nb""# + String(repeating: "]", count: 256)
        #expect(SeparationTraits(turns: [SeparationTurn(role: .tool, text: fine)]).tokens == hashes(["b"]))
        let deep = "[" + fine + "]"
        #expect(SeparationTraits(turns: [SeparationTurn(role: .tool, text: deep)]).tokens == hashes(["nb"]))
        var nested = #"["\nb"]"#
        for _ in 0..<14 { nested = "[\"" + nested.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"]" }
        #expect(SeparationTraits(turns: [SeparationTurn(role: .tool, text: nested)]).tokens == hashes(["b"]))
    }

    @Test func theVersionOfUnicodeIsKnown() {
        let version = TokenReader.unicodeVersion
        #expect((15...40).contains(version.major) && (0...9).contains(version.minor))
    }

    /// Digests that begin with the same 64 bits are all found, the first one too.
    @Test func digestsThatCollideAreAllKept() throws {
        let digests = try (0..<5).map { last in
            try #require(SeparationDigest(bytes: [UInt8](repeating: 9, count: 31) + [UInt8(last)]))
        }
        var table = DigestTable()
        for (row, digest) in digests.enumerated() {
            table.insert(digest, row: row)
            for (earlier, other) in digests.enumerated() { #expect(table.row(of: other) == (earlier <= row ? earlier : nil)) }
        }
    }

    @Test func turnsAreSetApart() {
        let apart = [SeparationTurn(role: .user, text: "ab"), SeparationTurn(role: .user, text: "cd")]
        #expect(SeparationTraits(turns: apart).tokens == hashes(["ab", "cd"]))
    }

    @Test func hugeAndHostileTextsAreRead() {
        let word = String(repeating: "a", count: 1 << 20)
        #expect(traits(word).tokens.count == 1)
        #expect(traits(word).tokens != traits(word + "a").tokens)
        let marks = "a" + String(repeating: "\u{301}", count: 100_000)
        #expect(traits(marks).tokens.count == 1)
        let repeated = traits(String(repeating: "no ", count: 200_000))
        #expect(repeated.tokens.count == 200_000)
        #expect(repeated.promptShingles.count == 1)
        #expect(traits(String(repeating: "\u{200B}", count: 100_000)).tokens.isEmpty)
        #expect(traits(String(repeating: "漢", count: 50_000)).promptShingles.count == 1)
        #expect(traits(String(repeating: "\u{0}", count: 10_000) + "x").tokens == hashes(["x"]))
    }

    @Test func twentyTokensMakeAnEvalRow() {
        let words = (0..<20).map { "w" + String(repeating: "x", count: $0) }.joined(separator: " ")
        #expect(traits(words).isLongEnoughForEval)
        #expect(!traits(String(words.dropLast(20))).isLongEnoughForEval)
        let short = [SeparationTurn(role: .user, text: "hi"), SeparationTurn(role: .user, text: words)]
        #expect(!SeparationTraits(turns: short).isLongEnoughForEval)
    }
}

/// Hashes that are in ledgers: a change of these is a new version of stored traits.
enum GoldenHashes {
    static let hello: UInt64 = 13_674_676_037_203_742_132
    static let fox: UInt64 = 16_501_046_069_082_894_701
}
