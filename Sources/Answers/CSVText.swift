// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FactStore

extension AnswerTable {
    /// The table as RFC 4180 has it: a header, lines that end in CR LF, quotes where they are needed.
    ///
    /// Unknown is an empty field, an empty text is a quoted empty one; numbers are those of the index, without units.
    ///
    /// - Returns: UTF-8; the header even where there are no rows.
    package func csv() -> [UInt8] {
        var out: [UInt8] = []
        AnswerTable.append(columns.map { .text($0.name) }, to: &out)
        for row in rows { AnswerTable.append(row, to: &out) }
        return out
    }

    private static func append(_ row: [SQLValue], to out: inout [UInt8]) {
        for (i, value) in row.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            switch value {
            case .null: break
            case .integer(let number): out += Array("\(number)".utf8)
            case .real(let number): out += Array("\(number)".utf8)
            case .text(let text): append(text, to: &out)
            case .blob(let bytes): out += Array(Hex.encode(bytes).utf8)
            }
        }
        out += [0x0D, 0x0A]
    }

    private static func append(_ text: String, to out: inout [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let isPlain = !text.isEmpty && !text.utf8.contains { $0 == quote || $0 == UInt8(ascii: ",") || $0 == 0x0A || $0 == 0x0D }
        if isPlain {
            out += Array(text.utf8)
            return
        }
        out.append(quote)
        for byte in text.utf8 {
            if byte == quote { out.append(quote) }
            out.append(byte)
        }
        out.append(quote)
    }
}
