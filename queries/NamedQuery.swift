// SPDX-License-Identifier: Apache-2.0

/// One question with a name: a file of `queries/`, pure SQL over the `facts` view that runs in the stock `sqlite3` shell.
package struct NamedQuery: Equatable, Sendable {
    /// The file's name without its ending, like `tail-latency`.
    package let name: String
    /// What the comment lines at the top say.
    package let header: QueryHeader
    /// The parameters in the order of their first use, without the colon.
    ///
    /// An absent one is bound to NULL: no filter, or the default that the header names.
    package let parameters: [String]
    /// The whole file.
    package let sql: String

    /// The text of the file's first comment line.
    package var summary: String { header.title }

    /// A question from the bytes of its file.
    ///
    /// - Parameters:
    ///   - name: the file's name without its ending.
    ///   - file: what the file holds.
    package init(name: String, file: [UInt8]) {
        self.name = name
        sql = String(decoding: file, as: UTF8.self)
        parameters = NamedQuery.parameters(in: file)
        header = QueryHeader(sql: sql)
    }

    /// Lists the `:name` parameters of a statement, skipping comments and quoted text.
    static func parameters(in sql: [UInt8]) -> [String] {
        var found: [String] = []
        var i = 0
        while i < sql.count {
            switch sql[i] {
            case UInt8(ascii: "-") where i + 1 < sql.count && sql[i + 1] == UInt8(ascii: "-"):
                while i < sql.count, sql[i] != 0x0A { i += 1 }
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                let quote = sql[i]
                i += 1
                while i < sql.count, sql[i] != quote { i += 1 }
                i += 1
            case UInt8(ascii: ":"):
                let start = i + 1
                i = start
                while i < sql.count, isNameByte(sql[i]) { i += 1 }
                let name = String(decoding: sql[start..<i], as: UTF8.self)
                if !name.isEmpty, !found.contains(name) { found.append(name) }
            default:
                i += 1
            }
        }
        return found
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39, UInt8(ascii: "_"): true
        default: false
        }
    }
}
