// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import HTTPWire

/// Bytes of any kind, in pieces of any size: never a trap, and never more held back than the limits allow.
@Suite struct FuzzTests {
    private static let holdLimit = max(WireLimits.headBytes, WireLimits.chunkLineBytes + WireLimits.trailerBytes)

    private func pieces(_ bytes: [UInt8], _ random: inout SplitMix64) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = 1 + random.below(1 << random.below(12))
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    @Test(arguments: [MessageKind.request, .response(toHead: false)]) func survivesAnyBytesInAnyPieces(_ kind: MessageKind) {
        let seeds = (Seeds.requests + Seeds.responses).map { Array($0.utf8) }
        for round in 0..<(DifferentialTests.roundCount / 12) {
            let seed = DifferentialTests.firstSeed &+ UInt64(round) &+ 1_000_000_007
            var mutator = Mutator(seeds, seed: seed)
            var random = SplitMix64(seed: seed)
            var bytes = mutator.message()
            for _ in 0..<random.below(4) { bytes += mutator.message() }
            if random.below(4) == 0 { bytes = (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
            let reading = readMessage(kind, pieces(bytes, &random))
            let isBounded =
                reading.heldBytes <= Self.holdLimit && reading.payload.count <= bytes.count && reading.consumed <= bytes.count
            if !isBounded { Issue.record("WEIR_FUZZ_SEED=\(seed): \(printable(bytes))") }
        }
    }

    /// Streams that never end a unit are refused at the limit, whatever the unit.
    @Test(arguments: [
        "", "\r\n", "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: a\r\nX: ",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
    ])
    func refusesUnitThatNeverEnds(_ start: String) {
        let bytes = Array(start.utf8) + [UInt8](repeating: 0x61, count: 80_000)
        var random = SplitMix64(seed: 1)
        let reading = readMessage(.request, pieces(bytes, &random))
        #expect(reading.error != nil)
        #expect(reading.heldBytes <= Self.holdLimit)
    }
}
