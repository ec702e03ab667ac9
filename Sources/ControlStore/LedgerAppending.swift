// SPDX-License-Identifier: Apache-2.0
import Crypto
import GRDB

/// What one append did.
package struct LedgerAppended: Equatable, Sendable {
    /// The head that was appended to.
    package let before: LedgerHead
    /// The head now.
    package let after: LedgerHead
}

extension ControlStore {
    /// Appends entries in one transaction, where the ledger still has the head that the caller has seen.
    ///
    /// A ledger begins with its first append. All entries are stored, and are on the disk when this returns, or none.
    /// - Parameters:
    ///   - entries: in their order.
    ///   - ledger: its name.
    ///   - head: what `head(of:)` gave when the caller decided what to append.
    ///   - recordedUs: the time, microseconds since the Unix epoch; not part of what is hashed.
    /// - Returns: the heads before and after.
    /// - Throws: `ControlStoreError`: `headMoved` where somebody else appended meanwhile, `badValue` where an entry breaks a limit.
    @discardableResult
    package func append(
        _ entries: [LedgerEntry], to ledger: String, expecting head: LedgerHead, recordedUs: Int64
    ) throws -> LedgerAppended {
        try append(to: ledger, expecting: head, recordedUs: recordedUs) { appender in
            for entry in entries { try appender.add(entry) }
        }
    }

    /// The same for entries that need not all be in memory at once; nobody else can write meanwhile.
    ///
    /// - Parameters:
    ///   - ledger: its name.
    ///   - head: what `head(of:)` gave when the caller decided what to append.
    ///   - recordedUs: the time, microseconds since the Unix epoch; not part of what is hashed.
    ///   - body: adds the entries; what it throws undoes them all.
    /// - Returns: the heads before and after.
    /// - Throws: `ControlStoreError`, or what `body` throws.
    @discardableResult
    package func append(
        to ledger: String, expecting head: LedgerHead, recordedUs: Int64, _ body: (LedgerAppender) throws -> Void
    ) throws -> LedgerAppended {
        try writing { db in
            let row = try LedgerAppender.row(of: ledger, in: db)
            guard row.head == head else {
                throw ControlStoreError(
                    code: .headMoved,
                    message: "the ledger `\(ledger)` has grown meanwhile: its head is \(row.head), not \(head). "
                        + "Nothing was appended; begin again with what it holds now", path: path)
            }
            let appender = try LedgerAppender(row, recordedUs: recordedUs, in: db)
            try body(appender)
            try appender.finish()
            return LedgerAppended(before: head, after: appender.head)
        }
    }
}

