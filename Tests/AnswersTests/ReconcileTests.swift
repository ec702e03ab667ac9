// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactSamples
import FactStore
import Foundation
import Testing

@testable import Answers

/// 2026-11-02.
private let monday: Int64 = 20_759

private func ours(_ day: Int64, _ model: String?, _ figures: [ReconcileMetric: Int64], tools: Int64? = nil) -> OurLine {
    var line = OurLine(day: day, model: model)
    for (metric, figure) in figures { line.counts[metric] = figure }
    line.toolsNanousd = tools
    return line
}

private func theirs(
    _ day: Int64, _ subject: ExportSubject, _ figures: [ReconcileMetric: Int64], isBatch: Bool = false, key: String? = nil
) -> ExportLine {
    var line = ExportLine(day: day, subject: subject)
    line.isBatch = isBatch
    line.keyID = key
    for (metric, figure) in figures { line.counts[metric] = figure }
    return line
}

private func export(
    _ lines: ExportLine..., format: ExportFormat = .openAIUsage, days: ClosedRange<Int64>? = nil
) -> ProviderExport {
    var export = ProviderExport(format: format)
    export.lines = lines
    export.days = Set(lines.map(\.day)).union(days.map { Set($0) } ?? [])
    return export
}

private func compare(
    _ ours: [OurLine], _ exports: [ProviderExport], tolerancePpm: Int64 = 10_000,
    _ change: (inout ReconcileOptions) -> Void = { _ in }
) throws -> ReconcileResult {
    var options = ReconcileOptions(days: monday...monday + 6)
    options.tolerancePpm = tolerancePpm
    change(&options)
    return try Reconciliation.compare(ours: ours, exports: exports, options: options)
}

/// Our side a second time: loops over facts, without SQL.
private struct OurOracle {
    struct Place: Hashable {
        let day: Int64
        let model: String?
    }

    static func isCounted(_ fact: ExchangeFact) -> Bool {
        let api = fact.head.api?.rawValue
        if api == "anthropic-count-tokens" || api == "gemini-count-tokens" { return false }
        if api == "openai-responses-aux", fact.head.path.hasSuffix("/input_tokens") { return false }
        if fact.head.method != "POST", api != "openai-realtime" { return false }
        let model = fact.reading.modelResponded ?? fact.reading.modelRequested
        return fact.reading.usageSource != .absent || (api != nil && model != nil)
    }

    static func isAnswered(_ fact: ExchangeFact) -> Bool { fact.head.status.map { (200...299).contains($0) } ?? false }

    static func sum(_ values: [Int64?]) -> Int64? {
        let known = values.compactMap { $0 }
        return known.isEmpty ? nil : known.reduce(0, +)
    }

    static func lines(_ facts: [ExchangeFact], cost: KeyPath<CostBreakdown, Int64?>) -> [Place: OurLine] {
        let counted = facts.filter(isCounted)
        let groups = Dictionary(grouping: counted) { fact in
            Place(
                day: fact.head.startedAtUs / 86_400_000_000, model: fact.reading.modelResponded ?? fact.reading.modelRequested)
        }
        return Dictionary(uniqueKeysWithValues: groups.map { place, group in (place, line(place, group, cost)) })
    }

    private static func line(_ place: Place, _ group: [ExchangeFact], _ cost: KeyPath<CostBreakdown, Int64?>) -> OurLine {
        let usage = group.map(\.reading.usage)
        let uncached = usage.map { (tokens: TokenUsage) -> Int64? in
            if let known = tokens.inputUncached { return known }
            guard let total = tokens.inputTotal else { return nil }
            return max(0, total - (tokens.inputCached ?? 0) - (tokens.cacheWriteTotal ?? 0))
        }
        var line = OurLine(day: place.day, model: place.model)
        line.counts[.requests] = Int64(group.filter(isAnswered).count)
        line.counts[.inputTotal] = sum(usage.map(\.inputTotal))
        line.counts[.inputUncached] = sum(uncached)
        line.counts[.inputCached] = sum(usage.map(\.inputCached))
        line.counts[.cacheWrite] = sum(usage.map(\.cacheWriteTotal))
        line.counts[.output] = sum(usage.map(\.outputTotal))
        line.counts[.cost] = sum(group.map { $0.cost[keyPath: cost] })
        line.toolsNanousd = sum(group.filter { $0.cost[keyPath: cost] != nil }.map(\.cost.toolsNanousd))
        line.absent = Int64(group.filter { $0.reading.usageSource == .absent && isAnswered($0) }.count)
        line.partial = Int64(group.filter { $0.reading.usageSource == .partial }.count)
        line.unpriced = Int64(group.filter { $0.reading.usageSource != .absent && $0.cost[keyPath: cost] == nil }.count)
        return line
    }
}

