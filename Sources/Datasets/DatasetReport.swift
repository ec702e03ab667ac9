// SPDX-License-Identifier: Apache-2.0

/// How far a build is.
package struct DatasetProgress: Equatable, Sendable {
    /// The parts of a build, in order.
    package enum Phase: String, Sendable {
        case reading, comparing, grouping, gate, writing
    }

    /// Which part.
    package var phase: Phase
    /// Records visited in this phase.
    package var records: Int64
    /// How many there will be; nil where that is not known.
    package var total: Int64?
}

/// What a build came to; `seen` = rows + all drops.
package struct DatasetReport: Equatable, Sendable {
    /// Records that the recipe's filters let pass.
    package var seen: Int64
    /// Records that may become rows: good exchanges, the ones held by a later request included.
    package var kept: Int64
    /// Distinct conversations, before row limits.
    package var conversations: Int64
    /// Groups with at least one row.
    package var groups: Int64
    /// Groups on the train side with at least one row.
    package var trainGroups: Int64
    /// Groups on the eval side with at least one row.
    package var evalGroups: Int64
    /// Lines of `train.jsonl`.
    package var trainRows: Int64
    /// Lines of `eval.jsonl`.
    package var evalRows: Int64
    /// Rows of the largest group.
    package var largestGroup: Int64
    /// Only reasons that occurred, sorted by name.
    package var drops: [(reason: DropReason, count: Int64)]
    /// Only changes that occurred, with the number of rows, sorted by name.
    package var changes: [(name: String, rows: Int64)]
    /// What whoever uses the data set should know.
    package var warnings: [String]
    /// Hex SHA-256 of `manifest.json`.
    package var manifestSHA256: String

    /// Field by field.
    package static func == (a: DatasetReport, b: DatasetReport) -> Bool {
        a.numbers == b.numbers && a.manifestSHA256 == b.manifestSHA256 && a.drops.elementsEqual(b.drops) { $0 == $1 }
            && a.changes.elementsEqual(b.changes) { $0 == $1 } && a.warnings == b.warnings
    }

    /// Where every record went, for the report's picture: rows first, then reasons, the largest first.
    var funnelBars: [FigureBar] {
        let drops = drops.sorted { a, b in
            guard a.count == b.count else { return a.count > b.count }
            return a.reason.rawValue.utf8.lexicographicallyPrecedes(b.reason.rawValue.utf8)
        }
        return [FigureBar("training rows", trainRows), FigureBar("eval rows", evalRows)]
            + drops.map { FigureBar($0.reason.rawValue, $0.count) }
    }

    private var numbers: [Int64] {
        [seen, kept, conversations, groups, trainGroups, evalGroups, trainRows, evalRows, largestGroup]
    }
}
