// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import GRDB

/// What repricing changed.
package struct RepriceReport: Equatable, Sendable {
    /// Facts that were looked at.
    package var facts = 0
    /// Facts that have another cost, or another price version, now.
    package var changed = 0
    /// Known totals before and now, nano-dollars, over all that were looked at; sums stop at 2^63 - 1.
    package var beforeNanousd: Int64 = 0
    /// See `beforeNanousd`.
    package var afterNanousd: Int64 = 0
    /// Whether every fact of the range was looked at.
    package var isComplete = false

    /// Nothing looked at.
    package init() {}
}

extension FactStore {
    /// Prices facts anew, some hundred in one transaction; a death between leaves those done as they are, and doing it again goes on.
    ///
    /// - Parameters:
    ///   - sinceUs: facts that began at or after, microseconds since the Unix epoch; nil for all.
    ///   - untilUs: facts that began before; nil for all.
    ///   - price: the cost of a fact and the version of its price; nil leaves it as it is.
    ///   - shouldStop: asked between transactions, with what was done so far.
    /// - Returns: what was done.
    /// - Throws: `FactStoreError`, or what `shouldStop` throws.
    package func reprice(
        sinceUs: Int64?, untilUs: Int64?, price: (ExchangeFact) -> FactPrice?,
        shouldStop: (RepriceReport) throws -> Bool = { _ in false }
    ) throws -> RepriceReport {
        var report = RepriceReport()
        var filter = FactFilter()
        filter.sinceUs = sinceUs
        filter.untilUs = untilUs
        var walk = FactWalk(filter: filter, newestStart: Int64.max)
        while true {
            if try shouldStop(report) { return report }
            let page = try writing { db in
                let page = try walk.page(of: db, count: FactStoreLimits.pageFacts)
                try FactStore.reprice(page, price, &report, in: db)
                return page
            }
            guard page.count == FactStoreLimits.pageFacts, let last = page.last else { break }
            walk.last = FactKey(last.head.id, startedAtUs: last.head.startedAtUs)
        }
        report.isComplete = true
        return report
    }

    private static func reprice(
        _ page: [ExchangeFact], _ price: (ExchangeFact) -> FactPrice?, _ report: inout RepriceReport, in db: Database
    ) throws {
        let tables = FactTables(db)
        var starts: [Int64] = []
        func add(_ cost: Int64?, to sum: inout Int64) {
            let (next, isOver) = sum.addingReportingOverflow(cost ?? 0)
            sum = isOver ? Int64.max : next
        }
        for fact in page {
            var new = fact
            if let found = price(fact) {
                new.cost = found.cost
                new.priceVersion = found.version
            }
            report.facts += 1
            add(fact.cost.totalNanousd, to: &report.beforeNanousd)
            add(new.cost.totalNanousd, to: &report.afterNanousd)
            guard new != fact else { continue }
            let row = FactRow(&new)
            try tables.replaceShape(of: row)
            report.changed += 1
            starts.append(row.key.start)
        }
        try Coverage(db).forget(starts: starts)
    }
}
