// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Exact search over arrays of bytes.
enum ByteSearch {
    /// Offsets of the non-overlapping occurrences.
    ///
    /// - Complexity: O(n + m) and what is found (`NeedleSearch`).
    static func occurrences(of needle: [UInt8], in bytes: [UInt8]) -> [Int] {
        guard !needle.isEmpty, needle.count <= bytes.count else { return [] }
        var found: [Int] = []
        needle.withUnsafeBytes { needle in
            bytes.withUnsafeBytes { bytes in
                var search = NeedleSearch()
                search.prepare(ByteRun(needle))
                let run = ByteRun(bytes)
                var from = 0
                while let place = search.first(in: run, from: from) {
                    found.append(place)
                    from = place + needle.count
                }
            }
        }
        return found
    }
}
