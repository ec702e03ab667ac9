// SPDX-License-Identifier: Apache-2.0

/// What is to be written into a call: an expression as it stands, or a dictionary.
indirect enum Written {
    case expression(String)
    case fields([(name: String, value: Written)])
}

/// Which of the two families of code a file is.
enum CodeLanguage {
    case python
    case script
}

/// Adds entries to bracketed lists in the list's own style: indentation, quotes, trailing comma.
struct BracketWriter {
    let text: TokenText
    let language: CodeLanguage
    /// The quote that the file uses most.
    let quote: String
    /// One step of indentation.
    private let unit: String

    init(_ text: TokenText, _ language: CodeLanguage) {
        self.text = text
        self.language = language
        var single = 0
        var double = 0
        for token in text.tokens where token.isString {
            let last = text.bytes[token.end - 1]
            single += last == UInt8(ascii: "'") ? 1 : 0
            double += last == UInt8(ascii: "\"") ? 1 : 0
        }
        quote = single > double ? "'" : "\""
        unit = BracketWriter.step(of: text.bytes) ?? (language == .python ? "    " : "  ")
    }

    /// The step of indentation of the first indented lines, nil where none tells.
    private static func step(of bytes: [UInt8]) -> String? {
        var last: UInt8 = 0x0A
        for (index, byte) in bytes.enumerated() {
            if last == 0x0A, byte == 0x09 { return "\t" }
            if last == 0x0A, byte == 0x20 {
                let width = bytes[index...].prefix(9).prefix { $0 == 0x20 }.count
                if width == 2 || width == 4 { return String(repeating: " ", count: width) }
            }
            last = byte
        }
        return nil
    }

    func quoted(_ text: String) -> String { quote + text + quote }

    // MARK: Adding

    /// The edits that add entries to a list.
    ///
    /// - Parameters:
    ///   - items: what to add.
    ///   - list: where to add it.
    ///   - mayBreak: whether a list on one line may become several.
    /// - Returns: the edits, none of which overlap.
    func add(_ items: [(name: String, value: Written)], to list: BracketList, mayBreak: Bool = true) -> [SourceEdit] {
        guard !items.isEmpty, let open = text.token(list.open), let close = text.token(list.close) else { return [] }
        guard let last = list.entries.last, let lastSpan = text.span(last.value) else {
            return [fill(items, list, open, mayBreak: mayBreak)]
        }
        let anchor = list.hasTrailingComma ? (text.token(list.close - 1)?.end ?? lastSpan.upperBound) : lastSpan.upperBound
        if isTall(list, open, close) { return addLines(items, list, anchor, lastSpan) }
        let written = items.map { item(item: $0, list.style, indent: nil) }.joined(separator: ", ")
        if mayBreak, !fits(open, close, adding: written), let lines = spread(items, list, open, close) { return lines }
        return [.insert(list.hasTrailingComma ? " \(written)," : ", \(written)", at: anchor)]
    }

    /// Whether each entry has a line of its own between those of the brackets.
    private func isTall(_ list: BracketList, _ open: Token, _ close: Token) -> Bool {
        guard let first = text.token(list.open + 1), text.line(first.start) > text.line(open.start) else { return false }
        return text.bytes[text.lineStart(close.start)..<close.start].allSatisfy(Ascii.isBlank)
    }

    private func addLines(
        _ items: [(name: String, value: Written)], _ list: BracketList, _ anchor: Int, _ lastSpan: Range<Int>
    ) -> [SourceEdit] {
        let start = list.entries.last.flatMap { entryStart($0, list) } ?? lastSpan.lowerBound
        let indent = text.indentation(start)
        let lines = items.map { text.lineBreak + indent + item(item: $0, list.style, indent: indent) }
        let end = text.lineEnd(anchor)
        // A comment over several lines begins here: the new lines go before it.
        let point = text.text(anchor..<end).contains("/*") ? anchor : end
        if list.hasTrailingComma { return [.insert(lines.map { $0 + "," }.joined(), at: point)] }
        let joined = lines.joined(separator: ",")
        return point == anchor ? [.insert("," + joined, at: point)] : [.insert(",", at: anchor), .insert(joined, at: point)]
    }

    /// Where an entry begins, its name included.
    private func entryStart(_ entry: BracketEntry, _ list: BracketList) -> Int? {
        text.token(entry.kind == .named ? entry.value.lowerBound - 2 : entry.value.lowerBound)?.start
    }

