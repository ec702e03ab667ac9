// SPDX-License-Identifier: Apache-2.0

/// What a row of a comparison is about.
package enum ReconcileSubject: Hashable, Comparable, Sendable {
    /// One model, or the snapshots of one.
    case model(String)
    /// Exchanges of which no model is known.
    case noModel
    /// What the provider bills for its tools, apart from models.
    case tools
    /// The whole day, where the export is not divided by model.
    case everyModel

    /// How it is shown.
    package var text: String {
        switch self {
        case .model(let name): name
        case .noModel: "(no model)"
        case .tools: "(tools)"
        case .everyModel: "(all models)"
        }
    }
}

/// One metric on both sides.
struct ReconcilePair: Equatable {
    let ours: Int64?
    let theirs: Int64?

    /// Ours less theirs; nil where one of them is unknown.
    var difference: Int64? {
        guard let ours, let theirs else { return nil }
        return Int64(clamping: Int128(ours) - Int128(theirs))
    }

    /// The difference in millionths of theirs, cut; nil where theirs is unknown or 0.
    var differencePpm: Int64? {
        guard let ours, let theirs, theirs != 0 else { return nil }
        return Int64(clamping: (Int128(ours) - Int128(theirs)) * 1_000_000 / Int128(theirs.magnitude))
    }

    /// Whether both say the same, up to a tolerance in millionths of theirs; what one side does not know agrees with 0 alone.
    func agrees(tolerancePpm: Int64) -> Bool {
        guard let ours, let theirs else { return (ours ?? 0) == 0 && (theirs ?? 0) == 0 }
        return (Int128(ours) - Int128(theirs)).magnitude * 1_000_000 <= UInt128(theirs.magnitude)
            * UInt128(tolerancePpm.magnitude)
    }
}

/// Why a row may differ: what is known on our side or theirs that explains it.
package enum ReconcileHint: String, CaseIterable, Sendable {
    case onlyOurs = "only_ours"
    case onlyTheirs = "only_theirs"
    case exportSilent = "export_silent"
    case dayUnfinished = "day_unfinished"
    case usageAbsent = "usage_absent"
    case usagePartial = "usage_partial"
    case unpriced
    case batch
    case dayEdge = "day_edge"
    case prices
    case severalKeys = "several_keys"

    /// In a person's words.
    package var meaning: String {
        switch self {
        case .onlyOurs:
            "the export has nothing of this model on this day: another endpoint's report, or exchanges it does not count"
        case .onlyTheirs: "nothing of it came through Weir: other clients, other keys or projects, or it was not captured"
        case .exportSilent: "the export does not report on this day"
        case .dayUnfinished: "the day is not over in UTC, and providers report late"
        case .usageAbsent: "answers of which no usage came: a stream without it, or a body that was not kept"
        case .usagePartial: "answers that broke off: what the provider generated after that is in its figures alone"
        case .unpriced: "exchanges without a price: see `weir prices missing`"
        case .batch: "the batch API was used, which no exchange carries; shown apart"
        case .dayEdge: "the next or the last day differs the other way: exchanges over midnight UTC are counted where they ended"
        case .prices:
            "tokens agree and the cost does not: a contract, a service tier or an old price, see `weir prices show MODEL`"
        case .severalKeys: "the export holds several API keys or projects; take one by --export-key or --export-project"
        }
    }
}

/// One row: a day and a model, the batch work of one, or the total.
package struct ReconcileRow: Equatable, Sendable {
    /// What kind of row it is.
    package enum Kind: String, Sendable {
        case day, batch, total
    }

    /// What kind of row it is.
    package let kind: Kind
    /// Days since 1970-01-01; nil in the total.
    package let day: Int64?
    /// What it is about; nil in the total.
    package let subject: ReconcileSubject?
    /// Names of the model, where several are in this row.
    package var names: [String] = []
    /// Our figures, of the metrics that are compared here.
    package var ours = ReconcileCounts()
    /// Theirs.
    package var theirs = ReconcileCounts()
    /// Answered exchanges of which no usage came.
    package var absent: Int64 = 0
    /// Exchanges whose usage is not final.
    package var partial: Int64 = 0
    /// Exchanges with usage and without a cost.
    package var unpriced: Int64 = 0
    /// Whether everything that is compared agrees; batch work always does.
    package var isWithin = true
    /// What explains a difference; empty where there is none.
    package var hints: [ReconcileHint] = []

    /// A row without figures.
    init(kind: Kind, day: Int64?, subject: ReconcileSubject?) {
        self.kind = kind
        self.day = day
        self.subject = subject
    }

    /// A metric on both sides.
    func pair(_ metric: ReconcileMetric) -> ReconcilePair { ReconcilePair(ours: ours[metric], theirs: theirs[metric]) }

    /// Takes our tokens out where the report counts requests alone, as those of images and audio do: there is nothing to hold them
    /// against.
    ///
    /// - Returns: whether there were any.
    mutating func leaveOutTokens() -> Bool {
        guard theirs[.requests] ?? 0 > 0, ReconcileMetric.tokens.allSatisfy({ theirs[$0] == nil }) else { return false }
        let known = ReconcileMetric.tokens.filter { ours[$0] != nil }
        for metric in known { ours[metric] = nil }
        return !known.isEmpty
    }

    /// Whether neither side has anything.
    var isEmpty: Bool {
        ReconcileMetric.allCases.allSatisfy { (ours[$0] ?? 0) == 0 && (theirs[$0] ?? 0) == 0 } && absent == 0 && partial == 0
    }

    /// Whether both sides are equal to the last token.
    var isExact: Bool { ReconcileMetric.allCases.allSatisfy { pair($0).agrees(tolerancePpm: 0) } }

    /// The metrics that do not agree.
    func disagreements(tolerancePpm: Int64) -> [ReconcileMetric] {
        ReconcileMetric.allCases.filter { !pair($0).agrees(tolerancePpm: tolerancePpm) }
    }
}

/// A comparison.
package struct ReconcileResult: Equatable, Sendable {
    /// By day, then model.
    package let rows: [ReconcileRow]
    /// Over all rows, batch work aside.
    package let total: ReconcileRow
    /// Batch work that the exports hold, by day and model; it is not compared.
    package let batch: [ReconcileRow]
    /// The metrics that the exports hold, in order.
    package let metrics: [ReconcileMetric]
    /// What was left out, in a person's words.
    package let notes: [String]

    /// Whether every row and the total agree.
    package var isEqual: Bool { total.isWithin && rows.allSatisfy(\.isWithin) }
}
