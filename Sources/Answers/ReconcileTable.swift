// SPDX-License-Identifier: Apache-2.0
import FactStore

extension ReconcileResult {
    /// The comparison for a program: a row for each day and model, then batch work, then the total.
    ///
    /// Each metric has four columns: `ours_X`, `theirs_X`, `difference_X` (ours less theirs) and `difference_X_ppm` (in millionths
    /// of theirs); a metric that no export holds has none.
    ///
    /// - Returns: the table.
    package func table() -> AnswerTable {
        var columns = ["kind", "day", "model", "names", "agrees"]
        for metric in metrics {
            let key = metric.key
            columns += ["ours_\(key)", "theirs_\(key)", "difference_\(key)", "difference_\(key)_ppm"]
        }
        columns += ["usage_absent", "usage_partial", "unpriced", "hints"]
        return AnswerTable(QueryResult(columns: columns, rows: (rows + batch + [total]).map(values)))
    }

    private func values(_ row: ReconcileRow) -> [SQLValue] {
        var values: [SQLValue] = [
            .text(row.kind.rawValue), SQLValue(row.day.map(ExportDay.text)), SQLValue(row.subject?.text),
            row.names.isEmpty ? .null : .text(row.names.joined(separator: " ")),
            row.kind == .batch ? .null : .integer(row.isWithin ? 1 : 0),
        ]
        for metric in metrics {
            let pair = row.pair(metric)
            values += [SQLValue(pair.ours), SQLValue(pair.theirs), SQLValue(pair.difference), SQLValue(pair.differencePpm)]
        }
        let hints = row.hints.map(\.rawValue).joined(separator: " ")
        return values + [
            .integer(row.absent), .integer(row.partial), .integer(row.unpriced), hints.isEmpty ? .null : .text(hints),
        ]
    }
}

/// The comparison for a person: one line for a row that agrees, four for one that does not.
package enum ReconcileText {
    /// Writes the table.
    ///
    /// - Parameters:
    ///   - result: the comparison.
    ///   - showsAll: four lines for rows that agree within the tolerance, too.
    /// - Returns: lines, each with a newline; unknown is `-`.
    package static func table(_ result: ReconcileResult, showsAll: Bool = false) -> String {
        let titles = ["day", "model", ""] + result.metrics.map(\.title) + [""]
        var lines = [titles]
        for row in result.rows + result.batch + [result.total] { lines += self.lines(row, result.metrics, showsAll: showsAll) }
        let widths = titles.indices.map { i in lines.reduce(0) { max($0, $1[i].count) } }
        func text(_ cells: [String]) -> String {
            var line = cells.indices.map { i in
                let gap = String(repeating: " ", count: widths[i] - cells[i].count)
                return i > 2 && i < cells.count - 1 ? gap + cells[i] : cells[i] + gap
            }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }
        let rule = widths.dropLast().map { String(repeating: "─", count: $0) }.joined(separator: "  ") + "\n"
        return text(titles) + rule + lines.dropFirst().map(text).joined()
    }

    private static func lines(_ row: ReconcileRow, _ metrics: [ReconcileMetric], showsAll: Bool) -> [[String]] {
        let day = row.day.map(ExportDay.text) ?? "total"
        let model = row.subject.map { TerminalCell.shown($0.text) } ?? ""
        if row.kind == .batch {
            return [[day, model, "batch"] + metrics.map { cell(row.theirs[$0], $0) } + ["not compared"]]
        }
        if row.isWithin, !showsAll {
            let word = row.isExact ? "equal" : "within"
            return [
                [day, model, word] + metrics.map { cell(row.theirs[$0], $0) } + [row.isExact ? "" : "± " + spread(row, metrics)]
            ]
        }
        let pairs = metrics.map { row.pair($0) }
        let differences = zip(metrics, pairs).map { metric, pair in signed(pair.difference, metric) }
        let shares = pairs.map { pair in pair.differencePpm.map { ($0 > 0 ? "+" : "") + HumanUnits.percent(ppm: $0) } ?? "-" }
        return [
            [day, model, "ours"] + zip(metrics, pairs).map { cell($1.ours, $0) } + [
                row.hints.map(\.rawValue).joined(separator: " ")
            ],
            ["", "", "theirs"] + zip(metrics, pairs).map { cell($1.theirs, $0) } + [counted(row)],
            ["", "", "difference"] + differences + [""],
            ["", "", ""] + shares + [""],
        ]
    }

    private static func cell(_ value: Int64?, _ metric: ReconcileMetric) -> String {
        guard let value else { return "-" }
        return metric == .cost ? HumanUnits.dollars(nanousd: value) : HumanUnits.grouped(value)
    }

    private static func signed(_ value: Int64?, _ metric: ReconcileMetric) -> String {
        (value ?? 0 > 0 ? "+" : "") + cell(value, metric)
    }

    /// The largest share by which a metric differs.
    private static func spread(_ row: ReconcileRow, _ metrics: [ReconcileMetric]) -> String {
        let shares = metrics.compactMap { row.pair($0).differencePpm?.magnitude }
        return HumanUnits.percent(ppm: Int64(clamping: shares.max() ?? 0))
    }

    private static func counted(_ row: ReconcileRow) -> String {
        [(row.absent, "usage absent"), (row.partial, "usage partial"), (row.unpriced, "unpriced")]
            .filter { $0.0 > 0 }.map { "\(HumanUnits.grouped($0.0)) \($0.1)" }.joined(separator: ", ")
    }
}
