// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What the kernel is told of memory that is used as a whole.
package enum MemoryAdvice {
    /// Below it a few faults are cheaper than a call.
    private static let leastBytes = 4 << 20

    /// Asks for all pages at once, where each would be a fault of its own when it is first written.
    ///
    /// Only advice: where the kernel does not know it (before Linux 5.14) or has no memory, nothing changes.
    /// - Parameters:
    ///   - start: the first byte of memory that the caller owns and is about to fill.
    ///   - count: bytes.
    package static func fillsWhole(_ start: UnsafeMutableRawPointer, count: Int) {
        guard count >= leastBytes else { return }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        guard page > 0 else { return }
        let skipped = (page - Int(bitPattern: start) % page) % page
        _ = unsafe madvise(start + skipped, (count - skipped) / page * page, MADV_POPULATE_WRITE)
    }
}