@Suite struct ReconcileOursTests {
    private static func facts(seed: UInt64, count: Int) -> [ExchangeFact] {
        var facts = SampleFacts.facts(seed: seed, count: count)
        for i in facts.indices {
            if i % 7 == 0 { facts[i].head.api = .anthropicCountTokens }
            if i % 11 == 0 { facts[i].head.method = "GET" }
            if i % 13 == 0 {
                facts[i].head.api = .openaiResponsesAux
                facts[i].head.path = "/v1/responses/input_tokens"
            }
            if i % 17 == 0 {
                facts[i].head.api = .openaiRealtime
                facts[i].head.method = "GET"
            }
        }
        return facts
    }

    @Test(arguments: [(1, 0), (2, 1), (3, 17), (4, 120), (5, 900)]) func sumsEqualLoopsOverFacts(seed: UInt64, count: Int) throws
    {
        let scratch = try ScratchDirectory()
        let facts = Self.facts(seed: seed, count: count)
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        for change in Self.filters {
            var filter = FactFilter()
            filter.provider = "openai"
            change(&filter)
            for (cost, path) in [(ReconcileCost.priced, \CostBreakdown.totalNanousd), (.reported, \.reportedNanousd)] {
                let found = try OurSide.lines(store, filter: filter, cost: cost)
                let expected = OurOracle.lines(facts.filter { $0.passes(filter) }, cost: path)
                #expect(found.count == expected.count)
                for line in found { #expect(line == expected[OurOracle.Place(day: line.day, model: line.model)]) }
            }
        }
    }

    private static let filters: [@Sendable (inout FactFilter) -> Void] = [
        { _ in }, { $0.provider = "anthropic" }, { $0.key = "k2" }, { $0.environment = "staging" },
        { $0.sinceUs = 1_790_043_200_000_000 }, { $0.untilUs = 1_790_086_400_000_000 }, { $0.model = "m1" },
        {
            $0.key = "k1"
            $0.environment = "production"
            $0.sinceUs = 1_790_000_000_000_010
        },
    ]

    /// The whole way: facts in an index, a page as OpenAI writes it made from loops over the same facts, and the two compared.
    @Test func agreesWithAReportOfTheSameFactsAndFindsOneToken() throws {
        let scratch = try ScratchDirectory()
        var facts = Self.facts(seed: 77, count: 600)
        for i in facts.indices {
            // The samples' classes do not add up.
            facts[i].reading.usage.inputUncached = nil
            facts[i].reading.usage.inputCached = nil
            facts[i].reading.usage.cacheWriteTotal = nil
        }
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        var filter = FactFilter()
        filter.provider = "openai"
        let lines = OurOracle.lines(facts.filter { $0.passes(filter) }, cost: \.totalNanousd).values
            .filter { $0.model != nil }.sorted { ($0.day, $0.model ?? "") < ($1.day, $1.model ?? "") }
        let first = try #require(lines.first)
        let ours = try OurSide.lines(store, filter: filter).filter { $0.model != nil }
        for extra in [Int64(0), 1] {
            let read = try ExportReading.read(page(lines, extra: extra), name: "page", provider: .openai)
            var options = ReconcileOptions(days: 0...100_000)
            options.tolerancePpm = 0
            let result = try Reconciliation.compare(ours: ours, exports: [read], options: options)
            #expect(result.isEqual == (extra == 0) && result.rows.count == lines.count && result.rows.count > 10)
            let differing = result.rows.filter { !$0.isWithin }
            #expect(differing.count == Int(extra) && differing.allSatisfy { $0.day == first.day })
            #expect(result.total.pair(.output).difference == -extra && result.total.pair(.requests).difference == 0)
            #expect(
                result.total.pair(.cost).theirs == nil && result.metrics == [.requests, .inputTotal, .inputUncached, .output])
        }
    }

