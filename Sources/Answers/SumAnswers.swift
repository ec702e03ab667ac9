// SPDX-License-Identifier: Apache-2.0
import FactStore

/// Questions that are answered by adding up, in the order of their SQL.
enum SumAnswers {
    /// `spend`.
    static func spend(
        _ columns: [String], _ filter: FactFilter, _ options: AnswerOptions, _ store: FactStore
    ) throws -> QueryResult? {
        guard let tallies = try SumFold.tallies(by: options.by ?? "model", filter, store) else { return nil }
        let rows = tallies.sorted { a, b in
            let (first, second) = (a.sum(.cost), b.sum(.cost))
            guard first == second else { return second == nil ? first != nil : first.map { $0 > (second ?? 0) } ?? false }
            return a.exchanges == b.exchanges ? precedes(a.name, b.name) : a.exchanges > b.exchanges
        }
        return QueryResult(
            columns: columns,
            rows: rows.map { tally in
                let sums = [ChunkColumn.inputTotal, .outputTotal, .cost, .reportedCost].map { SQLValue(tally.sum($0)) }
                return [SQLValue(tally.name), .integer(tally.exchanges)] + sums + [.integer(tally.unpriced)]
            })
    }

    /// `tokens`.
    static func tokens(
        _ columns: [String], _ filter: FactFilter, _ options: AnswerOptions, _ store: FactStore
    ) throws -> QueryResult? {
        guard let tallies = try SumFold.tallies(by: options.by ?? "model", splitsDays: true, filter, store) else { return nil }
        let rows = tallies.sorted { $0.dayUs == $1.dayUs ? precedes($0.name, $1.name) : $0.dayUs < $1.dayUs }
        return QueryResult(
            columns: columns,
            rows: rows.map { tally in
                let classes: [ChunkColumn] = [.inputTotal, .inputCached, .cacheWrite, .outputTotal, .outputReasoning]
                let day = String(CalendarTime.text(us: tally.dayUs).prefix(10))
                return [SQLValue(tally.name), .text(day), .integer(tally.exchanges)] + classes.map { SQLValue(tally.sum($0)) }
                    + [.integer(tally.usagePartial), .integer(tally.usageAbsent)]
            })
    }

    /// `error-rate`.
    static func errorRate(
        _ columns: [String], _ filter: FactFilter, _ options: AnswerOptions, _ store: FactStore
    ) throws -> QueryResult? {
        guard let tallies = try SumFold.tallies(by: options.by ?? "provider", filter, store) else { return nil }
        func ppm(_ tally: SumFold.Tally) -> Int64 { 1_000_000 * tally.count(.bad) / tally.exchanges }
        let rows = tallies.sorted { a, b in
            let (first, second) = (ppm(a), ppm(b))
            guard first == second else { return first > second }
            return a.exchanges == b.exchanges ? precedes(a.name, b.name) : a.exchanges > b.exchanges
        }
        return QueryResult(
            columns: columns,
            rows: rows.map { tally in
                [SQLValue(tally.name), .integer(tally.exchanges)] + SumFold.Mark.allCases.map { .integer(tally.count($0)) }
                    + [.integer(ppm(tally))]
            })
    }

    /// Names by their bytes, what has none first.
    private static func precedes(_ a: String?, _ b: String?) -> Bool {
        guard let b else { return false }
        guard let a else { return true }
        return a.utf8.lexicographicallyPrecedes(b.utf8)
    }
}
