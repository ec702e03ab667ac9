// SPDX-License-Identifier: Apache-2.0

/// A parameter of one question beyond the common filters.
package struct QueryOption: Equatable, Sendable {
    /// As the statement names it, without the colon.
    package let name: String
    /// What an unset one means.
    package let fallback: String
    /// What it does.
    package let meaning: String
}

/// A column of a question's answer.
package struct QueryColumn: Equatable, Sendable {
    /// As the statement names it.
    package let name: String
    /// What its values are: `text`, `count`, `tokens`, `us`, `instant`, `bytes`, `nanousd`, `ppm`, `code`, `flag`, `tokens/s`.
    package let unit: String
    /// What it says.
    package let meaning: String
}

/// How an answer is drawn on a terminal.
package enum QueryPicture: Equatable, Sendable {
    /// Percentiles of duration and time to first token on a logarithmic axis.
    case latency
    /// A bar behind each row, as long as this column's value.
    case bars(column: String)
    /// A line of small bars for each value of `series`: `value` over `axis`.
    case lines(axis: String, value: String, series: String)

    /// Reads `latency`, `bars COLUMN` or `line AXIS VALUE by SERIES`.
    init?(_ text: Substring) {
        let words = text.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("latency", 1): self = .latency
        case ("bars", 2): self = .bars(column: words[1])
        case ("line", 5) where words[3] == "by": self = .lines(axis: words[1], value: words[2], series: words[4])
        default: return nil
        }
    }
}

/// What the comment lines at the top of a question's file say.
///
/// The first line is the title. Then come `Question:`, `Note:` (any number), `Parameters:` and `Columns:` with an item a line
/// (`name default: meaning`, `name unit: meaning`), and `Picture:`. Any of them may be absent: a file of somebody's own is read too.
package struct QueryHeader: Equatable, Sendable {
    /// What the file answers, in a sentence.
    package private(set) var title = ""
    /// The question in a person's words.
    package private(set) var question = ""
    /// What must be known to read the answer.
    package private(set) var notes: [String] = []
    /// Parameters beyond the common filters.
    package private(set) var options: [QueryOption] = []
    /// Columns in the order of the answer.
    package private(set) var columns: [QueryColumn] = []
    /// How the answer is drawn.
    package private(set) var picture: QueryPicture?

    private enum List { case none, parameters, columns }

    /// Reads the comment lines before the first other line.
    ///
    /// - Parameter sql: the file.
    init(sql: String) {
        var list = List.none
        for (i, line) in sql.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard line.hasPrefix("--") else { break }
            let isItem = line.hasPrefix("--   ")
            let text = QueryHeader.trimmed(line.dropFirst(2))
            if i == 0 {
                title = String(text)
            } else if isItem, list != .none {
                add(item: text, to: list)
            } else {
                list = take(text)
            }
        }
    }

    /// Takes a line that is no item; returns the list that it begins.
    private mutating func take(_ text: Substring) -> List {
        if let rest = QueryHeader.rest(text, after: "Question:") { question = String(rest) }
        if let rest = QueryHeader.rest(text, after: "Note:") { notes.append(String(rest)) }
        if let rest = QueryHeader.rest(text, after: "Picture:") { picture = QueryPicture(rest) }
        if text.hasPrefix("Parameters:") { return .parameters }
        return text.hasPrefix("Columns:") ? .columns : .none
    }

    private mutating func add(item: Substring, to list: List) {
        guard let colon = item.firstIndex(of: ":"), let space = item[..<colon].firstIndex(of: " ") else { return }
        let name = String(item[..<space])
        let second = String(QueryHeader.trimmed(item[item.index(after: space)..<colon]))
        let meaning = String(QueryHeader.trimmed(item[item.index(after: colon)...]))
        if list == .columns {
            columns.append(QueryColumn(name: name, unit: second, meaning: meaning))
        } else {
            options.append(QueryOption(name: name, fallback: second, meaning: meaning))
        }
    }

    private static func rest(_ text: Substring, after word: String) -> Substring? {
        text.hasPrefix(word) ? trimmed(text.dropFirst(word.count)) : nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
