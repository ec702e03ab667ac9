// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Platform

/// One file of rows while it is written, with the counts of what is in it and what is not.
struct ExportFile {
    let side: DatasetSide
    let choice: ExportChoice
    private var file: LineFile
    private var rows: Int64 = 0
    private var refused: [FormatRefusal: Int64] = [:]
    private var changes = ChangeCounts()

    init(_ side: DatasetSide, _ choice: ExportChoice, in directory: String, files: any FileSystem) throws(PlatformError) {
        (self.side, self.choice) = (side, choice)
        file = try LineFile(choice.fileName(side.rawValue), in: directory, files: files)
    }

    /// Appends a line.
    ///
    /// - Returns: its number, from 1.
    mutating func append(_ line: some Collection<UInt8>, _ changes: RowChanges) throws(PlatformError) -> Int64 {
        try file.append(line)
        rows += 1
        self.changes.add(changes)
        return rows
    }

    /// Counts a row, or a pair, that the format cannot say.
    mutating func refuse(_ reason: FormatRefusal) { refused[reason, default: 0] += 1 }

    /// Makes the file durable and closes it.
    mutating func seal() throws(PlatformError) -> (seal: FileSeal, figure: ExportFigure) {
        var figure = ExportFigure(side, choice)
        figure.rows = rows
        figure.refused = FormatRefusal.allCases.compactMap { reason in
            refused[reason].map { FigureBar(reason.rawValue, $0) }
        }.sorted { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }
        figure.changes = changes.named
        return (try file.seal(), figure)
    }
}

/// Where a row stands beside the file that every data set has, for its lineage.
struct ExportPlace: Equatable {
    let file: String
    /// The line's number from 1, or why there is none.
    let place: Result<Int64, FormatRefusal>
    /// Of a file of pairs, which.
    var pair: PreferencePair?

    /// Writes the place as one JSON object.
    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("file", file)
        switch place {
        case .success(let number):
            json.key("row")
            json.value(number)
        case .failure(let reason): json.member("refused", reason.rawValue)
        }
        if let pair {
            json.member("chosen", pair.chosen.description)
            json.member("rejected", pair.rejected.description)
            json.member("source", pair.source.rawValue)
        }
        json.endObject()
    }
}
