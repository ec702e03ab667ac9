// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Separation
import TestSupport
import Testing

/// Traits as bytes.
@Suite struct TraitsEncodingTests {
    private func someTraits(_ count: Int) -> [SeparationTraits] {
        var rows = MadeUpRows(seed: 21, words: 40, pieces: 10)
        return (0..<count).map { _ in rows.row().traits } + [SeparationTraits(turns: [])]
    }

    private func code(_ bytes: [UInt8]) -> SeparationError.Code? {
        do {
            _ = try SeparationTraits(encoded: bytes)
            return nil
        } catch { return error.code }
    }

    /// Bytes with a checksum that fits.
    private func sealed(_ bytes: [UInt8]) -> [UInt8] {
        var out = bytes
        FixedInts.append(CRC32C.checksum(bytes[...]), to: &out)
        return out
    }

    @Test func comeBackAsTheyWere() throws {
        for traits in someTraits(200) { #expect(try SeparationTraits(encoded: traits.encoded) == traits) }
    }

    @Test func everyChangedByteIsFound() {
        let traits = SeparationTraits(
            turns: [
                SeparationTurn(role: .user, text: "one two three four five six"), SeparationTurn(role: .assistant, text: "x"),
            ],
            groupKeys: ["a=1", "b=2"])
        let bytes = traits.encoded
        for at in bytes.indices {
            for change: UInt8 in [0x01, 0x80, 0xFF] {
                var damaged = bytes
                damaged[at] ^= change
                #expect(code(damaged) == (at == 0 ? .unknownVersion : .damagedTraits))
            }
            #expect(code(Array(bytes[..<at])) == .damagedTraits)
        }
        #expect(code(bytes + [0]) == .damagedTraits)
    }

    /// Bytes whose checksum fits and whose parts do not.
    @Test func partsThatCannotBeAreRefused() {
        let key = [UInt8](repeating: 1, count: 32)
        func bytes(_ numbers: [UInt32], digests: [[UInt8]] = [], tokens: Int = 0) -> [UInt8] {
            var out: [UInt8] = [SeparationTraits.encodingVersion] + key + key
            FixedInts.append(numbers[0], to: &out)
            for digest in digests { out += digest }
            for number in numbers.dropFirst() { FixedInts.append(number, to: &out) }
            return sealed(out + [UInt8](repeating: 7, count: tokens * 8))
        }
        #expect(code(bytes([0, 0, 3, 1, 2], tokens: 3)) == nil)
        #expect(code(bytes([0, 0, 3, 2, 2], tokens: 3)) == .damagedTraits, "first view beyond the tokens")
        #expect(code(bytes([0, 0, 3, 4, 0], tokens: 3)) == .damagedTraits)
        #expect(code(bytes([0, 0, 3, 1, 2], tokens: 2)) == .damagedTraits, "fewer tokens than it says")
        #expect(code(bytes([0, 0, 3, 1, 2], tokens: 4)) == .damagedTraits, "more tokens than it says")
        #expect(code(bytes([0, 0, UInt32.max, 0, 0])) == .damagedTraits)
        #expect(code(bytes([UInt32.max, 0, 0, 0, 0])) == .damagedTraits)
        #expect(code(bytes([2, 0, 0, 0, 0], digests: [key, key])) == .damagedTraits, "a digest twice")
        #expect(code(bytes([1, 0, 0, 0, 0], digests: [key])) == nil)
    }

    /// A ledger of version 1 is told from a damaged one, and says what to do.
    @Test func anOlderVersionIsNamed() {
        for (version, remedy) in [(UInt8(1), "begin a new ledger"), (3, "a newer Weir")] {
            let bytes = sealed([version] + [UInt8](repeating: 0, count: 60))
            do {
                _ = try SeparationTraits(encoded: bytes)
                Issue.record("version \(version) is read")
            } catch {
                #expect(error.code == .unknownVersion && error.message.contains(remedy))
            }
        }
    }

    @Test func anyBytesGiveTraitsOrAnError() {
        var random = SplitMix64(seed: 77)
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) }
            if !bytes.isEmpty { bytes[0] = SeparationTraits.encodingVersion }
            #expect(code(bytes) != .unknownVersion)
            _ = code(sealed(bytes))
        }
    }
}
