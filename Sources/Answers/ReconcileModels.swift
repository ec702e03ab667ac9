// SPDX-License-Identifier: Apache-2.0

/// A model's name taken apart: what it is called, and which snapshot of it.
struct ModelName: Hashable {
    /// Lower-case, without the date; a variant such as `:free` belongs to it.
    let family: String
    /// Eight digits; nil where the name has none.
    let date: String?

    /// Takes a name apart.
    ///
    /// `gpt-4o-2024-08-06`, `claude-sonnet-4-5-20250929` and `claude-opus-4@20250514` are dated, `-latest` is no date. A name with
    /// blanks, as the console writes `Claude Sonnet 4.5`, is read as `claude-sonnet-4-5`.
    init(_ name: String) {
        var text = name.lowercased()
        if text.contains(" ") {
            let words = text.split(separator: " ").joined(separator: "-")
            text = String(words.map { $0 == "." ? "-" : $0 })
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let variant = parts.count > 1 ? ":" + parts[1] : ""
        let (base, date) = ModelName.cut(Array(parts[0].utf8))
        family = base + variant
        self.date = date
    }

    private static func cut(_ name: [UInt8]) -> (base: String, date: String?) {
        func text(_ count: Int) -> String { String(decoding: name.prefix(count), as: UTF8.self) }
        let (dash, at) = (UInt8(ascii: "-"), UInt8(ascii: "@"))
        if name.count > 9, [dash, at].contains(name[name.count - 9]), isDate(Array(name.suffix(8))) {
            return (text(name.count - 9), String(decoding: name.suffix(8), as: UTF8.self))
        }
        let tail = Array(name.suffix(11))
        if name.count > 11, [dash, at].contains(tail[0]), tail[5] == dash, tail[8] == dash {
            let digits = Array(tail[1...4] + tail[6...7] + tail[9...10])
            if isDate(digits) { return (text(name.count - 11), String(decoding: digits, as: UTF8.self)) }
        }
        let latest = Array("-latest".utf8)
        let isLatest = name.count > latest.count && name.suffix(latest.count).elementsEqual(latest)
        return (text(isLatest ? name.count - latest.count : name.count), nil)
    }

    /// Whether eight bytes are a date of this century.
    private static func isDate(_ digits: [UInt8]) -> Bool {
        guard digits.count == 8, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
        let month = (digits[4] - 0x30) * 10 + digits[5] - 0x30
        let day = (digits[6] - 0x30) * 10 + digits[7] - 0x30
        return digits[0] == UInt8(ascii: "2") && digits[1] == UInt8(ascii: "0") && (1...12).contains(month)
            && (1...31).contains(day)
    }
}

/// Which names of the two sides mean the same model.
///
/// Names that differ in case, in how they write the date, or as the console's name of a model are one. Snapshots stay apart, but
/// where exactly one side names a model without a date and the other side with one, all snapshots of it are one row.
struct ModelMatching {
    private var labels: [ModelName: String] = [:]
    /// The names behind a row, where they are several.
    private(set) var names: [String: [String]] = [:]

    /// Matches all names of a comparison.
    ///
    /// - Parameters:
    ///   - ours: as the index has them.
    ///   - theirs: as the exports have them.
    init(ours: Set<String>, theirs: Set<String>) {
        let (ourNames, theirNames) = (ModelMatching.byFamily(ours), ModelMatching.byFamily(theirs))
        for family in Set(ourNames.keys).union(theirNames.keys).sorted() {
            let (our, their) = (ourNames[family] ?? [], theirNames[family] ?? [])
            let sides = [our, their].map { side in side.contains { $0.parsed.date == nil } }
            let isOne = sides[0] != sides[1] && !our.isEmpty && !their.isEmpty
            let undated = (our + their).first { $0.parsed.date == nil }
            for name in our + their {
                let known = labels[name.parsed] ?? (isOne ? undated?.name : nil) ?? name.name
                labels[name.parsed] = known
                if !(names[known] ?? []).contains(name.name) { names[known, default: []].append(name.name) }
            }
        }
        names = names.filter { $0.value.count > 1 }
    }

    private static func byFamily(_ names: Set<String>) -> [String: [(name: String, parsed: ModelName)]] {
        let parsed = names.sorted().map { (name: $0, parsed: ModelName($0)) }
        return Dictionary(grouping: parsed) { $0.parsed.family }
    }

    /// What the row of a name is called.
    func label(of name: String) -> String { labels[ModelName(name)] ?? name }
}
