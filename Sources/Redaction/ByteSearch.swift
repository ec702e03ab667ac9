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

    /// How many bytes some bytes end with that a needle begins with, the whole needle not among them.
    ///
    /// - Complexity: O(m) of the needle.
    static func beginning(of needle: [UInt8], atEndOf bytes: [UInt8]) -> Int {
        guard !needle.isEmpty else { return 0 }
        return needle.withUnsafeBytes { needle in
            bytes.withUnsafeBytes { bytes in
                var search = NeedleSearch()
                search.prepare(ByteRun(needle))
                return search.beginning(atEndOf: ByteRun(bytes))
            }
        }
    }

    /// How many bytes some bytes begin with that a needle ends with, the whole needle not among them.
    ///
    /// - Complexity: O(m) of the needle.
    static func end(of needle: [UInt8], atStartOf bytes: [UInt8]) -> Int {
        beginning(of: needle.reversed(), atEndOf: bytes.prefix(needle.count).reversed())
    }
}
