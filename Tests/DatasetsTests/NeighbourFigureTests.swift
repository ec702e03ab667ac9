// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// The nearest training row of each eval row, against words.
@Suite struct NeighbourFigureTests {
    /// Texts in pairs that share from nothing to nearly half of their words.
    private static func traffic() -> [DatasetInput] {
        (0..<60).flatMap { family -> [DatasetInput] in
            let words = TestRecords.long("family \(family)").split(separator: " ").map(String.init)
            let other = TestRecords.long("stranger \(family)").split(separator: " ").map(String.init)
            let kept = family % 18
            let texts = [words, Array(words.prefix(kept)) + other.prefix(30 - kept)]
            return texts.enumerated().map { member, text in
                TestRecords.input(
                    TestRecords.chat(UInt64(family * 10 + member), [text.joined(separator: " ")], answer: "a \(family) \(member)")
                )
            }
        }
    }

    /// The name of the bucket that something falls into.
    private static func label(_ shared: Int, of size: Int) -> String {
        guard shared > 0 else { return "nothing" }
        let step = Int((Double(shared) / Double(size) * 20).rounded(.down))
        return "\(step * 5) to \(step * 5 + 5) %"
    }

    @Test func theFigureIsWhatTheFilesSay() throws {
        let scratch = try Scratch()
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 500_000
        _ = try scratch.build(recipe, Self.traffic())
        let train = try WordOracle.rows(scratch, "train.jsonl")
        let eval = try WordOracle.rows(scratch, "eval.jsonl")
        var share: [String: Int] = [:]
        var jaccard: [String: Int] = [:]
        for row in eval {
            let found = train.map { WordOracle.shared(row, $0) }
            let byShare = found.map { Double($0.shared) / Double(min($0.a, $0.b)) }.max() ?? 0
            let byUnion = found.map { Double($0.shared) / Double($0.a + $0.b - $0.shared) }.max() ?? 0
            // Nothing lies just on a bound but zero: sizes are 26 to 28 and what is shared is no multiple of their twentieth.
            share[Self.label(Int(byShare * 1_000_000), of: 1_000_000), default: 0] += 1
            jaccard[Self.label(Int(byUnion * 1_000_000), of: 1_000_000), default: 0] += 1
        }
        let manifest = try #require(
            try JSONSerialization.jsonObject(with: Data(try scratch.text("manifest.json").utf8)) as? [String: Any])
        let bars = try #require(manifest["neighbours"] as? [[String: Any]])
        #expect(bars.count == 11)
        for bar in bars {
            let label = try #require(bar["shared"] as? String)
            #expect(bar["share"] as? Int == share[label] ?? 0, "\(label)")
            #expect(bar["jaccard"] as? Int == jaccard[label] ?? 0, "\(label)")
        }
        #expect(bars.reduce(0) { $0 + ($1["share"] as? Int ?? 0) } == eval.count)
        // Some are in the middle: it is a distribution.
        #expect(share.filter { $0.value > 0 }.count >= 4, "\(share)")
        #expect(try scratch.text("report.html").contains("Nearest training row of each eval row"))
    }

    @Test func aSideWithoutRowsHasNoFigure() throws {
        let scratch = try Scratch()
        var recipe = DatasetRecipe(name: "demo")
        recipe.eval.sharePPM = 0
        _ = try scratch.build(recipe, Self.traffic())
        #expect(try scratch.text("manifest.json").contains(#""neighbours":[]"#))
        #expect(try !scratch.text("report.html").contains("Nearest training row"))
    }
}
