// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
package import FactStore

extension Answers {
    /// Writes facts as JSON lines by start and id, with every key of `record.md`.
    ///
    /// - Parameters:
    ///   - filter: which exchanges.
    ///   - limit: at most so many; nil for all.
    ///   - store: the index.
    ///   - write: takes whole lines, some at a time.
    /// - Throws: `FactStoreError`, or what `write` throws.
    package static func writeExchanges(
        filter: FactFilter, limit: Int? = nil, store: FactStore, to write: ([UInt8]) throws -> Void
    ) throws {
        try writeLines(filter: filter, limit: limit, store: store, to: write) { fact, json in fact.write(to: &json)
        }
    }

    /// Writes the dump by which two indexes are compared: facts by start and id, without payload locations, then rollups (`record.md`,
    /// rebuild equality).
    ///
    /// - Parameters:
    ///   - store: the index.
    ///   - write: takes whole lines, some at a time.
    /// - Throws: `FactStoreError`, or what `write` throws.
    package static func writeDump(store: FactStore, to write: ([UInt8]) throws -> Void) throws {
        try writeLines(filter: FactFilter(), limit: nil, store: store, to: write) { fact, json in
            var whole = JSONWriter(capacity: 2_048)
            fact.write(to: &whole)
            guard let document = JSONDocument.read(whole.bytes) else { return json.null() }
            json.beginObject()
            for (key, value) in document.root.members where !isPlace(key) {
                json.key(key.string ?? "")
                json.raw(value.lexeme)
            }
            json.endObject()
        }
        try writeRollups(store: store, to: write)
    }

    /// Adds the rollups to the dump: one line a cell, its dimensions as text.
    private static func writeRollups(store: FactStore, to write: ([UInt8]) throws -> Void) throws {
        var json = JSONWriter(capacity: AnswersLimits.chunkBytes * 2)
        try store.forEachRollup { names, values in
            json.beginObject()
            for (name, value) in zip(names, values) {
                json.key(name)
                if let number = value.integer { json.value(number) } else { json.value(value.text) }
            }
            json.endObject()
            json.newline()
            guard json.bytes.count >= AnswersLimits.chunkBytes else { return }
            try write(json.bytes)
            json = JSONWriter(capacity: AnswersLimits.chunkBytes * 2)
        }
        if !json.bytes.isEmpty { try write(json.bytes) }
    }

    private static func isPlace(_ key: JSONNode) -> Bool { key.equals("segment") || key.equals("frame") || key.equals("offset") }

    private static func writeLines(
        filter: FactFilter, limit: Int?, store: FactStore, to write: ([UInt8]) throws -> Void,
        line: (ExchangeFact, inout JSONWriter) -> Void
    ) throws {
        var json = JSONWriter(capacity: AnswersLimits.chunkBytes * 2)
        try store.forEachFact(filter, limit: limit) { fact in
            line(fact, &json)
            json.newline()
            guard json.bytes.count >= AnswersLimits.chunkBytes else { return }
            try write(json.bytes)
            json = JSONWriter(capacity: AnswersLimits.chunkBytes * 2)
        }
        if !json.bytes.isEmpty { try write(json.bytes) }
    }

    /// The newest exchanges as a table, newest first.
    ///
    /// - Parameters:
    ///   - filter: which exchanges.
    ///   - limit: at most so many.
    ///   - store: the index.
    /// - Returns: the table.
    /// - Throws: `FactStoreError`.
    package static func newestExchanges(filter: FactFilter, limit: Int, store: FactStore) throws -> AnswerTable {
        let columns = [
            "started_at_us", "task", "provider", "model", "status", "outcome", "duration_us", "ttft_us", "input_tokens",
            "output_tokens", "id",
        ]
        let rows = try store.newestFacts(filter, limit: limit).map { fact in
            [
                .integer(fact.head.startedAtUs), .text(fact.head.attribution.task), .text(fact.head.provider),
                SQLValue(fact.reading.modelResponded ?? fact.reading.modelRequested), SQLValue(fact.head.status.map(Int64.init)),
                .text(fact.head.outcome.rawValue), SQLValue(fact.head.endedUs), SQLValue(fact.reading.ttftUs),
                SQLValue(fact.reading.usage.inputTotal), SQLValue(fact.reading.usage.outputTotal),
                .text(fact.head.id.description),
            ]
        }
        return AnswerTable(QueryResult(columns: columns, rows: rows))
    }
}
