// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ByteCoding
import ExchangeModel
import Platform
import Pricing

struct PricesVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices", abstract: "The price book: what models cost, and what is not priced.",
        discussion: """
            Prices in force are the built-in table, over it DATA/prices/imported.json, over both DATA/prices/overrides.yaml (or .json). Amounts are dollars a million tokens, a thousand calls, one image or an hour.

            EXAMPLES:
              weir prices show gpt-5.4
              weir prices cost gpt-5.4 --provider openai --input 12000 --cached 8000 --output 900
              weir prices check overrides.yaml
              weir prices refresh
              weir prices missing --since 7d
            """,
        subcommands: [
            PricesShowVerb.self, PricesCostVerb.self, PricesCheckVerb.self, PricesImportVerb.self, PricesRefreshVerb.self,
            PricesMissingVerb.self,
        ])
}

/// Runs a verb so that faults of price files are its own: every one on a line, with an exit code.
enum PriceFaults {
    static func told<T>(exitCode: Int32 = 2, _ body: () throws -> T) throws -> T {
        do { return try body() } catch let error as PricingError {
            throw VerbFailure(exitCode: exitCode, message: "the price file is not good:\n\(error.description)")
        }
    }

    static func at(_ text: String?) throws -> Int64 {
        guard let text else { return SystemClock().wallUs }
        if let us = CalendarDay.us(text) { return us }
        throw VerbFailure.usage("--at takes a day such as 2026-11-29 or an instant such as 2026-11-29T16:00:00Z, not \(text)")
    }
}

// MARK: Show

struct PricesShowVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "The rows for a model, or all that are in force.",
        discussion: """
            Exit code 1 where no row is for the model.

            EXAMPLES:
              weir prices show
              weir prices show claude-sonnet-4-6
              weir prices show gpt-4.1 --provider openai --history
              weir prices show gpt-5.4 --at 2026-06-01 --json | jq .row.price
            """)

    @Argument(help: "A model's name, as requests or answers write it.") var model: String?
    @Option(help: "Only this provider.") var provider: String?
    @Option(help: "In force then: a day or an instant in UTC (default: now).") var at: String?
    @Flag(help: "Rows of other times too.") var history = false
    @Flag(help: "One JSON object a line.") var json = false
    @OptionGroup var data: DataOption

    func run() throws {
        let sheets = try PriceFaults.told { try PriceFiles(data.directory).sheets() }
        let atUs = try PriceFaults.at(at)
        let names = model.map { ModelNames.candidates(of: $0).map { Array($0.name.utf8) } }
        var shown = 0
        for sheet in sheets.reversed() {
            for (index, row) in sheet.rows.enumerated() {
                if let provider, !row.providers.contains(provider) { continue }
                if !history, !(row.fromUs.map { atUs >= $0 } ?? true) || !(row.toUs.map { atUs < $0 } ?? true) { continue }
                if let names, !names.contains(where: { PricesShowVerb.isMeant(row, $0) }) { continue }
                shown += 1
                try Terminal.data(json ? jsonLine(row, index, sheet) : PriceText.lines(row, index, sheet, isShort: model == nil))
            }
        }
        guard shown > 0 else {
            let whose = provider.map { " of \($0)" } ?? ""
            throw VerbFailure.found("no price\(whose) for \(model ?? "any model"); `weir prices missing` lists unpriced traffic")
        }
        Terminal.say("\(shown) rows, prices \(PriceBook(sheets).version)")
    }

    private static func isMeant(_ row: PriceRow, _ name: [UInt8]) -> Bool {
        row.models.contains { $0.matches(name) } && !row.except.contains { $0.matches(name) }
    }

    private func jsonLine(_ row: PriceRow, _ index: Int, _ sheet: PriceSheet) -> [UInt8] {
        var inner = JSONWriter()
        row.write(to: &inner)
        var out = JSONWriter()
        out.beginObject()
        out.key("sheet")
        out.value(sheet.name)
        out.key("number")
        out.value(Int64(index + 1))
        out.key("source_url")
        out.value(row.source.map { sheet.sources[$0]?.url ?? $0 })
        out.key("row")
        out.raw(inner.bytes)
        out.endObject()
        out.newline()
        return out.bytes
    }
}

