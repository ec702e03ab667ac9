// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import GRDB

extension ControlStore {
    /// Writes a ledger as lines of JSON: a head line, then each entry and the parts beside it.
    ///
    /// The same ledger gives the same bytes. All of it is one snapshot; nothing is looked into, so that a broken ledger can be exported,
    /// but not imported.
    /// - Parameters:
    ///   - ledger: its name.
    ///   - write: takes one line with its line feed.
    /// - Throws: `ControlStoreError`, or what `write` throws.
    package func exportLedger(_ ledger: String, write: ([UInt8]) throws -> Void) throws {
        try reading { db in
            let row = try LedgerRow.require(ledger, in: db)
            try write(LedgerLines.head(row))
            let parts = try ControlStatement(
                "SELECT list, part, bytes FROM ledger_part WHERE ledger_id = ? AND seq = ? ORDER BY list, part", in: db)
            let entries = "SELECT \(LedgerLine.columns) FROM ledger_entry WHERE ledger_id = ? ORDER BY seq"
            try ControlStatement(entries, in: db).forEachRow(.integer(row.id)) {
                let line = LedgerLine($0)
                try write(LedgerLines.entry(line))
                try parts.forEachRow(.integer(row.id), .integer(line.seq)) { part in
                    try write(LedgerLines.part(seq: line.seq, list: part.text(0), part: part.integer(1), part.bytes(2)))
                    return true
                }
                return true
            }
        }
    }
}

/// The lines of an export.
enum LedgerLines {
    /// What the first line begins with.
    static let format: Int64 = 1

    static func head(_ row: LedgerRow) -> [UInt8] {
        line { json in
            json.key("weir_ledger")
            json.value(format)
            json.key("name")
            json.value(row.name)
            json.key("entries")
            json.value(row.head.entries)
            json.key("head")
            json.value(row.head.hash.description)
        }
    }

    static func entry(_ line: LedgerLine) -> [UInt8] {
        self.line { json in
            json.key("seq")
            json.value(line.seq)
            json.key("recorded_us")
            json.value(line.recordedUs)
            json.key("hash")
            json.value(Hex.encode(line.hash))
            json.key("payload")
            json.raw(line.payload)
        }
    }

    static func part(seq: Int64, list: String, part: Int64, _ bytes: [UInt8]) -> [UInt8] {
        line { json in
            json.key("seq")
            json.value(seq)
            json.key("list")
            json.value(list)
            json.key("part")
            json.value(part)
            json.key("data")
            json.value(utf8: Base64.encode(bytes[...])[...])
        }
    }

    private static func line(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        members(&json)
        json.endObject()
        json.newline()
        return json.bytes
    }
}