    /// The first entries of an empty list.
    private func fill(
        _ items: [(name: String, value: Written)], _ list: BracketList, _ open: Token, mayBreak: Bool
    ) -> SourceEdit {
        let inline = items.map { item(item: $0, list.style, indent: nil) }.joined(separator: ", ")
        let indent = text.indentation(open.start)
        let hasBlanksOnly = text.closing[list.open].map { text.bytes[open.end..<text.tokens[$0].start].allSatisfy(Ascii.isBlank) }
        if !mayBreak || hasBlanksOnly != true || column(open.end) + inline.utf8.count + 1 <= InstrumentLimits.columns {
            let isPadded = list.style == .scriptObject
            let next = open.end < text.bytes.count ? text.bytes[open.end] : 0
            return .insert(isPadded ? (next == 0x20 ? " \(inline)" : " \(inline) ") : inline, at: open.end)
        }
        let inner = indent + unit
        let lines = items.map { text.lineBreak + inner + item(item: $0, list.style, indent: inner) + "," }
        return .insert(lines.joined() + text.lineBreak + indent, at: open.end)
    }

    private func column(_ offset: Int) -> Int { offset - text.lineStart(offset) }

    /// Whether a list on one line stays within the columns.
    private func fits(_ open: Token, _ close: Token, adding written: String) -> Bool {
        guard text.line(open.start) == text.line(close.start) else { return true }
        return column(close.end) + written.utf8.count + 2 <= InstrumentLimits.columns
    }

    /// Breaks a list on one line into one line for each entry; nil where comments stand between them.
    private func spread(
        _ items: [(name: String, value: Written)], _ list: BracketList, _ open: Token, _ close: Token
    ) -> [SourceEdit]? {
        let indent = text.indentation(open.start)
        let inner = indent + unit
        var edits: [SourceEdit] = []
        var from = open.end
        for entry in list.entries {
            guard let start = entryStart(entry, list), let span = text.span(entry.value), from <= start else { return nil }
            guard text.bytes[from..<start].allSatisfy(Ascii.isBlank) else { return nil }
            edits.append(SourceEdit(from..<start, text.lineBreak + inner))
            from = span.upperBound
            if let index = text.token(entry.value.upperBound), index.isMark(",") { from = index.end }
        }
        guard text.bytes[from..<close.start].allSatisfy(Ascii.isBlank) else { return nil }
        let lines = items.map { text.lineBreak + inner + item(item: $0, list.style, indent: inner) + "," }.joined()
        edits.append(SourceEdit(from..<close.start, (list.hasTrailingComma ? "" : ",") + lines + text.lineBreak + indent))
        return edits
    }

    // MARK: Writing

    /// One entry as text; with an indent, a long dictionary takes several lines.
    private func item(item: (name: String, value: Written), _ style: BracketStyle, indent: String?) -> String {
        let name =
            switch style {
            case .pythonArguments: item.name + "="
            case .pythonDictionary: quoted(item.name) + ": "
            case .scriptObject, .scriptArguments: (isIdentifier(item.name) ? item.name : quoted(item.name)) + ": "
            }
        let inline = name + write(item.value, indent: nil)
        guard let indent, indent.utf8.count + inline.utf8.count + 1 > InstrumentLimits.columns else { return inline }
        return name + write(item.value, indent: indent)
    }

    private func isIdentifier(_ name: String) -> Bool { name.utf8.allSatisfy(Ascii.isWord) }

    /// A value as text, on one line without an indent.
    func write(_ value: Written, indent: String?) -> String {
        switch value {
        case .expression(let text): return text
        case .fields(let fields):
            let style: BracketStyle = language == .python ? .pythonDictionary : .scriptObject
            guard let indent else {
                let inner = fields.map { item(item: $0, style, indent: nil) }.joined(separator: ", ")
                return language == .python ? "{\(inner)}" : "{ \(inner) }"
            }
            let inner = indent + unit
            let lines = fields.map { text.lineBreak + inner + item(item: $0, style, indent: inner) + "," }
            return "{" + lines.joined() + text.lineBreak + indent + "}"
        }
    }

    /// The whole argument of a constructor that had none.
    func argument(_ items: [(name: String, value: Written)], at offset: Int) -> String {
        let inline = write(.fields(items), indent: nil)
        guard column(offset) + inline.utf8.count + 2 > InstrumentLimits.columns else { return inline }
        return write(.fields(items), indent: text.indentation(offset))
    }
}
