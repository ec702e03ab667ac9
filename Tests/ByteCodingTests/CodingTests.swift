// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import ByteCoding

@Suite struct CRC32Tests {
    /// The sum bit by bit, as the standard defines it.
    private func slow(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    @Test func hasTheCheckValue() {
        #expect(CRC32.checksum(Array("123456789".utf8)[...]) == 0xCBF4_3926)
        #expect(CRC32.checksum([]) == 0)
    }

    @Test func agreesWithTheDefinitionAndContinues() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
        for start in [0, 1, 3] {
            for end in start..<60 { #expect(CRC32.checksum(bytes[start..<end]) == slow(Array(bytes[start..<end]))) }
        }
        for cut in 0...bytes.count {
            #expect(CRC32.checksum(bytes[cut...], seed: CRC32.checksum(bytes[..<cut])) == slow(bytes))
        }
    }
}

@Suite struct CodingTests {
    /// RFC 3720 appendix B.4.
    @Test func crc32cMeetsThePublishedVectors() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)[...]) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)[...]) == 0x62A8_AB43)
        #expect(CRC32C.checksum(Array(0..<32)[...]) == 0x46DD_794E)
        #expect(CRC32C.checksum(Array("123456789".utf8)[...]) == 0xE306_9283)
    }

    @Test func crc32cAgreesWithTheDefinition() {
        let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
        for start in 0..<9 {
            for end in start...bytes.count {
                var crc: UInt32 = 0xFFFF_FFFF
                for byte in bytes[start..<end] {
                    crc ^= UInt32(byte)
                    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
                }
                #expect(CRC32C.checksum(bytes[start..<end]) == ~crc)
                let byTables = bytes[start..<end].withUnsafeBytes { CRC32C.byTables(ByteRun($0), seed: 0) }
                #expect(byTables == ~crc, "a processor without the instructions")
            }
        }
    }

    @Test func crc32cContinues() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        for cut in [0, 1, 7, 8, 9, 500, 1000] {
            let seed = CRC32C.checksum(bytes[..<cut])
            #expect(CRC32C.checksum(bytes[cut...], seed: seed) == CRC32C.checksum(bytes[...]))
            let byTables = bytes[cut...].withUnsafeBytes { CRC32C.byTables(ByteRun($0), seed: seed) }
            #expect(byTables == CRC32C.checksum(bytes[...]))
        }
    }

    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("%41%62c", "Abc"), ("a%2Fb%2f", "a/b/"), ("100%", "100%"), ("%4", "%4"),
        ("%+1%zz", "%+1%zz"),
        ("%25%34%31", "%41"), ("%C3%A9", "é"),
    ])
    func undoesPercentEncoding(text: String, decoded: String) {
        #expect(PercentDecoding.decoded(text) == decoded)
        let bytes = Array("x\(text)".utf8).dropFirst()
        #expect(PercentDecoding.decoded(bytes) == Array(decoded.utf8))
        // Foundation knows only the strict form.
        #expect(PercentDecoding.strictly(bytes).map { String(decoding: $0, as: UTF8.self) } == text.removingPercentEncoding)
    }

    @Test func base64AgreesWithFoundation() {
        for n in 0..<70 {
            let bytes = (0..<n).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ n) }
            let text = Base64.encode(bytes[...])
            #expect(String(decoding: text, as: UTF8.self) == Data(bytes).base64EncodedString())
            #expect(Base64.decode(text[...]) == bytes)
        }
        for bad in ["A", "AA=A", "A===", "====", "AA*=", "AAAAA"] { #expect(Base64.decode(Array(bad.utf8)[...]) == nil) }
    }

    @Test func integersAreReadAndRefused() {
        #expect(ASCIIInteger.parse("9223372036854775807".utf8) == Int64.max)
        #expect(ASCIIInteger.parse("-9223372036854775808".utf8) == Int64.min)
        for bad in ["9223372036854775808", "", "-", "+1", "1x", " 1", "--1"] { #expect(ASCIIInteger.parse(bad.utf8) == nil) }
    }

    @Test func fixedIntsAreLittleEndianAndBounded() {
        var out: [UInt8] = []
        FixedInts.append(UInt32(0x0102_0304), to: &out)
        #expect(out == [4, 3, 2, 1])
        #expect(FixedInts.read(UInt32.self, from: out, at: 0) == 0x0102_0304)
        #expect(FixedInts.read(UInt32.self, from: out, at: 1) == nil)
        #expect(FixedInts.read(UInt64.self, from: out, at: -1) == nil)
    }
}
