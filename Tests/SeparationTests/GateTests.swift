// SPDX-License-Identifier: Apache-2.0
import Separation
import TestSupport
import Testing

/// The gate against asking every eval row.
@Suite struct GateTests {
    /// What a gate and the oracle say of a row must be one: the first rule that is broken, an eval row with which it is, and the measure.
    private func compare(_ gate: SeparationGate, _ oracle: OracleGate, _ row: OracleRow, _ tally: inout [GateViolation.Rule: Int])
    {
        var probe = GateProbe()
        let found = gate.violation(of: row.traits, using: &probe)
        let rules = GateViolation.Rule.allCases.filter { gate.isStrict || ($0 != .longRun && $0 != .coveredByRuns) }
        let wanted = rules.first { !oracle.broken($0, by: row).isEmpty }
        #expect(found?.rule == wanted)
        guard let found, let wanted, found.rule == wanted else { return }
        tally[wanted, default: 0] += 1
        #expect(oracle.broken(wanted, by: row).contains(found.evalRow))
        let other = oracle.rows[found.evalRow]
        switch wanted {
        case .promptOverlap, .firstOverlap:
            let measure = row.overlap(other, wanted == .promptOverlap ? .prompt : .first)
            #expect((found.shared, found.trainSize, found.evalSize) == measure)
        case .coveredByRuns: #expect(found.shared == row.covered(of: other))
        default: break
        }
    }

    @Test(arguments: [(1, 6, 8), (2, 12, 12), (3, 30, 30), (4, 200, 40), (5, 3, 4)] as [(UInt64, Int, Int)])
    func agreesWithAskingEveryRow(seed: UInt64, words: Int, pieces: Int) throws {
        var made = MadeUpRows(seed: seed, words: words, pieces: pieces)
        for evalCount in [0, 1, 3, 12, 60] {
            let evals = (0..<evalCount).map { _ in made.row() }
            let oracle = OracleGate(evals)
            var tally: [GateViolation.Rule: Int] = [:]
            for isStrict in [false, true] {
                var gate = SeparationGate(isStrict: isStrict)
                try gate.add(evals.map(\.traits))
                for _ in 0..<80 { compare(gate, oracle, made.row(), &tally) }
            }
        }
    }

    /// Pairs cut so that they share just as much as is allowed, or one shingle more: sizes of all kinds, in both directions.
    @Test func decidesAtTheThreshold() throws {
        var random = SplitMix64(seed: 40)
        var (over, under) = (0, 0)
        for round in 0..<400 {
            func words(_ count: Int, _ kind: String) -> [String] { (0..<count).map { "\(kind)\(round)z\(letters($0))" } }
            func letters(_ number: Int) -> String {
                String(number, radix: 16).map { "\(Character(UnicodeScalar(UInt8(97) + UInt8($0.hexDigitValue ?? 0))))" }.joined()
            }
            let common = words(Int.random(in: 4...40, using: &random), "c")
            let size = common.count - 4
            // The smaller one has 2 * size shingles, give or take a few, of which `size` are common.
            let mine = words(max(0, size + Int.random(in: -2...2, using: &random)), "a")
            let theirs = words(Int.random(in: 0...80, using: &random), "b")
            let rows = [mine + common, theirs + common].shuffled(using: &random).map {
                OracleRow([SeparationTurn(role: .user, text: $0.joined(separator: " "))])
            }
            var gate = SeparationGate(isStrict: false)
            try gate.add([rows[0].traits])
            var tally: [GateViolation.Rule: Int] = [:]
            compare(gate, OracleGate([rows[0]]), rows[1], &tally)
            if tally.isEmpty { under += 1 } else { over += 1 }
        }
        #expect(over > 50 && under > 50)
    }

