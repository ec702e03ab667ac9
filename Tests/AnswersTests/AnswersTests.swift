// SPDX-License-Identifier: Apache-2.0
import Answers
import ByteCoding
import ExchangeModel
import FactSamples
import FactStore
import Foundation
import NamedQueries
import Testing

/// The questions answered a second time: by loops over facts, without SQL.
private struct Oracle {
    let facts: [ExchangeFact]

    /// Nearest rank, said with ceiling division of a fraction rather than with added per-mille.
    static func percentile(_ values: [Int64], perMille: Int) -> SQLValue {
        guard !values.isEmpty else { return .null }
        let sorted = values.sorted()
        var rank = 1
        while rank * 1_000 < perMille * sorted.count { rank += 1 }
        return .integer(sorted[rank - 1])
    }

    static func sum(_ values: [Int64?]) -> SQLValue {
        let known = values.compactMap { $0 }
        return known.isEmpty ? .null : .integer(known.reduce(0, +))
    }

    static func model(_ fact: ExchangeFact) -> String? { fact.reading.modelResponded ?? fact.reading.modelRequested }

    func tailLatency() -> [[SQLValue]] {
        Dictionary(grouping: facts, by: Oracle.model).map { model, group in
            let durations = group.compactMap(\.head.endedUs)
            let ttfts = group.compactMap(\.reading.ttftUs)
            let ranks = [500, 750, 900, 990]
            return [SQLValue(model), .integer(Int64(group.count))] + ranks.map { Oracle.percentile(durations, perMille: $0) }
                + [.integer(Int64(ttfts.count))] + ranks.map { Oracle.percentile(ttfts, perMille: $0) }
        }
    }

    private struct ModelDay: Hashable {
        let model: String?
        let day: String
    }

    func tokens() -> [[SQLValue]] {
        let formatter = DateFormatter()
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd"
        let groups = Dictionary(grouping: facts) { fact in
            ModelDay(
                model: Oracle.model(fact),
                day: formatter.string(from: Date(timeIntervalSince1970: Double(fact.head.startedAtUs / 1_000_000))))
        }
        return groups.map { key, group in
            let usage = group.map(\.reading.usage)
            return [
                SQLValue(key.model), .text(key.day), .integer(Int64(group.count)), Oracle.sum(usage.map(\.inputTotal)),
                Oracle.sum(usage.map(\.inputCached)), Oracle.sum(usage.map(\.cacheWriteTotal)),
                Oracle.sum(usage.map(\.outputTotal)),
                Oracle.sum(usage.map(\.outputReasoning)),
                .integer(Int64(group.filter { $0.reading.usageSource == .partial }.count)),
                .integer(Int64(group.filter { $0.reading.usageSource == .absent }.count)),
            ]
        }
    }

    func errors() -> [[SQLValue]] {
        let bad = facts.filter {
            $0.head.outcome != .completed || ($0.head.status ?? 0) >= 400 || $0.reading.providerError != nil
        }
        let groups = Dictionary(grouping: bad) { fact in
            [
                fact.head.provider, fact.head.status.map(String.init), fact.head.outcome.rawValue,
                fact.head.errorSource?.rawValue,
                fact.head.errorCode, fact.reading.providerError,
            ]
        }
        return groups.map { key, group in
            var row = key.map { SQLValue($0) }
            row[1] = SQLValue(group[0].head.status.map(Int64.init))
            return row + [.integer(Int64(group.count)), SQLValue(group.map(\.head.startedAtUs).max())]
        }
    }

    func requests() -> [[SQLValue]] {
        Dictionary(grouping: facts, by: { [$0.head.attribution.task, $0.head.attribution.environment] }).map { key, group in
            func count(_ isCounted: (ExchangeFact) -> Bool) -> SQLValue { .integer(Int64(group.filter(isCounted).count)) }
            return [
                SQLValue(key[0]), SQLValue(key[1]), .integer(Int64(group.count)), count { $0.head.outcome == .completed },
                count { $0.head.outcome == .clientClosed },
                count { $0.head.outcome != .completed && $0.head.outcome != .clientClosed },
                count { ($0.head.status ?? 0) >= 400 }, count { $0.head.responseStream },
                Oracle.sum(group.map(\.requestBodyBytes)), Oracle.sum(group.map(\.responseBodyBytes)),
            ]
        }
    }

    func rows(of query: String) -> [[SQLValue]] {
        switch query {
        case "tail-latency": tailLatency()
        case "tokens": tokens()
        case "errors": errors()
        case "requests": requests()
        default: []
        }
    }
}

@Suite struct AnswersTests {
    private func store(_ scratch: ScratchDirectory, _ facts: [ExchangeFact]) throws -> FactStore {
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        return store
    }

    private func sorted(_ rows: [[SQLValue]]) -> [String] { rows.map { "\($0)" }.sorted() }