    /// Lines as a page of OpenAI's; the first one with so many output tokens more.
    private func page(_ lines: [OurLine], extra: Int64) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("data")
        json.beginArray()
        for (i, line) in lines.enumerated() {
            json.beginObject()
            json.key("start_time")
            json.value(line.day * 86_400)
            json.key("results")
            json.beginArray()
            json.beginObject()
            json.key("object")
            json.value("organization.usage.completions.result")
            json.key("model")
            json.value(line.model)
            let figures: [(String, Int64?)] = [
                ("num_model_requests", line.counts[.requests]), ("input_tokens", line.counts[.inputTotal] ?? 0),
                ("output_tokens", (line.counts[.output] ?? 0) + (i == 0 ? extra : 0)),
            ]
            for (key, value) in figures {
                json.key(key)
                json.value(value)
            }
            json.endObject()
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.bytes
    }
}

@Suite struct ReconcileComparisonTests {
    @Test(arguments: 1...12) func rowsAndTotalsEqualLoops(seed: Int) throws {
        var samples = SampleFacts(seed: UInt64(seed) * 31)
        let models = ["a-one", "b-two", "c-three", "d-four"]
        let metrics: [ReconcileMetric] = [.requests, .inputTotal, .output, .cost]
        var ourLines: [OurLine] = []
        var theirLines: [ExportLine] = []
        for _ in 0..<samples.next(60) {
            let (day, model) = (monday + Int64(samples.next(9)), samples.pick(models))
            let figures = Dictionary(uniqueKeysWithValues: metrics.map { ($0, Int64(samples.next(2_000))) })
            if samples.next(3) > 0 { ourLines.append(ours(day, model, figures)) }
            let near = figures.mapValues { $0 + Int64(samples.next(5)) - 2 }.mapValues { max(0, $0) }
            if samples.next(3) > 0 { theirLines.append(theirs(day, .model(model.uppercased()), near)) }
        }
        theirLines.append(theirs(monday, .model("a-one"), Dictionary(uniqueKeysWithValues: metrics.map { ($0, 1) })))
        var report = ProviderExport(format: .openRouterActivity)
        report.lines = theirLines
        let tolerance = Int64(samples.pick([0, 1_000, 20_000]))
        let result = try compare(ourLines, [report], tolerancePpm: tolerance)
        var isEqual = true
        for metric in metrics {
            var (ourTotal, theirTotal): (Int64, Int64) = (0, 0)
            for day in monday...monday + 6 {
                for model in models {
                    let own = ourLines.filter { $0.day == day && $0.model == model }.compactMap { $0.counts[metric] }
                    let other = theirLines.filter { line in
                        line.day == day && [.model(model), .model(model.uppercased())].contains(line.subject)
                    }.compactMap { $0.counts[metric] }
                    let (one, two) = (own.reduce(0, +), other.reduce(0, +))
                    ourTotal += one
                    theirTotal += two
                    let row = result.rows.first { row in row.day == day && row.subject?.text.lowercased() == model }
                    #expect(row?.ours[metric] ?? 0 == one && row?.theirs[metric] ?? 0 == two)
                    if abs(one - two) * 1_000_000 > tolerance * two { isEqual = false }
                    if let row, !own.isEmpty, !other.isEmpty {
                        #expect(row.pair(metric).difference == one - two)
                        #expect(row.pair(metric).differencePpm == (two == 0 ? nil : (one - two) * 1_000_000 / two))
                    }
                }
            }
            #expect(result.total.ours[metric] ?? 0 == ourTotal && result.total.theirs[metric] ?? 0 == theirTotal)
            if abs(ourTotal - theirTotal) * 1_000_000 > tolerance * theirTotal { isEqual = false }
        }
        #expect(result.isEqual == isEqual)
        #expect(
            result.rows.map { "\($0.day ?? 0) \($0.subject?.text ?? "")" }
                == result.rows.map { "\($0.day ?? 0) \($0.subject?.text ?? "")" }.sorted())
    }

    @Test(
        arguments: [
            (100, 100, 0, true), (101, 100, 0, false), (101, 100, 10_000, true), (102, 100, 10_000, false),
            (99, 100, 10_000, true),
            (98, 100, 10_000, false), (0, 0, 0, true), (1, 0, 1_000_000, false), (0, 1, 1_000_000, true), (0, 1, 999_999, false),
            (Int64.max, Int64.max - 1, 1, true), (Int64.min, Int64.max, 1_000_000, false),
            (Int64.min, Int64.max, 2_000_001, true),
        ] as [(Int64, Int64, Int64, Bool)]) func toleranceIsAShareOfTheirs(our: Int64, their: Int64, ppm: Int64, agrees: Bool)
    {
        #expect(ReconcilePair(ours: our, theirs: their).agrees(tolerancePpm: ppm) == agrees)
    }

    @Test func unknownAgreesWithNothingAlone() {
        #expect(
            ReconcilePair(ours: nil, theirs: 0).agrees(tolerancePpm: 0)
                && ReconcilePair(ours: 0, theirs: nil).agrees(tolerancePpm: 0))
        #expect(!ReconcilePair(ours: nil, theirs: 1).agrees(tolerancePpm: 1_000_000))
        #expect(!ReconcilePair(ours: 1, theirs: nil).agrees(tolerancePpm: 1_000_000))
        #expect(ReconcilePair(ours: nil, theirs: 1).difference == nil && ReconcilePair(ours: 1, theirs: 0).differencePpm == nil)
        #expect(ReconcilePair(ours: Int64.min, theirs: Int64.max).difference == Int64.min)
        #expect(ReconcilePair(ours: 1, theirs: 3).differencePpm == -666_666)
    }

    @Test func comparesOnlyWhatTheReportHolds() throws {
        let line = ours(monday, "m", [.requests: 3, .inputTotal: 10, .output: 5, .cost: 7])
        let result = try compare([line], [export(theirs(monday, .model("m"), [.cost: 7]), format: .openAICosts)])
        #expect(result.isEqual && result.metrics == [.cost] && result.rows.count == 1)
        #expect(result.rows[0].ours[.output] == nil && result.total.ours[.cost] == 7)
        let silent = try compare([line], [export(days: monday...monday)])
        #expect(!silent.isEqual && silent.metrics == [.requests, .inputTotal, .output])
        #expect(silent.rows[0].hints == [.onlyOurs])
        #expect(try compare([], [export(days: monday...monday)]).rows.isEmpty)
    }

    @Test func aReportThatIsNotDividedIsComparedByDay() throws {
        let lines = [ours(monday, "a", [.output: 5, .cost: 40]), ours(monday, "b", [.output: 6, .cost: 60])]
        let tokens = export(theirs(monday, .model("a"), [.output: 5]), theirs(monday, .model("b"), [.output: 6]))
        let cost = export(theirs(monday, .everyModel, [.cost: 100]), format: .openAICosts)
        let result = try compare(lines, [tokens, cost], tolerancePpm: 0)
        #expect(result.isEqual && result.rows.map { $0.subject?.text } == ["a", "b", "(all models)"])
        #expect(result.rows[2].ours[.cost] == 100 && result.rows[0].ours[.cost] == nil && result.total.ours[.cost] == 100)
        // A day on which the report says nothing is compared at the same grain.
        let more = try compare(lines + [ours(monday + 1, "a", [.output: 1, .cost: 9])], [tokens, cost], tolerancePpm: 0)
        #expect(more.rows.last?.subject == .everyModel && more.rows.last?.ours[.cost] == 9 && !more.isEqual)
        let twice = export(theirs(monday, .model("a"), [.cost: 40]), format: .openAICosts)
        let error = #expect(throws: AnswersError.self) { try compare(lines, [cost, twice]) }
        #expect(error?.code == .badComparison && error?.message.contains("cost_nanousd of 2026-11-02") == true)
    }

    @Test func toolsAreARowWhereTheReportBillsThemApart() throws {
        let line = ours(monday, "m", [.cost: 100], tools: 30)
        let apart = export(theirs(monday, .model("m"), [.cost: 70]), theirs(monday, .tools, [.cost: 30]), format: .anthropicCosts)
        let result = try compare([line], [apart], tolerancePpm: 0)
        #expect(result.isEqual && result.rows.map { $0.subject?.text } == ["m", "(tools)"] && result.total.ours[.cost] == 100)
        let whole = try compare(
            [line], [export(theirs(monday, .model("m"), [.cost: 100]), format: .openAICosts)], tolerancePpm: 0)
        #expect(whole.isEqual && whole.rows.count == 1)
    }

    @Test func batchWorkIsShownApart() throws {
        let report = export(
            theirs(monday, .model("m"), [.output: 10]), theirs(monday, .model("m"), [.output: 99], isBatch: true),
            theirs(monday, .model("n"), [.output: 7], isBatch: true))
        let equal = try compare([ours(monday, "m", [.output: 10])], [report])
        #expect(equal.isEqual && equal.batch.map { $0.theirs[.output] } == [99, 7] && equal.total.theirs[.output] == 10)
        let differing = try compare([ours(monday, "m", [.output: 60])], [report])
        #expect(differing.rows[0].hints.contains(.batch))
    }

    @Test func keysAndProjectsOfTheReportAreChosen() throws {
        let report = export(
            theirs(monday, .model("m"), [.output: 10], key: "k1"), theirs(monday, .model("m"), [.output: 5], key: "k2"),
            theirs(monday, .model("m"), [.output: 1]))
        let line = ours(monday, "m", [.output: 5])
        let all = try compare([line], [report])
        #expect(!all.isEqual && all.rows[0].theirs[.output] == 16 && all.rows[0].hints.contains(.severalKeys))
        #expect(try compare([line], [report]) { $0.keys = ["k2"] }.isEqual)
        let undivided = export(theirs(monday, .model("m"), [.cost: 9]), format: .openAICosts)
        let left = try compare([line], [report, undivided]) { $0.keys = ["k2"] }
        #expect(left.isEqual && left.notes == ["openai-costs is not divided by API key: left out"] && left.metrics == [.output])
    }

    @Test func whatCannotBeComparedIsNeverEqual() throws {
        let line = ours(monday, "m", [.output: 5, .cost: 9])
        let report = export(theirs(monday, .model("m"), [.output: 5]))
        let error = #expect(throws: AnswersError.self) { try compare([line], [report]) { $0.keys = ["k2"] } }
        #expect(error?.code == .badComparison && error?.message.contains("divided by the keys") == true)
        // Lines without a figure, lines of other days, and batch work alone say nothing of these exchanges.
        for lines in [
            [theirs(monday, .model("m"), [:])], [theirs(monday + 40, .model("m"), [.output: 5])],
            [theirs(monday, .model("m"), [.output: 5], isBatch: true)],
        ] {
            var other = ProviderExport(format: .openAIUsage)
            other.lines = lines
            other.days = [monday]
            let result = try compare([line], [other])
            #expect(!result.isEqual && result.rows.count == 1 && result.rows[0].theirs[.output] == nil)
        }
        let costless = try compare([line], [report, export(theirs(monday + 40, .model("m"), [.cost: 9]), format: .openAICosts)])
        #expect(costless.metrics == [.output, .cost] && !costless.isEqual)
    }

    @Test func aReportOfUnknownKindIsTakenForUsageAndForCosts() throws {
        let figures: [ReconcileMetric: Int64] = [.requests: 1, .inputTotal: 9, .output: 5]
        let usage = export(theirs(monday, .model("m"), figures))
        var empty = export(days: monday...monday)
        empty.isKindKnown = false
        let note = "1 of 2 reports hold no result: taken for usage and costs, with none used"
        let priced = ours(monday, "m", figures.merging([.cost: 70]) { $1 })
        #expect(try compare([priced], [usage]).isEqual)
        let result = try compare([priced], [usage, empty])
        #expect(!result.isEqual && result.metrics == [.requests, .inputTotal, .output, .cost] && result.notes == [note])
        #expect(result.rows.count == 1 && result.rows[0].ours[.cost] == 70 && result.rows[0].theirs[.cost] == nil)
        #expect(result.rows[0].hints == [] && !result.total.isWithin)
        // Where we have no cost either, it agrees whatever it is.
        let costless = try compare([ours(monday, "m", figures)], [usage, empty])
        #expect(costless.isEqual && costless.notes == [note])
        #expect(try !compare([ours(monday, "m", figures)], [empty]).isEqual)
    }

    @Test func tokensAreNotComparedWhereTheReportCountsRequestsAlone() throws {
        let text: [ReconcileMetric: Int64] = [.requests: 1, .inputTotal: 9, .output: 5]
        let lines = [
            ours(monday, "gpt-image-1", [.requests: 4, .inputTotal: 80, .output: 6_000, .cost: 50]),
            ours(monday, "m", text.merging([.cost: 7]) { $1 }),
        ]
        let usage = export(theirs(monday, .model("gpt-image-1"), [.requests: 4]), theirs(monday, .model("m"), text))
        let costs = export(
            theirs(monday, .model("gpt-image-1"), [.cost: 50]), theirs(monday, .model("m"), [.cost: 7]), format: .openAICosts)
        let result = try compare(lines, [usage, costs], tolerancePpm: 0)
        #expect(result.isEqual && result.rows.map { $0.subject?.text } == ["gpt-image-1", "m"])
        #expect(result.rows[0].ours.known == [.requests, .cost] && result.rows[0].ours[.requests] == 4)
        #expect(result.total.ours[.inputTotal] == 9 && result.total.ours[.output] == 5 && result.total.ours[.cost] == 57)
        #expect(result.notes == ["of gpt-image-1 the reports count requests alone: our tokens are not compared"])
        // Its requests and its cost are.
        let more = try compare(lines + [ours(monday, "gpt-image-1", [.requests: 1, .output: 9, .cost: 2])], [usage, costs])
        #expect(!more.isEqual && more.rows[0].pair(.requests).difference == 1 && more.rows[0].pair(.cost).difference == 2)
        // A model of which some report holds tokens, or none holds requests, is compared whole.
        let told = try compare(lines, [usage, export(theirs(monday, .model("gpt-image-1"), [.output: 5_000])), costs])
        #expect(!told.isEqual && told.rows[0].pair(.output).difference == 1_000 && told.notes == [])
        let untold = try compare(lines, [export(theirs(monday, .model("m"), text)), costs])
        #expect(!untold.isEqual && untold.rows[0].ours[.output] == 6_000 && untold.notes == [])
    }

    @Test func failedExchangesDoNotJoinSnapshots() throws {
        let lines = [
            ours(monday, "m", [.requests: 0]), ours(monday, "m-2024-08-06", [.requests: 1, .output: 5]),
            ours(monday, "m-2024-11-20", [.requests: 1, .output: 6]),
        ]
        let report = export(
            theirs(monday, .model("m-2024-08-06"), [.requests: 1, .output: 5]),
            theirs(monday, .model("m-2024-11-20"), [.requests: 1, .output: 6]))
        let result = try compare(lines, [report], tolerancePpm: 0)
        #expect(result.isEqual && result.rows.map { $0.subject?.text } == ["m-2024-08-06", "m-2024-11-20"])
        // An answer of which no usage came may be any of them: it counts as a request of one of the family.
        var absent = ours(monday, "m", [.requests: 1])
        absent.absent = 1
        let joined = try compare([absent] + lines, [report], tolerancePpm: 0)
        #expect(joined.rows.map { $0.subject?.text } == ["m"] && joined.rows[0].pair(.requests).difference == 1)
        #expect(joined.rows[0].hints == [.usageAbsent] && joined.rows[0].names.count == 3)
    }

    @Test func hintsSayWhatIsKnown() throws {
        var broken = ours(monday, "m", [.output: 4, .cost: 1])
        (broken.absent, broken.partial, broken.unpriced) = (2, 1, 3)
        let report = export(theirs(monday, .model("m"), [.output: 10, .cost: 3]), days: monday...monday + 4)
        #expect(try compare([broken], [report]).rows[0].hints == [.usageAbsent, .usagePartial, .unpriced])
        #expect(try compare([], [report]).rows[0].hints == [.onlyTheirs])
        #expect(try compare([broken], [report]) { $0.today = monday }.rows[0].hints.first == .dayUnfinished)
        let priced = export(theirs(monday, .model("m"), [.output: 4, .cost: 3]))
        #expect(try compare([ours(monday, "m", [.output: 4, .cost: 1])], [priced]).rows[0].hints == [.prices])
        let late = try compare([ours(monday + 5, "m", [.output: 4])], [report])
        #expect(late.rows.last?.hints == [.exportSilent])
        #expect(try compare([ours(monday, "m", [.output: 10, .cost: 3])], [report]).rows[0].hints == [])
    }

    @Test func exchangesOverMidnightAreTold() throws {
        let lines = [ours(monday, "m", [.output: 110]), ours(monday + 1, "m", [.output: 91])]
        let report = export(theirs(monday, .model("m"), [.output: 100]), theirs(monday + 1, .model("m"), [.output: 100]))
        let result = try compare(lines, [report])
        #expect(result.rows.allSatisfy { $0.hints == [.dayEdge] } && result.total.isWithin && !result.isEqual)
        let same = try compare([lines[0], ours(monday + 1, "m", [.output: 109])], [report])
        #expect(same.rows.allSatisfy { !$0.hints.contains(.dayEdge) })
    }

    @Test func sumsThatDoNotFitAreRefused() throws {
        let report = export(theirs(monday, .model("m"), [.cost: .max]), theirs(monday, .model("m"), [.cost: 1]))
        let error = #expect(throws: AnswersError.self) { try compare([], [report]) }
        #expect(error?.code == .badComparison && error?.message.contains("64 bits") == true)
    }
}

