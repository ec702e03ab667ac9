// SPDX-License-Identifier: Apache-2.0
import ContentCoding
import TestSupport
import Testing

@Suite struct ContentDecoderTests {
    static let codings = ["gzip", "deflate", "raw", "br", "zstd"]
    static let text = Array((0..<40).map { "data: {\"delta\":\"word \($0 * $0)\"}\n\n" }.joined().utf8)

    private func decoder(_ coding: String) throws -> ContentDecoder {
        try #require(ContentDecoder(coding: coding == "raw" ? "deflate" : coding))
    }

    private func noise(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test(arguments: codings) func decodesWhatTheLibraryEncoded(_ coding: String) throws {
        for body in [[], [65], Self.text, noise(200_000, seed: 3), [UInt8](repeating: 7, count: 1_000_000)] {
            let decoded = try decoder(coding).decode(Encoders.encode(coding, body), limit: 2_000_000)
            #expect(decoded.bytes == body && decoded.isComplete && decoded.error == nil)
        }
    }

    @Test(
        .enabled(if: Encoders.hasTools, "gzip and zstd are not installed"),
        arguments: ["gzip -c", "gzip -9 -c", "zstd -q -c", "zstd -19 -q -c"]) func decodesWhatStockToolsEncoded(
            _ command: String
        ) throws
    {
        let body = Self.text + noise(100_000, seed: 5)
        let encoded = try #require(Encoders.pipe(command, body))
        let decoded = try decoder(String(command.prefix(4))).decode(encoded, limit: 1_000_000)
        #expect(decoded.bytes == body && decoded.isComplete && decoded.error == nil)
    }

    @Test(arguments: codings) func cutStreamGivesAPrefixAtEveryByte(_ coding: String) throws {
        let encoded = Encoders.encode(coding, Self.text)
        var longest = 0
        for length in 0..<encoded.count {
            let decoded = try decoder(coding).decode(Array(encoded[0..<length]), limit: 1_000_000)
            #expect(!decoded.isComplete && decoded.error == nil, "cut at \(length)")
            #expect(Self.text.starts(with: decoded.bytes))
            #expect(decoded.bytes.count >= longest)
            longest = decoded.bytes.count
        }
        let whole = try decoder(coding).decode(encoded, limit: 1_000_000)
        #expect(whole.isComplete && whole.bytes == Self.text)
    }

    @Test(arguments: codings) func flippedBitsNeverTrapAndStayInTheLimit(_ coding: String) throws {
        let encoded = Encoders.encode(coding, Self.text)
        var random = SplitMix64(seed: 42)
        for _ in 0..<3_000 {
            var mutant = encoded
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<mutant.count, using: &random)
                mutant[index] = UInt8.random(in: 0...255, using: &random)
            }
            let decoded = try decoder(coding).decode(mutant, limit: 10_000)
            #expect(decoded.bytes.count <= 10_000)
            if ["gzip", "deflate", "zstd"].contains(coding), decoded.isComplete, decoded.error == nil, !decoded.bytes.isEmpty {
                #expect(decoded.bytes == Self.text)
            }
        }
    }

    @Test(arguments: codings) func noiseNeverTraps(_ coding: String) throws {
        for seed in 0..<300 as Range<UInt64> {
            let decoded = try decoder(coding).decode(noise(Int(seed), seed: seed), limit: 5_000)
            #expect(decoded.bytes.count <= 5_000)
        }
    }

    @Test(arguments: codings) func bombIsCutAtTheLimit(_ coding: String) throws {
        let encoded = Encoders.encode(coding, [UInt8](repeating: 0, count: 20_000_000))
        #expect(encoded.count < 50_000)
        let decoded = try decoder(coding).decode(encoded, limit: 100_001)
        #expect(decoded.bytes.count == 100_001 && !decoded.isComplete)
        #expect(decoded.error?.code == .limitReached)
        let nothing = try decoder(coding).decode(encoded, limit: -1)
        #expect(nothing.bytes.isEmpty && nothing.error?.code == .limitReached)
    }

    @Test(arguments: codings) func bodyOfExactlyTheLimitIsComplete(_ coding: String) throws {
        let decoded = try decoder(coding).decode(Encoders.encode(coding, Self.text), limit: Self.text.count)
        #expect(decoded.isComplete && decoded.error == nil && decoded.bytes == Self.text)
    }

    @Test func listIsUndoneFromTheLastToTheFirst() throws {
        let encoded = Encoders.encode("br", Encoders.encode("gzip", Self.text))
        let decoded = try #require(ContentDecoder(coding: " GZIP , Br,identity")).decode(encoded, limit: 100_000)
        #expect(decoded.bytes == Self.text && decoded.isComplete)
        let cut = try #require(ContentDecoder(coding: "gzip, br")).decode(Array(encoded.dropLast(30)), limit: 100_000)
        #expect(Self.text.starts(with: cut.bytes) && !cut.isComplete)
    }

    @Test func bombInsideABombIsCut() throws {
        let bomb = Encoders.encode("gzip", Encoders.encode("gzip", [UInt8](repeating: 0, count: 50_000_000)))
        let decoded = try #require(ContentDecoder(coding: "gzip, gzip")).decode(bomb, limit: 1_000)
        #expect(decoded.bytes.count <= 1_000 && !decoded.isComplete && decoded.error?.code == .limitReached)
    }

    @Test func namesAreReadAsHTTPMeansThem() {
        #expect(ContentDecoder(coding: "x-gzip") != nil)
        #expect(ContentDecoder(coding: "zstd\t") != nil)
        #expect(ContentDecoder(coding: "")?.isIdentity == true)
        #expect(ContentDecoder(coding: "identity, ,")?.isIdentity == true)
        #expect(ContentDecoder(coding: "lzma") == nil)
        #expect(ContentDecoder(coding: "gzip, aes128gcm") == nil)
        #expect(ContentDecoder(coding: "gzip,gzip,gzip,gzip,gzip") == nil)
    }

    @Test func identityPassesThroughWithinTheLimit() throws {
        let identity = try #require(ContentDecoder(coding: "identity"))
        #expect(identity.decode([1, 2, 3], limit: 3) == identity.decode([1, 2, 3], limit: 10))
        let cut = identity.decode([1, 2, 3], limit: 2)
        #expect(cut.bytes == [1, 2] && !cut.isComplete && cut.error?.code == .limitReached)
    }

    @Test func severalMembersAndFramesAreOneBody() throws {
        for coding in ["gzip", "zstd"] {
            let encoded = Encoders.encode(coding, Self.text) + Encoders.encode(coding, [1, 2, 3])
            let decoded = try decoder(coding).decode(encoded, limit: 100_000)
            #expect(decoded.bytes == Self.text + [1, 2, 3] && decoded.isComplete && decoded.error == nil)
        }
    }

    @Test(arguments: codings) func bytesAfterTheEndAreNamedAndIgnored(_ coding: String) throws {
        let encoded = Encoders.encode(coding, Self.text) + Array("<html>trailing</html>".utf8)
        let decoded = try decoder(coding).decode(encoded, limit: 100_000)
        #expect(decoded.bytes == Self.text && decoded.isComplete && decoded.error?.code == .trailingBytes)
    }

    @Test func zeroPaddingAfterGzipIsHarmless() throws {
        let decoded = try decoder("gzip").decode(Encoders.encode("gzip", Self.text) + [0, 0, 0], limit: 100_000)
        #expect(decoded.bytes == Self.text && decoded.isComplete && decoded.error == nil)
    }

    @Test func skippableZstdFramesGiveNothing() throws {
        let skippable: [UInt8] = [0x51, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9]
        let decoded = try decoder("zstd").decode(skippable + Encoders.encode("zstd", Self.text) + skippable, limit: 100_000)
        #expect(decoded.bytes == Self.text && decoded.isComplete && decoded.error == nil)
    }

    @Test(arguments: codings) func marksTellTheOutputOfEveryPrefix(_ coding: String) throws {
        let body = Self.text + noise(3_000, seed: 9)
        let encoded = Encoders.encode(coding, body)
        let marks = Array(stride(from: 0, through: encoded.count, by: 97)) + [encoded.count]
        let (decoded, available) = try decoder(coding).decodeWithOffsets(encoded, marks: marks, limit: 1_000_000)
        #expect(decoded.bytes == body && decoded.isComplete)
        #expect(available.last == body.count)
        for (mark, count) in zip(marks, available) {
            let prefix = try decoder(coding).decode(Array(encoded[0..<mark]), limit: 1_000_000)
            #expect(prefix.bytes.count == count, "mark \(mark)")
        }
    }

    @Test func oddMarksAreTakenAsTheNearestSoundOnes() throws {
        let encoded = Encoders.encode("gzip", Self.text)
        let marks = [-5, encoded.count + 10, 3, Int.max, Int.min]
        let (decoded, available) = try decoder("gzip").decodeWithOffsets(encoded, marks: marks, limit: 100_000)
        #expect(decoded.isComplete)
        #expect(available == [0, Self.text.count, Self.text.count, Self.text.count, Self.text.count])
    }

    @Test(arguments: codings) func bytewiseFeedingGivesTheSameBody(_ coding: String) throws {
        let encoded = Encoders.encode(coding, Self.text)
        let (decoded, available) = try decoder(coding).decodeWithOffsets(encoded, marks: Array(0...encoded.count), limit: 100_000)
        #expect(decoded.bytes == Self.text && decoded.isComplete && decoded.error == nil)
        #expect(available == available.sorted())
    }
}
