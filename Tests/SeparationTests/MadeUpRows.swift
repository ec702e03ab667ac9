// SPDX-License-Identifier: Apache-2.0
import Separation
import TestSupport

/// Rows of a few words only, pasted together from common pieces, so that they share about as much as the rules allow.
struct MadeUpRows {
    private var random: SplitMix64
    private let words: [String]
    private var pieces: [[String]] = []

    init(seed: UInt64, words: Int, pieces: Int) {
        random = SplitMix64(seed: seed)
        self.words = (0..<words).map { "w\(String($0, radix: 36))x" }
        for _ in 0..<pieces { self.pieces.append(fresh(Int.random(in: 3...16, using: &random))) }
    }

    private mutating func fresh(_ count: Int) -> [String] {
        (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &random)] }
    }

    /// Some pieces and some words of its own.
    mutating func text() -> String {
        var out: [String] = []
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            if Bool.random(using: &random), let piece = pieces.randomElement(using: &random) {
                out += piece
            } else {
                out += fresh(Int.random(in: 0...10, using: &random))
            }
        }
        return out.joined(separator: [" ", "  ", ", ", "\r\n"].randomElement(using: &random) ?? " ")
    }

    mutating func turns() -> [SeparationTurn] {
        var out: [SeparationTurn] = []
        if Bool.random(using: &random) {
            out.append(SeparationTurn(role: .system, text: "You are \(Int.random(in: 0...1, using: &random))."))
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            out.append(SeparationTurn(role: .user, text: text()))
            if Int.random(in: 0..<4, using: &random) == 0 {
                let call = SeparationTurn.ToolCall(name: "find", arguments: #"{"a":1,"b":2}"#)
                out.append(SeparationTurn(role: .assistant, text: "", calls: [call]))
                out.append(SeparationTurn(role: .tool, text: text()))
            }
            if Bool.random(using: &random) {
                out.append(SeparationTurn(role: .assistant, text: "Yes \(Int.random(in: 0...9, using: &random))"))
            }
        }
        return out
    }

    mutating func row() -> OracleRow {
        let keys = (0..<Int.random(in: 0...2, using: &random)).map { _ in "customer=\(Int.random(in: 0...400, using: &random))" }
        return OracleRow(turns(), keys: keys)
    }
}