@Suite struct ReconcileOutputTests {
    private func result() throws -> ReconcileResult {
        var line = ours(monday, "gpt-4o", [.requests: 99, .output: 1_234_567, .cost: 1_500_000_000])
        line.unpriced = 2
        let other = ours(monday, "evil\u{1B}[2Jname", [.requests: 3, .output: 8, .cost: 5])
        return try compare(
            [line, other, ours(monday + 1, "gpt-4o", [.requests: 1_000, .output: 100_000, .cost: 4])],
            [
                export(
                    theirs(monday, .model("gpt-4o-2024-08-06"), [.requests: 110, .output: 1_234_567, .cost: 2_000_000_000]),
                    theirs(monday, .model("evil\u{1B}[2Jname"), [.requests: 3, .output: 8, .cost: 5]),
                    theirs(monday + 1, .model("gpt-4o-2024-08-06"), [.requests: 1_001, .output: 100_000, .cost: 4]),
                    theirs(monday + 1, .model("o3"), [.output: 50], isBatch: true))
            ])
    }

    @Test func theTableIsAligned() throws {
        let lines = ReconcileText.table(try result()).split(separator: "\n").map(String.init)
        let expected = """
            day         model                     requests     output        cost
            ──────────  ────────────  ──────────  ────────  ─────────  ──────────
            2026-11-02  evil�[2Jname  equal              3          8   $0.000000
            2026-11-02  gpt-4o        ours              99  1,234,567   $1.500000  unpriced
                                      theirs           110  1,234,567   $2.000000  2 unpriced
                                      difference       -11          0  -$0.500000
                                                  -10.00 %     0.00 %    -25.00 %
            2026-11-03  gpt-4o        within         1,001    100,000   $0.000000  ± 0.10 %
            2026-11-03  o3            batch              -         50           -  not compared
            total                     ours           1,102  1,334,575   $1.500000  unpriced
                                      theirs         1,114  1,334,575   $2.000000  2 unpriced
                                      difference       -12          0  -$0.500000
                                                   -1.08 %     0.00 %    -25.00 %
            """
        #expect(lines == expected.split(separator: "\n").map(String.init))
        #expect(ReconcileText.table(try result(), showsAll: true).split(separator: "\n").count == lines.count + 6)
    }

