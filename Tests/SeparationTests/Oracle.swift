// SPDX-License-Identifier: Apache-2.0
import Separation

/// The definitions of separation.md once more, in the plainest way there is: texts and sets of texts, no hash, no index.
enum Oracle {
    /// Tokens as text, of a text that is in NFC already.
    static func tokens(_ text: String) -> [String] {
        var out: [String] = []
        var run = ""
        func end() {
            if !run.isEmpty { out.append(run) }
            run = ""
        }
        for scalar in text.unicodeScalars.flatMap({ Array($0.properties.lowercaseMapping.unicodeScalars) }) {
            if isAlone(scalar.value) {
                end()
                out.append(String(scalar))
                continue
            }
            switch scalar.properties.generalCategory {
            case .decimalNumber: run.unicodeScalars.append("0")
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
                .spacingMark, .enclosingMark, .letterNumber, .otherNumber:
                run.unicodeScalars.append(scalar)
            default: end()
            }
        }
        end()
        return out
    }

    private static func isAlone(_ value: UInt32) -> Bool {
        let ranges: [ClosedRange<UInt32>] = [
            0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x31F0...0x31FF, 0x3400...0x4DBF,
            0x4E00...0x9FFF, 0xF900...0xFAFF, 0xFF66...0xFF9F, 0x20000...0x3FFFF,
        ]
        return ranges.contains { $0.contains(value) }
    }

    /// N1 of a text that is in NFC already.
    static func n1(_ text: String) -> String {
        let words = text.unicodeScalars.split { $0.properties.isWhitespace }
        return words.map { String(String.UnicodeScalarView($0)) }.joined(separator: " ")
    }

    static func prompt(_ turns: [SeparationTurn]) -> [SeparationTurn] {
        turns.last?.role == .assistant ? Array(turns.dropLast()) : turns
    }

    static func view(_ turns: [SeparationTurn], _ view: SeparationView) -> [String] {
        let spoken = prompt(turns).filter { $0.role == .user || $0.role == .tool }
        if view == .prompt { return spoken.flatMap { tokens($0.text) } }
        return spoken.first { $0.role == .user }.map { tokens($0.text) } ?? []
    }

    static func runs(_ tokens: [String], _ length: Int) -> [[String]] {
        guard tokens.count >= length else { return [] }
        return (0...tokens.count - length).map { Array(tokens[$0..<$0 + length]) }
    }

    static func shingles(_ tokens: [String]) -> Set<[String]> {
        if tokens.isEmpty { return [] }
        return tokens.count < 5 ? [tokens] : Set(runs(tokens, 5))
    }

    /// A canonical turn as a text, of calls whose arguments are canonical already.
    private static func canonical(_ turn: SeparationTurn) -> String {
        let parts = [turn.role.rawValue, n1(turn.text)] + turn.calls.flatMap { [$0.name, $0.arguments] }
        return parts.map { "\($0.utf8.count):\($0)" }.joined()
    }

    static func promptKey(_ turns: [SeparationTurn]) -> [String] { prompt(turns).filter { $0.role != .system }.map(canonical) }

    /// The whole of a row.
    static func chain(_ turns: [SeparationTurn]) -> [String] { turns.map(canonical) }

    /// The nodes, each as all the turns up to it.
    static func nodes(_ turns: [SeparationTurn]) -> Set<[String]> {
        var out: Set<[String]> = []
        for k in turns.indices {
            let isNode = turns[k].role == .assistant || k == turns.count - 1 || turns[k + 1].role == .assistant
            if isNode { out.insert(turns[...k].map(canonical)) }
        }
        return out
    }
}

/// A row as the oracle sees it.
struct OracleRow {
    let turns: [SeparationTurn]
    let keys: [String]
    let promptKey: [String]
    let nodes: Set<[String]>
    let tokens: [String]
    let shingles: [SeparationView: Set<[String]>]

    init(_ turns: [SeparationTurn], keys: [String] = []) {
        self.turns = turns
        self.keys = keys
        promptKey = Oracle.promptKey(turns)
        nodes = Oracle.nodes(turns)
        tokens = Oracle.view(turns, .prompt)
        shingles = [.prompt: Oracle.shingles(tokens), .first: Oracle.shingles(Oracle.view(turns, .first))]
    }

    var traits: SeparationTraits { SeparationTraits(turns: turns, groupKeys: keys) }

    func overlap(_ other: OracleRow, _ view: SeparationView) -> (shared: Int, mine: Int, theirs: Int) {
        let (a, b) = (shingles[view] ?? [], other.shingles[view] ?? [])
        return (a.intersection(b).count, a.count, b.count)
    }

    /// Tokens of another row in runs of eight that this row has too.
    func covered(of other: OracleRow) -> Int {
        let mine = Set(Oracle.runs(tokens, 8))
        var isCovered = Array(repeating: false, count: other.tokens.count)
        for (place, run) in Oracle.runs(other.tokens, 8).enumerated() where mine.contains(run) {
            for at in place..<place + 8 { isCovered[at] = true }
        }
        return isCovered.filter { $0 }.count
    }
}

/// The gate by asking every eval row.
struct OracleGate {
    let rows: [OracleRow]
    private let longRuns: [[String]: Set<Int>]
    private let chains: [[String]]

    init(_ rows: [OracleRow]) {
        self.rows = rows
        var longRuns: [[String]: Set<Int>] = [:]
        for (number, row) in rows.enumerated() {
            for run in Oracle.runs(row.tokens, 13) { longRuns[run, default: []].insert(number) }
        }
        self.longRuns = longRuns
        chains = rows.map { Oracle.chain($0.turns) }
    }

    /// The eval rows with which a rule is broken.
    func broken(_ rule: GateViolation.Rule, by row: OracleRow) -> Set<Int> {
        if rule == .longRun {
            return Oracle.runs(row.tokens, 13).reduce(into: []) { found, run in
                if let rows = longRuns[run], Set(rows.map { chains[$0] }).count <= 10 { found.formUnion(rows) }
            }
        }
        return Set(rows.indices.filter { breaks(rule, row, rows[$0]) })
    }

    private func breaks(_ rule: GateViolation.Rule, _ t: OracleRow, _ e: OracleRow) -> Bool {
        switch rule {
        case .equalPrompt: return t.promptKey == e.promptKey
        case .sharedNode: return !t.nodes.isDisjoint(with: e.nodes)
        case .sharedGroupKey: return !Set(t.keys).isDisjoint(with: e.keys)
        case .promptOverlap, .firstOverlap:
            let (shared, mine, theirs) = t.overlap(e, rule == .promptOverlap ? .prompt : .first)
            return mine > 0 && theirs > 0 && 2 * shared >= min(mine, theirs)
        case .longRun: return false
        case .coveredByRuns: return !e.tokens.isEmpty && 2 * t.covered(of: e) >= e.tokens.count
        }
    }
}
