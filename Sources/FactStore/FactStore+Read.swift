// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel
import GRDB

extension FactStore {
    /// How many exchanges pass a filter.
    ///
    /// - Parameter filter: which exchanges.
    /// - Returns: their number.
    /// - Throws: `FactStoreError`.
    package func count(_ filter: FactFilter = FactFilter()) throws -> Int64 {
        try reading { db in
            let clause = filter.clause
            let from = clause.arguments.isEmpty ? "fact" : "fact JOIN shape USING (shape_id) JOIN dimension USING (dimension_id)"
            let arguments = StatementArguments(clause.arguments.map(\.databaseValue))
            return try Int64.fetchOne(db, sql: "SELECT count(*) FROM \(from) WHERE \(clause.sql)", arguments: arguments) ?? 0
        }
    }

    /// Gives every fact that passes a filter, by start, then by what tells their ids apart.
    ///
    /// Facts come a page at a time and the body runs between reads: memory is bounded, and the body may use the store. Facts that are
    /// stored meanwhile may be among them, but none that began after the newest there was.
    /// - Parameters:
    ///   - filter: which exchanges.
    ///   - limit: at most so many; nil for all.
    ///   - body: takes one fact; what it throws ends the walk and is thrown on.
    /// - Throws: `FactStoreError`, or what the body throws.
    package func forEachFact(
        _ filter: FactFilter = FactFilter(), limit: Int? = nil, _ body: (ExchangeFact) throws -> Void
    ) throws {
        guard let newest = try reading({ db in try Int64.fetchOne(db, sql: "SELECT max(start) FROM fact") }) else { return }
        var walk = FactWalk(filter: filter, newestStart: newest)
        var left = limit ?? Int.max
        while left > 0 {
            let wanted = min(left, FactStoreLimits.pageFacts)
            let page = try reading { db in try walk.page(of: db, count: wanted) }
            for fact in page { try body(fact) }
            guard page.count == wanted, let last = page.last else { return }
            left -= page.count
            walk.last = FactKey(last.head.id, startedAtUs: last.head.startedAtUs)
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
            var walk = FactWalk(filter: filter, newestStart: Int64.max)
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
        try reading { db in try FactWalk.facts([id], in: db).first }
    }

    /// The facts of some exchanges, in their order; those that are not there are left out.
    ///
    /// - Parameter ids: the exchanges.
    /// - Returns: their facts.
    /// - Throws: `FactStoreError`.
    package func facts(of ids: [ExchangeID]) throws -> [ExchangeFact] {
        try reading { db in try FactWalk.facts(ids, in: db) }
    }
}

/// A walk over facts by key, one page at a time.
struct FactWalk {
    let filter: FactFilter
    /// Facts that began later are left out.
    let newestStart: Int64
    var isDescending = false
    /// The last fact given.
    var last: FactKey?

    init(filter: FactFilter, newestStart: Int64) {
        self.filter = filter
        self.newestStart = newestStart
    }

    /// The facts of some exchanges, in their order; those that are not there are left out.
    static func facts(_ ids: [ExchangeID], in db: Database) throws -> [ExchangeFact] {
        var rows = FactRows(db)
        let tables = FactTables(db)
        let statement = try BoundStatement(byKey, in: db)
        return try ids.compactMap { id in
            guard let key = try tables.key(of: id), let row = try statement.row([.integer(key.start), .blob(key.tail)])
            else { return nil }
            return try rows.fact(of: row)
        }
    }

    private static let byKey = "SELECT \(FactRows.columns) FROM \(FactRows.tables) WHERE fact.start = ? AND fact.tail = ?"

    func page(of db: Database, count: Int) throws -> [ExchangeFact] {
        let query = sql(count: count)
        let arguments = StatementArguments(query.arguments.map(\.databaseValue))
        let cursor = try Row.fetchCursor(try db.cachedStatement(sql: query.sql), arguments: arguments)
        var rows = FactRows(db)
        var facts: [ExchangeFact] = []
        facts.reserveCapacity(count)
        while let row = try cursor.next() { facts.append(try rows.fact(of: row.values)) }
        return facts
    }

