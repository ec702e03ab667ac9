// SPDX-License-Identifier: Apache-2.0
import FactStore

/// Percentiles as bars on a logarithmic axis: where the median lies, and how far the tail reaches.
package enum LatencyPicture {
    /// Draws the answer to `tail-latency`: a block of bars for duration, one for time to first token.
    ///
    /// - Parameter table: the answer.
    /// - Returns: lines, each with a newline; empty where there is nothing to draw.
    package static func draw(_ table: AnswerTable) -> String {
        let models = table.values(of: "model") ?? []
        let blocks = [("duration", "duration"), ("time to first token", "ttft")].compactMap { title, prefix in
            block(title, bars: bars(table, models: models, prefix: prefix))
        }
        guard !blocks.isEmpty else { return "" }
        return blocks.joined(separator: "\n") + "\n█ p50 to p75   ▓ p75 to p90   ░ p90 to p99\n"
    }

    /// One model's percentiles, microseconds.
    private struct Bar {
        let name: String
        let p50, p75, p90, p99: Int64
    }

    private static func bars(_ table: AnswerTable, models: [SQLValue], prefix: String) -> [Bar] {
        let columns = ["p50", "p75", "p90", "p99"].compactMap { table.values(of: "\(prefix)_\($0)_us") }
        guard columns.count == 4 else { return [] }
        return models.indices.prefix(AnswersLimits.pictureRows).compactMap { i in
            guard let p50 = columns[0][i].integer, let p75 = columns[1][i].integer, let p90 = columns[2][i].integer,
                let p99 = columns[3][i].integer
            else { return nil }
            return Bar(name: models[i].text.map(TerminalCell.shown) ?? "-", p50: p50, p75: p75, p90: p90, p99: p99)
        }
    }

    private static func block(_ title: String, bars: [Bar]) -> String? {
        guard let least = bars.map(\.p50).min(), let most = bars.map(\.p99).max() else { return nil }
        let axis = LogAxis(from: least, to: most)
        let width = bars.reduce(title.count) { max($0, $1.name.count) }
        func label(_ text: String) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
        var text = "\(label(title))  \(axis.labels)\n\(label(""))  \(axis.rule)\n"
        for bar in bars {
            let figures = "p50 \(HumanUnits.duration(us: bar.p50))  p99 \(HumanUnits.duration(us: bar.p99))"
            text += "\(label(bar.name))  \(drawn(bar, on: axis))  \(figures)\n"
        }
        return text
    }

    private static func drawn(_ bar: Bar, on axis: LogAxis) -> String {
        var cells = [Character](repeating: " ", count: AnswersLimits.pictureCharacters + 1)
        let marks = [bar.p50, bar.p75, bar.p90, bar.p99].map(axis.place)
        for i in marks[0]...max(marks[0], marks[3]) {
            cells[i] = i < marks[1] ? "█" : i < marks[2] ? "▓" : "░"
        }
        cells[marks[0]] = "█"
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
