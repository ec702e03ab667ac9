// SPDX-License-Identifier: Apache-2.0
import FactSamples
import FactStore
import Foundation
import Testing

@testable import Answers

/// The fixtures of `fixtures/reconcile`, which are our own: shapes of the providers, figures of nobody.
enum ExportFixture {
    static let names: [(file: String, provider: ExportProvider)] = [
        ("openai-usage.json", .openai), ("openai-costs.json", .openai), ("openai-usage.csv", .openai),
        ("openai-costs.csv", .openai),
        ("anthropic-usage.json", .anthropic), ("anthropic-costs.json", .anthropic), ("anthropic-usage.csv", .anthropic),
        ("anthropic-costs.csv", .anthropic), ("openrouter-activity.json", .openrouter), ("openrouter-activity.csv", .openrouter),
        ("openrouter-generations.csv", .openrouter),
    ]

    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../fixtures/reconcile")
        return Array(try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    static func read(_ name: String) throws -> ProviderExport {
        let provider = try #require(names.first { $0.file == name }?.provider)
        return try ExportReading.read(bytes(name), name: name, provider: provider)
    }
}

/// 2026-11-02.
private let monday: Int64 = 20_759

private func line(
    _ day: Int64, _ subject: ExportSubject, isBatch: Bool = false, key: String? = nil, project: String? = nil,
    _ figures: [ReconcileMetric: Int64]
) -> ExportLine {
    var line = ExportLine(day: day, subject: subject)
    line.isBatch = isBatch
    line.keyID = key
    line.projectID = project
    for (metric, figure) in figures { line.counts[metric] = figure }
    return line
}

@Suite struct ReconcileReadingTests {
    @Test func readsUsageOfOpenAI() throws {
        let export = try ExportFixture.read("openai-usage.json")
        let mini = ExportSubject.model("gpt-4o-mini-2024-07-18")
        #expect(export.format == .openAIUsage && export.hasMore && export.nextPage == "page_AAAA+/==")
        #expect(export.days == [monday, monday + 1, monday + 2])
        #expect(export.leftOut == ["organization.usage.web_searches.result": 1])
        #expect(
            export.lines == [
                line(
                    monday, mini,
                    [.requests: 7, .inputTotal: 12_000, .inputUncached: 10_000, .inputCached: 2_000, .output: 900]),
                line(
                    monday, .model("gpt-5.4-2026-03-05"),
                    [
                        .requests: 3, .inputTotal: 5_000, .inputUncached: 3_500, .inputCached: 1_000, .cacheWrite: 500,
                        .output: 700,
                    ]),
                line(
                    monday, mini, isBatch: true,
                    [.requests: 20, .inputTotal: 4_000, .inputUncached: 4_000, .inputCached: 0, .output: 100]),
                line(
                    monday + 2, .model("text-embedding-3-small"), [.requests: 2, .inputTotal: 800, .inputUncached: 800]),
                line(monday + 2, .model("gpt-image-1"), [.requests: 4]),
            ])
    }

