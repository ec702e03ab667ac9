// SPDX-License-Identifier: Apache-2.0

/// Providers whose exports are read.
package enum ExportProvider: String, CaseIterable, Sendable {
    case openai, anthropic, openrouter
}

/// What an export is: an answer of one of a provider's reporting endpoints, or a file of its console.
package enum ExportFormat: String, CaseIterable, Sendable {
    case openAIUsage = "openai-usage"
    case openAICosts = "openai-costs"
    case anthropicUsage = "anthropic-usage"
    case anthropicCosts = "anthropic-costs"
    case openRouterActivity = "openrouter-activity"
    case openRouterGenerations = "openrouter-generations"

    /// What such an export holds at least: where it has no line, these are what it says nothing was used of.
    var leastMetrics: [ReconcileMetric] {
        switch self {
        case .openAIUsage: [.requests, .inputTotal, .output]
        case .anthropicUsage: [.inputTotal, .inputUncached, .output]
        case .openAICosts, .anthropicCosts: [.cost]
        case .openRouterActivity, .openRouterGenerations: [.requests, .inputTotal, .output, .cost]
        }
    }
}

/// What both sides count, in the order in which it is shown.
package enum ReconcileMetric: Int, CaseIterable, Sendable {
    case requests, inputTotal, inputUncached, inputCached, cacheWrite, output, cost

    /// Those that count tokens.
    static let tokens: [ReconcileMetric] = [.inputTotal, .inputUncached, .inputCached, .cacheWrite, .output]

    /// The end of the names of columns.
    package var key: String {
        switch self {
        case .requests: "requests"
        case .inputTotal: "input_total"
        case .inputUncached: "input_uncached"
        case .inputCached: "input_cached"
        case .cacheWrite: "cache_write"
        case .output: "output"
        case .cost: "cost_nanousd"
        }
    }

    /// For the head of a table.
    var title: String {
        switch self {
        case .requests: "requests"
        case .inputTotal: "input, all"
        case .inputUncached: "input"
        case .inputCached: "cached input"
        case .cacheWrite: "cache writes"
        case .output: "output"
        case .cost: "cost"
        }
    }
}

/// A figure for each metric; nil is unknown, never 0.
package struct ReconcileCounts: Equatable, Sendable {
    private var values = [Int64?](repeating: nil, count: ReconcileMetric.allCases.count)

    /// Nothing known.
    package init() {}

    /// The figure of a metric.
    package subscript(metric: ReconcileMetric) -> Int64? {
        get { values[metric.rawValue] }
        set { values[metric.rawValue] = newValue }
    }

    /// Which metrics are known.
    var known: [ReconcileMetric] { ReconcileMetric.allCases.filter { self[$0] != nil } }

    /// Adds what the other knows.
    ///
    /// - Parameter other: further figures.
    /// - Throws: `AnswersError.badComparison` where a sum does not fit 64 bits.
    mutating func add(_ other: ReconcileCounts) throws(AnswersError) {
        for metric in other.known {
            guard let more = other[metric] else { continue }
            let (sum, isOver) = (self[metric] ?? 0).addingReportingOverflow(more)
            guard !isOver else {
                throw AnswersError(code: .badComparison, message: "the sum of \(metric.key) does not fit 64 bits")
            }
            self[metric] = sum
        }
    }
}

/// What a line of an export is about.
package enum ExportSubject: Hashable, Sendable {
    /// One model, under the provider's name for it.
    case model(String)
    /// All models together: the export is not divided by model.
    case everyModel
    /// Tools that the provider ran: what is billed beside tokens.
    case tools
}

/// One figure or several of an export, for one day.
package struct ExportLine: Equatable, Sendable {
    /// Days since 1970-01-01, UTC.
    package var day: Int64
    /// What it is about.
    package var subject: ExportSubject
    /// Work of the batch API, which no exchange carries.
    package var isBatch = false
    /// The API key under the provider's name, where the export is divided by key.
    package var keyID: String?
    /// The project or workspace, where the export is divided by it.
    package var projectID: String?
    /// The figures.
    package var counts = ReconcileCounts()

    /// A line without figures yet.
    package init(day: Int64, subject: ExportSubject) {
        self.day = day
        self.subject = subject
    }
}

/// What was read out of one export.
package struct ProviderExport: Equatable, Sendable {
    /// What it is.
    package var format: ExportFormat
    /// Whether it says so: without any result a report of usage looks like one of costs, and `format` is the former.
    package var isKindKnown = true
    /// In the order of the export.
    package var lines: [ExportLine] = []
    /// The days it reports on, with or without figures.
    package var days: Set<Int64> = []
    /// What was there and is not compared, with how often.
    package var leftOut: [String: Int] = [:]
    /// The export says that it goes on elsewhere.
    package var hasMore = false
    /// Under what the provider gives the next page.
    package var nextPage: String?

    /// An export without anything yet.
    package init(format: ExportFormat) { self.format = format }

    /// What it says that nothing was used of, where it has no line; of unknown kind it is taken for usage and for costs.
    var leastMetrics: [ReconcileMetric] { isKindKnown ? format.leastMetrics : format.leastMetrics + [.cost] }
}

/// Limits of reconciliation, with the reason of each.
package enum ReconcileLimits {
    /// Bytes of one export: some hundred thousand lines.
    package static let fileBytes = 64 << 20
    /// Files in one comparison.
    package static let files = 64
    /// Lines of all exports together, so that a comparison fits in memory.
    package static let lines = 500_000
    /// Fields of a line of CSV.
    package static let fields = 256
    /// Bytes of a model's name; longer ones are not names.
    package static let nameBytes = 512
    /// A count above it is none (2^50).
    package static let count: Int64 = 1 << 50
    /// Seconds since the epoch that a bucket may begin at: until the year 9999.
    static let epochSeconds: Int64 = 253_402_300_799
}

/// Why an export is not one, and where in it.
struct ExportFault: Error {
    /// A line, or a path in JSON.
    let place: String
    /// What is wrong there and what was expected.
    let what: String
}

/// Days in UTC, counted from 1970-01-01.
enum ExportDay {
    /// The day of an instant.
    static func of(us: Int64) -> Int64 {
        us >= 0 ? us / CalendarTime.dayUs : -((-(us + 1)) / CalendarTime.dayUs) - 1
    }

    /// As `2026-11-22`.
    static func text(_ day: Int64) -> String { String(CalendarTime.text(us: day * CalendarTime.dayUs).prefix(10)) }
}
