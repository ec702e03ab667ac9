// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The check value of an arena's entry.
///
/// A disk writes a page by sectors, and the kernel reads it while the loop writes: after a power cut a page may hold sectors of two times
/// or of two exchanges. The value tells such an entry from a true one. It is made on the event loop, so it is a mix of 16 bytes a step by one
/// wide multiplication (the kernel of wyhash, public domain) and no checksum by tables; against forgery it does not help.
enum EntryCheck {
    private static let first: UInt64 = 0xA076_1D64_78BD_642F
    private static let second: UInt64 = 0xE703_7ED1_A0B4_28DB

    /// The value of an entry.
    ///
    /// - Parameters:
    ///   - run: its bytes.
    ///   - head: the four bytes before the value: length, kind, whether it goes on.
    ///   - timeUs: its time.
    ///   - salt: whose it is.
    /// - Returns: the value.
    /// - Complexity: O(n), about 0.15 ns a byte.
    @inline(__always)
    static func value(of run: ByteRun, head: UInt32, timeUs: Int64, salt: UInt64) -> UInt32 {
        var state = fold(salt ^ first, UInt64(bitPattern: timeUs) ^ UInt64(head) << 32 ^ second)
        var at = 0
        while at &+ 16 <= run.count {
            state = step(state, run, at)
            at &+= 16
        }
        if at < run.count {
            // The last 16 bytes once more, or byte by byte where there are no 16; the length is mixed in with `head`.
            if at > 0 {
                state = step(state, run, run.count &- 16)
            } else {
                for index in 0..<run.count {
                    state = fold(state ^ first, UInt64(unsafe run.base.load(fromByteOffset: index, as: UInt8.self)) ^ second)
                }
            }
        }
        state = fold(state ^ first, second)
        return UInt32(truncatingIfNeeded: state ^ state >> 32)
    }

    @inline(__always)
    private static func step(_ state: UInt64, _ run: ByteRun, _ at: Int) -> UInt64 {
        let low = unsafe run.base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        let high = unsafe run.base.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)
        return fold(low ^ first, high ^ state)
    }

    @inline(__always)
    private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (high, low) = a.multipliedFullWidth(by: b)
        return high ^ low
    }
}
