// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import FactSamples
import FactStore
import Foundation
import Testing

/// The other two engines that answer the questions of `queries/`.
private enum Twins {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static let areThere = OutsideTools.hasPackages(["duckdb", "chdb", "zstandard"])

    /// A folder with an index of sample facts and, as lines, the same facts for a sidecar.
    static func folder(seed: UInt64, count: Int) throws -> Scratch {
        let scratch = try Scratch()
        let facts = SampleFacts.facts(seed: seed, count: count)
        try FileManager.default.createDirectory(atPath: scratch.at("weir-data/segments"), withIntermediateDirectories: true)
        let store = try FactStore.open(path: scratch.at("weir-data/index.sqlite"), mode: .readWrite)
        try store.commit(facts: facts, checkpoint: Checkpoint(segment: "a.hot", offset: 1))
        try store.close()
        var json = JSONWriter()
        for fact in facts {
            fact.write(to: &json)
            json.newline()
        }
        try Data(json.bytes).write(to: URL(fileURLWithPath: scratch.at("facts.ndjson")))
        return scratch
    }

    /// One case a line: what a question is put with.
    static func line(_ parameters: [String: SQLValue]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .integer(let number):
                json.key(name)
                json.value(number)
            case .text(let text):
                json.key(name)
                json.value(text)
            case .null, .real, .blob: break
            }
        }
        json.endObject()
        json.newline()
        return json.bytes
    }

    static func run(_ script: String, _ arguments: [String], in folder: Scratch) async throws -> [JSONNode] {
        let python = try #require(OutsideTools.python)
        let command = [
            "/bin/bash", "-c", "cd \"$1\" && shift && exec \"$@\"", "-", folder.path, python, "-B", root + "/" + script,
        ]
        let ended = try await Weir.run(command + arguments, within: 280)
        guard ended.code == 0 else { throw TestToolError("\(script) ended with \(ended.code): \(ended.errors) \(ended.text)") }
        return try ended.objects()
    }
}

extension SystemTests {
    /// SQLite, DuckDB and ClickHouse over the same facts: NULLs, ties, odd names and all.
    @Suite(.enabled(if: Twins.areThere, "WEIR_PYTHON has no duckdb, chdb and zstandard"))
    struct TwinTests {
        /// Late enough for a day and its week both to hold some of the samples.
        private static let nowUs: Int64 = 1_790_000_000_000_000 + 2 * 43_200_000_000 + 20

        private static var cases: [[String: SQLValue]] {
            var cases = ExchangeFact.filters.map(\.parameters)
            let groupings = [
                "model", "task", "environment", "key", "provider", "status", "day", "hour", "meta.chat", "meta.nobody",
            ]
            for (i, by) in groupings.enumerated() {
                cases.append([
                    "by": .text(by), "top": .integer(Int64(i + 1)), "p1": .integer(1), "p3": .integer(333), "p4": .integer(1_000),
                ])
            }
            for i in cases.indices { cases[i]["now_us"] = .integer(nowUs) }
            return cases
        }

        @Test(.timeLimit(.minutes(5))) func everyQuestionHasTheSameRowsInThreeEngines() async throws {
            let folder = try Twins.folder(seed: 41, count: 400)
            try Data(TwinTests.cases.flatMap(Twins.line)).write(to: URL(fileURLWithPath: folder.at("cases")))
            let lines = try await Twins.run("Tests/SystemTests/twins.py", [Twins.root + "/queries", "cases"], in: folder)
            let counts = try #require(lines.last)
            let first = lines.first.map { String(decoding: $0.lexeme, as: UTF8.self) } ?? ""
            #expect(lines.count == 1 && counts["differences"]?.int == 0, "\(first)")
            #expect(counts["queries"]?.int == 24 && counts["answered"]?.int == 24)
            #expect(counts["cases"]?.int == Int64(TwinTests.cases.count) && (counts["rows"]?.int ?? 0) > 1_000)
        }

        @Test(.timeLimit(.minutes(2))) func nothingIsAnsweredAlikeToo() async throws {
            let folder = try Twins.folder(seed: 42, count: 1)
            try Data(Twins.line(["model": .text("nobody")]) + Twins.line([:])).write(to: URL(fileURLWithPath: folder.at("cases")))
            let lines = try await Twins.run("Tests/SystemTests/twins.py", [Twins.root + "/queries", "cases"], in: folder)
            #expect(lines.count == 1 && lines.last?["differences"]?.int == 0)
        }

        /// A short round of the campaign `Tests/Campaigns/answers.sh`.
        @Test(.timeLimit(.minutes(5))) func percentilesUnderRandomFiltersAreThoseOfDuckDB() async throws {
            let folder = try Twins.folder(seed: 43, count: 900)
            let arguments = ["--weir", Weir.path, "--queries", Twins.root + "/queries", "--rounds", "40", "--seed", "43"]
            let counts = try #require(try await Twins.run("Tests/Campaigns/answers.py", arguments, in: folder).last)
            #expect(counts["rounds"]?.int == 40 && counts["differences"]?.int == 0 && (counts["percentiles"]?.int ?? 0) > 100)
        }
    }
}