/// Rows as a person reads them.
enum PriceText {
    static func lines(_ row: PriceRow, _ index: Int, _ sheet: PriceSheet, isShort: Bool) -> [UInt8] {
        let models = row.models.prefix(isShort ? 1 : 6).map(\.text).joined(separator: ", ")
        let more = row.models.count - (isShort ? 1 : 6)
        var head = row.providers.joined(separator: ", ") + "  " + models + (more > 0 ? " and \(more) more" : "")
        for condition in PriceCondition.allCases {
            if let values = row.when[condition] { head += "  \(condition.rawValue) \(values.joined(separator: "|"))" }
        }
        if let hours = row.hours { head += "  \(hours.text) UTC" }
        if let from = row.fromUs { head += "  from \(CalendarDay.text(us: from))" }
        if let to = row.toUs { head += "  until \(CalendarDay.text(us: to))" }
        var text = head + "\n    " + prices(row) { $0.pico } + "\n"
        guard !isShort else { return Array(text.utf8) }
        for step in steps(row) {
            let how = step.comparison == .above ? "more than" : "at least"
            let whole = step.isWholeRequest ? "" : " (for what is beyond)"
            text += "    \(how) \(HumanUnits.grouped(step.threshold)) prompt tokens\(whole): "
            text +=
                prices(row) { rate in
                    rate.tiers.first { $0.threshold == step.threshold && $0.comparison == step.comparison }?.pico
                } + "\n"
        }
        let source = row.source.flatMap { sheet.sources[$0] }
        let url = source?.url ?? row.source ?? "no source"
        let checked = row.checked ?? source?.checked ?? sheet.dated
        text += "    \(url)" + (checked.map { ", checked \($0)" } ?? "") + (source?.via.map { ", via \($0)" } ?? "")
        return Array((text + "  [\(sheet.name), row \(index + 1)]\n").utf8)
    }

    private static func steps(_ row: PriceRow) -> [PriceTier] {
        var found: [PriceTier] = []
        for tier in PriceClass.allCases.flatMap({ row.rates[$0]?.tiers ?? [] }) {
            let isThere = found.contains { $0.threshold == tier.threshold && $0.comparison == tier.comparison }
            if !isThere { found.append(tier) }
        }
        return found.sorted { $0.threshold < $1.threshold }
    }

    private static func prices(_ row: PriceRow, _ pick: (PriceRate) -> Int64?) -> String {
        PriceClass.allCases.compactMap { kind in
            guard let pico = row.rates[kind].flatMap(pick) else { return nil }
            let unit = kind.unit.digits == 6 ? "" : " \(kind.unit.words)"
            return "\(kind.name) $\(PicoDollars.text(pico, digits: kind.unit.digits))\(unit)"
        }.joined(separator: ", ")
    }
}

// MARK: Cost

