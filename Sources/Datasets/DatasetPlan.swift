// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel

/// A row to be written: no payload yet.
struct PlannedRow {
    let offer: RowOffer
    let side: DatasetSide
    let traits: TraitSpill.Place
    let promptTokens: Int64
    /// Why an eval row was chosen; empty for training rows.
    var reason = ""

    var id: ExchangeID { offer.id }
    var candidate: UInt32 { offer.candidate }
    var group: ExchangeID { offer.group }
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
    var hasTools = false
    var conversationCount: Int64 = 0
    /// Rows of training that the gate kept out, in keyed order.
    var excluded: [GateExclusion] = []
    /// Eval rows that no earlier version had.
    var fresh: Set<ExchangeID> = []
    /// Rows of eval that training had touched before they were known to belong together.
    var taints: [LedgerTaint] = []
    var warnings: [String] = []
    var figures = DatasetFigures()
    let seen: Int64
    /// A hash over what the build was made from.
    let inputs: String
    let grouping: Grouping

    init(survey: Survey, grouping: Grouping, dropped: [DropReason: Int64], conversations: Int) {
        self.grouping = grouping
        self.dropped = dropped
        seen = survey.seen
        inputs = survey.inputs.sha256
        conversationCount = Int64(conversations)
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
