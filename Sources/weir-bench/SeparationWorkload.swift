// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Platform
import Separation

/// Conversations of made-up words read, searched for near duplicates, and asked of a gate.
struct SeparationWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "separation",
        abstract: "Read conversations, find near duplicates, ask the gate; prints megabytes and rows a second, and peak memory.")

    @Option(help: "Megabytes of text that near duplicates are looked for in; 0 leaves that out.") var megabytes = 256
    @Option(help: "Training rows that ask the gate; 0 leaves that out.") var trainRows = 100_000
    @Option(help: "Eval rows of the gate.") var evalRows = 10_000
    @Option(help: "Words of a paragraph that all rows share, of about 200 of a row.") var template = 60
    @Option(help: "Threads.") var threads = 2
    @Option(help: "Megabytes of shingles that stay in memory.") var memory = 512
    @Option(help: "A directory for the rest of them.") var directory = "."
    @Flag(help: "Ask the strict rule too.") var strict = false

    func run() throws {
        guard megabytes >= 0, trainRows >= 0, evalRows > 0, threads > 0, memory >= 0 else {
            throw ValidationError("numbers above 0, please")
        }
        let unicode = TokenReader.unicodeVersion
        try FigureLine.write([("unicode_version", Double(unicode.major) + Double(unicode.minor) / 10)])
        let traffic = MadeUpTraffic(templateWords: template)
        if megabytes > 0 { try search(traffic) }
        if trainRows > 0 { try ask(traffic) }
    }

    // MARK: Near duplicates

    private func search(_ traffic: MadeUpTraffic) throws {
        let path = PathText.join(directory, "weir-bench-shingles.\(ProcessInfo.processInfo.processIdentifier)")
        let spill = ShingleSpill(files: PosixFileSystem(), path: path, memory: memory << 20)
        let search = NearDuplicateSearch(spill: spill, threads: threads, expecting: megabytes << 20)
        var (keys, bytes, made, tokens) = ([SeparationKey](), 0, 0, 0)
        var (tokenTime, readTime, addTime) = (Stopwatch(), Stopwatch(), Stopwatch())
        while bytes < megabytes << 20 {
            let from = made
            let texts = WorkShare.map(64, threads: threads) { part in
                (0..<32).map { traffic.conversation(from + part * 32 + $0) }
            }.flatMap { $0 }
            made += texts.count
            bytes += texts.reduce(0) { $0 + $1.reduce(0) { $0 + $1.text.utf8.count } }
            keys += texts.indices.map { SeparationKey(high: traffic.mixed(from + $0), low: UInt64(from + $0)) }
            tokens += tokenTime.during { texts.reduce(0) { $0 + TokenReader.count(of: $1.map(\.text)) } }
            let rows = readTime.during { read(texts) }
            try addTime.during { try search.add(rows) }
        }
        var sets = LeastKeySets(keys: keys)
        var joinTime = Stopwatch()
        let report = try joinTime.during { try search.join(&sets) }
        let size = Double(bytes) / 1e6
        try FigureLine.write([
            ("mb", size), ("rows", Double(made)), ("tokens_mb_s_one_thread", size / tokenTime.seconds),
            ("million_tokens", Double(tokens) / 1e6), ("traits_mb_s", size / readTime.seconds),
            ("traits_cpu_s", readTime.cpuSeconds), ("search_mb_s", size / (addTime.seconds + joinTime.seconds)),
            ("add_s", addTime.seconds),
            ("join_s", joinTime.seconds),
            ("search_cpu_s", addTime.cpuSeconds + joinTime.cpuSeconds),
            ("shingles_search_mb_s", size / (readTime.seconds + addTime.seconds + joinTime.seconds)),
            ("joined", Double(report.joinedSets)), ("boilerplate", Double(report.boilerplateShingles)),
            ("peak_mb", FigureLine.peakMegabytes),
        ])
    }

    private func read(_ texts: [[SeparationTurn]]) -> [NearDuplicateSearch.Row] {
        let parts = WorkShare.parts(of: texts.count, each: 64)
        return WorkShare.map(parts.count, threads: threads) { part in
            texts[parts[part]].map { turns in
                let traits = SeparationTraits(turns: turns)
                return NearDuplicateSearch.Row(views: GroupingViews(traits: traits, turns: turns), template: 1)
            }
        }.flatMap { $0 }
    }

    // MARK: The gate

    private func ask(_ traffic: MadeUpTraffic) throws {
        var gate = SeparationGate(isStrict: strict, expecting: evalRows * 256)
        var addTime = Stopwatch()
        // Eval rows are of another part of the traffic; a twentieth of it is near a row before it.
        let firstEval = 1 << 40
        for part in WorkShare.parts(of: evalRows, each: 4_096) {
            let rows = part.map { SeparationTraits(turns: traffic.conversation(firstEval + $0)) }
            try addTime.during { try gate.add(rows) }
        }
        var askTime = Stopwatch()
        var (shingles, asked) = (0, 0)
        var found: [String: Int] = [:]
        while asked < trainRows {
            let count = min(8_192, trainRows - asked)
            let from = asked
            let parts = WorkShare.parts(of: count, each: 256)
            // One row in 50 is near an eval row.
            let rows = WorkShare.map(parts.count, threads: threads) { part in
                parts[part].map { at in
                    let row = from + at
                    let near = traffic.mixed(row) % 50 == 0
                    let turns = near ? traffic.variant(of: firstEval + row % evalRows, by: row) : traffic.conversation(row)
                    return SeparationTraits(turns: turns)
                }
            }
            shingles += rows.reduce(0) { $0 + $1.reduce(0) { $0 + $1.promptShingles.count } }
            let gate = gate
            let answers = askTime.during {
                WorkShare.map(rows.count, threads: threads) { part in
                    var probe = GateProbe()
                    return rows[part].compactMap { gate.violation(of: $0, using: &probe)?.rule.rawValue }
                }
            }
            for rule in answers.flatMap({ $0 }) { found[rule, default: 0] += 1 }
            asked += count
        }
        var fields = [
            ("train_rows", Double(asked)), ("eval_rows", Double(gate.count)),
            ("shingles_a_row", Double(shingles) / Double(asked)),
            ("add_s", addTime.seconds), ("ask_s", askTime.seconds), ("ask_cpu_s", askTime.cpuSeconds),
            ("rows_s", Double(asked) / askTime.seconds), ("peak_mb", FigureLine.peakMegabytes),
        ]
        for rule in found.keys.sorted() { fields.append((rule, Double(found[rule] ?? 0))) }
        try FigureLine.write(fields)
    }
}

