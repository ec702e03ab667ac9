// SPDX-License-Identifier: Apache-2.0
package import ByteCoding

/// Exact search for one needle in many runs: by Horspool's rule, and by Knuth's, Morris' and Pratt's where that proves slow.
///
/// Callers choose both the needle and what it is looked for in: no choice may hold the capture thread up.
/// Owned by one thread; the needle must outlive the searches.
package struct NeedleSearch: ~Copyable {
    private let skip = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    private var needle = ByteRun.empty
    /// For each prefix of the needle, the length of its longest proper border; empty until it is needed.
    private var borders: [Int32] = []

    /// Bytes of the needle.
    package var count: Int { needle.count }

    /// No needle yet.
    package init() {}

    deinit { skip.deallocate() }

    /// Sets the needle; at least one byte.
    package mutating func prepare(_ needle: ByteRun) {
        self.needle = needle
        borders.removeAll(keepingCapacity: true)
        let last = needle.count - 1
        skip.initialize(repeating: UInt8(clamping: needle.count), count: 256)
        for i in 0..<last {
            skip[Int(needle.base.load(fromByteOffset: i, as: UInt8.self))] = UInt8(clamping: last - i)
        }
    }

    /// Where the needle begins in a run, from an offset on, or nil.
    ///
    /// - Complexity: O(n / m) where nothing matches, O(n + m) at worst.
    package mutating func first(in run: ByteRun, from start: Int = 0) -> Int? {
        let last = needle.count - 1
        var position = start
        let end = run.count - needle.count
        guard last >= 0 else { return nil }
        let tail = needle.base.load(fromByteOffset: last, as: UInt8.self)
        var effort = 4 * max(0, run.count - start) + 1_024
        while position <= end {
            let byte = run.base.load(fromByteOffset: position + last, as: UInt8.self)
            if byte == tail {
                let common = matching(run, at: position)
                if common == last { return position }
                effort -= common
            }
            position += byte == tail && last > 0 ? max(1, Int(skip[Int(byte)])) : Int(skip[Int(byte)])
            effort -= 1
            if effort < 0 { return firstByBorders(in: run, from: position) }
        }
        return nil
    }

    /// How many bytes before the needle's last one are the same, from its beginning on.
    private func matching(_ run: ByteRun, at position: Int) -> Int {
        let last = needle.count - 1
        var i = 0
        while i + 8 <= last,
            needle.base.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                == run.base.loadUnaligned(fromByteOffset: position + i, as: UInt64.self)
        {
            i += 8
        }
        while i < last,
            needle.base.load(fromByteOffset: i, as: UInt8.self) == run.base.load(fromByteOffset: position + i, as: UInt8.self)
        {
            i += 1
        }
        return i
    }

    private mutating func firstByBorders(in run: ByteRun, from start: Int) -> Int? {
        if borders.isEmpty { findBorders() }
        func byte(_ i: Int) -> UInt8 { needle.base.load(fromByteOffset: i, as: UInt8.self) }
        var matched = 0
        var i = start
        while i < run.count {
            let next = run.base.load(fromByteOffset: i, as: UInt8.self)
            while matched > 0, byte(matched) != next { matched = Int(borders[matched - 1]) }
            if byte(matched) == next { matched += 1 }
            if matched == needle.count { return i - matched + 1 }
            i += 1
        }
        return nil
    }

    /// How many bytes a run ends with that the needle begins with, the whole needle not among them.
    ///
    /// - Parameter run: what is cut there.
    /// - Returns: 0 where none do.
    /// - Complexity: O(m).
    package mutating func beginning(atEndOf run: ByteRun) -> Int {
        guard needle.count > 1 else { return 0 }
        if borders.isEmpty { findBorders() }
        func byte(_ i: Int) -> UInt8 { needle.base.load(fromByteOffset: i, as: UInt8.self) }
        var matched = 0
        for i in max(0, run.count - needle.count + 1)..<run.count {
            let next = run.base.load(fromByteOffset: i, as: UInt8.self)
            while matched > 0, byte(matched) != next { matched = Int(borders[matched - 1]) }
            if byte(matched) == next { matched += 1 }
        }
        return matched
    }

    private mutating func findBorders() {
        func byte(_ i: Int) -> UInt8 { needle.base.load(fromByteOffset: i, as: UInt8.self) }
        borders.append(0)
        var length = 0
        for i in 1..<max(1, needle.count) {
            while length > 0, byte(length) != byte(i) { length = Int(borders[length - 1]) }
            if byte(length) == byte(i) { length += 1 }
            borders.append(Int32(clamping: length))
        }
    }
}