    @Test(arguments: NamedQueries.all.map(\.name)) func answersEqualLoopsOverFacts(name: String) throws {
        let query = try #require(NamedQueries.find(name))
        for (seed, count) in [(1, 1), (2, 2), (3, 3), (4, 9), (5, 101), (6, 400), (7, 0)] {
            let scratch = try ScratchDirectory()
            let facts = SampleFacts.facts(seed: UInt64(seed), count: count)
            let store = try store(scratch, facts)
            let filters = count > 300 ? ExchangeFact.filters : [FactFilter()]
            for filter in filters {
                let expected = Oracle(facts: facts.filter { $0.passes(filter) }).rows(of: name)
                #expect(try sorted(Answers.run(query, filter: filter, store: store).rows) == sorted(expected))
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 10, 99, 100, 101, 999, 1_000, 1_001]) func percentilesAreNearestRankAtEverySize(count: Int)
        throws
    {
        let scratch = try ScratchDirectory()
        var samples = SampleFacts(seed: UInt64(count))
        let facts = (0..<count).map { i in
            var fact = samples.fact(i)
            fact.reading.modelResponded = "m"
            fact.head.endedUs = Int64(i + 1)
            return fact
        }
        let query = try #require(NamedQueries.find("tail-latency"))
        let row = try #require(try Answers.run(query, filter: FactFilter(), store: store(scratch, facts.shuffled())).rows.first)
        let expected = [50, 75, 90, 99].map { p in SQLValue.integer(Int64((p * count + 99) / 100)) }
        #expect(Array(row[2...5]) == expected)
    }

    @Test(arguments: NamedQueries.all.map(\.name)) func stockShellGivesTheSameRows(name: String) throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3") else { return }
        let query = try #require(NamedQueries.find(name))
        let scratch = try ScratchDirectory()
        let store = try store(scratch, SampleFacts.facts(seed: 11, count: 400))
        for filter in ExchangeFact.filters {
            let table = try Answers.run(query, filter: filter, store: store)
            let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
                "../../queries/\(name).sql")
            #expect(try shell(scratch.index, file: file.path, parameters: filter.parameters) == lines(table))
        }
    }

    /// The shell's JSON rows, each as compact JSON.
    private func shell(_ index: String, file: String, parameters: [String: SQLValue]) throws -> [String] {
        var script = ".mode json\n.parameter init\n"
        for (name, value) in parameters {
            switch value {
            case .integer(let number): script += "INSERT INTO temp.sqlite_parameters VALUES (':\(name)', \(number));\n"
            case .text(let text):
                script +=
                    "INSERT INTO temp.sqlite_parameters VALUES (':\(name)', '\(text.replacingOccurrences(of: "'", with: "''"))');\n"
            case .null, .real, .blob: break
            }
        }
        script += ".read '\(file)'\n"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        process.arguments = ["-batch", index]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(Data(script.utf8))
        try input.fileHandleForWriting.close()
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        guard let document = JSONDocument.read(said) else { return said.isEmpty ? [] : ["not JSON"] }
        return document.root.elements.map(compact)
    }

    private func lines(_ table: AnswerTable) -> [String] {
        table.jsonLines().split(separator: 0x0A).compactMap { JSONDocument.read($0).map { compact($0.root) } }
    }

    private func compact(_ node: JSONNode) -> String {
        node.members.map { key, value in
            "\(key.string ?? ""):\(value.string.map { "'\($0)'" } ?? String(decoding: value.lexeme, as: UTF8.self))"
        }
        .joined(separator: ",")
    }

    @Test func exchangesAreFactsOneALine() throws {
        let scratch = try ScratchDirectory()
        let facts = SampleFacts.facts(seed: 21, count: 600)
        let store = try store(scratch, facts)
        var written: [UInt8] = []
        var filter = FactFilter()
        filter.provider = "openai"
        try Answers.write("exchanges", filter: filter, isJSON: true, store: store) { written += $0 }
        let expected = facts.filter { $0.passes(filter) }.sorted {
            ($0.head.startedAtUs, $0.head.id) < ($1.head.startedAtUs, $1.head.id)
        }
        var json = JSONWriter()
        for fact in expected {
            fact.write(to: &json)
            json.newline()
        }
        #expect(written == json.bytes)
    }

    @Test func dumpIsByIDAndWithoutPlaces() throws {
        let scratch = try ScratchDirectory()
        var facts = SampleFacts.facts(seed: 22, count: 30)
        let store = try store(scratch, facts)
        var first: [UInt8] = []
        try Answers.writeDump(store: store) { first += $0 }
        for i in facts.indices { facts[i].location = PayloadLocation(segment: "elsewhere.zst", frame: 9, offset: 9) }
        let other = try ScratchDirectory()
        let moved = try self.store(other, facts.reversed())
        var second: [UInt8] = []
        try Answers.writeDump(store: moved) { second += $0 }
        #expect(first == second)
        let line = try #require(first.split(separator: 0x0A).first)
        let root = try JSONDocument(Array(line)).root
        #expect(root["segment"] == nil && root["frame"] == nil && root["offset"] == nil && root["id"] != nil)
    }

    @Test func unknownQuestionListsTheNames() {
        let error = #expect(throws: AnswersError.self) { try Answers.check("tail") }
        #expect(error?.message.contains("tail-latency") == true && error?.message.contains("exchanges") == true)
        #expect(Answers.list.map(\.name) == ["errors", "exchanges", "requests", "tail-latency", "tokens"])
    }
}