    private func sql(count: Int) -> (sql: String, arguments: [SQLValue]) {
        var (terms, arguments) = filter.clause
        terms += " AND fact.start <= ?"
        arguments.append(.integer(newestStart))
        if let last {
            terms += " AND (fact.start, fact.tail) > (?, ?)"
            arguments += [.integer(last.start), .blob(last.tail)]
        }
        let direction = isDescending ? "DESC" : "ASC"
        arguments.append(.integer(Int64(count)))
        let sql = """
            SELECT \(FactRows.columns) FROM \(FactRows.tables)
            WHERE \(terms) ORDER BY fact.start \(direction), fact.tail \(direction) LIMIT ?
            """
        return (sql, arguments)
    }
}

/// Puts facts together from rows; keeps the shapes it has met.
struct FactRows {
    private let db: Database
    private var shapes: [Int64: FactShape] = [:]

    init(_ db: Database) { self.db = db }

    /// The columns that `fact(of:)` takes, in their order.
    static let columns: String = {
        let names =
            ["start", "tail", "shape_id"].map { "fact.\($0)" } + ["checkpoint.segment", "metadata_set.object"]
            + FactColumns.route.map { "route.\($0.name)" } + FactColumns.own.map { "fact.\"\($0.name)\"" }
            + ["fact.content_span_us"] + FactRow.moreColumns.map { "more.\($0.name)" }
        return names.joined(separator: ", ")
    }()

    /// The tables that `columns` come from.
    ///
    /// CROSS JOIN keeps `fact` the outer loop, so that its key gives the order and nothing is
    /// sorted.
    static let tables = """
        fact CROSS JOIN shape ON shape.shape_id = fact.shape_id
        CROSS JOIN dimension ON dimension.dimension_id = shape.dimension_id
        CROSS JOIN route ON route.route_id = fact.route_id
        CROSS JOIN checkpoint ON checkpoint.segment_id = fact.segment_id
        LEFT JOIN metadata_set ON metadata_set.metadata_id = fact.metadata_id
        LEFT JOIN fact_more AS more ON more.start = fact.start AND more.tail = fact.tail
        """

    /// The fact of a row.
    ///
    /// - Throws: `DatabaseError` where the row is none: the file is damaged.
    mutating func fact(of values: [SQLValue]) throws -> ExchangeFact {
        guard let key = FactKey(start: values[0], tail: values[1]), let shapeID = values[2].integer else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a fact has no valid key")
        }
        let shape = try shape(shapeID)
        var fact = shape.template
        fact.head.id = key.id
        fact.head.startedAtUs = key.startedAtUs
        fact.location.segment = values[3].text ?? ""
        fact.head.attribution.metadata = FactRows.metadata(values[4].text)
        var rest = values.dropFirst(5)
        for column in FactColumns.route + FactColumns.own {
            guard let value = rest.popFirst() else { break }
            column.write(&fact, value)
        }
        let span = rest.popFirst()?.integer
        shape.complete(&fact, spanUs: span, more: rest)
        return fact
    }

    /// A shape by its number.
    mutating func shape(_ id: Int64) throws -> FactShape {
        if let known = shapes[id] { return known }
        let row = try Row.fetchOne(try db.cachedStatement(sql: FactRows.shapeByID), arguments: [id])?.values ?? []
        let shape = try FactRows.shape(id, row[...])
        shapes[id] = shape
        return shape
    }

    private static func shape(_ id: Int64, _ row: ArraySlice<SQLValue>) throws -> FactShape {
        let dimensions = FactColumns.dimension.count
        guard let shape = FactShape(dimension: row.prefix(dimensions), shape: row.dropFirst(dimensions)) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "shape \(id) is none")
        }
        return shape
    }

    private static let shapeColumns: String = {
        let dimension = FactColumns.dimension.map { "dimension.\($0.name)" }
        let shape = (FactColumns.shape.map(\.name) + ["derived"] + FactColumns.rateNames).map { "shape.\($0)" }
        return (dimension + shape).joined(separator: ", ")
    }()
    private static let shapeTables = "FROM shape JOIN dimension USING (dimension_id)"
    private static let shapeByID = "SELECT \(shapeColumns) \(shapeTables) WHERE shape_id = ?"

    /// Metadata as the view shows it, taken apart.
    static func metadata(_ object: String?) -> [(name: String, value: String)] {
        guard let object, let document = JSONDocument.read(Array(object.utf8)) else { return [] }
        return document.root.members.map { (name: $0.string ?? "", value: $1.string ?? "") }
    }
}
