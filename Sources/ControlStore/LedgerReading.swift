// SPDX-License-Identifier: Apache-2.0
import GRDB

/// A row of eval as a ledger has it.
package struct LedgerEvalItem: Equatable, Sendable {
    /// The sequence number of its entry.
    package let seq: Int64
    /// The row.
    package let row: LedgerEval
    /// Whether a later tombstone took it out of the eval sets; it blocks training all the same.
    package let isRemoved: Bool
}

/// A taint as a ledger has it.
package struct LedgerTaintItem: Equatable, Sendable {
    /// The sequence number of its entry.
    package let seq: Int64
    /// What was touched by what.
    package let taint: LedgerTaint
}

/// What a ledger holds of one version of one data set.
package struct LedgerVersion: Equatable, Sendable {
    /// The data set's name.
    package let dataset: String
    /// The version.
    package let version: String
    /// Rows that entered eval in it.
    package var evalRows: Int64 = 0
    /// Builds that exported it to training, or files of training that joined.
    package var trainings: Int64 = 0
    /// Rows in those.
    package var trainRows: Int64 = 0
    /// The sequence number of its first entry.
    package let firstSeq: Int64
    /// The sequence number of its last entry.
    package var lastSeq: Int64
}

/// A ledger by name.
package struct LedgerSummary: Equatable, Sendable {
    /// Its name.
    package let name: String
    /// Its head.
    package let head: LedgerHead

    /// A ledger.
    package init(name: String, head: LedgerHead) {
        self.name = name
        self.head = head
    }
}

extension ControlStore {
    /// The head of a ledger; of one that nothing was appended to, that of an empty one.
    ///
    /// - Parameter ledger: its name.
    /// - Returns: what an append is to expect.
    /// - Throws: `ControlStoreError`.
    package func head(of ledger: String) throws -> LedgerHead {
        try reading { db in try LedgerRow.find(ledger, in: db)?.head ?? LedgerHead.empty(ledger) }
    }

    /// All ledgers, by the bytes of their names.
    ///
    /// - Throws: `ControlStoreError`.
    package func ledgers() throws -> [LedgerSummary] {
        try reading { db in try LedgerRow.all(in: db).map { LedgerSummary(name: $0.name, head: $0.head) } }
    }

    /// Gives every row that was ever in an eval set, removed ones too, in the order of the ledger.
    ///
    /// Rows come a page at a time and the body runs between reads: memory is bounded, and the body may use the store. What is appended
    /// meanwhile is not among them.
    /// - Parameters:
    ///   - ledger: its name; where there is none, there are no rows.
    ///   - withSeparation: whether what a gate needs is read, too.
    ///   - body: takes one row; what it throws ends the walk and is thrown on.
    /// - Throws: `ControlStoreError`, or what the body throws.
    package func forEachEval(in ledger: String, withSeparation: Bool = true, _ body: (LedgerEvalItem) throws -> Void) throws {
        guard let start = try reading({ db in try EvalPages(ledger, withSeparation: withSeparation, in: db) }) else { return }
        var pages = start
        while true {
            let page = try reading { db in try pages.next(in: db) }
            guard !page.isEmpty else { return }
            for item in page { try body(item) }
        }
    }

    /// All taints of a ledger.
    ///
    /// - Parameter ledger: its name; where there is none, there are no taints.
    /// - Returns: the taints in the order of the ledger.
    /// - Throws: `ControlStoreError`.
    package func taints(in ledger: String) throws -> [LedgerTaintItem] {
        var taints: [LedgerTaintItem] = []
        try forEachPayload(in: ledger, kinds: [.taint]) { payload in
            if case .taint(let taint) = payload.entry { taints.append(LedgerTaintItem(seq: payload.seq, taint: taint)) }
        }
        return taints
    }

    /// How many entries of each kind a ledger has, those that occur, in the order of `Kind.allCases`.
    ///
    /// - Parameter ledger: its name.
    /// - Returns: kinds and numbers.
    /// - Throws: `ControlStoreError`.
    package func entryCounts(in ledger: String) throws -> [(kind: LedgerEntry.Kind, count: Int64)] {
        try reading { db in
            guard let row = try LedgerRow.find(ledger, in: db) else { return [] }
            let count = try ControlStatement("SELECT count(*) FROM ledger_entry WHERE ledger_id = ? AND kind = ?", in: db)
            return try LedgerEntry.Kind.allCases.compactMap { kind in
                let found = try count.integer(.integer(row.id), .text(kind.rawValue)) ?? 0
                return found > 0 ? (kind, found) : nil
            }
        }
    }

