// SPDX-License-Identifier: Apache-2.0
import Answers
import ByteCoding
import ExchangeModel
import FactSamples
import FactStore
import Foundation
import NamedQueries
import Testing

@Suite struct AnswersTests {
    private func store(_ scratch: ScratchDirectory, _ facts: [ExchangeFact]) throws -> FactStore {
        let store = try FactStore.open(path: scratch.index, mode: .readWrite)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        return store
    }

    private func sorted(_ rows: [[SQLValue]]) -> [String] { rows.map { "\($0)" }.sorted() }

    /// A present after the first of the five half days of the samples, so that a day and its week both hold some.
    private static let nowUs: Int64 = 1_790_000_000_000_000 + 2 * 43_200_000_000 + 20

    private static let groupings: [String?] = [
        nil, "model", "task", "environment", "key", "provider", "status", "day", "hour", "meta.chat", "meta.nobody",
    ]

    @Test(arguments: NamedQueries.all.map(\.name)) func answersEqualLoopsOverFacts(name: String) throws {
        let query = try #require(NamedQueries.find(name))
        for (seed, count) in [(1, 1), (2, 2), (3, 3), (4, 9), (5, 101), (6, 400), (7, 0)] {
            let scratch = try ScratchDirectory()
            let facts = SampleFacts.facts(seed: UInt64(seed), count: count)
            let store = try store(scratch, facts)
            let filters = count > 300 ? ExchangeFact.filters : [FactFilter()]
            for filter in filters {
                var options = AnswerOptions()
                options.nowUs = Self.nowUs
                var oracle = QueryOracle(facts: facts.filter { $0.passes(filter) })
                oracle.nowUs = Self.nowUs
                let expected = try #require(oracle.rows(of: name))
                #expect(try sorted(Answers.run(query, filter: filter, options: options, store: store).rows) == sorted(expected))
            }
        }
    }

    @Test(arguments: NamedQueries.all.map(\.name)) func optionsMeanWhatTheySay(name: String) throws {
        let query = try #require(NamedQueries.find(name))
        let scratch = try ScratchDirectory()
        let facts = SampleFacts.facts(seed: 31, count: 300)
        let store = try store(scratch, facts)
        for (i, by) in Self.groupings.enumerated() {
            var options = AnswerOptions()
            options.nowUs = Self.nowUs
            var oracle = QueryOracle(facts: facts)
            oracle.nowUs = Self.nowUs
            if let by, query.parameters.contains("by") {
                try options.setBy(by)
                oracle.by = by
            }
            if query.parameters.contains("p1") {
                try options.setPercentiles("0.1,33,99.9,100")
                oracle.ranks = [1, 330, 999, 1_000]
            }
            if query.parameters.contains("top") {
                options.limit = i + 1
                oracle.top = i + 1
            }
            let expected = try #require(oracle.rows(of: name))
            #expect(try sorted(Answers.run(query, filter: FactFilter(), options: options, store: store).rows) == sorted(expected))
        }
    }

    @Test(arguments: NamedQueries.all.map(\.name)) func headersNameTheColumnsAndTheirUnits(name: String) throws {
        let query = try #require(NamedQueries.find(name))
        let scratch = try ScratchDirectory()
        let facts = SampleFacts.facts(seed: 12, count: 200)
        let store = try store(scratch, facts)
        var parameters = AnswerOptions().parameters(with: FactFilter())
        for unused in Set(parameters.keys).subtracting(query.parameters) { parameters[unused] = nil }
        let columns = try store.runQuery(query.sql, parameters: parameters).columns
        #expect(columns == query.header.columns.map(\.name))
        for column in query.header.columns {
            let unit: AnswerUnit? =
                switch column.unit {
                case "text", "count", "tokens", "tokens/s": .plain
                case "us": .durationUs
                case "instant": .instantUs
                case "bytes": .bytes
                case "nanousd": .nanousd
                case "ppm": .share
                case "code": .code
                case "flag": .flag
                default: nil
                }
            #expect(AnswerUnit(column: column.name) == unit, "\(column.name)")
            #expect(!column.meaning.isEmpty)
        }
        switch query.header.picture {
        case .bars(let column): #expect(columns.contains(column))
        case .lines(let axis, let value, let series): #expect(Set(columns).isSuperset(of: [axis, value, series]))
        case .latency, nil: break
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
        // The shell names columns as the statement does.
        var options = AnswerOptions()
        options.nowUs = Self.nowUs
        for filter in ExchangeFact.filters {
            var given = options.parameters(with: filter)
            for unused in Set(given.keys).subtracting(query.parameters) { given[unused] = nil }
            let table = AnswerTable(try store.runQuery(query.sql, parameters: given))
            let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
                "../../queries/\(name).sql")
            #expect(try shell(scratch.index, file: file.path, parameters: given) == lines(table))
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
            // The shell writes 0.1 with twenty digits.
            let number = value.lexeme.contains(UInt8(ascii: ".")) ? value.double.map { "\($0)" } : nil
            let plain = number ?? String(decoding: value.lexeme, as: UTF8.self)
            return "\(key.string ?? ""):\(value.string.map { "'\($0)'" } ?? plain)"
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
        try Answers.write("exchanges", filter: filter, form: .jsonLines, store: store) { written += $0 }
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
        let names = Answers.list.map(\.name)
        #expect(names.count == 25 && names == names.sorted() && names.contains("exchanges"))
    }
}
