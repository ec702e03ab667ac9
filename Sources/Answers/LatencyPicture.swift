// SPDX-License-Identifier: Apache-2.0
import FactStore

/// Percentiles as bars on a logarithmic axis: where the median lies, and how far the tail reaches.
package enum LatencyPicture {
    /// What fills the stretch between a percentile and the next.
    private static let shades: [Character] = ["█", "▓", "░"]

    /// Draws the answer to `tail-latency`: a block of bars for duration, one for time to first token.
    ///
    /// - Parameters:
    ///   - table: the answer; its first column names the rows.
    ///   - percentiles: one to four, as they were asked for.
    /// - Returns: lines, each with a newline; empty where there is nothing to draw.
    package static func draw(_ table: AnswerTable, percentiles: [Percentile] = AnswerOptions.usualPercentiles) -> String {
        let blocks = [("duration", "duration"), ("time to first token", "ttft")].compactMap { title, prefix in
            block(title, bars: bars(table, percentiles: percentiles, prefix: prefix), percentiles: percentiles)
        }
        guard !blocks.isEmpty else { return "" }
        let legend = zip(shades, zip(percentiles, percentiles.dropFirst())).map { "\($0) \($1.0.word) to \($1.1.word)" }
        return blocks.joined(separator: "\n") + (legend.isEmpty ? "" : "\n" + legend.joined(separator: "   ") + "\n")
    }

    /// One row's percentiles, microseconds.
    private struct Bar {
        let name: String
        let values: [Int64]
        var first: Int64 { values.first ?? 0 }
        var last: Int64 { values.last ?? 0 }
    }

    private static func bars(_ table: AnswerTable, percentiles: [Percentile], prefix: String) -> [Bar] {
        let columns = percentiles.compactMap { table.values(of: "\(prefix)_\($0.columnWord)_us") }
        guard columns.count == percentiles.count, !columns.isEmpty else { return [] }
        return table.rows.indices.prefix(AnswersLimits.pictureRows).compactMap { i in
            let values = columns.compactMap { $0[i].integer }
            guard values.count == columns.count else { return nil }
            return Bar(name: table.rows[i].first?.text.map(TerminalCell.shown) ?? "-", values: values)
        }
    }

    private static func block(_ title: String, bars: [Bar], percentiles: [Percentile]) -> String? {
        guard let least = bars.map(\.first).min(), let most = bars.map(\.last).max(), let low = percentiles.first,
            let high = percentiles.last
        else { return nil }
        let axis = LogAxis(from: least, to: most)
        let width = bars.reduce(title.count) { max($0, $1.name.count) }
        func label(_ text: String) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
        var text = "\(label(title))  \(axis.labels)\n\(label(""))  \(axis.rule)\n"
        for bar in bars {
            var figures = "\(low.word) \(HumanUnits.duration(us: bar.first))"
            if percentiles.count > 1 { figures += "  \(high.word) \(HumanUnits.duration(us: bar.last))" }
            text += "\(label(bar.name))  \(drawn(bar, on: axis))  \(figures)\n"
        }
        return text
    }

    private static func drawn(_ bar: Bar, on axis: LogAxis) -> String {
        var cells = [Character](repeating: " ", count: AnswersLimits.pictureCharacters + 1)
        let marks = bar.values.map(axis.place)
        guard let first = marks.first, let last = marks.last else { return String(cells) }
        for i in first...max(first, last) {
            let stretch = marks.dropFirst().dropLast().firstIndex { i < $0 }
            cells[i] = shades[min(max((stretch ?? marks.count - 1) - 1, 0), shades.count - 1)]
        }
        cells[first] = "█"
        return String(cells)
    }
}

/// A logarithmic axis over whole decades of microseconds.
struct LogAxis {
    /// The powers of ten at the ends.
    let low, high: Int

    init(from least: Int64, to most: Int64) {
        low = Int(LogAxis.log10(least))
        let ceiling = LogAxis.log10(most)
        high = max(low + 1, ceiling == Double(Int(ceiling)) ? Int(ceiling) : Int(ceiling) + 1)
    }

    /// The cell of a value, from 0 to `pictureCharacters`.
    func place(_ us: Int64) -> Int {
        let share = (LogAxis.log10(us) - Double(low)) / Double(high - low)
        return min(max(Int((share * Double(AnswersLimits.pictureCharacters)).rounded()), 0), AnswersLimits.pictureCharacters)
    }

    private func tick(_ decade: Int) -> Int { (decade - low) * AnswersLimits.pictureCharacters / (high - low) }

    /// The axis: a mark per decade.
    var rule: String {
        var cells = [Character](repeating: "─", count: AnswersLimits.pictureCharacters + 1)
        for decade in low...high { cells[tick(decade)] = "┼" }
        return String(cells)
    }

    /// The decades' names, each begun above its mark, left out where there is no room.
    var labels: String {
        var text = ""
        for decade in low...high {
            let us = (0..<decade).reduce(Int64(1)) { value, _ in
                value.multipliedReportingOverflow(by: 10).overflow ? Int64.max : value * 10
            }
            guard text.isEmpty || text.count < tick(decade) else { continue }
            text += String(repeating: " ", count: tick(decade) - text.count) + LogAxis.name(us)
        }
        return text
    }

    private static func name(_ us: Int64) -> String {
        switch us {
        case ..<1_000: "\(us) µs"
        case ..<1_000_000: "\(us / 1_000) ms"
        default: "\(us / 1_000_000) s"
        }
    }

    /// The common logarithm of a count, by squaring; values below 1 count as 1.
    static func log10(_ value: Int64) -> Double {
        let value = max(value, 1)
        // Exact at powers of ten, so that they lie on their marks.
        var power: Int64 = 1
        for exponent in 0..<19 {
            if value == power { return Double(exponent) }
            if exponent < 18 { power *= 10 }
        }
        let number = Double(value)
        var result = Double(number.exponent)
        var rest = number.significand
        var bit = 0.5
        for _ in 0..<30 {
            rest *= rest
            if rest >= 2 {
                rest /= 2
                result += bit
            }
            bit /= 2
        }
        return result * 0.301_029_995_663_981_2
    }
}
