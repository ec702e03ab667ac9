// SPDX-License-Identifier: Apache-2.0

/// Exact search over bytes.
enum ByteSearch {
    /// Offsets of the non-overlapping occurrences, by Horspool's rule.
    ///
    /// - Complexity: O(n / m) where nothing matches, O(n * m) at worst.
    static func occurrences(of needle: [UInt8], in bytes: [UInt8]) -> [Int] {
        guard !needle.isEmpty, needle.count <= bytes.count else { return [] }
        let last = needle.count - 1
        var skip = [Int](repeating: needle.count, count: 256)
        for i in 0..<last { skip[Int(needle[i])] = last - i }
        var found: [Int] = []
        var position = 0
        while position <= bytes.count - needle.count {
            let tail = bytes[position + last]
            if tail == needle[last], bytes[position..<position + last].elementsEqual(needle[..<last]) {
                found.append(position)
                position += needle.count
            } else {
                position += skip[Int(tail)]
            }
        }
        return found
    }
}
