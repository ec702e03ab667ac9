// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Pricing
import TestSupport
import Testing

@Suite struct CostRuleTests {
    private func cost(_ row: String, _ counts: [String: Int64], calls: [PriceClass: Int64] = [:]) throws -> CostBreakdown {
        let row = try #require(try sheet(row).rows.first)
        return try CostRule.cost(usage(counts, calls: calls), row).get()
    }

    private func row(_ price: String, _ more: String = "") -> String {
        #"{"provider":"p","models":"m","price":{\#(price)}\#(more)}"#
    }

    @Test func countsOfClassesHaveAPlaceForEach() {
        #expect(PriceClass.allCases.map(\.rawValue) == Array(0..<UInt8(PriceClass.allCases.count)))
    }

    // MARK: Rounding

    @Test(arguments: [
        (1, 500, 0), (3, 500, 2), (5, 500, 2), (7, 500, 4), (1, 499, 0), (1, 501, 1), (1, 1_500, 2), (1, 2_500, 2), (2, 250, 0),
        (0, 1_000_000, 0), (1_000_000, 2_500_000, 2_500_000_000),
    ])
    func roundsHalfToEven(tokens: Int64, pico: Int64, nano: Int64) {
        #expect(CostRule.nanousd(tokens: tokens, pico: pico) == nano)
    }

    @Test func saysNilWhereAProductDoesNotFit() {
        #expect(CostRule.nanousd(tokens: Int64.max, pico: 1_000) == Int64.max)
        #expect(CostRule.nanousd(tokens: Int64.max, pico: 1_001) == nil)
        #expect(CostRule.nanousd(tokens: Int64.min, pico: Int64.min) == nil)
    }

