// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Pairs against the rules as they are written down, asked of every two exchanges there are.
@Suite struct PreferencePairTests {
    /// An exchange as the test made it.
    struct Asked {
        let number: UInt64
        let prompt: [String]
        let answer: String
        var caller = "k1"
        var tookMs: Int64 = 0
        var deployments = ["one"]
        var hasTools = false
        var isGood = true

        var id: ExchangeID { TestRecords.id(number) }

        var input: DatasetInput {
            let messages = prompt.enumerated().map { place, text in
                #"{"role":"\#(place % 2 == 0 ? "user" : "assistant")","content":\#(TestRecords.quoted(text))}"#
            }
            let tools = hasTools ? #","tools":[{"type":"function","function":{"name":"look"}}]"# : ""
            var record = TestRecords.record(
                number, api: .openaiChat, request: #"{"model":"m","messages":[\#(messages.joined(separator: ","))]\#(tools)}"#,
                answer: TestRecords.chatAnswer(answer))
            record.head.keyID = caller
            record.head.endedUs = tookMs * 1_000
            if !isGood { record.head.outcome = .clientClosed }
            record.attempts = deployments.enumerated().map { place, name in
                var attempt = Attempt(n: place + 1, startedUs: 0)
                attempt.deployment = name
                return attempt
            }
            return TestRecords.input(record)
        }
    }

    /// The rules, word by word, over lists.
    struct Oracle {
        let recipe: DatasetRecipe
        let asked: [Asked]
        let feedback: [Feedback]

        /// The newest score and correction of one answer: of each exchange and source the latest piece, of those the newest.
        func newest<Value>(_ prompt: [String], _ answer: String, _ value: (Feedback) -> Value?) -> (source: String, value: Value)?
        {
            let ids = asked.filter { $0.isGood && $0.prompt == prompt && $0.answer == answer }.map(\.id)
            let latest = feedback.filter { piece in
                ids.contains(piece.exchange)
                    && !feedback.contains {
                        $0.exchange == piece.exchange && $0.source == piece.source && ($0.atUs, $0.id) > (piece.atUs, piece.id)
                    }
            }
            let found = latest.filter { value($0) != nil }.max { ($0.atUs, $0.id) < ($1.atUs, $1.id) }
            return found.flatMap { piece in value(piece).map { (piece.source, $0) } }
        }

        func evidence(_ a: Asked, _ b: Asked) -> PairSource? {
            if let high = newest(a.prompt, a.answer, \.score), let low = newest(b.prompt, b.answer, \.score),
                high.source == low.source, high.value > low.value, recipe.pairs.sources.contains(.feedback)
            {
                return .feedback
            }
            let later = asked.filter {
                $0.isGood && $0.prompt == a.prompt && $0.caller == a.caller && $0.hasTools == a.hasTools && $0.number > a.number
            }
            let wentOn = asked.contains { $0.isGood && Array($0.prompt.prefix(b.prompt.count + 1)) == b.prompt + [b.answer] }
            if recipe.pairs.sources.contains(.regeneration), later.isEmpty, a.caller == b.caller, !wentOn,
                a.number >= b.number + UInt64(b.tookMs), a.number - b.number <= 3_600_000
            {
                return .regeneration
            }
            let (fallback, primary) = recipe.pairs.isFallbackChosen ? (a, b) : (b, a)
            if recipe.pairs.sources.contains(.fallback), fallback.deployments.first != fallback.deployments.last,
                primary.deployments.first == primary.deployments.last, primary.deployments.first == fallback.deployments.first
            {
                return .fallback
            }
            return nil
        }

        func strongest(_ prompt: [String], _ hasTools: Bool, _ better: String, over worse: String) -> Int? {
            let same = asked.filter { $0.isGood && $0.prompt == prompt && $0.hasTools == hasTools }
            return same.filter { $0.answer == better }.flatMap { a in
                same.filter { $0.answer == worse }.compactMap { evidence(a, $0)?.rank }
            }.min()
        }