    /// The data sets and versions that a ledger knows, by their first entries.
    ///
    /// - Parameter ledger: its name.
    /// - Returns: one for each version.
    /// - Throws: `ControlStoreError`.
    package func versions(in ledger: String) throws -> [LedgerVersion] {
        var versions: [LedgerVersion] = []
        var places: [String: Int] = [:]
        try forEachPayload(in: ledger, kinds: [.eval, .train, .imported]) { payload in
            guard let (dataset, version) = payload.entry.version else { return }
            // No name holds a slash.
            let key = "\(dataset)/\(version)"
            let place = places[key] ?? versions.count
            if place == versions.count {
                places[key] = place
                versions.append(LedgerVersion(dataset: dataset, version: version, firstSeq: payload.seq, lastSeq: payload.seq))
            }
            versions[place].add(payload)
        }
        return versions
    }

    /// Gives the payloads of some kinds, without what lies beside them, in the order of the ledger.
    private func forEachPayload(
        in ledger: String, kinds: [LedgerEntry.Kind], _ body: (LedgerPayload) throws -> Void
    ) throws {
        let list = kinds.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        try reading { db in
            guard let row = try LedgerRow.find(ledger, in: db) else { return }
            let sql = "SELECT \(LedgerLine.columns) FROM ledger_entry WHERE ledger_id = ? AND kind IN (\(list)) ORDER BY seq"
            try ControlStatement(sql, in: db).forEachRow(.integer(row.id)) {
                try body(LedgerLine($0).read(row))
                return true
            }
        }
    }
}

extension LedgerEntry {
    fileprivate var version: (dataset: String, version: String)? {
        switch self {
        case .eval(let row): (row.dataset, row.version)
        case .train(let build): (build.dataset, build.version)
        case .imported(let file): (file.dataset, file.version)
        case .tombstone, .taint: nil
        }
    }
}

extension LedgerVersion {
    fileprivate mutating func add(_ payload: LedgerPayload) {
        lastSeq = payload.seq
        switch payload.entry {
        case .eval: evalRows += 1
        case .train:
            trainings += 1
            trainRows += (payload.marks.first { $0.list == .items }?.byteCount ?? 0) / Int64(LedgerKey.byteCount)
        case .imported(let file) where file.side == .train:
            trainings += 1
            trainRows += file.rows
        case .imported, .tombstone, .taint: break
        }
    }
}

/// A walk over the rows of eval, one page at a time.
private struct EvalPages {
    private let row: LedgerRow
    private let withSeparation: Bool
    /// Where the last tombstone of a row stands; only looked up in.
    private var tombstones: [LedgerDigest: Int64] = [:]
    private var last: Int64 = 0

    init?(_ ledger: String, withSeparation: Bool, in db: Database) throws {
        guard let row = try LedgerRow.find(ledger, in: db) else { return nil }
        self.row = row
        self.withSeparation = withSeparation
        let sql = "SELECT \(LedgerLine.columns) FROM ledger_entry WHERE ledger_id = ? AND kind = 'tombstone' ORDER BY seq"
        var found: [LedgerDigest: Int64] = [:]
        try ControlStatement(sql, in: db).forEachRow(.integer(row.id)) {
            let payload = try LedgerLine($0).read(row)
            if case .tombstone(let removal) = payload.entry { found[removal.item] = payload.seq }
            return true
        }
        tombstones = found
    }

    mutating func next(in db: Database) throws -> [LedgerEvalItem] {
        var items: [LedgerEvalItem] = []
        var bytes = 0
        let sql = """
            SELECT \(LedgerLine.columns) FROM ledger_entry WHERE ledger_id = ? AND kind = 'eval' AND seq > ? AND seq <= ? ORDER BY seq
            """
        let parts = try ControlStatement(
            "SELECT bytes FROM ledger_part WHERE ledger_id = ? AND seq = ? AND list = 'separation' ORDER BY part", in: db)
        try ControlStatement(sql, in: db).forEachRow(.integer(row.id), .integer(last), .integer(row.head.entries)) {
            let payload = try LedgerLine($0).read(row)
            guard case .eval(var eval) = payload.entry else { return true }
            if withSeparation {
                try parts.forEachRow(.integer(row.id), .integer(payload.seq)) { part in
                    unsafe part.withBytes(0) { raw in unsafe eval.separation.append(contentsOf: raw) }
                    return eval.separation.count <= ControlStoreLimits.separationBytes
                }
                try payload.check(.separation, bytes: Int64(eval.separation.count), row)
            }
            bytes += eval.separation.count
            let isRemoved = tombstones[eval.item].map { $0 > payload.seq } ?? false
            items.append(LedgerEvalItem(seq: payload.seq, row: eval, isRemoved: isRemoved))
            return items.count < ControlStoreLimits.pageEntries && bytes < ControlStoreLimits.pageBytes
        }
        last = items.last?.seq ?? last
        return items
    }
}
