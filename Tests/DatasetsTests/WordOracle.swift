// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The definition of G3 for rows of one user turn of plain words, apart from `Separation`: sets of texts, counted.
enum WordOracle {
    /// Words as tokens are: in small letters, each digit a zero.
    static func words(_ text: String) -> [String] {
        text.split(separator: " ").map { $0.lowercased().map { $0.isNumber ? "0" : String($0) }.joined() }
    }

    static func shingles(_ words: [String]) -> Set<String> {
        guard words.count >= 5 else { return words.isEmpty ? [] : [words.joined(separator: " ")] }
        return Set((0...words.count - 5).map { words[$0..<$0 + 5].joined(separator: " ") })
    }

    /// What two rows share, of how many each.
    static func shared(_ a: [String], _ b: [String]) -> (shared: Int, a: Int, b: Int) {
        let (x, y) = (shingles(a), shingles(b))
        return (x.intersection(y).count, x.count, y.count)
    }

    static func isNear(_ a: [String], _ b: [String]) -> Bool {
        let found = shared(a, b)
        return found.a > 0 && found.b > 0 && 2 * found.shared >= min(found.a, found.b)
    }

    /// The words of the first user turn of each row of a file of ours.
    static func rows(_ scratch: Scratch, _ file: String, in name: String = "set") throws -> [[String]] {
        try scratch.lines(file, in: name).map { line in
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let messages = try #require(row["messages"] as? [[String: Any]])
            return words(try #require(messages.first { $0["role"] as? String == "user" }?["content"] as? String))
        }
    }
}