    @Test func linesOfJSONHoldEveryFigureAndUnknownAsNull() throws {
        let table = try result().table()
        let rows = try table.jsonLines().split(separator: 0x0A).map { try JSONDocument(Array($0)).root }
        #expect(rows.map { $0["kind"]?.string } == ["day", "day", "day", "batch", "total"])
        let row = rows[1]
        #expect(row["day"]?.string == "2026-11-02" && row["model"]?.string == "gpt-4o" && row["agrees"]?.int == 0)
        #expect(
            row["names"]?.string == "gpt-4o gpt-4o-2024-08-06" && row["hints"]?.string == "unpriced" && row["unpriced"]?.int == 2)
        #expect(row["ours_requests"]?.int == 99 && row["theirs_requests"]?.int == 110)
        #expect(row["difference_requests"]?.int == -11 && row["difference_requests_ppm"]?.int == -100_000)
        #expect(row["difference_cost_nanousd"]?.int == -500_000_000 && row["ours_input_total"] == nil)
        #expect(
            rows[3]["agrees"]?.isNull == true && rows[3]["ours_output"]?.isNull == true && rows[3]["theirs_output"]?.int == 50)
        #expect(rows[4]["day"]?.isNull == true && rows[4]["theirs_requests"]?.int == 1_114)
        var reader = try CSVReader(table.csv())
        let first = try reader.next()
        let header = try #require(first?.fields)
        #expect(header.prefix(6) == ["kind", "day", "model", "names", "agrees", "ours_requests"])
        #expect(header.suffix(4) == ["usage_absent", "usage_partial", "unpriced", "hints"] && header.count == 5 + 3 * 4 + 4)
    }

    @Test func timesWithoutADateAreRefused() throws {
        let end: Int64 = 253_402_300_800_000_000
        for us in [nil, 0, end - 1] as [Int64?] { try ReconcilePeriod.check(us, flag: "--until") }
        for us in [Int64.min, -1, end, Int64.max] {
            let error = #expect(throws: AnswersError.self) { try ReconcilePeriod.check(us, flag: "--until") }
            #expect(error?.code == .badTime && error?.message == "--until must lie in the years 1970 to 9999")
        }
        let last = ReconcilePeriod.day(us: end - 1)
        #expect(ReconcilePeriod.text(last) == "9999-12-31" && ReconcilePeriod.startUs(last + 1) == end)
    }

    @Test func requestsAskForWholeDaysByModel() {
        let days = monday...monday + 1
        let openAI = ExportRequests.list(.openai, days: days, byKey: false, byProject: false)
        #expect(
            openAI.first?.target(page: nil)
                == "/organization/usage/completions?start_time=1793577600&end_time=1793750400&bucket_width=1d&limit=31&group_by=model&group_by=batch"
        )
        #expect(
            openAI.last?.target(page: "a+/=&b")
                == "/organization/costs?start_time=1793577600&end_time=1793750400&bucket_width=1d&limit=180&group_by=line_item&page=a%2B%2F%3D%26b"
        )
        #expect(openAI.count == 7 && openAI.last?.format == .openAICosts)
        let anthropic = ExportRequests.list(.anthropic, days: days, byKey: true, byProject: true)
        #expect(
            anthropic.first?.target(page: nil)
                == "/organizations/usage_report/messages?starting_at=2026-11-02T00%3A00%3A00Z&ending_at=2026-11-04T00%3A00%3A00Z&bucket_width=1d&limit=31&group_by%5B%5D=model&group_by%5B%5D=service_tier&group_by%5B%5D=api_key_id&group_by%5B%5D=workspace_id"
        )
        #expect(anthropic.map(\.format) == [.anthropicUsage, .anthropicCosts])
        #expect(
            ExportRequests.list(.openrouter, days: days, byKey: false, byProject: false).map { $0.target(page: nil) } == [
                "/activity"
            ])
        #expect(ReconcilePeriod.days(sinceUs: 1_793_577_600_000_000, untilUs: 1_793_664_000_000_000) == monday...monday)
        #expect(ReconcilePeriod.days(sinceUs: 1_793_577_600_000_001, untilUs: 1_793_664_000_000_001) == monday...monday + 1)
    }
}
