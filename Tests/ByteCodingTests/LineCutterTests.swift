// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import TestSupport
import Testing

@Suite struct LineCutterTests {
    private func lines(_ bytes: [UInt8], pieces: [Int], limit: Int = 1_000) throws -> [[Int64: [UInt8]]] {
        var cutter = LineCutter(lineBytes: limit)
        var found: [[Int64: [UInt8]]] = []
        func take(_ line: CutLine) {
            #expect(line.number == Int64(found.count + 1))
            found.append([line.offset: Array(line.bytes)])
        }
        var at = 0
        for piece in pieces + [bytes.count] {
            let end = min(at + piece, bytes.count)
            try cutter.add(Array(bytes[at..<end]), take)
            at = end
        }
        try cutter.finish(take)
        return found
    }

    /// However the bytes come, against the lines of the whole.
    @Test func givesTheSameLinesHoweverTheyCome() throws {
        var random = SplitMix64(seed: 3)
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ -> UInt8 in
                [10, 10, 13, 65, 66][Int.random(in: 0..<5, using: &random)]
            }
            var expected: [[Int64: [UInt8]]] = []
            var offset: Int64 = 0
            for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
                expected.append([offset: Array(line)])
                offset += Int64(line.count) + 1
            }
            if expected.last?.values.first == [] { expected.removeLast() }
            let pieces = (0..<Int.random(in: 0...20, using: &random)).map { _ in Int.random(in: 0...9, using: &random) }
            #expect(try lines(bytes, pieces: pieces) == expected)
        }
    }

    @Test func refusesALineThatIsTooLong() throws {
        let bytes = Array("ok\n12345\n123456\n".utf8)
        for pieces in [[], [3, 4, 3], [100], [10, 1, 1, 1, 1, 1, 1, 1]] {
            #expect(throws: LineTooLong(number: 3, limit: 5)) { try lines(bytes, pieces: pieces, limit: 5) }
            #expect(try lines(bytes, pieces: pieces, limit: 6).count == 3)
        }
        // Also where its end does not come.
        #expect(throws: LineTooLong(number: 2, limit: 5)) { try lines(Array("ok\n123456".utf8), pieces: [], limit: 5) }
    }
}
