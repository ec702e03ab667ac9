// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// A fact taken apart into what the tables hold.
///
/// `FactRow(&fact)` and `FactRow.fact(...)` are each other's reverse for every fact.
struct FactRow {
    /// The exchange.
    let id: ExchangeID
    let key: FactKey
    /// What repeats from row to row: `dimension`, then `shape`.
    let shared: [SQLValue]
    /// The values of `FactColumns.route`.
    let route: [SQLValue]
    /// The values of `FactColumns.own`, then `content_span_us`.
    let own: [SQLValue]
    /// The values of `FactRow.moreColumns`; empty where none is to be stored.
    let more: [SQLValue]
    /// The metadata as one JSON object; nil where there is none.
    let metadata: String?

    /// The values of `FactColumns.dimension`.
    var dimension: ArraySlice<SQLValue> { shared.prefix(FactColumns.dimension.count) }
    /// The values of `FactColumns.shape`, then the letters, then the rates.
    var shape: ArraySlice<SQLValue> { shared.dropFirst(FactColumns.dimension.count) }

    /// The columns of `fact_more` behind its key.
    static let moreColumns: [FactColumn] =
        FactColumns.more + DerivedColumns.early.map(\.column) + DerivedColumns.costs.map(\.column)
        + DerivedColumns.late.map(\.column) + [rateColumn]

    private static let rateColumn = FactColumn(
        name: "tokens_per_second", read: { SQLValue($0.reading.tokensPerSecond) },
        write: { $0.reading.tokensPerSecond = $1.number })

    /// A fact taken apart.
    ///
    /// - Parameter fact: left as it is; nobody else may have it meanwhile, so that no column costs a copy.
    init(_ fact: inout ExchangeFact) {
        id = fact.head.id
        key = FactKey(id, startedAtUs: fact.head.startedAtUs)
        route = FactColumns.route.map { $0.read(&fact) }
        metadata = FactRow.object(of: fact.head.attribution.metadata)
        var letters = Letters()
        letters.add(DerivedColumns.early, &fact)
        let rates = DerivedColumns.costs.map { letters.add($0.column, $0.tokens(fact.reading.usage), &fact) }
        letters.add(DerivedColumns.late, &fact)
        let span = DerivedColumns.span(outputTotal: fact.reading.usage.outputTotal, rate: fact.reading.tokensPerSecond)
        letters.add(FactRow.rateColumn.read(&fact), isDerived: span != nil)
        own = FactRow.values(of: FactColumns.own, of: &fact, then: [SQLValue(span)])
        shared = FactRow.values(
            of: FactColumns.shape, of: &fact, after: FactColumns.dimension, then: [.text(letters.text)] + rates)
        let texts = FactColumns.more.map { $0.read(&fact) }
        more = letters.hasExplicit || texts.contains { $0 != .null } ? texts + letters.values : []
    }

    /// The values of columns, with others behind them.
    private static func values(
        of columns: [FactColumn], of fact: inout ExchangeFact, after first: [FactColumn] = [], then last: [SQLValue]
    ) -> [SQLValue] {
        var values: [SQLValue] = []
        values.reserveCapacity(first.count + columns.count + last.count)
        // By their places: to take a column out would hold and let go of all its parts, for every exchange.
        for i in first.indices { values.append(first[i].read(&fact)) }
        for i in columns.indices { values.append(columns[i].read(&fact)) }
        values.append(contentsOf: last)
        return values
    }

    /// The letters of a row, and what has to be stored because it does not follow.
    private struct Letters {
        private var letters: [UInt8] = []
        private(set) var values: [SQLValue] = []
        private(set) var hasExplicit = false

        init() {
            letters.reserveCapacity(DerivedColumns.letterCount)
            values.reserveCapacity(DerivedColumns.letterCount)
        }

        var text: String { String(decoding: letters, as: UTF8.self) }

        mutating func add(_ entries: [DerivedColumn], _ fact: inout ExchangeFact) {
            for i in entries.indices {
                let value = entries[i].column.read(&fact)
                add(value, isDerived: value == entries[i].derive(fact))
            }
        }

        /// Adds a cost; gives the rate that it follows from.
        mutating func add(_ column: FactColumn, _ tokens: Int64?, _ fact: inout ExchangeFact) -> SQLValue {
            let value = column.read(&fact)
            let rate = value.integer.flatMap { TokenRate.rate(of: $0, for: tokens ?? 0) }
            add(value, isDerived: rate != nil)
            return .integer(rate ?? 0)
        }

