// SPDX-License-Identifier: Apache-2.0

/// How the entries between two brackets are written.
enum BracketStyle {
    /// `f(a, key=value, *rest, **more)`
    case pythonArguments
    /// `{"key": value, **more}`
    case pythonDictionary
    /// `{ key: value, short, ...more }`
    case scriptObject
    /// `f(a, ...rest)`
    case scriptArguments
}

/// One argument or entry.
struct BracketEntry {
    enum Kind {
        case named
        /// A value without a name.
        case positional
        /// `{ name }`: the value is a variable of that name.
        case shorthand
        /// `**more`, `...more`, or a comprehension.
        case spread
        /// A computed key, whose name is not known, or a method or accessor.
        case unclear
    }

    let kind: Kind
    let name: String?
    /// Indexes of the value's tokens.
    let value: Range<Int>
}

/// The entries between two matched brackets.
struct BracketList {
    let style: BracketStyle
    /// Indexes of the brackets' tokens.
    let open: Int
    let close: Int
    let entries: [BracketEntry]
    let hasTrailingComma: Bool

    /// Reads the entries after an opening bracket; nil where it is not closed or holds too many.
    init?(_ text: TokenText, open: Int, style: BracketStyle) {
        guard let close = text.closing[open] else { return nil }
        var entries: [BracketEntry] = []
        var start = open + 1
        var at = start
        var endsWithComma = false
        while at <= close {
            if at == close || text.isMark(at, ",") {
                endsWithComma = at == close && start == at && !entries.isEmpty
                if start < at { entries.append(BracketList.entry(text, start..<at, style)) }
                guard entries.count <= InstrumentLimits.entriesPerBracket else { return nil }
                start = at + 1
                at += 1
            } else {
                at = (text.closing[at].map { min($0, close - 1) } ?? at) + 1
            }
        }
        self.style = style
        self.open = open
        self.close = close
        self.entries = entries
        hasTrailingComma = endsWithComma
    }

    /// The first entry of a name.
    func entry(_ names: [String]) -> BracketEntry? {
        entries.first { entry in entry.name.map(names.contains) ?? false }
    }

    /// Whether further names may hide in it.
    var hasSpread: Bool { entries.contains { $0.kind == .spread || ($0.kind == .unclear && $0.name == nil) } }

    private static func entry(_ text: TokenText, _ range: Range<Int>, _ style: BracketStyle) -> BracketEntry {
        let first = range.lowerBound
        let hasValue = first + 2 < range.upperBound
        switch style {
        case .pythonArguments:
            if text.isMark(first, "*") {
                let isSpread = text.isMark(first + 1, "*")
                return BracketEntry(kind: isSpread ? .spread : .positional, name: nil, value: range)
            }
            if let name = text.name(first), text.isMark(first + 1, "="), !text.isMark(first + 2, "="), hasValue {
                return BracketEntry(kind: .named, name: name, value: first + 2..<range.upperBound)
            }
            return BracketEntry(kind: .positional, name: nil, value: range)
        case .pythonDictionary:
            guard let key = text.literal(first), text.isMark(first + 1, ":"), hasValue else {
                return BracketEntry(kind: .spread, name: nil, value: range)
            }
            return BracketEntry(kind: .named, name: key, value: first + 2..<range.upperBound)
        case .scriptArguments:
            return BracketEntry(kind: text.isMark(first, ".") ? .spread : .positional, name: nil, value: range)
        case .scriptObject:
            return scriptEntry(text, range)
        }
    }

    private static func scriptEntry(_ text: TokenText, _ range: Range<Int>) -> BracketEntry {
        let first = range.lowerBound
        if text.isMark(first, ".") { return BracketEntry(kind: .spread, name: nil, value: range) }
        guard let name = text.name(first) ?? text.literal(first) else {
            return BracketEntry(kind: .unclear, name: nil, value: range)
        }
        if range.count == 1, text.name(first) != nil { return BracketEntry(kind: .shorthand, name: name, value: range) }
        if text.isMark(first + 1, ":"), first + 2 < range.upperBound {
            return BracketEntry(kind: .named, name: name, value: first + 2..<range.upperBound)
        }
        // A method, `async f() {}`, `get f() {}`: none of the names that matter is written so.
        return BracketEntry(kind: .unclear, name: name, value: range)
    }
}
