// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedQueries
import Testing

@Suite struct NamedQueryTests {
    @Test func everyQuestionSaysWhatItAnswers() {
        #expect(NamedQueries.all.count >= 20)
        #expect(NamedQueries.all.map(\.name) == NamedQueries.all.map(\.name).sorted())
        for query in NamedQueries.all {
            #expect(query.sql.hasPrefix("-- \(query.summary)\n"))
            #expect(query.summary.hasSuffix(".") && query.summary.count > 20)
            #expect(query.header.question.hasSuffix("?"), "\(query.name)")
            #expect(query.header.columns.count > 2 && query.header.picture != nil, "\(query.name)")
            #expect(NamedQueries.find(query.name) == query)
        }
        #expect(NamedQueries.find("nothing") == nil)
    }

    private static let filters = [
        "since_us", "until_us", "model", "provider", "task", "environment", "api", "status", "outcome", "key", "metadata",
    ]

    @Test func everyQuestionTakesTheSameFilters() throws {
        var clauses: Set<Substring> = []
        for query in NamedQueries.all {
            let own = query.header.options.map(\.name)
            #expect(Set(query.parameters) == Set(Self.filters + own), "\(query.name)")
            let start = try #require(query.sql.range(of: "    WHERE (:since_us"))
            let end = try #require(query.sql.range(of: "held.value = wanted.value)))"))
            clauses.insert(query.sql[start.lowerBound..<end.upperBound])
        }
        #expect(clauses.count == 1)
    }

    /// The same words in every file, but for the default, which is the header's.
    @Test func everyQuestionGroupsTheSameWay() throws {
        var clauses: Set<String> = []
        for query in NamedQueries.all {
            guard let by = query.header.options.first(where: { $0.name == "by" }) else { continue }
            let start = try #require(query.sql.range(of: "CASE coalesce(:by, '\(by.fallback)')"), "\(query.name)")
            let end = try #require(query.sql.range(of: "END AS by_value"))
            clauses.insert(String(query.sql[start.upperBound..<end.upperBound]))
            #expect(query.header.columns.contains { $0.name == "by_value" })
        }
        #expect(clauses.count == 1)
        for query in NamedQueries.all {
            for option in query.header.options where ["p1", "p2", "p3", "p4", "top"].contains(option.name) {
                #expect(query.sql.contains("coalesce(:\(option.name), \(option.fallback))"), "\(query.name)")
            }
        }
    }

    @Test func questionsAskTheViewOnly() {
        for query in NamedQueries.all {
            #expect(query.sql.contains("FROM facts\n"))
            #expect(!query.sql.contains("FROM fact\n") && !query.sql.contains("dimension"))
        }
    }

    @Test func twinsHaveTheSameHeader() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../queries").path
        for engine in ["duckdb", "clickhouse"] {
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(engine)").filter { $0.hasSuffix(".sql") }
            #expect(Set(files) == Set(NamedQueries.all.map { $0.name + ".sql" } + ["facts.sql"]))
            for query in NamedQueries.all {
                let text = try String(contentsOfFile: "\(folder)/\(engine)/\(query.name).sql", encoding: .utf8)
                #expect(NamedQuery(name: query.name, file: Array(text.utf8)).header == query.header, "\(engine) \(query.name)")
            }
        }
    }

    @Test func headersAreReadAsFarAsTheyGo() {
        let whole = """
            -- Mine.
            -- Question: Why?
            -- Note: one.
            -- Note: two.
            -- Parameters: the filters, and
            --   by model: the rows
            --   odd
            -- Columns:
            --   a count: how many: really
            --   b tokens/s: how fast
            -- Picture: line a b by c
            SELECT 1 -- Picture: latency
            """
        let header = NamedQuery(name: "mine", file: Array(whole.utf8)).header
        #expect(header.title == "Mine." && header.question == "Why?" && header.notes == ["one.", "two."])
        #expect(header.options.map(\.name) == ["by"] && header.options.map(\.fallback) == ["model"])
        #expect(header.columns.map(\.name) == ["a", "b"] && header.columns.map(\.unit) == ["count", "tokens/s"])
        #expect(header.columns.map(\.meaning) == ["how many: really", "how fast"])
        #expect(header.picture == .lines(axis: "a", value: "b", series: "c"))
        let poor = [
            "", "SELECT :x", "--", "-- Columns:\n--   \n--   :\nSELECT 1", "-- Picture: bars\n", "-- Picture: bars a b\n",
        ]
        for text in poor {
            let query = NamedQuery(name: "mine", file: Array(text.utf8))
            #expect(query.header.columns.isEmpty && query.header.picture == nil)
        }
        let used = NamedQuery(name: "m", file: Array("SELECT ':no', :yes -- :never\n, :yes, :also".utf8)).parameters
        #expect(used == ["yes", "also"])
    }
}
