// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Testing

@Suite struct JSONLineTests {
    private func written(_ write: (inout JSONLine) -> Void) -> [UInt8] {
        var line = JSONLine()
        write(&line)
        return line.run.array
    }

    /// `JSONWriter` is the oracle.
    @Test func escapesAsTheReferenceDoes() {
        var random = SystemRandomNumberGenerator()
        for length in 0..<400 {
            let bytes = (0..<length).map { _ in
                UInt8.random(in: 0...9, using: &random) < 3
                    ? [0x22, 0x5C, 0x00, 0x0A, 0x1F, 0x20, 0x7F].randomElement() ?? 0 : UInt8.random(in: 0...127, using: &random)
            }
            var reference = JSONWriter()
            reference.value(utf8: bytes[...])
            #expect(bytes.withUnsafeBytes { raw in written { $0.string(ByteRun(raw)) } } == reference.bytes)
        }
    }

    @Test func keepsLongTextsAndWhatIsNotASCII() {
        let text = Array(String(repeating: "é字\u{1F600}\"\\ plain text of some length, ", count: 9_000).utf8)
        var reference = JSONWriter()
        reference.value(utf8: text[...])
        #expect(text.withUnsafeBytes { raw in written { $0.string(ByteRun(raw)) } } == reference.bytes)
    }

    @Test(arguments: [0, 1, -1, 9, 10, 99, 100, 12_345, Int64.max, Int64.min, 1_000_000_000_000_000_000, 999_999_999_999_999_999])
    func writesIntegers(value: Int64) {
        #expect(written { $0.integer(value) } == Array(String(value).utf8))
    }

    @Test func encodesBase64AsTheReferenceDoes() {
        for length in 0..<70 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            let expected = [0x22] + Base64.encode(bytes[...]) + [0x22]
            #expect(bytes.withUnsafeBytes { raw in written { $0.base64(ByteRun(raw)) } } == expected)
        }
    }

    /// The standard library is the oracle.
    @Test func judgesUTF8AsTheStandardLibraryDoes() {
        var random = SystemRandomNumberGenerator()
        let pieces: [[UInt8]] = [
            Array("plain ascii text".utf8), Array(repeating: 0x61, count: 67),
            Array("é".utf8), Array("字".utf8), Array("\u{1F600}".utf8), [0xC3], [0xA9],
            [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xF0, 0x9F, 0x98],
        ]
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...4, using: &random)).flatMap { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }
            let isUTF8 = bytes.withUnsafeBytes { ByteRun($0).isUTF8 }
            #expect(isUTF8 == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
            #expect(isUTF8 == (UTF8Check.firstInvalidOffset(bytes) == nil), "\(bytes)")
        }
    }

    /// Every length, place and neighbourhood of one byte.
    @Test func findsAByteWhereverItIs() {
        for length in 0..<100 {
            var bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 11 &+ 13) | 1 }
            #expect(bytes.withUnsafeBytes { ByteRun($0).firstIndex(of: 0x0A) == nil && !ByteRun($0).contains(0x0A) })
            for place in 0..<length {
                let kept = bytes[place]
                bytes[place] = 0x0A
                bytes.withUnsafeBytes { raw in
                    #expect(ByteRun(raw).contains(0x0A) && ByteRun(raw).firstIndex(of: 0x0A) == place)
                    #expect(ByteRun(raw).firstIndex(of: 0x0A, from: place + 1) == nil)
                }
                bytes[place] = 0x80 | kept
                bytes.withUnsafeBytes { #expect(ByteRun($0).isASCII == bytes.allSatisfy { $0 < 0x80 }) }
                bytes[place] = kept
            }
        }
    }

    @Test func aCursorKeepsWhatItWroteAndNoMore() {
        let name = Array("Say \"X\"".utf8)
        let bytes = name.withUnsafeBytes { raw in
            written { line in
                line.literal("[")
                var out = line.begin(atMost: 200)
                out.string("{\"a\":", ByteRun(raw))
                out.string(",\"b\":", nil)
                out.integer(",\"c\":", nil)
                out.integer(",\"d\":", -120)
                out.literal(",\"e\":")
                out.string(ByteRun(raw), then: "[redacted]")
                out.literal(",\"f\":")
                out.lowercased(ByteRun(raw))
                line.end(out)
                line.literal("}]")
            }
        }
        let expected =
            #"[{"a":"Say \"X\"","b":null,"c":null,"d":-120,"e":"Say \"X\"[redacted]","f":"say \"x\""}]"#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test func comparesWithoutCase() {
        let name = Array("X-Api-Key".utf8)
        name.withUnsafeBytes {
            let run = ByteRun($0)
            #expect(
                run.equalsIgnoringCase("x-api-key") && run.hasSuffixIgnoringCase("api-key") && run.hasPrefixIgnoringCase("x-"))
            #expect(!run.equalsIgnoringCase("y-api-key") && !run.hasSuffixIgnoringCase("longer-than-x-api-key"))
            #expect(run.firstIndex(of: UInt8(ascii: "K")) == 6 && run.firstIndex(of: UInt8(ascii: "?")) == nil)
        }
    }
}
