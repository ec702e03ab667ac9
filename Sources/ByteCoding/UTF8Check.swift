// SPDX-License-Identifier: Apache-2.0

/// Validation of UTF-8 (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
package enum UTF8Check {
    /// The offset of the first byte of the first ill-formed sequence, or nil where all is well.
    ///
    /// - Complexity: O(n).
    package static func firstInvalidOffset(_ bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { firstInvalidOffset(ByteRun($0)) }
    }

    /// The offset of the first byte of the first ill-formed sequence of a run, or nil where all is well.
    ///
    /// - Complexity: O(n), 32 bytes a step where they are ASCII.
    static func firstInvalidOffset(_ run: ByteRun) -> Int? {
        var i = 0
        while true {
            i = run.asciiPrefix(from: i)
            guard i < run.count else { return nil }
            let length = sequenceLength(run, at: i)
            if length == 0 { return i }
            i += length
        }
    }

    /// Length of the well-formed sequence at `i`, or 0.
    private static func sequenceLength(_ run: ByteRun, at i: Int) -> Int {
        func byte(_ at: Int) -> UInt8 { run.base.load(fromByteOffset: at, as: UInt8.self) }
        let first = byte(i)
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if first == 0xE0 { low = 0xA0 }
            if first == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            length = 4
            if first == 0xF0 { low = 0x90 }
            if first == 0xF4 { high = 0x8F }
        default: return 0
        }
        guard i + length <= run.count, byte(i + 1) >= low, byte(i + 1) <= high else { return 0 }
        for k in 2..<max(length, 2) where byte(i + k) & 0xC0 != 0x80 { return 0 }
        return length
    }
}
