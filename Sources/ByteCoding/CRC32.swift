// SPDX-License-Identifier: Apache-2.0

/// CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320; RFC 1952 section 8), as Amazon's event streams use it.
package enum CRC32 {
    private static let tables: [UInt32] = makeTables()

    private static func makeTables() -> [UInt32] {
        var table = [UInt32](repeating: 0, count: 4 * 256)
        for i in 0..<256 {
            var crc = UInt32(i)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            table[i] = crc
        }
        for i in 0..<256 {
            for k in 1..<4 {
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
    /// - Complexity: O(n), four bytes a step.
    package static func checksum(_ bytes: ArraySlice<UInt8>, seed: UInt32 = 0) -> UInt32 {
        var crc = ~seed
        var i = bytes.startIndex
        let table = tables
        while i + 4 <= bytes.endIndex {
            crc ^= UInt32(bytes[i]) | UInt32(bytes[i + 1]) << 8 | UInt32(bytes[i + 2]) << 16 | UInt32(bytes[i + 3]) << 24
            let low = table[768 + Int(crc & 255)] ^ table[512 + Int(crc >> 8 & 255)]
            crc = low ^ table[256 + Int(crc >> 16 & 255)] ^ table[Int(crc >> 24)]
            i += 4
        }
        while i < bytes.endIndex {
            crc = crc >> 8 ^ table[Int((crc ^ UInt32(bytes[i])) & 255)]
            i += 1
        }
        return ~crc
    }
}
