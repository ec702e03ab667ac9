// SPDX-License-Identifier: Apache-2.0

/// What became of a side's rows in one file.
package struct ExportFigure: Equatable, Sendable {
    /// Which side.
    package let side: DatasetSide
    /// The file's format and profile.
    package let choice: ExportChoice
    /// Lines; a row of a file of pairs has as many as it has pairs.
    package internal(set) var rows: Int64 = 0
    /// Rows that are not in the file, by reason, sorted by name; pairs in a file of pairs.
    package internal(set) var refused: [FigureBar] = []
    /// What lines leave out or change, sorted by name.
    package internal(set) var changes: [FigureBar] = []

    /// The file's name.
    package var file: String { choice.fileName(side.rawValue) }
    /// How many rows, or pairs, are not in the file.
    package var left: Int64 { refused.reduce(0) { $0 + $1.count } }
    /// Whether every data set has the file.
    package var isUsual: Bool { choice == .chat }

    init(_ side: DatasetSide, _ choice: ExportChoice) { (self.side, self.choice) = (side, choice) }
}
