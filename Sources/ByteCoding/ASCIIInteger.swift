// SPDX-License-Identifier: Apache-2.0

/// Decimal integers over bytes.
package enum ASCIIInteger {
    /// Reads `-?[0-9]+` that fits 64 bits, else nil.
    package static func parse(_ text: some Sequence<UInt8>) -> Int64? {
        var value: Int64 = 0
        var isNegative = false
        var digits = 0
        var isFirst = true
        for byte in text {
            if isFirst, byte == UInt8(ascii: "-") {
                isNegative = true
                isFirst = false
                continue
            }
            isFirst = false
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            // Built up below zero, so that Int64.min is read too.
            let (next, overflow2) = scaled.subtractingReportingOverflow(Int64(byte - 0x30))
            guard !overflow, !overflow2 else { return nil }
            value = next
            digits += 1
        }
        guard digits > 0 else { return nil }
        if isNegative { return value }
        return value == Int64.min ? nil : -value
    }
}