    @Test func everyRuleIsBrokenSomewhere() throws {
        var made = MadeUpRows(seed: 6, words: 60, pieces: 25)
        let evals = (0..<40).map { _ in made.row() }
        let oracle = OracleGate(evals)
        var gate = SeparationGate(isStrict: true)
        try gate.add(evals.map(\.traits))
        var tally: [GateViolation.Rule: Int] = [:]
        for _ in 0..<1_500 { compare(gate, oracle, made.row(), &tally) }
        // Rules that come last are seen where those before them are not broken.
        for rule in GateViolation.Rule.allCases { #expect(tally[rule, default: 0] > 0, "\(rule)") }
    }

    @Test func doesNotDependOnOrderOrBatchesOrThreads() throws {
        var made = MadeUpRows(seed: 8, words: 20, pieces: 15)
        let evals = (0..<120).map { _ in made.row().traits }
        let rows = (0..<400).map { _ in made.row().traits }
        var random = SplitMix64(seed: 2)
        func rules(_ gate: SeparationGate, threads: Int) -> [GateViolation.Rule?] {
            WorkShare.map(rows.count, threads: threads) { at in
                var probe = GateProbe()
                return gate.violation(of: rows[at], using: &probe)?.rule
            }
        }
        var whole = SeparationGate(isStrict: true)
        try whole.add(evals)
        let wanted = rules(whole, threads: 1)
        #expect(wanted.contains(nil) && wanted.contains { $0 != nil })
        #expect(rules(whole, threads: 4) == wanted)
        for size in [1, 7, 50] {
            var gate = SeparationGate(isStrict: true)
            let shuffled = evals.shuffled(using: &random)
            for part in WorkShare.parts(of: shuffled.count, each: size) { try gate.add(Array(shuffled[part])) }
            #expect(gate.count == evals.count)
            #expect(rules(gate, threads: 2) == wanted)
        }
    }

    @Test func rowsAddedLaterAreAskedToo() throws {
        let text = (0..<30).map { "w\(UnicodeScalar(UInt8(97 + $0 % 26)))\(String(repeating: "q", count: $0))" }.joined(
            separator: " ")
        let row = SeparationTraits(turns: [SeparationTurn(role: .user, text: text)])
        let other = SeparationTraits(turns: [SeparationTurn(role: .user, text: text + " more of it")])
        var gate = SeparationGate(isStrict: false)
        var probe = GateProbe()
        #expect(gate.violation(of: other, using: &probe) == nil)
        try gate.add([])
        try gate.add([SeparationTraits(encoded: row.encoded)])
        #expect(gate.violation(of: other, using: &probe)?.rule == .promptOverlap)
        #expect(gate.violation(of: row, using: &probe)?.rule == .equalPrompt)
    }

    @Test func aLongRunInElevenRowsIsBoilerplate() throws {
        let run = (0..<13).map { "run\(UnicodeScalar(UInt8(97 + $0)))" }.joined(separator: " ")
        func row(_ number: Int) -> OracleRow {
            let own = (0..<60).map {
                "own\(String(repeating: "x", count: number + 1))\(UnicodeScalar(UInt8(97 + $0 % 26)))\(String(repeating: "y", count: $0 / 26))"
            }
            return OracleRow([SeparationTurn(role: .user, text: own.joined(separator: " ") + " " + run)])
        }
        for count in [10, 11] {
            let evals = (0..<count).map(row)
            var gate = SeparationGate(isStrict: true)
            try gate.add(evals.map(\.traits))
            var probe = GateProbe()
            let found = gate.violation(of: row(99).traits, using: &probe)
            #expect(found?.rule == (count == 10 ? .longRun : nil))
            #expect(OracleGate(evals).broken(.longRun, by: row(99)).count == (count == 10 ? 10 : 0))
        }
    }

    /// One row in eleven versions of an eval set is one row, and no boilerplate.
    @Test func aRowInElevenVersionsIsOneRow() throws {
        let run = (0..<13).map { "run\(UnicodeScalar(UInt8(97 + $0)))" }.joined(separator: " ")
        func row(_ own: String, answer: String) -> OracleRow {
            let words = (0..<60).map { "\(own)\(UnicodeScalar(UInt8(97 + $0 % 26)))\(String(repeating: "y", count: $0 / 26))" }
            let text = words.joined(separator: " ") + " " + run
            return OracleRow([SeparationTurn(role: .user, text: text), SeparationTurn(role: .assistant, text: answer)])
        }
        // The same again and again; and eleven that differ in their answer alone.
        for (evals, wanted) in [
            (Array(repeating: row("own", answer: "so"), count: 11), GateViolation.Rule.longRun),
            ((0..<11).map { row("own", answer: String(repeating: "so", count: $0 + 1)) }, nil),
        ] {
            var gate = SeparationGate(isStrict: true)
            try gate.add(evals.map(\.traits))
            var probe = GateProbe()
            let other = row("other", answer: "so")
            #expect(gate.violation(of: other.traits, using: &probe)?.rule == wanted)
            #expect(OracleGate(evals).broken(.longRun, by: other).isEmpty == (wanted == nil))
        }
    }

    /// A paragraph that all rows share, of less and of more than half of each.
    @Test(arguments: [20, 45, 60, 90]) func sharedParagraphs(share: Int) throws {
        var made = MadeUpRows(seed: UInt64(share), words: 5_000, pieces: 0)
        let paragraph = (0..<share).map { _ in made.text() }.joined(separator: " ").split(separator: " ").prefix(share).joined(
            separator: " ")
        func row() -> OracleRow {
            var own: [String] = []
            while own.count < 100 - share { own += made.text().split(separator: " ").map(String.init) }
            let text = paragraph + " " + own.prefix(100 - share).joined(separator: " ")
            return OracleRow([SeparationTurn(role: .user, text: text)])
        }
        let evals = (0..<60).map { _ in row() }
        let oracle = OracleGate(evals)
        var gate = SeparationGate(isStrict: true)
        try gate.add(evals.map(\.traits))
        var tally: [GateViolation.Rule: Int] = [:]
        for _ in 0..<60 { compare(gate, oracle, row(), &tally) }
    }
}
