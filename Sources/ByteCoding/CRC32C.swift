// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4 has test vectors), eight bytes a step.
package enum CRC32C {
    private static let tables: [UInt32] = makeTables()

    private static func makeTables() -> [UInt32] {
        var table = [UInt32](repeating: 0, count: 8 * 256)
        for i in 0..<256 {
            var crc = UInt32(i)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            table[i] = crc
        }
        for i in 0..<256 {
            for k in 1..<8 {
                let previous = table[(k - 1) * 256 + i]
                table[k * 256 + i] = previous >> 8 ^ table[Int(previous & 255)]
            }
        }
        return table
    }

    /// The checksum of a run of bytes.
    ///
    /// - Parameters:
    ///   - bytes: what to sum.
    ///   - seed: the checksum of what came before, to continue it; 0 to begin.
    /// - Returns: the checksum.
    /// - Complexity: O(n).
    package static func checksum(_ bytes: ArraySlice<UInt8>, seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBufferPointer { buffer in
            tables.withUnsafeBufferPointer { table in
                var crc = ~seed
                var i = 0
                while i + 8 <= buffer.count {
                    let low =
                        crc
                        ^ (UInt32(buffer[i]) | UInt32(buffer[i + 1]) << 8 | UInt32(buffer[i + 2]) << 16 | UInt32(buffer[i + 3])
                            << 24)
                    let a = table[1792 + Int(low & 255)] ^ table[1536 + Int(low >> 8 & 255)]
                    let b = table[1280 + Int(low >> 16 & 255)] ^ table[1024 + Int(low >> 24)]
                    let c = table[768 + Int(buffer[i + 4])] ^ table[512 + Int(buffer[i + 5])]
                    let d = table[256 + Int(buffer[i + 6])] ^ table[Int(buffer[i + 7])]
                    crc = a ^ b ^ c ^ d
                    i += 8
                }
                while i < buffer.count {
                    crc = crc >> 8 ^ table[Int((crc ^ UInt32(buffer[i])) & 255)]
                    i += 1
                }
                return ~crc
            }
        }
    }
}
