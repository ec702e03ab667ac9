// SPDX-License-Identifier: Apache-2.0
import Crypto

/// Ids of calls as Mistral wants them: nine letters and digits that follow from the id they stand for.
enum MistralCallIDs {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    /// Digits of base 62 that 256 bits take.
    private static let digits = 43

    /// The first nine digits of the id's SHA-256, read as one number, in base 62.
    static func rewrite(_ id: String) -> String {
        var number = Array(SHA256.hash(data: Array(id.utf8)))
        var out: [UInt8] = []
        for _ in 0..<digits {
            var rest: UInt16 = 0
            for place in number.indices {
                let part = rest << 8 | UInt16(number[place])
                number[place] = UInt8(truncatingIfNeeded: part / 62)
                rest = part % 62
            }
            out.append(alphabet[Int(rest)])
        }
        return String(decoding: out.reversed().prefix(9), as: UTF8.self)
    }

    /// The new id of each call in a row, by the bytes of the old one; `rewriting` stands in for `rewrite` in tests.
    static func table(
        _ turns: [CanonicalTurn], rewriting: (String) -> String = MistralCallIDs.rewrite
    ) throws(FormatRefusal) -> [[UInt8]: String] {
        var table: [[UInt8]: String] = [:]
        var taken: Set<String> = []
        for turn in turns {
            for id in turn.toolCalls.map(\.id) + (turn.answeredCall.map { [$0] } ?? []) where table[Array(id.utf8)] == nil {
                let short = rewriting(id)
                guard taken.insert(short).inserted else { throw .toolCallIDCollision }
                table[Array(id.utf8)] = short
            }
        }
        return table
    }
}

/// Ids of calls as OpenAI's services take them: those that are too long are written as Mistral's are, the others as they stand.
enum OpenAICallIDs {
    /// Whether an id is too long.
    static func isLong(_ id: String) -> Bool { id.unicodeScalars.count > FormatLimits.callIDScalars }

    /// The new id of each call in a row whose own is too long, by the bytes of the old one.
    static func table(_ turns: [CanonicalTurn]) throws(FormatRefusal) -> [[UInt8]: String] {
        let ids = turns.flatMap { $0.toolCalls.map(\.id) + ($0.answeredCall.map { [$0] } ?? []) }
        guard ids.contains(where: isLong) else { return [:] }
        var table: [[UInt8]: String] = [:]
        var taken = Set(ids.map { Array($0.utf8) })
        for id in ids where isLong(id) && table[Array(id.utf8)] == nil {
            let short = MistralCallIDs.rewrite(id)
            guard taken.insert(Array(short.utf8)).inserted else { throw .toolCallIDCollision }
            table[Array(id.utf8)] = short
        }
        return table
    }
}