    @Test func roundsOnceForEachClass() throws {
        // Two halves of a nano-dollar are one; rounded apart they would be none.
        let cost = try cost(row(#""input":0.0005,"input_audio":0.0005"#), ["input_total": 2, "input_audio": 1])
        #expect(cost.inputNanousd == 1 && cost.totalNanousd == 1)
    }

    @Test func refusesAnOverflowByName() throws {
        let row = try #require(try sheet(row(#""input":1000000000"#)).rows.first)
        let failure = CostRule.cost(usage(["input_total": Int64.max]), row).failure
        #expect(failure?.reason == .overflow)
    }

    // MARK: Worked examples of providers

    @Test func pricesAnthropicCaches() throws {
        let row = row(#""input":3,"cached":0.3,"cache_write":3.75,"cache_write_1h":6,"output":15,"web_search":10"#)
        let cost = try cost(
            row,
            [
                "input_total": 10_000, "input_cached": 6_000, "cache_write_total": 3_000, "cache_write_5m": 1_000,
                "cache_write_1h": 2_000, "output_total": 500,
            ], calls: [.webSearch: 3])
        #expect(cost.inputNanousd == 3_000_000)
        #expect(cost.inputCachedNanousd == 1_800_000)
        #expect(cost.cacheWriteNanousd == 15_750_000)
        #expect(cost.outputNanousd == 7_500_000 && cost.reasoningNanousd == nil)
        #expect(cost.toolsNanousd == 30_000_000)
        #expect(cost.totalNanousd == 58_050_000)
    }

    @Test func pricesTheRemainderOfCacheWrites() throws {
        let cost = try cost(
            row(#""input":3,"cache_write":3.75,"cache_write_1h":6"#),
            ["input_total": 100, "cache_write_total": 100, "cache_write_5m": 20, "cache_write_1h": 30])
        #expect(cost.cacheWriteNanousd == 442_500 && cost.inputNanousd == 0)
    }

    @Test func givesAClassWithoutAPriceThatOfItsParent() throws {
        let cost = try cost(
            row(#""input":2,"output":8"#),
            ["input_total": 1_000, "input_cached": 400, "input_image": 300, "output_total": 50, "output_reasoning": 20])
        #expect(cost.inputNanousd == 1_200_000 && cost.inputCachedNanousd == 800_000)
        #expect(cost.outputNanousd == 240_000 && cost.reasoningNanousd == 160_000 && cost.totalNanousd == 2_400_000)
    }

    @Test func pricesAudioByItsSideAndItsCache() throws {
        let row = row(#""input":0.3,"input_audio":1,"cached":0.03,"cached_audio":0.1,"output":2.5"#)
        let counts: [String: Int64] = [
            "input_total": 1_000, "input_audio": 600, "input_cached": 300, "cached_audio": 200, "output_total": 0,
        ]
        let cost = try cost(row, counts)
        // 1,000 = 400 audio + 200 cached audio + 100 cached + 300 others.
        #expect(cost.inputNanousd == 490_000)
        #expect(cost.inputCachedNanousd == 23_000)
    }

    @Test func pricesSecondsByTheHourExactly() throws {
        let cost = try cost(row(#""second":0.111"#), [:], calls: [.second: 7])
        // 7 / 3,600 of 0.111 dollars are 215,833.33 nano-dollars.
        #expect(cost.inputNanousd == 215_833 && cost.totalNanousd == 215_833)
    }

    @Test func needsTheMeasureThatARowSellsBy() throws {
        let row = try #require(try sheet(row(#""input":0,"search_unit":2"#)).rows.first)
        let failure = CostRule.cost(usage(["input_total": 9]), row).failure
        #expect(failure?.reason == .usageAbsent && failure?.kind == .searchUnit)
        let cost = try CostRule.cost(usage(["input_total": 9], calls: [.searchUnit: 3]), row).get()
        #expect(cost.toolsNanousd == 6_000_000 && cost.totalNanousd == 6_000_000)
    }

    @Test func countsARequestOnceWhereItHasAPrice() throws {
        let cost = try cost(row(#""input":1,"output":1,"request":5"#), ["input_total": 100, "output_total": 10])
        #expect(cost.toolsNanousd == 5_000_000 && cost.totalNanousd == 5_110_000)
    }

    @Test func leavesUnknownClassesOutOfTheTotal() throws {
        let cost = try cost(row(#""input":1,"output":4"#), ["output_total": 10])
        #expect(cost.inputNanousd == nil && cost.outputNanousd == 40_000 && cost.totalNanousd == 40_000)
    }

    // MARK: Steps

    @Test(arguments: [
        (">", 271_999, 2_500_000), (">", 272_000, 2_500_000), (">", 272_001, 5_000_000), (">=", 271_999, 2_500_000),
        (">=", 272_000, 5_000_000), (">=", 272_001, 5_000_000),
    ])
    func comparesAStepByItsOperator(op: String, tokens: Int64, pico: Int64) throws {
        let row = row(#""input":2.5"#, #","tiers":[{"op":"\#(op)","tokens":272000,"price":{"input":5}}]"#)
        #expect(try cost(row, ["input_total": tokens]).inputNanousd == CostRule.nanousd(tokens: tokens, pico: pico))
    }

    @Test func repricesTheWholeRequestByTheWholePrompt() throws {
        let row = row(
            #""input":2.5,"cached":0.25,"output":15"#,
            #","tiers":[{"op":">","tokens":200000,"price":{"input":5,"output":22.5}},{"op":">","tokens":400000,"price":{"input":6}}]"#
        )
        // Cached tokens count towards the step; a class without a price in it keeps its own.
        let cost = try cost(row, ["input_total": 200_001, "input_cached": 200_000, "output_total": 10])
        #expect(cost.inputNanousd == 5_000 && cost.inputCachedNanousd == 50_000_000 && cost.outputNanousd == 225_000)
    }

    @Test func pricesOnlyWhatIsBeyondAStep() throws {
        let steps =
            #"[{"op":">","tokens":100,"whole_request":false,"price":{"input":1}},"#
            + #"{"op":">","tokens":300,"whole_request":false,"price":{"input":0.5}}]"#
        let row = row(#""input":2"#, #","tiers":"# + steps)
        #expect(try cost(row, ["input_total": 100]).inputNanousd == 200_000)
        #expect(try cost(row, ["input_total": 101]).inputNanousd == 201_000)
        #expect(try cost(row, ["input_total": 1_000]).inputNanousd == 750_000)
    }

    // MARK: Refusals

    @Test func refusesContradictions() throws {
        let row = try #require(try sheet(row(#""input":1,"cached":0.1,"output":1"#)).rows.first)
        let wrong: [[String: Int64]] = [
            ["input_total": 10, "input_cached": 11], ["output_total": 5, "output_reasoning": 6], ["input_total": -1],
            ["input_total": 10, "cache_write_total": 1, "cache_write_5m": 2], ["input_total": 10, "input_cached": -1],
            ["input_total": Int64.min, "input_cached": 1],
        ]
        for counts in wrong {
            #expect(CostRule.cost(usage(counts), row).failure?.reason == .usageInconsistent, "\(counts)")
        }
    }

    @Test func ignoresContradictionsThatNoPriceAsksFor() throws {
        let cost = try cost(
            row(#""input":1,"output":1"#), ["input_total": 10, "input_audio": 99, "output_total": 1, "output_image": 9])
        #expect(cost.totalNanousd == 11_000)
    }

    @Test func refusesAClassThatNothingPrices() throws {
        let row = try #require(try sheet(row(#""input":1"#)).rows.first)
        let failure = CostRule.cost(usage(["input_total": 1, "output_total": 1]), row).failure
        #expect(failure?.reason == .classUnpriced && failure?.kind == .output)
        #expect(try CostRule.cost(usage(["input_total": 1, "output_total": 0]), row).get().totalNanousd == 1_000)
        #expect(CostRule.cost(usage([:]), row).failure?.reason == .usageAbsent)
    }

    // MARK: Any figures

    @Test func sumsItsClassesAndNeverTraps() throws {
        var random = SplitMix64(seed: 5)
        let rows = try sheet(
            row(#""input":2.5,"cached":0.25,"output":15,"reasoning":20,"cache_write_1h":5"#) + ","
                + row(
                    #""input":0.000001,"input_audio":0.3,"output":1000000"#,
                    #","tiers":[{"op":">=","tokens":5,"whole_request":false,"price":{"input":999}}]"#)
        ).rows
        for _ in 0..<20_000 {
            var counts: [String: Int64] = [:]
            for field in TokenUsage.fields where random.next() % 3 == 0 {
                let value = Int64(truncatingIfNeeded: random.next())
                counts[field.key] = random.next() % 8 == 0 ? value : value & 0xFFFFF
            }
            for row in rows {
                guard case .success(let cost) = CostRule.cost(usage(counts), row) else { continue }
                let classes = [
                    cost.inputNanousd, cost.inputCachedNanousd, cost.cacheWriteNanousd, cost.outputNanousd, cost.reasoningNanousd,
                    cost.toolsNanousd,
                ]
                #expect(classes.compactMap { $0 }.reduce(0, +) == cost.totalNanousd)
            }
        }
    }
}

extension Result {
    /// The failure, or nil.
    var failure: Failure? {
        if case .failure(let failure) = self { return failure }
        return nil
    }
}
