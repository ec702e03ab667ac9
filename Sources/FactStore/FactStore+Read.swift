// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
import GRDB

/// The order in which facts are given.
package enum FactOrder: Sendable {
    /// By start, then id.
    case start
    /// By id.
    case id
}

extension FactStore {
    /// How many exchanges pass a filter.
    ///
    /// - Parameter filter: which exchanges.
    /// - Returns: their number.
    /// - Throws: `FactStoreError`.
    package func count(_ filter: FactFilter = FactFilter()) throws -> Int64 {
        try reading { db in
            let clause = filter.clause
            let sql = "SELECT count(*) FROM fact JOIN dimension USING (dimension_id) WHERE \(clause.sql)"
            return try Int64.fetchOne(db, sql: sql, arguments: StatementArguments(clause.arguments.map(\.databaseValue))) ?? 0
        }
    }

    /// Gives every fact that passes a filter, as the index was when the call began.
    ///
    /// Facts come a page at a time and the body runs between reads: memory is bounded, and the body may use the store.
    /// - Parameters:
    ///   - filter: which exchanges.
    ///   - order: by start or by id.
    ///   - limit: at most so many; nil for all.
    ///   - body: takes one fact; what it throws ends the walk and is thrown on.
    /// - Throws: `FactStoreError`, or what the body throws.
    package func forEachFact(
        _ filter: FactFilter = FactFilter(), order: FactOrder = .start, limit: Int? = nil, _ body: (ExchangeFact) throws -> Void
    ) throws {
        let newest = try reading { db in try Int64.fetchOne(db, sql: "SELECT max(fact_id) FROM fact") } ?? 0
        var walk = FactWalk(filter: filter, order: order, newestID: newest)
        var left = limit ?? Int.max
        while left > 0 {
            let wanted = min(left, FactStoreLimits.pageFacts)
            let page = try reading { db in try walk.page(of: db, count: wanted) }
            for fact in page { try body(fact) }
            guard page.count == wanted, let last = page.last else { return }
            left -= page.count
            walk.last = last
        }
    }

    /// The newest facts that pass a filter, newest first.
    ///
    /// - Parameters:
    ///   - filter: which exchanges.
    ///   - limit: at most so many, itself at most `FactStoreLimits.pageFacts`.
    /// - Returns: the facts.
    /// - Throws: `FactStoreError`.
    package func newestFacts(_ filter: FactFilter = FactFilter(), limit: Int) throws -> [ExchangeFact] {
        try reading { db in
            var walk = FactWalk(filter: filter, order: .start, newestID: Int64.max)
            walk.isDescending = true
            return try walk.page(of: db, count: max(0, min(limit, FactStoreLimits.pageFacts)))
        }
    }

    /// The fact of one exchange, or nil.
    ///
    /// - Parameter id: the exchange.
    /// - Returns: its fact.
    /// - Throws: `FactStoreError`.
    package func fact(_ id: ExchangeID) throws -> ExchangeFact? {
        try reading { db in try FactWalk.fact(id, in: db) }
    }
}

/// A walk over facts by key, one page at a time.
struct FactWalk {
    let filter: FactFilter
    let order: FactOrder
    /// Facts stored later than the walk's begin are left out.
    let newestID: Int64
    var isDescending = false
    /// The last fact given.
    var last: ExchangeFact?

    init(filter: FactFilter, order: FactOrder, newestID: Int64) {
        self.filter = filter
        self.order = order
        self.newestID = newestID
    }

    /// The fact of one exchange, or nil.
    static func fact(_ id: ExchangeID, in db: Database) throws -> ExchangeFact? { try facts([id], in: db).first }

    /// The facts of some exchanges, in their order; those that are not there are left out.
    static func facts(_ ids: [ExchangeID], in db: Database) throws -> [ExchangeFact] {
        let statement = try db.cachedStatement(sql: byIDs)
        var found: [ExchangeID: ExchangeFact] = [:]
        for some in inStatements(ids) {
            let blobs = padded(some.map { FactColumns.blob(of: $0).databaseValue })
            let facts = try facts(of: try Row.fetchCursor(statement, arguments: blobs), in: db)
            for fact in facts { found[fact.head.id] = fact }
        }
        return ids.compactMap { found[$0] }
    }

    private static let byIDs = """
        SELECT \(columns) FROM fact
        CROSS JOIN dimension ON dimension.dimension_id = fact.dimension_id
        CROSS JOIN checkpoint ON checkpoint.segment_id = fact.segment_id
        WHERE fact.id IN (\(placeholders))
        """

