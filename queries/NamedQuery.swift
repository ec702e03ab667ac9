// SPDX-License-Identifier: Apache-2.0

/// One question with a name: a file of `queries/`, pure SQL over the `facts` view that runs in the stock `sqlite3` shell.
package struct NamedQuery: Equatable, Sendable {
    /// The file's name without its ending, like `tail-latency`.
    package let name: String
    /// The text of the file's first comment line.
    package let summary: String
    /// The parameters in the order of their first use, without the colon.
    ///
    /// An absent one is bound to NULL: no filter.
    package let parameters: [String]
    /// The whole file.
    package let sql: String

    /// A question from the bytes of its file.
    ///
    /// - Parameters:
    ///   - name: the file's name without its ending.
    ///   - file: what the file holds.
    init(name: String, file: [UInt8]) {
        self.name = name
        sql = String(decoding: file, as: UTF8.self)
        parameters = NamedQuery.parameters(in: file)
        let firstLine = file.prefix { $0 != 0x0A }
        let text = firstLine.starts(with: Array("-- ".utf8)) ? firstLine.dropFirst(3) : []
        summary = String(decoding: text, as: UTF8.self)
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

/// The questions that Weir ships, by name.
package enum NamedQueries {
    /// Every question, by name.
    package static let all: [NamedQuery] = [
        NamedQuery(name: "errors", file: PackageResources.errors_sql),
        NamedQuery(name: "requests", file: PackageResources.requests_sql),
        NamedQuery(name: "tail-latency", file: PackageResources.tail_latency_sql),
        NamedQuery(name: "tokens", file: PackageResources.tokens_sql),
    ]

    /// The question of a name, or nil.
    package static func find(_ name: String) -> NamedQuery? { all.first { $0.name == name } }
}