        func pairs(_ row: Asked) -> Set<PreferencePair> {
            let isCorrected = newest(row.prompt, row.answer, \.correction) != nil
            let isUsed = recipe.feedback.corrections == .answer
            var found: Set<PreferencePair> = []
            if isCorrected, isUsed, recipe.pairs.sources.contains(.correction) {
                found.insert(PreferencePair(chosen: row.id, rejected: row.id, source: .correction))
            }
            if let score = newest(row.prompt, row.answer, \.score), score.value < 0.5 { return found }
            if isCorrected, !isUsed { return found }
            let others = asked.filter {
                $0.isGood && $0.prompt == row.prompt && $0.hasTools == row.hasTools && $0.answer != row.answer
            }
            for answer in Set(others.map(\.answer)) {
                guard let rank = strongest(row.prompt, row.hasTools, row.answer, over: answer) else { continue }
                if let turned = strongest(row.prompt, row.hasTools, answer, over: row.answer), turned <= rank { continue }
                guard let first = others.filter({ $0.answer == answer }).map(\.id).min() else { continue }
                found.insert(PreferencePair(chosen: row.id, rejected: first, source: PairSource.allCases[rank]))
            }
            return found
        }
    }

    /// A few questions, each asked several times by several callers over two hours; some conversations go on.
    static func traffic(_ generator: inout SplitMix64) -> [Asked] {
        var asked: [Asked] = []
        func add(_ prompt: [String]) {
            var one = Asked(
                number: UInt64.random(in: 0..<7_200_000, using: &generator), prompt: prompt,
                answer: ["red", "green", "blue"].randomElement(using: &generator) ?? "red")
            one.caller = ["k1", "k2"].randomElement(using: &generator) ?? "k1"
            one.tookMs = Int64.random(in: 0...1_000_000, using: &generator)
            one.deployments = [["one"], ["one", "two"], ["two"], ["one", "one"]].randomElement(using: &generator) ?? ["one"]
            one.hasTools = Int.random(in: 0..<5, using: &generator) == 0
            one.isGood = Int.random(in: 0..<6, using: &generator) != 0
            asked.append(one)
        }
        for _ in 0..<8 {
            let question = TestRecords.long("question \(UInt64.random(in: 0...UInt64.max, using: &generator))")
            for _ in 0..<Int.random(in: 1...7, using: &generator) { add([question]) }
            let answer = asked.last?.answer ?? ""
            guard Bool.random(using: &generator) else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &generator) { add([question, answer, "and then?"]) }
        }
        return asked
    }

    static func feedback(about asked: [Asked], _ generator: inout SplitMix64) -> [Feedback] {
        var pieces: [Feedback] = []
        for one in asked {
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let kind = Int.random(in: 0..<6, using: &generator)
                pieces.append(
                    TestRecords.feedback(
                        UInt64(pieces.count), about: one.number, at: Int64.random(in: 0..<3, using: &generator),
                        from: Bool.random(using: &generator) ? "app" : "queue",
                        score: kind < 4 ? Double(Int.random(in: 0...4, using: &generator)) / 4 : nil,
                        correction: kind == 3 || kind == 4 ? .text("better \(pieces.count)") : nil))
            }
        }
        return pieces
    }

    static func recipe(_ seed: UInt64) -> DatasetRecipe {
        var recipe = DatasetRecipe(name: "pairs")
        recipe.eval.sharePPM = 300_000
        recipe.train.perGroup = seed % 2 == 0 ? nil : 2
        recipe.feedback.corrections = seed % 3 == 0 ? .ignore : .answer
        recipe.pairs.isFallbackChosen = seed % 4 != 0
        if seed % 5 == 0 { recipe.pairs.sources = [.regeneration, .fallback] }
        return recipe
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func pairsAreThoseOfTheRules(seed: UInt64) throws {
        let scratch = try Scratch()
        var generator = SplitMix64(seed: seed)
        let asked = Self.traffic(&generator)
        let pieces = Self.feedback(about: asked, &generator)
        let recipe = Self.recipe(seed)
        let plan = try scratch.plan(recipe, asked.map(\.input), feedback: pieces)
        let oracle = Oracle(recipe: recipe, asked: asked, feedback: pieces)
        let byID = Dictionary(asked.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let train = try #require(plan.rows[.train])
        for row in train {
            let wanted = oracle.pairs(try #require(byID[row.id]))
            #expect(Set(plan.pairs[row.id] ?? []) == wanted)
        }
        #expect(Set(plan.pairs.keys).isSubset(of: train.map(\.id)))
        // No answer of a pair belongs to a conversation that is measured with.
        let measured = Set((plan.rows[.eval] ?? []).compactMap { byID[$0.id]?.prompt[0] })
        let paired = plan.pairs.values.joined().flatMap { [$0.chosen, $0.rejected] }.compactMap { byID[$0]?.prompt[0] }
        #expect(measured.isDisjoint(with: paired))
        // The order of records and of feedback does not matter, of the pairs in a row neither.
        let again = try scratch.plan(
            recipe, asked.map(\.input).shuffled(using: &generator), feedback: pieces.shuffled(using: &generator))
        #expect(again.pairs == plan.pairs)
        for pairs in plan.pairs.values { #expect(pairs.map(\.source.rank) == pairs.map(\.source.rank).sorted()) }
    }

    @Test func theRandomTreesHoldEverySourceOnBothSidesOfItsRule() throws {
        let scratch = try Scratch()
        var counts: [PairSource: Int] = [:]
        for seed in 1...40 as ClosedRange<UInt64> {
            var generator = SplitMix64(seed: seed)
            let asked = Self.traffic(&generator)
            let pieces = Self.feedback(about: asked, &generator)
            let plan = try scratch.plan(Self.recipe(seed), asked.map(\.input), feedback: pieces)
            for pair in plan.pairs.values.joined() { counts[pair.source, default: 0] += 1 }
        }
        for source in PairSource.allCases { #expect(counts[source] ?? 0 >= 10, "\(source) \(counts)") }
    }

    @Test func aPromptGivesAtMostSoManyPairs() throws {
        let scratch = try Scratch()
        var recipe = DatasetRecipe(name: "pairs")
        recipe.eval.sharePPM = 0
        let question = TestRecords.long("what?")
        let asked = (0..<200 as Range<UInt64>).map { Asked(number: $0, prompt: [question], answer: "answer \($0)") }
        let plan = try scratch.plan(recipe, asked.map(\.input), feedback: [])
        // All by one caller: the last answer against the newest before it.
        let wanted = (0..<UInt64(DatasetLimits.pairsPerPrompt)).map {
            PreferencePair(chosen: TestRecords.id(199), rejected: TestRecords.id(198 - $0), source: .regeneration)
        }
        #expect(plan.pairs == [TestRecords.id(199): wanted])
    }

    @Test func contradictingEvidenceOfOneKindMakesNoPair() throws {
        let scratch = try Scratch()
        var recipe = DatasetRecipe(name: "pairs")
        recipe.eval.sharePPM = 0
        let question = TestRecords.long("what?")
        var asked = [
            Asked(number: 1, prompt: [question], answer: "yes"), Asked(number: 2, prompt: [question], answer: "no"),
            Asked(number: 3, prompt: [question], answer: "no", caller: "k2"),
        ]
        #expect(try scratch.plan(recipe, asked.map(\.input), feedback: []).pairs.count == 1)
        asked.append(Asked(number: 4, prompt: [question], answer: "yes", caller: "k2"))
        #expect(try scratch.plan(recipe, asked.map(\.input), feedback: []).pairs.isEmpty)
        // What somebody said decides.
        let said = [TestRecords.feedback(1, about: 3, score: 1), TestRecords.feedback(2, about: 1, score: 0)]
        let pair = PreferencePair(chosen: TestRecords.id(2), rejected: TestRecords.id(1), source: .feedback)
        #expect(try scratch.plan(recipe, asked.map(\.input), feedback: said).pairs == [TestRecords.id(2): [pair]])
    }
}
