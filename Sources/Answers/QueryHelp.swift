// SPDX-License-Identifier: Apache-2.0
package import NamedQueries

/// What `weir query NAME --help` says: the header of the question's file as a page.
package enum QueryHelp {
    /// The filters that every question takes, with their flags.
    private static let filters = [
        ("--since, --until TIME", "started at or after, started before: 30m, 24h, 7d, a date or time in UTC, or microseconds"),
        ("--model, --provider, --task, --environment, --api, --outcome NAME", "with this value; a model asked for or answered"),
        ("--status CODE", "answered with this status"), ("--key ID", "of this gateway key"),
        ("--meta NAME=VALUE", "with this metadata; repeatable"),
    ]

    /// The page of one question.
    ///
    /// - Parameter query: the question.
    /// - Returns: lines, each with a newline.
    package static func text(_ query: NamedQuery) -> String {
        let header = query.header
        var text = "\(query.name): \(header.title)\n"
        if !header.question.isEmpty { text += "\n  \(header.question)\n" }
        for note in header.notes { text += "\n  Note: \(note)\n" }
        text += "\nUSAGE: weir query \(query.name)\(usage(query)) [filters] [--json | --csv]\n"
        let own = options(query)
        if !own.isEmpty { text += "\nOPTIONS:\n" + own.map { item($0.0, $0.1) }.joined() }
        text += "\nFILTERS:\n" + filters.map { item($0.0, $0.1) }.joined()
        if !header.columns.isEmpty { text += "\nCOLUMNS:\n" + columns(query) }
        text += "\nEXAMPLES:\n  weir query \(query.name) --since 24h\n"
        if query.parameters.contains("by") { text += "  weir query \(query.name) --by meta.team --environment production\n" }
        text += "  weir query \(query.name) --json | jq .\n"
        return text + "\nThe question is queries/\(query.name).sql; its twins for DuckDB and ClickHouse lie beside it.\n"
    }

    private static func usage(_ query: NamedQuery) -> String {
        var text = ""
        if query.parameters.contains("by") { text += " [--by NAME]" }
        if query.parameters.contains("p1") { text += " [--percentiles LIST]" }
        return text
    }

    private static func options(_ query: NamedQuery) -> [(String, String)] {
        var items: [(String, String)] = []
        for option in query.header.options {
            switch option.name {
            case "by": items.append(("--by NAME", "\(option.meaning) (default \(option.fallback))"))
            case "top": items.append(("--limit N", "\(option.meaning) (default \(option.fallback))"))
            case "now_us": items.append(("--now TIME", "\(option.meaning) (default: the clock)"))
            case "p1":
                let usual = AnswerOptions.usualPercentiles.map { String($0.word.dropFirst()) }.joined(separator: ",")
                items.append(("--percentiles LIST", "one to four, in rising order, such as 50,90,99.9 (default \(usual))"))
            default: break
            }
        }
        return items
    }

    private static func columns(_ query: NamedQuery) -> String {
        let naming = AnswerNaming(query: query, options: AnswerOptions(), taken: query.header.columns.map(\.name))
        let rows = query.header.columns.map { column in
            (naming.column(column.name)?.name ?? column.name, column.unit, column.meaning)
        }
        let width = rows.reduce(0) { max($0, $1.0.count) }
        let unitWidth = rows.reduce(0) { max($0, $1.1.count) }
        return rows.map { "  \(padded($0.0, width))  \(padded($0.1, unitWidth))  \($0.2)\n" }.joined()
    }

    private static func item(_ name: String, _ meaning: String) -> String {
        let column = 24
        guard name.count > column else { return "  \(padded(name, column))  \(meaning)\n" }
        return "  \(name)\n  \(padded("", column))  \(meaning)\n"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
