// SPDX-License-Identifier: Apache-2.0
import Answers
import ExchangeModel
import FactSamples
import FactStore
import NamedQueries
import Testing

/// How a question is put: by, percentiles, limit, forms, and statements of somebody's own.
@Suite struct QuestionTests {
    private func store(_ scratch: ScratchDirectory, count: Int = 60) throws -> FactStore {
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try store.commit(facts: SampleFacts.facts(seed: 51, count: count), checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        return store
    }

    private func options(by: String? = nil, percentiles: String? = nil, limit: Int? = nil) throws -> AnswerOptions {
        var options = AnswerOptions()
        if let by { try options.setBy(by) }
        if let percentiles { try options.setPercentiles(percentiles) }
        options.limit = limit
        return options
    }

    @Test func columnsAreNamedForWhatWasAsked() throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch)
        let query = try #require(NamedQueries.find("tail-latency"))
        func names(_ options: AnswerOptions) throws -> [String] {
            try Answers.run(query, filter: FactFilter(), options: options, store: store).columns.map(\.name)
        }
        #expect(
            try names(AnswerOptions()) == [
                "model", "exchanges", "duration_p50_us", "duration_p75_us", "duration_p90_us", "duration_p99_us",
                "streams_with_ttft", "ttft_p50_us", "ttft_p75_us", "ttft_p90_us", "ttft_p99_us",
            ])
        #expect(
            try names(options(by: "metadata.Chat", percentiles: "5,99.9")) == [
                "meta.chat", "exchanges", "duration_p5_us", "duration_p99_9_us", "streams_with_ttft", "ttft_p5_us",
                "ttft_p99_9_us",
            ])
        let table = try Answers.run(query, filter: FactFilter(), options: options(by: "KEY", percentiles: "99.9"), store: store)
        #expect(table.columns.map(\.title) == ["key", "exchanges", "duration p99.9", "streams with ttft", "ttft p99.9"])
        #expect(table.columns[2].unit == .durationUs)
        // No two columns of one name.
        let tokens = try #require(NamedQueries.find("tokens"))
        let days = try Answers.run(tokens, filter: FactFilter(), options: options(by: "day"), store: store)
        #expect(days.columns.map(\.name).prefix(2) == ["by_value", "day"])
    }

    @Test func refusesWhatCannotBeMeant() throws {
        for text in ["", "models", "meta.", "meta", "by"] {
            let error = #expect(throws: AnswersError.self) { try options(by: text) }
            #expect(error?.code == .badGrouping && error?.message.contains("meta.NAME") == true)
        }
        for text in [
            "", "0", "100.1", "101", "50,50", "90,50", "50,", "a", "1,2,3,4,5", "99.99", "-1", "+5", "5.", ".5", "50 ,90",
        ] {
            let error = #expect(throws: AnswersError.self, "\(text)") { try options(percentiles: text) }
            #expect(error?.code == .badPercentiles)
        }
        for text in ["0.1", "100", "50,75,90,99", "99.9"] { _ = try options(percentiles: text) }
        let scratch = try ScratchDirectory()
        let store = try store(scratch)
        for (name, given) in [("errors", try options(by: "task")), ("spend", try options(percentiles: "50"))] {
            let query = try #require(NamedQueries.find(name))
            let error = #expect(throws: AnswersError.self) {
                try Answers.run(query, filter: FactFilter(), options: given, store: store)
            }
            #expect(error?.code == .optionUnknown && error?.message.contains(name) == true)
        }
        let given = try options(by: "task")
        #expect(throws: AnswersError.self) {
            try Answers.write("exchanges", filter: FactFilter(), options: given, form: .csv, store: store) { _ in }
        }
    }

    @Test func limitsCountRows() throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch)
        for name in ["slowest", "tokens", "errors"] {
            let query = try #require(NamedQueries.find(name))
            let whole = try Answers.run(query, filter: FactFilter(), store: store)
            let cut = try Answers.run(query, filter: FactFilter(), options: options(limit: 3), store: store)
            #expect(cut.rows == Array(whole.rows.prefix(3)), "\(name)")
        }
    }

    @Test func statementsOfOnesOwnTakeTheSameParameters() throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch)
        func run(_ sql: String, _ filter: FactFilter = FactFilter(), _ options: AnswerOptions = AnswerOptions()) throws
            -> AnswerTable
        {
            try Answers.run(NamedQuery(name: "mine.sql", file: Array(sql.utf8)), filter: filter, options: options, store: store)
        }
        var filter = FactFilter()
        filter.provider = "openai"
        let counted = try run("SELECT count(*) AS n FROM facts WHERE :provider IS NULL OR provider = :provider", filter)
        let expected = SampleFacts.facts(seed: 51, count: 60).filter { $0.passes(filter) }.count
        #expect(counted.rows == [[.integer(Int64(expected))]] && counted.columns.map(\.name) == ["n"])
        let named = try run("SELECT :p1 AS p1, :by AS by_value, :p4 AS p4", filter, options(by: "task", percentiles: "10"))
        #expect(named.columns.map(\.name) == ["p10", "task"] && named.rows == [[.integer(100), .text("task")]])
        let error = #expect(throws: AnswersError.self) { try run("SELECT :tenant") }
        #expect(error?.code == .parameterUnknown && error?.message.contains(":since_us") == true)
        for sql in ["DELETE FROM fact", "SELECT 1; SELECT 2", "SELECT nothing FROM facts", "DROP VIEW facts", ""] {
            #expect(throws: (any Error).self, "\(sql)") { try run(sql) }
        }
        #expect(try store.count() == 60)
    }

    @Test func csvIsQuotedWhereItMust() throws {
        let table = AnswerTable(
            QueryResult(
                columns: ["a", "b,c"],
                rows: [
                    [.text("x\"y"), .null], [.text(""), .integer(-5)], [.text("l1\r\nl2"), .real(0.5)],
                    [.text("é"), .blob([255])],
                ]))
        let expected = "a,\"b,c\"\r\n\"x\"\"y\",\r\n\"\",-5\r\n\"l1\r\nl2\",0.5\r\né,ff\r\n"
        #expect(String(decoding: table.csv(), as: UTF8.self) == expected)
        #expect(AnswerTable(QueryResult(columns: ["a"], rows: [])).csv() == Array("a\r\n".utf8))
    }

    @Test func barsAreAsLongAsValues() {
        let rows: [[SQLValue]] = [
            [.text("a"), .integer(160)], [.text("b"), .integer(81)], [.text("c"), .integer(0)], [.text("d"), .null],
        ]
        let table = AnswerTable(
            QueryResult(columns: ["model", "n"], rows: rows + [[.text("e"), .integer(1)], [.text("f"), .real(40)]]))
        let bars = BarPicture.bars(table, column: "n")
        #expect(bars == [String(repeating: "█", count: 20), String(repeating: "█", count: 10) + "▏", "", "", "▏", "█████"])
        #expect(BarPicture.bars(table, column: "absent").isEmpty && BarPicture.bars(table, column: "model").isEmpty)
        #expect(table.terminalText(bars: bars).split(separator: "\n")[3] == "b         81  ██████████▏")
    }

    @Test func linesShareOneScale() {
        func row(_ day: String, _ model: String?, _ n: Int64?) -> [SQLValue] { [.text(day), SQLValue(model), SQLValue(n)] }
        let table = AnswerTable(
            QueryResult(
                columns: ["day", "model", "input_tokens"],
                rows: [
                    row("d1", "a", 8), row("d1", nil, 1), row("d2", "a", 4), row("d3", "a", 0), row("d3", nil, nil),
                    row("d4", nil, 2),
                ]))
        let lines = BarPicture.lines(table, axis: "day", value: "input_tokens", series: "model")
        #expect(lines == "input tokens by day, d1 to d4; the highest is 8\na  █▄▁ \n-  ▁  ▂\n")
        let short = AnswerTable(QueryResult(columns: ["day", "model", "input_tokens"], rows: [row("d1", "a", 8)]))
        #expect(BarPicture.lines(short, axis: "day", value: "input_tokens", series: "model").isEmpty)
    }

    @Test func everyQuestionIsDrawnAndExplained() throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch, count: 300)
        var options = AnswerOptions()
        options.nowUs = 1_790_000_000_000_000 + 2 * 43_200_000_000
        for query in NamedQueries.all {
            for form in [AnswerForm.table(hasPicture: true), .table(hasPicture: false), .csv, .jsonLines] {
                var text: [UInt8] = []
                try Answers.write(query.name, filter: FactFilter(), options: options, form: form, store: store) { text += $0 }
                #expect(!text.isEmpty, "\(query.name)")
                if form == .table(hasPicture: false) { #expect(!String(decoding: text, as: UTF8.self).contains("█")) }
            }
            let help = QueryHelp.text(query)
            for part in [
                query.summary, query.header.question, "USAGE: weir query \(query.name)", "--since", "COLUMNS:", "EXAMPLES:",
            ] {
                #expect(help.contains(part), "\(query.name): \(part)")
            }
            #expect(help.contains("--by NAME") == query.parameters.contains("by"))
            #expect(help.contains("--percentiles LIST") == query.parameters.contains("p1"))
            #expect(help.contains("--limit N") == query.parameters.contains("top"))
            #expect(!help.contains("by_value") && !help.contains("_p1_"))
        }
    }

    @Test func fewerPercentilesAreDrawnToo() throws {
        let scratch = try ScratchDirectory()
        let store = try store(scratch, count: 300)
        for (list, legend) in [("50", nil), ("50,99", "█ p50 to p99"), ("10,50,99.9", "█ p10 to p50   ▓ p50 to p99.9")]
            as [(String, String?)]
        {
            var text: [UInt8] = []
            let given = try options(percentiles: list)
            try Answers.write("tail-latency", filter: FactFilter(), options: given, form: .table(hasPicture: true), store: store)
            {
                text += $0
            }
            let drawn = String(decoding: text, as: UTF8.self)
            #expect(drawn.contains("█") && drawn.contains("duration  "))
            if let legend { #expect(drawn.contains(legend + "\n")) }
        }
    }

    @Test func sharesAndDecimalsAreRounded() {
        #expect(HumanUnits.percent(ppm: 0) == "0.00 %" && HumanUnits.percent(ppm: 123_450) == "12.35 %")
        #expect(HumanUnits.percent(ppm: 1_000_000) == "100.00 %" && HumanUnits.percent(ppm: 49) == "0.00 %")
        #expect(HumanUnits.percent(ppm: -50) == "-0.01 %" && HumanUnits.percent(ppm: .max) == "922,337,203,685,477.58 %")
        #expect(
            HumanUnits.decimal(83.333) == "83.33" && HumanUnits.decimal(-0.5) == "-0.50"
                && HumanUnits.decimal(1_234) == "1,234.00")
        #expect(HumanUnits.decimal(.infinity) == "inf" && HumanUnits.decimal(.nan) == "nan")
    }
}
