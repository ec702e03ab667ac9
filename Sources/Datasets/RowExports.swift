// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// Encodes an exchange once in every format that its side wants, while it is in memory.
struct RowExports {
    /// Beside the file that every data set has, each once, by name.
    private let choices: [DatasetSide: [ExportChoice]]
    /// The same columns in every row, so that a row's bytes do not depend on the others.
    private let usual: ExportOptions

    init(recipe: DatasetRecipe) {
        choices = [.train: ExportChoice.sorted(recipe.train.formats), .eval: ExportChoice.sorted(recipe.eval.formats)]
        var usual = ExportChoice.chat.options
        usual.toolsKey = .always
        self.usual = usual
    }

    /// The formats of a side, in the order in which a spilled row has them.
    func choices(_ side: DatasetSide) -> [ExportChoice] { choices[side] ?? [] }

    /// Encodes an exchange.
    ///
    /// - Parameters:
    ///   - head: of the exchange.
    ///   - request: as it was read.
    ///   - answer: as it was read; `DatasetRow.check` let both pass.
    ///   - side: which formats are wanted.
    ///   - lineage: to be kept beside the lines.
    /// - Returns: what waits in the spill.
    /// - Throws: where the usual format cannot say the row, which the check should have found.
    func encode(
        _ head: ExchangeHead, _ request: CanonicalRequest, _ answer: CanonicalAnswer, _ side: DatasetSide, lineage: [UInt8]
    ) throws(FormatRefusal) -> SpilledRow {
        let row = DatasetRow(head, request, answer)
        let read = RowChanges(of: request, answer, in: row)
        let line = try ExportFormat.chat.encode(row, profile: .strictVendor, options: usual)
        let changes = ExportFormat.chat.changes(of: row, profile: .strictVendor, options: usual).union(read)
        let exports = choices(side).map { export(row, $0, read) }
        return SpilledRow(line: line, changes: changes, lineage: lineage, exports: exports)
    }

    /// The lines that an exchange gives in the usual format: none where it cannot say it.
    func line(_ head: ExchangeHead, _ request: CanonicalRequest, _ answer: CanonicalAnswer) -> [[UInt8]] {
        (try? ExportFormat.chat.encode(DatasetRow(head, request, answer), profile: .strictVendor, options: usual)).map { [$0] }
            ?? []
    }

    /// The eval row that a published line is of, in the formats that are wanted now; the line itself stays as it is.
    ///
    /// - Parameters:
    ///   - line: in the usual format.
    ///   - published: what else is known of it.
    /// - Returns: what waits in the spill; nil where the line is no row.
    func encode(published line: [UInt8], _ published: PublishedRow) -> SpilledRow? {
        guard let root = JSONDocument.read(line)?.root, var row = try? RowReading.conversation(root) else { return nil }
        row.id = published.id.description
        let from = JSONDocument.read(published.from)?.root
        row.meta = RowMeta(
            task: from?["task"]?.string, environment: from?["environment"]?.string, model: from?["model"]?.string,
            provider: from?["provider"]?.string)
        let exports = choices(.eval).map { export(row, $0, []) }
        return SpilledRow(line: line, changes: [], lineage: published.from, exports: exports)
    }

    private func export(_ row: DatasetRow, _ choice: ExportChoice, _ read: RowChanges) -> SpilledExport {
        let changes = choice.format.changes(of: row, profile: choice.profile, options: choice.options).union(read)
        if choice.isOfPairs { return .pairs(changes) }
        do throws(FormatRefusal) {
            return .line(try choice.format.encode(row, profile: choice.profile, options: choice.options)[...], changes)
        } catch {
            return .refused(error)
        }
    }
}
