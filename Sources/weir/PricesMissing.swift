// SPDX-License-Identifier: Apache-2.0
import Answers
import ArgumentParser
import ExchangeModel
import FactStore
import Platform
import Pricing

struct PricesMissingVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "missing", abstract: "Traffic without a price, by provider and model.",
        discussion: """
            Exchanges with usage whose cost is not known, with the reason that the prices in force give. `priced_now` means that they do have a price: the index was made before it came. Exchanges of which no usage came are counted apart. Exit code 1 where anything is missing.

            EXAMPLES:
              weir prices missing
              weir prices missing --since 7d --provider bedrock
              weir prices missing --since 24h --json | jq -r .model
            """)

    @Option(help: "Start: 30m, 24h, 7d, a date or time in UTC, or microseconds since 1970.") var since: String?
    @Option(help: "End, exclusive; as --since.") var until: String?
    @Option(help: "Only this provider.") var provider: String?
    @Option(help: "Only this model, asked for or answered.") var model: String?
    @Flag(help: "One JSON object a line.") var json = false
    @OptionGroup var data: DataOption

    func run() throws {
        try data.directory.require(PosixFileSystem())
        let book = try PriceFaults.told { try PriceFiles(data.directory).book() }
        var arguments = FilterArguments()
        arguments.since = since
        arguments.until = until
        arguments.provider = provider
        arguments.model = model
        let filter = try arguments.filter(nowUs: SystemClock().wallUs)
        let store = try FactStore.open(path: data.directory.index, mode: .readOnly)
        let groups = try UnpricedTraffic.groups(store, filter, book)
        let table = UnpricedTraffic.table(groups)
        if json { try Terminal.data(table.jsonLines()) } else if !groups.isEmpty { try Terminal.data(table.terminalText()) }
        let absent = try UnpricedTraffic.withoutUsage(store, filter)
        let total = groups.reduce(Int64(0)) { $0 + $1.exchanges }
        Terminal.say(
            "\(total) exchanges without a price in \(groups.count) groups; \(absent) answered ones without usage (prices \(book.version))"
        )
        if !groups.isEmpty { throw VerbFailure(exitCode: 1, message: "") }
    }
}

/// Exchanges of one provider, model and service tier that have no cost.
struct UnpricedTraffic {
    let provider: String
    let model: String?
    let serviceTier: String?
    let exchanges: Int64
    let inputTokens: Int64?
    let outputTokens: Int64?
    let firstUs: Int64
    let lastUs: Int64
    let reason: String

    private static let filters = """
        (:since_us IS NULL OR started_at_us >= :since_us) AND (:until_us IS NULL OR started_at_us < :until_us)
        AND (:provider IS NULL OR provider = :provider)
        AND (:model IS NULL OR :model IN (model_requested, model_responded))
        """

    private static let grouped = """
        SELECT provider, model_responded, model_requested, service_tier, upstream_url, count(*), sum(usage_input_total),
            sum(usage_output_total), min(started_at_us), max(started_at_us)
        FROM facts
        WHERE cost_total_nanousd IS NULL AND usage_source <> 'absent' AND \(filters)
        GROUP BY provider, model_responded, model_requested, service_tier
        ORDER BY count(*) DESC, provider, model_responded, model_requested, service_tier
        """

    private static let uncounted = """
        SELECT count(*) FROM facts WHERE usage_source = 'absent' AND status BETWEEN 200 AND 299 AND api IS NOT NULL AND \(filters)
        """

    private static func parameters(_ filter: FactFilter) -> [String: SQLValue] {
        filter.parameters.filter { ["since_us", "until_us", "provider", "model"].contains($0.key) }
    }

    static func groups(_ store: FactStore, _ filter: FactFilter, _ book: PriceBook) throws -> [UnpricedTraffic] {
        try store.runQuery(grouped, parameters: parameters(filter)).rows.compactMap { row in
            guard row.count == 10, let provider = row[0].text, let exchanges = row[5].integer else { return nil }
            let lastUs = row[9].integer ?? 0
            var fact = ExchangeFact(
                head: ExchangeHead(
                    id: ExchangeID(milliseconds: 0, random: (0, 0)), node: "", startedAtUs: lastUs, method: "", path: ""),
                location: PayloadLocation(segment: "", frame: 0, offset: 0))
            fact.head.provider = provider
            fact.head.upstreamURL = row[4].text
            fact.reading.modelResponded = row[1].text
            fact.reading.modelRequested = row[2].text
            fact.reading.serviceTier = row[3].text
            let reason: String
            switch book.look(up: BookPricer.query(of: fact)) {
            case .found: reason = "priced_now"
            case .none(let why): reason = why.rawValue
            }
            return UnpricedTraffic(
                provider: provider, model: row[1].text ?? row[2].text, serviceTier: row[3].text, exchanges: exchanges,
                inputTokens: row[6].integer, outputTokens: row[7].integer, firstUs: row[8].integer ?? 0, lastUs: lastUs,
                reason: reason)
        }
    }

    static func withoutUsage(_ store: FactStore, _ filter: FactFilter) throws -> Int64 {
        try store.runQuery(uncounted, parameters: parameters(filter)).rows.first?.first?.integer ?? 0
    }

    /// The groups as an answer.
    static func table(_ groups: [UnpricedTraffic]) -> AnswerTable {
        let columns = [
            "provider", "model", "service_tier", "exchanges", "input_tokens", "output_tokens", "first_started_at_us",
            "last_started_at_us", "reason",
        ]
        let rows = groups.map { group -> [SQLValue] in
            [
                .text(group.provider), SQLValue(group.model), SQLValue(group.serviceTier), .integer(group.exchanges),
                SQLValue(group.inputTokens), SQLValue(group.outputTokens), .integer(group.firstUs), .integer(group.lastUs),
                .text(group.reason),
            ]
        }
        return AnswerTable(QueryResult(columns: columns, rows: rows))
    }
}
