// SPDX-License-Identifier: Apache-2.0
import FactStore

/// Numbers as lengths and heights: a bar behind each row, or a line of small bars for each series.
package enum BarPicture {
    private static let lengths: [Character] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
    private static let heights: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// A bar for each row, the longest for the greatest value; nothing for what is unknown, zero or below.
    ///
    /// - Parameters:
    ///   - table: the answer.
    ///   - column: by the statement's name.
    /// - Returns: one text a row; none where there is no such column or nothing to compare.
    package static func bars(_ table: AnswerTable, column: String) -> [String] {
        guard table.rows.count > 1, let place = table.place(ofStatement: column) else { return [] }
        let values = table.rows.map { max(0, $0[place].number ?? 0) }
        guard let most = values.max(), most > 0 else { return [] }
        return values.map { value in
            let eighths = Int((value / most * Double(AnswersLimits.barCharacters * 8)).rounded())
            let whole = String(repeating: "█", count: eighths / 8)
            if !eighths.isMultiple(of: 8) { return whole + String(lengths[eighths % 8 - 1]) }
            return whole.isEmpty && value > 0 ? String(lengths[0]) : whole
        }
    }

    /// A line of small bars for each series, all on one scale.
    ///
    /// - Parameters:
    ///   - table: the answer.
    ///   - axis: the column that counts up, by the statement's name.
    ///   - value: the column of heights.
    ///   - series: the column that a line is for.
    /// - Returns: lines, each with a newline; empty where there are fewer than two points.
    package static func lines(_ table: AnswerTable, axis: String, value: String, series: String) -> String {
        guard let x = table.place(ofStatement: axis), let y = table.place(ofStatement: value),
            let name = table.place(ofStatement: series)
        else { return "" }
        let points = Set(table.rows.compactMap { $0[x].text }).sorted().suffix(AnswersLimits.linePoints)
        guard points.count > 1, let first = points.first, let last = points.last else { return "" }
        var order: [String] = []
        var heightsOf: [String: [String: Double]] = [:]
        var most: SQLValue = .null
        for row in table.rows {
            guard let point = row[x].text, let height = row[y].number, points.contains(point) else { continue }
            let label = row[name].text.map(TerminalCell.shown) ?? "-"
            if heightsOf[label] == nil { order.append(label) }
            heightsOf[label, default: [:]][point] = max(0, height)
            if height > most.number ?? 0 { most = row[y] }
        }
        guard let top = most.number, top > 0 else { return "" }
        let shown = order.prefix(AnswersLimits.pictureRows)
        let width = shown.reduce(0) { max($0, $1.count) }
        let unit = table.columns[y].unit
        var text = "\(table.columns[y].title) by \(table.columns[x].title), \(first) to \(last); "
        text += "the highest is \(TerminalCell(most, unit: unit).text)\n"
        for label in shown {
            let line = points.map { point in heightsOf[label]?[point].map { height($0 / top) } ?? " " }
            text += label + String(repeating: " ", count: width - label.count) + "  " + String(line) + "\n"
        }
        return text
    }

    private static func height(_ share: Double) -> Character {
        heights[min(max(Int((share * 8).rounded(.up)) - 1, 0), 7)]
    }
}