        mutating func add(_ value: SQLValue, isDerived: Bool) {
            guard value != .null, !isDerived else {
                letters.append(value == .null ? DerivedColumns.null : DerivedColumns.derived)
                values.append(.null)
                return
            }
            letters.append(DerivedColumns.explicit)
            values.append(value)
            hasExplicit = true
        }
    }

    /// Metadata as the view shows it.
    static func object(of metadata: [(name: String, value: String)]) -> String? {
        guard !metadata.isEmpty else { return nil }
        var json = JSONWriter(capacity: 128)
        json.beginObject()
        for pair in metadata {
            json.key(pair.name)
            json.value(pair.value)
        }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

/// What a shape says of the rows that have it: the fact without what each row has of its own.
struct FactShape {
    /// Dimensions and the rest of the shape, in a fact that has nothing else.
    let template: ExchangeFact
    private let letters: [UInt8]
    private let rates: [Int64]

    /// A shape from the values of its columns; nil where they are not those of a shape.
    ///
    /// - Parameters:
    ///   - dimension: values of `FactColumns.dimension`.
    ///   - shape: values of `FactColumns.shape`, the letters, the rates.
    init?(dimension: ArraySlice<SQLValue>, shape: ArraySlice<SQLValue>) {
        var fact = FactShape.fact(dimension: dimension)
        for (column, value) in zip(FactColumns.shape, shape) { column.write(&fact, value) }
        let rest = shape.dropFirst(FactColumns.shape.count)
        letters = Array((rest.first?.text ?? "").utf8)
        rates = rest.dropFirst().map { $0.integer ?? 0 }
        guard letters.count == DerivedColumns.letterCount, rates.count == DerivedColumns.costs.count else { return nil }
        template = fact
    }

    /// A fact that has dimensions and nothing else.
    static func fact(dimension: ArraySlice<SQLValue>) -> ExchangeFact {
        var fact = ExchangeFact(
            head: .blank, location: PayloadLocation(segment: "", frame: 0, offset: 0))
        for (column, value) in zip(FactColumns.dimension, dimension) { column.write(&fact, value) }
        return fact
    }

    /// Fills in what follows from other columns, and what stands in `fact_more`.
    ///
    /// - Parameters:
    ///   - fact: with the shape's members and those of `FactColumns.own`.
    ///   - spanUs: `content_span_us`.
    ///   - more: the values of `FactRow.moreColumns`.
    func complete(_ fact: inout ExchangeFact, spanUs: Int64?, more: ArraySlice<SQLValue>) {
        for (column, value) in zip(FactColumns.more, more) { column.write(&fact, value) }
        let explicit = Array(more.dropFirst(FactColumns.more.count))
        for (i, entry) in DerivedColumns.early.enumerated() { fill(entry, i, &fact, explicit) }
        for (i, entry) in DerivedColumns.costs.enumerated() {
            let tokens = entry.tokens(fact.reading.usage) ?? 0
            let value = SQLValue(TokenRate.cost(of: tokens, at: rates[i]))
            set(entry.column, DerivedColumns.firstCost + i, &fact, value, explicit)
        }
        for (i, entry) in DerivedColumns.late.enumerated() { fill(entry, DerivedColumns.firstLate + i, &fact, explicit) }
        let rate = DerivedColumns.rate(outputTotal: fact.reading.usage.outputTotal, spanUs: spanUs)
        if let column = FactRow.moreColumns.last { set(column, DerivedColumns.letterCount - 1, &fact, SQLValue(rate), explicit) }
    }

    private func fill(_ entry: DerivedColumn, _ i: Int, _ fact: inout ExchangeFact, _ explicit: [SQLValue]) {
        guard letters[i] == DerivedColumns.derived else { return set(entry.column, i, &fact, .null, explicit) }
        entry.column.write(&fact, entry.derive(fact))
    }

    private func set(
        _ column: FactColumn, _ i: Int, _ fact: inout ExchangeFact, _ derived: SQLValue, _ explicit: [SQLValue]
    ) {
        switch letters[i] {
        case DerivedColumns.derived: column.write(&fact, derived)
        case DerivedColumns.explicit where i < explicit.count: column.write(&fact, explicit[i])
        default: column.write(&fact, .null)
        }
    }
}