    @Test func readsCostsOfOpenAIWithoutFloatingPoint() throws {
        let export = try ExportFixture.read("openai-costs.json")
        #expect(export.format == .openAICosts && !export.hasMore && export.nextPage == nil)
        #expect(export.leftOut == ["costs without an amount": 1] && export.days == [monday, monday + 1])
        #expect(
            export.lines == [
                line(monday, .model("gpt-4o-mini-2024-07-18"), [.cost: 1_500_000]),
                line(monday, .model("gpt-4o-mini-2024-07-18"), [.cost: 150_000]),
                line(monday, .model("gpt-image-1"), [.cost: 160_000_000]), line(monday, .tools, [.cost: 40_000_000]),
                line(monday, .model("gpt-5.6-sol"), [.cost: 3_000_000]), line(monday, .model("gpt-5.6-sol"), [.cost: 2_500_000]),
                line(monday, .model("gpt-5-mini-2025-08-07"), [.cost: 20_000]),
                line(monday, .model("gpt-5-mini-2025-08-07"), isBatch: true, [.cost: 10_000]),
            ])
    }

    @Test func readsTheFilesOfOpenAIsDashboard() throws {
        let usage = try ExportFixture.read("openai-usage.csv")
        let mini = ExportSubject.model("gpt-4o-mini-2024-07-18")
        #expect(usage.format == .openAIUsage && usage.days == [monday, monday + 1])
        #expect(
            usage.lines == [
                line(
                    monday, mini, key: "key_a", project: "proj_a",
                    [.requests: 7, .inputTotal: 12_000, .inputUncached: 10_000, .inputCached: 2_000, .output: 900]),
                line(
                    monday, mini, isBatch: true, key: "key_b", project: "proj_b",
                    [.requests: 20, .inputTotal: 4_000, .inputUncached: 4_000, .inputCached: 0, .output: 100]),
            ])
        let costs = try ExportFixture.read("openai-costs.csv")
        #expect(costs.format == .openAICosts && costs.days == [monday, monday + 1])
        #expect(costs.lines == [line(monday, .everyModel, [.cost: 895_874_000])])
        let empty = Array("start_time,end_time,start_time_iso,end_time_iso\n1793577600,1793664000,x,y\n".utf8)
        let nothing = try ExportReading.read(empty, name: "e.csv", provider: .openai)
        #expect(nothing.lines.isEmpty && nothing.days == [monday] && nothing.format == .openAIUsage)
    }

    @Test func readsReportsOfAnthropic() throws {
        let sonnet = ExportSubject.model("claude-sonnet-4-5-20250929")
        let live = [
            ReconcileMetric.inputTotal: Int64(6_000), .inputUncached: 3_000, .inputCached: 2_500, .cacheWrite: 500, .output: 600,
        ]
        let batch = [
            ReconcileMetric.inputTotal: Int64(90_000), .inputUncached: 90_000, .inputCached: 0, .cacheWrite: 0, .output: 5_000,
        ]
        let usage = try ExportFixture.read("anthropic-usage.json")
        #expect(usage.format == .anthropicUsage && usage.days == [monday, monday + 1])
        #expect(usage.lines == [line(monday, sonnet, live), line(monday, sonnet, isBatch: true, batch)])
        let file = try ExportFixture.read("anthropic-usage.csv")
        #expect(
            file.lines == [
                line(monday, sonnet, key: "house-key", project: "Default", live),
                line(monday, sonnet, isBatch: true, key: "house-key", project: "Default", batch),
            ])
        let costs = try ExportFixture.read("anthropic-costs.json")
        #expect(costs.format == .anthropicCosts)
        #expect(
            costs.lines == [
                line(monday, sonnet, [.cost: 9_000_000]), line(monday, sonnet, [.cost: 750_000]),
                line(monday, .tools, [.cost: 1_234_500_000]), line(monday, sonnet, isBatch: true, [.cost: 455_000_000]),
            ])
        let costFile = try ExportFixture.read("anthropic-costs.csv")
        let named = ExportSubject.model("Claude Sonnet 4.5")
        #expect(
            costFile.lines == [
                line(monday, named, key: "house-key", project: "Default", [.cost: 10_000_000]),
                line(monday, named, key: "house-key", project: "Default", [.cost: 20_000_000]),
                line(monday, .tools, key: "house-key", project: "Default", [.cost: 100_000_000]),
            ])
    }

    @Test func readsActivityOfOpenRouter() throws {
        let figures = [ReconcileMetric.requests: Int64(5), .inputTotal: 50, .output: 125, .cost: 27_000_000]
        let activity = try ExportFixture.read("openrouter-activity.json")
        #expect(activity.format == .openRouterActivity && activity.days == [monday, monday + 1])
        #expect(
            activity.lines == [
                line(monday, .model("openai/gpt-4.1"), figures),
                line(monday + 1, .model("house/free-one:free"), [.requests: 1, .inputTotal: 9, .output: 3, .cost: 0]),
            ])
        #expect(try ExportFixture.read("openrouter-activity.csv").lines == [line(monday, .model("openai/gpt-4.1"), figures)])
        let generations = try ExportFixture.read("openrouter-generations.csv")
        #expect(generations.format == .openRouterGenerations)
        #expect(
            generations.lines == [
                line(
                    monday, .model("openai/gpt-4.1-2025-04-14"), key: "house",
                    [.requests: 1, .inputTotal: 100, .inputUncached: 70, .inputCached: 30, .output: 20, .cost: 12_300_000]),
                line(
                    monday + 1, .model("openai/gpt-4.1-2025-04-14:free"), key: "house",
                    [.requests: 1, .inputTotal: 10, .inputUncached: 0, .inputCached: 15, .output: 2, .cost: 2_000_000]),
            ])
    }

    @Test func readsAListOfPages() throws {
        let page = String(decoding: try ExportFixture.bytes("openai-usage.json"), as: UTF8.self)
        let last = #"{"object":"page","data":[],"has_more":false,"next_page":null}"#
        let export = try ExportReading.read(Array("[\(page),\(last)]".utf8), name: "p", provider: .openai)
        #expect(try export.lines == ExportFixture.read("openai-usage.json").lines && !export.hasMore)
        #expect(throws: AnswersError.self) { try ExportReading.read(Array("[]".utf8), name: "p", provider: .openai) }
        let costs = String(decoding: try ExportFixture.bytes("openai-costs.json"), as: UTF8.self)
        #expect(throws: AnswersError.self) {
            try ExportReading.read(Array("[\(page),\(costs)]".utf8), name: "p", provider: .openai)
        }
    }

    @Test func bucketsWithoutAResultDoNotSayWhatTheyAre() throws {
        let bucket = #"{"data":[{"start_time":1793577600,"end_time":1793664000,"results":[]}]}"#
        let other = #"{"data":[{"starting_at":"2026-11-02T00:00:00Z","ending_at":"2026-11-03T00:00:00Z","results":[]}]}"#
        let table = "start_time,end_time,start_time_iso,end_time_iso\n1793577600,1793664000,x,y\n"
        for (text, provider) in [(bucket, ExportProvider.openai), (table, .openai), (other, .anthropic)] {
            let export = try ExportReading.read(Array(text.utf8), name: "p", provider: provider)
            #expect(!export.isKindKnown && export.lines.isEmpty && export.days == [monday])
        }
        for name in ExportFixture.names.map(\.file) { #expect(try ExportFixture.read(name).isKindKnown, "\(name)") }
        // A further page says it, and so does the request that was answered.
        let costs = String(decoding: try ExportFixture.bytes("openai-costs.json"), as: UTF8.self)
        for text in ["[\(bucket),\(costs)]", "[\(costs),\(bucket)]"] {
            let export = try ExportReading.read(Array(text.utf8), name: "p", provider: .openai)
            #expect(export.isKindKnown && export.format == .openAICosts)
        }
        var asked = ProviderExport(format: .openAICosts)
        asked.join(try ExportReading.read(Array(bucket.utf8), name: "p", provider: .openai))
        #expect(asked.isKindKnown && asked.format == .openAICosts)
    }

    static let faults: [(file: String, was: String, becomes: String, place: String)] = [
        (
            "openai-usage.json", #""input_tokens": 5000"#, #""input_tokens": "5000""#,
            "data[0].results[1].input_tokens: a whole number"
        ),
        (
            "openai-usage.json", #""input_tokens": 5000"#, #""input_tokens": 5000.5"#,
            "data[0].results[1].input_tokens: a whole number"
        ),
        ("openai-usage.json", #""input_tokens": 5000"#, #""input_tokens": 1200"#, "data[0].results[1]: its cached"),
        (
            "openai-usage.json", #""num_model_requests": 3,"#, #""num_model_requests": -3,"#,
            "results[1].num_model_requests: a whole"
        ),
        ("openai-usage.json", #""end_time": 1793664000"#, #""end_time": 1793664001"#, "data[0]: it runs over midnight UTC"),
        (
            "openai-usage.json", #""start_time": 1793577600"#, #""start_time": 1793577600000"#,
            "data[0].start_time: seconds since 1970"
        ),
        ("openai-usage.json", #""has_more": true"#, #""has_more": 1"#, "has_more: true or false"),
        ("openai-usage.json", #""data": ["#, #""rows": ["#, "the text: `data` is missing"),
        ("openai-usage.json", #""object": "page""#, #""error": {"message":"no"}"#, "the text: this is an error"),
        ("openai-costs.json", #""currency": "usd""#, #""currency": "eur""#, "data[0].results[0].amount: the currency is not usd"),
        ("openai-costs.json", "0.0015", #""a lot""#, "data[0].results[0].amount.value: an amount"),
        (
            "anthropic-usage.json", #""uncached_input_tokens": 3000"#, #""x": 1"#,
            "data[0].results[0]: `uncached_input_tokens` is missing"
        ),
        ("anthropic-usage.json", "2026-11-02T00:00:00Z", "2026-11-31T00:00:00Z", "data[0].starting_at: a date"),
        ("anthropic-usage.json", "2026-11-02T00:00:00Z", "2026-11-01T12:00:00Z", "data[0]: it runs over midnight"),
        (
            "anthropic-costs.json", #""model": "claude-sonnet-4-5-20250929""#, #""model": null"#,
            "data[0].results[0]: a cost of tokens"
        ),
        ("anthropic-costs.json", #""amount": "123.45""#, #""amount": "1,23""#, "data[0].results[2].amount: an amount"),
        ("openrouter-activity.json", #""date": "2026-11-02""#, #""date": "yesterday""#, "data[0].date: a date"),
        ("openrouter-activity.json", "0.015", "1e30", "data[0].usage: an amount"),
        ("openai-usage.csv", "12000.0", "12000.5", "line 2, column input_tokens: a whole number"),
        ("openai-usage.csv", "1793577600,1793664000", "1793577600,1793750400", "line 2, column end_time: the bucket runs over"),
        ("openai-usage.csv", "start_time,end_time", "start_time,start_time", "line 1: the column `start_time` is there twice"),
        ("openai-usage.csv", "key_a,", "key_a,,", "line 2: 16 fields, the header has 15"),
        ("openai-costs.csv", "usd", "gbp", "line 2, column amount_currency: usd"),
        ("openai-costs.csv", #""House"#, "House \"", "line 2: a quote within a field"),
        ("anthropic-usage.csv", "2026-11-02,claude", "02.11.2026,claude", "line 2, column usage_date_utc: a date"),
        ("anthropic-usage.csv", "usage_date_utc", "day", "line 1: these are not the columns"),
        ("openrouter-generations.csv", "0.0123", "cheap", "line 2, column cost_total: an amount"),
        (
            "openrouter-generations.csv", "openai/gpt-4.1-2025-04-14,OpenAI,standard", ",OpenAI,standard",
            "column model_permaslug: a model"
        ),
    ]

    @Test(arguments: ReconcileReadingTests.faults.indices) func namesThePlaceOfAFault(index: Int) throws {
        let fault = Self.faults[index]
        let whole = String(decoding: try ExportFixture.bytes(fault.file), as: UTF8.self)
        let range = try #require(whole.firstRange(of: fault.was), "\(fault.file) holds no \(fault.was)")
        let text = whole.replacingCharacters(in: range, with: fault.becomes)
        let provider = try #require(ExportFixture.names.first { $0.file == fault.file }?.provider)
        let error = #expect(throws: AnswersError.self, "\(fault)") {
            _ = try ExportReading.read(Array(text.utf8), name: fault.file, provider: provider)
        }
        #expect(error?.code == .badExport)
        #expect(
            error?.message.hasPrefix(fault.file + ": ") == true && error?.message.contains(fault.place) == true,
            "\(error?.message ?? "")")
    }

    @Test(arguments: ExportFixture.names.map(\.file)) func refusesTheExportOfAnother(file: String) throws {
        let owner = try #require(ExportFixture.names.first { $0.file == file }?.provider)
        for provider in ExportProvider.allCases where provider != owner {
            let bytes = try ExportFixture.bytes(file)
            let error = #expect(throws: AnswersError.self) { try ExportReading.read(bytes, name: "f", provider: provider) }
            #expect(error?.message.contains("an export of \(owner.rawValue), not of \(provider.rawValue)") == true)
        }
    }

    @Test(arguments: ExportFixture.names.map(\.file)) func everyCutIsReadOrRefused(file: String) throws {
        let provider = try #require(ExportFixture.names.first { $0.file == file }?.provider)
        let bytes = try ExportFixture.bytes(file)
        let whole = try ExportFixture.read(file)
        var refused = 0
        for count in 0..<bytes.count {
            do {
                let read = try ExportReading.read(Array(bytes[..<count]), name: file, provider: provider)
                // What is cut between two lines of CSV, or in the last field of one, can still be read: never more than the whole.
                #expect(read.lines.count <= whole.lines.count)
                #expect(file.hasSuffix(".csv") || count == bytes.count - 1)
            } catch { refused += 1 }
        }
        #expect(refused > (file.hasSuffix(".csv") ? bytes.count / 3 : bytes.count - 3))
    }

    @Test(arguments: ExportFixture.names.map(\.file)) func flippedBytesNeverTrap(file: String) throws {
        let provider = try #require(ExportFixture.names.first { $0.file == file }?.provider)
        let bytes = try ExportFixture.bytes(file)
        var samples = SampleFacts(seed: UInt64(file.utf8.count) * 7_919)
        var outcomes = (read: 0, refused: 0)
        for _ in 0..<1_500 {
            var changed = bytes
            for _ in 0...samples.next(4) { changed[Int(samples.next(UInt64(bytes.count)))] = UInt8(samples.next(256)) }
            do {
                let export = try ExportReading.read(changed, name: file, provider: provider)
                outcomes.read += 1
                // What was read can also be compared.
                let options = ReconcileOptions(days: 0...3_000_000)
                _ = try? Reconciliation.compare(ours: [], exports: [export], options: options)
            } catch { outcomes.refused += 1 }
        }
        #expect(outcomes.read > 0 && outcomes.refused > 0 && outcomes.read + outcomes.refused == 1_500)
    }
}

@Suite struct CSVReaderTests {
    private func lines(_ text: String) throws -> [[String]] {
        var reader = try CSVReader(Array(text.utf8))
        var found: [[String]] = []
        while let line = try reader.next() { found.append(line.fields) }
        return found
    }

    @Test func readsWhatTheStandardAllows() throws {
        #expect(try lines("a,b\r\n1,2\r\n") == [["a", "b"], ["1", "2"]])
        #expect(try lines("a,b\n1,2") == [["a", "b"], ["1", "2"]])
        #expect(try lines("a\rb\r\rc") == [["a"], ["b"], ["c"]])
        #expect(try lines("\u{FEFF}a,,\n,,\n") == [["a", "", ""], ["", "", ""]])
        #expect(try lines("\"a,\"\"b\"\"\r\nc\",\"\"\n") == [["a,\"b\"\r\nc", ""]])
        #expect(try lines("") == [] && lines("\n\r\n") == [])
        #expect(try lines("ü,\u{1F600}\n") == [["ü", "\u{1F600}"]])
    }

    @Test func countsLinesOfTheFile() throws {
        var reader = try CSVReader(Array("a\n\n\"b\nc\"\nd".utf8))
        var numbers: [Int] = []
        while let line = try reader.next() { numbers.append(line.number) }
        #expect(numbers == [1, 3, 5])
    }

    @Test(arguments: [
        ("a,\"b", "line 1", "never closed"), ("a\n\"b\" c", "line 2", "behind the closing quote"),
        ("a\nb\"c", "line 2", "within a field"),
    ]) func refusesTheRest(text: String, place: String, what: String) throws {
        let fault = #expect(throws: ExportFault.self) { try lines(text) }
        #expect(fault?.place == place && fault?.what.contains(what) == true)
    }

    @Test func refusesWhatIsNoUTF8AndTooManyFields() throws {
        #expect(throws: ExportFault.self) { try CSVReader([0x61, 0xFF]) }
        let most = String(repeating: ",", count: ReconcileLimits.fields - 1)
        #expect(try lines(most).first?.count == ReconcileLimits.fields)
        #expect(throws: ExportFault.self) { try lines(most + ",") }
    }

    @Test func readsBackWhatAnswersWrite() throws {
        let texts = ["plain", "a,b", "say \"x\"", "two\r\nlines", "ü", " edge "]
        let table = AnswerTable(columns: texts.map { AnswerColumn($0) }, rows: [texts.map { .text($0) }])
        #expect(try lines(String(decoding: table.csv(), as: UTF8.self)) == [texts, texts])
    }
}

@Suite struct ModelNameTests {
    @Test(
        arguments: [
            ("gpt-4o", "gpt-4o", nil), ("gpt-4o-2024-08-06", "gpt-4o", "20240806"), ("GPT-4o-2024-08-06", "gpt-4o", "20240806"),
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "20250929"),
            ("claude-opus-4@20250514", "claude-opus-4", "20250514"),
            ("claude-3-5-sonnet-latest", "claude-3-5-sonnet", nil), ("Claude Sonnet 4.5", "claude-sonnet-4-5", nil),
            ("Claude 3.5 Sonnet 2024-10-22", "claude-3-5-sonnet", "20241022"), ("openai/gpt-4.1", "openai/gpt-4.1", nil),
            ("openai/gpt-4.1-2025-04-14:free", "openai/gpt-4.1:free", "20250414"), ("x/y:free", "x/y:free", nil),
            ("model-2024-13-06", "model-2024-13-06", nil), ("model-99999999", "model-99999999", nil),
            ("-20240806", "-20240806", nil),
            ("2024-08-06", "2024-08-06", nil), ("", "", nil),
            ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash-preview-09-2025", nil),
        ] as [(String, String, String?)]) func isTakenApart(name: String, family: String, date: String?)
    {
        let parsed = ModelName(name)
        #expect(parsed.family == family && parsed.date == date)
    }

    @Test func snapshotsStayApartUnlessOneSideNamesNone() {
        let apart = ModelMatching(ours: ["m-2024-08-06", "m-2024-11-20"], theirs: ["m-20240806"])
        #expect(apart.label(of: "m-2024-08-06") == apart.label(of: "m-20240806"))
        #expect(apart.label(of: "m-2024-08-06") == "m-2024-08-06" && apart.label(of: "m-2024-11-20") == "m-2024-11-20")
        let one = ModelMatching(ours: ["m"], theirs: ["m-2024-08-06", "m-2024-11-20"])
        #expect(["m", "m-2024-08-06", "m-2024-11-20"].allSatisfy { one.label(of: $0) == "m" })
        #expect(one.names == ["m": ["m", "m-2024-08-06", "m-2024-11-20"]])
        let other = ModelMatching(ours: ["m-2024-08-06"], theirs: ["M"])
        #expect(other.label(of: "m-2024-08-06") == "M" && other.label(of: "M") == "M")
        let both = ModelMatching(ours: ["m", "m-2024-08-06"], theirs: ["m", "m-2024-11-20"])
        #expect(Set(["m", "m-2024-08-06", "m-2024-11-20"].map { both.label(of: $0) }).count == 3)
        let alone = ModelMatching(ours: ["m", "m-2024-08-06"], theirs: ["n"])
        #expect(alone.label(of: "m") == "m" && alone.label(of: "m-2024-08-06") == "m-2024-08-06" && alone.names.isEmpty)
    }

    @Test(arguments: [
        ("gpt-5.4-2026-03-05, cached input", ExportSubject.model("gpt-5.4-2026-03-05"), false),
        ("gpt-image-1 image, output", .model("gpt-image-1"), false), ("gpt-image-2 text, input", .model("gpt-image-2"), false),
        ("gpt-4o-mini batch, input", .model("gpt-4o-mini"), true), ("whisper", .model("whisper"), false),
        ("web search tool calls", .tools, false), ("file search storage, daily", .tools, false), (",", .tools, false),
        ("", .tools, false), ("batch", .model("batch"), false), ("priority | gpt-5.6-sol, output", .model("gpt-5.6-sol"), false),
        ("gpt-5.6-sol, output, long context", .model("gpt-5.6-sol"), false),
        ("priority | gpt-5.6-sol, cached input, long context", .model("gpt-5.6-sol"), false),
        ("flex | gpt-5-mini, input", .model("gpt-5-mini"), false),
        ("batch | gpt-5-mini, cache writes", .model("gpt-5-mini"), true),
        ("flex | gpt-image-1 image, output", .model("gpt-image-1"), false), ("flex | whisper-1", .model("whisper-1"), false),
        ("priority | web search tool calls", .tools, false), ("web search | gpt-5-mini, input", .tools, false),
        ("batch | file search storage, daily", .tools, true), ("priority |", .tools, false), ("| gpt-5-mini", .tools, false),
    ]) func lineItemsNameTheirModel(item: String, subject: ExportSubject, isBatch: Bool) {
        let found = OpenAIExport.subject(ofItem: item)
        #expect(found.subject == subject && found.isBatch == isBatch)
    }
}