    private static let metadataByIDs =
        "SELECT fact_id, key, value FROM metadata WHERE fact_id IN (\(placeholders)) ORDER BY fact_id, key"

    private static let placeholders = repeatElement("?", count: FactStoreLimits.idsAStatement).joined(separator: ",")

    private static func inStatements<T>(_ all: [T]) -> some Sequence<ArraySlice<T>> {
        let step = FactStoreLimits.idsAStatement
        return stride(from: 0, to: all.count, by: step).lazy.map { all[$0..<min($0 + step, all.count)] }
    }

    /// The statement is the same for any number of ids; NULL is no id.
    private static func padded(_ values: [DatabaseValue]) -> StatementArguments {
        StatementArguments(values + repeatElement(.null, count: FactStoreLimits.idsAStatement - values.count))
    }

    /// Facts with their metadata, read to the end of a cursor.
    private static func facts(of cursor: RowCursor, in db: Database) throws -> [ExchangeFact] {
        var facts: [ExchangeFact] = []
        var factIDs: [Int64] = []
        while let row = try cursor.next() {
            let values = row.values
            guard let factID = values.first?.integer, let fact = fact(of: values) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a fact has no valid id")
            }
            facts.append(fact)
            factIDs.append(factID)
        }
        let places = Dictionary(zip(factIDs, facts.indices)) { first, _ in first }
        let metadata = try db.cachedStatement(sql: metadataByIDs)
        for some in inStatements(factIDs) {
            let cursor = try Row.fetchCursor(metadata, arguments: padded(some.map(\.databaseValue)))
            while let row = try cursor.next() {
                let pair = row.values
                guard let place = pair[0].integer.flatMap({ places[$0] }) else { continue }
                facts[place].head.attribution.metadata.append((name: pair[1].text ?? "", value: pair[2].text ?? ""))
            }
        }
        return facts
    }

    /// The columns of a fact's row behind its ids and its segment, in the order of `columns`.
    private static let fields = FactColumns.own + FactColumns.dimension

    private static let columns: String = {
        let own = FactColumns.own.map { "fact.\"\($0.name)\"" }
        let dimension = FactColumns.dimension.map { "dimension.\"\($0.name)\"" }
        return (["fact.fact_id", "fact.id", "checkpoint.segment"] + own + dimension).joined(separator: ", ")
    }()

    func page(of db: Database, count: Int) throws -> [ExchangeFact] {
        let query = sql(count: count)
        let statement = try db.cachedStatement(sql: query.sql)
        let arguments = StatementArguments(query.arguments.map(\.databaseValue))
        return try FactWalk.facts(of: try Row.fetchCursor(statement, arguments: arguments), in: db)
    }

    private func sql(count: Int) -> (sql: String, arguments: [SQLValue]) {
        var (terms, arguments) = filter.clause
        terms += " AND fact.fact_id <= ?"
        arguments.append(.integer(newestID))
        if let last {
            terms += order == .start ? " AND (fact.started_at_us, fact.id) > (?, ?)" : " AND fact.id > ?"
            if order == .start { arguments.append(.integer(last.head.startedAtUs)) }
            arguments.append(FactColumns.blob(of: last.head.id))
        }
        let direction = isDescending ? "DESC" : "ASC"
        let keys = order == .start ? "fact.started_at_us \(direction), fact.id \(direction)" : "fact.id \(direction)"
        arguments.append(.integer(Int64(count)))
        // CROSS JOIN keeps `fact` the outer loop, so that its index gives the order and nothing is sorted.
        let sql = """
            SELECT \(FactWalk.columns) FROM fact
            CROSS JOIN dimension ON dimension.dimension_id = fact.dimension_id
            CROSS JOIN checkpoint ON checkpoint.segment_id = fact.segment_id
            WHERE \(terms) ORDER BY \(keys) LIMIT ?
            """
        return (sql, arguments)
    }

    private static func fact(of values: [SQLValue]) -> ExchangeFact? {
        guard values.count == FactWalk.fields.count + 3, let id = FactColumns.id(of: values[1]), let segment = values[2].text
        else {
            return nil
        }
        let head = ExchangeHead(id: id, node: "", startedAtUs: 0, method: "", path: "")
        var fact = ExchangeFact(head: head, location: PayloadLocation(segment: segment, frame: 0, offset: 0))
        for (i, column) in FactWalk.fields.enumerated() { column.write(&fact, values[i + 3]) }
        return fact
    }
}
