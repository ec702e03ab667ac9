// SPDX-License-Identifier: Apache-2.0
import CChecksum

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4 has test vectors).
///
/// By the processor's own instructions on x86-64 with SSE 4.2; on all others, ARM among them, by tables, sixteen bytes a step.
package enum CRC32C {
    private static let hasInstructions = weir_has_crc32c() != 0
    private static let tables: [UInt32] = makeTables()

    private static func makeTables() -> [UInt32] {
        var table = [UInt32](repeating: 0, count: 16 * 256)
        for i in 0..<256 {
            var crc = UInt32(i)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            table[i] = crc
        }
        for i in 0..<256 {
            for k in 1..<16 {
                let previous = table[(k - 1) * 256 + i]
                table[k * 256 + i] = previous >> 8 ^ table[Int(previous & 255)]
            }
        }
        return table
    }

    /// The checksum of a part of an array.
    ///
    /// - Parameters:
    ///   - bytes: what to sum.
    ///   - seed: the checksum of what came before, to continue it; 0 to begin.
    /// - Returns: the checksum.
    /// - Complexity: O(n).
    package static func checksum(_ bytes: ArraySlice<UInt8>, seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum(ByteRun($0), seed: seed) }
    }

    /// The checksum of a run of bytes.
    ///
    /// - Parameters:
    ///   - run: what to sum.
    ///   - seed: the checksum of what came before, to continue it; 0 to begin.
    /// - Returns: the checksum.
    /// - Complexity: O(n).
    package static func checksum(_ run: ByteRun, seed: UInt32 = 0) -> UInt32 {
        hasInstructions ? ~weir_crc32c(~seed, run.base, run.count) : byTables(run, seed: seed)
    }

    /// The same for a processor without the instructions; the oracle of those that have them.
    static func byTables(_ run: ByteRun, seed: UInt32) -> UInt32 {
        tables.withUnsafeBufferPointer { table in
            var crc = ~seed
            var i = 0
            /// What eight bytes add, of which `left` follow in the step.
            func eight(_ word: UInt64, left: Int) -> UInt32 {
                func part(_ k: Int) -> UInt32 { table[(left &+ 7 &- k) &* 256 &+ Int(word &>> UInt64(8 &* k) & 255)] }
                return (part(0) ^ part(1)) ^ (part(2) ^ part(3)) ^ ((part(4) ^ part(5)) ^ (part(6) ^ part(7)))
            }
            while i &+ 16 <= run.count {
                let low = UInt64(littleEndian: run.base.loadUnaligned(fromByteOffset: i, as: UInt64.self))
                let high = UInt64(littleEndian: run.base.loadUnaligned(fromByteOffset: i &+ 8, as: UInt64.self))
                crc = eight(low ^ UInt64(crc), left: 8) ^ eight(high, left: 0)
                i &+= 16
            }
            while i < run.count {
                crc = crc &>> 8 ^ table[Int((crc ^ UInt32(run.base.load(fromByteOffset: i, as: UInt8.self))) & 255)]
                i &+= 1
            }
            return ~crc
        }
    }
}
