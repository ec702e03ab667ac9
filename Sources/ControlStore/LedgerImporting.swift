// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import GRDB

extension ControlStore {
    /// Fills an empty ledger with an export; it then has the same name and the same head.
    ///
    /// All in one transaction, verified before it is committed. An export that a tool wrote anew, with other white space or another order
    /// of members, is as good.
    /// - Parameters:
    ///   - name: the ledger that the export must be of; nil for whichever it is.
    ///   - next: gives the next bytes of the export, nil at its end. It must wait for nobody: no one else may write meanwhile.
    /// - Returns: name and head.
    /// - Throws: `ControlStoreError`: `ledgerTaken` where the ledger has entries, `badExport` with the line where it is no whole export.
    package func importLedger(named name: String? = nil, next: () throws -> [UInt8]?) throws -> LedgerSummary {
        try writing { db in
            var lines = LineCutter(lineBytes: ControlStoreLimits.lineBytes)
            var filling: LedgerFilling?
            func take(_ line: CutLine) throws {
                guard line.bytes.contains(where: { $0 != 0x20 && $0 != 0x0D }) else { return }
                guard let document = JSONDocument.read(line.bytes) else { throw LedgerFilling.bad(line.number, "is no JSON") }
                if let filling { return try filling.take(document.root, line: line.number) }
                filling = try LedgerFilling(document.root, named: name, in: db)
            }
            do {
                while let bytes = try next() { try lines.add(bytes, take) }
                try lines.finish(take)
            } catch let error as LineTooLong { throw LedgerFilling.bad(error.number, "is longer than \(error.limit) bytes") }
            guard let filling else { throw ControlStoreError(code: .badExport, message: "the export is empty") }
            return try filling.finish()
        }
    }
}

/// Fills one empty ledger within somebody's transaction.
private final class LedgerFilling {
    private let id: Int64
    private let summary: LedgerSummary
    private let db: Database
    private let insertEntry: ControlStatement
    private let insertPart: ControlStatement
    private var last: Int64 = 0

    /// Begins with the head line.
    init(_ head: JSONNode, named name: String?, in db: Database) throws {
        guard head["weir_ledger"]?.int == LedgerLines.format else {
            throw LedgerFilling.bad(
                1, "is not the head of an export that this program knows (`weir_ledger`: \(LedgerLines.format))")
        }
        guard let found = head["name"]?.string, LedgerRules.isName(found), let entries = head["entries"]?.int, entries > 0,
            let hash = head["head"]?.string.flatMap(LedgerDigest.init(hex:))
        else { throw LedgerFilling.bad(1, "has no name, no number of entries or no head") }
        guard name == nil || name == found else {
            throw ControlStoreError(
                code: .badExport,
                message: "this is an export of the ledger `\(found)`; a ledger keeps its name, which its head is made of")
        }
        summary = LedgerSummary(name: found, head: LedgerHead(entries: entries, hash: hash))
        self.db = db
        guard try LedgerRow.find(found, in: db) == nil else {
            throw ControlStoreError(
                code: .ledgerTaken, message: "the ledger `\(found)` has entries already; nothing was imported")
        }
        try ControlStatement("INSERT INTO ledger (name, entries, head) VALUES (?, ?, ?)", in: db)
            .run(.text(found), .integer(entries), .blob(hash.bytes))
        id = db.lastInsertedRowID
        insertEntry = try ControlStatement(
            "INSERT INTO ledger_entry (ledger_id, seq, kind, recorded_us, payload, hash) VALUES (?, ?, ?, ?, ?, ?)", in: db)
        insertPart = try ControlStatement(
            "INSERT INTO ledger_part (ledger_id, seq, list, part, bytes) VALUES (?, ?, ?, ?, ?)", in: db)
    }

    /// Takes any other line.
    func take(_ node: JSONNode, line: Int64) throws {
        guard let seq = node["seq"]?.int else { throw LedgerFilling.bad(line, "is neither an entry nor a part of one") }
        if let list = node["list"]?.string {
            try takePart(node, of: seq, list: list, line: line)
        } else {
            try takeEntry(node, seq, line: line)
        }
    }

    private func takeEntry(_ node: JSONNode, _ seq: Int64, line: Int64) throws {
        guard seq == last + 1, seq <= summary.head.entries else {
            throw LedgerFilling.bad(line, "is entry \(seq), where entry \(last + 1) of \(summary.head.entries) belongs")
        }
        guard let recordedUs = node["recorded_us"]?.int, let hash = node["hash"]?.string.flatMap(LedgerDigest.init(hex:)),
            let payload = node["payload"].flatMap(LedgerPayload.init)
        else { throw LedgerFilling.bad(line, "has no proper time, hash or payload") }
        last = seq
        try insertEntry.run(
            .integer(id), .integer(seq), .text(payload.entry.kind.rawValue), .integer(recordedUs),
            .text(String(decoding: payload.encoded(), as: UTF8.self)), .blob(hash.bytes))
    }

    private func takePart(_ node: JSONNode, of seq: Int64, list: String, line: Int64) throws {
        guard seq == last, seq > 0 else { throw LedgerFilling.bad(line, "is a part of entry \(seq), and does not follow it") }
        guard let part = node["part"]?.int, LedgerList(rawValue: list) != nil,
            let data = node["data"].flatMap({ Base64.decode($0.unescapedBytes[...]) }), data.count <= ControlStoreLimits.partBytes
        else { throw LedgerFilling.bad(line, "is no proper part of an entry") }
        do {
            try insertPart.run(.integer(id), .integer(seq), .text(list), .integer(part), .blob(data))
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw LedgerFilling.bad(line, "is a part that was there before")
        }
    }

    /// Verifies the whole.
    func finish() throws -> LedgerSummary {
        var walk = try LedgerWalk(LedgerRow.require(summary.name, in: db), in: db)
        let found = try walk.run()
        if let fault = found.fault {
            throw ControlStoreError(code: .badExport, message: "the export is not whole, or was changed: \(fault)")
        }
        return summary
    }

    static func bad(_ line: Int64, _ what: String) -> ControlStoreError {
        ControlStoreError(code: .badExport, message: "line \(line) of the export \(what)")
    }
}
