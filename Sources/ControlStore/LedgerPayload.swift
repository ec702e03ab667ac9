// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import ExchangeModel

/// What a payload says of something that lies beside it, in parts: how long it is, and its SHA-256.
struct LedgerMark: Equatable {
    var list: LedgerList
    var byteCount: Int64
    var sha256: LedgerDigest
}

/// What may lie beside a payload.
package enum LedgerList: String, Sendable {
    /// Keys of groups, ascending, each once.
    case groups
    /// Keys of rows, ascending, each once.
    case items
    /// What a gate needs of one row of eval.
    case separation

    var isKeys: Bool { self != .separation }
}

/// The bytes that an entry is hashed by: JSON as RFC 8785 has it, members in the order of their keys, no white space.
///
/// Only objects, arrays of strings, strings and integers below 2^53 occur, and all keys are ASCII, so that this short writer is canonical.
struct LedgerPayload: Equatable {
    var seq: Int64
    /// Without what lies beside it.
    var entry: LedgerEntry
    /// In the order of their names.
    var marks: [LedgerMark]

    /// `SHA-256(previous hash || payload)`.
    static func hash(_ payload: [UInt8], after previous: LedgerDigest) -> LedgerDigest {
        var hash = SHA256()
        hash.update(data: previous.bytes)
        hash.update(data: payload)
        return LedgerDigest(hash.finalize())
    }

    func encoded() -> [UInt8] {
        var json = JSONWriter(capacity: 512)
        json.beginObject()
        switch entry {
        case .eval(let row): write(row, to: &json)
        case .train(let build): write(build, to: &json)
        case .imported(let file): write(file, to: &json)
        case .tombstone(let removal):
            json.member("item", removal.item.description)
            writeKind(to: &json)
            json.member("reason", removal.reason)
            json.member("seq", seq)
        case .taint(let taint):
            json.member("groups", LedgerPayload.ordered(taint.groups))
            json.member("item", taint.item.description)
            writeKind(to: &json)
            json.member("seq", seq)
            json.member("training", taint.training)
        }
        json.endObject()
        return json.bytes
    }

    private func write(_ row: LedgerEval, to json: inout JSONWriter) {
        json.member("dataset", row.dataset)
        json.member("exchanges", row.exchanges.map(\.description))
        json.member("groups", LedgerPayload.ordered(row.groups))
        json.member("item", row.item.description)
        writeKind(to: &json)
        write(.separation, to: &json)
        json.member("seq", seq)
        json.member("version", row.version)
    }

    private func write(_ build: LedgerTrain, to json: inout JSONWriter) {
        json.member("dataset", build.dataset)
        write(.groups, to: &json)
        write(.items, to: &json)
        writeKind(to: &json)
        json.member("seq", seq)
        json.member("version", build.version)
    }

    private func write(_ file: LedgerImport, to json: inout JSONWriter) {
        json.member("dataset", file.dataset)
        write(.groups, to: &json)
        write(.items, to: &json)
        writeKind(to: &json)
        json.member("rows", file.rows)
        json.member("seq", seq)
        json.member("side", file.side.rawValue)
        json.member("source", file.source.description)
        json.member("version", file.version)
    }

    private func writeKind(to json: inout JSONWriter) { json.member("kind", entry.kind.rawValue) }

    private func write(_ list: LedgerList, to json: inout JSONWriter) {
        guard let mark = marks.first(where: { $0.list == list }) else { return }
        json.key(list.rawValue)
        json.beginObject()
        json.member("bytes", mark.byteCount)
        json.member("sha256", mark.sha256.description)
        json.endObject()
    }

    private static func ordered(_ keys: [LedgerKey]) -> [String] { LedgerKeyList(keys).keys.map(\.hex) }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ text: String) {
        key(name)
        value(text)
    }

    fileprivate mutating func member(_ name: String, _ number: Int64) {
        key(name)
        value(number)
    }

    fileprivate mutating func member(_ name: String, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { value(text) }
        endArray()
    }
}