struct PricesCostVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost", abstract: "What use would cost, by class.",
        discussion: """
            Counts are the provider's: `--input` holds cached tokens and cache writes, `--output` holds reasoning. Exit code 1 where there is no price.

            EXAMPLES:
              weir prices cost gpt-5.4 --provider openai --input 12000 --cached 8000 --output 900 --reasoning 600
              weir prices cost claude-sonnet-4-6 --provider anthropic --input 9000 --cache-write-1h 4000 --output 300 --json
              weir prices cost gpt-5.4 --provider openai --input 300000 --output 900 --service-tier flex
            """)

    @Argument(help: "The model.") var model: String
    @Option(help: "The provider.") var provider: String
    @Option(help: "All prompt tokens.") var input: Int64
    @Option(help: "Of those, read from a cache.") var cached: Int64?
    @Option(name: .customLong("cache-write-5m"), help: "Of those, written to a cache for five minutes.") var cacheWrite5m: Int64?
    @Option(name: .customLong("cache-write-1h"), help: "Of those, written to a cache for an hour.") var cacheWrite1h: Int64?
    @Option(help: "All generated tokens.") var output: Int64
    @Option(help: "Of those, reasoning.") var reasoning: Int64?
    @Option(help: "Web searches.") var webSearches: Int64?
    @Option(help: "The tier that served it.") var serviceTier: String?
    @Option(help: "The cloud's region.") var region: String?
    @Option(help: "The gateway key, for discounts.") var key: String?
    @Option(help: "When: a day or an instant in UTC (default: now).") var at: String?
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var data: DataOption

    func run() throws {
        let book = try PriceFaults.told { try PriceFiles(data.directory).book() }
        var usage = PricedUsage()
        usage.tokens.inputTotal = input
        usage.tokens.inputCached = cached
        usage.tokens.cacheWrite5m = cacheWrite5m
        usage.tokens.cacheWrite1h = cacheWrite1h
        usage.tokens.outputTotal = output
        usage.tokens.outputReasoning = reasoning
        if let webSearches { usage.calls[.webSearch] = webSearches }
        var query = PriceQuery(provider: provider, models: [model], atUs: try PriceFaults.at(at))
        query.setServiceTier(serviceTier)
        query.context[.region] = region?.lowercased()
        query.keyID = key
        let price = book.price(usage, query)
        try Terminal.data(json ? PricesCostVerb.jsonLine(price) : PricesCostVerb.text(price))
        if let reason = price.reason { throw VerbFailure.found("no price: \(reason.rawValue) (prices \(book.version))") }
    }

    private static func jsonLine(_ price: FactPrice) -> [UInt8] {
        var out = JSONWriter()
        out.beginObject()
        for field in CostBreakdown.fields {
            out.key(field.key)
            out.value(price.cost[keyPath: field.path])
        }
        out.key("price_version")
        out.value(price.version)
        out.key("reason")
        out.value(price.reason?.rawValue)
        out.endObject()
        out.newline()
        return out.bytes
    }

    private static func text(_ price: FactPrice) -> [UInt8] {
        guard price.reason == nil else { return [] }
        var text = ""
        for field in CostBreakdown.fields {
            guard let nano = price.cost[keyPath: field.path] else { continue }
            let name = field.key.replacing("_nanousd", with: "").replacing("_", with: " ")
            let amount = "$" + PicoDollars.text(nano, digits: 9)
            text += name + String(repeating: " ", count: max(1, 14 - name.count)) + amount + "\n"
        }
        return Array((text + "prices        \(price.version ?? "-")\n").utf8)
    }
}

// MARK: Check

struct PricesCheckVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read a price file, or all that are in force, and say what is wrong or odd.",
        discussion: """
            Faults of the file and rows that hide one another are problems: exit code 1. Gaps in time, old rows, missing sources and prices that cannot be meant are doubts, which count with --strict.

            EXAMPLES:
              weir prices check
              weir prices check overrides.yaml
              weir prices check --stale-days 90 --strict --json
            """)

    @Argument(help: "A file in the format of `weir prices` (default: the prices in force).") var file: String?
    @Option(help: "A row that was checked longer ago is old.") var staleDays: Int64 = 365
    @Flag(help: "Doubts are problems too.") var strict = false
    @Flag(help: "One JSON object a line.") var json = false
    @OptionGroup var data: DataOption

    func run() throws {
        guard (1...100_000).contains(staleDays) else { throw VerbFailure.usage("--stale-days takes 1 to 100000") }
        let files = PosixFileSystem()
        let sheets = try PriceFaults.told(exitCode: 1) {
            if let file { return [try PriceFiles.read(file, files: files)] }
            return try PriceFiles(data.directory).sheets()
        }
        var problems = 0
        var doubts = 0
        for sheet in sheets {
            for finding in BookCheck.findings(sheet, nowUs: SystemClock().wallUs, staleDays: staleDays) {
                if finding.severity == .problem { problems += 1 } else { doubts += 1 }
                try Terminal.data(
                    json ? jsonLine(finding) : Array("\(finding.severity.rawValue): \(finding.fault)\n".utf8))
            }
        }
        let rows = sheets.reduce(0) { $0 + $1.rows.count }
        Terminal.say("\(rows) rows in \(sheets.count) tables: \(problems) problems, \(doubts) doubts")
        if problems > 0 || (strict && doubts > 0) { throw VerbFailure(exitCode: 1, message: "") }
    }

    private func jsonLine(_ finding: BookCheck.Finding) -> [UInt8] {
        var out = JSONWriter()
        out.beginObject()
        let texts = [
            ("severity", finding.severity.rawValue), ("file", finding.fault.file), ("message", finding.fault.message),
        ]
        for (key, value) in texts {
            out.key(key)
            out.value(value)
        }
        out.key("line")
        out.value(finding.fault.line > 0 ? Int64(finding.fault.line) : nil)
        out.key("row")
        out.value(finding.fault.row.map(Int64.init))
        out.endObject()
        out.newline()
        return out.bytes
    }
}
