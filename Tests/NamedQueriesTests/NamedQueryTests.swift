// SPDX-License-Identifier: Apache-2.0
import Foundation
import NamedQueries
import Testing

@Suite struct NamedQueryTests {
    @Test func everyQuestionSaysWhatItAnswers() {
        #expect(NamedQueries.all.map(\.name) == NamedQueries.all.map(\.name).sorted())
        for query in NamedQueries.all {
            #expect(query.sql.hasPrefix("-- \(query.summary)\n"))
            #expect(query.summary.hasSuffix(".") && query.summary.count > 20)
            #expect(NamedQueries.find(query.name) == query)
        }
        #expect(NamedQueries.find("nothing") == nil)
    }

    @Test func everyQuestionTakesTheSameFilters() throws {
        let filters = [
            "since_us", "until_us", "model", "provider", "task", "environment", "api", "status", "outcome", "key", "metadata",
        ]
        var clauses: Set<Substring> = []
        for query in NamedQueries.all {
            #expect(query.parameters == filters)
            let start = try #require(query.sql.range(of: "    WHERE (:since_us"))
            let end = try #require(query.sql.range(of: "held.value = wanted.value)))"))
            clauses.insert(query.sql[start.lowerBound..<end.upperBound])
        }
        #expect(clauses.count == 1)
    }

    @Test func questionsAskTheViewOnly() {
        for query in NamedQueries.all {
            #expect(query.sql.contains("FROM facts\n"))
            #expect(!query.sql.contains("FROM fact\n") && !query.sql.contains("dimension"))
        }
    }
}
