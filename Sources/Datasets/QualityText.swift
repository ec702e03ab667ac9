// SPDX-License-Identifier: Apache-2.0

/// When a text says the same again and again.
///
/// Tokens are words, or single characters of scripts without spaces. Within a window of tokens, runs of eight that occurred in it before are counted:
/// a text that goes round in circles of up to a quarter of a window has hardly any others.
package struct LoopRule: Equatable, Sendable {
    /// Tokens looked at together; shorter texts than half of it are never loops.
    package var window = 128
    /// How many of a window's runs have to be repetitions, per mille.
    package var share = 750
    /// One character this often in a row is a loop, lines of rules and tables aside.
    package var sameCharacter = 200

    private static let run = 8

    /// The rule as it stands by default.
    package init() {}

    /// Whether a text is, or ends in, a loop.
    ///
    /// - Complexity: O(n).
    package func isLoop(_ text: String) -> Bool {
        let tokens = LoopRule.tokens(text, sameCharacter: sameCharacter)
        guard let tokens else { return true }
        guard tokens.count >= max(LoopRule.run * 2, window / 2) else { return false }
        var start = 0
        while true {
            let end = min(tokens.count, start + window)
            // The last window is as long as the others.
            let from = max(0, end - window)
            if isLoop(tokens[from..<end]) { return true }
            if end == tokens.count { return false }
            start += window / 2
        }
    }

    private func isLoop(_ tokens: ArraySlice<UInt64>) -> Bool {
        var seen: Set<UInt64> = []
        var runs = 0
        for start in tokens.startIndex...tokens.endIndex - LoopRule.run {
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for token in tokens[start..<start + LoopRule.run] { hash = (hash ^ token) &* 0x9E37_79B9_7F4A_7C15 ^ (hash >> 29) }
            runs += 1
            seen.insert(hash)
        }
        return (runs - seen.count) * 1_000 >= share * runs
    }

    /// Hashes of the tokens; nil where one character follows itself too often.
    private static func tokens(_ text: String, sameCharacter: Int) -> [UInt64]? {
        var (out, hash, length, last, same): ([UInt64], UInt64, Int, UInt32, Int) = ([], 0, 0, 0, 0)
        func close() {
            if length > 0 { out.append(hash) }
            (hash, length) = (0, 0)
        }
        for scalar in text.unicodeScalars {
            let value = scalar.value
            same = value == last ? same + 1 : 1
            last = value
            if same >= sameCharacter, !isRule(value) { return nil }
            if value <= 0x20 || value == 0xA0 || value == 0x3000 {
                close()
                continue
            }
            if TextScript.of(value).isWithoutSpaces { close() }
            hash = (hash ^ UInt64(value)) &* 0x100_0000_01B3 &+ 1
            length += 1
            if TextScript.of(value).isWithoutSpaces { close() }
        }
        close()
        return out
    }

    /// Characters that lines and tables are drawn with, and white space.
    private static func isRule(_ value: UInt32) -> Bool {
        value <= 0x20 || value == 0xA0 || [0x2D, 0x3D, 0x5F, 0x2A, 0x23, 0x7E, 0x2E, 0x2B].contains(value)
            || (0x2500...0x259F).contains(value)
            || value == 0x2014
    }
}

/// Text that was read by the wrong character set.
enum Mojibake {
    /// Whether a text holds at least so many broken characters, as a count and per million.
    static func isBroken(_ text: String, ppm: Int64, least: Int) -> Bool {
        // Broken text has characters beyond ASCII.
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return false }
        let (broken, all) = count(text)
        return broken >= max(1, least) && Int64(broken) * 1_000_000 >= ppm * Int64(all)
    }

    /// Replacement characters, and rows of characters which are UTF-8 read as Windows-1252 (`Ã©`, `â€™`).
    static func count(_ text: String) -> (broken: Int, all: Int) {
        var (broken, all, wanted, high) = (0, 0, 0, false)
        for scalar in text.unicodeScalars {
            all += 1
            if scalar == "\u{FFFD}" { broken += 1 }
            guard let byte = byte(scalar.value) else {
                wanted = 0
                continue
            }
            if wanted > 0, byte & 0xC0 == 0x80 {
                wanted -= 1
                if wanted == 0 { broken += 1 }
                continue
            }
            high = byte >= 0xC2 && byte < 0xF5
            wanted = !high ? 0 : byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1
        }
        return (broken, all)
    }

    /// The byte that Windows-1252 shows as a character beyond ASCII; nil for others.
    private static func byte(_ value: UInt32) -> UInt8? {
        if value >= 0x80, value <= 0xFF { return UInt8(value) }
        return windows[value]
    }

    private static let windows: [UInt32: UInt8] = [
        0x20AC: 0x80, 0x201A: 0x82, 0x0192: 0x83, 0x201E: 0x84, 0x2026: 0x85, 0x2020: 0x86, 0x2021: 0x87, 0x02C6: 0x88,
        0x2030: 0x89,
        0x0160: 0x8A, 0x2039: 0x8B, 0x0152: 0x8C, 0x017D: 0x8E, 0x2018: 0x91, 0x2019: 0x92, 0x201C: 0x93, 0x201D: 0x94,
        0x2022: 0x95,
        0x2013: 0x96, 0x2014: 0x97, 0x02DC: 0x98, 0x2122: 0x99, 0x0161: 0x9A, 0x203A: 0x9B, 0x0153: 0x9C, 0x017E: 0x9E,
        0x0178: 0x9F,
    ]
}

/// Words with which assistants decline, in the first 200 characters of an answer.
///
/// A hint only: an answer may quote them, and a refusal may use others.
enum RefusalPhrases {
    private static let characters = 200

    private static let phrases = [
        "i can't help with", "i cannot help with", "i can't assist", "i cannot assist", "i'm sorry, but i can",
        "i am sorry, but i can",
        "i'm unable to", "i am unable to", "i'm not able to", "i am not able to", "i can't provide", "i cannot provide",
        "i can't comply",
        "i cannot comply", "i can't fulfill", "i cannot fulfill", "i won't be able to", "i can't do that", "i must decline",
        "i have to decline",
        "i can't create", "i cannot create", "i can't generate", "i cannot generate", "i can't share", "i cannot share",
        "as an ai language model",
        "i'm just an ai", "against my guidelines", "i can't discuss", "i cannot discuss", "i can't engage", "i cannot engage",
        "ich kann dir dabei nicht helfen", "ich kann ihnen dabei nicht helfen", "das kann ich leider nicht",
        "je ne peux pas vous aider",
        "je ne suis pas en mesure", "no puedo ayudarte con", "lo siento, pero no puedo", "não posso ajudar",
        "mi dispiace, ma non posso",
        "抱歉，我无法", "我不能帮助", "申し訳ありませんが", "죄송하지만",
    ]

    static func begins(_ text: String) -> Bool {
        let head = String(text.unicodeScalars.prefix(characters).map { $0 == "\u{2019}" ? "'" : Character($0) }).lowercased()
        return phrases.contains { head.contains($0) }
    }
}
