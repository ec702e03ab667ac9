// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// A row in one format, as it waits in the spill.
enum SpilledExport: Equatable {
    /// The line without its newline, and what it leaves out.
    case line(ArraySlice<UInt8>, RowChanges)
    /// The format cannot say the row.
    case refused(FormatRefusal)
    /// The format is of pairs, which are made once all answers are known.
    case pairs(RowChanges)
}

/// All that is known of a row once its exchange has been read: its line in each format, and the members of its lineage.
struct SpilledRow: Equatable {
    /// In `train.jsonl` or `eval.jsonl`.
    var line: ArraySlice<UInt8>
    /// What that line leaves out.
    var changes: RowChanges
    /// The members of a lineage line that only the exchange knows, as one JSON object.
    var lineage: ArraySlice<UInt8>
    /// In the order of the side's formats.
    var exports: [SpilledExport]

    /// A row.
    init(line: [UInt8], changes: RowChanges, lineage: [UInt8], exports: [SpilledExport]) {
        (self.line, self.changes, self.lineage, self.exports) = (line[...], changes, lineage[...], exports)
    }

    /// The row as one block.
    var encoded: [UInt8] {
        var out: [UInt8] = []
        SpilledRow.append(0, changes, line, to: &out)
        SpilledRow.append(0, [], lineage, to: &out)
        for export in exports {
            switch export {
            case .line(let line, let changes): SpilledRow.append(1, changes, line, to: &out)
            case .refused(let reason): SpilledRow.append(2, [], Array(reason.rawValue.utf8)[...], to: &out)
            case .pairs(let changes): SpilledRow.append(3, changes, [], to: &out)
            }
        }
        return out
    }

    private static func append(_ kind: UInt8, _ changes: RowChanges, _ bytes: ArraySlice<UInt8>, to out: inout [UInt8]) {
        out.append(kind)
        FixedInts.append(changes.rawValue, to: &out)
        FixedInts.append(UInt64(bytes.count), to: &out)
        out += bytes
    }

    /// What a block holds, or nil where it is none.
    init?(encoded block: [UInt8]) {
        var parts: [(kind: UInt8, changes: RowChanges, bytes: ArraySlice<UInt8>)] = []
        var at = 0
        while at < block.count {
            guard let changes = FixedInts.read(UInt32.self, from: block, at: at + 1),
                let count = FixedInts.read(UInt64.self, from: block, at: at + 5), count <= UInt64(block.count - at - 13)
            else { return nil }
            let start = at + 13
            parts.append((block[at], RowChanges(rawValue: changes), block[start..<start + Int(count)]))
            at = start + Int(count)
        }
        guard parts.count >= 2 else { return nil }
        (line, changes, lineage, exports) = (parts[0].bytes, parts[0].changes, parts[1].bytes, [])
        for part in parts.dropFirst(2) {
            switch part.kind {
            case 1: exports.append(.line(part.bytes, part.changes))
            case 2:
                guard let reason = FormatRefusal(rawValue: String(decoding: part.bytes, as: UTF8.self)) else { return nil }
                exports.append(.refused(reason))
            case 3: exports.append(.pairs(part.changes))
            default: return nil
            }
        }
    }
}
