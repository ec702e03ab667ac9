// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform

/// The files of one side: the one that every data set has, and one for each format that the recipe names; all in the same order of rows.
struct SideFiles {
    private let name: String
    private let directory: String
    private let files: any FileSystem
    private var usual: ExportFile
    private var others: [ExportFile]
    private let pairs: PairLines

    /// - Parameters:
    ///   - side: of which rows.
    ///   - choices: beside the usual one, in the order in which rows were spilled.
    ///   - name: the data set's name, for tasks of lm-eval.
    ///   - pairs: makes the lines of pairs.
    ///   - directory: where the files go.
    ///   - files: the file system.
    /// - Throws: where a file cannot be made.
    init(
        _ side: DatasetSide, _ choices: [ExportChoice], recipe name: String, pairs: PairLines, in directory: String,
        files: any FileSystem
    ) throws(PlatformError) {
        (self.name, self.directory, self.files, self.pairs) = ("\(name)_\(side.rawValue)", directory, files, pairs)
        usual = try ExportFile(side, .chat, in: directory, files: files)
        others = []
        for choice in choices { others.append(try ExportFile(side, choice, in: directory, files: files)) }
    }

    /// Appends a row to every file whose format can say it.
    ///
    /// - Returns: its number in the usual file, and its places in the others.
    mutating func append(_ row: PlannedRow, _ stored: SpilledRow) throws -> (number: Int64, places: [ExportPlace]) {
        let number = try usual.append(stored.line, stored.changes)
        var places: [ExportPlace] = []
        for (file, export) in zip(others.indices, stored.exports) {
            let name = others[file].choice.fileName(row.side.rawValue)
            switch export {
            case .line(let line, let changes):
                places.append(ExportPlace(file: name, place: .success(try others[file].append(line, changes))))
            case .refused(let reason):
                others[file].refuse(reason)
                places.append(ExportPlace(file: name, place: .failure(reason)))
            case .pairs(let changes):
                places += try append(row, stored, to: file, name, changes)
            }
        }
        return (number, places)
    }

    private mutating func append(
        _ row: PlannedRow, _ stored: SpilledRow, to file: Int, _ name: String, _ changes: RowChanges
    ) throws -> [ExportPlace] {
        let lines = try pairs.lines(of: row, stored, others[file].choice)
        guard !lines.isEmpty else {
            others[file].refuse(.rejectedMissing)
            return [ExportPlace(file: name, place: .failure(.rejectedMissing))]
        }
        var places: [ExportPlace] = []
        for (pair, line) in lines {
            switch line {
            case .success(let line):
                let number = try others[file].append(line, changes)
                places.append(ExportPlace(file: name, place: .success(number), pair: pair))
            case .failure(let reason):
                others[file].refuse(reason)
                places.append(ExportPlace(file: name, place: .failure(reason), pair: pair))
            }
        }
        return places
    }

    /// Makes all files durable, the task of lm-eval with them.
    ///
    /// - Returns: what the manifest says of each, and what became of the rows in those that hold some.
    mutating func seal() throws(PlatformError) -> (seals: [FileSeal], figures: [ExportFigure]) {
        var (seals, figures): ([FileSeal], [ExportFigure]) = ([], [])
        let first = try usual.seal()
        seals.append(first.seal)
        figures.append(first.figure)
        for file in others.indices {
            let (seal, figure) = try others[file].seal()
            seals.append(seal)
            figures.append(figure)
            if figure.choice.format == .lmEval { seals.append(try writeTask(of: figure)) }
        }
        return (seals, figures)
    }

    private func writeTask(of figure: ExportFigure) throws(PlatformError) -> FileSeal {
        var file = try LineFile(LMEvalTask.fileName(of: figure.file), in: directory, files: files)
        for line in LMEvalTask.yaml(name: name, file: figure.file).split(separator: 0x0A) { try file.append(line) }
        return try file.seal()
    }
}