/// Conversations that follow from their number alone.
private struct MadeUpTraffic: Sendable {
    private let words: [[UInt8]]
    private let template: [Int]

    init(templateWords: Int) {
        var state = SplitMix(state: 7)
        words = (0..<30_000).map { _ in (0..<2 + Int(state.next() % 8)).map { _ in UInt8(0x61 + state.next() % 26) } }
        template = (0..<templateWords).map { _ in Int(state.next() % 30_000) }
    }

    func mixed(_ number: Int) -> UInt64 {
        var state = SplitMix(state: UInt64(truncatingIfNeeded: number))
        return state.next()
    }

    /// One in twenty is a variant of another one.
    func conversation(_ number: Int) -> [SeparationTurn] {
        let isVariant = mixed(number) % 20 == 3 && number % 1_000 > 10
        return isVariant ? variant(of: number - number % 1_000, by: number) : turns(number, changes: 0)
    }

    /// A conversation with some of its words changed, up to one in eight.
    func variant(of number: Int, by other: Int) -> [SeparationTurn] { turns(number, changes: mixed(other) | 1) }

    private func turns(_ number: Int, changes: UInt64) -> [SeparationTurn] {
        var state = SplitMix(state: UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9)
        var changing = SplitMix(state: changes)
        let share = changes == 0 ? 0 : changing.next() % 9
        func text(_ count: Int, isFirst: Bool) -> String {
            var out: [UInt8] = []
            if isFirst { for word in template { append(word, &out) } }
            for _ in 0..<count {
                // Small numbers are more frequent.
                let (a, b) = (Int(state.next() % 30_000), Int(state.next() % 30_000))
                let isChanged = share > 0 && changing.next() % 64 < share
                append(isChanged ? Int(changing.next() % 30_000) : min(a, b), &out)
            }
            return String(decoding: out, as: UTF8.self)
        }
        let count = 60 + Int(state.next() % 100)
        return [
            SeparationTurn(role: .user, text: text(count, isFirst: true)),
            SeparationTurn(role: .assistant, text: text(20, isFirst: false)),
            SeparationTurn(role: .user, text: text(30 + count / 4, isFirst: false)),
            SeparationTurn(role: .assistant, text: text(20, isFirst: false)),
        ]
    }

    private func append(_ word: Int, _ out: inout [UInt8]) {
        if !out.isEmpty { out.append(out.count % 13 == 0 ? 0x0A : 0x20) }
        out.append(contentsOf: words[word])
        if word % 11 == 0 { out.append(0x2C) }
    }
}
