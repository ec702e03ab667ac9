// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Finds the lines of a text that hold a word, fast enough to run before any regex.
struct LineIndex {
    private let bytes: [UInt8]
    private let starts: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        starts = [0] + Self.offsets(of: [UInt8(ascii: "\n")], in: bytes).map { $0 + 1 }
    }

    /// The indices of the lines that hold one of the words, in order.
    func lines(holding words: [String]) -> [Int] {
        var found: Set<Int> = []
        for word in words {
            for offset in Self.offsets(of: Array(word.utf8), in: bytes) { found.insert(line(at: offset)) }
        }
        return found.sorted()
    }

    private func line(at offset: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return low
    }

    private static func offsets(of word: [UInt8], in bytes: [UInt8]) -> [Int] {
        guard let first = word.first, bytes.count >= word.count else { return [] }
        var found: [Int] = []
        bytes.withUnsafeBytes { text in
            guard let base = text.baseAddress else { return }
            let end = text.count - word.count + 1
            var at = 0
            while at < end, let hit = memchr(base + at, Int32(first), end - at) {
                let offset = UnsafeRawPointer(hit) - base
                if memcmp(hit, word, word.count) == 0 { found.append(offset) }
                at = offset + 1
            }
        }
        return found
    }
}
