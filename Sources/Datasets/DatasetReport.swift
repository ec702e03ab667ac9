// SPDX-License-Identifier: Apache-2.0

/// How far a build is.
package struct DatasetProgress: Equatable, Sendable {
    /// The parts of a build, in order.
    package enum Phase: String, Sendable {
        case reading, comparing, grouping, gate, neighbours, writing
    }

    /// Which part.
    package var phase: Phase
    /// Records visited in this phase.
    package var records: Int64
    /// How many there will be; nil where that is not known.
    package var total: Int64?
}

/// What a build came to; `seen` + `carriedRows` = rows + all drops.
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
    /// Every file of rows, sorted by name: what is in it, and what is not.
    package var files: [ExportFigure]
    /// Rows that a quality filter flags and leaves, in the order of the filters; only those that occurred.
    package var flags: [(reason: DropReason, rows: Int64)] = []
    /// What was redacted in the rows.
    package var redactions = RedactionReport()
    /// The id of the key that pseudonyms were made with.
    package var redactionKey = ""
    /// What whoever uses the data set should know.
    package var warnings: [String]
    /// Hex SHA-256 of `manifest.json`.
    package var manifestSHA256: String
    /// Eval rows that were taken over from the data set that was replaced, without an exchange.
    package var carriedRows: Int64 = 0

    /// Field by field.
    package static func == (a: DatasetReport, b: DatasetReport) -> Bool {
        a.numbers == b.numbers && a.manifestSHA256 == b.manifestSHA256 && a.drops.elementsEqual(b.drops) { $0 == $1 }
            && a.files == b.files && a.flags.elementsEqual(b.flags) { $0 == $1 }
            && a.redactions == b.redactions && a.redactionKey == b.redactionKey && a.warnings == b.warnings
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

    /// What was redacted, by kind, for the report's picture; only kinds that occurred.
    var redactionBars: [FigureBar] {
        redactions.named.filter { $0.count > 0 }.map { FigureBar($0.kind, $0.count) }
    }

    private var numbers: [Int64] {
        [seen, kept, conversations, groups, trainGroups, evalGroups, trainRows, evalRows, largestGroup, carriedRows]
    }
}
