// SPDX-License-Identifier: Apache-2.0

/// Where an effective value comes from.
enum Origin: Equatable, CustomStringConvertible {
    case flag(String)
    case variable(String)
    case file(path: String, line: Int)
    case fallback

    var description: String {
        switch self {
        case .flag(let name): "flag \(name)"
        case .variable(let name): name
        case .file(let path, let line): "\(path):\(line)"
        case .fallback: "default"
        }
    }
}

/// One thing that is wrong with a configuration or a recipe: where, what, and what to write instead.
///
/// Holds no secret.
struct ConfigFault: Error, Equatable, CustomStringConvertible {
    let origin: Origin
    let message: String

    var description: String {
        switch origin {
        case .fallback: message
        case .flag(let name): "\(name): \(message)"
        default: "\(origin): \(message)"
        }
    }
}

/// Everything that is wrong, together.
struct ConfigFaults: Error, CustomStringConvertible {
    let list: [ConfigFault]
    /// What people call what they were found in.
    var place = "the configuration"

    var description: String {
        list.count == 1 ? "\(list[0])" : "\(list.count) faults in \(place)\n" + lines
    }

    /// One line each.
    var lines: String { list.map { "  \($0)" }.joined(separator: "\n") }

    /// As a verb ends for it.
    var failure: VerbFailure { .usage(description) }
}

/// The name that was probably meant.
enum Suggestion {
    /// The closest of some names, or nil where none is close.
    static func closest(to name: String, among names: [String]) -> String? {
        let lowered = name.lowercased()
        let last = lastPart(lowered)
        var best: (name: String, distance: Int)?
        for candidate in names {
            let known = candidate.lowercased()
            // A key put into the wrong section is close too.
            let distance = min(self.distance(lowered, known), last == lastPart(known) ? 1 : Int.max)
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, min(lowered.count, best.name.count) / 3) else { return nil }
        return best.name
    }

    private static func lastPart(_ path: String) -> Substring { path.split(separator: ".").last ?? "" }

    /// Insertions, deletions, replacements and exchanges of neighbours that make one word of the other.
    ///
    /// - Complexity: O(n·m); words are cut at 64 bytes.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.utf8.prefix(64))
        let b = Array(right.utf8.prefix(64))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}

/// `${NAME}` and `${NAME:-default}` in the strings of the file; `$$` is a dollar sign.
enum Substitution {
    /// The text with every reference replaced.
    ///
    /// - Throws: `BrokenRule`, naming the variable that is not set.
    static func apply(_ text: String, environment: [String: String]) throws(BrokenRule) -> String {
        guard text.contains("$") else { return text }
        var out = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                out.append("$")
                rest = rest.dropFirst()
            } else if rest.first == "{" {
                guard let close = rest.firstIndex(of: "}") else { throw BrokenRule("has a ${ without its }") }
                out += try value(of: rest[rest.index(after: rest.startIndex)..<close], environment)
                rest = rest[rest.index(after: close)...]
            } else {
                out.append("$")
            }
        }
        return out + rest
    }

    private static func value(of reference: Substring, _ environment: [String: String]) throws(BrokenRule) -> String {
        var name = reference
        var fallback: Substring?
        if let mark = reference.firstRange(of: ":-") {
            name = reference[..<mark.lowerBound]
            fallback = reference[mark.upperBound...]
        }
        guard let first = name.utf8.first, !(0x30...0x39).contains(first),
            name.utf8.allSatisfy({ $0 == 0x5F || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) })
        else {
            throw BrokenRule("refers to a variable whose name is not letters, digits and underscores; write $$ for a dollar sign")
        }
        let value = environment[String(name)]
        if let value, !(value.isEmpty && fallback != nil) { return value }
        if let fallback { return String(fallback) }
        throw BrokenRule("refers to ${\(name)}, which is not set; set it, or write ${\(name):-default}")
    }
}
