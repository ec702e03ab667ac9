// SPDX-License-Identifier: Apache-2.0

/// Fixed-width little-endian integers over byte arrays.
package enum FixedInts {
    /// Appends an integer, least significant byte first.
    package static func append<T: FixedWidthInteger & UnsignedInteger>(_ value: T, to out: inout [UInt8]) {
        var left = value
        for _ in 0..<(T.bitWidth / 8) {
            out.append(UInt8(truncatingIfNeeded: left))
            left = T.bitWidth == 8 ? 0 : left >> 8
        }
    }

    /// Reads an integer at an offset, or nil where too few bytes are left.
    package static func read<T: FixedWidthInteger & UnsignedInteger>(_: T.Type, from bytes: [UInt8], at offset: Int) -> T? {
        let width = T.bitWidth / 8
        guard offset >= 0, offset <= bytes.count, width <= bytes.count - offset else { return nil }
        var value: T = 0
        for i in stride(from: width - 1, through: 0, by: -1) {
            value = (T.bitWidth == 8 ? 0 : value << 8) | T(bytes[offset + i])
        }
        return value
    }
}
