// SPDX-License-Identifier: Apache-2.0
import Crypto
import GRDB

/// The first thing that is wrong with a ledger.
package struct LedgerFault: Equatable, Sendable, CustomStringConvertible {
    /// The kind of fault.
    package enum Kind: String, Sendable {
        /// An entry is missing, or one is there that does not belong there.
        case order
        /// The payload is not one, or not in its canonical form.
        case payload
        /// The row says another kind than the payload.
        case kind
        /// The hash does not follow from the hash before and the payload.
        case hash
        /// What lies beside the payload is not what the payload says.
        case attachment
        /// The ledger's head is not that of its last entry.
        case head
        /// A head that was to be in the chain is not.
        case anchor
        /// There are rows that belong to no entry, or to no ledger.
        case stray
    }

    /// The kind of fault.
    package let kind: Kind
    /// The entry, where it is about one.
    package let seq: Int64?
    /// What is wrong.
    package let message: String

    /// What is wrong, and where.
    package var description: String { seq.map { "entry \($0): \(message)" } ?? message }
}

/// What verifying a ledger found.
package struct LedgerVerification: Equatable, Sendable {
    /// Entries that are as they were written.
    package var entries: Int64
    /// The head behind them.
    package var head: LedgerHead
    /// The first thing that is wrong, or nil.
    package var fault: LedgerFault?

    /// What was found.
    package init(entries: Int64 = 0, head: LedgerHead, fault: LedgerFault? = nil) {
        self.entries = entries
        self.head = head
        self.fault = fault
    }
}

extension ControlStore {
    /// Walks the chain of a ledger from its beginning, and all that lies beside it, up to the first fault.
    ///
    /// Finds every change to entries, to what lies beside them and to the head, but for the times of recording, which are not hashed. Who
    /// cuts off a tail and writes an older head beside it has made an older ledger: that is found with a head that was kept elsewhere, as
    /// manifests do.
    /// - Parameters:
    ///   - ledger: its name.
    ///   - anchors: heads that must be in the chain.
    /// - Returns: what was found.
    /// - Throws: `ControlStoreError`: `notFound` where there is no such ledger, `damaged` where the file cannot be read.
    /// - Complexity: O(bytes of the ledger).
    package func verify(ledger: String, anchors: [LedgerHead] = []) throws -> LedgerVerification {
        try reading { db in
            if let fault = try LedgerWalk.strays(in: db) {
                return LedgerVerification(head: LedgerHead.empty(ledger), fault: fault)
            }
            var walk = try LedgerWalk(LedgerRow.require(ledger, in: db), in: db)
            return try walk.run(anchors: anchors)
        }
    }

    /// The head of a ledger, once all of it was found to be as it was written; for who decides by what the ledger holds.
    ///
    /// Of a ledger that nothing was appended to, the head of an empty one: then every other is verified, for one of them may be this one
    /// under another name.
    /// - Parameter ledger: its name.
    /// - Returns: what an append is to expect.
    /// - Throws: `ControlStoreError`, `ledgerBroken` where anything is not as it was written.
    /// - Complexity: O(bytes of the ledger), with one entry and one part in memory at a time.
    package func verifiedHead(of ledger: String) throws -> LedgerHead {
        try reading { db in
            try LedgerRules.checkName(ledger, of: "a ledger")
            if let fault = try LedgerWalk.strays(in: db) { throw LedgerWalk.broken(ledger, fault) }
            guard let row = try LedgerRow.find(ledger, in: db) else {
                for other in try LedgerRow.all(in: db) { _ = try LedgerWalk.verified(other, in: db) }
                return LedgerHead.empty(ledger)
            }
            return try LedgerWalk.verified(row, in: db)
        }
    }
}

/// One walk over a ledger, within somebody's transaction.
struct LedgerWalk {
    private let row: LedgerRow
    private let db: Database
    private let parts: ControlStatement
    private var head: LedgerHead
    private var missing: [LedgerHead] = []

    init(_ row: LedgerRow, in db: Database) throws {
        self.row = row
        self.db = db
        head = LedgerHead.empty(row.name)
        parts = try ControlStatement(
            "SELECT list, part, bytes FROM ledger_part WHERE ledger_id = ? AND seq = ? ORDER BY list, part", in: db)
    }

    /// Walks to the first fault, or to the end.
    mutating func run(anchors: [LedgerHead] = []) throws -> LedgerVerification {
        missing = anchors
        missing.removeAll { $0 == head }
        var fault: LedgerFault?
        let all = "SELECT \(LedgerLine.columns) FROM ledger_entry WHERE ledger_id = ? ORDER BY seq"
        try ControlStatement(all, in: db).forEachRow(.integer(row.id)) { statement in
            let line = LedgerLine(statement)
            fault = try check(line)
            return fault == nil
        }
        if fault == nil { fault = try checkEnd() }
        return LedgerVerification(entries: head.entries, head: head, fault: fault)
    }

    /// The head of a ledger without a fault.
    static func verified(_ row: LedgerRow, in db: Database) throws -> LedgerHead {
        var walk = try LedgerWalk(row, in: db)
        let found = try walk.run()
        if let fault = found.fault { throw broken(row.name, fault) }
        return found.head
    }

