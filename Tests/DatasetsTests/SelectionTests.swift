// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import FactStore
import Foundation
import Testing

@testable import Datasets

@Suite struct SelectionTests {
    private static func fact(_ number: UInt64) -> ExchangeFact {
        var head = TestRecords.record(number, api: .openaiChat, request: "{}", answer: "{}").head
        head.attribution.task = number % 2 == 0 ? "even" : "odd"
        head.attribution.environment = number % 3 == 0 ? nil : "prod"
        head.attribution.metadata = [("team", "t\(number % 4)")]
        head.provider = number % 5 == 0 ? "anthropic" : "openai"
        head.keyID = number % 7 == 0 ? "k" : nil
        head.status = number % 11 == 0 ? 500 : 200
        head.outcome = number % 13 == 0 ? .clientClosed : .completed
        head.endedUs = Int64(number) * 1_000
        var fact = ExchangeFact(head: head, location: PayloadLocation(segment: "s", frame: 0, offset: 0))
        fact.reading.modelRequested = "m"
        fact.reading.modelResponded = number % 2 == 0 ? "m-1" : nil
        fact.reading.finishReason = number % 2 == 0 ? "stop" : "length"
        fact.reading.usage.inputTotal = number % 17 == 0 ? nil : Int64(number)
        fact.reading.usage.outputTotal = Int64(number) * 2
        fact.reading.ttftUs = Int64(number) * 500
        fact.cost.totalNanousd = Int64(number) * 10
        return fact
    }

    private static func admitted(_ change: (inout DatasetSelection) -> Void) -> [UInt64] {
        var selection = DatasetSelection()
        change(&selection)
        return (1...60).filter { selection.refusal(of: fact($0)) == nil }
    }

    @Test func nothingAskedAdmitsEverything() {
        #expect(Self.admitted { _ in }.count == 60)
    }

    @Test func eachFilterAdmitsWhatItSays() {
        let all = Array(UInt64(1)...60)
        #expect(Self.admitted { $0.tasks = ["even"] } == all.filter { $0 % 2 == 0 })
        #expect(Self.admitted { $0.tasks = ["even", "odd"] } == all)
        #expect(Self.admitted { $0.environments = ["prod"] } == all.filter { $0 % 3 != 0 })
        #expect(Self.admitted { $0.providers = ["anthropic"] } == all.filter { $0 % 5 == 0 })
        #expect(Self.admitted { $0.models = ["m-1"] } == all.filter { $0 % 2 == 0 })
        #expect(Self.admitted { $0.models = ["m"] } == all)
        #expect(Self.admitted { $0.keys = ["k"] } == all.filter { $0 % 7 == 0 })
        #expect(Self.admitted { $0.statuses = [500] } == all.filter { $0 % 11 == 0 })
        #expect(Self.admitted { $0.outcomes = ["client_closed"] } == all.filter { $0 % 13 == 0 })
        #expect(Self.admitted { $0.apis = ["anthropic-messages"] }.isEmpty)
        #expect(Self.admitted { $0.finishReasons = ["length"] } == all.filter { $0 % 2 == 1 })
        #expect(Self.admitted { $0.metadata = [MetadataPair("team", "t1")] } == all.filter { $0 % 4 == 1 })
        #expect(Self.admitted { $0.metadata = [MetadataPair("team", "t1"), MetadataPair("x", "y")] }.isEmpty)
        #expect(Self.admitted { $0.inputTokens.minimum = 10 } == all.filter { $0 >= 10 && $0 % 17 != 0 })
        #expect(Self.admitted { $0.inputTokens.maximum = 10 } == all.filter { $0 <= 10 })
        #expect(Self.admitted { $0.outputTokens.minimum = 100 } == all.filter { $0 >= 50 })
        #expect(Self.admitted { $0.durationMs.maximum = 7 } == all.filter { $0 <= 7 })
        #expect(Self.admitted { $0.ttftMs.minimum = 5 } == all.filter { $0 >= 10 })
        #expect(Self.admitted { $0.costNanousd.maximum = 55 } == all.filter { $0 <= 5 })
    }

    @Test func namesTheFirstFilterThatRefuses() {
        var selection = DatasetSelection()
        selection.tasks = ["even"]
        selection.finishReasons = ["stop"]
        #expect(selection.refusal(of: Self.fact(1)) == .task)
        selection.tasks = []
        #expect(selection.refusal(of: Self.fact(1)) == .finishReason)
    }

    @Test func recipeHashKnowsEveryKeyButNoOrder() throws {
        func hash(_ change: (inout DatasetRecipe) -> Void) -> String {
            var recipe = DatasetRecipe(name: "x")
            change(&recipe)
            return recipe.sha256
        }
        let changes: [(inout DatasetRecipe) -> Void] = [
            { _ in }, { $0.name = "y" }, { $0.salt = "s" }, { $0.ledger = "l" }, { $0.isStrict = true }, { $0.groupBy = ["a"] },
            { $0.train.formats = ExportChoice.all }, { $0.eval.formats = [ExportChoice.all[0]] },
            { $0.eval.formats = [ExportChoice.all[1]] }, { $0.eval.sharePPM = 1 }, { $0.eval.maximum = nil },
            { $0.eval.anchorPPM = 1 }, { $0.train.maximum = 1 },
            { $0.train.perGroup = 1 }, { $0.train.strata = [] }, { $0.train.quota = .uniform }, { $0.selection.tasks = ["t"] },
            { $0.selection.models = ["t"] }, { $0.selection.statuses = [200] }, { $0.selection.limit = 5 },
            { $0.selection.sinceUs = 1 }, { $0.selection.untilUs = 1 }, { $0.selection.inputTokens.minimum = 1 },
            { $0.feedback.sources = ["a"] }, { $0.feedback.badBelowMillionths = 0 }, { $0.feedback.minimumMillionths = 0 },
            { $0.feedback.corrections = .ignore }, { $0.pairs.sources = [.feedback] }, { $0.pairs.isFallbackChosen = false },
            { $0.selection.inputTokens.maximum = 1 }, { $0.selection.metadata = [MetadataPair("a", "b")] },
        ]
        #expect(Set(changes.map(hash)).count == changes.count)
        #expect(hash { $0.selection.tasks = ["a", "b"] } == hash { $0.selection.tasks = ["b", "a"] })
        #expect(hash { $0.groupBy = ["a", "b", "a"] } == hash { $0.groupBy = ["b", "a"] })
        let formats = ExportChoice.all
        #expect(hash { $0.train.formats = formats + formats } == hash { $0.train.formats = formats.reversed() })
        var json = [UInt8]()
        json = Array(DatasetRecipe(name: "x").encodedForTest.utf8)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "eval", "feedback", "group_by", "ledger", "name", "pairs", "quality", "redact", "salt", "select", "strict",
                "train",
            ])
    }
}
