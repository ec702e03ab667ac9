// SPDX-License-Identifier: Apache-2.0
import FactStore

extension AnswerTable {
    /// The table for a terminal: aligned, with units, unknown as `-`; control characters of names never reach the terminal.
    ///
    /// - Parameter bars: a bar behind each row; none where empty.
    /// - Returns: lines, each with a newline.
    package func terminalText(bars: [String] = []) -> String {
        guard !rows.isEmpty else { return "No exchange passes the filter.\n" }
        let cells = rows.map { row in
            columns.enumerated().map { i, column in TerminalCell(i < row.count ? row[i] : .null, unit: column.unit) }
        }
        let titles = columns.map(\.title)
        let widths = titles.indices.map { i in cells.reduce(titles[i].count) { max($0, $1[i].text.count) } }
        let isNumber = titles.indices.map { i in cells.contains { $0[i].isNumber } }
        func line(_ texts: [String], bar: String = "") -> String {
            let padded = texts.indices.map { i in
                let gap = String(repeating: " ", count: max(0, widths[i] - texts[i].count))
                return isNumber[i] ? gap + texts[i] : texts[i] + gap
            }
            var text = padded.joined(separator: "  ") + "  " + bar
            while text.last == " " { text.removeLast() }
            return text + "\n"
        }
        let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
        let lines = cells.indices.map { i in line(cells[i].map(\.text), bar: i < bars.count ? bars[i] : "") }
        return line(titles) + rule + "\n" + lines.joined()
    }
}

/// One value as a terminal shows it.
package struct TerminalCell {
    let text: String
    let isNumber: Bool

    init(_ value: SQLValue, unit: AnswerUnit) {
        switch value {
        case .null:
            text = "-"
            isNumber = false
        case .integer(let number):
            text = TerminalCell.text(number, unit: unit)
            isNumber = unit != .instantUs
        case .real(let number):
            text = HumanUnits.decimal(number)
            isNumber = true
        case .text(let words):
            text = TerminalCell.shown(words)
            isNumber = false
        case .blob(let bytes):
            text = "\(bytes.count) bytes"
            isNumber = false
        }
    }

    private static func text(_ number: Int64, unit: AnswerUnit) -> String {
        switch unit {
        case .plain: HumanUnits.grouped(number)
        case .code: "\(number)"
        case .durationUs: HumanUnits.duration(us: number)
        case .instantUs: CalendarTime.text(us: number)
        case .bytes: HumanUnits.bytes(number)
        case .nanousd: HumanUnits.dollars(nanousd: number)
        case .share: HumanUnits.percent(ppm: number)
        case .flag: number == 0 ? "no" : "yes"
        }
    }

    /// A text that cannot steer a terminal: controls replaced, cut to a cell's width; an empty one is shown as quotes.
    package static func shown(_ words: String) -> String {
        if words.isEmpty { return "\"\"" }
        var safe = String.UnicodeScalarView()
        for scalar in words.unicodeScalars.prefix(AnswersLimits.cellCharacters * 8) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
                safe.append("\u{FFFD}")
            default: safe.append(scalar)
            }
        }
        let text = String(safe)
        guard text.count > AnswersLimits.cellCharacters else { return text }
        return text.prefix(AnswersLimits.cellCharacters - 1) + "…"
    }
}
