// SPDX-License-Identifier: Apache-2.0

/// What is odd about a sheet that can be read.
package enum BookCheck {
    /// How much it matters.
    package enum Severity: String, Sendable {
        /// It is wrong, or cannot be meant.
        case problem
        /// It may be right.
        case doubt
    }

    /// One finding.
    package struct Finding: Equatable, Sendable {
        /// How much it matters.
        package let severity: Severity
        /// Where and what.
        package let fault: PriceFault
    }

    /// Looks for overlaps, gaps, old rows, missing sources and prices that cannot be meant.
    ///
    /// - Parameters:
    ///   - sheet: the sheet.
    ///   - nowUs: the present.
    ///   - staleDays: a row that was checked longer ago is old.
    /// - Returns: findings, in the order of the rows, at most `PricingLimits.faults` of them.
    package static func findings(_ sheet: PriceSheet, nowUs: Int64, staleDays: Int64) -> [Finding] {
        var found: [Finding] = []
        func note(_ severity: Severity, _ index: Int?, _ message: String) {
            guard found.count < PricingLimits.faults else { return }
            let line = index.map { sheet.rows[$0].line } ?? 0
            let fault = PriceFault(file: sheet.name, line: line, row: index.map { $0 + 1 }, message: message)
            found.append(Finding(severity: severity, fault: fault))
        }
        for (index, row) in sheet.rows.enumerated() {
            for message in oddities(row) { note(.doubt, index, message) }
            if row.source == nil { note(.doubt, index, "\(name(row)): no `source`") }
            let checked = row.checked ?? row.source.flatMap { sheet.sources[$0]?.checked } ?? sheet.dated
            if row.toUs == nil, let checked, let us = CalendarDay.us(checked), nowUs - us > staleDays * 86_400_000_000 {
                note(.doubt, index, "\(name(row)): checked on \(checked), more than \(staleDays) days ago")
            }
        }
        for (first, second) in overlaps(sheet.rows) {
            note(.problem, second, "\(name(sheet.rows[second])): valid at the same time as row \(first + 1), which it hides")
        }
        for (index, text) in gaps(sheet.rows) { note(.doubt, index, text) }
        for discount in sheet.discounts where discount.offPerMille == 1_000 {
            note(.doubt, nil, "a discount takes everything off" + (discount.note.map { ": \($0)" } ?? ""))
        }
        return found
    }

    private static func name(_ row: PriceRow) -> String {
        (row.providers.first ?? "?") + " " + (row.models.first?.text ?? "?")
    }

    private static func oddities(_ row: PriceRow) -> [String] {
        var found: [String] = []
        let isDearer: (PriceClass, PriceClass) -> Bool = { a, b in
            guard let first = row.rates[a], let second = row.rates[b] else { return false }
            return first.pico > second.pico
        }
        if isDearer(.cached, .input) { found.append("\(name(row)): cached input is dearer than input") }
        if isDearer(.cacheWrite, .cacheWrite1h) {
            found.append("\(name(row)): a cache write for an hour is cheaper than another")
        }
        for kind in PriceClass.allCases where kind.isTokens {
            guard let rate = row.rates[kind], rate.pico > 2_000_000_000 else { continue }
            found.append("\(name(row)): \(kind.name) costs more than $2,000 a million tokens")
        }
        for kind in PriceClass.allCases {
            guard let rate = row.rates[kind] else { continue }
            if rate.tiers.contains(where: { $0.pico == rate.pico && rate.tiers.count == 1 }) {
                found.append("\(name(row)): the tier of \(kind.name) has the price it has without")
            }
        }
        return found
    }

    /// What rows must share to compete.
    private struct Place: Hashable {
        let provider: String
        let model: ModelPattern
        let when: [PriceCondition: [String]]
        let hours: DayWindow?
    }

    private static func places(_ rows: [PriceRow]) -> [Place: [Int]] {
        var places: [Place: [Int]] = [:]
        for (index, row) in rows.enumerated() {
            for provider in row.providers {
                for model in Set(row.models) {
                    places[Place(provider: provider, model: model, when: row.when, hours: row.hours), default: []].append(index)
                }
            }
        }
        return places
    }

    /// Pairs of rows for the same thing at the same time, unless the later one says from when it holds.
    private static func overlaps(_ rows: [PriceRow]) -> [(Int, Int)] {
        var pairs: Set<[Int]> = []
        for indexes in places(rows).values where indexes.count > 1 {
            let sorted = indexes.sorted { (rows[$0].fromUs ?? Int64.min, $0) < (rows[$1].fromUs ?? Int64.min, $1) }
            for (a, b) in zip(sorted, sorted.dropFirst()) where (rows[a].toUs ?? Int64.max) > (rows[b].fromUs ?? Int64.min) {
                pairs.insert([a, b])
            }
        }
        return pairs.sorted { ($0[1], $0[0]) < ($1[1], $1[0]) }.map { ($0[0], $0[1]) }
    }

    private static func gaps(_ rows: [PriceRow]) -> [(Int, String)] {
        var found: [Int: String] = [:]
        for indexes in places(rows).values where indexes.count > 1 {
            let sorted = indexes.sorted { (rows[$0].fromUs ?? Int64.min, $0) < (rows[$1].fromUs ?? Int64.min, $1) }
            for (a, b) in zip(sorted, sorted.dropFirst()) {
                guard let end = rows[a].toUs, let start = rows[b].fromUs, end < start else { continue }
                let span = "\(CalendarDay.text(us: end)) to \(CalendarDay.text(us: start))"
                found[b] = "\(name(rows[b])): no price from \(span)"
            }
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