    static func broken(_ ledger: String, _ fault: LedgerFault) -> ControlStoreError {
        ControlStoreError(
            code: .ledgerBroken,
            message: "the ledger `\(ledger)` is not as it was written: \(fault). Nothing may be built by it: see "
                + "`weir dataset ledger verify --ledger \(ledger)`, then take control.sqlite out of a backup, or import the ledger's last "
                + "export into a new one")
    }

    /// Rows that no walk comes by.
    static func strays(in db: Database) throws -> LedgerFault? {
        let entries = "SELECT count(*) FROM ledger_entry WHERE ledger_id NOT IN (SELECT ledger_id FROM ledger)"
        if let count = try ControlStatement(entries, in: db).integer(), count > 0 {
            return LedgerFault(kind: .stray, seq: nil, message: "\(count) entries belong to no ledger")
        }
        let parts = """
            SELECT count(*) FROM ledger_part AS p
            WHERE NOT EXISTS (SELECT 1 FROM ledger_entry AS e WHERE e.ledger_id = p.ledger_id AND e.seq = p.seq)
            """
        if let count = try ControlStatement(parts, in: db).integer(), count > 0 {
            return LedgerFault(kind: .stray, seq: nil, message: "\(count) parts belong to no entry")
        }
        return nil
    }

    private mutating func check(_ line: LedgerLine) throws -> LedgerFault? {
        let expected = head.entries + 1
        func fault(_ kind: LedgerFault.Kind, _ message: String) -> LedgerFault {
            LedgerFault(kind: kind, seq: expected, message: message)
        }
        guard line.seq == expected else { return fault(.order, "is missing; entry \(line.seq) comes in its place") }
        let hash = LedgerPayload.hash(line.payload, after: head.hash)
        guard line.hash == hash.bytes else {
            return fault(.hash, "its hash does not follow from its payload and the hash before")
        }
        guard let payload = LedgerPayload(reading: line.payload), payload.encoded() == line.payload else {
            return fault(.payload, "its payload is no canonical entry")
        }
        guard payload.seq == expected else { return fault(.order, "its payload says that it is entry \(payload.seq)") }
        guard line.kind == payload.entry.kind.rawValue else {
            return fault(.kind, "its row says `\(line.kind.prefix(32))`, its payload \(payload.entry.kind.rawValue)")
        }
        if let message = try checkParts(payload) { return fault(.attachment, message) }
        head = LedgerHead(entries: expected, hash: hash)
        missing.removeAll { $0 == head }
        return nil
    }

    private func checkParts(_ payload: LedgerPayload) throws -> String? {
        var checks = payload.marks.map(PartsCheck.init)
        var message: String?
        try parts.forEachRow(.integer(row.id), .integer(payload.seq)) { row in
            let list = row.text(0)
            guard let place = checks.firstIndex(where: { $0.mark.list.rawValue == list }) else {
                message = "it has a list that its payload does not name"
                return false
            }
            message = unsafe row.withBytes(2) { unsafe checks[place].add(part: row.integer(1), $0) }
            return message == nil
        }
        return message ?? checks.lazy.compactMap { $0.finish() }.first
    }

    private func checkEnd() throws -> LedgerFault? {
        guard head == row.head else {
            let message = "the ledger's head is \(row.head), but its entries end in \(head)"
            return LedgerFault(kind: .head, seq: nil, message: message)
        }
        if let lost = missing.first {
            return LedgerFault(
                kind: .anchor, seq: nil, message: "the head \(lost) is not in this ledger: it was cut, or is another")
        }
        return nil
    }
}

/// One list of an entry while its parts go by.
private struct PartsCheck {
    let mark: LedgerMark
    private var hash = SHA256()
    private var count: Int64 = 0
    private var next: Int64 = 0
    private var last: LedgerKey?

    init(_ mark: LedgerMark) { self.mark = mark }

    /// Takes a part; says what is wrong with it.
    mutating func add(part: Int64, _ raw: UnsafeRawBufferPointer) -> String? {
        guard part == next, raw.count > 0, raw.count <= ControlStoreLimits.partBytes else {
            return "part \(next) of its \(mark.list.rawValue) is missing, or has no proper size"
        }
        let isFull = raw.count == ControlStoreLimits.partBytes
        guard isFull || count + Int64(raw.count) == mark.byteCount else {
            return "its \(mark.list.rawValue) are not cut as they should be"
        }
        unsafe hash.update(bufferPointer: raw)
        count += Int64(raw.count)
        next += 1
        guard mark.list.isKeys else { return nil }
        guard raw.count.isMultiple(of: LedgerKey.byteCount) else { return "its \(mark.list.rawValue) are no keys" }
        for offset in stride(from: 0, to: raw.count, by: LedgerKey.byteCount) {
            let key = unsafe LedgerKey(at: offset, of: raw)
            if let last, key <= last { return "its \(mark.list.rawValue) are not in order" }
            last = key
        }
        return nil
    }

    /// Says what is wrong with the whole.
    func finish() -> String? {
        guard count == mark.byteCount, LedgerDigest(hash.finalize()) == mark.sha256 else {
            return "its \(mark.list.rawValue) are not those that its payload names"
        }
        return nil
    }
}
