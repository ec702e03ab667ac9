// SPDX-License-Identifier: Apache-2.0
import GRDB

/// One ledger as its row says.
struct LedgerRow {
    let id: Int64
    let name: String
    let head: LedgerHead

    /// The row of a ledger, or nil where nothing was ever appended to it.
    ///
    /// - Throws: `ControlStoreError` `ledgerBroken` where its head is no hash.
    static func find(_ name: String, in db: Database) throws -> LedgerRow? {
        try LedgerRules.checkName(name, of: "a ledger")
        var found: (id: Int64, entries: Int64, head: [UInt8])?
        try ControlStatement("SELECT ledger_id, entries, head FROM ledger WHERE name = ?", in: db).forEachRow(.text(name)) {
            found = ($0.integer(0), $0.integer(1), $0.bytes(2))
            return false
        }
        guard let found else { return nil }
        guard let hash = LedgerDigest(bytes: found.head) else {
            throw ControlStoreError(code: .ledgerBroken, message: "the head of the ledger `\(name)` is no hash")
        }
        return LedgerRow(id: found.id, name: name, head: LedgerHead(entries: found.entries, hash: hash))
    }

    /// Every ledger, by the bytes of their names.
    static func all(in db: Database) throws -> [LedgerRow] {
        var names: [String] = []
        try ControlStatement("SELECT name FROM ledger ORDER BY name", in: db).forEachRow {
            names.append($0.text(0))
            return true
        }
        return try names.map { try require($0, in: db) }
    }

    /// The same of a ledger that must be there.
    static func require(_ name: String, in db: Database) throws -> LedgerRow {
        guard let row = try find(name, in: db) else {
            throw ControlStoreError(code: .notFound, message: "there is no ledger `\(name)`: nothing was ever appended to it")
        }
        return row
    }
}

/// One entry as its row says, not looked into.
struct LedgerLine {
    let seq: Int64
    let kind: String
    let recordedUs: Int64
    let payload: [UInt8]
    let hash: [UInt8]

    /// - Parameter row: a row of `columns`.
    init(_ row: ControlStatement) {
        seq = row.integer(0)
        kind = row.text(1)
        recordedUs = row.integer(2)
        payload = row.bytes(3)
        hash = row.bytes(4)
    }

    static let columns = "seq, kind, recorded_us, payload, hash"

    /// What the entry says.
    ///
    /// - Throws: `ControlStoreError` `ledgerBroken` where it says nothing that can be read.
    func read(_ ledger: LedgerRow) throws(ControlStoreError) -> LedgerPayload {
        guard let payload = LedgerPayload(reading: payload) else {
            throw ControlStoreError(
                code: .ledgerBroken, message: "entry \(seq) of the ledger `\(ledger.name)` cannot be read; verify the ledger")
        }
        return payload
    }
}

extension LedgerPayload {
    /// Holds what was read of a list beside the payload against what the payload says of it: a shortened list knows less, and shows no
    /// other sign of it.
    ///
    /// - Parameters:
    ///   - list: which.
    ///   - bytes: how many were read.
    ///   - ledger: where.
    /// - Throws: `ControlStoreError` `ledgerBroken`.
    func check(_ list: LedgerList, bytes: Int64, _ ledger: LedgerRow) throws(ControlStoreError) {
        let expected = marks.first { $0.list == list }?.byteCount ?? 0
        guard bytes != expected else { return }
        throw ControlStoreError(
            code: .ledgerBroken,
            message: "entry \(seq) of the ledger `\(ledger.name)` has \(bytes) bytes of \(list.rawValue), not \(expected); "
                + "see `weir dataset ledger verify --ledger \(ledger.name)`")
    }
}
