// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// One bar of a picture: what it stands for and how much.
package struct FigureBar: Equatable, Sendable {
    /// What it stands for.
    package let label: String
    /// How much; at least 0.
    package let count: Int64
    /// How much of another kind stands beside it, where there are two.
    package var other: Int64?

    /// A bar.
    package init(_ label: String, _ count: Int64, other: Int64? = nil) {
        self.label = label
        self.count = count
        self.other = other
    }
}

/// A row that the report shows.
package struct FigureExample: Equatable, Sendable {
    /// Which side it is on.
    package let side: DatasetSide
    /// The exchange that it was made of.
    package let record: String
    /// Its first user turn, cut.
    package let prompt: String
    /// Its answer, cut.
    package let answer: String
    /// Why it is there, for eval rows: what made it hard, or that it is an anchor.
    package let note: String

    /// A planned row with what was asked and answered.
    init(_ row: PlannedRow, _ request: CanonicalRequest, _ answer: CanonicalAnswer) {
        side = row.side
        record = row.id.description
        note = row.reason
        let asked = request.turns.first { $0.role == .user }?.joinedText ?? ""
        let calls = answer.turn.toolCalls.map { "\($0.name)(\($0.arguments))" }
        prompt = FigureExample.cut(asked)
        self.answer = FigureExample.cut(([answer.turn.joinedText] + calls).joined(separator: "\n"))
    }

    /// The beginning of a text, by scalars: a character may be of any length.
    private static func cut(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(DatasetLimits.exampleScalars)))
    }
}

/// What the report draws.
package struct DatasetFigures: Equatable, Sendable {
    /// The data set's name.
    package var name = ""
    /// Exchanges seen, rows, and what was dropped under which reason, in the order of the build; adds up.
    package var funnel: [FigureBar] = []
    /// Training rows kept, and beside it available, by stratum; the largest first.
    package var strata: [FigureBar] = []
    /// Training rows, and beside it eval rows, by tokens of their prompts.
    package var lengths: [FigureBar] = []
    /// Eval rows by hardness, in tenths.
    package var hardness: [FigureBar] = []
    /// Eval rows by the largest share of the smaller view that a training row has in common with them, and beside it by the largest
    /// Jaccard index, in steps of 5 %; see `NeighbourFigure`.
    package var neighbours: [FigureBar] = []
    /// What was redacted, by kind.
    package var redactions: [FigureBar] = []
    /// Rows that a quality filter flags and leaves.
    package var flags: [FigureBar] = []
    /// A few rows of each side.
    package var examples: [FigureExample] = []
    /// What whoever uses the data set should know.
    package var warnings: [String] = []
}

/// Buckets of counts whose bounds double.
enum DoublingBuckets {
    /// The bounds of the report's lengths, in tokens; the last bucket is open.
    static let tokenBounds: [Int64] = [32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536]

    /// The bucket of a count.
    static func index(of count: Int64) -> Int { tokenBounds.firstIndex { count < $0 } ?? tokenBounds.count }

    /// The name of a bucket.
    static func label(_ index: Int) -> String {
        guard index < tokenBounds.count else { return "\(tokenBounds[tokenBounds.count - 1]) and more" }
        return index == 0 ? "under \(tokenBounds[0])" : "\(tokenBounds[index - 1]) to \(tokenBounds[index] - 1)"
    }
}
