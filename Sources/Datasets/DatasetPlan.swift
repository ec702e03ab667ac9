// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Separation

/// A row to be written: no payload yet.
struct PlannedRow {
    let offer: RowOffer
    let side: DatasetSide
    let traits: TraitSpill.Place
    let promptKey: SeparationDigest
    let promptTokens: Int64
    /// Why an eval row was chosen; empty for training rows.
    var reason = ""

    var id: ExchangeID { offer.id }
    var candidate: UInt32 { offer.candidate }
    var group: ExchangeID { offer.group }
    /// Whether it is an eval row that no exchange is left of: it has no candidate, and is written as it was published.
    var isCarried: Bool { offer.candidate == Candidate.noPoint }
}

/// A row that the gate kept out of training.
struct GateExclusion {
    let id: ExchangeID
    let rule: String
    /// The exchange of the eval row.
    let evalRow: String
    let shared: Int
    let trainSize: Int
    let evalSize: Int
}

/// What the first passes lead to: the rows in their order, side by side, and what became of the rest.
struct DatasetPlan {
    var rows: [DatasetSide: [PlannedRow]] = [.eval: [], .train: []]
    var dropped: [DropReason: Int64]
    var conversationCount: Int64 = 0
    /// Rows of training that the gate kept out, in keyed order.
    var excluded: [GateExclusion] = []
    /// Better and worse answers to the prompts of training rows, by the rows' ids.
    var pairs: [ExchangeID: [PreferencePair]] = [:]
    /// Eval rows that no earlier version had.
    var fresh: Set<ExchangeID> = []
    /// Eval rows of earlier versions: the hash of each one's line as it was published.
    var pinned: [ExchangeID: LedgerDigest] = [:]
    /// Those of them that are taken over from the data set that is replaced.
    var carried: [ExchangeID: PublishedRow] = [:]
    /// Rows of eval that training had touched before they were known to belong together.
    var taints: [LedgerTaint] = []
    /// What may replace the recorded answers of rows, by the rows' ids.
    var corrections: [ExchangeID: RowCorrection] = [:]
    var warnings: [String] = []
    var figures = DatasetFigures()
    let seen: Int64
    /// Whether the recipe takes any of them.
    let selectsAny: Bool
    /// A hash over what the build was made from.
    let inputs: String
    /// Pieces of feedback that were read, and a hash over them.
    let feedbackPieces: Int64
    let feedbackInputs: String
    let grouping: Grouping
    /// What the quality filters said.
    let quality: QualityFunnel
    /// Records outside the selection of which rows hold a part.
    let historyRecords: Int64

    init(survey: Survey, feedback: FeedbackSurvey, grouping: Grouping, dropped: [DropReason: Int64], conversations: Int) {
        self.grouping = grouping
        self.dropped = dropped
        seen = survey.seen
        selectsAny = survey.selectsAny
        quality = survey.quality
        historyRecords = survey.historyRecords
        inputs = survey.inputs.sha256
        feedbackPieces = feedback.pieces
        feedbackInputs = feedback.sha256
        conversationCount = Int64(conversations)
    }

    /// Why a row of an earlier version is there.
    static let pinnedReason = "kept from an earlier version"

    /// The records whose answers a row holds.
    func records(in row: PlannedRow) -> RowRecords {
        row.isCarried ? RowRecords(ids: [row.id]) : grouping.records(in: row.candidate)
    }

    /// Groups with at least one row of a side.
    func groupCount(_ side: DatasetSide) -> Int64 { Int64(Set((rows[side] ?? []).map(\.group)).count) }

    /// Rows of the largest group.
    var largestGroup: Int64 {
        var sizes: [ExchangeID: Int64] = [:]
        for row in rows.values.joined() { sizes[row.group, default: 0] += 1 }
        return sizes.values.max() ?? 0
    }
}