/// Adds entries to one ledger within somebody's transaction.
///
/// Thread world; good as long as the closure that it is given to runs.
package final class LedgerAppender {
    private let row: LedgerRow
    private let recordedUs: Int64
    private let insertEntry: ControlStatement
    private let insertPart: ControlStatement
    private let kindOf: ControlStatement
    private let db: Database
    private var isOver = false
    /// The head behind what was added so far.
    package private(set) var head: LedgerHead

    init(_ row: LedgerRow, recordedUs: Int64, in db: Database) throws {
        self.row = row
        self.recordedUs = recordedUs
        self.db = db
        head = row.head
        insertEntry = try ControlStatement(
            "INSERT INTO ledger_entry (ledger_id, seq, kind, recorded_us, payload, hash) VALUES (?, ?, ?, ?, ?, ?)", in: db)
        insertPart = try ControlStatement(
            "INSERT INTO ledger_part (ledger_id, seq, list, part, bytes) VALUES (?, ?, ?, ?, ?)", in: db)
        kindOf = try ControlStatement(
            "SELECT kind IN ('train', 'import') FROM ledger_entry WHERE ledger_id = ? AND seq = ?", in: db)
    }

    /// The row of a ledger, made where it is new; one whose head is not that of its last entry is not appended to.
    static func row(of name: String, in db: Database) throws -> LedgerRow {
        guard let row = try LedgerRow.find(name, in: db) else {
            let head = LedgerHead.empty(name)
            try ControlStatement("INSERT INTO ledger (name, entries, head) VALUES (?, 0, ?)", in: db)
                .run(.text(name), .blob(head.hash.bytes))
            return LedgerRow(id: db.lastInsertedRowID, name: name, head: head)
        }
        var last: (seq: Int64, hash: [UInt8]) = (0, LedgerHead.empty(name).hash.bytes)
        let newest = "SELECT seq, hash FROM ledger_entry WHERE ledger_id = ? ORDER BY seq DESC LIMIT 1"
        try ControlStatement(newest, in: db).forEachRow(.integer(row.id)) {
            last = ($0.integer(0), $0.bytes(1))
            return false
        }
        guard last.seq == row.head.entries, last.hash == row.head.hash.bytes else {
            throw ControlStoreError(
                code: .ledgerBroken, message: "the head of the ledger `\(name)` is not that of its last entry; verify the ledger")
        }
        return row
    }

    /// Adds one entry.
    ///
    /// - Parameter entry: what is to be recorded.
    /// - Returns: its sequence number.
    /// - Throws: `ControlStoreError` `badValue` where it breaks a rule, or what SQLite reports.
    @discardableResult
    package func add(_ entry: LedgerEntry) throws -> Int64 {
        precondition(!isOver, "an appender is good as long as its closure runs")
        try LedgerRules.check(entry)
        guard head.entries - row.head.entries < ControlStoreLimits.entriesAnAppend else {
            throw ControlStoreError.badValue("one append has at most \(ControlStoreLimits.entriesAnAppend) entries")
        }
        let seq = head.entries + 1
        if case .taint(let taint) = entry, try kindOf.integer(.integer(row.id), .integer(taint.training)) != 1 {
            throw ControlStoreError.badValue("entry \(taint.training), which a taint names, is none of training")
        }
        let marks = try LedgerParts.of(entry).map { parts in
            try LedgerMark(list: parts.list, byteCount: parts.byteCount, sha256: insert(parts, of: seq))
        }
        try insert(LedgerPayload(seq: seq, entry: entry, marks: marks))
        return seq
    }

    private func insert(_ payload: LedgerPayload) throws {
        let bytes = payload.encoded()
        guard bytes.count <= ControlStoreLimits.payloadBytes else {
            throw ControlStoreError.badValue("an entry has at most \(ControlStoreLimits.payloadBytes) bytes")
        }
        let hash = LedgerPayload.hash(bytes, after: head.hash)
        try insertEntry.run(
            .integer(row.id), .integer(payload.seq), .text(payload.entry.kind.rawValue), .integer(recordedUs),
            .text(String(decoding: bytes, as: UTF8.self)), .blob(hash.bytes))
        head = LedgerHead(entries: payload.seq, hash: hash)
    }

    private func insert(_ parts: LedgerParts, of seq: Int64) throws -> LedgerDigest {
        var hash = SHA256()
        for part in 0..<parts.count {
            let bytes = parts.bytes(part)
            hash.update(data: bytes)
            try insertPart.run(
                .integer(row.id), .integer(seq), .text(parts.list.rawValue), .integer(Int64(part)), .blob(bytes))
        }
        return LedgerDigest(hash.finalize())
    }

    /// Moves the ledger's head behind what was added.
    func finish() throws {
        isOver = true
        guard head != row.head else { return }
        try ControlStatement("UPDATE ledger SET entries = ?, head = ? WHERE ledger_id = ?", in: db)
            .run(.integer(head.entries), .blob(head.hash.bytes), .integer(row.id))
    }
}

/// What lies beside a payload, cut into parts.
struct LedgerParts {
    private enum Content {
        case keys([LedgerKey])
        case bytes([UInt8])
    }

    let list: LedgerList
    private let content: Content
    private static let keysAPart = ControlStoreLimits.partBytes / LedgerKey.byteCount

    /// The attachments of an entry, in the order of their names.
    static func of(_ entry: LedgerEntry) -> [LedgerParts] {
        switch entry {
        case .eval(let row): [LedgerParts(list: .separation, content: .bytes(row.separation))]
        case .train(let build): of(build.groups, build.items)
        case .imported(let file): of(file.groups, file.items)
        case .tombstone, .taint: []
        }
    }

    private static func of(_ groups: LedgerKeyList, _ items: LedgerKeyList) -> [LedgerParts] {
        [LedgerParts(list: .groups, content: .keys(groups.keys)), LedgerParts(list: .items, content: .keys(items.keys))]
    }

    var byteCount: Int64 {
        switch content {
        case .keys(let keys): Int64(keys.count * LedgerKey.byteCount)
        case .bytes(let bytes): Int64(bytes.count)
        }
    }

    /// How many parts: none of what is empty.
    var count: Int { Int((byteCount + Int64(ControlStoreLimits.partBytes) - 1) / Int64(ControlStoreLimits.partBytes)) }

    func bytes(_ part: Int) -> [UInt8] {
        switch content {
        case .keys(let keys):
            let from = part * LedgerParts.keysAPart
            return LedgerKeyList.bytes(of: keys[from..<min(from + LedgerParts.keysAPart, keys.count)])
        case .bytes(let bytes):
            let from = part * ControlStoreLimits.partBytes
            return Array(bytes[from..<min(from + ControlStoreLimits.partBytes, bytes.count)])
        }
    }
}
